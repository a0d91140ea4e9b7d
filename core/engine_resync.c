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
#include "core/alloc.h"
#include "core/engine_internal.h"
#include "core/groups.h"
#include "core/slice.h"

#include <string.h>

#define ROWS_PER_STEP 100
#define REMOVALS_PER_STEP 200
#define LOOKS_PER_STEP 2000

/* The numbers are stored in jobs: append only. */
typedef enum {
    STAGE_COUNT = 1,   /* how many products there are */
    STAGE_FIND = 2,    /* the next product */
    STAGE_RECORDS = 3, /* its reservations */
    STAGE_ROWS = 4,    /* its rows */
    STAGE_DONE = 5
} stage;

typedef struct position {
    stage stage;
    size_t product_length; /* of `next`, that is the product's */
    rf_key next;           /* where to go on */
} position;

/* A row that is going to change; everything is in the workset's arena. */
typedef struct row {
    rf_text organization;
    rf_text product;
    rf_bytes coordinates;
    rf_place place;
    rf_posting posting;
    rf_quantity *changes; /* one for each of the measures */
} row;

/* A reservation that is going to go. */
typedef struct removal {
    rf_record *head;
    rf_level level;
    bool is_live;
    rf_record *due; /* NULL: it does not end */
} removal;

typedef struct resync {
    rf_engine *engine;
    rf_running_job *job;
    rf_environment *environment;
    rf_store_transaction *transaction;
    position at;
    uint64_t done;
    uint64_t total;
    rf_measure measures[RF_RESYNC_MEASURES_MAX];
    size_t measure_count;
    size_t looks;         /* how many more keys may be looked at */
    bool is_stopped;      /* the step has enough */
    rf_text organization; /* of the product at hand */
    rf_text product;
    rf_record *head;
    size_t first_row; /* of that product */
    bool has_kept;
    rf_groups kept; /* what its records come to, as stored */
    rf_node node;
    row rows[ROWS_PER_STEP];
    size_t row_count;
    removal removals[REMOVALS_PER_STEP];
    size_t removal_count;
    rf_buffer keys; /* of the records that go */
    rf_status status;
    rf_error *err;
} resync;

static rf_status out_of_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
}

/* ---- Where it is ---- */

static void encode_position(const position *at, rf_buffer *out)
{
    rf_buffer_append_byte(out, (unsigned char)at->stage);
    rf_write_varint(out, at->product_length);
    rf_write_text(out,
                  (rf_text){(const char *)at->next.bytes, at->next.length});
}

static rf_status decode_position(resync *self)
{
    rf_bytes stored = self->job->record.position;
    if (stored.length == 0) {
        self->at.stage = STAGE_COUNT;
        rf_key_environment(&self->at.next, self->environment->number);
        return RF_OK;
    }
    rf_reader reader = rf_reader_of(stored);
    unsigned at = rf_read_byte(&reader);
    self->at.product_length = rf_read_varint(&reader);
    rf_text next = rf_read_text(&reader);
    if (reader.failed || reader.at != reader.end || at < STAGE_COUNT ||
        at >= STAGE_DONE || next.length < 2 || next.length > RF_STORE_KEY_MAX ||
        self->at.product_length > next.length ||
        (at >= STAGE_RECORDS && self->at.product_length < 2)) {
        return rf_fail(self->err, RF_E_STORAGE,
                       "the position of a job is damaged");
    }
    self->at.stage = (stage)at;
    self->at.next.length = (uint16_t)next.length;
    memcpy(self->at.next.bytes, next.bytes, next.length);
    return RF_OK;
}

/* Make a key that starts with the product at hand. */
static rf_key product_key(const resync *self)
{
    rf_key key = {.length = (uint16_t)self->at.product_length};
    memcpy(key.bytes, self->at.next.bytes, key.length);
    return key;
}

static rf_key records_key(const resync *self)
{
    rf_key key = product_key(self);
    key.bytes[key.length++] = RF_KEY_RESERVATION;
    return key;
}

static rf_key rows_key(const resync *self)
{
    rf_key key = product_key(self);
    rf_key_level(
        &key,
        rf_environment_active_level(self->environment, RF_LEVEL_LEAF)->number);
    return key;
}

static void go_to(resync *self, stage next, rf_key key)
{
    self->at.stage = next;
    self->at.next = key;
}

/* Go behind the product at hand. */
static void leave_product(resync *self, stage next)
{
    rf_key key = product_key(self);
    key.bytes[key.length++] = RF_KEY_END;
    go_to(self, next, key);
}

static void spend_look(resync *self)
{
    self->looks -= self->looks > 0 ? 1 : 0;
    self->is_stopped = self->is_stopped || self->looks == 0;
}

/* Remember a failure of a visit, which ends its scan. */
static bool fail_visit(resync *self, rf_status status)
{
    self->status = status;
    return false;
}

static rf_status scan(resync *self, const rf_key *prefix, const rf_key *next,
                      rf_store_visit *visit)
{
    rf_status status =
        rf_slice_scan(self->engine->store, self->transaction,
                      &(rf_slice_range){prefix, next}, visit, self, self->err);
    return status == RF_OK ? self->status : status;
}

/* ---- Finding products ---- */

/* Read which product the key at hand is of. */
static rf_status enter_product(resync *self)
{
    rf_arena *arena = rf_workset_arena(self->engine->workset);
    rf_reader reader = rf_reader_of(
        (rf_bytes){self->at.next.bytes + 2, self->at.product_length - 2});
    rf_text organization = rf_read_short_text(&reader);
    rf_text product = rf_read_short_text(&reader);
    if (reader.failed || reader.at != reader.end) {
        return rf_fail(self->err, RF_E_STORAGE,
                       "the position of a job is damaged");
    }
    self->organization =
        (rf_text){rf_arena_copy(arena, organization.bytes, organization.length),
                  organization.length};
    self->product = (rf_text){
        rf_arena_copy(arena, product.bytes, product.length), product.length};
    self->first_row = self->row_count;
    self->has_kept = false;
    rf_key key = product_key(self);
    self->head = rf_check_want_head(&self->engine->work, &key);
    return self->organization.bytes == NULL || self->product.bytes == NULL ||
                   self->head == NULL
               ? out_of_memory(self->err)
               : RF_OK;
}

static bool take_first(void *context, rf_bytes key, rf_bytes value)
{
    resync *self = context;
    rf_key_parts parts;
    (void)value;
    rf_status status = rf_key_read(key, &parts, self->err);
    if (status != RF_OK) {
        return fail_visit(self, status);
    }
    rf_key_product(&self->at.next, parts.environment, parts.organization,
                   parts.product);
    self->at.product_length = self->at.next.length;
    return false;
}

/* Go to the next product, to count it or to clean it; behind the last one the
 * counting is over, or all is. */
static rf_status find_product(resync *self)
{
    bool counts = self->at.stage == STAGE_COUNT;
    rf_key all;
    rf_key_environment(&all, self->environment->number);
    rf_key from = self->at.next;
    self->at.product_length = 0;
    spend_look(self);
    rf_status status = scan(self, &all, &from, take_first);
    if (status != RF_OK) {
        return status;
    }
    if (self->at.product_length == 0) {
        go_to(self, counts ? STAGE_FIND : STAGE_DONE, all);
    } else if (counts) {
        self->total++;
        leave_product(self, STAGE_COUNT);
    } else {
        status = enter_product(self);
        go_to(self, STAGE_RECORDS, records_key(self));
    }
    return status;
}

/* ---- What is to change ---- */

static int find_measure(const resync *self, rf_measure measure)
{
    for (size_t i = 0; i < self->measure_count; i++) {
        if (self->measures[i] == measure) {
            return (int)i;
        }
    }
    return -1;
}

static rf_status start_row(resync *self, rf_bytes coordinates, row *out)
{
    bool hashed = false;
    rf_arena *arena = rf_workset_arena(self->engine->workset);
    const void *copy =
        rf_arena_copy(arena, coordinates.bytes, coordinates.length);
    *out = (row){.organization = self->organization,
                 .product = self->product,
                 .coordinates = {copy, coordinates.length},
                 .changes = rf_arena_calloc(arena, self->measure_count + 1,
                                            sizeof *out->changes)};
    if (copy == NULL || out->changes == NULL) {
        return out_of_memory(self->err);
    }
    return rf_coordinates_read(out->coordinates, &out->place, &hashed,
                               self->err);
}

/* Find the row at some coordinates of the product at hand, or begin it. NULL:
 * the step has enough rows, or `status` says what is wrong. */
static row *find_row(resync *self, rf_bytes coordinates)
{
    for (size_t i = self->first_row; i < self->row_count; i++) {
        row *known = &self->rows[i];
        if (known->coordinates.length == coordinates.length &&
            memcmp(known->coordinates.bytes, coordinates.bytes,
                   coordinates.length) == 0) {
            return known;
        }
    }
    if (self->row_count == ROWS_PER_STEP) {
        self->is_stopped = true;
        return NULL;
    }
    row *started = &self->rows[self->row_count];
    self->status = start_row(self, coordinates, started);
    if (self->status != RF_OK) {
        return NULL;
    }
    self->row_count++;
    return started;
}

/* Change one measure of a row by `to` less `from`. */
static void change_row(resync *self, const row *changed, size_t measure,
                       rf_quantity to, rf_quantity from)
{
    rf_quantity delta;
    rf_quantity *change = &changed->changes[measure];
    if (!rf_quantity_subtract(to, from, &delta) ||
        !rf_quantity_add(*change, delta, change)) {
        self->status = rf_fail(self->err, RF_E_QUANTITY_OVERFLOW,
                               "the change is beyond what can be stored");
    }
}

/* ---- Reservations ---- */

static rf_status note_removal(resync *self, rf_bytes key,
                              const rf_reservation *reservation)
{
    rf_key_parts parts;
    removal *going = &self->removals[self->removal_count];
    rf_status status = rf_key_read(key, &parts, self->err);
    if (status != RF_OK) {
        return status;
    }
    *going = (removal){.head = self->head,
                       .level = reservation->level,
                       .is_live = reservation->quantity > 0};
    if (reservation->expires_ms != 0) {
        going->due =
            rf_work_due(&self->engine->work,
                        &(rf_due_parts){.environment = parts.environment,
                                        .at_ms = reservation->expires_ms,
                                        .organization = parts.organization,
                                        .product = parts.product,
                                        .reservation = parts.reservation});
        if (going->due == NULL) {
            return out_of_memory(self->err);
        }
    }
    self->removal_count++;
    rf_write_text(&self->keys, (rf_text){(const char *)key.bytes, key.length});
    return rf_buffer_failed(&self->keys) ? out_of_memory(self->err) : RF_OK;
}

/* Take what a reservation holds out of its row. false: there is no room in this
 * step for one more, or `status` says what is wrong. */
static bool take_out(resync *self, const rf_reservation *reservation,
                     size_t measure)
{
    if (self->removal_count == REMOVALS_PER_STEP) {
        self->is_stopped = true;
        return false;
    }
    if (reservation->quantity == 0) {
        return true;
    }
    const row *changed = find_row(self, reservation->coordinates);
    if (changed == NULL) {
        return false;
    }
    change_row(self, changed, measure, 0, reservation->quantity);
    return self->status == RF_OK;
}

static bool visit_reservation(void *context, rf_bytes key, rf_bytes value)
{
    resync *self = context;
    rf_reservation reservation;
    self->status = rf_reservation_decode(value, &reservation, self->err);
    if (self->status != RF_OK) {
        return false;
    }
    int measure = find_measure(self, reservation.measure);
    if (measure >= 0) {
        if (!take_out(self, &reservation, (size_t)measure)) {
            return false;
        }
        self->status = note_removal(self, key, &reservation);
    }
    rf_slice_behind(&self->at.next, key);
    spend_look(self);
    return self->status == RF_OK && !self->is_stopped;
}

static rf_status clean_records(resync *self)
{
    rf_key prefix = records_key(self);
    rf_key from = self->at.next;
    rf_status status = scan(self, &prefix, &from, visit_reservation);
    if (status == RF_OK && !self->is_stopped) {
        go_to(self, STAGE_ROWS, rows_key(self));
    }
    return status;
}

/* ---- Rows ---- */

static bool visit_kept(void *context, rf_bytes key, rf_bytes value)
{
    resync *self = context;
    rf_reservation reservation;
    rf_place place;
    bool hashed;
    (void)key;
    rf_status status = rf_reservation_decode(value, &reservation, self->err);
    if (status == RF_OK) {
        status = rf_coordinates_read(reservation.coordinates, &place, &hashed,
                                     self->err);
    }
    if (status == RF_OK && find_measure(self, reservation.measure) >= 0) {
        rf_amount amount = {reservation.measure, reservation.quantity};
        rf_measures held = {&amount, 1, 1};
        status =
            rf_groups_add(&self->kept, RF_LEVEL_LEAF, &place, &held, self->err);
    }
    return status == RF_OK ? true : fail_visit(self, status);
}

/* Add up what the product's records hold. Those that go in this step are still
 * there: what they hold is still in their rows, too. */
static rf_status add_up_kept(resync *self)
{
    rf_key prefix = records_key(self);
    if (self->has_kept) {
        return RF_OK;
    }
    rf_groups_clear(&self->kept);
    self->has_kept = true;
    return scan(self, &prefix, &prefix, visit_kept);
}

/* Bring a row to what its records come to. false: as take_out. */
static bool level_row(resync *self, rf_bytes coordinates)
{
    const rf_group *group = rf_groups_find(&self->kept, coordinates);
    for (size_t i = 0; i < self->measure_count && self->status == RF_OK; i++) {
        rf_quantity stored =
            rf_measures_get(&self->node.measures, self->measures[i]);
        rf_quantity kept = group == NULL ? 0
                                         : rf_measures_get(&group->measures,
                                                           self->measures[i]);
        if (stored == kept) {
            continue;
        }
        const row *changed = find_row(self, coordinates);
        if (changed == NULL) {
            return false;
        }
        change_row(self, changed, i, kept, stored);
    }
    return self->status == RF_OK;
}

static bool visit_row(void *context, rf_bytes key, rf_bytes value)
{
    resync *self = context;
    rf_key_parts parts;
    self->status = rf_key_read(key, &parts, self->err);
    if (self->status == RF_OK) {
        self->status = rf_node_decode(value, &self->node, self->err);
    }
    if (self->status != RF_OK) {
        return false;
    }
    /* A key that is hashed has its coordinates in the value. */
    rf_bytes coordinates = self->node.coordinates.length > 0
                               ? self->node.coordinates
                               : parts.coordinates;
    if (!level_row(self, coordinates)) {
        return false;
    }
    rf_slice_behind(&self->at.next, key);
    spend_look(self);
    return !self->is_stopped;
}

static rf_status clean_rows(resync *self)
{
    rf_key prefix = rows_key(self);
    rf_key from = self->at.next;
    rf_status status = add_up_kept(self);
    if (status == RF_OK) {
        status = scan(self, &prefix, &from, visit_row);
    }
    if (status == RF_OK && !self->is_stopped) {
        self->done++;
        leave_product(self, STAGE_FIND);
    }
    return status;
}

/* ---- One step ---- */

/* Look for what is to change until there is enough of it. */
static rf_status collect(resync *self)
{
    rf_status status = RF_OK;
    if (self->at.stage == STAGE_RECORDS || self->at.stage == STAGE_ROWS) {
        status = enter_product(self);
    }
    while (status == RF_OK && !self->is_stopped &&
           self->at.stage != STAGE_DONE) {
        status = self->at.stage == STAGE_RECORDS ? clean_records(self)
                 : self->at.stage == STAGE_ROWS  ? clean_rows(self)
                                                 : find_product(self);
    }
    return status;
}

static rf_status plan_rows(resync *self)
{
    rf_status status = RF_OK;
    for (size_t i = 0; i < self->row_count && status == RF_OK; i++) {
        row *changed = &self->rows[i];
        status = rf_posting_plan(&self->engine->work, changed->organization,
                                 changed->product, &changed->place,
                                 &changed->posting, self->err);
    }
    return status == RF_OK ? rf_workset_load(self->engine->workset,
                                             self->transaction, self->err)
                           : status;
}

static rf_status journal_row(resync *self, const row *changed)
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

static rf_status post_row(resync *self, row *changed)
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

static rf_status remove_one(resync *self, const removal *going)
{
    rf_work *work = &self->engine->work;
    rf_status status = rf_check_count(work, going->head, going->level,
                                      going->is_live, false, self->err);
    return status == RF_OK && going->due != NULL
               ? rf_workset_set_present(work->workset, going->due, false,
                                        self->err)
               : status;
}

static rf_status apply(resync *self)
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
static rf_status note_position(resync *self, rf_buffer *out)
{
    rf_job_record *record = &self->job->record;
    bool is_done = self->at.stage == STAGE_DONE;
    encode_position(&self->at, out);
    record->state = is_done ? RF_JOB_COMPLETED : RF_JOB_RUNNING;
    record->updated_ms = self->engine->work.now_ms;
    record->done = self->done;
    /* Products that are new since they were counted are not more than all. */
    record->total =
        is_done || self->done > self->total ? self->done : self->total;
    record->message = is_done ? rf_text_of("Job Completed") : RF_TEXT_EMPTY;
    record->progress =
        rf_text_of(is_done                         ? "all products are clean"
                   : self->at.stage == STAGE_COUNT ? "counting products"
                                                   : "cleaning products");
    record->position =
        (rf_bytes){(const unsigned char *)out->bytes, out->length};
    return rf_buffer_failed(out) ? out_of_memory(self->err) : RF_OK;
}

/* Do everything but the commit. */
static rf_status prepare(resync *self, rf_buffer *position_out)
{
    rf_status status =
        rf_resync_decode(self->job->record.parameters, self->measures,
                         &self->measure_count, self->err);
    rf_engine__begin_work(self->engine, self->environment);
    if (status == RF_OK) {
        status = decode_position(self);
    }
    if (status == RF_OK) {
        status = collect(self);
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

static rf_status run(resync *self, rf_buffer *position_out)
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
    resync *self = rf_calloc(1, sizeof *self);
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
