/*
 * catalog_sum.c - formulas as sums of measures and parts.
 *
 * Whatever a formula uses is multiplied out into it: the terms of a sum are
 * added to its own, the parts of a tree are appended to its parts. Lists stay
 * in order of their numbers, so that adding two is one merge.
 */
#include "core/catalog_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- Lists of terms ---- */

typedef struct term_list {
    const rf_term *items;
    size_t count;
} term_list;

/* Write the next term of two lists, `b` times the factor; false: too large. */
static bool merge_next(term_list *a, term_list *b, int64_t factor, rf_term *out,
                       size_t *count)
{
    bool has_a = a->count > 0;
    bool has_b = b->count > 0;
    bool takes_a = has_a && (!has_b || a->items->number <= b->items->number);
    bool takes_b = has_b && (!has_a || b->items->number <= a->items->number);
    uint16_t number = takes_a ? a->items->number : b->items->number;
    int64_t sum = 0;
    if (takes_b && __builtin_mul_overflow(b->items->factor, factor, &sum)) {
        return false;
    }
    if (takes_a && __builtin_add_overflow(a->items->factor, sum, &sum)) {
        return false;
    }
    a->items += takes_a ? 1 : 0;
    a->count -= takes_a ? 1 : 0;
    b->items += takes_b ? 1 : 0;
    b->count -= takes_b ? 1 : 0;
    if (sum != 0) {
        out[(*count)++] = (rf_term){number, sum};
    }
    return true;
}

/* Add `b` times the factor to `a`. */
static rf_sum_outcome merge(rf_builder *builder, term_list a, term_list b,
                            int64_t factor, term_list *out)
{
    rf_term *items =
        rf_builder__scratch(builder, a.count + b.count + 1, sizeof *items);
    *out = (term_list){items, 0};
    while (items != NULL && a.count + b.count > 0) {
        if (!merge_next(&a, &b, factor, items, &out->count)) {
            return RF_SUM_TOO_LARGE;
        }
    }
    return RF_SUM_FITS;
}

/* ---- Sums ---- */

rf_sum_outcome rf_assembly__add(rf_assembly *self, const rf_sum *a,
                                const rf_sum *b, int64_t factor, rf_sum *out)
{
    rf_quantity constant;
    if (__builtin_mul_overflow(b->constant, factor, &constant) ||
        __builtin_add_overflow(a->constant, constant, &constant)) {
        return RF_SUM_TOO_LARGE;
    }
    term_list terms;
    term_list parts;
    rf_sum_outcome outcome =
        merge(self->builder, (term_list){a->terms, a->term_count},
              (term_list){b->terms, b->term_count}, factor, &terms);
    if (outcome == RF_SUM_FITS) {
        outcome = merge(self->builder, (term_list){a->parts, a->part_count},
                        (term_list){b->parts, b->part_count}, factor, &parts);
    }
    if (outcome == RF_SUM_FITS) {
        *out = (rf_sum){.constant = constant,
                        .terms = terms.items,
                        .term_count = terms.count,
                        .parts = parts.items,
                        .part_count = parts.count};
    }
    return outcome;
}

static void make_single(rf_builder *builder, uint16_t number, term_list *out)
{
    rf_term *term = rf_builder__scratch(builder, 1, sizeof *term);
    *out = (term_list){term, term == NULL ? 0 : 1};
    if (term != NULL) {
        *term = (rf_term){number, 1};
    }
}

static void make_part_sum(rf_assembly *self, size_t part, rf_sum *out)
{
    term_list single;
    make_single(self->builder, (uint16_t)part, &single);
    *out = (rf_sum){.parts = single.items, .part_count = single.count};
}

/* Append a part, or find the script that is there already. */
static rf_sum_outcome add_part(rf_assembly *self, const rf_part *part,
                               uint16_t *number)
{
    for (size_t i = 0; i < self->part_count; i++) {
        if (part->kind == RF_PART_SCRIPT &&
            self->parts[i].kind == RF_PART_SCRIPT &&
            self->parts[i].formula == part->formula) {
            *number = (uint16_t)i;
            return RF_SUM_FITS;
        }
    }
    if (self->part_count == RF_PARTS_MAX) {
        return RF_SUM_TOO_MANY_PARTS;
    }
    *number = (uint16_t)self->part_count;
    self->parts[self->part_count++] = *part;
    return RF_SUM_FITS;
}

rf_sum_outcome rf_assembly__extremum(rf_assembly *self, rf_part_kind kind,
                                     const rf_sum *left, const rf_sum *right,
                                     rf_sum *out)
{
    rf_part part = {.kind = kind, .left = *left, .right = *right};
    uint16_t number;
    rf_sum_outcome outcome = add_part(self, &part, &number);
    if (outcome == RF_SUM_FITS) {
        make_part_sum(self, number, out);
    }
    return outcome;
}

/* ---- Using another formula ---- */

static int compare_terms(const void *a, const void *b)
{
    const rf_term *left = a;
    const rf_term *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

/* Copy a sum of another formula, whose parts have other numbers here. */
static void renumber(rf_builder *builder, const rf_sum *from,
                     const uint16_t *numbers, rf_sum *out)
{
    *out = *from;
    rf_term *parts =
        rf_builder__scratch(builder, from->part_count + 1, sizeof *parts);
    if (parts == NULL) {
        return;
    }
    for (size_t i = 0; i < from->part_count; i++) {
        parts[i] =
            (rf_term){numbers[from->parts[i].number], from->parts[i].factor};
    }
    qsort(parts, from->part_count, sizeof *parts, compare_terms);
    out->parts = parts;
}

/* Append a formula's parts, and give its sum in terms of them. */
static rf_sum_outcome import(rf_assembly *self, const rf_calculated *used,
                             rf_sum *out)
{
    uint16_t numbers[RF_PARTS_MAX];
    for (size_t i = 0; i < used->part_count; i++) {
        rf_part part = used->parts[i];
        renumber(self->builder, &used->parts[i].left, numbers, &part.left);
        renumber(self->builder, &used->parts[i].right, numbers, &part.right);
        rf_sum_outcome outcome = add_part(self, &part, &numbers[i]);
        if (outcome != RF_SUM_FITS) {
            return outcome;
        }
    }
    renumber(self->builder, &used->sum, numbers, out);
    return RF_SUM_FITS;
}

rf_sum_outcome rf_assembly__measure(rf_assembly *self, rf_meaning meaning,
                                    rf_sum *out)
{
    rf_builder *builder = self->builder;
    if (meaning.kind == RF_MEANS_PHYSICAL) {
        term_list single;
        make_single(builder, meaning.number, &single);
        *out = (rf_sum){.terms = single.items, .term_count = single.count};
        return RF_SUM_FITS;
    }
    const rf_calculated *used = &builder->calculated[meaning.number];
    if (!used->is_script) {
        return import(self, used, out);
    }
    rf_part part = {.kind = RF_PART_SCRIPT, .formula = meaning.number};
    uint16_t number;
    rf_sum_outcome outcome = add_part(self, &part, &number);
    if (outcome == RF_SUM_FITS) {
        make_part_sum(self, number, out);
    }
    return outcome;
}

/* ---- Keeping ---- */

static const rf_term *keep_terms(rf_builder *builder, const rf_term *terms,
                                 size_t count)
{
    rf_term *copy = rf_builder__allocate(builder, count, sizeof *copy);
    if (copy != NULL && count > 0) {
        memcpy(copy, terms, count * sizeof *copy);
    }
    return copy;
}

static rf_sum keep_sum(rf_builder *builder, const rf_sum *sum)
{
    rf_sum kept = *sum;
    kept.terms = keep_terms(builder, sum->terms, sum->term_count);
    kept.parts = keep_terms(builder, sum->parts, sum->part_count);
    return kept;
}

/* Marks of physical measures, by number. */
typedef struct marks {
    bool *read;
    size_t count;
} marks;

static marks make_marks(rf_builder *builder)
{
    size_t count = rf_registry_measure_count(builder->registry);
    return (marks){rf_builder__scratch(builder, count + 1, 1), count};
}

static void mark_terms(marks *self, const rf_sum *sum)
{
    for (size_t i = 0; i < sum->term_count; i++) {
        self->read[sum->terms[i].number] = true;
    }
}

static void mark_reads(marks *self, const rf_calculated *used)
{
    for (size_t i = 0; i < used->read_count; i++) {
        self->read[used->reads[i]] = true;
    }
}

/* Write the marked measures down. */
static void keep_marks(rf_builder *builder, const marks *self,
                       rf_calculated *calculated)
{
    size_t count = 0;
    for (size_t i = 0; i < self->count; i++) {
        count += self->read[i] ? 1 : 0;
    }
    rf_measure *reads = rf_builder__allocate(builder, count, sizeof *reads);
    if (reads == NULL) {
        return;
    }
    calculated->reads = reads;
    calculated->read_count = count;
    for (size_t i = 0; i < self->count; i++) {
        if (self->read[i]) {
            *reads++ = (rf_measure)i;
        }
    }
}

static rf_formula_kind kind_of(const rf_assembly *self)
{
    rf_formula_kind kind = RF_FORMULA_LINEAR;
    for (size_t i = 0; i < self->part_count; i++) {
        if (self->parts[i].kind == RF_PART_SCRIPT) {
            return RF_FORMULA_LUA;
        }
        kind = RF_FORMULA_TREE;
    }
    return kind;
}

void rf_assembly__keep(rf_assembly *self, const rf_sum *sum,
                       rf_calculated *calculated)
{
    rf_builder *builder = self->builder;
    marks reads = make_marks(builder);
    rf_part *parts =
        rf_builder__allocate(builder, self->part_count, sizeof *parts);
    if (parts == NULL || reads.read == NULL) {
        return;
    }
    mark_terms(&reads, sum);
    for (size_t i = 0; i < self->part_count; i++) {
        const rf_part *part = &self->parts[i];
        parts[i] = *part;
        parts[i].left = keep_sum(builder, &part->left);
        parts[i].right = keep_sum(builder, &part->right);
        mark_terms(&reads, &part->left);
        mark_terms(&reads, &part->right);
        if (part->kind == RF_PART_SCRIPT) {
            mark_reads(&reads, &builder->calculated[part->formula]);
        }
    }
    calculated->kind = kind_of(self);
    calculated->sum = keep_sum(builder, sum);
    calculated->parts = parts;
    calculated->part_count = self->part_count;
    keep_marks(builder, &reads, calculated);
}

void rf_builder__keep_reads(rf_builder *builder, const rf_meaning *meanings,
                            size_t count, rf_calculated *calculated)
{
    marks reads = make_marks(builder);
    if (reads.read == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (meanings[i].kind == RF_MEANS_PHYSICAL) {
            reads.read[meanings[i].number] = true;
        } else {
            mark_reads(&reads, &builder->calculated[meanings[i].number]);
        }
    }
    keep_marks(builder, &reads, calculated);
}
