/*
 * server.h - a server of our own: started, killed, stopped, verified.
 *
 * Every test has its own folder with a configuration, one environment, an
 * empty plugin folder and the data. The port is a free one that the server
 * picks. A server dies with the test that started it, whatever ends the test.
 */
#ifndef RINGFENCE_TESTS_FAULT_SERVER_H
#define RINGFENCE_TESTS_FAULT_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

/* The environment's name in every path. */
#define RF_SERVER_ENVIRONMENT "11111111-2222-3333-4444-555555555555"

typedef struct rf_server {
    char *root; /* the folder that holds everything below */
    char *data; /* may be pointed elsewhere before the start */
    const char *binary;
    pid_t pid;         /* 0 while none runs */
    int port;          /* 0 while none listens */
    int output;        /* read end of what the server prints, -1 when closed */
    int log;           /* <root>/server.log, what it printed */
    pthread_t drainer; /* copies output to log while the server runs */
} rf_server;

/* Make the folder with a copy of the environment's document. */
void rf_server_prepare(rf_server *server, const char *environment_file);

/* Replace the server's own configuration document, before a start. That of a
 * prepared server keeps no disk space free: a test must not depend on how full
 * the disk is that it runs on. */
void rf_server_configure(const rf_server *server, const char *document);

/* Remove the folder, or keep it and say where it is. */
void rf_server_discard(rf_server *server, bool keep);

/* Start the server with these "NAME=value" settings added to its environment
 * (NULL ends the list; NULL for none). Returns false when it ended without
 * listening; rf_server_wait then says how. */
bool rf_server_start(rf_server *server, const char *const *settings);

/* The same, but not listening ends the test. */
void rf_server_must_start(rf_server *server, const char *const *settings);

/* Send a signal. */
void rf_server_signal(const rf_server *server, int number);

/* Wait until the server has ended and return its wait status. */
int rf_server_wait(rf_server *server);

/* Wait like that, but no longer than `limit_ms`; then kill it. */
int rf_server_wait_for(rf_server *server, unsigned limit_ms);

/* Ask the server to stop. Returns whether it ended with status 0. */
bool rf_server_stop(rf_server *server);

/* Run `ringfence verify` on a folder of data (the server must not run).
 * Returns its exit status, or -1 when it was killed. With `journal_out` it
 * also lists the journal, one line per entry (owned). */
int rf_server_verify(const rf_server *server, const char *data,
                     char **journal_out);

#endif
