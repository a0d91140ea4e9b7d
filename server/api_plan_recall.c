/*
 * api_plan_recall.c - telling from the journal what a plan did.
 *
 * The lines of its basket stand behind one another. What its records had before
 * is not there, but it follows: they ended at their targets, and the moves lead
 * back from there.
 */
#include "core/journal.h"
#include "core/key.h"
#include "server/api_groups.h"
#include "server/api_plan.h"

typedef struct recall {
    rf_plan_call *plan;
    uint64_t basket;
    rf_status status;
    rf_error *err;
} recall;

static rf_status recall_place(recall *r, rf_bytes coordinates,
                              const rf_place **out)
{
    rf_place stored;
    bool hashed = false;
    rf_place *place = rf_call_alloc(r->plan->call, 1, sizeof *place);
    if (place == NULL) {
        return rf_plan__fail_memory(r->err);
    }
    rf_status status =
        rf_coordinates_read(coordinates, &stored, &hashed, r->err);
    *out = place;
    return status == RF_OK
               ? rf_plan__keep_groups(r->plan, &stored, place, r->err)
               : status;
}

static rf_status recall_move(recall *r, const rf_entry *entry,
                             rf_plan_move *out)
{
    rf_status status = recall_place(r, entry->coordinates, &out->place);
    if (status == RF_OK && entry->source.length > 0) {
        status = recall_place(r, entry->source, &out->source);
    }
    out->operation = entry->operation;
    out->quantity = entry->result.quantity;
    out->id.length = entry->id.length;
    out->id.bytes = rf_arena_copy(&r->plan->call->exchange->arena,
                                  entry->id.bytes, entry->id.length);
    return status == RF_OK && out->id.bytes == NULL
               ? rf_plan__fail_memory(r->err)
               : status;
}

static bool recall_entry(void *context, const rf_entry *entry)
{
    recall *r = context;
    rf_plan_call *p = r->plan;
    if (entry->result.basket != r->basket) {
        return false;
    }
    if (entry->operation == RF_OPERATION_PLAN) {
        return true;
    }
    if (p->move_count == RF_PLAN_RECORDS_MAX) {
        r->status = rf_fail(r->err, RF_E_STORAGE,
                            "the journal holds a basket that is too long");
        return false;
    }
    rf_plan_move *made = &p->moves[p->move_count++];
    *made = (rf_plan_move){0};
    r->status = recall_move(r, entry, made);
    if (entry->result.status != RF_OK &&
        entry->result.status != RF_E_BASKET_REFUSED) {
        p->outcome = entry->result;
        p->refused = made;
    }
    return r->status == RF_OK;
}

/* Add to what a record had before its moves. */
static rf_status undo_move(rf_plan_call *p, const rf_place *place,
                           rf_quantity quantity, rf_error *err)
{
    uint64_t hash = 0;
    rf_status status = rf_plan__hash(p, place, &hash, err);
    rf_plan_record *at = status == RF_OK ? rf_plan__find(p, hash, place) : NULL;
    if (status == RF_OK && at == NULL) {
        status = rf_plan__add(p, place, hash, &at, err);
    }
    if (status == RF_OK) {
        at->allocated += quantity;
    }
    return status;
}

/* The records end at their targets, those without one at nothing: go back from
 * there. */
static rf_status recall_records(rf_plan_call *p, rf_error *err)
{
    rf_status status = RF_OK;
    p->record_count = p->target_count;
    for (size_t i = 0; i < p->record_count; i++) {
        p->records[i]->allocated = p->records[i]->target;
    }
    for (size_t i = 0; i < p->move_count && status == RF_OK; i++) {
        const rf_plan_move *made = &p->moves[i];
        bool takes = made->operation == RF_OPERATION_UNALLOCATE;
        status = undo_move(p, made->place,
                           takes ? made->quantity : -made->quantity, err);
        if (status == RF_OK && made->source != NULL) {
            status = undo_move(p, made->source, made->quantity, err);
        }
    }
    return status;
}

static rf_status read_journal(rf_plan_call *p, recall *r, rf_error *err)
{
    rf_store *store = p->call->thread->api->options.store;
    rf_store_transaction *transaction = NULL;
    rf_status status =
        store->operations->begin(store, false, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    rf_journal_range range = {p->call->generation->environment, r->basket - 1};
    status = rf_journal_read(store, transaction, range, recall_entry, r, err);
    store->operations->abort(transaction);
    return status == RF_OK ? r->status : status;
}

rf_status rf_plan__recall(rf_plan_call *p, rf_error *err)
{
    recall r = {.plan = p,
                .basket = p->job.results[0].basket,
                .status = RF_OK,
                .err = err};
    p->outcome = p->job.results[0];
    p->move_count = 0;
    rf_status status = read_journal(p, &r, err);
    return status == RF_OK ? recall_records(p, err) : status;
}
