/*
 * catalog_formula.c - formulas, multiplied out to physical measures.
 *
 * A formula may use other formulas. Each is read after those it uses, so that
 * their terms can be added in; what comes back to itself on the way is a
 * cycle.
 */
#include "core/catalog_internal.h"

#include <stdio.h>
#include <string.h>

typedef enum {
    STATE_NEW,
    STATE_OPEN, /* being read: on the path */
    STATE_DONE,
    STATE_BROKEN /* has a problem that was noted */
} formula_state;

/* One addend as written: a physical or a calculated measure, or nothing when
 * it could not be resolved. */
typedef struct addend {
    rf_meaning meaning;
    int sign;
} addend;

/* A formula being read: `next` is the addend to look at. */
typedef struct open_formula {
    const addend *addends;
    size_t count;
    size_t next;
    uint16_t index;
    bool right;
} open_formula;

typedef struct flattener {
    rf_builder *builder;
    formula_state *states; /* by index of the formula */
    open_formula *path;    /* each uses the one behind it */
    size_t path_length;
    int64_t *factors; /* by measure number, all zero between two formulas */
    size_t factor_count;
} flattener;

static rf_meaning find_term(rf_builder *builder, const rf_draft_name *term)
{
    rf_text source;
    rf_text name;
    rf_meaning meaning = {RF_MEANS_NOTHING, 0};
    if (rf_builder__split(term->text, &source, &name)) {
        meaning = rf_catalog__meaning(builder->index, source, name);
    }
    if (meaning.kind == RF_MEANS_NOTHING) {
        rf_problems_add(builder->problems, term->path,
                        "%.*s is not a configured measure",
                        RF_SHOWN(term->text));
    }
    return meaning;
}

static bool is_listed(const addend *addends, size_t count, rf_meaning meaning)
{
    for (size_t i = 0; i < count; i++) {
        if (addends[i].meaning.kind == meaning.kind &&
            addends[i].meaning.number == meaning.number) {
            return true;
        }
    }
    return false;
}

/* Resolve the terms of one list behind those that are there already; false
 * when one of them is wrong. */
static bool resolve_list(rf_builder *builder, const rf_draft_names *list,
                         int sign, addend *addends, size_t *count)
{
    bool right = true;
    for (size_t i = 0; i < list->count; i++) {
        const rf_draft_name *term = &list->items[i];
        rf_meaning meaning = find_term(builder, term);
        if (meaning.kind == RF_MEANS_NOTHING) {
            right = false;
            continue;
        }
        if (is_listed(addends, *count, meaning)) {
            rf_problems_add(builder->problems, term->path,
                            "%.*s stands in this formula more than once",
                            RF_SHOWN(term->text));
            right = false;
            continue;
        }
        addends[(*count)++] = (addend){meaning, sign};
    }
    return right;
}

/* Resolve all terms of a formula and put it at the end of the path. */
static void open_new(flattener *self, uint16_t index)
{
    rf_builder *builder = self->builder;
    const rf_draft_calculated *formula = builder->formulas[index];
    open_formula *opened = &self->path[self->path_length++];
    *opened = (open_formula){.index = index};
    self->states[index] = STATE_OPEN;
    addend *addends = rf_builder__scratch(
        builder, formula->added.count + formula->subtracted.count,
        sizeof *addends);
    if (addends == NULL) {
        return;
    }
    bool added =
        resolve_list(builder, &formula->added, 1, addends, &opened->count);
    bool subtracted = resolve_list(builder, &formula->subtracted, -1, addends,
                                   &opened->count);
    opened->right = added && subtracted;
    opened->addends = addends;
}

/* Name the formulas of a cycle: from the one that was met again to the end of
 * the path, and back. */
static void note_cycle(flattener *self, uint16_t again)
{
    rf_builder *builder = self->builder;
    size_t start = 0;
    while (self->path[start].index != again) {
        start++;
    }
    char chain[sizeof builder->problems->items[0].message] = "";
    size_t used = 0;
    for (size_t i = start; i < self->path_length && used < sizeof chain; i++) {
        const rf_calculated *step = &builder->calculated[self->path[i].index];
        int length =
            snprintf(chain + used, sizeof chain - used, "%.*s.%.*s -> ",
                     RF_SHOWN(step->source), RF_SHOWN(step->name));
        used += length < 0 ? sizeof chain : (size_t)length;
    }
    const rf_calculated *first = &builder->calculated[again];
    rf_problems_add(builder->problems, builder->formulas[again]->name.path,
                    "the formula comes back to itself: %s%.*s.%.*s", chain,
                    RF_SHOWN(first->source), RF_SHOWN(first->name));
    builder->cycle_count++;
}

static bool add_factor(flattener *self, rf_measure measure, int64_t factor,
                       int sign)
{
    int64_t signed_factor;
    return !__builtin_mul_overflow(factor, sign, &signed_factor) &&
           !__builtin_add_overflow(self->factors[measure], signed_factor,
                                   &self->factors[measure]);
}

/* Add one addend to the factors of the formula being read. */
static bool add_addend(flattener *self, const addend *part)
{
    if (part->meaning.kind == RF_MEANS_PHYSICAL) {
        return add_factor(self, part->meaning.number, 1, part->sign);
    }
    const rf_calculated *used =
        &self->builder->calculated[part->meaning.number];
    for (size_t i = 0; i < used->term_count; i++) {
        if (!add_factor(self, used->terms[i].measure, used->terms[i].factor,
                        part->sign)) {
            return false;
        }
    }
    return true;
}

/* Write the factors down as terms, and clear them for the next formula. */
static bool collect_terms(flattener *self, uint16_t index)
{
    rf_builder *builder = self->builder;
    size_t count = 0;
    for (size_t i = 0; i < self->factor_count; i++) {
        count += self->factors[i] == 0 ? 0 : 1;
    }
    rf_term *terms = rf_builder__allocate(builder, count, sizeof *terms);
    rf_term *term = terms;
    for (size_t i = 0; i < self->factor_count; i++) {
        if (self->factors[i] != 0 && terms != NULL) {
            *term++ = (rf_term){(rf_measure)i, self->factors[i]};
        }
        self->factors[i] = 0;
    }
    if (count > RF_TERMS_MAX) {
        rf_problems_add(builder->problems, builder->formulas[index]->name.path,
                        "the formula comes to more than %d physical measures",
                        RF_TERMS_MAX);
        return false;
    }
    builder->calculated[index].terms = terms;
    builder->calculated[index].term_count = count;
    return terms != NULL;
}

/* Add up a formula whose parts have been read. */
static bool flatten(flattener *self, const open_formula *formula)
{
    bool fits = true;
    for (size_t i = 0; fits && i < formula->count; i++) {
        fits = add_addend(self, &formula->addends[i]);
    }
    if (!fits) {
        rf_problems_add(self->builder->problems,
                        self->builder->formulas[formula->index]->name.path,
                        "a factor of the multiplied-out formula is too large");
        memset(self->factors, 0, self->factor_count * sizeof *self->factors);
        return false;
    }
    return collect_terms(self, formula->index);
}

/* Take the last formula off the path; who uses it is as right as it is. */
static void close_last(flattener *self)
{
    open_formula *last = &self->path[--self->path_length];
    bool right = last->right && flatten(self, last);
    self->states[last->index] = right ? STATE_DONE : STATE_BROKEN;
    if (self->path_length > 0) {
        open_formula *user = &self->path[self->path_length - 1];
        user->right = user->right && right;
    }
}

/* Look at the next formula that the last of the path uses: read it first if it
 * is new, note the cycle if it is on the path itself. */
static void look_at(flattener *self, open_formula *user, uint16_t used)
{
    switch (self->states[used]) {
    case STATE_NEW:
        open_new(self, used);
        break;
    case STATE_OPEN:
        note_cycle(self, used);
        user->right = false;
        break;
    case STATE_DONE:
        break;
    case STATE_BROKEN:
        user->right = false;
        break;
    }
}

/* Read one formula, and before it those that it uses. */
static void read_formula(flattener *self, uint16_t index)
{
    open_new(self, index);
    while (self->path_length > 0) {
        open_formula *last = &self->path[self->path_length - 1];
        if (last->next == last->count) {
            close_last(self);
            continue;
        }
        const addend *part = &last->addends[last->next++];
        if (part->meaning.kind == RF_MEANS_CALCULATED) {
            look_at(self, last, part->meaning.number);
        }
    }
}

void rf_builder__read_formulas(rf_builder *builder)
{
    size_t count = builder->catalog->calculated_count;
    flattener self = {.builder = builder};
    self.factor_count = rf_registry_measure_count(builder->registry);
    self.states = rf_builder__scratch(builder, count, sizeof *self.states);
    self.path = rf_builder__scratch(builder, count, sizeof *self.path);
    self.factors =
        rf_builder__scratch(builder, self.factor_count, sizeof *self.factors);
    if (builder->no_memory) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        size_t terms = builder->formulas[i]->added.count +
                       builder->formulas[i]->subtracted.count;
        if (terms > RF_TERMS_MAX) {
            rf_problems_add(builder->problems, builder->formulas[i]->name.path,
                            "the formula has more than %d terms", RF_TERMS_MAX);
            self.states[i] = STATE_BROKEN;
        }
    }
    for (size_t i = 0; i < count && !builder->no_memory; i++) {
        if (self.states[i] == STATE_NEW) {
            read_formula(&self, (uint16_t)i);
        }
    }
}

/* Find the physical measure that a mapping is for: one of the same source, or
 * a full name. */
static rf_physical *find_reserved(rf_builder *builder, rf_text source,
                                  rf_text name)
{
    rf_meaning meaning = rf_catalog__meaning(builder->index, source, name);
    rf_text other;
    rf_text measure;
    if (meaning.kind == RF_MEANS_NOTHING &&
        rf_builder__split(name, &other, &measure)) {
        meaning = rf_catalog__meaning(builder->index, other, measure);
    }
    if (meaning.kind != RF_MEANS_PHYSICAL) {
        return NULL;
    }
    return &builder
                ->physicals[builder->index->physical_by_number[meaning.number]];
}

static void read_reservation(rf_builder *builder, rf_text source,
                             const rf_draft_pair *pair)
{
    rf_physical *reserved = find_reserved(builder, source, pair->from.text);
    if (reserved == NULL) {
        rf_problems_add(builder->problems, pair->from.path,
                        "%.*s is not a physical measure of %.*s",
                        RF_SHOWN(pair->from.text), RF_SHOWN(source));
    } else if (reserved->reservation >= 0) {
        rf_problems_add(builder->problems, pair->from.path,
                        "%.*s has a reservation mapping already",
                        RF_SHOWN(pair->from.text));
        reserved = NULL;
    }
    rf_text target_source;
    rf_text target_name;
    rf_meaning target = {RF_MEANS_NOTHING, 0};
    if (rf_builder__split(pair->to.text, &target_source, &target_name)) {
        target =
            rf_catalog__meaning(builder->index, target_source, target_name);
    }
    if (target.kind != RF_MEANS_CALCULATED) {
        rf_problems_add(builder->problems, pair->to.path,
                        "%.*s is not a configured calculated measure",
                        RF_SHOWN(pair->to.text));
    } else if (reserved != NULL) {
        reserved->reservation = target.number;
    }
}

void rf_builder__read_reservations(rf_builder *builder)
{
    const rf_draft *draft = builder->draft;
    for (size_t i = 0; i < draft->source_count; i++) {
        const rf_draft_source *source = &draft->sources[i];
        for (size_t j = 0; j < source->reservations.count; j++) {
            read_reservation(builder, source->name.text,
                             &source->reservations.items[j]);
        }
    }
}
