/*
 * code.c - reading what lua_dump writes.
 *
 * The form (5.4): a header; then for each function its source, lines, three
 * bytes, instructions, constants, variables from outside, inner functions, and
 * debug data, which so comes behind that of the inner ones. Numbers are in
 * groups of seven bits, highest first, the last one marked.
 */
#include "scripts/code.h"

#include <limits.h>
#include <string.h>

/* Lua's parser nests no deeper. */
#define NESTING_MAX 200

/* What no function of ours has more of; keeps a broken dump from asking for
 * memory. Variables from outside are numbered by a byte. */
#define ITEMS_MAX (1U << 20)
#define UPVALUES_MAX 255

/* A line that is too far from the one before for a byte. */
#define LINE_ABSOLUTE (-128)

typedef enum {
    CONSTANT_NIL = 0x00,
    CONSTANT_FALSE = 0x01,
    CONSTANT_TRUE = 0x11,
    CONSTANT_INTEGER = 0x03,
    CONSTANT_FLOAT = 0x13,
    CONSTANT_SHORT_TEXT = 0x04,
    CONSTANT_LONG_TEXT = 0x14
} constant_kind;

/* What every dump begins with: the mark, version and format, bytes that a wrong
 * transfer would spoil, sizes of an instruction, an integer and a float, the
 * integer 0x5678 and the float 370.5. */
static const char header[] = "\x1BLua\x54\x00"
                             "\x19\x93\r\n\x1A\n"
                             "\x04\x08\x08"
                             "\x78\x56\x00\x00\x00\x00\x00\x00"
                             "\x00\x00\x00\x00\x00\x28\x77\x40";
#define HEADER_BYTES (sizeof header - 1)

/* A dump being read. Once it has failed, what is read is zeros. */
typedef struct reader {
    const unsigned char *at;
    const unsigned char *end;
    rf_arena *arena;
    bool failed;
    bool no_memory;
} reader;

static const unsigned char *take(reader *in, size_t length)
{
    if (in->failed || (size_t)(in->end - in->at) < length) {
        in->failed = true;
        return NULL;
    }
    const unsigned char *bytes = in->at;
    in->at += length;
    return bytes;
}

static unsigned take_byte(reader *in)
{
    const unsigned char *byte = take(in, 1);
    return byte == NULL ? 0 : *byte;
}

static size_t take_number(reader *in)
{
    size_t number = 0;
    for (;;) {
        unsigned byte = take_byte(in);
        number = number << 7 | (byte & 0x7F);
        if ((byte & 0x80) != 0 || in->failed) {
            return in->failed ? 0 : number;
        }
        if (number > SIZE_MAX >> 7) {
            in->failed = true;
        }
    }
}

static int take_line(reader *in)
{
    size_t line = take_number(in);
    in->failed = in->failed || line > INT_MAX;
    return in->failed ? 0 : (int)line;
}

/* How many items follow. */
static size_t take_count(reader *in, size_t most)
{
    size_t count = take_number(in);
    in->failed = in->failed || count > most;
    return in->failed ? 0 : count;
}

/* A text; no bytes when there is none. */
static rf_text take_text(reader *in)
{
    size_t size = take_number(in);
    if (size == 0) {
        return (rf_text){NULL, 0};
    }
    const unsigned char *bytes = take(in, size - 1);
    return (rf_text){(const char *)bytes, bytes == NULL ? 0 : size - 1};
}

static void *allocate(reader *in, size_t count, size_t size)
{
    void *items = rf_arena_calloc(in->arena, count > 0 ? count : 1, size);
    in->no_memory = in->no_memory || items == NULL;
    in->failed = in->failed || items == NULL;
    return items;
}

static void read_instructions(reader *in, rf_code *code)
{
    size_t count = take_count(in, ITEMS_MAX);
    uint32_t *instructions = allocate(in, count, sizeof *instructions);
    const unsigned char *bytes = take(in, count * sizeof *instructions);
    if (bytes != NULL) {
        memcpy(instructions, bytes, count * sizeof *instructions);
        code->instructions = instructions;
        code->instruction_count = count;
    }
}

static rf_text read_constant(reader *in)
{
    rf_text none = {NULL, 0};
    switch (take_byte(in)) {
    case CONSTANT_NIL:
    case CONSTANT_FALSE:
    case CONSTANT_TRUE:
        return none;
    case CONSTANT_INTEGER:
    case CONSTANT_FLOAT:
        take(in, 8);
        return none;
    case CONSTANT_SHORT_TEXT:
    case CONSTANT_LONG_TEXT:
        return take_text(in);
    default:
        in->failed = true;
        return none;
    }
}

static void read_constants(reader *in, rf_code *code)
{
    size_t count = take_count(in, ITEMS_MAX);
    rf_text *texts = allocate(in, count, sizeof *texts);
    for (size_t i = 0; i < count && !in->failed; i++) {
        texts[i] = read_constant(in);
    }
    code->texts = texts;
    code->constant_count = count;
}

static void read_upvalues(reader *in, rf_code *code)
{
    size_t count = take_count(in, UPVALUES_MAX);
    rf_code_upvalue *upvalues = allocate(in, count, sizeof *upvalues);
    for (size_t i = 0; i < count && !in->failed; i++) {
        upvalues[i].is_register = take_byte(in) != 0;
        upvalues[i].index = take_byte(in);
        take_byte(in);
    }
    code->upvalues = upvalues;
    code->upvalue_count = count;
}

/* Lines come as steps from one instruction to the next; where a step does not
 * fit a byte, a second list has the line, in order of the instructions. */
static void read_lines(reader *in, rf_code *code, int first_line)
{
    size_t count = take_count(in, ITEMS_MAX);
    const unsigned char *steps = take(in, count);
    int *lines = allocate(in, code->instruction_count, sizeof *lines);
    in->failed = in->failed || count != code->instruction_count;
    size_t absolutes = take_count(in, ITEMS_MAX);
    int line = first_line;
    for (size_t i = 0; i < count && !in->failed; i++) {
        int step = steps[i] < 128 ? steps[i] : (int)steps[i] - 256;
        if (step != LINE_ABSOLUTE) {
            line += step;
        } else if (absolutes-- > 0 && take_number(in) == i) {
            line = take_line(in);
        } else {
            in->failed = true;
        }
        if (!in->failed) {
            lines[i] = line;
        }
    }
    in->failed = in->failed || absolutes != 0;
    code->lines = lines;
}

static void skip_names(reader *in)
{
    size_t variables = take_count(in, ITEMS_MAX);
    for (size_t i = 0; i < variables && !in->failed; i++) {
        take_text(in);
        take_number(in);
        take_number(in);
    }
    size_t upvalues = take_count(in, UPVALUES_MAX);
    for (size_t i = 0; i < upvalues && !in->failed; i++) {
        take_text(in);
    }
}

/* Chunk names of ours are marked as such by their first byte. */
static rf_text without_mark(rf_text source)
{
    if (source.length > 0 &&
        (source.bytes[0] == '=' || source.bytes[0] == '@')) {
        return (rf_text){source.bytes + 1, source.length - 1};
    }
    return source;
}

/* Inner functions read the same way, so this calls itself; their depth is
 * bounded. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void read_function(reader *in, rf_code *code, rf_text source, int depth)
{
    rf_text own = take_text(in);
    code->source = own.bytes == NULL ? source : without_mark(own);
    int first_line = take_line(in);
    take_line(in);
    code->parameter_count = take_byte(in);
    take_byte(in);
    code->register_count = take_byte(in);
    read_instructions(in, code);
    read_constants(in, code);
    read_upvalues(in, code);

    size_t count = take_count(in, ITEMS_MAX);
    in->failed = in->failed || (count > 0 && depth == NESTING_MAX);
    rf_code *inner = allocate(in, count, sizeof *inner);
    for (size_t i = 0; i < count && !in->failed; i++) {
        read_function(in, &inner[i], code->source, depth + 1);
    }
    code->inner = inner;
    code->inner_count = count;

    read_lines(in, code, first_line);
    skip_names(in);
}

/* Read a dump's header and the function behind it. */
static const rf_code *read_dump(reader *in)
{
    const unsigned char *head = take(in, HEADER_BYTES);
    if (head == NULL || memcmp(head, header, HEADER_BYTES) != 0) {
        return NULL;
    }
    take_byte(in); /* the number of variables from outside, once more */
    rf_code *code = allocate(in, 1, sizeof *code);
    if (code == NULL) {
        return NULL;
    }
    read_function(in, code, RF_TEXT_EMPTY, 0);
    return in->failed || in->at != in->end ? NULL : code;
}

const rf_code *rf_code_read(rf_arena *arena, const void *dump, size_t length,
                            bool *no_memory)
{
    const unsigned char *bytes = dump;
    reader in = {.at = bytes, .end = bytes + length, .arena = arena};
    const rf_code *code = read_dump(&in);
    *no_memory = in.no_memory;
    return code;
}
