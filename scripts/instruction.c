/*
 * instruction.c - the instructions of Lua 5.4, one by one.
 *
 * What stands in the table as an obstacle only says in words why a function is
 * not straight; the white list decides.
 */
#include "scripts/instruction.h"

#include <stddef.h>

#define BRANCHES "compares or branches"
#define LOOPS "loops"
#define DIVIDES "divides"
#define REMAINDER "takes a remainder"
#define POWER "raises to a power"
#define BITS "works on bits"
#define STORES "stores into a table"
#define COMPUTED "uses a computed name"

static const rf_instruction_meaning meanings[RF_OP_COUNT] = {
    [RF_OP_MOVE] = {RF_COPIES, RF_GOES_ON, NULL},
    [RF_OP_LOADI] = {RF_WRITES_A, RF_GOES_ON, NULL},
    [RF_OP_LOADF] = {RF_WRITES_A, RF_GOES_ON, NULL},
    [RF_OP_LOADK] = {RF_WRITES_A, RF_GOES_ON, NULL},
    [RF_OP_LOADKX] = {RF_WRITES_A, RF_GOES_ON, "has many constants"},
    [RF_OP_LOADFALSE] = {RF_WRITES_A, RF_GOES_ON, BRANCHES},
    [RF_OP_LFALSESKIP] = {RF_WRITES_A, RF_SKIPS_ONE, BRANCHES},
    [RF_OP_LOADTRUE] = {RF_WRITES_A, RF_GOES_ON, BRANCHES},
    [RF_OP_LOADNIL] = {RF_WRITES_A_AND_B_MORE, RF_GOES_ON, NULL},
    [RF_OP_GETUPVAL] = {RF_READS_UPVALUE, RF_GOES_ON, NULL},
    [RF_OP_SETUPVAL] = {RF_WRITES_NONE, RF_GOES_ON,
                        "assigns an outer variable"},
    [RF_OP_GETTABUP] = {RF_READS_UPVALUE_FIELD, RF_GOES_ON, NULL},
    [RF_OP_GETTABLE] = {RF_WRITES_A, RF_GOES_ON, COMPUTED},
    [RF_OP_GETI] = {RF_WRITES_A, RF_GOES_ON, NULL},
    [RF_OP_GETFIELD] = {RF_READS_FIELD, RF_GOES_ON, NULL},
    [RF_OP_SETTABUP] = {RF_WRITES_NONE, RF_GOES_ON, STORES},
    [RF_OP_SETTABLE] = {RF_WRITES_NONE, RF_GOES_ON, STORES},
    [RF_OP_SETI] = {RF_WRITES_NONE, RF_GOES_ON, STORES},
    [RF_OP_SETFIELD] = {RF_WRITES_NONE, RF_GOES_ON, STORES},
    [RF_OP_NEWTABLE] = {RF_WRITES_A, RF_GOES_ON, "makes a table"},
    [RF_OP_SELF] = {RF_WRITES_A_AND_NEXT, RF_GOES_ON, "calls a method"},
    [RF_OP_ADDI] = {RF_WRITES_A, RF_GOES_ON, NULL},
    [RF_OP_ADDK] = {RF_WRITES_A, RF_GOES_ON, NULL},
    [RF_OP_SUBK] = {RF_WRITES_A, RF_GOES_ON, NULL},
    [RF_OP_MULK] = {RF_WRITES_A, RF_GOES_ON, NULL},
    [RF_OP_MODK] = {RF_WRITES_A, RF_GOES_ON, REMAINDER},
    [RF_OP_POWK] = {RF_WRITES_A, RF_GOES_ON, POWER},
    [RF_OP_DIVK] = {RF_WRITES_A, RF_GOES_ON, DIVIDES},
    [RF_OP_IDIVK] = {RF_WRITES_A, RF_GOES_ON, DIVIDES},
    [RF_OP_BANDK] = {RF_WRITES_A, RF_GOES_ON, BITS},
    [RF_OP_BORK] = {RF_WRITES_A, RF_GOES_ON, BITS},
    [RF_OP_BXORK] = {RF_WRITES_A, RF_GOES_ON, BITS},
    [RF_OP_SHRI] = {RF_WRITES_A, RF_GOES_ON, BITS},
    [RF_OP_SHLI] = {RF_WRITES_A, RF_GOES_ON, BITS},
    [RF_OP_ADD] = {RF_WRITES_A, RF_GOES_ON, NULL},
    [RF_OP_SUB] = {RF_WRITES_A, RF_GOES_ON, NULL},
    [RF_OP_MUL] = {RF_WRITES_A, RF_GOES_ON, NULL},
    [RF_OP_MOD] = {RF_WRITES_A, RF_GOES_ON, REMAINDER},
    [RF_OP_POW] = {RF_WRITES_A, RF_GOES_ON, POWER},
    [RF_OP_DIV] = {RF_WRITES_A, RF_GOES_ON, DIVIDES},
    [RF_OP_IDIV] = {RF_WRITES_A, RF_GOES_ON, DIVIDES},
    [RF_OP_BAND] = {RF_WRITES_A, RF_GOES_ON, BITS},
    [RF_OP_BOR] = {RF_WRITES_A, RF_GOES_ON, BITS},
    [RF_OP_BXOR] = {RF_WRITES_A, RF_GOES_ON, BITS},
    [RF_OP_SHL] = {RF_WRITES_A, RF_GOES_ON, BITS},
    [RF_OP_SHR] = {RF_WRITES_A, RF_GOES_ON, BITS},
    /* The result goes where the instruction in front would have written. */
    [RF_OP_MMBIN] = {RF_WRITES_NONE, RF_GOES_ON, NULL},
    [RF_OP_MMBINI] = {RF_WRITES_NONE, RF_GOES_ON, NULL},
    [RF_OP_MMBINK] = {RF_WRITES_NONE, RF_GOES_ON, NULL},
    [RF_OP_UNM] = {RF_WRITES_A, RF_GOES_ON, NULL},
    [RF_OP_BNOT] = {RF_WRITES_A, RF_GOES_ON, BITS},
    [RF_OP_NOT] = {RF_WRITES_A, RF_GOES_ON, BRANCHES},
    [RF_OP_LEN] = {RF_WRITES_A, RF_GOES_ON, "takes a length"},
    [RF_OP_CONCAT] = {RF_WRITES_FROM_A, RF_GOES_ON, "joins texts"},
    [RF_OP_CLOSE] = {RF_WRITES_NONE, RF_GOES_ON, "closes variables"},
    [RF_OP_TBC] = {RF_WRITES_NONE, RF_GOES_ON, "closes variables"},
    [RF_OP_JMP] = {RF_WRITES_NONE, RF_JUMPS, BRANCHES},
    [RF_OP_EQ] = {RF_WRITES_NONE, RF_MAY_SKIP_ONE, BRANCHES},
    [RF_OP_LT] = {RF_WRITES_NONE, RF_MAY_SKIP_ONE, BRANCHES},
    [RF_OP_LE] = {RF_WRITES_NONE, RF_MAY_SKIP_ONE, BRANCHES},
    [RF_OP_EQK] = {RF_WRITES_NONE, RF_MAY_SKIP_ONE, BRANCHES},
    [RF_OP_EQI] = {RF_WRITES_NONE, RF_MAY_SKIP_ONE, BRANCHES},
    [RF_OP_LTI] = {RF_WRITES_NONE, RF_MAY_SKIP_ONE, BRANCHES},
    [RF_OP_LEI] = {RF_WRITES_NONE, RF_MAY_SKIP_ONE, BRANCHES},
    [RF_OP_GTI] = {RF_WRITES_NONE, RF_MAY_SKIP_ONE, BRANCHES},
    [RF_OP_GEI] = {RF_WRITES_NONE, RF_MAY_SKIP_ONE, BRANCHES},
    [RF_OP_TEST] = {RF_WRITES_NONE, RF_MAY_SKIP_ONE, BRANCHES},
    [RF_OP_TESTSET] = {RF_WRITES_A, RF_MAY_SKIP_ONE, BRANCHES},
    [RF_OP_CALL] = {RF_WRITES_FROM_A, RF_GOES_ON, NULL},
    [RF_OP_TAILCALL] = {RF_WRITES_FROM_A, RF_GOES_ON, NULL},
    [RF_OP_RETURN] = {RF_WRITES_NONE, RF_GOES_NOWHERE, NULL},
    [RF_OP_RETURN0] = {RF_WRITES_NONE, RF_GOES_NOWHERE, NULL},
    [RF_OP_RETURN1] = {RF_WRITES_NONE, RF_GOES_NOWHERE, NULL},
    [RF_OP_FORLOOP] = {RF_WRITES_FROM_A, RF_LOOPS_BACK, LOOPS},
    [RF_OP_FORPREP] = {RF_WRITES_FROM_A, RF_ENTERS_FOR, LOOPS},
    [RF_OP_TFORPREP] = {RF_WRITES_FROM_A, RF_ENTERS_FOR_IN, LOOPS},
    [RF_OP_TFORCALL] = {RF_WRITES_FROM_A, RF_GOES_ON, LOOPS},
    [RF_OP_TFORLOOP] = {RF_WRITES_FROM_A, RF_LOOPS_BACK, LOOPS},
    [RF_OP_SETLIST] = {RF_WRITES_NONE, RF_GOES_ON, STORES},
    [RF_OP_CLOSURE] = {RF_WRITES_A, RF_GOES_ON, "makes a function"},
    [RF_OP_VARARG] = {RF_WRITES_FROM_A, RF_GOES_ON, "takes any arguments"},
    [RF_OP_VARARGPREP] = {RF_WRITES_NONE, RF_GOES_ON, "takes any arguments"},
    [RF_OP_EXTRAARG] = {RF_WRITES_NONE, RF_GOES_ON, NULL},
};

rf_opcode rf_instruction_op(uint32_t instruction)
{
    return (rf_opcode)(instruction & 0x7F);
}

unsigned rf_instruction_a(uint32_t instruction)
{
    return instruction >> 7 & 0xFF;
}

unsigned rf_instruction_b(uint32_t instruction)
{
    return instruction >> 16 & 0xFF;
}

unsigned rf_instruction_c(uint32_t instruction)
{
    return instruction >> 24;
}

unsigned rf_instruction_bx(uint32_t instruction)
{
    return instruction >> 15;
}

int rf_instruction_jump(uint32_t instruction)
{
    return (int)(instruction >> 7) - 0xFFFFFF;
}

bool rf_instruction_is_straight(uint32_t instruction)
{
    static const bool white[RF_OP_COUNT] = {
        [RF_OP_MOVE] = true,     [RF_OP_LOADI] = true,
        [RF_OP_LOADF] = true,    [RF_OP_LOADK] = true,
        [RF_OP_LOADNIL] = true,  [RF_OP_GETUPVAL] = true,
        [RF_OP_GETTABUP] = true, [RF_OP_GETI] = true,
        [RF_OP_GETFIELD] = true, [RF_OP_ADDI] = true,
        [RF_OP_ADDK] = true,     [RF_OP_SUBK] = true,
        [RF_OP_MULK] = true,     [RF_OP_ADD] = true,
        [RF_OP_SUB] = true,      [RF_OP_MUL] = true,
        [RF_OP_MMBIN] = true,    [RF_OP_MMBINI] = true,
        [RF_OP_MMBINK] = true,   [RF_OP_UNM] = true,
        [RF_OP_CALL] = true,     [RF_OP_TAILCALL] = true,
        [RF_OP_RETURN] = true,   [RF_OP_RETURN0] = true,
        [RF_OP_RETURN1] = true,
    };
    rf_opcode op = rf_instruction_op(instruction);
    return op < RF_OP_COUNT && white[op];
}

const rf_instruction_meaning *rf_instruction_meaning_of(uint32_t instruction)
{
    rf_opcode op = rf_instruction_op(instruction);
    return op < RF_OP_COUNT ? &meanings[op] : NULL;
}
