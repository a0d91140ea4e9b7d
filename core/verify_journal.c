/*
 * verify_journal.c - numbers without gaps, entries that can be read, and what
 * their movements come to.
 */
#include "core/verify_internal.h"

#include <inttypes.h>

#define JOURNAL_KEY_BYTES 10

typedef struct reading {
    rf_verifier *verifier;
    rf_movement movements[RF_MOVEMENTS_MAX];
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
    for (size_t i = 0; i < entry.movement_count; i++) {
        rf_verify__tally(&subject->moved, entry.organization, entry.product,
                         entry.coordinates, entry.movements[i].measure,
                         entry.movements[i].delta);
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
    return verifier->store->operations->scan(
        verifier->transaction,
        &(rf_store_range){RF_TABLE_JOURNAL, (rf_bytes){NULL, 0},
                          (rf_bytes){NULL, 0}},
        visit_entry, &read, err);
}
