/*
 * catalog_formula.c - formulas, each after those it uses.
 *
 * A formula may use other formulas, configured ones and those of plugins. Each
 * is read after those it uses, so that they can be multiplied out into it; what
 * comes back to itself on the way is a cycle.
 */
#include "core/catalog_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef enum {
    STATE_NEW,
    STATE_OPEN, /* being read: on the path */
    STATE_DONE,
    STATE_BROKEN /* has a problem that was noted */
} formula_state;

/* A formula being read: what its addends, or a plugin formula's reads, stand
 * for. `next` is the one to look at; the first `added` of a configured formula
 * count positive. */
typedef struct open_formula {
    const rf_meaning *uses;
    size_t count;
    size_t added;
    size_t next;
    uint16_t index;
    bool right;
} open_formula;

typedef struct flattener {
    rf_builder *builder;
    formula_state *states; /* by index of the formula */
    open_formula *path;    /* each uses the one behind it */
    size_t path_length;
} flattener;

void rf_builder__blame(rf_builder *builder, const rf_formula_origin *origin,
                       rf_status status, const char *format, ...)
{
    char text[sizeof builder->problems->items[0].message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (origin->plugin != NULL) {
        rf_problems_add_as(builder->problems, status, RF_TEXT_EMPTY,
                           &origin->plugin->place, "%s", text);
    } else {
        rf_problems_add_as(builder->problems, status,
                           origin->configured->name.path, NULL, "%s", text);
    }
}

/* ---- What a formula uses ---- */

static rf_meaning find_meaning(rf_builder *builder, rf_text full)
{
    rf_text source;
    rf_text name;
    rf_meaning meaning = {RF_MEANS_NOTHING, 0};
    if (rf_builder__split(full, &source, &name)) {
        meaning = rf_catalog__meaning(builder->index, source, name);
    }
    return meaning;
}

static bool is_listed(const rf_meaning *uses, size_t count, rf_meaning meaning)
{
    for (size_t i = 0; i < count; i++) {
        if (uses[i].kind == meaning.kind && uses[i].number == meaning.number) {
            return true;
        }
    }
    return false;
}

/* Resolve the terms of one list behind those that are there already; false
 * when one of them is wrong. */
static bool resolve_list(rf_builder *builder, const rf_draft_names *list,
                         rf_meaning *uses, size_t *count)
{
    bool right = true;
    for (size_t i = 0; i < list->count; i++) {
        const rf_draft_name *term = &list->items[i];
        rf_meaning meaning = find_meaning(builder, term->text);
        if (meaning.kind == RF_MEANS_NOTHING) {
            rf_problems_add(builder->problems, term->path,
                            "%.*s is not a configured measure",
                            RF_SHOWN(term->text));
            right = false;
        } else if (is_listed(uses, *count, meaning)) {
            rf_problems_add(builder->problems, term->path,
                            "%.*s stands in this formula more than once",
                            RF_SHOWN(term->text));
            right = false;
        } else {
            uses[(*count)++] = meaning;
        }
    }
    return right;
}

static void open_configured(rf_builder *builder,
                            const rf_draft_calculated *formula,
                            open_formula *opened)
{
    rf_meaning *uses = rf_builder__scratch(
        builder, formula->added.count + formula->subtracted.count,
        sizeof *uses);
    if (uses == NULL) {
        return;
    }
    bool added = resolve_list(builder, &formula->added, uses, &opened->count);
    opened->added = opened->count;
    bool subtracted =
        resolve_list(builder, &formula->subtracted, uses, &opened->count);
    opened->right = added && subtracted;
    opened->uses = uses;
}

static void blame_read(rf_builder *builder, const rf_draft_formula *formula,
                       const rf_draft_read *read)
{
    rf_script_place place = formula->place;
    snprintf(place.file, sizeof place.file, "%.*s", RF_SHOWN(read->file));
    place.line = read->line;
    rf_problems_add_as(builder->problems, RF_E_UNKNOWN_MEASURE, RF_TEXT_EMPTY,
                       &place, "there is no measure %.*s",
                       RF_SHOWN(read->name));
}

static void open_plugin(rf_builder *builder, const rf_draft_formula *formula,
                        open_formula *opened)
{
    rf_meaning *uses =
        rf_builder__scratch(builder, formula->read_count, sizeof *uses);
    if (uses == NULL) {
        return;
    }
    opened->right = true;
    for (size_t i = 0; i < formula->read_count; i++) {
        uses[i] = find_meaning(builder, formula->reads[i].name);
        if (uses[i].kind == RF_MEANS_NOTHING) {
            blame_read(builder, formula, &formula->reads[i]);
            opened->right = false;
        }
    }
    opened->count = formula->read_count;
    opened->uses = uses;
}

/* Resolve what a formula uses and put it at the end of the path. */
static void open_new(flattener *self, uint16_t index)
{
    rf_builder *builder = self->builder;
    const rf_formula_origin *origin = &builder->origins[index];
    open_formula *opened = &self->path[self->path_length++];
    *opened = (open_formula){.index = index};
    self->states[index] = STATE_OPEN;
    if (origin->plugin != NULL) {
        open_plugin(builder, origin->plugin, opened);
    } else {
        open_configured(builder, origin->configured, opened);
    }
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
    rf_builder__blame(builder, &builder->origins[again], RF_E_FORMULA_CYCLE,
                      "the formula comes back to itself: %s%.*s.%.*s", chain,
                      RF_SHOWN(first->source), RF_SHOWN(first->name));
}

/* ---- Putting it together ---- */

static rf_sum_outcome add_up_configured(rf_assembly *assembly,
                                        const open_formula *formula,
                                        rf_sum *out)
{
    rf_sum_outcome outcome = RF_SUM_FITS;
    for (size_t i = 0; i < formula->count && outcome == RF_SUM_FITS; i++) {
        rf_sum addend = {0};
        outcome = rf_assembly__measure(assembly, formula->uses[i], &addend);
        if (outcome == RF_SUM_FITS) {
            outcome = rf_assembly__add(assembly, out, &addend,
                                       i < formula->added ? 1 : -1, out);
        }
    }
    return outcome;
}

/* Work out one node of an expression; those before it are known. */
static rf_sum_outcome take_node(rf_assembly *assembly,
                                const open_formula *formula,
                                const rf_expression_node *node,
                                const rf_sum *known, rf_sum *out)
{
    static const rf_sum zero = {0};
    const rf_sum *left = &known[node->left];
    const rf_sum *right = &known[node->right];
    switch (node->kind) {
    case RF_EXPRESSION_CONSTANT:
        *out = (rf_sum){.constant = node->value};
        return RF_SUM_FITS;
    case RF_EXPRESSION_READ:
        return rf_assembly__measure(assembly, formula->uses[node->left], out);
    case RF_EXPRESSION_ADD:
        return rf_assembly__add(assembly, left, right, 1, out);
    case RF_EXPRESSION_SUBTRACT:
        return rf_assembly__add(assembly, left, right, -1, out);
    case RF_EXPRESSION_SCALE:
        return rf_assembly__add(assembly, &zero, left, node->value, out);
    case RF_EXPRESSION_MAX:
        return rf_assembly__extremum(assembly, RF_PART_MAX, left, right, out);
    case RF_EXPRESSION_MIN:
        break;
    }
    return rf_assembly__extremum(assembly, RF_PART_MIN, left, right, out);
}

static rf_sum_outcome work_out_expression(rf_assembly *assembly,
                                          const open_formula *formula,
                                          const rf_expression *expression,
                                          rf_sum *out)
{
    rf_sum *known = rf_builder__scratch(assembly->builder, expression->count,
                                        sizeof *known);
    if (known == NULL) {
        return RF_SUM_FITS;
    }
    for (size_t i = 0; i < expression->count; i++) {
        rf_sum_outcome outcome = take_node(
            assembly, formula, &expression->nodes[i], known, &known[i]);
        if (outcome != RF_SUM_FITS) {
            return outcome;
        }
    }
    *out = known[expression->count - 1];
    return RF_SUM_FITS;
}

/* Say what is wrong with a sum, if anything; true: nothing. */
static bool judge_sum(rf_builder *builder, const rf_formula_origin *origin,
                      rf_sum_outcome outcome, const rf_sum *sum)
{
    rf_status status =
        origin->plugin != NULL ? RF_E_PLUGIN_FAILED : RF_E_BAD_CONFIGURATION;
    if (builder->no_memory) {
        return false;
    }
    if (outcome == RF_SUM_TOO_LARGE) {
        rf_builder__blame(builder, origin, status,
                          "a factor of the multiplied-out formula is too "
                          "large");
    } else if (outcome == RF_SUM_TOO_MANY_PARTS) {
        rf_builder__blame(builder, origin, status,
                          "the formula comes to more than %d values that "
                          "cannot be multiplied out",
                          RF_PARTS_MAX);
    } else if (sum->term_count > RF_TERMS_MAX) {
        rf_builder__blame(builder, origin, status,
                          "the formula comes to more than %d physical measures",
                          RF_TERMS_MAX);
    } else {
        return true;
    }
    return false;
}

/* Put a formula together whose parts have been read. */
static bool flatten(flattener *self, const open_formula *formula)
{
    rf_builder *builder = self->builder;
    const rf_formula_origin *origin = &builder->origins[formula->index];
    rf_calculated *calculated = &builder->calculated[formula->index];
    if (origin->plugin != NULL && origin->plugin->expression.count == 0) {
        calculated->kind = RF_FORMULA_LUA;
        calculated->is_script = true;
        calculated->script = origin->plugin->script;
        rf_builder__keep_reads(builder, formula->uses, formula->count,
                               calculated);
        return true;
    }
    rf_assembly *assembly = rf_builder__scratch(builder, 1, sizeof *assembly);
    if (assembly == NULL) {
        return false;
    }
    assembly->builder = builder;
    rf_sum sum = {0};
    rf_sum_outcome outcome =
        origin->plugin != NULL
            ? work_out_expression(assembly, formula,
                                  &origin->plugin->expression, &sum)
            : add_up_configured(assembly, formula, &sum);
    if (!judge_sum(builder, origin, outcome, &sum)) {
        return false;
    }
    rf_assembly__keep(assembly, &sum, calculated);
    return true;
}

/* ---- The order ---- */

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
        rf_meaning use = last->uses[last->next++];
        if (use.kind == RF_MEANS_CALCULATED) {
            look_at(self, last, use.number);
        }
    }
}

/* Refuse configured formulas that are too long to begin with. */
static bool is_short(rf_builder *builder, const rf_formula_origin *origin)
{
    const rf_draft_calculated *configured = origin->configured;
    if (configured == NULL ||
        configured->added.count + configured->subtracted.count <=
            RF_TERMS_MAX) {
        return true;
    }
    rf_builder__blame(builder, origin, RF_E_BAD_CONFIGURATION,
                      "the formula has more than %d terms", RF_TERMS_MAX);
    return false;
}

void rf_builder__read_formulas(rf_builder *builder)
{
    size_t count = builder->catalog->calculated_count;
    flattener self = {.builder = builder};
    self.states = rf_builder__scratch(builder, count, sizeof *self.states);
    self.path = rf_builder__scratch(builder, count, sizeof *self.path);
    if (builder->no_memory) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_short(builder, &builder->origins[i])) {
            self.states[i] = STATE_BROKEN;
        }
    }
    for (size_t i = 0; i < count && !builder->no_memory; i++) {
        if (self.states[i] == STATE_NEW) {
            read_formula(&self, (uint16_t)i);
        }
    }
}
