/*
 * powercut_main.c - what is acknowledged survives a power cut at any moment.
 *
 * powercut ENVIRONMENT_FILE: first the proof that the method finds losses: a
 * small store written with MDB_NOSYNC has to fail it, the same one with syncs
 * has to pass. Then the server runs under load with every write, sync and
 * reply recorded, and 500 images (5,000 with RINGFENCE_LONG=1) of cuts at
 * random records are verified: every acknowledged command in the journal, every
 * total equal to its leaves. On some of them the server is started and audited
 * in full.
 */
#include "tests/fault/audit.h"
#include "tests/fault/common.h"
#include "tests/fault/ledger.h"
#include "tests/fault/load.h"
#include "tests/fault/replay.h"
#include "tests/fault/server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PROOF_TRANSACTIONS = 300,
    PROOF_IMAGES = 200,
    PROOF_FAILED_PERCENT = 50,
    IMAGES = 500,
    IMAGES_LONG = 5000,
    OPERATIONS = 1500,
    CONNECTIONS = 8,
    LOAD_LIMIT_MS = 60000,
    AUDITED_IMAGES = 8,
    SENT_AGAIN = 50,
    SOCKETS_MAX = 4096
};

/* The name of the store's file in a folder of data. */
#define STORE_FILE "ringfence.mdb"

/* Settings that put a program under the recorder. All owned. */
typedef struct recording {
    char *preload;
    char *store;
    char *trace;
    char *trace_path;
} recording;

static void prepare_recording(recording *self, const char *root,
                              const char *name)
{
    self->trace_path = rf_common_format("%s/%s.trace", root, name);
    self->preload = rf_common_format("LD_PRELOAD=%s/fault/recorder.so",
                                     rf_common_need("RINGFENCE_BUILD"));
    self->store = rf_common_format("RINGFENCE_PRELOAD_STORE=%s", STORE_FILE);
    self->trace = rf_common_format("%s=%s", RF_TRACE_PATH, self->trace_path);
}

static void discard_recording(recording *self)
{
    free(self->preload);
    free(self->store);
    free(self->trace);
    free(self->trace_path);
}

/* Put an image where a program finds it, in a folder with nothing else. */
static void lay_out_image(const char *folder, const rf_image *image)
{
    char *path = rf_common_format("%s/%s", folder, STORE_FILE);
    rf_common_remove_tree(folder);
    if (mkdir(folder, 0700) != 0) {
        rf_common_die("cannot make %s", folder);
    }
    rf_common_write_file(path, image->bytes, image->size);
    free(path);
}

/* The proof: one store of our own, its images, and how they fared. */
typedef struct proof {
    const char *program;
    char *folder;
    unsigned acknowledged;
    unsigned images;
    unsigned lost;
    unsigned damaged;
} proof;

static void see_mark(void *self, uint64_t socket, const char *bytes,
                     size_t length)
{
    proof *state = self;
    char *text = rf_common_format("%.*s", (int)length, bytes);
    (void)socket;
    if (strncmp(text, "ack ", 4) == 0) {
        state->acknowledged = (unsigned)strtoul(text + 4, NULL, 10);
    }
    free(text);
}

static void check_proof_image(void *self, const rf_image *image)
{
    proof *state = self;
    char *path = rf_common_format("%s/%s", state->folder, STORE_FILE);
    char *count = rf_common_format("%u", state->acknowledged);
    char *program = rf_common_format("%s", state->program);
    char check[] = "check";
    lay_out_image(state->folder, image);
    int status =
        rf_common_run((char *[]){program, check, path, count, NULL}, NULL);
    bool lost = WIFEXITED(status) && WEXITSTATUS(status) == 1;
    bool passed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    state->images++;
    state->lost += lost ? 1 : 0;
    state->damaged += !lost && !passed ? 1 : 0;
    free(program);
    free(count);
    free(path);
}

/* Write the small store under the recorder, then cut it. */
static proof run_proof(const char *root, char *mode, rf_random *random)
{
    recording record;
    proof state = {0};
    prepare_recording(&record, root, mode);
    char *program =
        rf_common_format("%s/fault/nosync", rf_common_need("RINGFENCE_BUILD"));
    state.program = program;
    state.folder = rf_common_format("%s/proof", root);
    lay_out_image(state.folder, &(rf_image){.bytes = ""});
    char *path = rf_common_format("%s/%s", state.folder, STORE_FILE);
    char *count = rf_common_format("%d", PROOF_TRANSACTIONS);
    char env[] = "/usr/bin/env";
    char write[] = "write";
    int status = rf_common_run((char *[]){env, record.preload, record.store,
                                          record.trace, program, write, path,
                                          mode, count, NULL},
                               NULL);
    if (status != 0) {
        rf_common_die("the small store cannot be written: status %d", status);
    }
    rf_replay_run(record.trace_path, random, PROOF_IMAGES,
                  &(rf_replay_visitor){&state, see_mark, check_proof_image});
    free(count);
    free(path);
    free(program);
    rf_common_remove_tree(state.folder);
    free(state.folder);
    discard_recording(&record);
    return state;
}

static void prove_method(rf_tap *tap, const char *root, rf_random *random)
{
    char sync[] = "sync";
    char nosync[] = "nosync";
    proof with = run_proof(root, sync, random);
    rf_tap_ok(tap,
              with.acknowledged == PROOF_TRANSACTIONS && with.lost == 0 &&
                  with.damaged == 0,
              "a small store with syncs: of %u images %u lost something, %u "
              "are damaged",
              with.images, with.lost, with.damaged);
    proof without = run_proof(root, nosync, random);
    rf_tap_ok(tap,
              (without.lost + without.damaged) * 100 >=
                  without.images * PROOF_FAILED_PERCENT,
              "the same with MDB_NOSYNC, as it must be: of %u images %u lost "
              "something, %u are damaged",
              without.images, without.lost, without.damaged);
}

/* What one socket has sent and was not yet read as a reply. */
typedef struct stream {
    char *bytes;
    size_t length;
} stream;

typedef struct power_test {
    rf_tap *tap;
    rf_server server;
    rf_ledger ledger;
    char *folder;       /* of the image under test */
    bool *acknowledged; /* by operation: its reply had left before the cut */
    size_t acknowledged_count;
    size_t images;
    size_t seen;
    stream streams[SOCKETS_MAX];
} power_test;

/* Note the operation that a reply belongs to: that of the first id in it. */
static void see_reply(power_test *test, const rf_reply *reply)
{
    const char *id = memmem(reply->body, reply->body_length, "~o", 2);
    const char *end = reply->body + reply->body_length;
    const char *quote = id != NULL ? memchr(id, '"', (size_t)(end - id)) : NULL;
    size_t place = 0;
    if (quote != NULL &&
        rf_ledger_find(&test->ledger, (rf_json){id, (size_t)(quote - id)},
                       &place) != NULL &&
        !test->acknowledged[place]) {
        test->acknowledged[place] = true;
        test->acknowledged_count++;
    }
}

/* Collect what goes out on each socket until it makes a whole reply. */
static void see_sent(void *self, uint64_t socket, const char *bytes,
                     size_t length)
{
    power_test *test = self;
    rf_reply reply;
    if (socket >= SOCKETS_MAX) {
        rf_common_die("a socket with the number %llu",
                      (unsigned long long)socket);
    }
    stream *each = &test->streams[socket];
    each->bytes = rf_common_grow(each->bytes, each->length + length + 1);
    memcpy(each->bytes + each->length, bytes, length);
    each->length += length;
    while (rf_http_parse(each->bytes, each->length, &reply)) {
        see_reply(test, &reply);
        each->length -= reply.length;
        memmove(each->bytes, each->bytes + reply.length, each->length);
    }
}

/* Check one line of the listed journal, ENVIRONMENT NUMBER OPERATION ID RESULT,
 * against what the client was told; counts it at its ledger line. */
static bool list_entry(rf_ledger *ledger, const char *text, unsigned long due)
{
    char operation[16];
    char result[16];
    char id[64];
    unsigned long number = 0;
    if (sscanf(text, "%*63s %lu %15s %63s %15s", &number, operation, id,
               result) != 4 ||
        number != due) {
        return false;
    }
    rf_line *line = rf_ledger_find(ledger, (rf_json){id, strlen(id)}, NULL);
    if (line == NULL || line->journaled != 0) {
        return false;
    }
    line->journaled = 1;
    return strcmp(operation, rf_ledger_operation_word(line->kind)) == 0 &&
           strcmp(result, rf_ledger_result_word(line->outcome)) == 0;
}

/* Check a listed journal: numbered from 1, true to the replies, and with every
 * acknowledged command. Returns what is wrong, or NULL. */
static const char *check_list(power_test *test, char *journal)
{
    unsigned long due = 1;
    char *rest = NULL;
    for (size_t place = 0; place < test->ledger.count; place++) {
        for (size_t line = 0; line < RF_LEDGER_LINES_MAX; line++) {
            test->ledger.operations[place].lines[line].journaled = 0;
        }
    }
    for (char *line = strtok_r(journal, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        /* Entries have tabs between their fields, the summary has none. */
        if (strchr(line, '\t') != NULL &&
            !list_entry(&test->ledger, line, due++)) {
            return "the journal is wrong";
        }
    }
    for (size_t place = 0; place < test->ledger.count; place++) {
        const rf_operation *each = &test->ledger.operations[place];
        for (size_t line = 0; line < each->line_count; line++) {
            if (test->acknowledged[place] && each->lines[line].journaled == 0) {
                return "an acknowledged command is lost";
            }
        }
    }
    return NULL;
}

/* Copy the ledger as it was for the clients at the cut: with their replies
 * where they had left the server, unknown otherwise. */
static void rewind_ledger(const power_test *test, rf_ledger *out)
{
    char *trail = rf_common_format("%s/image.log", test->server.root);
    rf_ledger_init(out, 1, trail);
    free(trail);
    for (size_t place = 0; place < test->ledger.count; place++) {
        const rf_operation *each = &test->ledger.operations[place];
        rf_ledger_copy(out, each);
        if (test->acknowledged[place]) {
            rf_ledger_answer(out, place, each->status, each->body,
                             strlen(each->body));
        }
    }
}

/* Start the server on an image and audit it. */
static void audit_image(power_test *test, const char *label)
{
    rf_ledger ledger;
    rf_audit audit;
    char *data = test->server.data;
    rewind_ledger(test, &ledger);
    rf_audit_init(&audit, &ledger);
    test->server.data = test->folder;
    rf_server_must_start(&test->server, NULL);
    rf_audit_run(&audit, test->tap, test->server.port, SENT_AGAIN, label);
    rf_tap_ok(test->tap, rf_server_stop(&test->server), "%s: a clean stop",
              label);
    test->server.data = data;
    rf_ledger_done(&ledger);
}

/* Verify an image: the store whole, and no acknowledged command lost. Returns
 * what is wrong, or NULL. */
static const char *verify_image(power_test *test)
{
    char *journal = NULL;
    int status = rf_server_verify(&test->server, test->folder, &journal);
    const char *problem =
        status != 0 ? "verify fails" : check_list(test, journal);
    free(journal);
    return problem;
}

/* While nothing has been acknowledged the file need not be a store yet: then
 * the server has to make it one. */
static void check_image(void *self, const rf_image *image)
{
    power_test *test = self;
    bool promised = test->acknowledged_count > 0;
    char *label = rf_common_format(
        "cut at %zu of %zu, %zu unsynced writes, %s, %zu acknowledged",
        image->record, image->records, image->unsynced, image->fate,
        test->acknowledged_count);
    lay_out_image(test->folder, image);
    if (promised) {
        const char *problem = verify_image(test);
        rf_tap_ok(test->tap, problem == NULL, "%s%s%s", label,
                  problem != NULL ? ": " : "", problem != NULL ? problem : "");
    }
    if (!promised || test->seen % (test->images / AUDITED_IMAGES) == 0) {
        audit_image(test, label);
    }
    test->seen++;
    free(label);
}

/* Load the recorded server, and stop it. */
static void record_server(power_test *test, const recording *record)
{
    rf_load load;
    rf_server_must_start(
        &test->server,
        (const char *[]){record->preload, record->store, record->trace, NULL});
    rf_load_open(&load, &test->ledger, test->server.port, CONNECTIONS);
    rf_load_run(&load, LOAD_LIMIT_MS, OPERATIONS);
    rf_load_drain(&load);
    rf_load_close(&load);
    rf_tap_ok(test->tap, rf_server_stop(&test->server),
              "the recorded server stops cleanly");
}

static void cut_server(power_test *test, rf_random *random)
{
    recording record;
    prepare_recording(&record, test->server.root, "server");
    record_server(test, &record);
    test->folder = rf_common_format("%s/image", test->server.root);
    test->acknowledged = rf_common_alloc(test->ledger.count, sizeof(bool));
    test->images = rf_common_is_long() ? IMAGES_LONG : IMAGES;
    rf_replay_run(record.trace_path, random, test->images,
                  &(rf_replay_visitor){test, see_sent, check_image});
    size_t settled = 0;
    for (size_t place = 0; place < test->ledger.count; place++) {
        settled += test->ledger.operations[place].status != 0 ? 1 : 0;
    }
    rf_tap_ok(test->tap, settled == test->acknowledged_count && settled > 0,
              "the recorder saw all %zu replies that the clients had", settled);
    for (size_t socket = 0; socket < SOCKETS_MAX; socket++) {
        free(test->streams[socket].bytes);
    }
    free(test->acknowledged);
    free(test->folder);
    discard_recording(&record);
}

int main(int argument_count, char **arguments)
{
    rf_tap tap = {0, 0};
    if (argument_count != 2) {
        rf_common_die("usage: powercut ENVIRONMENT_FILE");
    }
    power_test *test = rf_common_alloc(1, sizeof *test);
    uint64_t seed = rf_random_seed();
    rf_random random = {seed};
    test->tap = &tap;
    rf_server_prepare(&test->server, arguments[1]);
    char *trail = rf_common_format("%s/ledger.log", test->server.root);
    rf_ledger_init(&test->ledger, seed, trail);
    free(trail);
    prove_method(&tap, test->server.root, &random);
    cut_server(test, &random);
    rf_ledger_done(&test->ledger);
    rf_server_discard(&test->server, tap.failed > 0);
    free(test);
    return rf_tap_done(&tap);
}
