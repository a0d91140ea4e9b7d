/*
 * fixture.c - one fault case: a fresh server under the fault library.
 */
#include "tests/fault/fixture.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
    WARM_OPERATIONS = 200,
    WARM_LIMIT_MS = 30000,
    CONNECTIONS = 8,
    SENT_AGAIN = 100,
    RETRY_MS = 50
};

void rf_fixture_prepare(rf_fixture *self, rf_tap *tap, const char *name,
                        const char *environment_file, uint64_t seed)
{
    *self =
        (rf_fixture){.tap = tap, .name = name, .failed_before = tap->failed};
    rf_server_prepare(&self->server, environment_file);
    char *path = rf_common_format("%s/ledger.log", self->server.root);
    rf_ledger_init(&self->ledger, seed, path);
    free(path);
    rf_audit_init(&self->audit, &self->ledger);
    path = rf_common_format("%s/switch", self->server.root);
    self->control = rf_switch_create(path);
    self->settings[0] = rf_common_format("LD_PRELOAD=%s/fault/faults.so",
                                         rf_common_need("RINGFENCE_BUILD"));
    self->settings[1] =
        rf_common_format("RINGFENCE_PRELOAD_STORE=ringfence.mdb");
    self->settings[2] = rf_common_format("%s=%s", RF_SWITCH_PATH, path);
    free(path);
}

bool rf_fixture_start(rf_fixture *self)
{
    return rf_server_start(&self->server, (const char *const *)self->settings);
}

void rf_fixture_begin(rf_fixture *self, rf_tap *tap, const char *name,
                      const char *environment_file, uint64_t seed)
{
    rf_load load;
    rf_fixture_prepare(self, tap, name, environment_file, seed);
    if (!rf_fixture_start(self)) {
        rf_common_die("the server does not start under the fault library");
    }
    rf_load_open(&load, &self->ledger, self->server.port, CONNECTIONS);
    rf_load_run(&load, WARM_LIMIT_MS, WARM_OPERATIONS);
    rf_load_drain(&load);
    rf_load_close(&load);
}

void rf_fixture_load(rf_fixture *self, uint64_t limit_ms)
{
    rf_load load;
    rf_load_open(&load, &self->ledger, self->server.port, CONNECTIONS);
    rf_load_run(&load, limit_ms, SIZE_MAX);
    rf_load_drain(&load);
    rf_load_close(&load);
}

bool rf_fixture_ok(rf_fixture *self, bool passed, const char *what)
{
    return rf_tap_ok(self->tap, passed, "%s: %s", self->name, what);
}

bool rf_fixture_reads_agree(rf_fixture *self)
{
    rf_client client;
    rf_client_init(&client, self->server.port);
    bool agree = rf_audit_totals(&self->audit, &client);
    rf_client_done(&client);
    return agree;
}

bool rf_fixture_write_within(rf_fixture *self, uint64_t limit_ms)
{
    uint64_t deadline = rf_common_now_ms() + limit_ms;
    size_t place =
        rf_ledger_add_single(&self->ledger, RF_LINE_POST, 0, 1000000);
    rf_client client;
    rf_client_init(&client, self->server.port);
    do {
        rf_reply reply;
        if (rf_client_send(&client, self->ledger.operations[place].request,
                           &reply) &&
            rf_ledger_answer(&self->ledger, place, reply.status, reply.body,
                             reply.body_length)) {
            break;
        }
        poll(NULL, 0, RETRY_MS);
    } while (rf_common_now_ms() < deadline);
    rf_client_done(&client);
    return self->ledger.operations[place].status == 200;
}

void rf_fixture_discard(rf_fixture *self)
{
    rf_switch_close(self->control);
    for (size_t at = 0; self->settings[at] != NULL; at++) {
        free(self->settings[at]);
    }
    rf_ledger_done(&self->ledger);
    rf_server_discard(&self->server, self->tap->failed > self->failed_before);
}

void rf_fixture_end(rf_fixture *self)
{
    if (self->server.pid != 0) {
        rf_fixture_ok(self, rf_server_stop(&self->server), "a clean stop");
    }
    rf_fixture_ok(self,
                  rf_server_verify(&self->server, self->server.data, NULL) == 0,
                  "verify finds every total equal to its leaves");
    rf_server_must_start(&self->server, NULL);
    rf_audit_run(&self->audit, self->tap, self->server.port, SENT_AGAIN,
                 self->name);
    rf_fixture_ok(self, rf_server_stop(&self->server),
                  "a clean stop after the audit");
    rf_fixture_discard(self);
}
