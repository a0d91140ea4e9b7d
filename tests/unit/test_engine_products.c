/*
 * test_engine_products.c - what is known of products: commands, and lists.
 */
#include "core/alloc.h"
#include "core/cursor.h"
#include "core/journal.h"
#include "core/products.h"
#include "core/slice.h"
#include "tests/unit/engine_rig.h"
#include "tests/unit/product_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define MANY (RF_SLICE_KEYS + 500) /* more than one slice takes */

/* Make a command; a text that is NULL deletes the record. */
static rf_command know(engine_rig *rig, const char *product, const char *text)
{
    rf_command command = engine_post(rig, product, "", "pos.inbound=1");
    command.operation = RF_OPERATION_PRODUCT;
    command.changes = NULL;
    command.change_count = 0;
    if (text != NULL) {
        command.record = product_record(&rig->arena, text);
    }
    return command;
}

static rf_result *set(engine_rig *rig, const char *product, const char *text)
{
    rf_command command = know(rig, product, text);
    return engine_do(rig, &command);
}

/* ---- Lists ---- */

typedef struct listed {
    char text[512];
    size_t count;
    size_t calls;
} listed;

static rf_status note(void *context, const rf_product *product, rf_error *err)
{
    listed *out = context;
    rf_text item = product->fields[RF_PRODUCT_ITEM_NUMBER];
    rf_text name = product->fields[RF_PRODUCT_NAME];
    size_t used = strlen(out->text);
    (void)err;
    snprintf(out->text + used, sizeof out->text - used, "%.*s=%.*s ",
             (int)item.length, item.bytes, (int)name.length, name.bytes);
    out->count++;
    return RF_OK;
}

/* List with filters; each page starts from the text that the last one ended
 * with. */
static const char *list(engine_rig *rig, const rf_product_listing *filters,
                        size_t limit, listed *out)
{
    char after[RF_CURSOR_TEXT_MAX] = "";
    bool end = false;
    memset(out, 0, sizeof *out);
    while (!end) {
        rf_product_listing listing = *filters;
        size_t before = out->count;
        listing.environment = engine_generation(rig)->environment;
        listing.limit = limit;
        listing.visit = note;
        listing.context = out;
        assert_true(rf_cursor_parse(rf_text_of(after), &listing.next));
        assert_int_equal(
            rf_products_list(rig->disk->store, &listing, &end, NULL), RF_OK);
        assert_true(out->count - before <= limit);
        rf_cursor_print(&listing.next, after);
        out->calls++;
    }
    return out->text;
}

static void expect_known(engine_rig *rig, const char *text)
{
    static const rf_product_listing all = {0};
    listed out;
    assert_string_equal(list(rig, &all, 100, &out), text);
}

/* ---- Commands ---- */

static void test_a_record_is_replaced_and_deleted(void **state)
{
    engine_rig *rig = *state;
    const rf_result *result =
        set(rig, "P", "productName=one; productType=Item; @a=1");
    assert_string_equal(result->message, "");
    expect_known(rig, "P=one ");
    set(rig, "P", "productName=two");
    expect_known(rig, "P=two ");
    result = set(rig, "P", NULL);
    assert_non_null(strstr(result->message, "deleted"));
    expect_known(rig, "");
    set(rig, "P", NULL); /* what is not there can be deleted as well */
    expect_known(rig, "");
}

static void test_the_last_of_a_batch_stands(void **state)
{
    engine_rig *rig = *state;
    rf_command lines[] = {
        know(rig, "P", "productName=one"),
        know(rig, "P", NULL),
        know(rig, "P", "productName=three"),
        know(rig, "Q", "productName=q"),
        know(rig, "Q", NULL),
    };
    engine_run_job(rig, engine_job(rig, lines, 5));
    expect_known(rig, "P=three ");
}

static void test_ids(void **state)
{
    engine_rig *rig = *state;
    rf_command first = know(rig, "P", "productName=one");
    rf_command other = know(rig, "P", "productName=other");
    rf_command gone = know(rig, "P", NULL);
    other.id = first.id;
    gone.id = first.id;
    engine_do(rig, &first);
    set(rig, "P", "productName=two");
    for (int round = 0; round < 2; round++) {
        assert_true(engine_do(rig, &first)->replayed);
        assert_int_equal(engine_run(rig, &other)->status, RF_E_CONFLICT);
        assert_int_equal(engine_run(rig, &gone)->status, RF_E_CONFLICT);
        expect_known(rig, "P=two ");
        engine_restart(rig);
    }
    /* An id of another operation is another id. */
    rf_command post = engine_post(rig, "P", SHELF, "pos.inbound=1");
    post.id = first.id;
    assert_false(engine_do(rig, &post)->replayed);
}

static void test_a_dry_run_leaves_nothing(void **state)
{
    engine_rig *rig = *state;
    set(rig, "P", "productName=one");
    rf_command lines[] = {know(rig, "P", NULL), know(rig, "Q", "@a=1"),
                          know(rig, "P", "productName=two")};
    for (int atomic = 0; atomic < 2; atomic++) {
        rf_job *job = engine_job(rig, lines, 3);
        job->dry_run = true;
        job->atomic = atomic != 0;
        const rf_result *results = engine_run_job(rig, job);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(results[i].status, RF_OK);
            assert_int_equal(results[i].number, 0);
            assert_int_equal(results[i].quantities.count, 0);
        }
        expect_known(rig, "P=one ");
    }
}

static void test_a_basket_is_all_or_nothing(void **state)
{
    engine_rig *rig = *state;
    rf_command lines[] = {know(rig, "P", "productName=one"),
                          know(rig, "Q", NULL),
                          engine_reserve(rig, "P", SHELF, 1, true)};
    set(rig, "Q", "productName=q");
    rf_job *job = engine_job(rig, lines, 3);
    job->atomic = true;
    const rf_result *results = engine_run_job(rig, job);
    assert_int_equal(results[0].status, RF_E_BASKET_REFUSED);
    assert_int_equal(results[2].status, RF_E_INSUFFICIENT_AVAILABLE);
    expect_known(rig, "Q=q ");
    lines[0] = know(rig, "P", "productName=one");
    lines[1] = know(rig, "Q", NULL);
    job = engine_job(rig, lines, 2);
    job->atomic = true;
    assert_int_equal(engine_run_job(rig, job)[1].status, RF_OK);
    expect_known(rig, "P=one ");
}

/* What is known of a product is no stock of it. */
static void test_erasing_stock_leaves_records_and_their_ids(void **state)
{
    engine_rig *rig = *state;
    rf_command post = engine_post(rig, "P", SHELF, "pos.inbound=3");
    rf_command first = know(rig, "P", "productName=one");
    rf_verify_report report = {0};
    engine_do(rig, &post);
    engine_do(rig, &first);
    set(rig, "P", "productName=two");
    engine_expect(rig, "P", SHELF, "pos.inbound", 3);
    assert_int_equal(engine_verify(rig, &report), 0);
    assert_int_equal(report.product_records, 1);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~1~W"), RF_OK);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~~"), RF_OK);
    expect_known(rig, "P=two ");
    assert_false(engine_do(rig, &post)->replayed);
    assert_true(engine_do(rig, &first)->replayed);
    expect_known(rig, "P=two ");
}

static bool take_entry(void *context, const rf_entry *entry)
{
    rf_operation *out = context;
    *out = entry->operation;
    assert_int_equal(entry->movement_count, 0);
    assert_int_equal(entry->coordinates.length, 0);
    assert_true(rf_text_equal(entry->product, rf_text_of("P")));
    return false;
}

static void test_the_journal_tells(void **state)
{
    engine_rig *rig = *state;
    uint64_t number = set(rig, "P", "productName=one")->number;
    rf_operation operation = 0;
    rf_store *store = rig->disk->store;
    rf_store_transaction *reader = rig_begin(store, false);
    rf_journal_range range = {engine_generation(rig)->environment, number - 1};
    assert_int_equal(
        rf_journal_read(store, reader, range, take_entry, &operation, NULL),
        RF_OK);
    store->operations->abort(reader);
    assert_int_equal(operation, RF_OPERATION_PRODUCT);
    assert_string_equal(rf_operation_name(operation), "product");
    assert_string_equal(rf_operation_prefix(operation), "prod");
}

static void test_how_long_a_record_may_be(void **state)
{
    engine_rig *rig = *state;
    unsigned char *bytes =
        rf_arena_calloc(&rig->arena, RF_PRODUCT_RECORD_BYTES_MAX + 1, 1);
    rf_command command = know(rig, "P", NULL);
    rf_error err = {0};
    command.record = (rf_bytes){bytes, RF_PRODUCT_RECORD_BYTES_MAX};
    assert_int_equal(
        rf_command_check(engine_catalog(rig), &command, &rig->scratch, &err),
        RF_OK);
    command.record.length++;
    assert_int_equal(
        rf_command_check(engine_catalog(rig), &command, &rig->scratch, &err),
        RF_E_TOO_LONG);
    assert_non_null(strstr(err.message, "32768"));
}

/* ---- Reading ---- */

static void set_for(engine_rig *rig, const char *organization,
                    const char *product, const char *text)
{
    rf_command command = know(rig, product, text);
    command.organization = rf_text_of(organization);
    engine_do(rig, &command);
}

static void test_lists_are_filtered(void **state)
{
    engine_rig *rig = *state;
    listed out;
    char longest[300];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    set_for(rig, "a", "P", "productName=ap");
    set_for(rig, "a", "PP", "productName=app");
    set_for(rig, "b", "P", "productName=bp");
    rf_product_listing filters = {0};
    assert_string_equal(list(rig, &filters, 1, &out), "P=ap PP=app P=bp ");
    filters.product = rf_text_of("P");
    assert_string_equal(list(rig, &filters, 1, &out), "P=ap P=bp ");
    filters.organization = rf_text_of("a");
    assert_string_equal(list(rig, &filters, 10, &out), "P=ap ");
    filters.product = RF_TEXT_EMPTY;
    assert_string_equal(list(rig, &filters, 10, &out), "P=ap PP=app ");
    rf_search_value value = rf_search_value_of(rf_text_of("pp"));
    rf_search_condition condition = {.relation = RF_SEARCH_CONTAINS,
                                     .field = RF_PRODUCT_NAME,
                                     .values = &value,
                                     .value_count = 1};
    rf_search search = {{.conditions = &condition, .condition_count = 1}, 1};
    filters.search = &search;
    assert_string_equal(list(rig, &filters, 10, &out), "PP=app ");
    filters.search = NULL;
    filters.organization = rf_text_of("c");
    assert_string_equal(list(rig, &filters, 10, &out), "");
    filters.organization = rf_text_of(longest);
    assert_string_equal(list(rig, &filters, 10, &out), "");
    filters.organization = rf_text_of("a");
    filters.product = rf_text_of(longest);
    assert_string_equal(list(rig, &filters, 10, &out), "");
}

static void save(engine_rig *rig, const rf_key *key, rf_bytes value)
{
    rf_store *store = rig->disk->store;
    rf_store_item item = {RF_TABLE_PRODUCTS, rf_key_bytes(key), value};
    rf_store_transaction *writer = rig_begin(store, true);
    assert_int_equal(store->operations->save(writer, &item, 1, NULL), RF_OK);
    rig_commit(store, writer);
}

static rf_key key_of(engine_rig *rig, const char *product)
{
    rf_key key;
    rf_key_product(&key, engine_generation(rig)->environment,
                   rf_text_of(RIG_ORGANIZATION), rf_text_of(product));
    return key;
}

/* A search that finds one in ten thousand goes through all of them, slice by
 * slice. */
static void test_long_lists_are_read_in_slices(void **state)
{
    engine_rig *rig = *state;
    rf_bytes dull = product_record(&rig->arena, "productName=dull");
    rf_store *store = rig->disk->store;
    rf_store_transaction *writer = rig_begin(store, true);
    for (int i = 0; i < MANY; i++) {
        char product[16];
        snprintf(product, sizeof product, "P%05d", i);
        rf_key key = key_of(rig, product);
        rf_store_item item = {RF_TABLE_PRODUCTS, rf_key_bytes(&key), dull};
        assert_int_equal(store->operations->save(writer, &item, 1, NULL),
                         RF_OK);
    }
    rig_commit(store, writer);
    set(rig, "P99999", "productName=Bright");
    rf_search_value value = rf_search_value_of(rf_text_of("bright"));
    rf_search_condition condition = {.relation = RF_SEARCH_IS_EXACTLY,
                                     .field = RF_PRODUCT_NAME,
                                     .values = &value,
                                     .value_count = 1};
    rf_search search = {{.conditions = &condition, .condition_count = 1}, 1};
    rf_product_listing filters = {.search = &search};
    listed out;
    assert_string_equal(list(rig, &filters, 10, &out), "P99999=Bright ");
    assert_true(out.calls >= 2);
}

static void test_a_cursor_is_not_believed(void **state)
{
    engine_rig *rig = *state;
    static const char *const others[] = {"00", "0000", "ffff", "0009ff"};
    set(rig, "P", "productName=one");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        listed out = {0};
        bool end = false;
        rf_product_listing listing = {.environment =
                                          engine_generation(rig)->environment,
                                      .limit = 10,
                                      .visit = note,
                                      .context = &out};
        assert_true(rf_cursor_parse(rf_text_of(others[i]), &listing.next));
        assert_int_equal(
            rf_products_list(rig->disk->store, &listing, &end, NULL), RF_OK);
        assert_true(end);
        assert_int_equal(out.count, 0);
    }
}

/* ---- Without memory ---- */

static void test_every_failed_allocation_of_a_command(void **state)
{
    engine_rig *rig = *state;
    set(rig, "P", "productName=one");
    engine_restart(rig);
    rf_command lines[] = {know(rig, "P", "productName=two"),
                          know(rig, "Q", "productName=q")};
    rf_status status = RF_E_NO_MEMORY;
    unsigned long nth = 0;
    while (status != RF_OK) {
        rf_error err = {0};
        rf_job *job = engine_job(rig, lines, 2);
        rf_alloc_fail_at(++nth);
        status = rf_engine_run(rig->engine, job, &err);
        rf_alloc_fail_at(0);
        assert_true(status == RF_OK || status == RF_E_NO_MEMORY);
        expect_known(rig, status == RF_OK ? "P=two Q=q " : "P=one ");
    }
    assert_true(nth > 3);
}

static void test_every_failed_allocation_of_a_list(void **state)
{
    engine_rig *rig = *state;
    set(rig, "P", "productName=one; @a=1|2");
    rf_status status = RF_E_NO_MEMORY;
    unsigned long nth = 0;
    while (status != RF_OK) {
        listed out = {0};
        bool end = false;
        rf_product_listing listing = {.environment =
                                          engine_generation(rig)->environment,
                                      .limit = 10,
                                      .visit = note,
                                      .context = &out};
        rf_alloc_fail_at(++nth);
        status = rf_products_list(rig->disk->store, &listing, &end, NULL);
        rf_alloc_fail_at(0);
        assert_true(status == RF_OK || status == RF_E_NO_MEMORY);
        assert_int_equal(out.count, status == RF_OK ? 1 : 0);
    }
    assert_true(nth > 1);
}

/* ---- Damage ---- */

typedef struct told {
    char text[512];
} told;

static bool note_difference(void *context, const char *text)
{
    told *out = context;
    snprintf(out->text, sizeof out->text, "%s", text);
    return true;
}

static void expect_difference(engine_rig *rig, const char *text)
{
    told out = {""};
    rf_verify_report report = {0};
    rf_verify_options options = {note_difference, &out};
    assert_int_equal(rf_verify(rig->disk->store, &options, &report, NULL),
                     RF_OK);
    assert_int_equal(report.differences, 1);
    if (strstr(out.text, text) == NULL) {
        fail_msg("'%s' does not say '%s'", out.text, text);
    }
}

static void test_damage_is_told(void **state)
{
    engine_rig *rig = *state;
    set(rig, "P", "productName=one");
    rig->is_damaged = true;
    rf_key key = key_of(rig, "P");
    save(rig, &key, (rf_bytes){(const unsigned char *)"damaged", 7});
    expect_difference(rig, "product P: the checksum of a stored product");
    rf_product_listing listing = {.environment =
                                      engine_generation(rig)->environment,
                                  .limit = 10,
                                  .visit = note};
    bool end = false;
    assert_int_equal(rf_products_list(rig->disk->store, &listing, &end, NULL),
                     RF_E_STORAGE);
    save(rig, &key, (rf_bytes){NULL, 0});
    key.length--;
    save(rig, &key, product_record(&rig->arena, "productName=one"));
    expect_difference(rig, "belongs to no product");
    save(rig, &key, (rf_bytes){NULL, 0});
    rf_key_product(&key, 999, rf_text_of("a"), rf_text_of("P"));
    save(rig, &key, product_record(&rig->arena, "productName=one"));
    expect_difference(rig, "belongs to no product");
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_record_is_replaced_and_deleted),
        CASE(test_the_last_of_a_batch_stands),
        CASE(test_ids),
        CASE(test_a_dry_run_leaves_nothing),
        CASE(test_a_basket_is_all_or_nothing),
        CASE(test_erasing_stock_leaves_records_and_their_ids),
        CASE(test_the_journal_tells),
        CASE(test_how_long_a_record_may_be),
        CASE(test_lists_are_filtered),
        CASE(test_long_lists_are_read_in_slices),
        CASE(test_a_cursor_is_not_believed),
        CASE(test_every_failed_allocation_of_a_command),
        CASE(test_every_failed_allocation_of_a_list),
        CASE(test_damage_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
