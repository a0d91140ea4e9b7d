/*
 * preview.c - evaluating every availability twice.
 *
 * The changes told are the largest: a heap with the smallest of them on top
 * holds at most the limit, and is sorted at the end. Its entries have room for
 * the longest names there are, so that memory depends on the limit and not on
 * the stock.
 */
#include "server/preview.h"

#include "core/alloc.h"
#include "core/level_scan.h"
#include "core/record.h"

#include <string.h>

/* Nodes read in one transaction. With two formulas of the slowest kind each it
 * still ends within a second, and usually within a millisecond. */
#define NODES_PER_SLICE 64

#define ARENA_BLOCK_BYTES ((size_t)64 * 1024)

#define NAME_BYTES_MAX                                                         \
    (RF_ORGANIZATION_BYTES_MAX + RF_PRODUCT_BYTES_MAX +                        \
     2 * RF_PLACE_VALUE_BYTES_MAX)

/* One measure as the two catalogs know it; NULL where one does not. */
typedef struct pair {
    rf_text name; /* "source.measure" */
    const rf_calculated *before;
    const rf_calculated *after;
} pair;

/* One change, with its own copy of the texts. */
typedef struct entry {
    rf_preview_change change;
    uint64_t size; /* UINT64_MAX: it can no longer be computed */
    size_t measure;
    char names[NAME_BYTES_MAX];
} entry;

typedef struct comparison {
    rf_store *store;
    const rf_generation *current;
    const rf_catalog *candidate;
    rf_subject subject;
    const pair *pairs;
    size_t pair_count;
    rf_node node; /* its memory is used again */
    rf_place place;
    entry **heap; /* the smallest change first */
    size_t heap_count;
    size_t limit;
    entry *entries;
    rf_preview_result *result;
} comparison;

/* ---- Which measures ---- */

static const rf_calculated *find_in(const rf_catalog *catalog, rf_text full)
{
    const char *dot = memchr(full.bytes, '.', full.length);
    if (dot == NULL) {
        return NULL;
    }
    size_t length = (size_t)(dot - full.bytes);
    return rf_catalog_calculated(catalog, (rf_text){full.bytes, length},
                                 (rf_text){dot + 1, full.length - length - 1});
}

/* Write "source.measure" as the catalogs spell it. */
static bool name_pair(rf_arena *arena, pair *named)
{
    const rf_calculated *known =
        named->before != NULL ? named->before : named->after;
    size_t length = known->source.length + 1 + known->name.length;
    char *name = rf_arena_alloc(arena, length);
    if (name == NULL) {
        return false;
    }
    memcpy(name, known->source.bytes, known->source.length);
    name[known->source.length] = '.';
    memcpy(name + known->source.length + 1, known->name.bytes,
           known->name.length);
    named->name = (rf_text){name, length};
    return true;
}

static rf_status add_pair(comparison *c, pair *pairs,
                          const rf_calculated *before,
                          const rf_calculated *after, rf_error *err)
{
    pair *added = &pairs[c->pair_count];
    *added = (pair){.before = before, .after = after};
    if (!name_pair(&c->result->arena, added)) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    c->pair_count++;
    return RF_OK;
}

/* Choose one measure. */
static rf_status choose_one(comparison *c, pair *pairs, rf_text name,
                            rf_error *err)
{
    const rf_calculated *before = find_in(c->current->catalog, name);
    const rf_calculated *after = find_in(c->candidate, name);
    if (before == NULL && after == NULL) {
        return rf_fail_field(err, RF_E_UNKNOWN_MEASURE, "measure",
                             "there is no calculated measure %.100s",
                             name.bytes);
    }
    return add_pair(c, pairs, before, after, err);
}

/* Choose all: those in force, then those that would be new. */
static rf_status choose_all(comparison *c, pair *pairs, rf_error *err)
{
    const rf_catalog *current = c->current->catalog;
    rf_status status = RF_OK;
    for (size_t i = 0; i < current->calculated_count && status == RF_OK; i++) {
        const rf_calculated *before = &current->calculated[i];
        status = add_pair(
            c, pairs, before,
            rf_catalog_calculated(c->candidate, before->source, before->name),
            err);
    }
    for (size_t i = 0; i < c->candidate->calculated_count && status == RF_OK;
         i++) {
        const rf_calculated *after = &c->candidate->calculated[i];
        if (rf_catalog_calculated(current, after->source, after->name) ==
            NULL) {
            status = add_pair(c, pairs, NULL, after, err);
        }
    }
    return status;
}

static rf_status choose_measures(comparison *c, rf_text name, rf_error *err)
{
    size_t most = c->current->catalog->calculated_count +
                  c->candidate->calculated_count + 1;
    pair *pairs = rf_arena_calloc(&c->result->arena, most, sizeof *pairs);
    if (pairs == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    c->pairs = pairs;
    return name.length > 0 ? choose_one(c, pairs, name, err)
                           : choose_all(c, pairs, err);
}

/* ---- The largest changes ---- */

static int compare_sizes(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* Order two changes: below 0 when `a` comes first in the answer. */
static int compare(const entry *a, const entry *b)
{
    int order = compare_sizes(b->size, a->size);
    if (order == 0) {
        order = rf_text_compare(a->change.organization, b->change.organization);
    }
    if (order == 0) {
        order = rf_text_compare(a->change.product, b->change.product);
    }
    if (order == 0) {
        order = rf_text_compare(a->change.site, b->change.site);
    }
    if (order == 0) {
        order = rf_text_compare(a->change.location, b->change.location);
    }
    return order != 0 ? order : compare_sizes(a->measure, b->measure);
}

static void swap(entry **heap, size_t a, size_t b)
{
    entry *moved = heap[a];
    heap[a] = heap[b];
    heap[b] = moved;
}

/* The last entry of all in the answer is on top. */
static void sift_up(entry **heap, size_t at)
{
    while (at > 0 && compare(heap[at], heap[(at - 1) / 2]) > 0) {
        swap(heap, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static void sift_down(entry **heap, size_t count, size_t at)
{
    for (;;) {
        size_t last = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
            if (child < count && compare(heap[child], heap[last]) > 0) {
                last = child;
            }
        }
        if (last == at) {
            return;
        }
        swap(heap, at, last);
        at = last;
    }
}

static rf_text copy_name(rf_text text, char **room)
{
    rf_text copy = {*room, text.length};
    if (text.length > 0) {
        memcpy(*room, text.bytes, text.length);
    }
    *room += text.length;
    return copy;
}

/* Copy a change whose texts are borrowed from the node at hand. */
static void copy_entry(entry *to, const entry *from)
{
    char *room = to->names;
    to->change = from->change;
    to->size = from->size;
    to->measure = from->measure;
    to->change.organization = copy_name(from->change.organization, &room);
    to->change.product = copy_name(from->change.product, &room);
    to->change.site = copy_name(from->change.site, &room);
    to->change.location = copy_name(from->change.location, &room);
}

/* Keep a change if it is among the largest so far. */
static void keep(comparison *c, const entry *found)
{
    if (c->heap_count < c->limit) {
        entry *added = &c->entries[c->heap_count];
        copy_entry(added, found);
        c->heap[c->heap_count] = added;
        sift_up(c->heap, c->heap_count++);
    } else if (c->limit > 0 && compare(found, c->heap[0]) < 0) {
        copy_entry(c->heap[0], found);
        sift_down(c->heap, c->heap_count, 0);
    }
}

/* Empty the heap into the answer, from its end. */
static rf_status sort_changes(comparison *c, rf_error *err)
{
    rf_preview_result *result = c->result;
    result->change_count = c->heap_count;
    result->changes = rf_arena_calloc(&result->arena, c->heap_count + 1,
                                      sizeof *result->changes);
    if (result->changes == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    while (c->heap_count > 0) {
        c->heap_count--;
        result->changes[c->heap_count] = c->heap[0]->change;
        c->heap[0] = c->heap[c->heap_count];
        sift_down(c->heap, c->heap_count, 0);
    }
    return RF_OK;
}

/* ---- Comparing ---- */

/* Evaluate under one catalog. A formula's failure is a value of its own. */
static rf_status evaluate(comparison *c, const rf_catalog *catalog,
                          const rf_calculated *measure, rf_quantity *out)
{
    rf_error ignored = {0};
    if (measure == NULL) {
        return RF_E_UNKNOWN_MEASURE;
    }
    c->subject.catalog = catalog;
    return rf_calculated_value(measure, &c->subject, out, &ignored);
}

/* How large a change is: a value that is lost or found counts as itself, one
 * that can no longer be computed is worse than any. */
static uint64_t measure_change(const rf_preview_change *change)
{
    bool had = change->before_status == RF_OK;
    bool has = change->after_status == RF_OK;
    rf_quantity before = had ? change->before : 0;
    rf_quantity after = has ? change->after : 0;
    if (!has && change->after_status != RF_E_UNKNOWN_MEASURE) {
        return UINT64_MAX;
    }
    return before > after ? (uint64_t)before - (uint64_t)after
                          : (uint64_t)after - (uint64_t)before;
}

static bool is_change(const rf_preview_change *change)
{
    return change->before_status != change->after_status ||
           (change->before_status == RF_OK && change->before != change->after);
}

static void compare_measure(comparison *c, size_t index)
{
    const pair *measure = &c->pairs[index];
    const rf_subject *subject = &c->subject;
    entry found = {.measure = index};
    rf_preview_change *change = &found.change;
    *change =
        (rf_preview_change){.organization = subject->organization,
                            .product = subject->product,
                            .site = subject->place->value[RF_SITE],
                            .location = subject->place->value[RF_LOCATION],
                            .measure = measure->name};
    change->before_status =
        evaluate(c, c->current->catalog, measure->before, &change->before);
    change->after_status =
        evaluate(c, c->candidate, measure->after, &change->after);
    bool lost = measure->after != NULL && change->after_status != RF_OK;
    c->result->checked++;
    c->result->failed += lost ? 1 : 0;
    if (is_change(change)) {
        c->result->changed++;
        found.size = measure_change(change);
        keep(c, &found);
    }
}

static bool has_room(const rf_key_parts *parts, const rf_place *place)
{
    return parts->organization.length + parts->product.length +
               place->value[RF_SITE].length +
               place->value[RF_LOCATION].length <=
           NAME_BYTES_MAX;
}

static rf_status visit_node(void *context, rf_bytes key,
                            const rf_key_parts *parts, rf_bytes value,
                            rf_error *err)
{
    comparison *c = context;
    bool hashed = false;
    (void)key;
    rf_status status = rf_node_decode(value, &c->node, err);
    if (status == RF_OK) {
        status =
            rf_coordinates_read(parts->coordinates, &c->place, &hashed, err);
    }
    if (status == RF_OK && hashed) {
        status =
            rf_coordinates_read(c->node.coordinates, &c->place, &hashed, err);
    }
    if (status != RF_OK) {
        return status;
    }
    if (!has_room(parts, &c->place)) {
        return rf_fail(err, RF_E_STORAGE, "a stored name is too long");
    }
    c->subject.organization = parts->organization;
    c->subject.product = parts->product;
    for (size_t i = 0; i < c->pair_count; i++) {
        compare_measure(c, i);
    }
    return RF_OK;
}

/* Walk over the partition's level, which is always kept. */
static rf_status compare_nodes(comparison *c, rf_error *err)
{
    rf_level wanted = c->current->catalog->by_product ? 0 : RF_LEVEL_PLACE;
    rf_level_number level = rf_generation_level(c->current, wanted);
    RF_ASSERT(level.level == wanted);
    rf_level_scan scan = {.environment = c->current->environment,
                          .level_number = level.number,
                          .limit = NODES_PER_SLICE};
    rf_status status = RF_OK;
    while (!scan.ended && status == RF_OK) {
        rf_store_transaction *transaction = NULL;
        status =
            c->store->operations->begin(c->store, false, &transaction, err);
        if (status == RF_OK) {
            status = rf_level_scan_run(c->store, transaction, &scan, visit_node,
                                       c, err);
            c->store->operations->abort(transaction);
        }
    }
    return status;
}

/* ---- The whole ---- */

static rf_status make_heap(comparison *c, size_t limit, rf_error *err)
{
    rf_arena *arena = &c->result->arena;
    c->limit = limit;
    c->heap = rf_arena_calloc(arena, limit + 1, sizeof(entry *));
    c->entries = rf_arena_calloc(arena, limit + 1, sizeof *c->entries);
    return c->heap == NULL || c->entries == NULL
               ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
               : RF_OK;
}

rf_status rf_preview_run(const rf_preview_setting *setting,
                         const rf_preview_request *request,
                         rf_preview_result **out, rf_error *err)
{
    rf_preview_result *result = rf_calloc(1, sizeof *result);
    if (result == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_arena_init(&result->arena, ARENA_BLOCK_BYTES, 0);
    result->by_product = setting->current->catalog->by_product;
    comparison c = {
        .store = setting->store,
        .current = setting->current,
        .candidate = setting->candidate,
        .subject = {.now_ms = setting->now_ms, .thread = setting->thread},
        .result = result};
    c.subject.place = &c.place;
    c.subject.measures = &c.node.measures;
    rf_status status = choose_measures(&c, request->measure, err);
    if (status == RF_OK) {
        status = make_heap(&c, request->limit, err);
    }
    if (status == RF_OK) {
        status = compare_nodes(&c, err);
    }
    if (status == RF_OK) {
        status = sort_changes(&c, err);
    }
    rf_measures_done(&c.node.measures);
    if (status != RF_OK) {
        rf_preview_free(result);
        return status;
    }
    *out = result;
    return RF_OK;
}

void rf_preview_free(rf_preview_result *result)
{
    if (result != NULL) {
        rf_arena_done(&result->arena);
        rf_free(result);
    }
}
