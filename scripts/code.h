/*
 * code.h - a compiled Lua function, taken apart.
 *
 * Reads what lua_dump writes of a function of ours, with its debug data: the
 * instructions with their lines, the constants that are texts, and the
 * functions inside it. Pure C: it never meets a lua_State, so that nothing here
 * can raise.
 */
#ifndef RINGFENCE_SCRIPTS_CODE_H
#define RINGFENCE_SCRIPTS_CODE_H

#include "core/arena.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A variable from outside: a register of the function around, or one of the
 * variables from outside that this one has. */
typedef struct rf_code_upvalue {
    bool is_register;
    unsigned index;
} rf_code_upvalue;

typedef struct rf_code {
    rf_text source; /* name of the chunk without its mark; maybe empty */
    unsigned parameter_count;
    unsigned register_count;
    const uint32_t *instructions;
    const int *lines; /* of the instructions */
    size_t instruction_count;
    const rf_text *texts; /* by number of the constant; others have no bytes */
    size_t constant_count;
    const rf_code_upvalue *upvalues;
    size_t upvalue_count;
    const struct rf_code *inner;
    size_t inner_count;
} rf_code;

/* Take apart a dump with its debug data, which is borrowed as long as the arena
 * lives. NULL: it is not of the form we know, or there is no memory, which
 * `*no_memory` then says. */
const rf_code *rf_code_read(rf_arena *arena, const void *dump, size_t length,
                            bool *no_memory);

#endif
