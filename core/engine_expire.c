/*
 * engine_expire.c - ending holds whose time has come.
 *
 * Holds that end are found by their time, some hundreds in a transaction: the
 * quantity is taken out of every total, the record goes, and the journal tells
 * it. This happens before anything that could still count them: in front of a
 * batch, and when a reader asks for it.
 */
#include "core/alloc.h"
#include "core/engine_internal.h"

#include <string.h>

#define HOLDS_PER_STEP 256

/* After this time a hold that could not end is looked at again. */
#define POSTPONED_MS (INT64_C(3600) * 1000)

/* What one step found. */
typedef struct sweep {
    rf_engine *engine;
    rf_environment *environment;
    int64_t now_ms;
    rf_due_parts holds[HOLDS_PER_STEP];
    rf_key keys[HOLDS_PER_STEP]; /* the texts of `holds` lie here */
    rf_plan plans[HOLDS_PER_STEP];
    rf_place places[HOLDS_PER_STEP];
    size_t count;
    int64_t next_ms; /* when the first that stays ends */
    rf_status status;
    rf_error *err;
} sweep;

static bool visit_hold(void *context, rf_bytes key, rf_bytes value)
{
    sweep *self = context;
    rf_due_parts parts;
    (void)value;
    self->status = rf_key_read_due(key, &parts, self->err);
    if (self->status != RF_OK) {
        return false;
    }
    if (parts.at_ms > self->now_ms || self->count == HOLDS_PER_STEP) {
        self->next_ms = parts.at_ms;
        return false;
    }
    rf_key *kept = &self->keys[self->count];
    kept->length = (uint16_t)key.length;
    memcpy(kept->bytes, key.bytes, key.length);
    self->status = rf_key_read_due(rf_key_bytes(kept),
                                   &self->holds[self->count], self->err);
    self->count++;
    return self->status == RF_OK;
}

/* Find what has ended, and when the next one will. */
static rf_status find_holds(sweep *self, rf_store_transaction *transaction)
{
    rf_key from;
    rf_key to;
    rf_due_parts start = {.environment = self->environment->number};
    rf_key_due(&from, &start);
    rf_key_environment(&to, self->environment->number);
    bool bounded = rf_key_after_prefix(&to);
    self->next_ms = INT64_MAX;
    rf_store_range range = {RF_TABLE_DUE, rf_key_bytes(&from), {NULL, 0}};
    if (bounded) {
        range.to = rf_key_bytes(&to);
    }
    rf_status status = self->engine->store->operations->scan(
        transaction, &range, visit_hold, self, self->err);
    return status == RF_OK ? self->status : status;
}

/* Want a hold's record and marker, and the head of its product. */
static rf_status want_hold(sweep *self, size_t at)
{
    rf_work *work = &self->engine->work;
    const rf_due_parts *hold = &self->holds[at];
    rf_plan *plan = &self->plans[at];
    rf_key key;
    rf_key_product(&key, hold->environment, hold->organization, hold->product);
    rf_key head;
    rf_key_copy(&head, &key);
    rf_key_head(&head);
    rf_key_reservation(&key, hold->reservation);
    *plan = (rf_plan){.reservation_id = hold->reservation};
    plan->due = rf_work_due(work, hold);
    plan->head =
        rf_workset_want(work->workset, RF_TABLE_STOCK, RF_RECORD_HEAD, &head);
    plan->reservation = rf_workset_want(work->workset, RF_TABLE_STOCK,
                                        RF_RECORD_RESERVATION, &key);
    return plan->due == NULL || plan->head == NULL || plan->reservation == NULL
               ? rf_fail(self->err, RF_E_NO_MEMORY, "out of memory")
               : RF_OK;
}

/* A marker that is left over ends nothing. */
static bool is_there(const sweep *self, size_t at)
{
    const rf_record *record = self->plans[at].reservation;
    return record->present &&
           record->as.reservation.expires_ms == self->holds[at].at_ms;
}

/* Want the nodes of a hold whose record is loaded. */
static rf_status want_nodes(sweep *self, size_t at)
{
    rf_plan *plan = &self->plans[at];
    const rf_due_parts *hold = &self->holds[at];
    bool hashed;
    if (!is_there(self, at)) {
        return RF_OK;
    }
    rf_status status =
        rf_coordinates_read(plan->reservation->as.reservation.coordinates,
                            &self->places[at], &hashed, self->err);
    return status == RF_OK
               ? rf_posting_plan(&self->engine->work, hold->organization,
                                 hold->product, &self->places[at],
                                 &plan->posting, self->err)
               : status;
}

static rf_status journal_end(sweep *self, size_t at,
                             const rf_reservation *ended)
{
    rf_engine *engine = self->engine;
    const rf_due_parts *hold = &self->holds[at];
    rf_entry entry = {
        .number = self->environment->last_number + 1,
        .at_ms = self->now_ms,
        .operation = RF_OPERATION_EXPIRE,
        .actor = rf_text_of("system"),
        .id = RF_TEXT_EMPTY,
        .organization = hold->organization,
        .product = hold->product,
        .coordinates = ended->coordinates,
        .movements = engine->work.movements,
        .movement_count = engine->work.movement_count,
        .code = RF_TEXT_EMPTY,
        .result = {.quantity = ended->quantity,
                   .reservation = hold->reservation,
                   .reservation_created = ended->created_number},
    };
    return rf_engine__append(engine, self->environment, &entry, self->err);
}

/* Give a hold's quantity back everywhere, and tell the journal. */
static rf_status give_back(sweep *self, size_t at)
{
    rf_engine *engine = self->engine;
    rf_plan *plan = &self->plans[at];
    const rf_reservation ended = plan->reservation->as.reservation;
    rf_status status = rf_reservation_change(&engine->work, plan, &ended,
                                             -ended.quantity, self->err);
    if (status == RF_OK) {
        status = rf_posting_apply(&engine->work, &plan->posting, ended.measure,
                                  -ended.quantity, self->err);
    }
    if (status == RF_OK) {
        rf_posting_note_totals(&engine->work, &plan->posting);
        status = journal_end(self, at, &ended);
    }
    return status;
}

/* Where a total has no room for what comes back, the hold has to stay: it ends
 * later, so that one such total does not keep all others from ending. */
static rf_status postpone(sweep *self, size_t at)
{
    rf_engine *engine = self->engine;
    const rf_plan *plan = &self->plans[at];
    rf_reservation later = plan->reservation->as.reservation;
    rf_due_parts parts = self->holds[at];
    later.expires_ms = self->now_ms + POSTPONED_MS;
    parts.at_ms = later.expires_ms;
    rf_record *marker = rf_work_due(&engine->work, &parts);
    if (marker == NULL) {
        return rf_fail(self->err, RF_E_NO_MEMORY, "out of memory");
    }
    if (later.expires_ms < self->next_ms) {
        self->next_ms = later.expires_ms;
    }
    rf_status status =
        rf_workset_set_present(engine->workset, marker, true, self->err);
    return status == RF_OK
               ? rf_workset_set_reservation(engine->workset, plan->reservation,
                                            &later, self->err)
               : status;
}

static rf_status end_hold(sweep *self, size_t at)
{
    rf_engine *engine = self->engine;
    rf_engine__begin_work(engine, self->environment);
    rf_status status = rf_workset_set_present(
        engine->workset, self->plans[at].due, false, self->err);
    if (status != RF_OK || !is_there(self, at)) {
        return status;
    }
    size_t mark = rf_workset_mark(engine->workset);
    status = give_back(self, at);
    if (status == RF_E_QUANTITY_OVERFLOW) {
        rf_workset_undo(engine->workset, mark);
        status = postpone(self, at);
    }
    return status;
}

typedef rf_status hold_step(sweep *self, size_t at);

static rf_status each_hold(sweep *self, hold_step *step)
{
    rf_status status = RF_OK;
    for (size_t i = 0; i < self->count && status == RF_OK; i++) {
        status = step(self, i);
    }
    return status;
}

static rf_status end_holds(sweep *self, rf_store_transaction *transaction)
{
    rf_workset *workset = self->engine->workset;
    rf_status status = each_hold(self, want_hold);
    if (status == RF_OK) {
        status = rf_workset_load(workset, transaction, self->err);
    }
    if (status == RF_OK) {
        status = each_hold(self, want_nodes);
    }
    if (status == RF_OK) {
        status = rf_workset_load(workset, transaction, self->err);
    }
    return status == RF_OK ? each_hold(self, end_hold) : status;
}

/* Find and end some holds in one transaction. */
static rf_status run_sweep(sweep *self)
{
    rf_engine *engine = self->engine;
    rf_store_transaction *transaction = NULL;
    rf_status status = rf_engine__begin(engine, &transaction, self->err);
    if (status != RF_OK) {
        return status;
    }
    rf_engine__begin_work(engine, self->environment);
    engine->work.now_ms = self->now_ms;
    status = find_holds(self, transaction);
    if (status == RF_OK) {
        status = end_holds(self, transaction);
    }
    if (status != RF_OK || self->count == 0) {
        engine->store->operations->abort(transaction);
        rf_engine__take_back(engine, 0);
        return status;
    }
    return rf_engine__commit(engine, transaction, self->err);
}

rf_status rf_engine__expire_step(rf_engine *engine, rf_environment *environment,
                                 int64_t now_ms, rf_error *err)
{
    sweep *self = rf_calloc(1, sizeof *self);
    if (self == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    self->engine = engine;
    self->environment = environment;
    self->now_ms = now_ms;
    self->err = err;
    rf_status status = run_sweep(self);
    if (status == RF_OK) {
        rf_due_set(environment->due, self->next_ms);
    }
    rf_free(self);
    return status;
}

rf_status rf_engine__expire(rf_engine *engine, rf_environment *environment,
                            int64_t now_ms, rf_error *err)
{
    while (rf_due_is_past(environment->due, now_ms)) {
        rf_status status =
            rf_engine__expire_step(engine, environment, now_ms, err);
        if (status == RF_E_STORAGE_FULL) {
            rf_error ignored;
            status = engine->store->operations->grow(engine->store, &ignored) ==
                             RF_OK
                         ? RF_OK
                         : status;
        }
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}
