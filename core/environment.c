/*
 * environment.c - a tenant's stored numbers, levels and erasures.
 */
#include "core/environment.h"

#include "core/alloc.h"

#include <string.h>

#define ENVIRONMENT_FORMAT 2

/* Meta keys of environments: this prefix and the number. */
static const char key_prefix[] = "environment/";

rf_status rf_environment_create(uint16_t number, rf_text id,
                                rf_environment **out, rf_error *err)
{
    RF_ASSERT(id.length <= RF_ENVIRONMENT_ID_MAX);
    rf_environment *environment = rf_calloc(1, sizeof *environment);
    if (environment == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    environment->number = number;
    memcpy(environment->id, id.bytes, id.length);
    environment->due = rf_calloc(1, sizeof *environment->due);
    if (environment->due == NULL) {
        rf_free(environment);
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_due_init(environment->due);
    environment->jobs_since_ms = INT64_MAX;
    rf_status status = rf_registry_create(&environment->registry, err);
    if (status == RF_OK) {
        status = rf_id_memory_create(&environment->ids, err);
    }
    if (status != RF_OK) {
        rf_environment_free(environment);
        return status;
    }
    *out = environment;
    return RF_OK;
}

void rf_environment_free(rf_environment *environment)
{
    if (environment == NULL) {
        return;
    }
    rf_generation_release(environment->generation);
    rf_registry_free(environment->registry);
    rf_id_memory_free(environment->ids);
    rf_free(environment->due);
    rf_free(environment->erasures);
    rf_free(environment);
}

static void make_key(rf_key *key, uint16_t number)
{
    key->length = sizeof key_prefix - 1 + 2;
    memcpy(key->bytes, key_prefix, sizeof key_prefix - 1);
    key->bytes[key->length - 2] = (unsigned char)(number >> 8);
    key->bytes[key->length - 1] = (unsigned char)(number & 0xFF);
}

static void encode_levels(const rf_environment *environment, rf_buffer *out)
{
    rf_write_varint(out, environment->level_count);
    for (size_t i = 0; i < environment->level_count; i++) {
        const rf_level_state *level = &environment->levels[i];
        rf_write_varint(out, level->level);
        rf_buffer_append_byte(out, level->number);
        rf_buffer_append_byte(out, (unsigned char)level->phase);
        rf_write_text(out, (rf_text){(const char *)level->cursor.bytes,
                                     level->cursor.length});
    }
}

static void encode(const rf_environment *environment, rf_buffer *out)
{
    rf_buffer registry = {0};
    rf_registry_encode(environment->registry, &registry);
    out->failed = out->failed || rf_buffer_failed(&registry);
    rf_buffer_append_byte(out, ENVIRONMENT_FORMAT);
    rf_write_text(out, rf_text_of(environment->id));
    rf_write_varint(out, environment->generation_number);
    rf_write_fixed64(out, environment->document.high);
    rf_write_fixed64(out, environment->document.low);
    rf_write_text(out, (rf_text){registry.bytes, registry.length});
    rf_buffer_done(&registry);
    encode_levels(environment, out);
    rf_write_varint(out, environment->group_count);
    for (size_t i = 0; i < environment->group_count; i++) {
        rf_buffer_append_byte(out, (unsigned char)environment->groups[i]);
    }
    rf_write_varint(out, environment->erasure_count);
    for (size_t i = 0; i < environment->erasure_count; i++) {
        rf_write_fixed64(out, environment->erasures[i].partition);
        rf_write_varint(out, environment->erasures[i].number);
    }
    rf_write_signed(out, environment->scheduled_from);
    rf_seal(out, 0);
}

rf_status rf_environment_save(rf_store *store,
                              rf_store_transaction *transaction,
                              const rf_environment *environment, rf_error *err)
{
    rf_key key;
    rf_buffer value = {0};
    make_key(&key, environment->number);
    encode(environment, &value);
    rf_status status = RF_OK;
    if (rf_buffer_failed(&value)) {
        status = rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    } else {
        rf_store_item item = {
            RF_TABLE_META,
            rf_key_bytes(&key),
            {(const unsigned char *)value.bytes, value.length}};
        status = store->operations->save(transaction, &item, 1, err);
    }
    rf_buffer_done(&value);
    return status;
}

static void decode_level(rf_reader *reader, rf_level_state *level)
{
    level->level = rf_read_varint(reader);
    level->number = rf_read_byte(reader);
    unsigned phase = rf_read_byte(reader);
    rf_text cursor = rf_read_text(reader);
    if (phase < RF_LEVEL_ACTIVE || phase > RF_LEVEL_DROPPING ||
        cursor.length > RF_STORE_KEY_MAX) {
        reader->failed = true;
        return;
    }
    level->phase = (rf_level_phase)phase;
    level->cursor.length = (uint16_t)cursor.length;
    memcpy(level->cursor.bytes, cursor.bytes, cursor.length);
}

static void decode_groups(rf_reader *reader, rf_environment *environment)
{
    size_t count = rf_read_varint(reader);
    reader->failed = reader->failed || count > RF_GROUPS_MAX;
    for (size_t i = 0; i < count && !reader->failed; i++) {
        unsigned group = rf_read_byte(reader);
        if (group < RF_DIMENSION_COUNT || group >= RF_DAY) {
            reader->failed = true;
            return;
        }
        environment->groups[i] = group;
        environment->group_count = i + 1;
    }
}

static rf_status decode_rest(rf_reader *reader, rf_environment *environment,
                             rf_error *err)
{
    environment->generation_number = rf_read_varint(reader);
    environment->document.high = rf_read_fixed64(reader);
    environment->document.low = rf_read_fixed64(reader);
    rf_text registry = rf_read_text(reader);
    rf_registry_free(environment->registry);
    environment->registry = NULL;
    rf_status status = rf_registry_decode(registry.bytes, registry.length,
                                          &environment->registry, err);
    size_t levels = rf_read_varint(reader);
    if (status != RF_OK || levels > RF_LEVELS_MAX) {
        return rf_fail(err, RF_E_STORAGE, "an environment record is damaged");
    }
    environment->level_count = levels;
    for (size_t i = 0; i < levels; i++) {
        decode_level(reader, &environment->levels[i]);
    }
    decode_groups(reader, environment);
    size_t erasures = rf_read_varint(reader);
    for (size_t i = 0; i < erasures && !reader->failed; i++) {
        uint64_t partition = rf_read_fixed64(reader);
        uint64_t number = rf_read_varint(reader);
        status =
            rf_environment_note_erasure(environment, partition, number, err);
        if (status != RF_OK) {
            return status;
        }
    }
    /* Records of before there were schedules end here. */
    int64_t from = reader->at < reader->end ? rf_read_signed(reader) : 0;
    if (reader->failed || reader->at != reader->end || from < RF_DAY_MIN ||
        from > RF_DAY_MAX) {
        return rf_fail(err, RF_E_STORAGE, "an environment record is damaged");
    }
    environment->scheduled_from = (rf_day)from;
    return RF_OK;
}

static rf_status decode(rf_bytes key, rf_bytes value, rf_environment **out,
                        rf_error *err)
{
    rf_reader reader;
    rf_status status =
        rf_unseal(value, ENVIRONMENT_FORMAT, "environment", &reader, err);
    if (status != RF_OK) {
        return status;
    }
    rf_text id = rf_read_text(&reader);
    if (id.length == 0 || id.length > RF_ENVIRONMENT_ID_MAX ||
        key.length != sizeof key_prefix - 1 + 2) {
        return rf_fail(err, RF_E_STORAGE, "an environment record is damaged");
    }
    const unsigned char *number = key.bytes + key.length - 2;
    rf_environment *environment = NULL;
    status = rf_environment_create((uint16_t)(number[0] << 8 | number[1]), id,
                                   &environment, err);
    if (status == RF_OK) {
        RF_ASSERT(environment != NULL);
        status = decode_rest(&reader, environment, err);
    }
    if (status != RF_OK) {
        rf_environment_free(environment);
        return status;
    }
    *out = environment;
    return RF_OK;
}

typedef struct load_context {
    rf_environment_visit *visit;
    void *context;
    rf_status status;
    rf_error *err;
} load_context;

static bool load_one(void *argument, rf_bytes key, rf_bytes value)
{
    load_context *context = argument;
    rf_environment *environment = NULL;
    context->status = decode(key, value, &environment, context->err);
    if (context->status == RF_OK) {
        context->status =
            context->visit(context->context, environment, context->err);
    }
    return context->status == RF_OK;
}

rf_status rf_environment_load_all(rf_store *store,
                                  rf_store_transaction *transaction,
                                  rf_environment_visit *visit, void *context,
                                  rf_error *err)
{
    rf_key from = {.length = sizeof key_prefix - 1};
    memcpy(from.bytes, key_prefix, from.length);
    rf_key to = from;
    bool bounded = rf_key_after_prefix(&to);
    RF_ASSERT(bounded);
    load_context loading = {visit, context, RF_OK, err};
    rf_status status = store->operations->scan(
        transaction,
        &(rf_store_range){RF_TABLE_META, rf_key_bytes(&from),
                          rf_key_bytes(&to)},
        load_one, &loading, err);
    return status != RF_OK ? status : loading.status;
}

bool rf_level_state_counts(const rf_level_state *level, rf_bytes leaf)
{
    rf_text at = {(const char *)leaf.bytes, leaf.length};
    rf_text passed = {(const char *)level->cursor.bytes, level->cursor.length};
    return level->phase == RF_LEVEL_ACTIVE ||
           (level->phase == RF_LEVEL_BUILDING &&
            rf_text_compare(at, passed) <= 0);
}

const rf_level_state *
rf_environment_active_level(const rf_environment *environment, rf_level level)
{
    for (size_t i = 0; i < environment->level_count; i++) {
        const rf_level_state *state = &environment->levels[i];
        if (state->level == level && state->phase == RF_LEVEL_ACTIVE) {
            return state;
        }
    }
    return NULL;
}

const rf_level_state *
rf_environment_pool_level(const rf_environment *environment)
{
    rf_level level = RF_LEVEL_LEAF;
    for (size_t i = 0; i < environment->group_count; i++) {
        level |= RF_BIT(environment->groups[i]);
    }
    return level == RF_LEVEL_LEAF
               ? NULL
               : rf_environment_active_level(environment, level);
}

const rf_level_state *
rf_environment_leaf_level(const rf_environment *environment, rf_level_kind kind)
{
    if (kind == RF_LEVEL_OF_ALLOCATIONS) {
        return rf_environment_pool_level(environment);
    }
    return rf_environment_active_level(
        environment,
        kind == RF_LEVEL_OF_SCHEDULES ? RF_LEVEL_SCHEDULE : RF_LEVEL_LEAF);
}

const rf_level_state *
rf_environment_covering_level(const rf_environment *environment, rf_level level)
{
    const rf_level_state *best = NULL;
    for (size_t i = 0; i < environment->level_count; i++) {
        const rf_level_state *state = &environment->levels[i];
        if (state->phase == RF_LEVEL_ACTIVE &&
            rf_level_kind_of(state->level) == rf_level_kind_of(level) &&
            rf_level_covers(state->level, level) &&
            (best == NULL ||
             rf_level_size(state->level) < rf_level_size(best->level))) {
            best = state;
        }
    }
    RF_ASSERT(best != NULL);
    return best;
}

static rf_erasure *find_erasure(const rf_environment *environment,
                                uint64_t partition)
{
    for (size_t i = 0; i < environment->erasure_count; i++) {
        if (environment->erasures[i].partition == partition) {
            return &environment->erasures[i];
        }
    }
    return NULL;
}

rf_status rf_environment_note_erasure(rf_environment *environment,
                                      uint64_t partition, uint64_t number,
                                      rf_error *err)
{
    rf_erasure *known = find_erasure(environment, partition);
    if (known != NULL) {
        known->number = number;
        return RF_OK;
    }
    rf_erasure *erasures =
        rf_realloc(environment->erasures, environment->erasure_count + 1,
                   sizeof *erasures);
    if (erasures == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    environment->erasures = erasures;
    erasures[environment->erasure_count++] = (rf_erasure){partition, number};
    return RF_OK;
}

uint64_t rf_environment_erased_at(const rf_environment *environment,
                                  uint64_t partition)
{
    const rf_erasure *known = find_erasure(environment, partition);
    return known == NULL ? 0 : known->number;
}

uint64_t rf_partition_hash(bool by_product, rf_text organization,
                           rf_text product, const rf_place *place)
{
    rf_key key;
    if (by_product) {
        rf_key_product(&key, 0, organization, product);
    } else {
        rf_key_place(&key, 0, organization, place->value[RF_SITE],
                     place->value[RF_LOCATION], RF_TEXT_EMPTY);
    }
    return rf_hash(key.bytes, key.length);
}
