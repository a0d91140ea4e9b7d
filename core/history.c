/*
 * history.c - picking entries out of the journal.
 */
#include "core/history.h"

#include "core/key.h"
#include "core/slice.h"

typedef struct slicing {
    rf_history *history;
    rf_slice slice;
    rf_entry_visit *visit;
    void *context;
    rf_status status;
    rf_error *err;
    bool stopped; /* by the slice, the looks, the visit or a failure */
    rf_movement movements[RF_MOVEMENTS_MAX];
} slicing;

static bool is_wanted(rf_text wanted, rf_text text)
{
    return wanted.length == 0 || rf_text_equal(wanted, text);
}

/* Say whether an entry is of the right time and product, without decoding it;
 * one that makes no sense is decoded, which will tell what is wrong with it. */
static bool may_be_wanted(const rf_history_filter *filter, rf_bytes value)
{
    int64_t at_ms;
    uint64_t id_hash;
    rf_text organization;
    rf_text product;
    if (filter->has_span && rf_entry_peek(value, &at_ms, &id_hash) &&
        (at_ms < filter->from_ms || at_ms >= filter->end_ms)) {
        return false;
    }
    return !rf_entry_peek_product(value, &organization, &product) ||
           (is_wanted(filter->product, product) &&
            is_wanted(filter->organization, organization));
}

static bool touches(const rf_history_filter *filter, const rf_entry *entry)
{
    for (size_t i = 0; i < entry->movement_count; i++) {
        for (size_t j = 0; j < filter->measure_count; j++) {
            if (entry->movements[i].measure == filter->measures[j]) {
                return true;
            }
        }
    }
    return !filter->has_measures;
}

/* Decode an entry of the product and look at the rest. */
static rf_status pick(slicing *s, uint64_t number, rf_bytes value,
                      rf_entry *entry, bool *wanted)
{
    const rf_history_filter *filter = s->history->filter;
    rf_place place = {0};
    bool hashed = false;
    rf_status status =
        rf_entry_decode(value, number, s->movements, entry, s->err);
    if (status == RF_OK) {
        status =
            rf_coordinates_read(entry->coordinates, &place, &hashed, s->err);
    }
    *wanted = status == RF_OK &&
              (!filter->has_succeeded || entry->code.length == 0) &&
              rf_place_agrees(&place, filter->place, filter->place->given) &&
              touches(filter, entry);
    return status;
}

static bool look_at(void *argument, rf_bytes key, rf_bytes value)
{
    slicing *s = argument;
    rf_history *history = s->history;
    rf_entry entry;
    bool wanted = false;
    uint64_t number = rf_key_journal_number(key);
    if (s->slice.is_over || history->looks == 0) {
        s->stopped = true;
        return false;
    }
    if (may_be_wanted(history->filter, value)) {
        s->status = pick(s, number, value, &entry, &wanted);
    }
    if (s->status != RF_OK || (wanted && !s->visit(s->context, &entry))) {
        s->stopped = true;
        return false;
    }
    history->after = number;
    history->looks--;
    (void)rf_slice_spend(&s->slice);
    return true;
}

static rf_status scan(slicing *s, rf_store *store,
                      rf_store_transaction *transaction)
{
    rf_history *history = s->history;
    uint16_t environment = history->filter->environment;
    uint64_t first = 0;
    rf_key from;
    rf_key to;
    rf_status status = rf_journal_bounds(store, transaction, environment,
                                         &first, &history->last, s->err);
    if (status != RF_OK || history->after >= history->last) {
        return status;
    }
    rf_key_journal(&from, environment, history->after + 1);
    rf_key_journal(&to, environment,
                   history->filter->last == 0 ? UINT64_MAX
                                              : history->filter->last + 1);
    status = store->operations->scan(transaction,
                                     &(rf_store_range){RF_TABLE_JOURNAL,
                                                       rf_key_bytes(&from),
                                                       rf_key_bytes(&to)},
                                     look_at, s, s->err);
    return status == RF_OK ? s->status : status;
}

rf_status rf_history_read(rf_store *store, rf_history *history,
                          rf_entry_visit *visit, void *context, rf_error *err)
{
    slicing s = {
        .history = history, .visit = visit, .context = context, .err = err};
    rf_store_transaction *transaction = NULL;
    rf_status status =
        store->operations->begin(store, false, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    rf_slice_start(&s.slice);
    status = scan(&s, store, transaction);
    store->operations->abort(transaction);
    history->ended = status == RF_OK && !s.stopped;
    return status;
}
