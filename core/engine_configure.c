/*
 * engine_configure.c - publishing a generation, building its levels first.
 *
 * A catalog comes checked as a whole. Its new levels are built leaf by leaf in
 * bounded transactions, each of which stores how far it came, so that a crash
 * costs nothing. Meanwhile the old generation serves and every change
 * keeps the finished part of the new levels right. When all are complete the
 * generation is published at once.
 */
#include "core/alloc.h"
#include "core/engine_internal.h"

#include <string.h>

/* Leaves per transaction: small enough not to be felt by the commands that
 * wait, large enough for a million leaves to take seconds. */
#define LEAVES_PER_STEP 1000

struct rf_configuration {
    rf_environment *environment;
    bool is_new;           /* the environment is not the engine's yet */
    bool is_stored;        /* its numbers and levels are */
    bool moves_groups;     /* which needs that there are no allocations */
    rf_record_count count; /* of those */
};

void rf_engine__configure_forget(rf_engine *engine)
{
    rf_configuration *configuration = engine->configuration;
    if (configuration == NULL) {
        return;
    }
    if (configuration->is_new) {
        rf_environment_free(configuration->environment);
    }
    rf_free(configuration);
    engine->configuration = NULL;
}

static bool has_data(const rf_environment *environment, rf_engine *engine,
                     rf_error *err, rf_status *status)
{
    rf_key prefix;
    rf_key_environment(&prefix, environment->number);
    rf_key after = prefix;
    rf_store_transaction *transaction = NULL;
    bool bounded = rf_key_after_prefix(&after);
    rf_store_item item = {.table = RF_TABLE_STOCK};
    if (bounded) {
        item.key = rf_key_bytes(&after);
    }
    *status = engine->store->operations->begin(engine->store, false,
                                               &transaction, err);
    if (*status != RF_OK) {
        return false;
    }
    *status = engine->store->operations->last(transaction, &item, err);
    bool found = *status == RF_OK && item.key.length >= 2 &&
                 memcmp(item.key.bytes, prefix.bytes, 2) == 0;
    engine->store->operations->abort(transaction);
    return found;
}

/* The partition rule decides what belongs together; it can change only where
 * there is nothing yet. Whoever changes a part of it that divides nothing here
 * may ask for the same. */
static rf_status check_partition_rule(rf_engine *engine,
                                      const rf_environment *environment,
                                      const rf_task *task, rf_error *err)
{
    const rf_generation *generation = environment->generation;
    if (generation == NULL ||
        (generation->catalog->by_product == task->catalog->by_product &&
         !task->needs_empty)) {
        return RF_OK;
    }
    rf_status status = RF_OK;
    if (has_data(environment, engine, err, &status)) {
        return rf_fail_field(err, RF_E_DATA_PRESENT, "partitionConfiguration",
                             "the partition rule can change only after all "
                             "partitions have been erased");
    }
    return status;
}

static rf_status find_environment(rf_engine *engine, const rf_task *task,
                                  rf_configuration *configuration,
                                  rf_error *err)
{
    configuration->environment =
        rf_engine__environment_by_id(engine, task->environment);
    if (configuration->environment != NULL) {
        return RF_OK;
    }
    uint16_t number = 1;
    for (size_t i = 0; i < engine->environment_count; i++) {
        uint16_t taken = engine->environments[i]->number;
        number = taken >= number ? (uint16_t)(taken + 1) : number;
    }
    configuration->is_new = true;
    return rf_environment_create(number, task->environment,
                                 &configuration->environment, err);
}

static bool is_wanted(const rf_catalog *catalog, rf_level level)
{
    for (size_t i = 0; i < catalog->level_count; i++) {
        if (catalog->levels[i] == level) {
            return true;
        }
    }
    return false;
}

static bool is_there(const rf_environment *environment, rf_level level)
{
    for (size_t i = 0; i < environment->level_count; i++) {
        if (environment->levels[i].level == level &&
            environment->levels[i].phase != RF_LEVEL_DROPPING) {
            return true;
        }
    }
    return false;
}

static bool is_number_taken(const rf_environment *environment, unsigned number)
{
    for (size_t i = 0; i < environment->level_count; i++) {
        if (environment->levels[i].number == number) {
            return true;
        }
    }
    return false;
}

static uint8_t free_level_number(const rf_environment *environment)
{
    unsigned number = 1;
    while (is_number_taken(environment, number)) {
        number++;
    }
    return (uint8_t)number;
}

/* The leaf level needs no building: it is where everything is posted from the
 * first command on. Nor does a level of what can not have been there yet. */
static rf_level_phase first_phase(const rf_environment *environment,
                                  rf_level level)
{
    bool is_whole =
        level == RF_LEVEL_LEAF ||
        rf_environment_leaf_level(environment, rf_level_kind_of(level)) == NULL;
    return is_whole ? RF_LEVEL_ACTIVE : RF_LEVEL_BUILDING;
}

/* Enter the levels that are missing. */
static rf_status add_levels(rf_environment *environment,
                            const rf_catalog *catalog, rf_error *err)
{
    for (size_t i = 0; i < catalog->level_count; i++) {
        rf_level level = catalog->levels[i];
        if (is_there(environment, level)) {
            continue;
        }
        if (environment->level_count == RF_LEVELS_MAX) {
            return rf_fail(err, RF_E_BAD_CONFIGURATION,
                           "an environment may have at most %d levels, those "
                           "still being removed included",
                           RF_LEVELS_MAX);
        }
        uint8_t number = free_level_number(environment);
        environment->levels[environment->level_count++] =
            (rf_level_state){.level = level,
                             .number = number,
                             .phase = first_phase(environment, level)};
    }
    return RF_OK;
}

/* Give up levels that an interrupted configuration began and this one does
 * not want. */
static void abandon_levels(rf_environment *environment,
                           const rf_catalog *catalog)
{
    for (size_t i = 0; i < environment->level_count; i++) {
        rf_level_state *level = &environment->levels[i];
        if (level->phase == RF_LEVEL_BUILDING &&
            !is_wanted(catalog, level->level)) {
            level->phase = RF_LEVEL_DROPPING;
            level->cursor.length = 0;
        }
    }
}

static rf_status save_environment(rf_engine *engine,
                                  rf_environment *environment, rf_error *err)
{
    rf_store_transaction *transaction = NULL;
    rf_status status = rf_engine__begin(engine, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = rf_environment_save(engine->store, transaction, environment, err);
    if (status != RF_OK) {
        engine->store->operations->abort(transaction);
        return status;
    }
    return rf_engine__commit(engine, transaction, err);
}

/* Every name that has a number must have kept it: records hold the numbers. */
static rf_status check_numbers(const rf_environment *environment,
                               const rf_task *task, rf_error *err)
{
    return rf_registry_extends(task->registry, environment->registry)
               ? RF_OK
               : rf_fail(err, RF_E_INTERNAL,
                         "the configuration was made from numbers that are "
                         "not the stored ones");
}

/* Store the numbers and levels that the catalog brings. Nothing of the
 * environment changes unless that succeeds. */
static rf_status store_numbers(rf_engine *engine, rf_task *task,
                               rf_registry *registry, rf_error *err)
{
    rf_configuration *configuration = engine->configuration;
    rf_environment *environment = configuration->environment;
    rf_environment before = *environment;
    environment->registry = registry;
    abandon_levels(environment, task->catalog);
    rf_status status = add_levels(environment, task->catalog, err);
    if (status == RF_OK) {
        status = save_environment(engine, environment, err);
    }
    if (status == RF_OK && configuration->is_new) {
        status = rf_engine__add_environment(engine, environment, err);
        configuration->is_new = status != RF_OK;
    }
    if (status != RF_OK) {
        *environment = before;
        return status;
    }
    rf_registry_free(before.registry);
    return RF_OK;
}

/* Look at what needs no look at the stock. */
static rf_status begin(rf_engine *engine, const rf_task *task, rf_error *err)
{
    rf_configuration *configuration = engine->configuration;
    rf_status status = find_environment(engine, task, configuration, err);
    rf_environment *environment = configuration->environment;
    if (status == RF_OK) {
        status = check_numbers(environment, task, err);
    }
    if (status == RF_OK) {
        status = check_partition_rule(engine, environment, task, err);
    }
    if (status == RF_OK) {
        configuration->moves_groups =
            !rf_engine__keeps_groups(environment, task->catalog);
        rf_engine__start_count(environment, &configuration->count);
    }
    return status;
}

static rf_status prepare(rf_engine *engine, rf_task *task, rf_error *err)
{
    rf_registry *registry = NULL;
    rf_status status = rf_registry_copy(task->registry, &registry, err);
    if (status == RF_OK) {
        status = store_numbers(engine, task, registry, err);
    }
    if (status != RF_OK) {
        rf_registry_free(registry);
    }
    engine->configuration->is_stored = status == RF_OK;
    return status;
}

static bool is_same_key(const rf_key *a, const rf_key *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* The leaves of one step, and the nodes they go to. */
typedef struct building {
    rf_engine *engine;
    rf_environment *environment;
    rf_level_scan scan;
    rf_level_kind kind;
    size_t leaves;
    rf_error *err;
} building;

/* Say whether a level is among those under way, which began at `start`. */
static bool is_of_step(const building *build, const rf_level_state *level,
                       const rf_key *start)
{
    return level->phase == RF_LEVEL_BUILDING &&
           rf_level_kind_of(level->level) == build->kind &&
           is_same_key(&level->cursor, start);
}

static rf_status collect_leaf(void *context, rf_bytes key,
                              const rf_key_parts *parts, rf_bytes value,
                              rf_error *err)
{
    building *build = context;
    rf_key leaf = {.length = (uint16_t)key.length};
    (void)parts;
    (void)value;
    memcpy(leaf.bytes, key.bytes, key.length);
    build->leaves++;
    return rf_workset_want(build->engine->workset, RF_TABLE_STOCK,
                           RF_RECORD_NODE, &leaf) == NULL
               ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
               : RF_OK;
}

static rf_status add_measures(rf_workset *workset, rf_record *node,
                              const rf_measures *measures, rf_error *err)
{
    rf_status status = RF_OK;
    for (uint16_t i = 0; i < measures->count && status == RF_OK; i++) {
        status = rf_workset_add(workset, node, measures->amounts[i].measure,
                                measures->amounts[i].quantity, err);
    }
    return status;
}

/* Add one leaf to every level that stands where the step began. */
static rf_status add_leaf(building *build, const rf_key *start,
                          const rf_record *leaf, bool only_want)
{
    rf_key_parts parts;
    rf_place place;
    rf_status status = rf_work_read_node(leaf, &parts, &place, build->err);
    if (status != RF_OK) {
        return status;
    }
    rf_key product;
    rf_key_product(&product, parts.environment, parts.organization,
                   parts.product);
    for (size_t i = 0; i < build->environment->level_count && status == RF_OK;
         i++) {
        const rf_level_state *level = &build->environment->levels[i];
        if (!is_of_step(build, level, start)) {
            continue;
        }
        rf_record *node =
            rf_work_want_node(&build->engine->work, &product, level, &place);
        if (node == NULL) {
            status = rf_fail(build->err, RF_E_NO_MEMORY, "out of memory");
        } else if (!only_want) {
            status = add_measures(build->engine->workset, node,
                                  &leaf->node.measures, build->err);
        }
    }
    return status;
}

/* Visit the leaves of the step: the records wanted first. */
static rf_status add_leaves(building *build, const rf_key *start,
                            bool only_want)
{
    rf_status status = RF_OK;
    const rf_record *leaf = rf_workset_first(build->engine->workset);
    for (size_t i = 0; i < build->leaves && status == RF_OK; i++) {
        status = add_leaf(build, start, leaf, only_want);
        leaf = leaf->next;
    }
    return status;
}

static rf_status advance(building *build, rf_store_transaction *transaction,
                         const rf_key *start)
{
    rf_environment *environment = build->environment;
    rf_level_state before[RF_LEVELS_MAX];
    memcpy(before, environment->levels, sizeof before);
    for (size_t i = 0; i < environment->level_count; i++) {
        rf_level_state *level = &environment->levels[i];
        if (is_of_step(build, level, start)) {
            level->cursor = build->scan.cursor;
            level->phase =
                build->scan.ended ? RF_LEVEL_ACTIVE : RF_LEVEL_BUILDING;
        }
    }
    rf_status status = rf_environment_save(build->engine->store, transaction,
                                           environment, build->err);
    if (status == RF_OK) {
        status = rf_engine__commit(build->engine, transaction, build->err);
    } else {
        build->engine->store->operations->abort(transaction);
    }
    if (status != RF_OK) {
        memcpy(environment->levels, before, sizeof before);
    }
    return status;
}

/* Build the next stretch of the levels that stand at the same place. */
static rf_status build_step(rf_engine *engine, rf_environment *environment,
                            const rf_level_state *first, rf_error *err)
{
    rf_key start = first->cursor;
    rf_level_kind kind = rf_level_kind_of(first->level);
    const rf_level_state *leaves = rf_environment_leaf_level(environment, kind);
    RF_ASSERT(leaves != NULL);
    building build = {.engine = engine,
                      .environment = environment,
                      .scan = {.environment = environment->number,
                               .level_number = leaves->number,
                               .limit = LEAVES_PER_STEP,
                               .cursor = start},
                      .kind = kind,
                      .err = err};
    rf_store_transaction *transaction = NULL;
    rf_status status = rf_engine__begin(engine, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    rf_engine__begin_work(engine, environment);
    status = rf_level_scan_run(engine->store, transaction, &build.scan,
                               collect_leaf, &build, err);
    if (status == RF_OK) {
        status = rf_workset_load(engine->workset, transaction, err);
    }
    if (status == RF_OK) {
        status = add_leaves(&build, &start, true);
    }
    if (status == RF_OK) {
        status = rf_workset_load(engine->workset, transaction, err);
    }
    if (status == RF_OK) {
        status = add_leaves(&build, &start, false);
    }
    if (status != RF_OK) {
        engine->store->operations->abort(transaction);
        return status;
    }
    return advance(&build, transaction, &start);
}

static const rf_level_state *find_unfinished(const rf_environment *environment)
{
    for (size_t i = 0; i < environment->level_count; i++) {
        if (environment->levels[i].phase == RF_LEVEL_BUILDING) {
            return &environment->levels[i];
        }
    }
    return NULL;
}

/* Make the generation, which borrows the task's catalog until it is seen. */
static rf_status make_generation(const rf_engine *engine, const rf_task *task,
                                 rf_generation **out, rf_error *err)
{
    const rf_environment *environment = engine->configuration->environment;
    const rf_catalog *catalog = task->catalog;
    rf_level_number levels[RF_LEVELS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < catalog->level_count; i++) {
        const rf_level_state *state =
            rf_environment_active_level(environment, catalog->levels[i]);
        RF_ASSERT(state != NULL);
        levels[count++] = (rf_level_number){state->level, state->number};
    }
    rf_generation_parts parts = {.catalog = task->catalog,
                                 .registry = task->registry,
                                 .document = task->document,
                                 .levels = levels,
                                 .level_count = count};
    rf_status status = rf_generation_create(&parts, out, err);
    if (status == RF_OK) {
        (*out)->published_ms =
            engine->options.clock.now_ms(engine->options.clock.self);
        (*out)->environment = environment->number;
        (*out)->due = environment->due;
        memcpy((*out)->id, environment->id, sizeof environment->id);
    }
    return status;
}

/* Levels nobody is configured for any more are deleted in later steps. */
static void retire_levels(rf_environment *environment,
                          const rf_catalog *catalog)
{
    for (size_t i = 0; i < environment->level_count; i++) {
        rf_level_state *level = &environment->levels[i];
        if (level->phase == RF_LEVEL_ACTIVE &&
            !is_wanted(catalog, level->level)) {
            level->phase = RF_LEVEL_DROPPING;
            level->cursor.length = 0;
        }
    }
}

/* Store what the publication changes, with its journal entry. */
static rf_status store_publication(rf_engine *engine, const rf_task *task,
                                   rf_environment *environment, rf_error *err)
{
    rf_store_transaction *transaction = NULL;
    rf_status status = rf_engine__begin(engine, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = rf_environment_save(engine->store, transaction, environment, err);
    if (status == RF_OK && !task->silent) {
        status = rf_engine__journal_task(engine, environment, task,
                                         RF_OPERATION_CONFIGURE, err);
    }
    if (status != RF_OK) {
        engine->store->operations->abort(transaction);
        rf_engine__take_back(engine, 0);
        return status;
    }
    return rf_engine__commit(engine, transaction, err);
}

/* Make room to keep one more generation that others may still look at. */
static rf_status make_retirement(rf_engine *engine, rf_error *err)
{
    rf_generation **retired = rf_realloc(
        engine->retired, engine->retired_count + 1, sizeof(rf_generation *));
    if (retired == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    engine->retired = retired;
    return RF_OK;
}

/* Keep what was published before until no thread looks at it any more; there is
 * room. */
static void retire_generation(rf_engine *engine, rf_generation *generation)
{
    if (generation != NULL) {
        engine->retired[engine->retired_count++] = generation;
    }
}

/* Give the generation its number. A start that finds what was published last
 * goes on under the same one. */
static void number_generation(rf_environment *environment, rf_task *task,
                              rf_generation *generation)
{
    bool is_same = task->content.high == environment->document.high &&
                   task->content.low == environment->document.low;
    if (!task->silent || !is_same) {
        environment->generation_number++;
    }
    generation->number = environment->generation_number;
    task->generation = generation->number;
    environment->document = task->content;
    rf_engine__set_groups(environment, generation->catalog);
    retire_levels(environment, generation->catalog);
}

/* Make durable what the publication changes; when that fails everything is as
 * it was, and the step may run again when there is more room. */
static rf_status make_durable(rf_engine *engine, rf_task *task,
                              rf_generation *generation, rf_error *err)
{
    rf_environment *environment = engine->configuration->environment;
    rf_environment before = *environment;
    rf_status status = RF_OK;
    number_generation(environment, task, generation);
    if (task->persist != NULL) {
        status = task->persist(task, err);
    }
    if (status == RF_OK) {
        status = store_publication(engine, task, environment, err);
    }
    if (status != RF_OK) {
        *environment = before;
        task->generation = 0;
    }
    return status;
}

static rf_status publish(rf_engine *engine, rf_task *task, rf_error *err)
{
    rf_environment *environment = engine->configuration->environment;
    rf_generation *generation = NULL;
    rf_status status = make_generation(engine, task, &generation, err);
    if (status != RF_OK) {
        return status;
    }
    status = make_retirement(engine, err);
    if (status == RF_OK) {
        status = make_durable(engine, task, generation, err);
    }
    if (status == RF_OK &&
        rf_globe_publish(engine->globe, generation, err) != RF_OK) {
        status = rf_fail(err, RF_E_OUTCOME_UNKNOWN,
                         "no memory to publish a generation that is stored");
    }
    if (status != RF_OK) {
        generation->catalog = NULL; /* still the task's */
        rf_generation_release(generation);
        return status;
    }
    task->catalog = NULL; /* the generation's now */
    rf_registry_free(task->registry);
    task->registry = NULL;
    retire_generation(engine, environment->generation);
    environment->generation = generation;
    return RF_OK;
}

rf_status rf_engine__configure_step(rf_engine *engine, rf_task *task,
                                    bool *finished, rf_error *err)
{
    if (engine->configuration == NULL) {
        engine->configuration = rf_calloc(1, sizeof *engine->configuration);
        if (engine->configuration == NULL) {
            return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
        }
        return begin(engine, task, err);
    }
    rf_configuration *configuration = engine->configuration;
    rf_environment *environment = configuration->environment;
    if (configuration->moves_groups && !configuration->count.is_done) {
        return rf_engine__count_step(engine, environment, &configuration->count,
                                     err);
    }
    if (task->dry_run) {
        *finished = true;
        return RF_OK;
    }
    if (!configuration->is_stored) {
        return prepare(engine, task, err);
    }
    const rf_level_state *unfinished = find_unfinished(environment);
    if (unfinished != NULL) {
        return build_step(engine, environment, unfinished, err);
    }
    if (configuration->moves_groups &&
        environment->allocations != configuration->count.as_of) {
        rf_engine__start_count(environment, &configuration->count);
        return RF_OK; /* something was allocated meanwhile */
    }
    *finished = true;
    return publish(engine, task, err);
}
