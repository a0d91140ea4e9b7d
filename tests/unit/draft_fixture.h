/*
 * draft_fixture.h - drafts of configurations from short texts.
 *
 * "a, b" is a list of names and "a > b" a pair of them. A list's path is what
 * the caller gives, a name's is that and its place: "maps[0]". Every piece of
 * memory belongs to the fixture's arena, so a draft is thrown away as a whole.
 * Whatever goes wrong in here fails the test.
 */
#ifndef RINGFENCE_TESTS_UNIT_DRAFT_FIXTURE_H
#define RINGFENCE_TESTS_UNIT_DRAFT_FIXTURE_H

#include "core/arena.h"
#include "core/catalog.h"
#include "core/draft.h"
#include "core/registry.h"

/* More than a catalog takes. */
#define DRAFT_SOURCES_MAX 80

typedef struct draft_fixture {
    rf_arena arena;
    rf_draft draft;
    rf_draft_source sources[DRAFT_SOURCES_MAX];
    rf_registry *registry;
    rf_problems problems;
    rf_error err;
    rf_catalog *catalog; /* of the last build, freed by the next */
} draft_fixture;

/* For cmocka: make a fixture with an empty draft, and take it down. */
int draft_set_up(void **state);
int draft_tear_down(void **state);

/* Start over with an empty draft: by location, strict, the four usual
 * reservation dimensions. The registry is kept. */
void draft_reset(draft_fixture *f);

/* Make lists of names and of pairs. */
rf_draft_names draft_names(draft_fixture *f, const char *text,
                           const char *path);
rf_draft_pairs draft_pairs(draft_fixture *f, const char *text,
                           const char *path);

/* Return "m0,m1,..." with that many names. */
char *draft_list(draft_fixture *f, const char *prefix, size_t count);

/* Add a data source with physical measures ("physicals[i]"); its own path is
 * "sources[i]". The name is borrowed. */
rf_draft_source *draft_source(draft_fixture *f, const char *name,
                              const char *physicals);

/* Add a calculated measure to a source; its path is its name, its terms are
 * at "added[i]" and "subtracted[i]". */
void draft_formula(draft_fixture *f, const char *in, const char *name,
                   const char *added, const char *subtracted);

/* Add formulas f0 to f<last> to the source "a", each twice the one before. */
void draft_doubling(draft_fixture *f, const char *terms, int last);

/* Add an index set ("set"), a schedule set ("schedule"), a level ("level"). */
void draft_index_set(draft_fixture *f, const char *keys);
void draft_schedule_set(draft_fixture *f, const char *keys);
void draft_level(draft_fixture *f, const char *keys);

/* Draft a configuration as a shop might have it: the sources fno, POS and iv,
 * a reservation mapping, two groups and an index set. */
void draft_shop(draft_fixture *f);

/* Build the catalog, which must succeed. */
rf_catalog *draft_build(draft_fixture *f);

/* Look a measure up in the last catalog. */
const rf_physical *draft_find_physical(const draft_fixture *f, const char *in,
                                       const char *name);
const rf_calculated *draft_find_calculated(const draft_fixture *f,
                                           const char *in, const char *name);

#endif
