/*
 * token.c - signing and reading tokens.
 */
#include "server/token.h"

#include "core/codec.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string.h>

/* The first byte: what comes behind it, and how. */
#define FORMAT 1

/* A clock that was set back a little makes no token void. */
#define SKEW_MS 60000

#define PREFIX_LENGTH (sizeof RF_TOKEN_PREFIX - 1)

static bool sign(const unsigned char secret[RF_TOKEN_SECRET_BYTES],
                 const unsigned char *bytes, size_t size,
                 unsigned char signature[RF_TOKEN_SIGNATURE_BYTES])
{
    unsigned length = 0;
    return HMAC(EVP_sha256(), secret, RF_TOKEN_SECRET_BYTES, bytes, size,
                signature, &length) != NULL &&
           length == RF_TOKEN_SIGNATURE_BYTES;
}

/* Write what is signed; returns how many bytes that is. */
static size_t write_content(const rf_token *token,
                            unsigned char bytes[RF_TOKEN_BYTES_MAX])
{
    size_t size = 0;
    bytes[size++] = FORMAT;
    bytes[size++] = (unsigned char)token->step;
    memcpy(bytes + size, token->mark, sizeof token->mark);
    size += sizeof token->mark;
    for (int shift = 56; shift >= 0; shift -= 8) {
        bytes[size++] = (unsigned char)((uint64_t)token->ends_ms >> shift);
    }
    memcpy(bytes + size, token->environment, token->environment_length);
    return size + token->environment_length;
}

rf_status rf_token_sign(const unsigned char secret[RF_TOKEN_SECRET_BYTES],
                        const rf_token *token, char out[RF_TOKEN_SIZE],
                        rf_error *err)
{
    unsigned char bytes[RF_TOKEN_BYTES_MAX];
    RF_ASSERT(token->environment_length <= RF_TOKEN_ENVIRONMENT_MAX);
    size_t size = write_content(token, bytes);
    if (!sign(secret, bytes, size, bytes + size)) {
        return rf_fail(err, RF_E_INTERNAL, "HMAC-SHA256 is not available");
    }
    memcpy(out, RF_TOKEN_PREFIX, PREFIX_LENGTH);
    rf_base64url_encode(bytes, size + RF_TOKEN_SIGNATURE_BYTES,
                        out + PREFIX_LENGTH);
    return RF_OK;
}

static bool has_prefix(rf_text text)
{
    return text.length > PREFIX_LENGTH && text.length < RF_TOKEN_SIZE &&
           memcmp(text.bytes, RF_TOKEN_PREFIX, PREFIX_LENGTH) == 0;
}

/* Decode a token of which nothing is believed yet; `*size` gets how much of it
 * is signed. */
static bool decode(rf_text text, unsigned char *bytes, size_t *size)
{
    rf_text letters = {text.bytes + PREFIX_LENGTH, text.length - PREFIX_LENGTH};
    if (!rf_base64url_decode(letters, bytes, size) ||
        *size < RF_TOKEN_HEAD_BYTES + RF_TOKEN_SIGNATURE_BYTES ||
        *size > RF_TOKEN_BYTES_MAX) {
        return false;
    }
    *size -= RF_TOKEN_SIGNATURE_BYTES;
    return true;
}

/* Take the content apart, which is ours: its signature was right. */
static bool read_content(const unsigned char *bytes, size_t size, rf_token *out)
{
    rf_reader reader = rf_reader_of((rf_bytes){bytes, size});
    if (rf_read_byte(&reader) != FORMAT) {
        return false;
    }
    out->step = (rf_token_step)rf_read_byte(&reader);
    memcpy(out->mark, reader.at, sizeof out->mark);
    reader.at += sizeof out->mark;
    out->ends_ms = (int64_t)rf_read_fixed64(&reader);
    out->environment_length = (size_t)(reader.end - reader.at);
    memcpy(out->environment, reader.at, out->environment_length);
    return true;
}

bool rf_token_verify(const unsigned char secret[RF_TOKEN_SECRET_BYTES],
                     rf_text text, int64_t now_ms, rf_token *out)
{
    unsigned char bytes[RF_BASE64_ROOM(RF_TOKEN_SIZE)];
    unsigned char signature[RF_TOKEN_SIGNATURE_BYTES];
    size_t size = 0;
    if (!has_prefix(text) || !decode(text, bytes, &size) ||
        !sign(secret, bytes, size, signature) ||
        CRYPTO_memcmp(signature, bytes + size, sizeof signature) != 0 ||
        !read_content(bytes, size, out)) {
        return false;
    }
    int64_t left_ms = out->ends_ms - now_ms;
    return left_ms > 0 && left_ms <= RF_TOKEN_SECONDS * 1000LL + SKEW_MS;
}
