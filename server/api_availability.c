/*
 * api_availability.c - POST /availability: how much may still be promised, and
 * why no more.
 *
 * The answer is the one that a checked reservation, or allocation, would get at
 * this moment. What explains it is read in the same transaction.
 */
#include "core/availability.h"
#include "server/api_command.h"
#include "server/api_result.h"

#include <stdio.h>
#include <string.h>

#define OWN_MAX 512
#define MEASURE_CHARACTERS_MAX 125 /* two names and a dot */

typedef struct question {
    rf_availability_request request;
    rf_command key; /* organization, product, place */
    bool has_quantity;
    rf_quantity quantity;
    bool explain;
} question;

/* ---- Reading ---- */

/* Return the measure that checks the first reservation measure of a source, or
 * NULL. */
static const rf_calculated *find_mapped(const rf_catalog *catalog,
                                        rf_text source)
{
    for (size_t i = 0; i < catalog->physical_count; i++) {
        const rf_physical *physical = &catalog->physicals[i];
        if (physical->reservation >= 0 &&
            rf_text_equal(physical->source, source)) {
            return &catalog->calculated[physical->reservation];
        }
    }
    return NULL;
}

static rf_status find_default(const rf_catalog *catalog,
                              const rf_calculated **out, rf_error *err)
{
    *out = find_mapped(catalog, rf_text_of("iv"));
    for (size_t i = 0; *out == NULL && i < catalog->source_count; i++) {
        *out = find_mapped(catalog, catalog->sources[i].name);
    }
    return *out != NULL
               ? RF_OK
               : rf_fail_field(err, RF_E_NO_RESERVATION_MAPPING, "measure",
                               "no measure is mapped to a calculated one, so "
                               "it has to be named");
}

static rf_status read_measure(const rf_catalog *catalog, rf_json_object body,
                              const rf_calculated **out, rf_error *err)
{
    rf_text text = RF_TEXT_EMPTY;
    rf_status status = rf_json_string(body, "measure", RF_JSON_OPTIONAL,
                                      MEASURE_CHARACTERS_MAX, &text, err);
    if (status != RF_OK) {
        return status;
    }
    if (text.length == 0) {
        return find_default(catalog, out, err);
    }
    const char *point = memchr(text.bytes, '.', text.length);
    *out = NULL;
    if (point != NULL) {
        rf_text source = {text.bytes, (size_t)(point - text.bytes)};
        rf_text name = {point + 1, text.length - source.length - 1};
        *out = rf_catalog_calculated(catalog, source, name);
    }
    return *out != NULL ? RF_OK
                        : rf_fail_field(err, RF_E_UNKNOWN_MEASURE, "measure",
                                        "there is no calculated measure %.*s",
                                        RF_SHOWN(text));
}

/* Nobody supplies anybody here: whoever is named gets nothing from anywhere.
 */
static rf_status read_recipient(rf_json_object body, rf_error *err)
{
    const rf_json *member = rf_json_member(body.value, rf_text_of("recipient"));
    if (member == NULL || rf_json_is(member, RF_JSON_NULL)) {
        return RF_OK;
    }
    bool is_text = rf_json_is(member, RF_JSON_STRING);
    if (!is_text && !rf_json_is(member, RF_JSON_NUMBER)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "recipient",
                             "a code or an id is expected");
    }
    return is_text && rf_json_text(member).length == 0
               ? RF_OK
               : rf_fail_field(err, RF_E_NOT_A_RECIPIENT, "recipient",
                               "nothing is supplied to %.*s",
                               RF_SHOWN(rf_json_text(member)));
}

static rf_status read_quantity(rf_json_object body, question *q, rf_error *err)
{
    rf_text name = rf_text_of("quantity");
    q->has_quantity = rf_json_member(body.value, name) != NULL;
    rf_status status =
        rf_json_quantity(body, "quantity", RF_JSON_OPTIONAL, &q->quantity, err);
    return status != RF_OK || !q->has_quantity || q->quantity > 0
               ? status
               : rf_fail_field(err, RF_E_INVALID_QUANTITY, "quantity",
                               "quantity must be above zero");
}

/* Take the ids that may be ours. Clients ask with whatever their basket holds,
 * so an id that is none counts for nothing. */
static rf_status take_own(const rf_json *array, uint64_t *ids, size_t *count,
                          rf_error *err)
{
    for (const rf_json *value = rf_json_first(array); value != NULL;
         value = rf_json_next(value)) {
        uint64_t created;
        if (!rf_json_is(value, RF_JSON_STRING)) {
            return rf_fail_field(err, RF_E_INVALID_FIELD, "ownReservationIds",
                                 "an array of texts is expected");
        }
        if (rf_reservation_parse(rf_json_text(value), &ids[*count], &created)) {
            *count += 1;
        }
    }
    return RF_OK;
}

static rf_status read_own(rf_call *call, rf_json_object body, question *q,
                          rf_error *err)
{
    const rf_json *array = NULL;
    rf_status status =
        rf_json_child(body, "ownReservationIds", RF_JSON_OPTIONAL,
                      RF_JSON_ARRAY, &array, err);
    if (status != RF_OK || array == NULL) {
        return status;
    }
    size_t length = rf_json_length(array);
    if (length > OWN_MAX) {
        return rf_fail_field(err, RF_E_TOO_MANY_ITEMS, "ownReservationIds",
                             "at most %d reservations are allowed", OWN_MAX);
    }
    uint64_t *ids = rf_call_alloc(call, length + 1, sizeof *ids);
    if (ids == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    q->request.own = ids;
    return take_own(array, ids, &q->request.own_count, err);
}

/* What is asked about is no command, but has the key of one: its texts have to
 * fit where those of commands are kept. */
static rf_status read_key(rf_call *call, rf_json_object body, question *q,
                          rf_error *err)
{
    rf_command *key = &q->key;
    rf_level named = 0;
    key->operation = RF_OPERATION_POST;
    key->recipient = key->order_tag = key->reservation = RF_TEXT_EMPTY;
    rf_status status =
        rf_json_string(body, "organizationId", RF_JSON_REQUIRED,
                       RF_ORGANIZATION_CHARACTERS_MAX, &key->organization, err);
    if (status == RF_OK) {
        status = rf_json_string(body, "productId", RF_JSON_REQUIRED,
                                RF_PRODUCT_CHARACTERS_MAX, &key->product, err);
    }
    if (status == RF_OK) {
        status = rf_read_dimensions(call, body, RF_JSON_OPTIONAL, &key->place,
                                    &named, err);
    }
    return status == RF_OK ? rf_command_check(rf_call_catalog(call), key,
                                              &call->thread->scratch, err)
                           : status;
}

static rf_status read_rest(rf_call *call, rf_json_object body, question *q,
                           rf_error *err)
{
    rf_status status = read_recipient(body, err);
    if (status == RF_OK) {
        status = read_quantity(body, q, err);
    }
    if (status == RF_OK) {
        status = read_own(call, body, q, err);
    }
    return status == RF_OK ? rf_json_bool(body, "explain", RF_JSON_OPTIONAL,
                                          &q->explain, err)
                           : status;
}

/* Say whether reservations are checked against a measure. */
static bool is_mapped(const rf_catalog *catalog, const rf_calculated *measure)
{
    for (size_t i = 0; i < catalog->physical_count; i++) {
        int reservation = catalog->physicals[i].reservation;
        if (reservation >= 0 && &catalog->calculated[reservation] == measure) {
            return true;
        }
    }
    return false;
}

static rf_status read_question(rf_call *call, question *q, rf_error *err)
{
    const rf_catalog *catalog = rf_call_catalog(call);
    rf_json_object body = {call->body, ""};
    if (!rf_json_is(call->body, RF_JSON_OBJECT)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
    }
    q->explain = true;
    rf_status status = read_key(call, body, q, err);
    if (status == RF_OK) {
        status = read_measure(catalog, body, &q->request.measure, err);
    }
    if (status == RF_OK) {
        status = read_rest(call, body, q, err);
    }
    if (status == RF_OK && catalog->drops_dimensions &&
        is_mapped(catalog, q->request.measure)) {
        q->key.place.given &= rf_catalog_reservation_mask(catalog);
    }
    return status;
}

/* ---- Replying ---- */

static void put_full_name(rf_json_writer *writer, rf_text source, rf_text name)
{
    char text[512];
    int length = snprintf(text, sizeof text, "%.*s.%.*s", (int)source.length,
                          source.bytes, (int)name.length, name.bytes);
    RF_ASSERT(length > 0 && (size_t)length < sizeof text);
    rf_json_put_key(writer, "measure");
    rf_json_put_text(writer, (rf_text){text, (size_t)length});
}

/* Put what a formula reads of one measure; `factor` 0 is not told. */
static void put_term(rf_json_writer *writer, const rf_catalog *catalog,
                     const rf_measures *measures, rf_measure number,
                     int64_t factor)
{
    const rf_physical *physical = rf_catalog_physical_number(catalog, number);
    RF_ASSERT(physical != NULL); /* the catalog's own formula names it */
    rf_json_begin_object(writer);
    put_full_name(writer, physical->source, physical->name);
    if (factor != 0) {
        rf_json_put_key(writer, "factor");
        rf_json_put_integer(writer, factor);
    }
    rf_json_put_key(writer, "value");
    rf_json_put_quantity(writer, rf_measures_get(measures, number));
    rf_json_end_object(writer);
}

static void put_sum(rf_json_writer *writer, const rf_catalog *catalog,
                    const rf_measures *measures, const rf_sum *sum)
{
    for (size_t i = 0; i < sum->term_count; i++) {
        put_term(writer, catalog, measures, sum->terms[i].number,
                 sum->terms[i].factor);
    }
    if (sum->constant != 0) {
        rf_json_begin_object(writer);
        rf_json_put_key(writer, "constant");
        rf_json_put_quantity(writer, sum->constant);
        rf_json_end_object(writer);
    }
}

static void put_formula(rf_json_writer *writer, const rf_catalog *catalog,
                        const rf_calculated *formula,
                        const rf_availability *answer)
{
    rf_json_put_key(writer, "formula");
    rf_json_begin_object(writer);
    put_full_name(writer, formula->source, formula->name);
    rf_json_put_key(writer, "kind");
    rf_json_put_string(writer, rf_formula_kind_word(formula->kind));
    rf_json_put_key(writer, "value");
    rf_json_put_quantity(writer, answer->levels[0].value);
    rf_json_put_key(writer, "terms");
    rf_json_begin_array(writer);
    if (formula->kind == RF_FORMULA_LINEAR) {
        put_sum(writer, catalog, &answer->measures, &formula->sum);
    } else {
        for (size_t i = 0; i < formula->read_count; i++) {
            put_term(writer, catalog, &answer->measures, formula->reads[i], 0);
        }
    }
    rf_json_end_array(writer);
    rf_json_end_object(writer);
}

static void put_levels(rf_json_writer *writer, const rf_catalog *catalog,
                       const rf_place *place, const rf_availability *answer)
{
    rf_json_put_key(writer, "levels");
    rf_json_begin_array(writer);
    for (size_t i = 0; i < answer->level_count; i++) {
        const rf_availability_level *level = &answer->levels[i];
        rf_json_begin_object(writer);
        rf_json_put_key(writer, "level");
        rf_put_level(writer, catalog, level->level);
        rf_json_put_key(writer, "dimensions");
        rf_put_place(writer, catalog, level->level, place);
        rf_json_put_key(writer, "value");
        rf_json_put_quantity(writer, level->value);
        rf_json_end_object(writer);
    }
    rf_json_end_array(writer);
}

static void put_own(rf_json_writer *writer, const rf_availability *answer)
{
    rf_json_put_key(writer, "own");
    rf_json_begin_array(writer);
    for (size_t i = 0; i < answer->own_count; i++) {
        const rf_availability_own *own = &answer->own[i];
        rf_json_begin_object(writer);
        rf_put_reservation_id(writer, own->id, own->created_number);
        rf_json_put_key(writer, "quantity");
        rf_json_put_quantity(writer, own->quantity);
        rf_json_end_object(writer);
    }
    rf_json_end_array(writer);
}

/* Put what was asked about, as it was understood. */
static void put_subject(rf_json_writer *writer, const rf_catalog *catalog,
                        const question *q)
{
    rf_json_put_key(writer, "organizationId");
    rf_json_put_text(writer, q->key.organization);
    rf_json_put_key(writer, "productId");
    rf_json_put_text(writer, q->key.product);
    rf_json_put_key(writer, "dimensions");
    rf_put_place(writer, catalog, q->key.place.given, &q->key.place);
    put_full_name(writer, q->request.measure->source, q->request.measure->name);
}

static void put_answer(rf_json_writer *writer, const question *q,
                       const rf_availability *answer)
{
    rf_json_put_key(writer, "available");
    rf_json_put_quantity(writer, answer->available);
    if (q->has_quantity) {
        rf_json_put_key(writer, "sufficient");
        rf_json_put_bool(writer, answer->available >= q->quantity);
    }
    rf_json_put_key(writer, "version");
    rf_json_put_integer(writer, (int64_t)answer->version);
    rf_json_put_key(writer, "at");
    rf_put_time(writer, q->request.now_ms);
}

static rf_step reply(rf_call *call, const question *q,
                     const rf_availability *answer)
{
    const rf_catalog *catalog = rf_call_catalog(call);
    const rf_availability_level *binding = &answer->levels[answer->binding];
    rf_json_writer writer;
    rf_reply_begin(call, 200, &writer);
    rf_json_begin_object(&writer);
    put_subject(&writer, catalog, q);
    put_answer(&writer, q, answer);
    rf_put_binding(&writer, catalog, binding->level, binding->value);
    if (q->explain) {
        rf_json_put_key(&writer, "explain");
        rf_json_begin_object(&writer);
        put_formula(&writer, catalog, q->request.measure, answer);
        put_levels(&writer, catalog, &q->key.place, answer);
        put_own(&writer, answer);
        rf_json_end_object(&writer);
    }
    rf_json_end_object(&writer);
    return RF_STEP_DONE;
}

/* ---- The call ---- */

static rf_status read_answer(rf_call *call, question *q, rf_availability *out,
                             rf_error *err)
{
    rf_availability_request *request = &q->request;
    request->organization = q->key.organization;
    request->product = q->key.product;
    request->place = &q->key.place;
    request->now_ms = rf_api_clock_ms();
    request->thread = call->thread->number;
    return rf_availability_read(call->thread->api->options.store,
                                call->generation, request,
                                &call->exchange->arena, out, err);
}

static rf_step ask_availability(rf_call *call)
{
    rf_error error = {0};
    question *q = rf_call_alloc(call, 1, sizeof *q);
    rf_availability *answer = rf_call_alloc(call, 1, sizeof *answer);
    if (q == NULL || answer == NULL) {
        return rf_reply_no_memory(call);
    }
    rf_status status = read_question(call, q, &error);
    if (status == RF_OK) {
        status = read_answer(call, q, answer, &error);
    }
    return status == RF_OK ? reply(call, q, answer)
                           : rf_reply_failure(call, &error);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/availability", RF_MAY_READ,
     RF_ROUTE_BODY | RF_ROUTE_STOCK, ask_availability},
};

const rf_routes rf_routes_availability = {rows, sizeof rows / sizeof rows[0]};
