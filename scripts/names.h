/*
 * names.h - measures by name, before there is a catalog.
 *
 * Formulas are compiled before the catalog is built, which needs them. Until
 * then every source and every measure exists; each gets a number when a script
 * first names it, and keeps its name. ctx has nothing in it.
 */
#ifndef RINGFENCE_SCRIPTS_NAMES_H
#define RINGFENCE_SCRIPTS_NAMES_H

#include "core/arena.h"
#include "scripts/sandbox.h"

#include <stddef.h>

typedef struct rf_name_entry {
    unsigned source; /* of a measure: the number of its source */
    rf_text name;    /* of a source "pos", of a measure "pos.inbound" */
} rf_name_entry;

typedef struct rf_name_list {
    rf_name_entry *items;
    size_t count;
    size_t capacity;
} rf_name_list;

typedef struct rf_names {
    rf_arena arena;
    rf_name_list sources;
    rf_name_list measures; /* by slot */
} rf_names;

void rf_names_init(rf_names *names);
void rf_names_done(rf_names *names);

/* The schema of these names, which must live as long. */
rf_schema rf_names_schema(rf_names *names);

/* Return the name of a slot, borrowed from `self`, which is a rf_names. */
rf_text rf_names_slot_name(void *self, unsigned slot);

#endif
