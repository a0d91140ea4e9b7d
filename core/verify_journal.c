/*
 * verify_journal.c - numbers without gaps, entries that can be read, and what
 * their movements come to.
 */
#include "core/key.h"
#include "core/verify_internal.h"

#include <inttypes.h>

#define JOURNAL_KEY_BYTES 10

typedef struct reading {
    rf_verifier *verifier;
    rf_movement movements[RF_MOVEMENTS_MAX];
    rf_buffer stock; /* encoded coordinates: the dimensions of an entry */
    rf_buffer pool;  /* the same with groups */
} reading;

static uint64_t number_of(rf_bytes key)
{
    rf_reader reader = rf_reader_of((rf_bytes){key.bytes + 2, key.length - 2});
    return rf_read_fixed64(&reader);
}

static void check_number(rf_verifier *verifier, rf_verify_subject *subject,
                         uint64_t number)
{
    if (subject->next_number == 0) {
        subject->first_number = number;
    } else if (subject->next_number != number) {
        rf_verify__differ(
            verifier,
            "%s: the journal goes from number %" PRIu64 " to %" PRIu64,
            subject->environment->id, subject->next_number - 1, number);
    }
    subject->next_number = number + 1;
}

/* Encode coordinates into a buffer that is used again. */
static rf_bytes encode(rf_buffer *buffer, rf_level level, const rf_place *place)
{
    rf_buffer_clear(buffer);
    rf_write_coordinates(buffer, level, place);
    return (rf_bytes){(const unsigned char *)buffer->bytes, buffer->length};
}

/* Add what was scheduled, unless its day is over. */
static void tally_day(reading *read, rf_verify_subject *subject,
                      const rf_entry *entry, const rf_place *place,
                      const rf_movement *movement)
{
    char text[RF_DAY_TEXT_SIZE];
    rf_place at = *place;
    if (movement->day < subject->environment->scheduled_from) {
        return;
    }
    rf_day_print(movement->day, text);
    at.given |= RF_BIT(RF_DAY);
    at.value[RF_DAY] = rf_text_of(text);
    rf_verify__tally(&subject->moved, entry->organization, entry->product,
                     encode(&read->pool, RF_LEVEL_SCHEDULE, &at),
                     movement->measure, movement->delta);
}

/* Add up what an entry did to the stock and to the record of its groups. */
static void tally_stock(reading *read, rf_verify_subject *subject,
                        const rf_entry *entry, const rf_place *place)
{
    rf_bytes stock = encode(&read->stock, RF_LEVEL_LEAF, place);
    bool has_groups = (place->given & RF_LEVEL_GROUPS) != 0;
    for (size_t i = 0; i < entry->movement_count; i++) {
        const rf_movement *movement = &entry->movements[i];
        if (movement->day != 0) {
            tally_day(read, subject, entry, place, movement);
            continue;
        }
        rf_verify__tally(&subject->moved, entry->organization, entry->product,
                         stock, movement->measure, movement->delta);
        if (has_groups && subject->has_pool &&
            rf_pool_measures_are_totalled(&subject->pool, movement->measure)) {
            rf_verify__tally(&subject->redistributed, entry->organization,
                             entry->product, entry->coordinates,
                             movement->measure, movement->delta);
        }
    }
}

/* What is moved between groups is in no movement: the stock stays. */
static void tally_reallocation(reading *read, rf_verify_subject *subject,
                               const rf_entry *entry, const rf_place *place)
{
    rf_place from;
    bool hashed;
    if (!subject->has_pool || entry->result.status != RF_OK ||
        rf_coordinates_read(entry->source, &from, &hashed, NULL) != RF_OK) {
        return;
    }
    rf_level groups = from.given;
    for (unsigned c = 0; c < RF_DIMENSION_COUNT; c++) {
        from.value[c] = place->value[c];
    }
    from.given |= place->given & RF_LEVEL_LEAF;
    const rf_amount changes[] = {
        {subject->pool.allocated, entry->result.quantity},
        {subject->pool.reallocated, entry->result.quantity},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        rf_verify__tally(&subject->redistributed, entry->organization,
                         entry->product, entry->coordinates, changes[i].measure,
                         changes[i].quantity);
    }
    rf_verify__tally(&subject->redistributed, entry->organization,
                     entry->product,
                     encode(&read->pool, RF_LEVEL_LEAF | groups, &from),
                     subject->pool.allocated, -entry->result.quantity);
}

/* What was staged and not posted yet must be waiting. */
static void tally_adjustment(rf_verify_subject *subject, const rf_entry *entry)
{
    bool stages = entry->result.expires_ms != 0;
    bool posts = entry->adjusted.staged != 0;
    if ((stages && entry->result.status == RF_OK) || posts) {
        rf_verify__tally(&subject->staged, entry->organization, entry->product,
                         entry->coordinates, entry->adjusted.measure,
                         posts ? -entry->result.quantity
                               : entry->result.quantity);
    }
}

static void check_entry(reading *read, rf_verify_subject *subject,
                        uint64_t number, rf_bytes value)
{
    rf_entry entry;
    rf_error damage = {0};
    if (rf_entry_decode(value, number, read->movements, &entry, &damage) !=
        RF_OK) {
        rf_verify__differ(read->verifier, "%s: journal entry %" PRIu64 ": %s",
                          subject->environment->id, number, damage.message);
        return;
    }
    if (entry.operation == RF_OPERATION_ERASE) {
        subject->was_erased = true;
    }
    rf_place place;
    bool hashed;
    if (rf_coordinates_read(entry.coordinates, &place, &hashed, &damage) !=
            RF_OK ||
        hashed) {
        rf_verify__differ(read->verifier,
                          "%s: journal entry %" PRIu64
                          ": its coordinates are damaged",
                          subject->environment->id, number);
        return;
    }
    tally_stock(read, subject, &entry, &place);
    if (entry.operation == RF_OPERATION_REALLOCATE) {
        tally_reallocation(read, subject, &entry, &place);
    } else if (entry.operation == RF_OPERATION_ADJUST) {
        tally_adjustment(subject, &entry);
    }
}

static bool visit_entry(void *context, rf_bytes key, rf_bytes value)
{
    reading *read = context;
    rf_verifier *verifier = read->verifier;
    rf_verify_subject *subject = rf_verify__subject(verifier, key);
    verifier->report->journal_entries++;
    if (subject == NULL || key.length != JOURNAL_KEY_BYTES) {
        rf_verify__differ(verifier, "the journal has an entry of an "
                                    "environment that does not exist");
    } else {
        uint64_t number = number_of(key);
        check_number(verifier, subject, number);
        check_entry(read, subject, number, value);
    }
    return !verifier->is_stopped;
}

rf_status rf_verify__journal(rf_verifier *verifier, rf_error *err)
{
    reading read = {.verifier = verifier};
    rf_status status = verifier->store->operations->scan(
        verifier->transaction,
        &(rf_store_range){RF_TABLE_JOURNAL, (rf_bytes){NULL, 0},
                          (rf_bytes){NULL, 0}},
        visit_entry, &read, err);
    if (status == RF_OK &&
        (rf_buffer_failed(&read.stock) || rf_buffer_failed(&read.pool))) {
        status = rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_buffer_done(&read.stock);
    rf_buffer_done(&read.pool);
    return status;
}
