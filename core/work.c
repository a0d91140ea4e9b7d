/*
 * work.c - posting to all levels, and totals of any level.
 */
#include "core/work.h"

#include "core/alloc.h"

#include <string.h>

static rf_status out_of_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
}

rf_status rf_work_read_node(const rf_record *node, rf_key_parts *parts,
                            rf_place *place, rf_error *err)
{
    bool hashed = false;
    rf_status status = rf_key_read(node->key, parts, err);
    if (status == RF_OK) {
        status = rf_coordinates_read(parts->coordinates, place, &hashed, err);
    }
    if (status == RF_OK && hashed) {
        status =
            rf_coordinates_read(node->node.coordinates, place, &hashed, err);
    }
    return status;
}

/* A node whose key is hashed keeps its coordinates in its value, so that it
 * can be read back. */
rf_record *rf_work_want_node(rf_work *work, const rf_key *product,
                             const rf_level_state *level, const rf_place *place)
{
    rf_key key;
    rf_key_copy(&key, product);
    bool whole = rf_key_node(&key, level->number, level->level, place);
    rf_record *node =
        rf_workset_want(work->workset, RF_TABLE_STOCK, RF_RECORD_NODE, &key);
    if (whole || node == NULL || node->node.coordinates.length > 0) {
        return node;
    }
    rf_buffer *full = rf_workset_scratch(work->workset);
    rf_write_coordinates(full, level->level, place);
    const void *copy = rf_buffer_failed(full)
                           ? NULL
                           : rf_arena_copy(rf_workset_arena(work->workset),
                                           full->bytes, full->length);
    node->node.coordinates = (rf_bytes){copy, full->length};
    return copy == NULL ? NULL : node;
}

static void add_node(rf_posting *posting, const rf_level_state *level,
                     rf_record *node)
{
    bool is_whole = level->phase == RF_LEVEL_ACTIVE;
    posting->levels[posting->count] = is_whole ? level->level : RF_LEVEL_NONE;
    posting->nodes[posting->count++] = node;
    if (level->level == RF_LEVEL_PLACE) {
        posting->place_node = node;
    }
}

rf_record *rf_posting_node(const rf_posting *posting, rf_level level)
{
    for (size_t i = 0; i < posting->count; i++) {
        if (posting->levels[i] == level) {
            return posting->nodes[i];
        }
    }
    return NULL;
}

rf_status rf_posting_plan(rf_work *work, rf_text organization, rf_text product,
                          const rf_place *place, rf_posting *out, rf_error *err)
{
    const rf_environment *environment = work->environment;
    bool scheduled = (place->given & RF_BIT(RF_DAY)) != 0;
    rf_level_kind kind = scheduled ? RF_LEVEL_OF_SCHEDULES : RF_LEVEL_OF_STOCK;
    const rf_level_state *leaf = rf_environment_leaf_level(environment, kind);
    RF_ASSERT(leaf != NULL);
    rf_key prefix;
    rf_key_product(&prefix, environment->number, organization, product);
    rf_key leaf_key;
    rf_key_copy(&leaf_key, &prefix);
    rf_key_node(&leaf_key, leaf->number, leaf->level, place);
    *out = (rf_posting){
        .organization = organization, .product = product, .place = place};
    rf_arena *arena = rf_workset_arena(work->workset);
    out->nodes =
        rf_arena_alloc(arena, environment->level_count * sizeof out->nodes[0]);
    out->levels =
        rf_arena_alloc(arena, environment->level_count * sizeof out->levels[0]);
    if (out->nodes == NULL || out->levels == NULL) {
        return out_of_memory(err);
    }
    add_node(out, leaf, rf_work_want_node(work, &prefix, leaf, place));
    for (size_t i = 0; i < environment->level_count; i++) {
        const rf_level_state *level = &environment->levels[i];
        if (level != leaf && rf_level_kind_of(level->level) == kind &&
            rf_level_state_counts(level, rf_key_bytes(&leaf_key))) {
            add_node(out, level,
                     rf_work_want_node(work, &prefix, level, place));
        }
    }
    for (size_t i = 0; i < out->count; i++) {
        if (out->nodes[i] == NULL) {
            return out_of_memory(err);
        }
    }
    if (scheduled) {
        out->place_node = out->nodes[0];
    }
    return RF_OK;
}

rf_status rf_posting_plan_day(rf_work *work, const rf_posting *stock,
                              rf_day day, rf_posting *out, rf_error *err)
{
    rf_arena *arena = rf_workset_arena(work->workset);
    rf_place *place = rf_arena_alloc(arena, sizeof *place);
    char *text = rf_arena_alloc(arena, RF_DAY_TEXT_SIZE);
    if (place == NULL || text == NULL) {
        return out_of_memory(err);
    }
    rf_day_print(day, text);
    *place = *stock->place;
    place->given |= RF_BIT(RF_DAY);
    place->value[RF_DAY] = rf_text_of(text);
    rf_status status = rf_posting_plan(work, stock->organization,
                                       stock->product, place, out, err);
    out->day = day;
    return status;
}

void rf_posting_place_key(const rf_work *work, const rf_posting *posting,
                          rf_key *out)
{
    rf_key_place(out, work->environment->number, posting->organization,
                 posting->place->value[RF_SITE],
                 posting->place->value[RF_LOCATION], posting->product);
}

/* The first stock of a product at a place enters it in the index, once. */
static rf_status enter_place(rf_work *work, const rf_posting *posting,
                             rf_error *err)
{
    if (posting->place_node == NULL || posting->place_node->present) {
        return RF_OK;
    }
    rf_key key;
    rf_posting_place_key(work, posting, &key);
    rf_record *marker =
        rf_workset_blind(work->workset, RF_TABLE_PLACE, RF_RECORD_MARKER, &key);
    if (marker == NULL) {
        return out_of_memory(err);
    }
    return marker->present
               ? RF_OK
               : rf_workset_set_present(work->workset, marker, true, err);
}

rf_status rf_posting_apply(rf_work *work, rf_posting *posting,
                           rf_measure measure, rf_quantity delta, rf_error *err)
{
    if (work->movement_count == RF_MOVEMENTS_MAX) {
        return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                       "a command may change at most %d measures",
                       RF_MOVEMENTS_MAX);
    }
    rf_status status = enter_place(work, posting, err);
    for (size_t i = 0; i < posting->count && status == RF_OK; i++) {
        status = rf_workset_add(work->workset, posting->nodes[i], measure,
                                delta, err);
    }
    if (status == RF_OK) {
        work->movements[work->movement_count++] =
            (rf_movement){measure, posting->day, delta, 0};
    }
    return status;
}

void rf_posting_note_totals(rf_work *work, const rf_posting *posting)
{
    for (size_t i = 0; i < work->movement_count; i++) {
        rf_movement *movement = &work->movements[i];
        if (movement->day == posting->day) {
            movement->total = rf_measures_get(&posting->nodes[0]->node.measures,
                                              movement->measure);
        }
    }
}

/* Append site and location as far as they lead the level's keys and are
 * wanted; what stands behind them may be hashed. */
static void append_leading(rf_key *key, rf_level level, rf_level wanted,
                           const rf_place *place)
{
    for (rf_level rest = level; rest != 0; rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        if ((wanted & place->given & RF_BIT(coordinate)) == 0 ||
            coordinate > RF_LOCATION) {
            return;
        }
        rf_key_coordinate(key, coordinate, place->value[coordinate]);
    }
}

/* Want all nodes of a finer level that lie below. */
static rf_status plan_range(rf_work *work, const rf_posting *posting,
                            rf_total *total, rf_error *err)
{
    const rf_level_state *finer =
        rf_environment_covering_level(work->environment, total->level);
    rf_key *range =
        rf_arena_alloc(rf_workset_arena(work->workset), sizeof *range);
    if (range == NULL) {
        return out_of_memory(err);
    }
    rf_key_product(range, work->environment->number, posting->organization,
                   posting->product);
    rf_key_level(range, finer->number);
    append_leading(range, finer->level, total->level, posting->place);
    total->range = range;
    return rf_workset_want_range(work->workset, range) ? RF_OK
                                                       : out_of_memory(err);
}

rf_status rf_total_plan(rf_work *work, const rf_posting *posting,
                        rf_level level, rf_total *out, rf_error *err)
{
    *out = (rf_total){.level = level,
                      .node = rf_posting_node(posting, level),
                      .posting = posting};
    return out->node != NULL ? RF_OK : plan_range(work, posting, out, err);
}

static rf_status add_all(rf_measures *sum, const rf_measures *measures,
                         rf_error *err)
{
    rf_status status = RF_OK;
    for (uint16_t i = 0; i < measures->count && status == RF_OK; i++) {
        status = rf_measures_add(sum, measures->amounts[i].measure,
                                 measures->amounts[i].quantity, err);
    }
    return status;
}

static rf_status sum_range(rf_work *work, const rf_total *total,
                           rf_measures *sum, rf_error *err)
{
    rf_place at;
    rf_key_parts parts;
    for (const rf_record *node = rf_workset_first(work->workset); node != NULL;
         node = node->next) {
        if (node->kind != RF_RECORD_NODE || !node->present ||
            node->key.length < total->range->length ||
            memcmp(node->key.bytes, total->range->bytes,
                   total->range->length) != 0) {
            continue;
        }
        rf_status status = rf_work_read_node(node, &parts, &at, err);
        if (status == RF_OK &&
            rf_place_agrees(&at, total->posting->place, total->level)) {
            status = add_all(sum, &node->node.measures, err);
        }
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}

rf_status rf_total_sum(rf_work *work, const rf_total *total, rf_measures *out,
                       rf_error *err)
{
    return total->node != NULL ? add_all(out, &total->node->node.measures, err)
                               : sum_range(work, total, out, err);
}

/* The coordinates that a total lies at: those of its level. */
static void narrow_place(const rf_total *total, rf_place *out)
{
    const rf_place *place = total->posting->place;
    *out = (rf_place){.given = place->given & total->level};
    for (rf_level rest = out->given; rest != 0; rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        out->value[coordinate] = place->value[coordinate];
    }
}

static rf_status evaluate(const rf_work *work, const rf_total *total,
                          const rf_measures *measures,
                          const rf_calculated *formula, rf_quantity *out,
                          rf_error *err)
{
    rf_place place;
    rf_subject subject = {.catalog = work->catalog,
                          .organization = total->posting->organization,
                          .product = total->posting->product,
                          .place = total->posting->place,
                          .measures = measures,
                          .now_ms = work->now_ms,
                          .thread = work->thread};
    if (formula->kind == RF_FORMULA_LUA) {
        narrow_place(total, &place);
        subject.place = &place;
    }
    return rf_calculated_value(formula, &subject, out, err);
}

rf_status rf_total_value(rf_work *work, const rf_total *total,
                         const rf_calculated *formula, rf_quantity *out,
                         rf_error *err)
{
    if (total->node != NULL) {
        return evaluate(work, total, &total->node->node.measures, formula, out,
                        err);
    }
    rf_measures sum = {0};
    rf_status status = sum_range(work, total, &sum, err);
    if (status == RF_OK) {
        status = evaluate(work, total, &sum, formula, out, err);
    }
    rf_measures_done(&sum);
    return status;
}
