/*
 * auth_internal.h - the lists of keys and clients, as configured.
 *
 * auth_list.c reads them out of the configuration and complains of mistakes,
 * auth.c finds callers in them.
 */
#ifndef RINGFENCE_SERVER_AUTH_INTERNAL_H
#define RINGFENCE_SERVER_AUTH_INTERNAL_H

#include "core/arena.h"
#include "server/auth.h"

/* Bytes of a SHA-256. */
#define RF_AUTH_HASH_BYTES 32

/* Longest name of a key or client, and how many bytes that can be in UTF-8. */
#define RF_AUTH_NAME_CHARACTERS_MAX 64
#define RF_AUTH_NAME_BYTES_MAX ((size_t)RF_AUTH_NAME_CHARACTERS_MAX * 4)

typedef struct rf_auth_entry {
    rf_identity identity;
    unsigned char hash[RF_AUTH_HASH_BYTES];
} rf_auth_entry;

typedef struct rf_auth_list {
    rf_auth_entry *items; /* borrowed from the arena */
    size_t count;
} rf_auth_list;

/* Which members a list's elements have, beside roles and environments. */
typedef struct rf_auth_form {
    const char *path;
    const char *name;
    const char *hash;
    bool distinct; /* no two elements may have the same hash */
} rf_auth_form;

/* Copy a list of the configuration (NULL for none) into `memory`. Mistakes go
 * to `problems`; the list is then of no use.
 * RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_auth_list_read(rf_arena *memory, const rf_json *json,
                                          const rf_auth_form *form,
                                          rf_auth_list *list,
                                          rf_problems *problems);

#endif
