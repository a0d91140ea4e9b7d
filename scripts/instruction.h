/*
 * instruction.h - what the instructions of Lua 5.4 do to registers.
 *
 * As much of it as the analysis of reads needs: which registers an instruction
 * writes, where it goes on, and why code that holds it cannot be traced.
 */
#ifndef RINGFENCE_SCRIPTS_INSTRUCTION_H
#define RINGFENCE_SCRIPTS_INSTRUCTION_H

#include <stdbool.h>
#include <stdint.h>

/* Instructions of Lua 5.4, by number. rf_bytecode_self_test (bytecode.c) keeps
 * a Lua with other numbers from being used. */
typedef enum {
    RF_OP_MOVE,
    RF_OP_LOADI,
    RF_OP_LOADF,
    RF_OP_LOADK,
    RF_OP_LOADKX,
    RF_OP_LOADFALSE,
    RF_OP_LFALSESKIP,
    RF_OP_LOADTRUE,
    RF_OP_LOADNIL,
    RF_OP_GETUPVAL,
    RF_OP_SETUPVAL,
    RF_OP_GETTABUP,
    RF_OP_GETTABLE,
    RF_OP_GETI,
    RF_OP_GETFIELD,
    RF_OP_SETTABUP,
    RF_OP_SETTABLE,
    RF_OP_SETI,
    RF_OP_SETFIELD,
    RF_OP_NEWTABLE,
    RF_OP_SELF,
    RF_OP_ADDI,
    RF_OP_ADDK,
    RF_OP_SUBK,
    RF_OP_MULK,
    RF_OP_MODK,
    RF_OP_POWK,
    RF_OP_DIVK,
    RF_OP_IDIVK,
    RF_OP_BANDK,
    RF_OP_BORK,
    RF_OP_BXORK,
    RF_OP_SHRI,
    RF_OP_SHLI,
    RF_OP_ADD,
    RF_OP_SUB,
    RF_OP_MUL,
    RF_OP_MOD,
    RF_OP_POW,
    RF_OP_DIV,
    RF_OP_IDIV,
    RF_OP_BAND,
    RF_OP_BOR,
    RF_OP_BXOR,
    RF_OP_SHL,
    RF_OP_SHR,
    RF_OP_MMBIN,
    RF_OP_MMBINI,
    RF_OP_MMBINK,
    RF_OP_UNM,
    RF_OP_BNOT,
    RF_OP_NOT,
    RF_OP_LEN,
    RF_OP_CONCAT,
    RF_OP_CLOSE,
    RF_OP_TBC,
    RF_OP_JMP,
    RF_OP_EQ,
    RF_OP_LT,
    RF_OP_LE,
    RF_OP_EQK,
    RF_OP_EQI,
    RF_OP_LTI,
    RF_OP_LEI,
    RF_OP_GTI,
    RF_OP_GEI,
    RF_OP_TEST,
    RF_OP_TESTSET,
    RF_OP_CALL,
    RF_OP_TAILCALL,
    RF_OP_RETURN,
    RF_OP_RETURN0,
    RF_OP_RETURN1,
    RF_OP_FORLOOP,
    RF_OP_FORPREP,
    RF_OP_TFORPREP,
    RF_OP_TFORCALL,
    RF_OP_TFORLOOP,
    RF_OP_SETLIST,
    RF_OP_CLOSURE,
    RF_OP_VARARG,
    RF_OP_VARARGPREP,
    RF_OP_EXTRAARG,
    RF_OP_COUNT
} rf_opcode;

/* Which registers an instruction writes. The last four read what may be known:
 * register B, its field C, variable B from outside, and a field C of that. */
typedef enum {
    RF_WRITES_NONE,
    RF_WRITES_A,
    RF_WRITES_A_AND_NEXT,
    RF_WRITES_A_AND_B_MORE,
    RF_WRITES_FROM_A, /* or some of those behind A: all count as written */
    RF_COPIES,
    RF_READS_FIELD,
    RF_READS_UPVALUE,
    RF_READS_UPVALUE_FIELD
} rf_effect;

/* Where it goes on. Distances are those of Bx, or of the jump. */
typedef enum {
    RF_GOES_ON,
    RF_GOES_NOWHERE,
    RF_SKIPS_ONE,
    RF_MAY_SKIP_ONE,
    RF_JUMPS,
    RF_ENTERS_FOR,    /* the loop, or behind its end */
    RF_ENTERS_FOR_IN, /* the call at the end of the loop */
    RF_LOOPS_BACK     /* to the beginning of the loop, or on */
} rf_flow;

typedef struct rf_instruction_meaning {
    rf_effect effect;
    rf_flow flow;
    const char *obstacle; /* what "it" does that cannot be traced, or NULL */
} rf_instruction_meaning;

/* Say whether an instruction does nothing but move, load, read under a constant
 * key, add, subtract, multiply, call and return: the white list of the tracer.
 * Code of nothing else takes one path, whatever the values. */
bool rf_instruction_is_straight(uint32_t instruction);

/* NULL: it is none that we know. */
const rf_instruction_meaning *rf_instruction_meaning_of(uint32_t instruction);

/* Parts of an instruction. */
rf_opcode rf_instruction_op(uint32_t instruction);
unsigned rf_instruction_a(uint32_t instruction);
unsigned rf_instruction_b(uint32_t instruction);
unsigned rf_instruction_c(uint32_t instruction);
unsigned rf_instruction_bx(uint32_t instruction);
int rf_instruction_jump(uint32_t instruction);

#endif
