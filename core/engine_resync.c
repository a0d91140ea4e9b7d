/*
 * engine_resync.c - taking reservations away, product by product.
 *
 * Of each product the reservations of the chosen measures go first: their
 * records, their counts in the head, their ends, and what they hold out of the
 * totals of their rows. Then every row is made to have of these measures what
 * the records there come to, which is nothing, but for those that were made
 * since: what others posted to the measures goes, and who reserves meanwhile
 * keeps what he got. Everything is posted to all levels like any change.
 *
 * A step goes on where the last one stopped, which the job's record says, and
 * changes so many rows at most, each with an entry in the journal.
 */
#include "core/engine_resync.h"

#include "core/alloc.h"

#include <string.h>

#define LOOKS_PER_STEP 2000

static rf_status out_of_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
}

/* ---- Where it is ---- */

static void encode_position(const rf_resync_position *at, rf_buffer *out)
{
    rf_buffer_append_byte(out, (unsigned char)at->stage);
    rf_write_varint(out, at->product_length);
    rf_write_text(out,
                  (rf_text){(const char *)at->next.bytes, at->next.length});
}

static rf_status decode_position(rf_resync *self)
{
    rf_bytes stored = self->job->record.position;
    if (stored.length == 0) {
        self->at.stage = RF_RESYNC_COUNT;
        rf_key_environment(&self->at.next, self->environment->number);
        return RF_OK;
    }
    rf_reader reader = rf_reader_of(stored);
    unsigned at = rf_read_byte(&reader);
    self->at.product_length = rf_read_varint(&reader);
    rf_text next = rf_read_text(&reader);
    if (reader.failed || reader.at != reader.end || at < RF_RESYNC_COUNT ||
        at >= RF_RESYNC_DONE || next.length < 2 ||
        next.length > RF_STORE_KEY_MAX ||
        self->at.product_length > next.length ||
        (at >= RF_RESYNC_RECORDS && self->at.product_length < 2)) {
        return rf_fail(self->err, RF_E_STORAGE,
                       "the position of a job is damaged");
    }
    self->at.stage = (rf_resync_stage)at;
    self->at.next.length = (uint16_t)next.length;
    memcpy(self->at.next.bytes, next.bytes, next.length);
    return RF_OK;
}

/* ---- One step ---- */

static rf_status plan_rows(rf_resync *self)
{
    rf_status status = RF_OK;
    for (size_t i = 0; i < self->row_count && status == RF_OK; i++) {
        rf_resync_row *changed = &self->rows[i];
        status = rf_posting_plan(&self->engine->work, changed->organization,
                                 changed->product, &changed->place,
                                 &changed->posting, self->err);
    }
    return status == RF_OK ? rf_workset_load(self->engine->workset,
                                             self->transaction, self->err)
                           : status;
}

static rf_status journal_row(rf_resync *self, const rf_resync_row *changed)
{
    const rf_engine *engine = self->engine;
    char id[RF_JOB_ID_TEXT_MAX];
    size_t length = rf_job_id_print(&self->job->id, id);
    rf_entry entry = {
        .number = self->environment->last_number + 1,
        .at_ms = engine->work.now_ms,
        .operation = RF_OPERATION_RESYNC,
        .actor = self->job->record.actor,
        .id = {id, length},
        .organization = changed->organization,
        .product = changed->product,
        .coordinates = changed->coordinates,
        .movements = engine->work.movements,
        .movement_count = engine->work.movement_count,
        .code = RF_TEXT_EMPTY,
    };
    memcpy(entry.request_id, self->job->record.request_id,
           sizeof entry.request_id);
    return rf_engine__append(self->engine, self->environment, &entry,
                             self->err);
}

static rf_status post_row(rf_resync *self, rf_resync_row *changed)
{
    rf_work *work = &self->engine->work;
    rf_status status = RF_OK;
    rf_engine__begin_work(self->engine, self->environment);
    for (size_t i = 0; i < self->measure_count && status == RF_OK; i++) {
        if (changed->changes[i] != 0) {
            status =
                rf_posting_apply(work, &changed->posting, self->measures[i],
                                 changed->changes[i], self->err);
        }
    }
    if (status != RF_OK || work->movement_count == 0) {
        return status;
    }
    rf_posting_note_totals(work, &changed->posting);
    return journal_row(self, changed);
}

static rf_status remove_one(rf_resync *self, const rf_removal *going)
{
    rf_work *work = &self->engine->work;
    rf_status status = rf_check_count(work, going->head, going->level,
                                      going->is_live, false, self->err);
    return status == RF_OK && going->due != NULL
               ? rf_workset_set_present(work->workset, going->due, false,
                                        self->err)
               : status;
}

static rf_status apply(rf_resync *self)
{
    rf_status status = plan_rows(self);
    for (size_t i = 0; i < self->row_count && status == RF_OK; i++) {
        status = post_row(self, &self->rows[i]);
    }
    for (size_t i = 0; i < self->removal_count && status == RF_OK; i++) {
        status = remove_one(self, &self->removals[i]);
    }
    return status == RF_OK
               ? rf_engine__delete_keys(self->engine, self->transaction,
                                        &self->keys, self->err)
               : status;
}

/* Enter in the job's record how far it is now. */
static rf_status note_position(rf_resync *self, rf_buffer *out)
{
    rf_job_record *record = &self->job->record;
    bool is_done = self->at.stage == RF_RESYNC_DONE;
    encode_position(&self->at, out);
    record->state = is_done ? RF_JOB_COMPLETED : RF_JOB_RUNNING;
    record->updated_ms = self->engine->work.now_ms;
    record->failures = 0;
    record->done = self->done;
    /* Products that are new since they were counted are not more than all. */
    record->total =
        is_done || self->done > self->total ? self->done : self->total;
    record->message = is_done ? rf_text_of("Job Completed") : RF_TEXT_EMPTY;
    record->progress =
        rf_text_of(is_done ? "all products are clean"
                   : self->at.stage == RF_RESYNC_COUNT ? "counting products"
                                                       : "cleaning products");
    record->position =
        (rf_bytes){(const unsigned char *)out->bytes, out->length};
    return rf_buffer_failed(out) ? out_of_memory(self->err) : RF_OK;
}

/* Do everything but the commit. */
static rf_status prepare(rf_resync *self, rf_buffer *position_out)
{
    rf_status status =
        rf_resync_decode(self->job->record.parameters, self->measures,
                         &self->measure_count, self->err);
    rf_engine__begin_work(self->engine, self->environment);
    if (status == RF_OK) {
        status = decode_position(self);
    }
    if (status == RF_OK) {
        status = rf_resync__collect(self);
    }
    if (status == RF_OK) {
        status = apply(self);
    }
    if (status == RF_OK) {
        status = note_position(self, position_out);
    }
    return status == RF_OK
               ? rf_engine__save_job(self->engine, self->transaction, self->err)
               : status;
}

static rf_status run(rf_resync *self, rf_buffer *position_out)
{
    rf_engine *engine = self->engine;
    rf_status status = rf_engine__begin(engine, &self->transaction, self->err);
    if (status != RF_OK) {
        return status;
    }
    status = prepare(self, position_out);
    if (status != RF_OK) {
        engine->store->operations->abort(self->transaction);
        rf_engine__take_back(engine, 0);
        return status;
    }
    return rf_engine__commit(engine, self->transaction, self->err);
}

rf_status rf_engine__resync_step(rf_engine *engine, rf_running_job *job,
                                 rf_error *err)
{
    const rf_job_record before = job->record;
    rf_buffer next = {0};
    rf_resync *self = rf_calloc(1, sizeof *self);
    if (self == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    self->engine = engine;
    self->job = job;
    self->environment = job->environment;
    self->done = before.done;
    self->total = before.total;
    self->looks = LOOKS_PER_STEP;
    self->err = err;
    rf_groups_init(&self->kept, 0);
    rf_status status = run(self, &next);
    if (status == RF_OK) {
        rf_buffer old = job->position;
        job->position = next;
        next = old;
    } else {
        job->record = before;
    }
    rf_buffer_done(&next);
    rf_buffer_done(&self->keys);
    rf_groups_done(&self->kept);
    rf_measures_done(&self->node.measures);
    rf_free(self);
    return status;
}
