/*
 * formula.c - what a calculated measure comes to.
 *
 * Sums are kept in twice the width of a quantity, so that the order of the
 * terms cannot make a value overflow that fits in the end.
 */
#include "core/formula.h"

#include "core/catalog.h"

__extension__ typedef __int128 wide;

static rf_status fail_overflow(rf_error *err)
{
    return rf_fail(err, RF_E_QUANTITY_OVERFLOW,
                   "the calculated measure would be too large to be exact");
}

/* Add the measures of a sum; both lists are in order of the numbers. */
static bool add_terms(const rf_sum *sum, const rf_measures *measures,
                      wide *total)
{
    const rf_amount *amount = measures->amounts;
    size_t left = measures->count;
    for (size_t i = 0; i < sum->term_count; i++) {
        const rf_term *term = &sum->terms[i];
        while (left > 0 && amount->measure < term->number) {
            amount++;
            left--;
        }
        if (left == 0) {
            break;
        }
        if (amount->measure == term->number &&
            __builtin_add_overflow(
                *total, (wide)term->factor * amount->quantity, total)) {
            return false;
        }
    }
    return true;
}

/* Values of parts may be as wide as the total itself. */
static bool add_parts(const rf_sum *sum, const wide *values, wide *total)
{
    for (size_t i = 0; i < sum->part_count; i++) {
        wide product;
        if (__builtin_mul_overflow(values[sum->parts[i].number],
                                   (wide)sum->parts[i].factor, &product) ||
            __builtin_add_overflow(*total, product, total)) {
            return false;
        }
    }
    return true;
}

static bool add_up(const rf_sum *sum, const rf_measures *measures,
                   const wide *values, wide *total)
{
    *total = sum->constant;
    return add_terms(sum, measures, total) && add_parts(sum, values, total);
}

static rf_status ask_host(const rf_calculated *calculated,
                          const rf_subject *subject, rf_quantity *out,
                          rf_error *err)
{
    rf_formula_host *host = subject->catalog->host;
    return host->evaluate(host, calculated->script, subject, out, err);
}

/* Evaluate one part; those before it are known. */
static rf_status evaluate_part(const rf_part *part, const rf_subject *subject,
                               const wide *values, wide *out, rf_error *err)
{
    if (part->kind == RF_PART_SCRIPT) {
        rf_quantity value = 0;
        rf_status status = ask_host(
            &subject->catalog->calculated[part->formula], subject, &value, err);
        *out = value;
        return status;
    }
    wide left;
    wide right;
    if (!add_up(&part->left, subject->measures, values, &left) ||
        !add_up(&part->right, subject->measures, values, &right)) {
        return fail_overflow(err);
    }
    bool takes_left = (left > right) == (part->kind == RF_PART_MAX);
    *out = takes_left ? left : right;
    return RF_OK;
}

rf_status rf_calculated_value(const rf_calculated *calculated,
                              const rf_subject *subject, rf_quantity *out,
                              rf_error *err)
{
    wide values[RF_PARTS_MAX];
    wide total;
    if (calculated->is_script) {
        return ask_host(calculated, subject, out, err);
    }
    for (size_t i = 0; i < calculated->part_count; i++) {
        rf_status status = evaluate_part(&calculated->parts[i], subject, values,
                                         &values[i], err);
        if (status != RF_OK) {
            return status;
        }
    }
    if (!add_up(&calculated->sum, subject->measures, values, &total) ||
        total > INT64_MAX || total < INT64_MIN) {
        return fail_overflow(err);
    }
    *out = (rf_quantity)total;
    return RF_OK;
}

const char *rf_formula_kind_word(rf_formula_kind kind)
{
    static const char *const words[] = {[RF_FORMULA_LINEAR] = "linear",
                                        [RF_FORMULA_TREE] = "tree",
                                        [RF_FORMULA_LUA] = "lua"};
    return words[kind];
}
