/*
 * token_secret.c - the secret that tokens are signed with, in its file.
 *
 * It lies beside the store, so that tokens outlive a restart, and is 32 random
 * bytes as they are. Whoever reads it can make tokens for every key.
 */
#include "server/files.h"
#include "server/folders.h"
#include "server/random.h"
#include "server/token.h"

#include <openssl/crypto.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define NAME "token.secret"

static rf_status make(int folder, rf_error *err)
{
    char secret[RF_TOKEN_SECRET_BYTES];
    rf_status status = rf_random_fill(secret, sizeof secret, err);
    if (status == RF_OK) {
        status = rf_files_replace_at(folder, NAME,
                                     (rf_text){secret, sizeof secret}, err);
    }
    OPENSSL_cleanse(secret, sizeof secret);
    return status;
}

/* A file whose content was lost in a crash may be all zeroes, which is no
 * secret. */
static bool is_good(const rf_buffer *bytes)
{
    static const char lost[RF_TOKEN_SECRET_BYTES];
    return bytes->length == RF_TOKEN_SECRET_BYTES &&
           memcmp(bytes->bytes, lost, sizeof lost) != 0;
}

static rf_status read_secret(int folder, const char *directory,
                             unsigned char secret[RF_TOKEN_SECRET_BYTES],
                             rf_error *err)
{
    rf_buffer bytes = {0};
    rf_status status = rf_files_read_at(folder, NAME, false,
                                        RF_TOKEN_SECRET_BYTES, &bytes, err);
    if (status == RF_E_BAD_CONFIGURATION ||
        (status == RF_OK && !is_good(&bytes))) {
        status = rf_fail(err, RF_E_BAD_CONFIGURATION,
                         "%.100s/" NAME " is damaged: %d random bytes are "
                         "expected; without the file a new one is made, and "
                         "tokens must be asked for again",
                         directory, RF_TOKEN_SECRET_BYTES);
    }
    if (status == RF_OK) {
        memcpy(secret, bytes.bytes, RF_TOKEN_SECRET_BYTES);
    }
    if (bytes.length > 0) {
        OPENSSL_cleanse(bytes.bytes, bytes.length);
    }
    rf_buffer_done(&bytes);
    return status;
}

rf_status rf_token_secret_load(const char *directory,
                               unsigned char secret[RF_TOKEN_SECRET_BYTES],
                               rf_error *err)
{
    int folder = -1;
    rf_status status = rf_folders_open(directory, false, &folder, err);
    if (status != RF_OK) {
        return status;
    }
    if (faccessat(folder, NAME, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
        errno == ENOENT) {
        status = make(folder, err);
    }
    if (status == RF_OK) {
        status = read_secret(folder, directory, secret, err);
    }
    close(folder);
    return status;
}
