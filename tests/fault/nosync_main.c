/*
 * nosync_main.c - a store without Ringfence, to prove the power cut test.
 *
 * nosync write FILE sync|nosync COUNT: append COUNT transactions and send one
 * mark after each commit, for the recorder to see.
 * nosync check FILE COUNT: open what a power cut has left. Status 0: the first
 * COUNT transactions are there, none is half there. Status 1: some are lost.
 * Status 2: the file is damaged (so is one on which LMDB itself crashes).
 *
 * With MDB_NOSYNC the check must fail on many images. If it did not, the
 * recorder would not be recording, and a pass of the server worth nothing.
 */
#include <lmdb.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LOST = 1,
    DAMAGED = 2,
    FAILED = 3
};

enum {
    VALUE_BYTES = 300,
    SHARED_KEYS = 40, /* written again and again, so that pages are reused */
    MAP_BYTES = 1 << 28
};

/* End the program when LMDB fails: quietly with DAMAGED, because for the check
 * that is a result like any other, or with a message and FAILED. */
static void must(int code, int status)
{
    if (code != MDB_SUCCESS) {
        if (status == FAILED) {
            fprintf(stderr, "nosync: %s\n", mdb_strerror(code));
        }
        exit(status);
    }
}

static MDB_env *open_store(const char *path, unsigned flags)
{
    MDB_env *env = NULL;
    must(mdb_env_create(&env), DAMAGED);
    must(mdb_env_set_mapsize(env, MAP_BYTES), DAMAGED);
    must(mdb_env_open(env, path, flags | MDB_NOSUBDIR | MDB_NOTLS, 0600),
         DAMAGED);
    return env;
}

/* Keys are texts of fixed width, so that byte order is their order. */
static void make_key(char key[16], char kind, unsigned number)
{
    memset(key, 0, 16);
    snprintf(key, 16, "%c%010u", kind, number);
}

static void put_number(MDB_txn *transaction, MDB_dbi table, char kind,
                       unsigned number, unsigned value)
{
    char key[16];
    unsigned char bytes[VALUE_BYTES];
    MDB_val name = {sizeof key, key};
    MDB_val content = {sizeof bytes, bytes};
    make_key(key, kind, number);
    memset(bytes, (int)(value % 251), sizeof bytes);
    memcpy(bytes, &value, sizeof value);
    must(mdb_put(transaction, table, &name, &content, 0), FAILED);
}

/* Read a number back; false when it is not there. A value that is not as it
 * was written ends the program. */
static int get_number(MDB_txn *transaction, MDB_dbi table, char kind,
                      unsigned number, unsigned *out)
{
    char key[16];
    unsigned char expected[VALUE_BYTES];
    MDB_val name = {sizeof key, key};
    MDB_val content;
    make_key(key, kind, number);
    int code = mdb_get(transaction, table, &name, &content);
    if (code == MDB_NOTFOUND) {
        return 0;
    }
    must(code, DAMAGED);
    must(content.mv_size == VALUE_BYTES ? MDB_SUCCESS : MDB_CORRUPTED, DAMAGED);
    memcpy(out, content.mv_data, sizeof *out);
    memset(expected, (int)(*out % 251), sizeof expected);
    memcpy(expected, out, sizeof *out);
    must(memcmp(expected, content.mv_data, VALUE_BYTES) == 0 ? MDB_SUCCESS
                                                             : MDB_CORRUPTED,
         DAMAGED);
    return 1;
}

/* Transaction n writes key n, one of the shared keys and the last number. */
static void write_store(const char *path, unsigned flags, unsigned count)
{
    int ends[2];
    MDB_dbi table = 0;
    MDB_env *env = open_store(path, flags);
    /* The replay cuts after the first sync: from here on the file is at least a
     * store, whatever the flags. */
    must(mdb_env_sync(env, 1), FAILED);
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), FAILED);
    for (unsigned number = 1; number <= count; number++) {
        char mark[32];
        MDB_txn *transaction = NULL;
        must(mdb_txn_begin(env, NULL, 0, &transaction), FAILED);
        must(mdb_dbi_open(transaction, NULL, 0, &table), FAILED);
        put_number(transaction, table, 'k', number, number);
        put_number(transaction, table, 's', number % SHARED_KEYS, number);
        put_number(transaction, table, 'z', 0, number);
        must(mdb_txn_commit(transaction), FAILED);
        size_t length = (size_t)snprintf(mark, sizeof mark, "ack %u\n", number);
        if (send(ends[0], mark, length, 0) != (ssize_t)length ||
            recv(ends[1], mark, length, MSG_WAITALL) != (ssize_t)length) {
            exit(FAILED);
        }
    }
    mdb_env_close(env);
}

static int check_store(const char *path, unsigned acknowledged)
{
    MDB_dbi table = 0;
    MDB_txn *transaction = NULL;
    MDB_env *env = open_store(path, MDB_RDONLY);
    unsigned last = 0;
    unsigned found = 0;
    must(mdb_txn_begin(env, NULL, MDB_RDONLY, &transaction), DAMAGED);
    must(mdb_dbi_open(transaction, NULL, 0, &table), DAMAGED);
    if (!get_number(transaction, table, 'z', 0, &last)) {
        last = 0;
    }
    for (unsigned number = 1; number <= last; number++) {
        if (!get_number(transaction, table, 'k', number, &found) ||
            found != number) {
            return DAMAGED;
        }
    }
    for (unsigned key = 0; key < SHARED_KEYS; key++) {
        unsigned newest = last < key ? 0 : last - (last - key) % SHARED_KEYS;
        int there = get_number(transaction, table, 's', key, &found);
        if (there != (newest > 0) || (there && found != newest)) {
            return DAMAGED;
        }
    }
    mdb_txn_abort(transaction);
    mdb_env_close(env);
    return last >= acknowledged ? 0 : LOST;
}

int main(int argument_count, char **arguments)
{
    if (argument_count == 5 && strcmp(arguments[1], "write") == 0) {
        unsigned flags = strcmp(arguments[3], "nosync") == 0 ? MDB_NOSYNC : 0;
        write_store(arguments[2], flags,
                    (unsigned)strtoul(arguments[4], NULL, 10));
        return 0;
    }
    if (argument_count == 4 && strcmp(arguments[1], "check") == 0) {
        return check_store(arguments[2],
                           (unsigned)strtoul(arguments[3], NULL, 10));
    }
    fprintf(stderr, "usage: nosync write FILE sync|nosync COUNT\n"
                    "       nosync check FILE COUNT\n");
    return FAILED;
}
