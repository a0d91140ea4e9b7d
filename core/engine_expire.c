/*
 * engine_expire.c - doing what is due: ending holds, posting adjustments.
 *
 * What is due is found by its time, some hundreds in a transaction. Of a hold
 * the quantity is taken out of every total, the record goes, and the journal
 * tells it; engine_staged.c posts adjustments. This happens before anything
 * that could tell the difference: in front of a batch, and when a reader asks
 * for it.
 */
#include "core/alloc.h"
#include "core/engine_internal.h"

#include <string.h>

#define ITEMS_PER_STEP 256

/* After this time a hold that could not end is looked at again. */
#define POSTPONED_MS (INT64_C(3600) * 1000)

/* What one step found. */
typedef struct sweep {
    rf_engine *engine;
    rf_environment *environment;
    int64_t now_ms;
    rf_due_item items[ITEMS_PER_STEP];
    size_t count;
    int64_t next_ms; /* when the first that stays is due */
    rf_status status;
    rf_error *err;
} sweep;

/* Read what an adjustment's marker holds, which the scan only lends. */
static rf_status take_staged(sweep *self, rf_due_item *item, rf_bytes value)
{
    const void *copy = rf_arena_copy(rf_workset_arena(self->engine->workset),
                                     value.bytes, value.length);
    return copy == NULL ? rf_fail(self->err, RF_E_NO_MEMORY, "out of memory")
                        : rf_staged_decode((rf_bytes){copy, value.length},
                                           &item->staged, self->err);
}

static rf_status take_item(sweep *self, rf_bytes key, rf_bytes value)
{
    rf_due_item *item = &self->items[self->count];
    item->key.length = (uint16_t)key.length;
    memcpy(item->key.bytes, key.bytes, key.length);
    rf_status status =
        rf_key_read_due(rf_key_bytes(&item->key), &item->parts, self->err);
    if (status == RF_OK && item->parts.kind == RF_DUE_ADJUSTMENT) {
        status = take_staged(self, item, value);
    }
    self->count++;
    return status;
}

static bool visit_item(void *context, rf_bytes key, rf_bytes value)
{
    sweep *self = context;
    rf_due_parts parts;
    self->status = rf_key_read_due(key, &parts, self->err);
    if (self->status != RF_OK) {
        return false;
    }
    if (parts.at_ms > self->now_ms || self->count == ITEMS_PER_STEP) {
        self->next_ms = parts.at_ms;
        return false;
    }
    self->status = take_item(self, key, value);
    return self->status == RF_OK;
}

/* Find what is due, and when the next thing will be. */
static rf_status find_items(sweep *self, rf_store_transaction *transaction)
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
        transaction, &range, visit_item, self, self->err);
    return status == RF_OK ? self->status : status;
}

/* Want a hold's record and marker, and the head of its product. */
static rf_status want_hold(sweep *self, rf_due_item *item)
{
    rf_work *work = &self->engine->work;
    const rf_due_parts *hold = &item->parts;
    rf_plan *plan = &item->plan;
    rf_key key;
    rf_key_product(&key, hold->environment, hold->organization, hold->product);
    plan->head = rf_check_want_head(work, &key);
    rf_key_reservation(&key, hold->reservation);
    plan->reservation_id = hold->reservation;
    plan->due = rf_work_due(work, hold);
    plan->reservation = rf_workset_want(work->workset, RF_TABLE_STOCK,
                                        RF_RECORD_RESERVATION, &key);
    return plan->due == NULL || plan->head == NULL || plan->reservation == NULL
               ? rf_fail(self->err, RF_E_NO_MEMORY, "out of memory")
               : RF_OK;
}

static rf_status want_item(sweep *self, rf_due_item *item)
{
    return item->parts.kind == RF_DUE_ADJUSTMENT
               ? rf_engine__want_staged(self->engine, item, self->err)
               : want_hold(self, item);
}

/* A marker that is left over ends nothing. */
static bool is_there(const rf_due_item *item)
{
    const rf_record *record = item->plan.reservation;
    return record->present &&
           record->as.reservation.expires_ms == item->parts.at_ms;
}

/* Want the nodes of a hold whose record is loaded. */
static rf_status want_nodes(sweep *self, rf_due_item *item)
{
    rf_plan *plan = &item->plan;
    bool hashed;
    if (item->parts.kind != RF_DUE_HOLD || !is_there(item)) {
        return RF_OK;
    }
    rf_status status =
        rf_coordinates_read(plan->reservation->as.reservation.coordinates,
                            &item->place, &hashed, self->err);
    return status == RF_OK
               ? rf_posting_plan(&self->engine->work, item->parts.organization,
                                 item->parts.product, &item->place,
                                 &plan->posting, self->err)
               : status;
}

static rf_status journal_end(sweep *self, const rf_due_item *item,
                             const rf_reservation *ended)
{
    rf_engine *engine = self->engine;
    const rf_due_parts *hold = &item->parts;
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
static rf_status give_back(sweep *self, rf_due_item *item)
{
    rf_engine *engine = self->engine;
    rf_plan *plan = &item->plan;
    const rf_reservation ended = plan->reservation->as.reservation;
    rf_status status = rf_reservation_change(&engine->work, plan, &ended,
                                             -ended.quantity, self->err);
    if (status == RF_OK) {
        status = rf_posting_apply(&engine->work, &plan->posting, ended.measure,
                                  -ended.quantity, self->err);
    }
    if (status == RF_OK) {
        rf_posting_note_totals(&engine->work, &plan->posting);
        status = journal_end(self, item, &ended);
    }
    return status;
}

/* Where a total has no room for what comes back, the hold has to stay: it ends
 * later, so that one such total does not keep all others from ending. */
static rf_status postpone(sweep *self, const rf_due_item *item)
{
    rf_engine *engine = self->engine;
    const rf_plan *plan = &item->plan;
    rf_reservation later = plan->reservation->as.reservation;
    rf_due_parts parts = item->parts;
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

static rf_status end_hold(sweep *self, rf_due_item *item)
{
    rf_engine *engine = self->engine;
    rf_engine__begin_work(engine, self->environment);
    rf_status status = rf_workset_set_present(engine->workset, item->plan.due,
                                              false, self->err);
    if (status != RF_OK || !is_there(item)) {
        return status;
    }
    size_t mark = rf_workset_mark(engine->workset);
    status = give_back(self, item);
    if (status == RF_E_QUANTITY_OVERFLOW) {
        rf_workset_undo(engine->workset, mark);
        status = postpone(self, item);
    }
    return status;
}

static rf_status do_item(sweep *self, rf_due_item *item)
{
    return item->parts.kind == RF_DUE_ADJUSTMENT
               ? rf_engine__post_staged(self->engine, self->environment, item,
                                        self->err)
               : end_hold(self, item);
}

typedef rf_status item_step(sweep *self, rf_due_item *item);

static rf_status each_item(sweep *self, item_step *step)
{
    rf_status status = RF_OK;
    for (size_t i = 0; i < self->count && status == RF_OK; i++) {
        status = step(self, &self->items[i]);
    }
    return status;
}

static rf_status do_items(sweep *self, rf_store_transaction *transaction)
{
    rf_workset *workset = self->engine->workset;
    rf_status status = each_item(self, want_item);
    if (status == RF_OK) {
        status = rf_workset_load(workset, transaction, self->err);
    }
    if (status == RF_OK) {
        status = each_item(self, want_nodes);
    }
    if (status == RF_OK) {
        status = rf_workset_load(workset, transaction, self->err);
    }
    return status == RF_OK ? each_item(self, do_item) : status;
}

/* Find and do some of what is due in one transaction. */
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
    status = find_items(self, transaction);
    if (status == RF_OK) {
        status = do_items(self, transaction);
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
