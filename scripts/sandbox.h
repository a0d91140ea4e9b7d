/*
 * sandbox.h - one Lua state that holds strangers' code.
 *
 * A sandbox owns a lua_State with an allow-listed library, its own allocator
 * with caps, an instruction budget that no script can swallow, and one error
 * barrier round every entry. Scripts are functions of two read-only views, `m`
 * (measures by source) and `ctx` (the circumstances); what the views hold is
 * asked for lazily through a schema (names, for the life of the sandbox) and a
 * reader (values, for one call).
 *
 * A sandbox is used by one thread at a time. After a breach of a limit it must
 * be thrown away (rf_sandbox_is_spent).
 */
#ifndef RINGFENCE_SCRIPTS_SANDBOX_H
#define RINGFENCE_SCRIPTS_SANDBOX_H

#include "core/error.h"
#include "core/quantity.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What became of an entry. */
typedef enum {
    RF_SCRIPT_OK,
    RF_SCRIPT_SYNTAX,    /* does not compile, or is refused by its text */
    RF_SCRIPT_BINARY,    /* precompiled code */
    RF_SCRIPT_SIZE,      /* the source or one of its functions is too large */
    RF_SCRIPT_ERROR,     /* it raised */
    RF_SCRIPT_LIMIT_CPU, /* instructions or deadline */
    RF_SCRIPT_LIMIT_MEMORY, /* the cap of the state, a block, refusals */
    RF_SCRIPT_CONTRACT,     /* what it gave back is not what was asked for */
    RF_SCRIPT_IMPURE,       /* it would keep state between calls */
    RF_SCRIPT_INTERNAL      /* the host's own fault */
} rf_script_outcome;

/* Return a word for an outcome, such as "limit-cpu". */
const char *rf_script_outcome_word(rf_script_outcome outcome);

/* How an entry failed. All texts are printable ASCII. */
typedef struct rf_script_failure {
    rf_script_outcome outcome;
    rf_status cause;   /* of a reader or schema that refused; RF_E_NO_MEMORY
                          when the process, not the script, is out of
                          memory; else RF_OK */
    char file[56];     /* of the message's position, or "" */
    int line;          /* 0: unknown */
    char message[200]; /* without the position */
} rf_script_failure;

/* What one entry may use. */
typedef struct rf_budget {
    int64_t instructions;
    int64_t deadline_ns; /* waiting for a processor counts half at most */
} rf_budget;

/* See rf_sandbox_limits_default in sandbox.c for why each is what it is. */
typedef struct rf_sandbox_limits {
    size_t memory_bytes; /* of the whole state */
    size_t block_bytes;  /* of one allocation while scripts run */
    unsigned refusals;   /* of the allocator, per entry */
    size_t source_bytes; /* of one source file */
    unsigned function_instructions;
    unsigned function_constants;
    rf_budget load;
    rf_budget call;
} rf_sandbox_limits;

/* The limits for formulas: 256 KiB, blocks of 16 KiB, 8 refusals, 32 KiB of
 * source, 1,000 instructions and 250 constants per function; loading 1,000,000
 * instructions or 100 ms, a call 100,000 or 5 ms. */
rf_sandbox_limits rf_sandbox_limits_default(void);

/* ---- Views ---- */

/* The two roots. A schema numbers further groups as it likes. */
#define RF_GROUP_MEASURES 0u
#define RF_GROUP_CONTEXT 1u

/* What a name in a group stands for: another group, or a slot of values. */
typedef struct rf_member {
    bool is_group;
    unsigned number; /* of the group, or of the slot */
} rf_member;

/* The names a sandbox's views have; constant for the life of the sandbox,
 * which remembers what it has found. */
typedef struct rf_schema {
    void *self;
    /* Find a name of a group; names compare without case where the schema says
     * so. A failure is raised in the script with err's message, and its status
     * becomes the failure's cause. */
    rf_status (*find)(void *self, unsigned group, rf_text name, rf_member *out,
                      rf_error *err);
    /* Give the name at `index` of those that `pairs` goes over, in order; false
     * behind the last. */
    bool (*list)(void *self, unsigned group, size_t index, rf_text *name);
} rf_schema;

typedef enum {
    RF_VALUE_NIL,
    RF_VALUE_NUMBER,  /* a quantity, seen as a float in whole units */
    RF_VALUE_INTEGER, /* a Lua integer: seconds and the like */
    RF_VALUE_TEXT
} rf_value_kind;

typedef struct rf_value {
    rf_value_kind kind;
    rf_quantity quantity;
    int64_t integer;
    rf_text text; /* borrowed until the reader returns to C */
} rf_value;

/* The values of one call. A failure is raised in the script like a schema's;
 * whoever implements `value` may enter the same sandbox again. */
typedef struct rf_reader {
    void *self;
    rf_status (*value)(void *self, unsigned slot, rf_value *out, rf_error *err);
} rf_reader;

/* ---- The sandbox ---- */

typedef struct rf_sandbox rf_sandbox;

/* Make a state with the library and the views; `schema` is borrowed for its
 * life. RF_E_NO_MEMORY; RF_E_INTERNAL: this Lua is not the one the guards were
 * written for (its bytecode differs). */
RF_MUST_CHECK rf_status rf_sandbox_create(const rf_sandbox_limits *limits,
                                          const rf_schema *schema,
                                          rf_sandbox **out, rf_error *err);
void rf_sandbox_free(rf_sandbox *sandbox);

/* An outermost entry hit a limit: the state should not be used any more. */
bool rf_sandbox_is_spent(const rf_sandbox *sandbox);

/* Bytes in use now, and at most so far. */
size_t rf_sandbox_bytes(const rf_sandbox *sandbox);
size_t rf_sandbox_bytes_peak(const rf_sandbox *sandbox);

/* Raise the cap of the state by what `formulas` more functions may need, for
 * good; and that of one block while a loader fills the state, until `end`. */
void rf_sandbox_begin_loading(rf_sandbox *sandbox, size_t formulas);
void rf_sandbox_end_loading(rf_sandbox *sandbox);

/* A function kept in the state. */
typedef int rf_function;
#define RF_FUNCTION_NONE (-1)

/* Load a chunk that returns one function, freeze what it captured, and keep it.
 * `name` stands in messages ("plugin.lua"). */
RF_MUST_CHECK rf_script_outcome
rf_sandbox_load_function(rf_sandbox *sandbox, const char *name, rf_text source,
                         rf_function *out, rf_script_failure *failure);

/* Call a function as f(m, ctx); the result is one finite number in range,
 * rounded half to even at the sixth decimal. Entered from a reader of the same
 * sandbox, it shares the budget of the outer call; more than
 * RF_SANDBOX_DEPTH_MAX such calls inside each other fail. */
#define RF_SANDBOX_DEPTH_MAX 16
RF_MUST_CHECK rf_script_outcome rf_sandbox_call(rf_sandbox *sandbox,
                                                rf_function function,
                                                const rf_reader *reader,
                                                rf_quantity *out,
                                                rf_script_failure *failure);

#endif
