/*
 * api_form.h - parameters, in whichever way a client sends them.
 *
 * The token calls take them as a form (application/x-www-form-urlencoded or
 * multipart/form-data), as a JSON object, and with GET in the query. Names
 * compare without case. A body without a Content-Type is JSON if it begins with
 * a brace, else a form.
 */
#ifndef RINGFENCE_SERVER_API_FORM_H
#define RINGFENCE_SERVER_API_FORM_H

#include "server/api_internal.h"
#include "server/json_read.h"

/* Longest body; nobody has shown who they are before it is read. */
#define RF_FORM_BYTES_MAX ((size_t)64 * 1024)

/* The parameters of one call. */
typedef struct rf_form {
    const rf_json *object; /* NULL: they are pairs */
    rf_url_query pairs;
} rf_form;

/* Read the parameters of a call; borrowed as long as it lives.
 * RF_E_UNSUPPORTED_MEDIA_TYPE, RF_E_BODY_TOO_LARGE, RF_E_BAD_JSON,
 * RF_E_DUPLICATE_KEY, RF_E_INVALID_FIELD, RF_E_TOO_MANY_ITEMS, RF_E_NO_MEMORY.
 */
RF_MUST_CHECK rf_status rf_form_read(const rf_call *call, rf_form *out,
                                     rf_error *err);

/* Read one, as rf_json_string does. The error never holds its value.
 * RF_E_MISSING_FIELD, RF_E_INVALID_FIELD: no string, RF_E_TOO_LONG,
 * RF_E_DUPLICATE_KEY. */
RF_MUST_CHECK rf_status rf_form_text(const rf_form *form, const char *name,
                                     rf_json_need need, rf_text *out,
                                     rf_error *err);

/* Read one that must say `word`, in any letter case, where it is there.
 * The statuses above. */
RF_MUST_CHECK rf_status rf_form_word(const rf_form *form, const char *name,
                                     rf_json_need need, const char *word,
                                     rf_error *err);

#endif
