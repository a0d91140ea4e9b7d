/*
 * document.h - the configuration document of an environment, as JSON.
 *
 * The document is the hosted service's, with one object of our own,
 * "ringfence". Reading it checks form only: what must be text, a list, a
 * number in range. What the names mean is rf_catalog_build's affair
 * (core/catalog.h). Names of members compare without case, unknown members
 * are ignored, `null` is the same as left out, and every section may be left
 * out: `{}` is an environment with the sources `fno` and `@iv`.
 */
#ifndef RINGFENCE_SERVER_DOCUMENT_H
#define RINGFENCE_SERVER_DOCUMENT_H

#include "core/arena.h"
#include "core/draft.h"
#include "core/error.h"
#include "server/json.h"

/* What a document may cost: as deep as one that is printed again may be, and
 * with room for every name an environment may have. */
#define RF_DOCUMENT_LIMITS                                                     \
    ((rf_json_limits){.depth_max = RF_JSON_DEPTH_CEILING, .values_max = 200000})

/* Read a document into a draft. The draft borrows from `root` and from the
 * arena. Mistakes are added to `problems`, each with its path, such as
 * "$.indexConfiguration.indexAttributeSets[0].keys[2]".
 * RF_E_BAD_CONFIGURATION: `problems` is not empty. The draft then holds what
 * could be read, so that rf_catalog_build with the same problems can add what
 * is wrong with the rest before all of it is reported.
 * RF_E_NO_MEMORY: the draft must not be used. */
RF_MUST_CHECK rf_status rf_document_read(rf_arena *arena, const rf_json *root,
                                         rf_draft *out, rf_problems *problems,
                                         rf_error *err);

#endif
