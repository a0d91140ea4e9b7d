/*
 * registry.c - names in the order in which they got their numbers.
 *
 * There are a few dozen names as a rule and a few thousand at most, looked up
 * only while a configuration is loaded: searching from the start is enough.
 */
#include "core/registry.h"

#include "core/alloc.h"
#include "core/arena.h"
#include "core/buffer.h"
#include "core/codec.h"
#include "core/level.h"

#include <string.h>

#define REGISTRY_FORMAT 1
#define ARENA_BLOCK_BYTES 4096
#define GROUPS_EVER_MAX (RF_DAY - RF_DIMENSION_COUNT)

_Static_assert(RF_MEASURES_MAX <= UINT16_MAX, "an rf_measure holds a number");

typedef struct name_list {
    rf_text *names;
    size_t count;
    size_t capacity;
} name_list;

struct rf_registry {
    rf_arena arena; /* holds the names' bytes */
    name_list measures;
    name_list groups;
};

static rf_status fail_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
}

static rf_registry *make_empty(void)
{
    rf_registry *registry = rf_calloc(1, sizeof *registry);
    if (registry != NULL) {
        rf_arena_init(&registry->arena, ARENA_BLOCK_BYTES, 0);
    }
    return registry;
}

rf_status rf_registry_create(rf_registry **out, rf_error *err)
{
    rf_registry *registry = make_empty();
    if (registry == NULL) {
        return fail_memory(err);
    }
    *out = registry;
    return RF_OK;
}

void rf_registry_free(rf_registry *registry)
{
    if (registry == NULL) {
        return;
    }
    rf_free(registry->measures.names);
    rf_free(registry->groups.names);
    rf_arena_done(&registry->arena);
    rf_free(registry);
}

static bool starts_with(const name_list *later, const name_list *earlier)
{
    for (size_t i = 0; i < earlier->count; i++) {
        if (i == later->count ||
            !rf_text_equal(later->names[i], earlier->names[i])) {
            return false;
        }
    }
    return true;
}

bool rf_registry_extends(const rf_registry *later, const rf_registry *earlier)
{
    return starts_with(&later->measures, &earlier->measures) &&
           starts_with(&later->groups, &earlier->groups);
}

void rf_registry_swap(rf_registry *a, rf_registry *b)
{
    rf_registry content = *a;
    *a = *b;
    *b = content;
}

static bool make_room(name_list *list)
{
    if (list->count < list->capacity) {
        return true;
    }
    size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
    rf_text *names = rf_realloc(list->names, capacity, sizeof *names);
    if (names == NULL) {
        return false;
    }
    list->names = names;
    list->capacity = capacity;
    return true;
}

static rf_status append_name(rf_registry *registry, name_list *list,
                             rf_text name, rf_error *err)
{
    if (name.length == 0 || name.length > RF_REGISTRY_NAME_MAX) {
        return rf_fail(err, RF_E_TOO_LONG, "a name has 1 to %d bytes",
                       RF_REGISTRY_NAME_MAX);
    }
    if (!make_room(list)) {
        return fail_memory(err);
    }
    char *copy = rf_arena_copy(&registry->arena, name.bytes, name.length);
    if (copy == NULL) {
        return fail_memory(err);
    }
    list->names[list->count++] = (rf_text){copy, name.length};
    return RF_OK;
}

static size_t find_name(const name_list *list, rf_text name)
{
    size_t at = 0;
    while (at < list->count && !rf_text_is_name(list->names[at], name)) {
        at++;
    }
    return at;
}

rf_status rf_registry_measure(rf_registry *registry, rf_text name,
                              rf_measure *out, rf_error *err)
{
    size_t number = find_name(&registry->measures, name);
    if (number == RF_MEASURES_MAX) {
        return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                       "more than %d physical measures were ever configured",
                       RF_MEASURES_MAX);
    }
    if (number == registry->measures.count) {
        rf_status status =
            append_name(registry, &registry->measures, name, err);
        if (status != RF_OK) {
            return status;
        }
    }
    *out = (rf_measure)number;
    return RF_OK;
}

rf_status rf_registry_group(rf_registry *registry, rf_text name, unsigned *out,
                            rf_error *err)
{
    size_t index = find_name(&registry->groups, name);
    if (index == GROUPS_EVER_MAX) {
        return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                       "more than %d groups were ever configured, which "
                       "with the dimensions and the day makes more than %d "
                       "coordinates",
                       GROUPS_EVER_MAX, RF_COORDINATES_MAX);
    }
    if (index == registry->groups.count) {
        rf_status status = append_name(registry, &registry->groups, name, err);
        if (status != RF_OK) {
            return status;
        }
    }
    *out = RF_DIMENSION_COUNT + (unsigned)index;
    return RF_OK;
}

size_t rf_registry_measure_count(const rf_registry *registry)
{
    return registry->measures.count;
}

rf_text rf_registry_measure_name(const rf_registry *registry, size_t number)
{
    RF_ASSERT(number < registry->measures.count);
    return registry->measures.names[number];
}

size_t rf_registry_group_count(const rf_registry *registry)
{
    return registry->groups.count;
}

rf_text rf_registry_group_name(const rf_registry *registry, size_t index)
{
    RF_ASSERT(index < registry->groups.count);
    return registry->groups.names[index];
}

static rf_status copy_names(rf_registry *to, name_list *list,
                            const name_list *from, rf_error *err)
{
    for (size_t i = 0; i < from->count; i++) {
        rf_status status = append_name(to, list, from->names[i], err);
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}

rf_status rf_registry_copy(const rf_registry *from, rf_registry **out,
                           rf_error *err)
{
    rf_registry *copy = make_empty();
    if (copy == NULL) {
        return fail_memory(err);
    }
    rf_status status = copy_names(copy, &copy->measures, &from->measures, err);
    if (status == RF_OK) {
        status = copy_names(copy, &copy->groups, &from->groups, err);
    }
    if (status != RF_OK) {
        rf_registry_free(copy);
        return status;
    }
    *out = copy;
    return RF_OK;
}

/* The store form: a format byte, the measures and the groups, each as a count
 * and names, and the checksum of every stored value. */

static void write_list(rf_buffer *out, const name_list *list)
{
    rf_write_varint(out, list->count);
    for (size_t i = 0; i < list->count; i++) {
        rf_write_text(out, list->names[i]);
    }
}

void rf_registry_encode(const rf_registry *registry, rf_buffer *out)
{
    size_t start = out->length;
    rf_buffer_append_byte(out, REGISTRY_FORMAT);
    write_list(out, &registry->measures);
    write_list(out, &registry->groups);
    rf_seal(out, start);
}

static rf_status fail_damaged(rf_error *err)
{
    return rf_fail(err, RF_E_STORAGE, "the store holds a damaged registry");
}

static rf_status read_list(rf_registry *registry, name_list *list, size_t max,
                           rf_reader *in, rf_error *err)
{
    uint64_t count = rf_read_varint(in);
    if (count > max) {
        return fail_damaged(err);
    }
    for (uint64_t i = 0; i < count; i++) {
        rf_text name = rf_read_text(in);
        if (in->failed || name.length == 0 ||
            name.length > RF_REGISTRY_NAME_MAX ||
            find_name(list, name) < list->count) {
            return fail_damaged(err);
        }
        rf_status status = append_name(registry, list, name, err);
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}

static rf_status read_registry(rf_registry *registry, rf_bytes value,
                               rf_error *err)
{
    rf_reader in;
    rf_status status = rf_unseal(value, REGISTRY_FORMAT, "registry", &in, err);
    if (status == RF_OK) {
        status =
            read_list(registry, &registry->measures, RF_MEASURES_MAX, &in, err);
    }
    if (status == RF_OK) {
        status =
            read_list(registry, &registry->groups, GROUPS_EVER_MAX, &in, err);
    }
    if (status == RF_OK && (in.failed || in.at != in.end)) {
        return fail_damaged(err);
    }
    return status;
}

rf_status rf_registry_decode(const void *bytes, size_t length,
                             rf_registry **out, rf_error *err)
{
    rf_registry *registry = make_empty();
    if (registry == NULL) {
        return fail_memory(err);
    }
    rf_status status = read_registry(registry, (rf_bytes){bytes, length}, err);
    if (status != RF_OK) {
        rf_registry_free(registry);
        return status;
    }
    *out = registry;
    return RF_OK;
}
