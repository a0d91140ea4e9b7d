/*
 * document_edit.h - a configuration document with some members replaced.
 *
 * What the server changes in a document is a member or two; everything else,
 * members unknown to it included, is kept as it was written, in its order.
 * Names compare without case, as everywhere in documents.
 */
#ifndef RINGFENCE_SERVER_DOCUMENT_EDIT_H
#define RINGFENCE_SERVER_DOCUMENT_EDIT_H

#include "core/arena.h"
#include "core/error.h"
#include "core/text.h"
#include "server/json.h"

#include <stddef.h>

/* What a member shall be: its name as the contract spells it, and its value as
 * JSON. Both borrowed. */
typedef struct rf_document_edit {
    const char *name;
    rf_text value;
} rf_document_edit;

/* Print an object, or NULL for an empty one, with the members of `edits` in
 * place of its own; those it does not have come first. The text is in the
 * memory of `arena`, on one line. RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_document_replace(rf_arena *arena,
                                            const rf_json *object,
                                            const rf_document_edit *edits,
                                            size_t count, rf_text *out,
                                            rf_error *err);

/* Lay a document out for people, who read and edit the file. The text is in the
 * memory of `arena`. RF_E_NO_MEMORY, and what rf_json_parse refuses. */
RF_MUST_CHECK rf_status rf_document_lay_out(rf_arena *arena, rf_text compact,
                                            rf_text *out, rf_error *err);

#endif
