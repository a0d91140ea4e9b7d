/*
 * set_fixture.c - making counts, and finding what they left behind.
 */
#include "tests/unit/set_fixture.h"

#include "core/key.h"
#include "core/record.h"
#include "tests/unit/unit.h"

rf_command set_command(engine_rig *rig, const char *place, const char *values,
                       int seconds)
{
    rf_command command = engine_post(rig, "SHIRT", place, values);
    command.operation = RF_OPERATION_SET;
    command.at_ms = seconds == 0 ? 0 : SET_EPOCH + (int64_t)seconds * 1000;
    return command;
}

rf_result *set_do(engine_rig *rig, const char *place, const char *values,
                  int seconds)
{
    rf_command command = set_command(rig, place, values, seconds);
    rf_result *result = engine_do(rig, &command);
    assert_false(result->stale);
    assert_string_equal(rf_result_word(result), "");
    return result;
}

rf_result *set_stale(engine_rig *rig, const char *place, const char *values,
                     int seconds)
{
    rf_command command = set_command(rig, place, values, seconds);
    rf_result *result = engine_do(rig, &command);
    assert_true(result->stale);
    assert_string_equal(rf_result_word(result), "stale_snapshot");
    assert_string_not_equal(result->message, "");
    return result;
}

void set_post(engine_rig *rig, const char *place, const char *changes)
{
    rf_command command = engine_post(rig, "SHIRT", place, changes);
    engine_do(rig, &command);
}

static uint8_t leaf_number(engine_rig *rig)
{
    const rf_generation *generation = engine_generation(rig);
    size_t i = 0;
    while (i < generation->level_count &&
           generation->levels[i].level != RF_LEVEL_LEAF) {
        i++;
    }
    assert_true(i < generation->level_count);
    return generation->levels[i].number;
}

bool set_row(engine_rig *rig, const char *place, const char *measure,
             rf_quantity *out)
{
    rf_key key;
    rf_node node = {0};
    rf_place at = engine_place(rig, place);
    rf_measure number = engine_measure(rig, measure);
    rf_key_product(&key, engine_generation(rig)->environment,
                   rf_text_of(RIG_ORGANIZATION), rf_text_of("SHIRT"));
    rf_key_node(&key, leaf_number(rig), RF_LEVEL_LEAF, &at);
    rf_store *store = rig->disk->store;
    rf_store_transaction *reader = rig_begin(store, false);
    rf_store_item item = {.table = RF_TABLE_STOCK, .key = rf_key_bytes(&key)};
    assert_int_equal(store->operations->load(reader, &item, 1, NULL), RF_OK);
    if (item.value.bytes != NULL) {
        assert_int_equal(rf_node_decode(item.value, &node, NULL), RF_OK);
    }
    bool has = rf_measures_has(&node.measures, number);
    *out = rf_measures_get(&node.measures, number);
    rf_measures_done(&node.measures);
    store->operations->abort(reader);
    return has;
}

static bool count_record(void *context, rf_bytes key, rf_bytes value)
{
    size_t *count = context;
    rf_key_parts parts;
    (void)value;
    assert_int_equal(rf_key_read(key, &parts, NULL), RF_OK);
    *count += parts.kind == RF_KEY_SET_TIMES ? 1 : 0;
    return true;
}

size_t set_count_records(engine_rig *rig)
{
    size_t count = 0;
    rf_store *store = rig->disk->store;
    rf_store_transaction *reader = rig_begin(store, false);
    rf_store_range all = {RF_TABLE_STOCK, {NULL, 0}, {NULL, 0}};
    assert_int_equal(
        store->operations->scan(reader, &all, count_record, &count, NULL),
        RF_OK);
    store->operations->abort(reader);
    return count;
}
