/*
 * engine_rig.c - making an engine, giving it work, looking at what it stored.
 */
#include "tests/unit/engine_rig.h"

#include "core/key.h"
#include "core/record.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t rig_now_ms(void *self)
{
    const engine_rig *rig = self;
    return rig->now_ms;
}

static void open_engine(engine_rig *rig)
{
    rf_error err = {0};
    rig_open(rig->disk);
    rf_engine_options options = {
        .store = rig->disk->store,
        .clock = {rig, rig_now_ms},
        .ids_max = 100000,
        .journal_retention_days = 30,
    };
    if (rf_engine_create(&options, &rig->engine, &err) != RF_OK) {
        fail_msg("%s", err.message);
    }
}

void engine_note_done(rf_task *task)
{
    task->owner = NULL;
}

/* Give back what the engine did not take. */
static void note_configured(rf_task *task)
{
    rf_catalog_free(task->catalog);
    rf_registry_free(task->registry);
    engine_note_done(task);
}

static void close_engine(engine_rig *rig)
{
    rf_view_done(&rig->view);
    rf_engine_free(rig->engine);
    rig->engine = NULL;
    if (rig->configuring != NULL && rig->configuring->owner != NULL) {
        note_configured(rig->configuring); /* it was cut short */
    }
    rig->configuring = NULL;
    rig_close(rig->disk);
}

int engine_set_up(void **state)
{
    engine_rig *rig = calloc(1, sizeof *rig);
    void *part = NULL;
    assert_non_null(rig);
    assert_int_equal(rig_set_up(&part), 0);
    rig->disk = part;
    assert_int_equal(draft_set_up(&part), 0);
    rig->draft = part;
    rf_arena_init(&rig->arena, 65536, 0);
    rig->now_ms = INT64_C(1700000000000);
    draft_shop(rig->draft);
    open_engine(rig);
    *state = rig;
    return 0;
}

int engine_set_up_shop(void **state)
{
    engine_set_up(state);
    engine_configure(*state);
    return 0;
}

int engine_set_up_pool(void **state)
{
    engine_set_up(state);
    engine_rig *rig = *state;
    draft_source(rig->draft, "@iv", "");
    draft_formula(rig->draft, "@iv", "@available_to_allocate",
                  "pos.inbound, fno.availphysical",
                  "pos.outbound, iv.softreserved, @iv.@allocated");
    engine_configure(rig);
    return 0;
}

static bool print_difference(void *context, const char *text)
{
    (void)context;
    print_error("%s\n", text);
    return true;
}

int engine_tear_down(void **state)
{
    engine_rig *rig = *state;
    rf_verify_report report = {0};
    uint64_t differences = rig->is_damaged ? 0 : engine_verify(rig, &report);
    close_engine(rig);
    void *part = rig->disk;
    int result = rig_tear_down(&part);
    part = rig->draft;
    draft_tear_down(&part);
    rf_arena_done(&rig->arena);
    rf_buffer_done(&rig->scratch);
    free(rig);
    return differences == 0 ? result : -1;
}

void engine_restart(engine_rig *rig)
{
    close_engine(rig);
    open_engine(rig);
    engine_configure(rig);
}

static rf_task *make_task(engine_rig *rig, rf_task_kind kind)
{
    rf_task *task = rf_arena_calloc(&rig->arena, 1, sizeof *task);
    assert_non_null(task);
    task->kind = kind;
    task->environment = rf_text_of(RIG_ENVIRONMENT);
    task->actor = rf_text_of("tester");
    task->done = engine_note_done;
    task->owner = rig;
    return task;
}

rf_task *engine_submit_configure(engine_rig *rig)
{
    rf_task *task = make_task(rig, RF_TASK_CONFIGURE);
    rf_error err = {0};
    rig->draft->problems = (rf_problems){0};
    task->document = rf_text_of("{}");
    task->done = note_configured;
    rig->configuring = task;
    assert_int_equal(rf_engine_registry(rig->engine, task->environment,
                                        &task->registry, &err),
                     RF_OK);
    task->status =
        rf_catalog_build(&rig->draft->draft, task->registry,
                         &rig->draft->problems, &task->catalog, &err);
    if (task->status == RF_OK) {
        rf_engine_submit(rig->engine, task);
    } else {
        task->done(task);
    }
    return task;
}

void engine_settle(engine_rig *rig)
{
    bool more = true;
    while (more) {
        rf_error err = {0};
        if (rf_engine_step(rig->engine, &more, &err) != RF_OK) {
            fail_msg("%s", err.message);
        }
    }
}

void engine_reopen(engine_rig *rig)
{
    close_engine(rig);
    open_engine(rig);
    const rf_task *task = engine_submit_configure(rig);
    while (task->owner != NULL) {
        bool more;
        assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
    }
    assert_int_equal(task->status, RF_OK);
}

rf_status engine_try_configure(engine_rig *rig)
{
    rf_task *task = engine_submit_configure(rig);
    engine_settle(rig);
    assert_null(task->owner);
    return task->status;
}

void engine_configure(engine_rig *rig)
{
    rf_status status = engine_try_configure(rig);
    if (status != RF_OK) {
        fail_msg("the configuration was refused: %s %s", rf_status_word(status),
                 rig->draft->problems.items[0].message);
    }
}

rf_task *engine_submit_erase(engine_rig *rig, const char *partition)
{
    rf_task *task = make_task(rig, RF_TASK_ERASE);
    rf_text *id = rf_arena_calloc(&rig->arena, 1, sizeof *id);
    assert_non_null(id);
    *id = rf_text_of(partition);
    task->partitions = id;
    task->partition_count = 1;
    rf_engine_submit(rig->engine, task);
    return task;
}

rf_status engine_erase(engine_rig *rig, const char *partition)
{
    const rf_task *task = engine_submit_erase(rig, partition);
    engine_settle(rig);
    assert_null(task->owner);
    return task->status;
}

rf_generation *engine_generation(engine_rig *rig)
{
    const rf_world *world =
        rf_view_world(&rig->view, rf_engine_globe(rig->engine));
    rf_generation *generation =
        rf_world_find(world, rf_text_of(RIG_ENVIRONMENT));
    assert_non_null(generation);
    return generation;
}

const rf_catalog *engine_catalog(engine_rig *rig)
{
    return engine_generation(rig)->catalog;
}

static rf_measure find_measure(engine_rig *rig, rf_text name)
{
    const char *dot = memchr(name.bytes, '.', name.length);
    assert_non_null(dot);
    size_t length = (size_t)(dot - name.bytes);
    const rf_physical *measure =
        rf_catalog_physical(engine_catalog(rig), (rf_text){name.bytes, length},
                            (rf_text){dot + 1, name.length - length - 1});
    if (measure == NULL) {
        fail_msg("no measure %.*s", (int)name.length, name.bytes);
        abort();
    }
    return measure->number;
}

rf_measure engine_measure(engine_rig *rig, const char *name)
{
    return find_measure(rig, rf_text_of(name));
}

static unsigned find_coordinate(engine_rig *rig, rf_text name)
{
    const rf_catalog *catalog = engine_catalog(rig);
    int dimension = rf_dimension_find(name);
    for (size_t i = 0; dimension < 0 && i < catalog->group_count; i++) {
        if (rf_text_is_name(catalog->groups[i], name)) {
            dimension = RF_DIMENSION_COUNT + (int)i;
        }
    }
    if (rf_text_is_name(name, rf_text_of("date"))) {
        dimension = RF_DAY;
    }
    if (dimension < 0) {
        fail_msg("no coordinate %.*s", (int)name.length, name.bytes);
    }
    return (unsigned)dimension;
}

/* Take the next "name" or "name=value" off a list. */
static bool take_pair(const char **text, rf_text *name, rf_text *value)
{
    *text += strspn(*text, ", ");
    if (**text == '\0') {
        return false;
    }
    size_t length = strcspn(*text, ",");
    const char *equals = memchr(*text, '=', length);
    *name =
        (rf_text){*text, equals == NULL ? length : (size_t)(equals - *text)};
    *value = equals == NULL ? RF_TEXT_EMPTY
                            : (rf_text){equals + 1, length - name->length - 1};
    *text += length;
    return true;
}

static const char *keep(engine_rig *rig, const char *text)
{
    const char *copy = rf_arena_copy(&rig->arena, text, strlen(text));
    assert_non_null(copy);
    return copy;
}

rf_place engine_place(engine_rig *rig, const char *text)
{
    rf_place place = {0};
    rf_text name;
    rf_text value;
    for (size_t c = 0; c < RF_COORDINATES_MAX; c++) {
        place.value[c] = RF_TEXT_EMPTY;
    }
    const char *at = keep(rig, text);
    while (take_pair(&at, &name, &value)) {
        unsigned coordinate = find_coordinate(rig, name);
        place.value[coordinate] = value;
        place.given |= value.length > 0 ? RF_BIT(coordinate) : 0;
    }
    return place;
}

rf_level engine_level(engine_rig *rig, const char *names)
{
    rf_level level = 0;
    rf_text name;
    rf_text value;
    while (take_pair(&names, &name, &value)) {
        level |= RF_BIT(find_coordinate(rig, name));
    }
    return level;
}

rf_quantity engine_units(double units)
{
    double scaled = units * (double)RF_QUANTITY_SCALE;
    return (rf_quantity)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

static rf_command make_command(engine_rig *rig, rf_operation operation,
                               const char *product, const char *place)
{
    char id[32];
    snprintf(id, sizeof id, "id-%u", ++rig->next_id);
    return (rf_command){
        .operation = operation,
        .id = rf_text_of(keep(rig, id)),
        .organization = rf_text_of(RIG_ORGANIZATION),
        .product = rf_text_of(keep(rig, product)),
        .place = engine_place(rig, place),
        .recipient = RF_TEXT_EMPTY,
        .order_tag = RF_TEXT_EMPTY,
        .reservation = RF_TEXT_EMPTY,
    };
}

static int compare_amounts(const void *a, const void *b)
{
    const rf_amount *left = a;
    const rf_amount *right = b;
    return (int)left->measure - (int)right->measure;
}

rf_command engine_post(engine_rig *rig, const char *product, const char *place,
                       const char *changes)
{
    rf_command command = make_command(rig, RF_OPERATION_POST, product, place);
    rf_amount *amounts = rf_arena_calloc(&rig->arena, 16, sizeof *amounts);
    rf_text name;
    rf_text value;
    assert_non_null(amounts);
    while (take_pair(&changes, &name, &value)) {
        assert_true(command.change_count < 16);
        amounts[command.change_count++] = (rf_amount){
            find_measure(rig, name), engine_units(strtod(value.bytes, NULL))};
    }
    qsort(amounts, command.change_count, sizeof *amounts, compare_amounts);
    command.changes = amounts;
    return command;
}

rf_command engine_reserve(engine_rig *rig, const char *product,
                          const char *place, double quantity, bool check)
{
    rf_command command =
        make_command(rig, RF_OPERATION_RESERVE, product, place);
    command.measure = engine_measure(rig, "iv.softreserved");
    command.quantity = engine_units(quantity);
    command.check = check;
    return command;
}

rf_command engine_unreserve(engine_rig *rig, const char *product,
                            const char *place, const rf_result *reserved,
                            double quantity)
{
    char text[RF_RESERVATION_TEXT_MAX];
    rf_command command =
        make_command(rig, RF_OPERATION_UNRESERVE, product, place);
    rf_reservation_print(reserved->reservation, reserved->reservation_created,
                         text);
    command.reservation = rf_text_of(keep(rig, text));
    command.quantity = engine_units(quantity);
    return command;
}

rf_command engine_allocation(engine_rig *rig, rf_operation operation,
                             const char *product, const char *place,
                             double quantity)
{
    rf_command command = make_command(rig, operation, product, place);
    command.quantity = engine_units(quantity);
    return command;
}

rf_command engine_reallocate(engine_rig *rig, const char *product,
                             const char *from, const char *to, double quantity)
{
    rf_command command =
        engine_allocation(rig, RF_OPERATION_REALLOCATE, product, to, quantity);
    rf_place *place = rf_arena_calloc(&rig->arena, 1, sizeof *place);
    assert_non_null(place);
    *place = engine_place(rig, from);
    command.source = place;
    return command;
}

rf_command engine_consume(engine_rig *rig, const char *product,
                          const char *place, double quantity,
                          const char *measures)
{
    rf_command command = engine_post(rig, product, place, measures);
    rf_amount *amounts =
        rf_arena_calloc(&rig->arena, command.change_count + 1, sizeof *amounts);
    assert_non_null(amounts);
    for (size_t i = 0; i < command.change_count; i++) {
        amounts[i] = command.changes[i];
        amounts[i].quantity =
            engine_units(amounts[i].quantity < 0 ? -quantity : quantity);
    }
    command.operation = RF_OPERATION_CONSUME;
    command.quantity = engine_units(quantity);
    command.changes = amounts;
    return command;
}

static void count_done(rf_job *job)
{
    engine_rig *rig = job->owner;
    rig->done_count++;
}

rf_job *engine_job(engine_rig *rig, const rf_command *commands, size_t count)
{
    rf_job *job = rf_arena_calloc(&rig->arena, 1, sizeof *job);
    assert_non_null(job);
    job->commands = rf_arena_calloc(&rig->arena, count + 1, sizeof *commands);
    job->results =
        rf_arena_calloc(&rig->arena, count + 1, sizeof *job->results);
    assert_non_null(job->commands);
    assert_non_null(job->results);
    job->generation = engine_generation(rig);
    job->count = count;
    job->actor = rf_text_of("tester");
    job->done = count_done;
    job->owner = rig;
    for (size_t i = 0; i < count; i++) {
        rf_error err = {0};
        job->commands[i] = commands[i];
        if (rf_command_check(job->generation->catalog, &job->commands[i],
                             &rig->scratch, &err) != RF_OK) {
            fail_msg("%s", err.message);
        }
    }
    return job;
}

rf_result *engine_run_job(engine_rig *rig, rf_job *job)
{
    rf_error err = {0};
    unsigned before = rig->done_count;
    rf_status status = rf_engine_run(rig->engine, job, &err);
    assert_true(rig->done_count > before);
    if (status != RF_OK) {
        assert_int_equal(job->results[0].status, status);
    }
    return job->results;
}

rf_result *engine_run(engine_rig *rig, const rf_command *command)
{
    return engine_run_job(rig, engine_job(rig, command, 1));
}

rf_result *engine_do(engine_rig *rig, const rf_command *command)
{
    rf_result *result = engine_run(rig, command);
    if (result->status != RF_OK) {
        fail_msg("refused: %s", result->message);
    }
    return result;
}

static rf_level_number find_level(engine_rig *rig, rf_level level)
{
    const rf_generation *generation = engine_generation(rig);
    for (size_t i = 0; i < generation->level_count; i++) {
        if (generation->levels[i].level == level) {
            return generation->levels[i];
        }
    }
    fail_msg("no such level");
    return (rf_level_number){0, 0};
}

static rf_quantity read_total(engine_rig *rig, const char *product,
                              const rf_place *place, rf_level level,
                              const char *measure)
{
    rf_key key;
    rf_level_number number = find_level(rig, level);
    rf_key_product(&key, engine_generation(rig)->environment,
                   rf_text_of(RIG_ORGANIZATION), rf_text_of(product));
    rf_key_node(&key, number.number, level, place);
    rf_store *store = rig->disk->store;
    rf_store_transaction *reader = rig_begin(store, false);
    rf_store_item item = {.table = RF_TABLE_STOCK, .key = rf_key_bytes(&key)};
    rf_node node = {0};
    assert_int_equal(store->operations->load(reader, &item, 1, NULL), RF_OK);
    if (item.value.bytes != NULL) {
        assert_int_equal(rf_node_decode(item.value, &node, NULL), RF_OK);
    }
    rf_quantity total =
        rf_measures_get(&node.measures, engine_measure(rig, measure));
    rf_measures_done(&node.measures);
    store->operations->abort(reader);
    return total;
}

rf_quantity engine_total(engine_rig *rig, const char *product,
                         const char *place, const char *level,
                         const char *measure)
{
    rf_place at = engine_place(rig, place);
    return read_total(rig, product, &at, engine_level(rig, level), measure);
}

void engine_expect(engine_rig *rig, const char *product, const char *place,
                   const char *measure, double units)
{
    rf_place at = engine_place(rig, place);
    rf_quantity total = read_total(rig, product, &at, at.given, measure);
    if (total != engine_units(units)) {
        char text[RF_QUANTITY_TEXT_MAX];
        rf_quantity_print(total, text);
        fail_msg("%s of %s at %s is %s", measure, product, place, text);
    }
}

uint64_t engine_verify(engine_rig *rig, rf_verify_report *report)
{
    rf_error err = {0};
    rf_verify_options options = {.differ = print_difference};
    if (rf_verify(rig->disk->store, &options, report, &err) != RF_OK) {
        fail_msg("%s", err.message);
    }
    return report->differences;
}
