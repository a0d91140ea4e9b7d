/*
 * audit.c - does a running server agree with the ledger?
 */
#include "tests/fault/audit.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAGE_ENTRIES = 1000
};

void rf_audit_init(rf_audit *audit, rf_ledger *ledger)
{
    *audit = (rf_audit){.ledger = ledger};
}

/* Send one operation and enter the reply. */
static bool send_operation(rf_audit *audit, rf_client *client, size_t place)
{
    rf_ledger *ledger = audit->ledger;
    rf_reply reply;
    if (!rf_client_send(client, ledger->operations[place].request, &reply)) {
        rf_ledger_fault(ledger, "no reply to o%zu", place);
        return false;
    }
    if (!rf_ledger_answer(ledger, place, reply.status, reply.body,
                          reply.body_length)) {
        rf_ledger_fault(ledger, "o%zu stays unknown: %d %.*s", place,
                        reply.status, (int)reply.body_length, reply.body);
        return false;
    }
    return ledger->fault == NULL;
}

bool rf_audit_resolve(rf_audit *audit, rf_client *client)
{
    for (size_t place = audit->settled; place < audit->ledger->count; place++) {
        if (audit->ledger->operations[place].status == 0 &&
            !send_operation(audit, client, place)) {
            return false;
        }
    }
    return true;
}

/* Send settled operations once more; the ledger compares the answers. */
static bool check_again(rf_audit *audit, rf_client *client, unsigned count)
{
    size_t place = 0;
    for (; count > 0; count--) {
        if (rf_ledger_pick_settled(audit->ledger, &place) &&
            !send_operation(audit, client, place)) {
            return false;
        }
    }
    return true;
}

/* What may still be promised at a cell's location and, with a color, there. */
static int64_t available(const rf_audit *audit, unsigned cell)
{
    unsigned first = cell - cell % RF_LEDGER_COLORS;
    int64_t own = audit->stock[cell] - audit->reserved[cell];
    int64_t location = 0;
    for (unsigned each = first; each < first + RF_LEDGER_COLORS; each++) {
        location += audit->stock[each] - audit->reserved[each];
    }
    return cell != first && own < location ? own : location;
}

/* Check that a journal entry says what its client was told. */
static bool entry_agrees(rf_json entry, const rf_line *line)
{
    rf_json deltas = rf_json_member(entry, "deltas");
    int64_t stock =
        rf_json_millionths(rf_json_member(deltas, "wms.unrestricted"));
    int64_t reserved =
        rf_json_millionths(rf_json_member(deltas, "iv.softreserved"));
    bool is_post = line->kind == RF_LINE_POST;
    return rf_json_is(rf_json_member(entry, "operation"),
                      rf_ledger_operation_word(line->kind)) &&
           rf_json_is(rf_json_member(entry, "result"),
                      rf_ledger_result_word(line->outcome)) &&
           stock == (is_post ? line->effect : 0) &&
           reserved == (is_post ? 0 : line->effect) &&
           rf_ledger_cell(rf_json_member(entry, "productId"),
                          rf_json_member(entry, "dimensions")) ==
               (int)line->cell;
}

/* Check a reservation against the stock as it was at its place in the journal,
 * then apply the entry. A basket judges its lines together: only its sums are
 * checked. */
static bool apply_entry(rf_audit *audit, rf_json entry, const rf_line *line)
{
    bool alone = rf_json_member(entry, "basket").length == 0;
    bool reserve = line->kind == RF_LINE_RESERVE;
    bool refused = line->outcome == RF_OUTCOME_REFUSED;
    if (reserve && refused && alone &&
        available(audit, line->cell) >= line->quantity) {
        return false;
    }
    if (line->kind == RF_LINE_POST) {
        audit->stock[line->cell] += line->effect;
    } else {
        audit->reserved[line->cell] += line->effect;
    }
    return !reserve || refused || available(audit, line->cell) >= 0;
}

static bool read_entry(rf_audit *audit, rf_json entry)
{
    rf_ledger *ledger = audit->ledger;
    rf_line *line = rf_ledger_find(ledger, rf_json_member(entry, "id"), NULL);
    int64_t number = rf_json_whole(rf_json_member(entry, "number"));
    const char *problem = NULL;
    if (number != audit->journal_last + 1) {
        problem = "a gap in the journal before";
    } else if (line == NULL) {
        problem = "an entry for what nobody asked";
    } else if (++line->journaled > 1) {
        problem = "a second entry for one id";
    } else if (!entry_agrees(entry, line)) {
        problem = "an entry that differs from the reply";
    } else if (!apply_entry(audit, entry, line)) {
        problem = "a wrong answer to a reservation";
    }
    if (problem != NULL) {
        rf_ledger_fault(ledger, "%s: %.*s", problem, (int)entry.length,
                        entry.start);
        return false;
    }
    audit->journal_last = number;
    return true;
}

/* Read one page of the journal. Returns how many entries, or -1. */
static int read_page(rf_audit *audit, rf_client *client)
{
    rf_reply reply;
    char *path = rf_common_format("/events?after=%lld&limit=%d",
                                  (long long)audit->journal_last, PAGE_ENTRIES);
    bool answered = rf_client_call(client, path, NULL, &reply);
    free(path);
    if (!answered || reply.status != 200) {
        rf_ledger_fault(audit->ledger, "the journal cannot be read");
        return -1;
    }
    int entries = 0;
    size_t at = 0;
    rf_json entry;
    rf_json page = rf_json_of(reply.body, reply.body_length);
    rf_json events = rf_json_member(page, "events");
    for (; rf_json_item(events, &at, &entry); entries++) {
        if (!read_entry(audit, entry)) {
            return -1;
        }
    }
    return entries;
}

/* Read what is new in the journal, then see that nothing is missing. */
static bool check_journal(rf_audit *audit, rf_client *client)
{
    rf_ledger *ledger = audit->ledger;
    int entries = 0;
    do {
        entries = read_page(audit, client);
    } while (entries > 0);
    if (entries < 0) {
        return false;
    }
    for (; audit->settled < ledger->count; audit->settled++) {
        const rf_operation *each = &ledger->operations[audit->settled];
        for (unsigned number = 0; number < each->line_count; number++) {
            if (each->lines[number].journaled != 1) {
                rf_ledger_fault(ledger, "o%zu.%u is not in the journal",
                                audit->settled, number);
                return false;
            }
        }
    }
    return true;
}

/* Compare one row of the query; marks its cell as seen. */
static bool row_agrees(const rf_ledger *ledger, rf_json row, bool *seen)
{
    rf_json quantities = rf_json_member(row, "quantities");
    rf_json wms = rf_json_member(quantities, "wms");
    rf_json iv = rf_json_member(quantities, "iv");
    int cell = rf_ledger_cell(rf_json_member(row, "productId"),
                              rf_json_member(row, "dimensions"));
    if (cell < 0 || seen[cell]) {
        return false;
    }
    seen[cell] = true;
    return rf_json_millionths(rf_json_member(wms, "unrestricted")) ==
               ledger->stock[cell] &&
           rf_json_millionths(rf_json_member(iv, "softreserved")) ==
               ledger->reserved[cell];
}

static bool compare_rows(const rf_ledger *ledger, rf_json rows)
{
    bool seen[RF_LEDGER_CELLS] = {false};
    size_t at = 0;
    rf_json row;
    while (rf_json_item(rows, &at, &row)) {
        if (!row_agrees(ledger, row, seen)) {
            return false;
        }
    }
    for (size_t cell = 0; cell < RF_LEDGER_CELLS; cell++) {
        if (!seen[cell] &&
            (ledger->stock[cell] != 0 || ledger->reserved[cell] != 0)) {
            return false;
        }
    }
    return true;
}

bool rf_audit_totals(rf_audit *audit, rf_client *client)
{
    rf_reply reply;
    bool answered = rf_client_call(
        client, "/onhand/indexquery",
        "{\"filters\":{\"organizationId\":[\"acme\"],\"productId\":[\"P0\","
        "\"P1\",\"P2\",\"P3\",\"P4\",\"P5\"],\"siteId\":[\"10\"],"
        "\"locationId\":[\"A0\",\"A1\"]},\"groupByValues\":[\"ColorId\"],"
        "\"returnNegative\":true}",
        &reply);
    if (!answered || reply.status != 200 ||
        !compare_rows(audit->ledger,
                      rf_json_of(reply.body, reply.body_length))) {
        rf_ledger_fault(audit->ledger, "the totals differ: %.*s",
                        answered ? (int)reply.body_length : 0,
                        answered ? reply.body : "");
        return false;
    }
    return true;
}

/* Print one case, with the first fault when it failed. */
static bool report(rf_audit *audit, rf_tap *tap, bool passed, const char *label,
                   const char *what)
{
    bool ok = passed && audit->ledger->fault == NULL;
    rf_tap_ok(tap, ok, "%s: %s", label, what);
    if (!ok && audit->ledger->fault != NULL) {
        rf_tap_note("%s", audit->ledger->fault);
    }
    return ok;
}

bool rf_audit_run(rf_audit *audit, rf_tap *tap, int port, unsigned again,
                  const char *label)
{
    rf_client client;
    rf_client_init(&client, port);
    bool passed =
        report(audit, tap, rf_audit_resolve(audit, &client), label,
               "unknown requests are settled by sending them again") &&
        report(audit, tap, check_again(audit, &client, again), label,
               "a request sent again gets its first answer") &&
        report(audit, tap, check_journal(audit, &client), label,
               "each command is in the journal once, nothing oversold") &&
        report(audit, tap, rf_audit_totals(audit, &client), label,
               "totals equal the replay of the ledger");
    rf_client_done(&client);
    return passed;
}
