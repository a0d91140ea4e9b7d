/*
 * scenario.h - the requests that the load generator sends.
 *
 * A scenario knows how its request number `sequence` reads. Texts are formatted
 * once; from one request to the next only digits change, in place, at fixed
 * offsets. So the client stays cheap and every id is sent exactly once.
 */
#ifndef RINGFENCE_TESTS_BENCH_SCENARIO_H
#define RINGFENCE_TESTS_BENCH_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    SCENARIO_RESERVE, /* one soft reservation of 1 piece */
    SCENARIO_REPLAY,  /* the same reservation again and again, with one id */
    SCENARIO_PAIR,  /* an allocation of 1 piece and its consumption, in turn */
    SCENARIO_QUERY, /* an index query that answers one node */
    SCENARIO_GET,   /* one fixed GET */
    SCENARIO_FILL,  /* stock for many products of one leaf, in bulk */
    SCENARIO_LEAVES /* stock for many leaves of one product, in bulk */
} scenario_kind;

/* What the command line chose; texts are borrowed for the run. */
typedef struct scenario_options {
    scenario_kind kind;
    const char *host;        /* for the Host header */
    const char *path;        /* of a GET, starts with '/' */
    const char *environment; /* {environmentId} of the paths */
    const char *id_prefix;   /* makes the ids of this run differ from others */
    const char *product;     /* of a query, of leaves, of a single SKU */
    uint64_t products;       /* reserve: SKUs to choose from; fill: how many */
    unsigned level;          /* query: index coordinates given, 0 to 3 */
    unsigned colors;         /* leaves: how many of each coordinate */
    unsigned sizes;
    unsigned styles;
} scenario_options;

typedef struct scenario {
    scenario_options options;
    char *text; /* the formatted request; NULL for the bulk ones */
    size_t length;
    char *second; /* of pairs: the other one */
    size_t second_length;
    size_t id_at; /* offset of the id's digits, 0 for none */
    size_t second_id_at;
    size_t product_at;
    uint64_t random;          /* state of the generator of SKUs */
    const char *must_contain; /* a good reply has it, NULL for any */
} scenario;

/* Find a kind by the name the command line uses; false: no such name. */
bool scenario_parse_kind(const char *name, scenario_kind *out);

/* Format the scenario's request. The scenario owns its text, freed with
 * scenario_done. False: out of memory. */
bool scenario_init(scenario *self, const scenario_options *options);

void scenario_done(scenario *self);

/* Bytes that one connection needs for a request and for a reply. */
size_t scenario_request_capacity(const scenario *self);
size_t scenario_reply_capacity(const scenario *self);

/* Requests after which the scenario is complete, 0 for never. */
uint64_t scenario_request_count(const scenario *self);

/* Put the formatted text into a connection's request buffer, once. */
void scenario_prepare(const scenario *self, char *request);

/* Turn the buffer into request number `sequence`, from 0, and return its
 * length in bytes. */
size_t scenario_write(scenario *self, uint64_t sequence, char *request);

#endif
