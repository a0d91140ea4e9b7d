/*
 * auth.h - who is calling, and what they may do.
 *
 * Callers present a static key as a Bearer token, or a signed token (token.h)
 * that they were given for a key or for the secret of a client. Only the
 * SHA-256 of a key is configured; a presented key is hashed and looked up. Each
 * key has roles and environments, and the roles decide by one table which
 * permissions it has. A token has those of its key or client as they are now,
 * and may be good for one of the environments only.
 *
 * Without any key configured everybody is "anonymous" and may do everything
 * but write the ERP's measures; the server then listens on loopback only
 * (options.h). Tokens are then given to everybody, and mean nothing.
 *
 * An rf_auth never changes once it has its secret, so threads share it without
 * a lock. Reloading makes a new one; the old one must outlive the requests that
 * hold an identity of it.
 */
#ifndef RINGFENCE_SERVER_AUTH_H
#define RINGFENCE_SERVER_AUTH_H

#include "core/draft.h"
#include "core/error.h"
#include "core/text.h"
#include "server/json.h"
#include "server/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a request can need. Bits, so that a route can ask for several. */
typedef enum {
    RF_MAY_READ = 1 << 0,       /* GETs, queries, availability */
    RF_MAY_POST_STOCK = 1 << 1, /* post, set, reserve, schedule, order events */
    RF_MAY_ALLOCATE = 1 << 2,   /* allocate, unallocate, reallocate */
    RF_MAY_CONSUME = 1 << 3,
    RF_MAY_RULES = 1 << 4,     /* the stock rule services */
    RF_MAY_WRITE_FNO = 1 << 5, /* measures of the ERP's own source */
    RF_MAY_ADMIN = 1 << 6 /* configuration, plugins, reload, erase, resync */
} rf_permission;

typedef struct rf_auth rf_auth;

/* One caller. Borrowed from its rf_auth, or from an rf_caller. */
typedef struct rf_identity {
    rf_text name;          /* the journal's actor */
    unsigned permissions;  /* bits of rf_permission */
    rf_text *environments; /* NULL: all of them */
    size_t environment_count;
    unsigned char mark[RF_TOKEN_MARK_BYTES]; /* in its tokens */
} rf_identity;

/* Room for an identity that a token has narrowed to one environment; it points
 * into itself. */
typedef struct rf_caller {
    rf_identity identity;
    rf_text environment;
    char name[RF_TOKEN_ENVIRONMENT_MAX];
} rf_caller;

/* Whom a header stands for, and how far. */
typedef struct rf_grant {
    const rf_identity *identity; /* of the rf_auth; NULL: nobody */
    int64_t ends_ms;             /* of a token, else never */
    size_t environment_length;   /* 0: not narrowed */
    char environment[RF_TOKEN_ENVIRONMENT_MAX];
} rf_grant;

/* Room for one verified header, with the longest token or a key of the usual
 * length. */
#define RF_AUTH_CACHE_BYTES 160

/* The last header a thread has verified, all zeroes at first. One per thread,
 * kept by the caller; it saves hashing the same key again and again. */
typedef struct rf_auth_cache {
    uint64_t serial; /* of the rf_auth that verified it */
    rf_grant grant;
    size_t length;
    char header[RF_AUTH_CACHE_BYTES];
} rf_auth_cache;

/* Make the table of keys and clients from the lists of the configuration
 * ("auth.keys", "auth.clients"), each an array or NULL. Everything is copied.
 * Pair with rf_auth_free.
 * RF_E_BAD_CONFIGURATION: `problems` lists every mistake, with paths such as
 * "auth.keys[0].roles". RF_E_NO_MEMORY. RF_E_INTERNAL: no randomness. */
RF_MUST_CHECK rf_status rf_auth_create(const rf_json *keys,
                                       const rf_json *clients, rf_auth **out,
                                       rf_problems *problems, rf_error *err);

void rf_auth_free(rf_auth *auth);

/* Give it the secret that tokens are signed with, before threads share it.
 * Without one no token is good. */
void rf_auth_set_secret(rf_auth *auth,
                        const unsigned char secret[RF_TOKEN_SECRET_BYTES]);

/* Say whether keys or clients are configured. */
bool rf_auth_is_required(const rf_auth *auth);

/* Find the caller by the Authorization header (the empty text for none).
 * `room` holds what is returned if that is a narrowed identity, and must live
 * as long. Returns NULL for 401; why is nobody's business. The cost does not
 * depend on how close a wrong key is to a right one. */
const rf_identity *rf_auth_identify(const rf_auth *auth, rf_auth_cache *cache,
                                    rf_text header, int64_t now_ms,
                                    rf_caller *room);

/* Find a client of the token calls by its id and secret; NULL if wrong. */
const rf_identity *rf_auth_identify_client(const rf_auth *auth, rf_text id,
                                           rf_text secret);

/* Find whom a client assertion stands for, which is a key by itself or a token
 * of the first step; NULL if nobody. */
const rf_identity *rf_auth_identify_assertion(const rf_auth *auth,
                                              rf_text assertion,
                                              int64_t now_ms);

/* Sign a token for an identity that was found by one of the last two. All but
 * its mark is the caller's to fill in, and that the environment is one of the
 * identity's the caller's to see. There must be a secret. RF_E_INTERNAL. */
RF_MUST_CHECK rf_status rf_auth_issue(const rf_auth *auth,
                                      const rf_identity *identity,
                                      rf_token token, char out[RF_TOKEN_SIZE],
                                      rf_error *err);

/* Say whether the caller has all of `permissions` (bits of rf_permission). */
bool rf_identity_may(const rf_identity *identity, unsigned permissions);

/* Say whether the caller may use the environment. Ids compare exactly. */
bool rf_identity_knows(const rf_identity *identity, rf_text environment);

/* "rf_", 43 characters of base64url, NUL. */
#define RF_AUTH_KEY_SIZE 47
/* 64 hexadecimal digits, NUL. */
#define RF_AUTH_HASH_SIZE 65

/* Make a new key from 32 random bytes: the key for its owner, shown once, and
 * its hash for the configuration. RF_E_INTERNAL: no randomness. */
RF_MUST_CHECK rf_status rf_auth_make_key(char key[RF_AUTH_KEY_SIZE],
                                         char hash[RF_AUTH_HASH_SIZE],
                                         rf_error *err);

#endif
