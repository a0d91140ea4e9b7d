/*
 * token.h - signed tokens: what a caller is given to show for an hour.
 *
 * A token says for whom it was made, in which of the two steps, for which
 * environment and until when, and is signed with the server's secret, so that
 * nothing about it has to be remembered. For whom is told by a mark, which
 * changes with the name and the hash in the configuration (auth.h): a token
 * ends with the key or the client that it was made for.
 *
 * On the wire it is "rft_" and base64url of: the format, the step, the mark,
 * the end in milliseconds since 1970, the environment, and the HMAC-SHA256 of
 * all these.
 */
#ifndef RINGFENCE_SERVER_TOKEN_H
#define RINGFENCE_SERVER_TOKEN_H

#include "core/error.h"
#include "core/text.h"
#include "server/base64.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RF_TOKEN_SECONDS 3600

#define RF_TOKEN_SECRET_BYTES 32
#define RF_TOKEN_MARK_BYTES 16

/* As long as the id of an environment may be. */
#define RF_TOKEN_ENVIRONMENT_MAX 50

/* Format and step, mark, end. */
#define RF_TOKEN_HEAD_BYTES (2 + RF_TOKEN_MARK_BYTES + 8)
#define RF_TOKEN_SIGNATURE_BYTES 32
#define RF_TOKEN_BYTES_MAX                                                     \
    (RF_TOKEN_HEAD_BYTES + RF_TOKEN_ENVIRONMENT_MAX + RF_TOKEN_SIGNATURE_BYTES)

#define RF_TOKEN_PREFIX "rft_"

/* Room for the longest token, with its NUL. */
#define RF_TOKEN_SIZE                                                          \
    (sizeof RF_TOKEN_PREFIX + RF_BASE64URL_LENGTH(RF_TOKEN_BYTES_MAX))

/* What a token is good for. Its number is in the token. */
typedef enum {
    RF_TOKEN_LOGIN = 1, /* to be exchanged for the other, and nothing else */
    RF_TOKEN_ACCESS = 2 /* every call of the contract */
} rf_token_step;

typedef struct rf_token {
    rf_token_step step;
    unsigned char mark[RF_TOKEN_MARK_BYTES]; /* for whom it was made */
    int64_t ends_ms;                         /* from then on it is void */
    size_t environment_length;               /* 0: good for any */
    char environment[RF_TOKEN_ENVIRONMENT_MAX];
} rf_token;

/* Write a token, with a NUL. RF_E_INTERNAL: there is no HMAC-SHA256. */
RF_MUST_CHECK rf_status
rf_token_sign(const unsigned char secret[RF_TOKEN_SECRET_BYTES],
              const rf_token *token, char out[RF_TOKEN_SIZE], rf_error *err);

/* Read a token. False: it is none that was signed with this secret, or it has
 * ended. One that would last longer than any can was made when the clock was
 * wrong, and is void, too. */
bool rf_token_verify(const unsigned char secret[RF_TOKEN_SECRET_BYTES],
                     rf_text text, int64_t now_ms, rf_token *out);

/* Read the secret from `token.secret` in a folder; make it, durably, when there
 * is none. Only one process may do so at a time.
 * RF_E_BAD_CONFIGURATION: the file is damaged. RF_E_STORAGE,
 * RF_E_STORAGE_FULL, RF_E_NO_MEMORY, RF_E_INTERNAL: no randomness. */
RF_MUST_CHECK rf_status rf_token_secret_load(
    const char *directory, unsigned char secret[RF_TOKEN_SECRET_BYTES],
    rf_error *err);

#endif
