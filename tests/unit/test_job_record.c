/*
 * test_job_record.c - jobs as they are stored, and what clients call them.
 */
#include "core/job_record.h"
#include "tests/unit/unit.h"

#include <string.h>

static rf_bytes bytes_of(const rf_buffer *buffer)
{
    return (rf_bytes){(const unsigned char *)buffer->bytes, buffer->length};
}

static rf_job_record make_record(void)
{
    rf_job_record record = {
        .state = RF_JOB_RUNNING,
        .created_ms = 1700000000000,
        .updated_ms = 1700000000001,
        .number = 17,
        .done = 3,
        .total = 300,
        .failures = 2,
        .content = {1, 2},
        .actor = rf_text_of("the till"),
        .progress = rf_text_of("cleaning"),
        .message = RF_TEXT_EMPTY,
        .parameters = {(const unsigned char *)"\0\1\2", 3},
        .position = {(const unsigned char *)"here", 4},
    };
    memset(record.request_id, 7, sizeof record.request_id);
    return record;
}

static void test_a_record_comes_back(void **state)
{
    rf_job_record record = make_record();
    rf_job_record back = {0};
    rf_buffer stored = {0};
    (void)state;
    rf_job_record_encode(&record, &stored);
    assert_int_equal(rf_job_record_decode(bytes_of(&stored), &back, NULL),
                     RF_OK);
    assert_int_equal(back.state, RF_JOB_RUNNING);
    assert_true(back.created_ms == record.created_ms);
    assert_true(back.updated_ms == record.updated_ms);
    assert_int_equal(back.number, 17);
    assert_int_equal(back.done, 3);
    assert_int_equal(back.total, 300);
    assert_int_equal(back.failures, 2);
    assert_true(back.content.high == 1 && back.content.low == 2);
    assert_memory_equal(back.request_id, record.request_id, 16);
    assert_true(rf_text_equal(back.actor, record.actor));
    assert_true(rf_text_equal(back.progress, record.progress));
    assert_int_equal(back.message.length, 0);
    assert_int_equal(back.parameters.length, 3);
    assert_memory_equal(back.parameters.bytes, "\0\1\2", 3);
    assert_int_equal(back.position.length, 4);
    assert_memory_equal(back.position.bytes, "here", 4);
    rf_buffer_done(&stored);
}

/* Whatever is cut off or flipped, the record says so and nothing is read. */
static void test_a_damaged_record_is_refused(void **state)
{
    rf_job_record record = make_record();
    rf_job_record back = {.number = 99};
    rf_buffer stored = {0};
    (void)state;
    rf_job_record_encode(&record, &stored);
    for (size_t length = 0; length < stored.length; length++) {
        rf_bytes cut = {bytes_of(&stored).bytes, length};
        assert_int_equal(rf_job_record_decode(cut, &back, NULL), RF_E_STORAGE);
    }
    for (size_t i = 0; i < stored.length; i++) {
        stored.bytes[i] = (char)(stored.bytes[i] ^ 4);
        assert_int_equal(rf_job_record_decode(bytes_of(&stored), &back, NULL),
                         RF_E_STORAGE);
        stored.bytes[i] = (char)(stored.bytes[i] ^ 4);
    }
    assert_int_equal(back.number, 99);
    rf_buffer_clear(&stored);
    record.state = (rf_job_state)9;
    rf_job_record_encode(&record, &stored);
    assert_int_equal(rf_job_record_decode(bytes_of(&stored), &back, NULL),
                     RF_E_STORAGE);
    rf_buffer_done(&stored);
}

static void test_when_a_job_is_finished(void **state)
{
    static const bool finished[] = {[RF_JOB_QUEUED] = false,
                                    [RF_JOB_RUNNING] = false,
                                    [RF_JOB_COMPLETED] = true,
                                    [RF_JOB_FAILED] = true};
    (void)state;
    for (int i = RF_JOB_QUEUED; i <= RF_JOB_FAILED; i++) {
        rf_job_record record = {.state = (rf_job_state)i};
        assert_int_equal(rf_job_record_is_finished(&record), finished[i]);
        assert_true(strlen(rf_job_state_word((rf_job_state)i)) > 0);
    }
    assert_string_equal(rf_job_state_word(RF_JOB_COMPLETED), "Completed");
}

static void test_ids_as_clients_see_them(void **state)
{
    char text[RF_JOB_ID_TEXT_MAX];
    rf_job_id id = {.kind = RF_JOB_RESYNC,
                    .guid = {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF,
                             0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};
    rf_job_id back = {.kind = RF_JOB_LOG};
    (void)state;
    size_t length = rf_job_id_print(&id, text);
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "ResyncJob:01234567-89ab-cdef-fedc-ba9876543210");
    assert_true(rf_job_id_parse(rf_text_of(text), &back));
    assert_int_equal(back.kind, RF_JOB_RESYNC);
    assert_memory_equal(back.guid, id.guid, 16);
    assert_true(rf_job_id_parse(
        rf_text_of("logtransactionJOB:01234567-89AB-cdef-FEDC-ba9876543210"),
        &back));
    assert_int_equal(back.kind, RF_JOB_LOG);
    assert_memory_equal(back.guid, id.guid, 16);
}

static void test_what_is_no_id(void **state)
{
    static const char *const texts[] = {
        "",
        "ResyncJob:",
        "ResyncJob",
        ":01234567-89ab-cdef-fedc-ba9876543210",
        "01234567-89ab-cdef-fedc-ba9876543210",
        "Resync:01234567-89ab-cdef-fedc-ba9876543210",
        "ResyncJob 01234567-89ab-cdef-fedc-ba9876543210",
        "ResyncJob:01234567-89ab-cdef-fedc-ba987654321",
        "ResyncJob:01234567-89ab-cdef-fedc-ba98765432100",
        "ResyncJob:0123456789ab-cdef-fedc-ba98765432100-",
        "ResyncJob:01234567-89ab-cdef-fedc-ba987654321g",
        "ResyncJob:012345678-9ab-cdef-fedc-ba9876543210",
    };
    rf_job_id id;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(rf_job_id_parse(rf_text_of(texts[i]), &id));
    }
}

static void test_keys(void **state)
{
    rf_job_id id = {.kind = RF_JOB_LOG, .guid = {1, 2, 3}};
    rf_job_id back = {.kind = RF_JOB_RESYNC};
    rf_key key;
    (void)state;
    rf_job_key(&key, 0x0102, &id);
    assert_memory_equal(key.bytes, "\1\2\2\1\2\3", 6);
    assert_true(rf_job_key_read(rf_key_bytes(&key), &back));
    assert_int_equal(back.kind, RF_JOB_LOG);
    assert_memory_equal(back.guid, id.guid, 16);
    key.length--;
    assert_false(rf_job_key_read(rf_key_bytes(&key), &back));
    key.length++;
    key.bytes[2] = 77;
    assert_false(rf_job_key_read(rf_key_bytes(&key), &back));
}

static void test_what_a_resync_is_to_do(void **state)
{
    rf_measure measures[RF_RESYNC_MEASURES_MAX];
    size_t count = 99;
    rf_buffer parameters = {0};
    (void)state;
    for (unsigned i = 0; i < RF_RESYNC_MEASURES_MAX; i++) {
        measures[i] = (rf_measure)(i * 3);
    }
    rf_resync_encode(measures, RF_RESYNC_MEASURES_MAX, &parameters);
    memset(measures, 0, sizeof measures);
    assert_int_equal(
        rf_resync_decode(bytes_of(&parameters), measures, &count, NULL), RF_OK);
    assert_int_equal(count, RF_RESYNC_MEASURES_MAX);
    assert_int_equal(measures[255], 765);
    rf_write_varint(&parameters, 1);
    assert_int_equal(
        rf_resync_decode(bytes_of(&parameters), measures, &count, NULL),
        RF_E_STORAGE);
    rf_buffer_clear(&parameters);
    assert_int_equal(
        rf_resync_decode(bytes_of(&parameters), measures, &count, NULL), RF_OK);
    assert_int_equal(count, 0);
    rf_write_varint(&parameters, RF_MEASURES_MAX);
    assert_int_equal(
        rf_resync_decode(bytes_of(&parameters), measures, &count, NULL),
        RF_E_STORAGE);
    rf_buffer_done(&parameters);
}

static void test_what_a_log_selects(void **state)
{
    rf_buffer parameters = {0};
    rf_log_selection back = {.from_ms = 0};
    rf_log_selection selection = {.id = rf_text_of("l-1"),
                                  .organization = rf_text_of("usmf"),
                                  .product = RF_TEXT_EMPTY,
                                  .place = {.given = RF_BIT(RF_SITE)},
                                  .from_ms = -5,
                                  .end_ms = 1700000000000};
    (void)state;
    selection.place.value[RF_SITE] = rf_text_of("10");
    rf_log_selection_encode(&selection, &parameters);
    assert_int_equal(
        rf_log_selection_decode(bytes_of(&parameters), &back, NULL), RF_OK);
    assert_true(rf_text_equal(back.id, selection.id));
    assert_true(rf_text_equal(back.organization, selection.organization));
    assert_int_equal(back.product.length, 0);
    assert_true(back.from_ms == -5 && back.end_ms == 1700000000000);
    assert_true(back.place.given == RF_BIT(RF_SITE));
    assert_true(rf_text_equal(back.place.value[RF_SITE], rf_text_of("10")));
    for (size_t length = 0; length < parameters.length; length++) {
        rf_bytes cut = {bytes_of(&parameters).bytes, length};
        rf_status status = rf_log_selection_decode(cut, &back, NULL);
        assert_true(status == RF_E_STORAGE || back.place.given == 0);
    }
    rf_buffer_done(&parameters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_comes_back),
        cmocka_unit_test(test_a_damaged_record_is_refused),
        cmocka_unit_test(test_when_a_job_is_finished),
        cmocka_unit_test(test_ids_as_clients_see_them),
        cmocka_unit_test(test_what_is_no_id),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_what_a_resync_is_to_do),
        cmocka_unit_test(test_what_a_log_selects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
