/*
 * catalog_reservation.c - which calculated measure a reservation is checked by.
 */
#include "core/catalog_internal.h"

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
