/*
 * test_api_result.c - the shapes of results, and the numbers they carry.
 */
#include "server/api_result.h"
#include "tests/unit/draft_fixture.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static rf_buffer out;
static rf_json_writer writer;

static int set_up(void **state)
{
    rf_json_writer_init(&writer, &out, false);
    return draft_set_up(state);
}

static int tear_down(void **state)
{
    rf_buffer_done(&out);
    return draft_tear_down(state);
}

static void assert_written(const char *expected)
{
    rf_buffer_append_byte(&out, '\0');
    assert_false(rf_buffer_failed(&out));
    assert_string_equal(out.bytes, expected);
    rf_buffer_clear(&out);
    rf_json_writer_init(&writer, &out, false);
}

static void write_answer(const rf_answer *answer)
{
    rf_json_begin_object(&writer);
    rf_answer_put(&writer, answer);
    rf_json_end_object(&writer);
}

static void every_class_has_its_numbers(void **state)
{
    static const struct {
        rf_status status;
        int code;
        int http; /* where refusals are 409 */
    } expected[] = {
        {RF_OK, 200, 200},
        {RF_E_BAD_JSON, 400, 400},
        {RF_E_INSUFFICIENT_AVAILABLE, 500, 409},
        {RF_E_UNKNOWN_RESERVATION, 404, 404},
        {RF_E_CONFLICT, 409, 409},
        {RF_E_FORBIDDEN, 403, 403},
        {RF_E_METHOD_NOT_ALLOWED, 405, 405},
        {RF_E_BODY_TOO_LARGE, 413, 413},
        {RF_E_UNSUPPORTED_MEDIA_TYPE, 415, 415},
        {RF_E_INTERNAL, 500, 500},
        {RF_E_OVERLOADED, 503, 503},
        {RF_E_STORAGE_FULL, 507, 507},
    };
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(rf_answer_code(expected[i].status), expected[i].code);
        assert_int_equal(rf_answer_http(expected[i].status, 409),
                         expected[i].http);
    }
    assert_int_equal(rf_answer_http(RF_E_INSUFFICIENT_AVAILABLE, 0), 500);
    assert_int_equal(rf_answer_http(RF_E_INSUFFICIENT_AVAILABLE, 422), 422);
}

static void success_says_nothing_more(void **state)
{
    rf_script_place place = {.plugin = "left over"};
    rf_answer answer = {.prefix = "ohre",
                        .id = rf_text_of("r-1"),
                        .status = RF_OK,
                        .message = "",
                        .field = "left over",
                        .script = &place};
    (void)state;
    write_answer(&answer);
    assert_written("{\"id\":\"ohre~r-1\",\"processingStatus\":\"success\","
                   "\"message\":\"\",\"statusCode\":200}");
    answer.partial = true;
    write_answer(&answer);
    assert_written("{\"id\":\"ohre~r-1\",\"processingStatus\":"
                   "\"partialSuccess\",\"message\":\"\",\"statusCode\":200}");
}

static void success_may_have_a_message(void **state)
{
    rf_answer answer = {.prefix = "ohse",
                        .id = rf_text_of("c-1"),
                        .status = RF_OK,
                        .message = "left alone",
                        .field = ""};
    (void)state;
    write_answer(&answer);
    assert_written("{\"id\":\"ohse~c-1\",\"processingStatus\":\"success\","
                   "\"message\":\"left alone\",\"statusCode\":200}");
}

static void failure_names_code_and_field(void **state)
{
    rf_answer answer = {.prefix = "ohce",
                        .id = RF_TEXT_EMPTY,
                        .status = RF_E_MISSING_FIELD,
                        .message = "id is missing",
                        .field = "id"};
    (void)state;
    write_answer(&answer);
    assert_written("{\"id\":\"\",\"processingStatus\":\"failure\","
                   "\"message\":\"id is missing\",\"statusCode\":400,"
                   "\"code\":\"missing_field\",\"field\":\"id\"}");
    answer.field = "";
    answer.id = rf_text_of("e\"1");
    answer.status = RF_E_CONFLICT;
    write_answer(&answer);
    assert_written("{\"id\":\"ohce~e\\\"1\",\"processingStatus\":\"failure\","
                   "\"message\":\"id is missing\",\"statusCode\":409,"
                   "\"code\":\"conflict\"}");
}

static void failure_names_the_place_in_a_plugin(void **state)
{
    rf_script_place place = {
        .plugin = "shop", .file = "plugin.lua", .function = "iv.a", .line = 7};
    rf_answer answer = {.prefix = "ohre",
                        .id = rf_text_of("r-1"),
                        .status = RF_E_SCRIPT,
                        .message = "no",
                        .field = "",
                        .script = &place};
    (void)state;
    write_answer(&answer);
    assert_written("{\"id\":\"ohre~r-1\",\"processingStatus\":\"failure\","
                   "\"message\":\"no\",\"statusCode\":500,"
                   "\"code\":\"script_error\",\"plugin\":\"shop\","
                   "\"function\":\"iv.a\",\"line\":7}");
    answer.status = RF_E_PLUGIN_SYNTAX;
    answer.id = RF_TEXT_EMPTY;
    write_answer(&answer);
    assert_written("{\"id\":\"\",\"processingStatus\":\"failure\","
                   "\"message\":\"no\",\"statusCode\":400,"
                   "\"code\":\"plugin_syntax\",\"plugin\":\"shop\","
                   "\"file\":\"plugin.lua\",\"line\":7}");
    place.plugin[0] = '\0';
    write_answer(&answer);
    assert_written("{\"id\":\"\",\"processingStatus\":\"failure\","
                   "\"message\":\"no\",\"statusCode\":400,"
                   "\"code\":\"plugin_syntax\"}");
}

static void the_longest_id_fits(void **state)
{
    char id[4 * 128];
    rf_answer answer = {.prefix = "ohre",
                        .id = {id, sizeof id},
                        .status = RF_OK,
                        .message = "",
                        .field = ""};
    (void)state;
    for (size_t i = 0; i < sizeof id; i += 4) {
        memcpy(id + i, "\xF0\x9F\x92\xA1", 4);
    }
    write_answer(&answer);
    assert_true(out.length > sizeof id);
    assert_memory_equal(out.bytes, "{\"id\":\"ohre~", 12);
}

static void write_extra(draft_fixture *f, const rf_command *command,
                        const rf_result *result)
{
    rf_json_begin_object(&writer);
    rf_result_put_extra(&writer, f->catalog, command, result);
    rf_json_end_object(&writer);
}

static void reservations_tell_record_and_quantity(void **state)
{
    draft_fixture *f = *state;
    rf_command command = {.operation = RF_OPERATION_RESERVE};
    rf_result result = {
        .quantity = 2500000, .reservation = 0x1234, .reservation_created = 17};
    draft_shop(f);
    draft_build(f);
    write_extra(f, &command, &result);
    assert_written(
        "{\"reservationId\":\"0000000000001234-11\",\"quantity\":2.5}");
}

static void refusals_tell_what_binds(void **state)
{
    draft_fixture *f = *state;
    rf_command command = {.operation = RF_OPERATION_RESERVE};
    rf_result result = {.status = RF_E_INSUFFICIENT_AVAILABLE,
                        .has_binding = true,
                        .binding_level = RF_LEVEL_PLACE,
                        .binding_value = -1000000};
    draft_shop(f);
    draft_build(f);
    write_extra(f, &command, &result);
    assert_written("{\"reservationId\":\"\",\"available\":0,\"binding\":{"
                   "\"kind\":\"level\",\"level\":[\"siteid\",\"locationid\"],"
                   "\"value\":-1}}");
    result = (rf_result){.status = RF_E_MISSING_PARTITION};
    write_extra(f, &command, &result);
    assert_written("{\"reservationId\":\"\"}");
}

static void reversals_tell_what_was_too_much(void **state)
{
    draft_fixture *f = *state;
    rf_command command = {.operation = RF_OPERATION_UNRESERVE,
                          .reservation = rf_text_of("abc")};
    rf_result result = {.invalid_offset = 2000000, .partial = true};
    draft_shop(f);
    draft_build(f);
    write_extra(f, &command, &result);
    assert_written("{\"reservationId\":\"abc\","
                   "\"totalInvalidOffsetQtyByReservId\":2}");
}

static void places_show_what_was_not_given(void **state)
{
    draft_fixture *f = *state;
    rf_place place = {.given = RF_BIT(RF_SITE)};
    place.value[RF_SITE] = rf_text_of("10");
    draft_shop(f);
    draft_build(f);
    rf_put_place(&writer, f->catalog, RF_LEVEL_PLACE | RF_BIT(2), &place);
    assert_written("{\"siteid\":\"10\",\"locationid\":\"\",\"ColorId\":\"\"}");
}

static void times_are_utc(void **state)
{
    (void)state;
    rf_put_time(&writer, INT64_C(1930986000250));
    assert_written("\"2031-03-11T09:00:00Z\"");
    rf_put_time(&writer, 0);
    assert_written("\"1970-01-01T00:00:00Z\"");
}

static void exact_times_have_milliseconds_where_there_are_some(void **state)
{
    (void)state;
    rf_put_exact_time(&writer, INT64_C(1930986000250));
    assert_written("\"2031-03-11T09:00:00.250Z\"");
    rf_put_exact_time(&writer, INT64_C(1930986000007));
    assert_written("\"2031-03-11T09:00:00.007Z\"");
    rf_put_exact_time(&writer, INT64_C(253402300799000));
    assert_written("\"9999-12-31T23:59:59Z\"");
}

static void holds_tell_when_they_end(void **state)
{
    draft_fixture *f = *state;
    rf_command command = {.operation = RF_OPERATION_RESERVE};
    rf_result result = {.reservation = 1,
                        .reservation_created = 2,
                        .quantity = 3000000,
                        .expires_ms = INT64_C(1930986000000)};
    draft_shop(f);
    draft_build(f);
    write_extra(f, &command, &result);
    assert_written("{\"reservationId\":\"0000000000000001-2\","
                   "\"quantity\":3,"
                   "\"expiresAt\":\"2031-03-11T09:00:00Z\"}");
}

static void sets_tell_that_they_came_too_late(void **state)
{
    rf_command command = {.operation = RF_OPERATION_SET};
    rf_result result = {.stale = true};
    write_extra(*state, &command, &result);
    assert_written("{\"code\":\"stale_snapshot\"}");
    result.stale = false;
    write_extra(*state, &command, &result);
    assert_written("{}");
    result = (rf_result){.status = RF_E_QUANTITY_OVERFLOW, .stale = true};
    write_extra(*state, &command, &result);
    assert_written("{}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_class_has_its_numbers),
        TEST(success_says_nothing_more),
        TEST(success_may_have_a_message),
        TEST(failure_names_code_and_field),
        TEST(failure_names_the_place_in_a_plugin),
        TEST(the_longest_id_fits),
        TEST(reservations_tell_record_and_quantity),
        TEST(refusals_tell_what_binds),
        TEST(reversals_tell_what_was_too_much),
        TEST(places_show_what_was_not_given),
        TEST(times_are_utc),
        TEST(exact_times_have_milliseconds_where_there_are_some),
        TEST(holds_tell_when_they_end),
        TEST(sets_tell_that_they_came_too_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
