/*
 * pool_measures.c - finding the numbers of what allocations change.
 */
#include "core/pool_measures.h"

bool rf_pool_measures_find(const rf_registry *registry, rf_pool_measures *out)
{
    rf_pool_measures found = {0};
    const struct {
        const char *name;
        rf_measure *number;
    } wanted[] = {
        {"@iv.@allocated", &found.allocated},
        {"@iv.@consumed", &found.consumed},
        {"@iv.@cumulative_allocated", &found.cumulative_allocated},
        {"@iv.@cumulative_consumed", &found.cumulative_consumed},
        {RF_REALLOCATED, &found.reallocated},
    };
    size_t missing = sizeof wanted / sizeof wanted[0];
    size_t count = rf_registry_measure_count(registry);
    for (size_t i = 0; i < count && missing > 0; i++) {
        rf_text name = rf_registry_measure_name(registry, i);
        for (size_t w = 0; w < sizeof wanted / sizeof wanted[0]; w++) {
            if (rf_text_equal(name, rf_text_of(wanted[w].name))) {
                *wanted[w].number = (rf_measure)i;
                missing--;
            }
        }
    }
    if (missing == 0) {
        *out = found;
    }
    return missing == 0;
}

bool rf_pool_measures_are_totalled(const rf_pool_measures *measures,
                                   rf_measure measure)
{
    return measure == measures->allocated || measure == measures->consumed ||
           measure == measures->cumulative_allocated ||
           measure == measures->cumulative_consumed;
}
