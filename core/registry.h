/*
 * registry.h - the numbers that an environment's names keep for ever.
 *
 * Records hold numbers instead of names. A number is given to a physical
 * measure ("pos.inbound") or a group ("channel") when a configuration first
 * names it, is stored with the first generation that uses it, and is never
 * given to another name.
 */
#ifndef RINGFENCE_CORE_REGISTRY_H
#define RINGFENCE_CORE_REGISTRY_H

#include "core/error.h"
#include "core/measures.h"
#include "core/text.h"

#include <stdbool.h>

/* The longest name in bytes; a catalog's own limits are tighter. */
#define RF_REGISTRY_NAME_MAX 1000

typedef struct rf_registry rf_registry;

RF_MUST_CHECK rf_status rf_registry_create(rf_registry **out, rf_error *err);
RF_MUST_CHECK rf_status rf_registry_copy(const rf_registry *from,
                                         rf_registry **out, rf_error *err);
void rf_registry_free(rf_registry *registry);

/* Say whether `later` gives every name of `earlier` the same number. */
bool rf_registry_extends(const rf_registry *later, const rf_registry *earlier);

/* Exchange the contents of two registries; cannot fail. Whoever may have to
 * give up halfway adds to a copy and swaps at the end. */
void rf_registry_swap(rf_registry *a, rf_registry *b);

/* Return the number of a measure's full name (lower case, "source.measure"),
 * giving it the next one when it is new. The registry is unchanged on failure.
 * RF_E_TOO_MANY_ITEMS: there are RF_MEASURES_MAX already. RF_E_TOO_LONG: the
 * name is empty or over RF_REGISTRY_NAME_MAX. */
RF_MUST_CHECK rf_status rf_registry_measure(rf_registry *registry, rf_text name,
                                            rf_measure *out, rf_error *err);

/* The same for a group's name (compared without case, kept as first seen);
 * `out` is the coordinate. RF_E_TOO_MANY_ITEMS: no coordinate is left. */
RF_MUST_CHECK rf_status rf_registry_group(rf_registry *registry, rf_text name,
                                          unsigned *out, rf_error *err);

/* How many there are; the numbers run from 0. Names are borrowed until the
 * registry is freed. */
size_t rf_registry_measure_count(const rf_registry *registry);
rf_text rf_registry_measure_name(const rf_registry *registry, size_t number);
size_t rf_registry_group_count(const rf_registry *registry);
rf_text rf_registry_group_name(const rf_registry *registry, size_t index);

typedef struct rf_buffer rf_buffer;

/* Store form, and back. `decode` of foreign bytes fails with RF_E_STORAGE. */
void rf_registry_encode(const rf_registry *registry, rf_buffer *out);
RF_MUST_CHECK rf_status rf_registry_decode(const void *bytes, size_t length,
                                           rf_registry **out, rf_error *err);

#endif
