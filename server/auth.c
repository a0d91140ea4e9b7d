/*
 * auth.c - finding out who calls.
 */
#include "server/auth.h"

#include "core/alloc.h"
#include "server/auth_internal.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define KEY_RANDOM_BYTES 32
#define KEY_PREFIX "rf_"

/* A longer token is none of ours, and not worth hashing. */
#define TOKEN_MAX 512

#define MEMORY_BLOCK_BYTES ((size_t)4 * 1024)

/* Every role but erp, for servers without keys. */
#define ANONYMOUS_PERMISSIONS                                                  \
    (RF_MAY_READ | RF_MAY_POST_STOCK | RF_MAY_ALLOCATE | RF_MAY_CONSUME |      \
     RF_MAY_RULES | RF_MAY_ADMIN)

struct rf_auth {
    rf_arena memory;
    uint64_t serial; /* random, so that a cache never takes the next for it */
    rf_auth_list keys;
    rf_auth_list clients;
    rf_identity anonymous;
};

static const rf_auth_form key_form = {"auth.keys", "name", "sha256", true};
static const rf_auth_form client_form = {"auth.clients", "clientId",
                                         "secretSha256", false};

_Static_assert(RF_AUTH_HASH_BYTES == SHA256_DIGEST_LENGTH, "SHA-256");

static bool fill_random(void *bytes, size_t size)
{
    ssize_t got = 0;
    do {
        got = getrandom(bytes, size, 0);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)size;
}

static rf_status fill_auth(rf_auth *auth, const rf_json *keys,
                           const rf_json *clients, rf_problems *problems,
                           rf_error *err)
{
    size_t before = problems->count;
    rf_status status = rf_auth_list_read(&auth->memory, keys, &key_form,
                                         &auth->keys, problems);
    if (status == RF_OK) {
        status = rf_auth_list_read(&auth->memory, clients, &client_form,
                                   &auth->clients, problems);
    }
    if (status != RF_OK) {
        return rf_fail(err, status, "no memory for the keys");
    }
    return problems->count == before ? RF_OK : rf_problems_fail(problems, err);
}

rf_status rf_auth_create(const rf_json *keys, const rf_json *clients,
                         rf_auth **out, rf_problems *problems, rf_error *err)
{
    rf_auth *auth = rf_calloc(1, sizeof *auth);
    if (auth == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory for the keys");
    }
    rf_arena_init(&auth->memory, MEMORY_BLOCK_BYTES, 0);
    auth->anonymous =
        (rf_identity){rf_text_of("anonymous"), ANONYMOUS_PERMISSIONS, NULL, 0};
    rf_status status = fill_auth(auth, keys, clients, problems, err);
    if (status == RF_OK && !fill_random(&auth->serial, sizeof auth->serial)) {
        status = rf_fail(err, RF_E_INTERNAL, "the system gives no randomness");
    }
    if (status != RF_OK) {
        rf_auth_free(auth);
        return status;
    }
    *out = auth;
    return RF_OK;
}

void rf_auth_free(rf_auth *auth)
{
    if (auth != NULL) {
        rf_arena_done(&auth->memory);
        rf_free(auth);
    }
}

bool rf_auth_is_required(const rf_auth *auth)
{
    return auth->keys.count > 0 || auth->clients.count > 0;
}

static bool hash_text(rf_text text, unsigned char hash[RF_AUTH_HASH_BYTES])
{
    const void *bytes = text.bytes;
    return SHA256(bytes, text.length, hash) != NULL;
}

const rf_identity *rf_auth_identify_key(const rf_auth *auth, rf_text key)
{
    unsigned char hash[RF_AUTH_HASH_BYTES];
    const rf_identity *found = NULL;
    if (key.length == 0 || key.length > TOKEN_MAX || !hash_text(key, hash)) {
        return NULL;
    }
    /* All are compared, so that the time does not tell which one it was. */
    for (size_t i = 0; i < auth->keys.count; i++) {
        const rf_auth_entry *item = &auth->keys.items[i];
        if (CRYPTO_memcmp(item->hash, hash, RF_AUTH_HASH_BYTES) == 0) {
            found = &item->identity;
        }
    }
    return found;
}

const rf_identity *rf_auth_identify_client(const rf_auth *auth, rf_text id,
                                           rf_text secret)
{
    unsigned char hash[RF_AUTH_HASH_BYTES];
    if (secret.length > TOKEN_MAX || !hash_text(secret, hash)) {
        return NULL;
    }
    for (size_t i = 0; i < auth->clients.count; i++) {
        const rf_auth_entry *item = &auth->clients.items[i];
        if (rf_text_equal(item->identity.name, id) &&
            CRYPTO_memcmp(item->hash, hash, RF_AUTH_HASH_BYTES) == 0) {
            return &item->identity;
        }
    }
    return NULL;
}

/* Return the token behind "Bearer ", the empty text when there is none. */
static rf_text read_bearer(rf_text header)
{
    static const char scheme[] = "bearer ";
    size_t at = sizeof scheme - 1;
    if (header.length <= at ||
        !rf_text_is_name((rf_text){header.bytes, at}, rf_text_of(scheme))) {
        return RF_TEXT_EMPTY;
    }
    while (at < header.length && header.bytes[at] == ' ') {
        at++;
    }
    return (rf_text){header.bytes + at, header.length - at};
}

static bool is_cached(const rf_auth *auth, const rf_auth_cache *cache,
                      rf_text header)
{
    return cache->identity != NULL && cache->serial == auth->serial &&
           cache->length == header.length &&
           CRYPTO_memcmp(cache->header, header.bytes, header.length) == 0;
}

const rf_identity *rf_auth_identify(const rf_auth *auth, rf_auth_cache *cache,
                                    rf_text header)
{
    if (!rf_auth_is_required(auth)) {
        return &auth->anonymous;
    }
    if (is_cached(auth, cache, header)) {
        return cache->identity;
    }
    const rf_identity *identity =
        rf_auth_identify_key(auth, read_bearer(header));
    if (identity != NULL && header.length <= RF_AUTH_CACHE_BYTES) {
        cache->serial = auth->serial;
        cache->identity = identity;
        cache->length = header.length;
        memcpy(cache->header, header.bytes, header.length);
    }
    return identity;
}

bool rf_identity_may(const rf_identity *identity, unsigned permissions)
{
    return (identity->permissions & permissions) == permissions;
}

bool rf_identity_knows(const rf_identity *identity, rf_text environment)
{
    if (identity->environments == NULL) {
        return true;
    }
    for (size_t i = 0; i < identity->environment_count; i++) {
        if (rf_text_equal(identity->environments[i], environment)) {
            return true;
        }
    }
    return false;
}

/* Write base64url without padding, and a NUL. */
static void encode_base64url(const unsigned char *bytes, size_t size,
                             char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0;
    unsigned bit_count = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | bytes[i];
        bit_count += 8;
        while (bit_count >= 6) {
            bit_count -= 6;
            *text++ = digits[bits >> bit_count & 63];
        }
    }
    if (bit_count > 0) {
        *text++ = digits[bits << (6 - bit_count) & 63];
    }
    *text = '\0';
}

rf_status rf_auth_make_key(char key[RF_AUTH_KEY_SIZE],
                           char hash[RF_AUTH_HASH_SIZE], rf_error *err)
{
    unsigned char random_bytes[KEY_RANDOM_BYTES];
    unsigned char digest[RF_AUTH_HASH_BYTES];
    if (!fill_random(random_bytes, sizeof random_bytes)) {
        return rf_fail(err, RF_E_INTERNAL, "the system gives no randomness");
    }
    memcpy(key, KEY_PREFIX, sizeof KEY_PREFIX - 1);
    encode_base64url(random_bytes, sizeof random_bytes,
                     key + sizeof KEY_PREFIX - 1);
    OPENSSL_cleanse(random_bytes, sizeof random_bytes);
    if (!hash_text(rf_text_of(key), digest)) {
        return rf_fail(err, RF_E_INTERNAL, "SHA-256 is not available");
    }
    for (size_t i = 0; i < RF_AUTH_HASH_BYTES; i++) {
        snprintf(hash + 2 * i, 3, "%02x", (unsigned)digest[i]);
    }
    return RF_OK;
}
