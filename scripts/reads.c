/*
 * reads.c - following `m` and its groups through the registers of a formula.
 *
 * A forward analysis: for each instruction, what is known of every register
 * before it, as far as all ways there agree. What an instruction writes is
 * forgotten unless it is `m`, a group or a copy of them. The states only ever
 * lose knowledge, so that going over the code again and again comes to rest.
 */
#include "scripts/reads.h"

#include "scripts/instruction.h"

#include <stdio.h>
#include <string.h>

/* Memory for the states of one formula; the limits of a sandbox stay far
 * below. */
#define SCAN_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define SCAN_BLOCK_BYTES ((size_t)16 * 1024)

/* Both are numbered by a byte. */
#define REGISTERS_MAX 256
#define UPVALUES_MAX 256

/* What is known of a register: nothing, that it is `m`, or that it is the group
 * of `m` whose name is that constant. */
typedef uint16_t knowledge;
#define KNOWN_NOTHING 0
#define KNOWN_MEASURES 1
#define KNOWN_GROUP 2

/* A function being looked through. */
typedef struct scan {
    rf_trace *trace;
    rf_arena *arena;
    const rf_code *code;
    const bool *upvalue_is_m; /* by number */
    bool sets_upvalues;       /* some function assigns outer variables */
    bool *is_shared;          /* registers that inner functions may assign */
    knowledge *states;        /* before each instruction, by register */
    bool *is_reached;
    bool changed;
} scan;

static void set_register(const scan *s, knowledge *state, unsigned number,
                         knowledge value)
{
    if (number < s->code->register_count) {
        state[number] = s->is_shared[number] ? KNOWN_NOTHING : value;
    }
}

static knowledge get_register(const scan *s, const knowledge *state,
                              unsigned number)
{
    return number < s->code->register_count ? state[number] : KNOWN_NOTHING;
}

/* The text that names a field, or no bytes. */
static rf_text get_text(const scan *s, unsigned constant)
{
    return constant < s->code->constant_count ? s->code->texts[constant]
                                              : (rf_text){NULL, 0};
}

static knowledge know_upvalue(const scan *s, unsigned number)
{
    bool is_m = number < s->code->upvalue_count && s->upvalue_is_m[number];
    return is_m ? KNOWN_MEASURES : KNOWN_NOTHING;
}

/* What the field of a table is known to be, its name being a constant. */
static knowledge know_field(const scan *s, knowledge table, unsigned name)
{
    return table == KNOWN_MEASURES && get_text(s, name).bytes != NULL
               ? (knowledge)(KNOWN_GROUP + name)
               : KNOWN_NOTHING;
}

/* What an instruction that reads is known to find. */
static knowledge know_result(const scan *s, const knowledge *state,
                             uint32_t instruction)
{
    unsigned from = rf_instruction_b(instruction);
    unsigned name = rf_instruction_c(instruction);
    switch (rf_instruction_meaning_of(instruction)->effect) {
    case RF_COPIES:
        return get_register(s, state, from);
    case RF_READS_FIELD:
        return know_field(s, get_register(s, state, from), name);
    case RF_READS_UPVALUE:
        return know_upvalue(s, from);
    case RF_READS_UPVALUE_FIELD:
        return know_field(s, know_upvalue(s, from), name);
    case RF_WRITES_NONE:
    case RF_WRITES_A:
    case RF_WRITES_A_AND_NEXT:
    case RF_WRITES_A_AND_B_MORE:
    case RF_WRITES_FROM_A:
        break;
    }
    return KNOWN_NOTHING;
}

/* The last register that an instruction writes, the first being A. */
static unsigned last_written(const scan *s, uint32_t instruction)
{
    unsigned first = rf_instruction_a(instruction);
    rf_effect written = rf_instruction_meaning_of(instruction)->effect;
    if (written == RF_WRITES_A_AND_NEXT) {
        return first + 1;
    }
    if (written == RF_WRITES_A_AND_B_MORE) {
        return first + rf_instruction_b(instruction);
    }
    return written == RF_WRITES_FROM_A ? s->code->register_count : first;
}

/* Make the state before an instruction that behind it. */
static void apply(const scan *s, knowledge *state, uint32_t instruction)
{
    if (rf_instruction_meaning_of(instruction)->effect == RF_WRITES_NONE) {
        return;
    }
    knowledge value = know_result(s, state, instruction);
    unsigned last = last_written(s, instruction);
    for (unsigned i = rf_instruction_a(instruction); i <= last; i++) {
        set_register(s, state, i, value);
    }
}

/* Let a state come to an instruction, from one of the ways there. */
static void merge(scan *s, const knowledge *state, size_t to)
{
    if (to >= s->code->instruction_count) {
        return;
    }
    size_t width = s->code->register_count;
    knowledge *known = &s->states[to * width];
    if (!s->is_reached[to]) {
        memcpy(known, state, width * sizeof *known);
        s->is_reached[to] = true;
        s->changed = true;
        return;
    }
    for (size_t i = 0; i < width; i++) {
        if (known[i] != state[i] && known[i] != KNOWN_NOTHING) {
            known[i] = KNOWN_NOTHING;
            s->changed = true;
        }
    }
}

/* Hand the state behind an instruction on to those that may follow. */
static void follow(scan *s, const knowledge *state, size_t at)
{
    uint32_t instruction = s->code->instructions[at];
    size_t next = at + 1;
    size_t distance = rf_instruction_bx(instruction);
    switch (rf_instruction_meaning_of(instruction)->flow) {
    case RF_GOES_ON:
        merge(s, state, next);
        break;
    case RF_GOES_NOWHERE:
        break;
    case RF_SKIPS_ONE:
        merge(s, state, next + 1);
        break;
    case RF_MAY_SKIP_ONE:
        merge(s, state, next);
        merge(s, state, next + 1);
        break;
    case RF_JUMPS:
        merge(s, state, next + (size_t)rf_instruction_jump(instruction));
        break;
    case RF_ENTERS_FOR:
        merge(s, state, next);
        merge(s, state, next + distance + 1);
        break;
    case RF_ENTERS_FOR_IN:
        merge(s, state, next + distance);
        break;
    case RF_LOOPS_BACK:
        merge(s, state, next);
        merge(s, state, next - distance);
        break;
    }
}

/* Go over the code until nothing changes any more. */
static void settle(scan *s, knowledge *state)
{
    size_t width = s->code->register_count;
    s->is_reached[0] = true;
    do {
        s->changed = false;
        for (size_t at = 0; at < s->code->instruction_count; at++) {
            if (s->is_reached[at]) {
                memcpy(state, &s->states[at * width], width * sizeof *state);
                apply(s, state, s->code->instructions[at]);
                follow(s, state, at);
            }
        }
    } while (s->changed);
}

/* Note the reads, once the states have settled. */
static void note_reads(const scan *s)
{
    const rf_code *code = s->code;
    for (size_t at = 0; at < code->instruction_count; at++) {
        uint32_t instruction = code->instructions[at];
        if (!s->is_reached[at] ||
            rf_instruction_op(instruction) != RF_OP_GETFIELD) {
            continue;
        }
        const knowledge *state = &s->states[at * code->register_count];
        knowledge group = get_register(s, state, rf_instruction_b(instruction));
        rf_text name = get_text(s, rf_instruction_c(instruction));
        if (group >= KNOWN_GROUP && name.bytes != NULL) {
            rf_reads_name found = {get_text(s, group - KNOWN_GROUP), name,
                                   code->source, code->lines[at]};
            size_t number = 0;
            (void)rf_reads_add(s->trace, &found, &number);
        }
    }
}

/* Whether a function or one inside it assigns variables from outside. Nesting
 * is bounded by what rf_code_read accepts. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static bool sets_upvalues(const rf_code *code)
{
    for (size_t i = 0; i < code->instruction_count; i++) {
        if (rf_instruction_op(code->instructions[i]) == RF_OP_SETUPVAL) {
            return true;
        }
    }
    for (size_t i = 0; i < code->inner_count; i++) {
        if (sets_upvalues(&code->inner[i])) {
            return true;
        }
    }
    return false;
}

static void mark_shared(scan *s)
{
    for (size_t i = 0; s->sets_upvalues && i < s->code->inner_count; i++) {
        const rf_code *inner = &s->code->inner[i];
        for (size_t k = 0; k < inner->upvalue_count; k++) {
            unsigned number = inner->upvalues[k].index;
            if (inner->upvalues[k].is_register &&
                number < s->code->register_count) {
                s->is_shared[number] = true;
            }
        }
    }
}

/* Whether every instruction is one we know. */
static bool is_known_code(const rf_code *code)
{
    for (size_t i = 0; i < code->instruction_count; i++) {
        if (rf_instruction_meaning_of(code->instructions[i]) == NULL) {
            return false;
        }
    }
    return code->instruction_count > 0 && code->register_count > 0;
}

/* Whether the first register is `m` from the beginning to the end, so that it
 * does not matter when an inner function looks. One that inner functions may
 * assign is not. */
static bool stays_m(const scan *s)
{
    size_t width = s->code->register_count;
    for (size_t at = 0; at < s->code->instruction_count; at++) {
        if (s->is_reached[at] && s->states[at * width] != KNOWN_MEASURES) {
            return false;
        }
    }
    return true;
}

/* Which variables from outside an inner function has `m` in; NULL: no memory.
 */
static const bool *know_upvalues(const scan *s, const rf_code *inner)
{
    bool *is_m = rf_arena_calloc(s->arena, UPVALUES_MAX, sizeof *is_m);
    bool first_is_m = stays_m(s);
    for (size_t i = 0; is_m != NULL && i < inner->upvalue_count; i++) {
        unsigned number = inner->upvalues[i].index;
        is_m[i] = inner->upvalues[i].is_register
                      ? number == 0 && first_is_m
                      : know_upvalue(s, number) == KNOWN_MEASURES;
    }
    return is_m;
}

static bool allocate_states(scan *s)
{
    size_t count = s->code->instruction_count;
    size_t width = s->code->register_count;
    s->states = rf_arena_calloc(s->arena, count * width, sizeof *s->states);
    s->is_reached = rf_arena_calloc(s->arena, count, sizeof *s->is_reached);
    s->is_shared = rf_arena_calloc(s->arena, width, sizeof *s->is_shared);
    return s->states != NULL && s->is_reached != NULL && s->is_shared != NULL;
}

/* Find the reads of one function and of those inside it. Nesting is bounded by
 * what rf_code_read accepts. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void scan_function(scan *s, bool first_is_m)
{
    const rf_code *code = s->code;
    knowledge state[REGISTERS_MAX];
    if (!is_known_code(code) || s->upvalue_is_m == NULL ||
        !allocate_states(s)) {
        return;
    }
    mark_shared(s);
    set_register(s, s->states, 0, first_is_m ? KNOWN_MEASURES : KNOWN_NOTHING);
    settle(s, state);
    note_reads(s);
    for (size_t i = 0; i < code->inner_count; i++) {
        scan inner = *s;
        inner.code = &code->inner[i];
        inner.upvalue_is_m = know_upvalues(s, inner.code);
        scan_function(&inner, false);
    }
}

void rf_reads_scan(rf_trace *trace, const rf_code *formula)
{
    rf_arena arena;
    rf_arena_init(&arena, SCAN_BLOCK_BYTES, SCAN_BYTES_MAX);
    scan s = {.trace = trace, .arena = &arena, .code = formula};
    s.sets_upvalues = sets_upvalues(formula);
    s.upvalue_is_m =
        rf_arena_calloc(&arena, UPVALUES_MAX, sizeof *s.upvalue_is_m);
    scan_function(&s, formula->parameter_count > 0);
    rf_arena_done(&arena);
}

const char *rf_reads_obstacle(const rf_code *function)
{
    for (size_t i = 0; i < function->instruction_count; i++) {
        const rf_instruction_meaning *meaning =
            rf_instruction_meaning_of(function->instructions[i]);
        if (meaning == NULL || meaning->obstacle != NULL) {
            return meaning == NULL ? "is not understood" : meaning->obstacle;
        }
    }
    return NULL;
}

/* Neither part may hold what would make it another name: a source ends at the
 * first dot. */
static bool is_name(const rf_reads_name *name)
{
    rf_text source = name->source;
    rf_text measure = name->measure;
    return source.bytes != NULL && measure.bytes != NULL &&
           source.length + measure.length + 1 <
               sizeof((rf_trace_read *)NULL)->name &&
           memchr(source.bytes, '.', source.length) == NULL &&
           memchr(source.bytes, '\0', source.length) == NULL &&
           memchr(measure.bytes, '\0', measure.length) == NULL;
}

static char *copy_lower(char *to, rf_text from)
{
    for (size_t i = 0; i < from.length; i++) {
        *to++ = rf_lower(from.bytes[i]);
    }
    return to;
}

bool rf_reads_add(rf_trace *trace, const rf_reads_name *name, size_t *number)
{
    if (!is_name(name)) {
        return false;
    }
    rf_trace_read read = {.line = name->line};
    char *end = copy_lower(read.name, name->source);
    *end++ = '.';
    copy_lower(end, name->measure);
    for (size_t i = 0; i < trace->read_count; i++) {
        if (strcmp(trace->reads[i].name, read.name) == 0) {
            *number = i;
            return true;
        }
    }
    if (trace->read_count == RF_TRACE_READS_MAX) {
        return false;
    }
    snprintf(read.file, sizeof read.file, "%.*s", (int)name->file.length,
             name->file.bytes);
    *number = trace->read_count++;
    trace->reads[*number] = read;
    return true;
}
