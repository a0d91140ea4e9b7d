/*
 * auth.c - finding out who calls.
 */
#include "server/auth.h"

#include "core/alloc.h"
#include "server/auth_internal.h"
#include "server/base64.h"
#include "server/random.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <stdio.h>
#include <string.h>

#define KEY_RANDOM_BYTES 32
#define KEY_PREFIX "rf_"

/* A longer key or secret is none of ours, and not worth hashing. */
#define KEY_MAX 512

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
    bool has_secret;
    unsigned char secret[RF_TOKEN_SECRET_BYTES];
};

static const rf_auth_form key_form = {"auth.keys", "name", "sha256", true};
static const rf_auth_form client_form = {"auth.clients", "clientId",
                                         "secretSha256", false};

_Static_assert(RF_AUTH_HASH_BYTES == SHA256_DIGEST_LENGTH, "SHA-256");

static bool hash_bytes(const void *bytes, size_t size,
                       unsigned char hash[RF_AUTH_HASH_BYTES])
{
    return SHA256(bytes, size, hash) != NULL;
}

static bool hash_text(rf_text text, unsigned char hash[RF_AUTH_HASH_BYTES])
{
    return hash_bytes(text.bytes, text.length, hash);
}

/* Mark each identity by its list, its hash and its name, so that no other one
 * takes over its tokens, not even under its name. */
static bool mark_list(rf_auth_list *list, unsigned char number)
{
    unsigned char text[1 + RF_AUTH_HASH_BYTES + RF_AUTH_NAME_BYTES_MAX];
    unsigned char digest[RF_AUTH_HASH_BYTES];
    for (size_t i = 0; i < list->count; i++) {
        rf_auth_entry *item = &list->items[i];
        rf_text name = item->identity.name;
        RF_ASSERT(name.length <= RF_AUTH_NAME_BYTES_MAX);
        text[0] = number;
        memcpy(text + 1, item->hash, RF_AUTH_HASH_BYTES);
        memcpy(text + 1 + RF_AUTH_HASH_BYTES, name.bytes, name.length);
        if (!hash_bytes(text, 1 + RF_AUTH_HASH_BYTES + name.length, digest)) {
            return false;
        }
        memcpy(item->identity.mark, digest, sizeof item->identity.mark);
    }
    return true;
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
    if (problems->count != before) {
        return rf_problems_fail(problems, err);
    }
    return mark_list(&auth->keys, 1) && mark_list(&auth->clients, 2)
               ? RF_OK
               : rf_fail(err, RF_E_INTERNAL, "SHA-256 is not available");
}

rf_status rf_auth_create(const rf_json *keys, const rf_json *clients,
                         rf_auth **out, rf_problems *problems, rf_error *err)
{
    rf_auth *auth = rf_calloc(1, sizeof *auth);
    if (auth == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory for the keys");
    }
    rf_arena_init(&auth->memory, MEMORY_BLOCK_BYTES, 0);
    auth->anonymous = (rf_identity){.name = rf_text_of("anonymous"),
                                    .permissions = ANONYMOUS_PERMISSIONS};
    rf_status status = fill_auth(auth, keys, clients, problems, err);
    if (status == RF_OK) {
        status = rf_random_fill(&auth->serial, sizeof auth->serial, err);
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
        OPENSSL_cleanse(auth->secret, sizeof auth->secret);
        rf_arena_done(&auth->memory);
        rf_free(auth);
    }
}

void rf_auth_set_secret(rf_auth *auth,
                        const unsigned char secret[RF_TOKEN_SECRET_BYTES])
{
    memcpy(auth->secret, secret, sizeof auth->secret);
    auth->has_secret = true;
}

bool rf_auth_is_required(const rf_auth *auth)
{
    return auth->keys.count > 0 || auth->clients.count > 0;
}

static const rf_identity *find_key(const rf_auth *auth, rf_text key)
{
    unsigned char hash[RF_AUTH_HASH_BYTES];
    const rf_identity *found = NULL;
    if (key.length == 0 || key.length > KEY_MAX || !hash_text(key, hash)) {
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

static const rf_identity *find_mark(const rf_auth_list *list,
                                    const unsigned char *mark)
{
    for (size_t i = 0; i < list->count; i++) {
        const rf_identity *identity = &list->items[i].identity;
        if (memcmp(identity->mark, mark, sizeof identity->mark) == 0) {
            return identity;
        }
    }
    return NULL;
}

/* Find whom a token of that step was made for, unless the key or client has
 * been taken away or may no longer use the token's environment. */
static rf_grant find_token(const rf_auth *auth, rf_text text,
                           rf_token_step step, int64_t now_ms)
{
    rf_grant grant = {0};
    rf_token token;
    if (!auth->has_secret ||
        !rf_token_verify(auth->secret, text, now_ms, &token) ||
        token.step != step) {
        return grant;
    }
    rf_text environment = {token.environment, token.environment_length};
    const rf_identity *found = find_mark(&auth->keys, token.mark);
    if (found == NULL) {
        found = find_mark(&auth->clients, token.mark);
    }
    if (found == NULL ||
        (environment.length > 0 && !rf_identity_knows(found, environment))) {
        return grant;
    }
    grant.identity = found;
    grant.ends_ms = token.ends_ms;
    grant.environment_length = environment.length;
    memcpy(grant.environment, token.environment, environment.length);
    return grant;
}

const rf_identity *rf_auth_identify_assertion(const rf_auth *auth,
                                              rf_text assertion, int64_t now_ms)
{
    if (!rf_auth_is_required(auth)) {
        return &auth->anonymous;
    }
    const rf_identity *identity = find_key(auth, assertion);
    return identity != NULL
               ? identity
               : find_token(auth, assertion, RF_TOKEN_LOGIN, now_ms).identity;
}

const rf_identity *rf_auth_identify_client(const rf_auth *auth, rf_text id,
                                           rf_text secret)
{
    unsigned char hash[RF_AUTH_HASH_BYTES];
    if (!rf_auth_is_required(auth)) {
        return &auth->anonymous;
    }
    if (secret.length > KEY_MAX || !hash_text(secret, hash)) {
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
                      rf_text header, int64_t now_ms)
{
    return cache->grant.identity != NULL && cache->serial == auth->serial &&
           now_ms < cache->grant.ends_ms && cache->length == header.length &&
           CRYPTO_memcmp(cache->header, header.bytes, header.length) == 0;
}

static void remember(const rf_auth *auth, rf_auth_cache *cache, rf_text header,
                     const rf_grant *grant)
{
    if (grant->identity != NULL && header.length <= RF_AUTH_CACHE_BYTES) {
        cache->serial = auth->serial;
        cache->grant = *grant;
        cache->length = header.length;
        memcpy(cache->header, header.bytes, header.length);
    }
}

/* Return the identity, narrowed to the grant's environment if there is one. */
static const rf_identity *narrow(const rf_grant *grant, rf_caller *room)
{
    if (grant->environment_length == 0) {
        return grant->identity;
    }
    memcpy(room->name, grant->environment, grant->environment_length);
    room->environment = (rf_text){room->name, grant->environment_length};
    room->identity = *grant->identity;
    room->identity.environments = &room->environment;
    room->identity.environment_count = 1;
    return &room->identity;
}

const rf_identity *rf_auth_identify(const rf_auth *auth, rf_auth_cache *cache,
                                    rf_text header, int64_t now_ms,
                                    rf_caller *room)
{
    if (!rf_auth_is_required(auth)) {
        return &auth->anonymous;
    }
    if (is_cached(auth, cache, header, now_ms)) {
        return narrow(&cache->grant, room);
    }
    rf_text bearer = read_bearer(header);
    rf_grant grant = {.identity = find_key(auth, bearer), .ends_ms = INT64_MAX};
    if (grant.identity == NULL) {
        grant = find_token(auth, bearer, RF_TOKEN_ACCESS, now_ms);
    }
    remember(auth, cache, header, &grant);
    return narrow(&grant, room);
}

rf_status rf_auth_issue(const rf_auth *auth, const rf_identity *identity,
                        rf_token token, char out[RF_TOKEN_SIZE], rf_error *err)
{
    RF_ASSERT(auth->has_secret);
    memcpy(token.mark, identity->mark, sizeof token.mark);
    return rf_token_sign(auth->secret, &token, out, err);
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

rf_status rf_auth_make_key(char key[RF_AUTH_KEY_SIZE],
                           char hash[RF_AUTH_HASH_SIZE], rf_error *err)
{
    unsigned char random_bytes[KEY_RANDOM_BYTES];
    unsigned char digest[RF_AUTH_HASH_BYTES];
    rf_status status = rf_random_fill(random_bytes, sizeof random_bytes, err);
    if (status != RF_OK) {
        return status;
    }
    memcpy(key, KEY_PREFIX, sizeof KEY_PREFIX - 1);
    rf_base64url_encode(random_bytes, sizeof random_bytes,
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
