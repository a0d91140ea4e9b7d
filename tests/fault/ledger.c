/*
 * ledger.c - operations, their replies, and the totals they add up to.
 */
#include "tests/fault/ledger.h"

#include "tests/fault/http.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    KEEP_OPERATIONS = 16384,    /* with texts; more than any round sends */
    QUARTER_MILLIONTHS = 250000 /* quantities are quarters: fractions too */
};

static const char *const color_names[RF_LEDGER_COLORS] = {"", "red", "green",
                                                          "blue"};

static const char *const operation_words[] = {[RF_LINE_POST] = "post",
                                              [RF_LINE_RESERVE] = "reserve",
                                              [RF_LINE_UNRESERVE] =
                                                  "unreserve"};

static const char *const result_words[] = {[RF_OUTCOME_UNKNOWN] = "unknown",
                                           [RF_OUTCOME_SUCCESS] = "success",
                                           [RF_OUTCOME_PARTIAL] =
                                               "partialSuccess",
                                           [RF_OUTCOME_REFUSED] = "refused"};

static const char *const paths[] = {[RF_LINE_POST] = "/onhand",
                                    [RF_LINE_RESERVE] = "/onhand/reserve",
                                    [RF_LINE_UNRESERVE] = "/onhand/unreserve"};

const char *rf_ledger_operation_word(rf_line_kind kind)
{
    return operation_words[kind];
}

const char *rf_ledger_result_word(rf_outcome outcome)
{
    return result_words[outcome];
}

void rf_ledger_fault(rf_ledger *ledger, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) {
        rf_common_die("out of memory");
    }
    va_end(arguments);
    fprintf(ledger->trail, "fault %s\n", text);
    if (ledger->fault == NULL) {
        ledger->fault = text;
    } else {
        free(text);
    }
}

void rf_ledger_init(rf_ledger *ledger, uint64_t seed, const char *trail_path)
{
    *ledger = (rf_ledger){.random = {seed}};
    ledger->trail = fopen(trail_path, "we");
    if (ledger->trail == NULL) {
        rf_common_die("cannot write %s", trail_path);
    }
}

void rf_ledger_done(rf_ledger *ledger)
{
    for (size_t place = 0; place < ledger->count; place++) {
        free(ledger->operations[place].request);
        free(ledger->operations[place].body);
    }
    for (size_t cell = 0; cell < RF_LEDGER_CELLS; cell++) {
        free(ledger->reservations[cell]);
    }
    free(ledger->operations);
    free(ledger->surprise);
    free(ledger->fault);
    fclose(ledger->trail);
}

/* Write the JSON of one line. */
static char *write_line(const rf_ledger *ledger, const rf_line *line,
                        size_t place, unsigned number)
{
    unsigned color = line->cell % RF_LEDGER_COLORS;
    unsigned location = line->cell / RF_LEDGER_COLORS % RF_LEDGER_LOCATIONS;
    unsigned product = line->cell / RF_LEDGER_COLORS / RF_LEDGER_LOCATIONS;
    const char *record = ledger->reservations[line->cell];
    char *amount =
        rf_common_format("%lld.%02lld", (long long)(line->quantity / 1000000),
                         (long long)(line->quantity % 1000000 / 10000));
    char *what = NULL;
    if (line->kind == RF_LINE_POST) {
        what = rf_common_format(
            "\"quantities\":{\"wms\":{\"unrestricted\":%s}}", amount);
    } else if (line->kind == RF_LINE_RESERVE) {
        what = rf_common_format("\"quantityDataSource\":\"iv\",\"modifier\":"
                                "\"softreserved\",\"quantity\":%s",
                                amount);
    } else {
        what = rf_common_format("\"reservationId\":\"%s\",\"OffsetQty\":%s",
                                record != NULL ? record : "none", amount);
    }
    char *text = rf_common_format(
        "{\"id\":\"o%zu.%u\",\"organizationId\":\"acme\",\"productId\":\"P%u\","
        "\"dimensions\":{\"siteId\":\"10\",\"locationId\":\"A%u\"%s%s%s},%s}",
        place, number, product, location, color > 0 ? ",\"colorId\":\"" : "",
        color_names[color], color > 0 ? "\"" : "", what);
    free(amount);
    free(what);
    return text;
}

/* Write the whole request of an operation. */
static char *write_request(const rf_ledger *ledger, size_t place)
{
    const rf_operation *operation = &ledger->operations[place];
    bool single = operation->form == RF_FORM_SINGLE;
    char *body = rf_common_format("%s", single ? "" : "[");
    for (unsigned number = 0; number < operation->line_count; number++) {
        char *line =
            write_line(ledger, &operation->lines[number], place, number);
        char *longer =
            rf_common_format("%s%s%s", body, number > 0 ? "," : "", line);
        free(line);
        free(body);
        body = longer;
    }
    char *whole = rf_common_format("%s%s", body, single ? "" : "]");
    char *path = rf_common_format(
        "%s%s%s", paths[operation->lines[0].kind], single ? "" : "/bulk",
        operation->form == RF_FORM_BASKET ? "?atomic=true" : "");
    char *request = rf_http_request(path, whole);
    fprintf(ledger->trail, "intent %zu POST %s %s\n", place, path, whole);
    free(path);
    free(whole);
    free(body);
    return request;
}

/* Drop the texts of what is settled and too old to be sent again. */
static void forget_oldest(rf_ledger *ledger)
{
    while (ledger->forgotten + KEEP_OPERATIONS < ledger->count) {
        rf_operation *old = &ledger->operations[ledger->forgotten];
        if (old->status == 0) {
            return;
        }
        free(old->request);
        free(old->body);
        old->request = NULL;
        old->body = NULL;
        ledger->forgotten++;
    }
}

/* Append an operation and return its place. */
static size_t append(rf_ledger *ledger, rf_operation operation)
{
    if (ledger->count == ledger->capacity) {
        ledger->capacity = ledger->capacity * 2 + 1024;
        ledger->operations = rf_common_grow(
            ledger->operations, ledger->capacity * sizeof *ledger->operations);
    }
    ledger->operations[ledger->count++] = operation;
    forget_oldest(ledger);
    return ledger->count - 1;
}

static size_t enter(rf_ledger *ledger, rf_operation operation)
{
    size_t place = append(ledger, operation);
    ledger->operations[place].request = write_request(ledger, place);
    return place;
}

void rf_ledger_copy(rf_ledger *ledger, const rf_operation *operation)
{
    rf_operation copy = {.form = operation->form,
                         .line_count = operation->line_count,
                         .request = rf_common_format("%s", operation->request)};
    for (unsigned number = 0; number < copy.line_count; number++) {
        const rf_line *line = &operation->lines[number];
        copy.lines[number] = (rf_line){
            .kind = line->kind, .cell = line->cell, .quantity = line->quantity};
    }
    append(ledger, copy);
}

size_t rf_ledger_add_single(rf_ledger *ledger, rf_line_kind kind, unsigned cell,
                            int64_t quantity)
{
    return enter(ledger, (rf_operation){.line_count = 1,
                                        .lines = {{.kind = kind,
                                                   .cell = cell,
                                                   .quantity = quantity}}});
}

/* Choose the kind of all lines: a little more is asked for than is posted, so
 * that refusals are common. */
static rf_line_kind choose_kind(rf_random *random)
{
    uint64_t draw = rf_random_below(random, 100);
    return draw < 30   ? RF_LINE_POST
           : draw < 85 ? RF_LINE_RESERVE
                       : RF_LINE_UNRESERVE;
}

size_t rf_ledger_add(rf_ledger *ledger)
{
    rf_operation operation = {.form = RF_FORM_SINGLE, .line_count = 1};
    uint64_t draw = rf_random_below(&ledger->random, 100);
    rf_line_kind kind = choose_kind(&ledger->random);
    if (draw >= 70) {
        operation.form = draw < 85 ? RF_FORM_BULK : RF_FORM_BASKET;
        operation.line_count =
            2 +
            (unsigned)rf_random_below(&ledger->random, RF_LEDGER_LINES_MAX - 1);
    }
    for (unsigned number = 0; number < operation.line_count; number++) {
        uint64_t quarters = 1 + rf_random_below(&ledger->random, 12);
        operation.lines[number] = (rf_line){
            .kind = kind,
            .cell = (unsigned)rf_random_below(&ledger->random, RF_LEDGER_CELLS),
            .quantity = (int64_t)quarters * QUARTER_MILLIONTHS};
    }
    return enter(ledger, operation);
}

bool rf_ledger_pick_settled(rf_ledger *ledger, size_t *place_out)
{
    /* Only the newer half: what is picked stays long enough to be sent. */
    size_t kept = ledger->count < KEEP_OPERATIONS / 2 ? ledger->count
                                                      : KEEP_OPERATIONS / 2;
    for (int attempt = 0; kept > 0 && attempt < 32; attempt++) {
        size_t place =
            ledger->count - 1 - rf_random_below(&ledger->random, kept);
        if (ledger->operations[place].status != 0) {
            *place_out = place;
            return true;
        }
    }
    return false;
}

rf_line *rf_ledger_find(rf_ledger *ledger, rf_json id, size_t *place_out)
{
    char *text = rf_json_text(id);
    const char *tilde = strchr(text, '~');
    size_t place = 0;
    unsigned number = 0;
    char behind = '\0';
    int fields = sscanf(tilde != NULL ? tilde + 1 : text, "o%zu.%u%c", &place,
                        &number, &behind);
    free(text);
    if (fields != 2 || place >= ledger->count ||
        number >= ledger->operations[place].line_count) {
        return NULL;
    }
    if (place_out != NULL) {
        *place_out = place;
    }
    return &ledger->operations[place].lines[number];
}

int rf_ledger_cell(rf_json product, rf_json dimensions)
{
    char *code = rf_json_text(product);
    unsigned found = RF_LEDGER_PRODUCTS;
    int location = -1;
    int color = 0;
    size_t at = 0;
    rf_json name;
    rf_json value;
    bool named = sscanf(code, "P%u", &found) == 1 && found < RF_LEDGER_PRODUCTS;
    free(code);
    while (rf_json_pair(dimensions, &at, &name, &value)) {
        if (strncasecmp(name.start, "\"locationid\"", name.length) == 0) {
            location = rf_json_is(value, "A1") ? 1 : 0;
        }
        for (int each = 1; each < RF_LEDGER_COLORS; each++) {
            color = rf_json_is(value, color_names[each]) ? each : color;
        }
    }
    if (!named || location < 0) {
        return -1;
    }
    return ((int)found * RF_LEDGER_LOCATIONS + location) * RF_LEDGER_COLORS +
           color;
}

/* Return what a result says: from its processingStatus, which a single reply
 * and a line of a bulk have in common. */
static rf_outcome read_outcome(rf_json result)
{
    rf_json word = rf_json_member(result, "processingStatus");
    if (rf_json_is(word, "success")) {
        return RF_OUTCOME_SUCCESS;
    }
    if (rf_json_is(word, "partialSuccess")) {
        return RF_OUTCOME_PARTIAL;
    }
    return rf_json_is(word, "failure") ? RF_OUTCOME_REFUSED
                                       : RF_OUTCOME_UNKNOWN;
}

/* Return how much a line has really moved. */
static int64_t read_effect(const rf_line *line, rf_json result)
{
    if (line->kind == RF_LINE_RESERVE) {
        return rf_json_millionths(rf_json_member(result, "quantity"));
    }
    if (line->kind == RF_LINE_UNRESERVE) {
        return -line->quantity +
               rf_json_millionths(
                   rf_json_member(result, "totalInvalidOffsetQtyByReservId"));
    }
    return line->quantity;
}

/* Apply one result to its line and to the totals. */
static void apply_result(rf_ledger *ledger, rf_json result)
{
    rf_line *line = rf_ledger_find(ledger, rf_json_member(result, "id"), NULL);
    if (line == NULL || line->outcome != RF_OUTCOME_UNKNOWN) {
        rf_ledger_fault(ledger, "a result nobody waits for: %.*s",
                        (int)result.length, result.start);
        return;
    }
    line->outcome = read_outcome(result);
    if (line->outcome == RF_OUTCOME_REFUSED) {
        return;
    }
    line->effect = read_effect(line, result);
    if (line->kind == RF_LINE_POST) {
        ledger->stock[line->cell] += line->effect;
        return;
    }
    ledger->reserved[line->cell] += line->effect;
    rf_json record = rf_json_member(result, "reservationId");
    if (line->kind == RF_LINE_RESERVE && record.length > 2) {
        free(ledger->reservations[line->cell]);
        ledger->reservations[line->cell] = rf_json_text(record);
    }
}

static void apply_reply(rf_ledger *ledger, size_t place, rf_json reply)
{
    rf_operation *operation = &ledger->operations[place];
    size_t at = 0;
    rf_json name;
    rf_json bucket;
    if (operation->form == RF_FORM_SINGLE) {
        apply_result(ledger, reply);
    }
    while (operation->form != RF_FORM_SINGLE &&
           rf_json_pair(reply, &at, &name, &bucket)) {
        size_t inside = 0;
        rf_json result;
        while (rf_json_item(bucket, &inside, &result)) {
            apply_result(ledger, result);
        }
    }
    for (unsigned number = 0; number < operation->line_count; number++) {
        if (operation->lines[number].outcome == RF_OUTCOME_UNKNOWN) {
            rf_ledger_fault(ledger, "the reply says nothing of o%zu.%u: %.*s",
                            place, number, (int)reply.length, reply.start);
        }
    }
}

/* Compare the reply to a request sent again with the first one. */
static void compare_reply(rf_ledger *ledger, size_t place, int status,
                          const char *body)
{
    const rf_operation *operation = &ledger->operations[place];
    if (status != operation->status || strcmp(body, operation->body) != 0) {
        rf_ledger_fault(ledger, "o%zu was answered %d %s and then %d %s", place,
                        operation->status, operation->body, status, body);
    }
}

/* Return whether a reply says what became of the command. A bulk answers 200
 * even when the store could not take its lines, so the words count too. */
static bool is_final(int status, const char *body)
{
    static const char *const open_words[] = {"\"storage_unavailable\"",
                                             "\"outcome_unknown\"",
                                             "\"overloaded\"", "\"stopping\""};
    for (size_t at = 0; at < sizeof open_words / sizeof open_words[0]; at++) {
        if (strstr(body, open_words[at]) != NULL) {
            return false;
        }
    }
    return status == 200 || status == 404 || status == 409;
}

bool rf_ledger_answer(rf_ledger *ledger, size_t place, int status,
                      const char *body, size_t length)
{
    rf_operation *operation = &ledger->operations[place];
    char *copy = rf_common_format("%.*s", (int)length, body);
    fprintf(ledger->trail, "ack %zu %d %s\n", place, status, copy);
    if (!is_final(status, copy)) {
        ledger->unanswered++;
        if (ledger->surprise == NULL) {
            ledger->surprise =
                rf_common_format("o%zu: %d %s", place, status, copy);
        }
        free(copy);
        return false;
    }
    if (operation->status != 0) {
        compare_reply(ledger, place, status, copy);
        free(copy);
        return true;
    }
    operation->status = status;
    operation->body = copy;
    apply_reply(ledger, place, rf_json_of(copy, length));
    return true;
}
