/*
 * document_internal.h - what the files of the document reader share.
 *
 * document.c reads the sections, document_sources.c the data sources and the
 * allocation section, with the pieces of document_part.c. A mistake is noted
 * and reading goes on; memory that ran out is remembered in `no_memory` and
 * told at the end.
 */
#ifndef RINGFENCE_SERVER_DOCUMENT_INTERNAL_H
#define RINGFENCE_SERVER_DOCUMENT_INTERNAL_H

#include "core/arena.h"
#include "core/draft.h"
#include "server/json.h"
#include "server/json_read.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct rf_document_reader {
    rf_arena *arena;
    rf_problems *problems;
    bool no_memory;
} rf_document_reader;

/* A value of the document and where it stands. */
typedef struct rf_document_part {
    const rf_json *value;
    rf_text path;
} rf_document_part;

/* Allocate zeroed elements; NULL sets `no_memory`. */
void *rf_document__allocate(rf_document_reader *reader, size_t count,
                            size_t size);

/* Return the path of a member or an element. */
rf_text rf_document__path(rf_document_reader *reader, rf_text parent,
                          rf_text name);
rf_text rf_document__path_at(rf_document_reader *reader, rf_text parent,
                             size_t index);

/* Find a member; false when it is absent or null. */
bool rf_document__find(rf_document_reader *reader,
                       const rf_document_part *object, const char *name,
                       rf_document_part *out);

/* The same for a member of one kind; another kind is a mistake, and false. */
bool rf_document__child(rf_document_reader *reader,
                        const rf_document_part *object, const char *name,
                        rf_json_kind kind, rf_document_part *out);

/* Say whether a part is of that kind, and note the mistake when not. */
bool rf_document__is(rf_document_reader *reader, const rf_document_part *part,
                     rf_json_kind kind);

/* Read a member if it is there; `out` stays as it is when not. False when it
 * was not read. */
bool rf_document__text(rf_document_reader *reader,
                       const rf_document_part *object, const char *name,
                       rf_text *out);
bool rf_document__flag(rf_document_reader *reader,
                       const rf_document_part *object, const char *name,
                       bool *out);
bool rf_document__integer(rf_document_reader *reader,
                          const rf_document_part *object, const char *name,
                          rf_json_range range, int64_t *out);

/* Read a list of texts; elements that are none are mistakes and left out. The
 * list's path is set in any case. */
bool rf_document__names(rf_document_reader *reader,
                        const rf_document_part *object, const char *name,
                        rf_draft_names *out);

/* The same for a part that is the list. */
bool rf_document__list(rf_document_reader *reader, const rf_document_part *list,
                       rf_draft_names *out);

/* Read an object of texts as pairs of name and text; members that are null are
 * left out, others that are no text are mistakes. */
bool rf_document__pairs(rf_document_reader *reader,
                        const rf_document_part *object, const char *name,
                        rf_draft_pairs *out);

/* Read "inventorySystemConfigurations" and, after it,
 * "allocationConfiguration". */
void rf_document__read_sources(rf_document_reader *reader,
                               const rf_document_part *root, rf_draft *draft);
void rf_document__read_allocation(rf_document_reader *reader,
                                  const rf_document_part *root,
                                  rf_draft *draft);

/* Read "atpCalculatedMeasures" of "scheduleConfiguration". */
void rf_document__read_promises(rf_document_reader *reader,
                                const rf_document_part *section,
                                rf_draft *draft);

#endif
