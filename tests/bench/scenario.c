/*
 * scenario.c - the requests that the load generator sends.
 */
#include "tests/bench/scenario.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines of one bulk request: the most that the service takes. */
#define BULK_LINES 512
#define BULK_LINE_BYTES 256
#define HEADER_BYTES 512
#define TEXT_BYTES 2048
#define REPLY_BYTES 16384
#define BULK_REPLY_BYTES 262144

#define ID_DIGITS 12
#define PRODUCT_DIGITS 6

/* So much that no run of any length is ever refused. */
#define SKU_STOCK "1000000000"
#define LEAF_STOCK "1000000"

static const struct {
    const char *name;
    scenario_kind kind;
} kinds[] = {
    {"reserve", SCENARIO_RESERVE}, {"replay", SCENARIO_REPLAY},
    {"query", SCENARIO_QUERY},     {"get", SCENARIO_GET},
    {"fill", SCENARIO_FILL},       {"leaves", SCENARIO_LEAVES},
    {"pair", SCENARIO_PAIR},
};

bool scenario_parse_kind(const char *name, scenario_kind *out)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(name, kinds[i].name) == 0) {
            *out = kinds[i].kind;
            return true;
        }
    }
    return false;
}

static bool is_bulk(const scenario *self)
{
    return self->options.kind == SCENARIO_FILL ||
           self->options.kind == SCENARIO_LEAVES;
}

/* Overwrite exactly `digits` characters; higher digits are dropped. */
static void put_digits(char *at, unsigned digits, uint64_t value)
{
    for (unsigned i = digits; i > 0; i--) {
        at[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* xorshift64*: a few instructions, and even enough to choose SKUs. */
static uint64_t next_random(scenario *self)
{
    uint64_t value = self->random;
    value ^= value >> 12;
    value ^= value << 25;
    value ^= value >> 27;
    self->random = value;
    return (value * UINT64_C(2685821657736338717)) >> 16;
}

__attribute__((format(printf, 3, 4))) static size_t
append(char *out, size_t capacity, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(out, capacity, format, arguments);
    va_end(arguments);
    return written < 0 || (size_t)written >= capacity ? 0 : (size_t)written;
}

static size_t write_post(const scenario *self, const char *operation,
                         const char *body, size_t length, char *out,
                         size_t capacity)
{
    size_t used = append(out, capacity,
                         "POST /api/environment/%s/%s HTTP/1.1\r\n"
                         "Host: %s\r\n"
                         "Content-Type: application/json\r\n"
                         "Content-Length: %zu\r\n\r\n",
                         self->options.environment, operation,
                         self->options.host, length);
    if (used == 0 || used + length > capacity) {
        return 0;
    }
    memcpy(out + used, body, length);
    return used + length;
}

/* Where the digits after `mark` start in the formatted text. */
static size_t find_digits(const scenario *self, const char *mark)
{
    const char *found = memmem(self->text, self->length, mark, strlen(mark));
    return found == NULL ? 0 : (size_t)(found - self->text) + strlen(mark);
}

static void format_reserve(scenario *self)
{
    char body[TEXT_BYTES];
    char mark[TEXT_BYTES];
    bool many = self->options.products > 1;
    size_t length =
        append(body, sizeof body,
               "{\"id\":\"%s-%0*d\",\"organizationId\":\"usmf\","
               "\"productId\":\"%s\",\"dimensions\":{\"siteId\":\"1\","
               "\"locationId\":\"11\",\"ColorId\":\"red\","
               "\"SizeId\":\"small\"},\"quantityDataSource\":\"iv\","
               "\"modifier\":\"softreserved\",\"quantity\":1}",
               self->options.id_prefix, ID_DIGITS, 0,
               many ? "P000000" : self->options.product);
    self->length = write_post(self, "onhand/reserve", body, length, self->text,
                              TEXT_BYTES);
    if (self->options.kind == SCENARIO_RESERVE) {
        append(mark, sizeof mark, "{\"id\":\"%s-", self->options.id_prefix);
        self->id_at = find_digits(self, mark);
    }
    if (many) {
        self->product_at = find_digits(self, "\"productId\":\"P");
    }
}

/* One half of a pair; returns where its id's digits are. */
static size_t format_half(const scenario *self, const char *operation,
                          const char *more, char *out, size_t *length)
{
    char body[TEXT_BYTES];
    char mark[TEXT_BYTES];
    size_t body_length = append(
        body, sizeof body,
        "{\"id\":\"%s-%0*d\",\"organizationId\":\"usmf\","
        "\"productId\":\"%s\",\"dimensions\":{\"siteId\":\"1\","
        "\"locationId\":\"11\",\"ColorId\":\"red\","
        "\"SizeId\":\"small\"},\"groups\":{\"channel\":\"web\"}%s,"
        "\"quantity\":1}",
        self->options.id_prefix, ID_DIGITS, 0, self->options.product, more);
    *length = write_post(self, operation, body, body_length, out, TEXT_BYTES);
    append(mark, sizeof mark, "{\"id\":\"%s-", self->options.id_prefix);
    const char *found = memmem(out, *length, mark, strlen(mark));
    return found == NULL ? 0 : (size_t)(found - out) + strlen(mark);
}

/* What is consumed has left the shelf: a measure that lowers the pool grows. */
static void format_pair(scenario *self)
{
    self->id_at =
        format_half(self, "allocation/allocate", "", self->text, &self->length);
    self->second_id_at = format_half(
        self, "allocation/consume",
        ",\"physicalMeasures\":{\"pos\":{\"outbound\":\"Addition\"}}",
        self->second, &self->second_length);
}

static void format_query(scenario *self)
{
    static const char *const filters[] = {
        "", ",\"ColorId\":[\"c000\"]",
        ",\"ColorId\":[\"c000\"],\"SizeId\":[\"s000\"]",
        ",\"ColorId\":[\"c000\"],\"SizeId\":[\"s000\"],\"StyleId\":[\"t000\"]"};
    static const char *const groups[] = {"", "\"ColorId\"",
                                         "\"ColorId\",\"SizeId\"",
                                         "\"ColorId\",\"SizeId\",\"StyleId\""};
    char body[TEXT_BYTES];
    size_t length = append(body, sizeof body,
                           "{\"filters\":{\"organizationId\":[\"usmf\"],"
                           "\"productId\":[\"%s\"],\"siteId\":[\"1\"],"
                           "\"locationId\":[\"11\"]%s},\"groupByValues\":[%s]}",
                           self->options.product, filters[self->options.level],
                           groups[self->options.level]);
    self->length = write_post(self, "onhand/indexquery", body, length,
                              self->text, TEXT_BYTES);
    self->must_contain = "\"quantities\"";
}

static void format_get(scenario *self)
{
    self->length =
        append(self->text, TEXT_BYTES, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n",
               self->options.path, self->options.host);
}

static bool format_text(scenario *self)
{
    self->text = malloc(TEXT_BYTES);
    self->second = malloc(TEXT_BYTES);
    if (self->text == NULL || self->second == NULL) {
        return false;
    }
    if (self->options.kind == SCENARIO_PAIR) {
        format_pair(self);
    } else if (self->options.kind == SCENARIO_GET) {
        format_get(self);
    } else if (self->options.kind == SCENARIO_QUERY) {
        format_query(self);
    } else {
        format_reserve(self);
    }
    return self->length > 0;
}

bool scenario_init(scenario *self, const scenario_options *options)
{
    *self =
        (scenario){.options = *options, .random = UINT64_C(88172645463325252)};
    if (is_bulk(self)) {
        self->must_contain = "\"failure\":[],\"conflict\":[]";
        return true;
    }
    return format_text(self);
}

void scenario_done(scenario *self)
{
    free(self->text);
    free(self->second);
    self->text = NULL;
    self->second = NULL;
}

size_t scenario_request_capacity(const scenario *self)
{
    size_t longest =
        self->length > self->second_length ? self->length : self->second_length;
    return is_bulk(self) ? 2 * (HEADER_BYTES + BULK_LINES * BULK_LINE_BYTES)
                         : longest;
}

size_t scenario_reply_capacity(const scenario *self)
{
    return is_bulk(self) ? BULK_REPLY_BYTES : REPLY_BYTES;
}

static uint64_t count_lines(const scenario *self)
{
    const scenario_options *options = &self->options;
    if (options->kind == SCENARIO_FILL) {
        return options->products;
    }
    return (uint64_t)options->colors * options->sizes * options->styles;
}

uint64_t scenario_request_count(const scenario *self)
{
    if (!is_bulk(self)) {
        return 0;
    }
    return (count_lines(self) + BULK_LINES - 1) / BULK_LINES;
}

void scenario_prepare(const scenario *self, char *request)
{
    if (!is_bulk(self)) {
        memcpy(request, self->text, self->length);
    }
}

static size_t write_fill_line(const scenario *self, uint64_t line, char *out)
{
    return append(out, BULK_LINE_BYTES,
                  "{\"id\":\"%s-%" PRIu64 "\",\"organizationId\":\"usmf\","
                  "\"productId\":\"P%0*" PRIu64 "\",\"dimensions\":{"
                  "\"siteId\":\"1\",\"locationId\":\"11\","
                  "\"ColorId\":\"red\",\"SizeId\":\"small\"},"
                  "\"quantities\":{\"pos\":{\"inbound\":" SKU_STOCK "}}}",
                  self->options.id_prefix, line, PRODUCT_DIGITS, line);
}

static size_t write_leaf_line(const scenario *self, uint64_t line, char *out)
{
    const scenario_options *options = &self->options;
    uint64_t color = line % options->colors;
    uint64_t size = line / options->colors % options->sizes;
    uint64_t style = line / options->colors / options->sizes;
    return append(out, BULK_LINE_BYTES,
                  "{\"id\":\"%s-%" PRIu64 "\",\"organizationId\":\"usmf\","
                  "\"productId\":\"%s\",\"dimensions\":{\"siteId\":\"1\","
                  "\"locationId\":\"11\",\"ColorId\":\"c%03" PRIu64 "\","
                  "\"SizeId\":\"s%03" PRIu64 "\",\"StyleId\":\"t%03" PRIu64
                  "\"},\"quantities\":{\"pos\":{\"inbound\":" LEAF_STOCK "}}}",
                  options->id_prefix, line, options->product, color, size,
                  style);
}

/* The body is built in the upper half of the buffer, which has room for it,
 * and moved down behind the headers once its length is known. */
static size_t write_bulk(const scenario *self, uint64_t sequence, char *request)
{
    char *body = request + HEADER_BYTES + BULK_LINES * BULK_LINE_BYTES;
    uint64_t first = sequence * BULK_LINES;
    uint64_t end = first + BULK_LINES;
    uint64_t count = count_lines(self);
    size_t length = 0;
    end = end < count ? end : count;
    for (uint64_t line = first; line < end; line++) {
        body[length] = line == first ? '[' : ',';
        length++;
        length += self->options.kind == SCENARIO_FILL
                      ? write_fill_line(self, line, body + length)
                      : write_leaf_line(self, line, body + length);
    }
    body[length] = ']';
    length++;
    return write_post(self, "onhand/bulk", body, length, request,
                      HEADER_BYTES + BULK_LINES * BULK_LINE_BYTES);
}

/* Pairs differ by more than digits, so the whole text is written. */
static size_t write_pair(const scenario *self, uint64_t sequence, char *request)
{
    bool is_second = sequence % 2 == 1;
    size_t length = is_second ? self->second_length : self->length;
    memcpy(request, is_second ? self->second : self->text, length);
    put_digits(request + (is_second ? self->second_id_at : self->id_at),
               ID_DIGITS, sequence);
    return length;
}

size_t scenario_write(scenario *self, uint64_t sequence, char *request)
{
    if (is_bulk(self)) {
        return write_bulk(self, sequence, request);
    }
    if (self->options.kind == SCENARIO_PAIR) {
        return write_pair(self, sequence, request);
    }
    if (self->id_at > 0) {
        put_digits(request + self->id_at, ID_DIGITS, sequence);
    }
    if (self->product_at > 0) {
        uint64_t product = next_random(self) % self->options.products;
        put_digits(request + self->product_at, PRODUCT_DIGITS, product);
    }
    return self->length;
}
