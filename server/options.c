/*
 * options.c - the table of options and what reads, checks and prints it.
 */
#include "server/options.h"

#include "server/json_read.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define KIBI INT64_C(1024)
#define MEBI (1024 * KIBI)
#define GIBI (1024 * MEBI)
#define TEBI (1024 * GIBI)

/* Longest text of an option, and of a path in a complaint. */
#define TEXT_MAX 1024
#define PATH_SIZE 160

/* A configuration is read once, at start: only sanity bounds it. */
#define FILE_LIMITS ((rf_json_limits){.depth_max = 16, .values_max = 200000})

#define MEMORY_BLOCK_BYTES ((size_t)16 * 1024)

typedef enum {
    OPTION_TEXT,
    OPTION_ADDRESS,
    OPTION_INTEGER,
    OPTION_BOOLEAN,
    OPTION_LEVEL,
    OPTION_LIST
} option_type;

typedef struct option_row {
    const char *name;
    option_type type;
    size_t offset;        /* of the member of rf_options it fills in */
    const char *standard; /* default of text, address and level */
    int64_t number;       /* default of an integer or a boolean */
    rf_json_range range;  /* of an integer */
    const char *sentence;
} option_row;

#define TEXT_ROW(name, type, member, standard, sentence)                       \
    {                                                                          \
        name, type, offsetof(rf_options, member), standard, 0, {0, 0},         \
            sentence                                                           \
    }
#define INTEGER_ROW(name, member, number, min, max, sentence)                  \
    {                                                                          \
        name, OPTION_INTEGER, offsetof(rf_options, member), NULL, number,      \
            {min, max}, sentence                                               \
    }
#define BOOLEAN_ROW(name, member, truth, sentence)                             \
    {                                                                          \
        name, OPTION_BOOLEAN, offsetof(rf_options, member), NULL, truth,       \
            {0, 0}, sentence                                                   \
    }
#define PLAIN_ROW(name, type, member, sentence)                                \
    {                                                                          \
        name, type, offsetof(rf_options, member), NULL, 0, {0, 0}, sentence    \
    }

static const option_row option_table[] = {
    TEXT_ROW("listen", OPTION_ADDRESS, listen, "127.0.0.1:8080",
             "Numeric address and port to listen on; port 0 takes a free one."),
    TEXT_ROW("dataDirectory", OPTION_TEXT, data_directory, "data",
             "Where the store lives: a local disk that honours flushes."),
    TEXT_ROW("pluginsDirectory", OPTION_TEXT, plugins_directory, "plugins",
             "Plugin folders that every environment may use."),
    TEXT_ROW("environmentsDirectory", OPTION_TEXT, environments_directory,
             "environments", "One configuration document per environment."),
    INTEGER_ROW("ioThreads", io_threads, 0, 0, 256,
                "Threads that serve connections; 0 takes one per core."),
    BOOLEAN_ROW("plugins.watch", watch_plugins, false,
                "Whether a plugin's file that is saved is loaded at once; else "
                "a reload does it. Off, because an editor may save what is not "
                "finished."),
    BOOLEAN_ROW("plugins.compile", compile_formulas, true,
                "Whether formulas that can be proved to be sums, largest or "
                "smallest are evaluated natively; else all run in Lua."),
    INTEGER_ROW("limits.bodyBytes", body_bytes, MEBI, KIBI, MEBI,
                "Longest body; beyond it a request is answered 413."),
    INTEGER_ROW("limits.bulkItems", bulk_items, 512, 1, 512,
                "Most lines of one bulk request; beyond it `too_many_items`."),
    INTEGER_ROW("limits.queryProducts", query_products, 5000, 1, 5000,
                "Most products of one query; beyond it `too_many_items`."),
    INTEGER_ROW("limits.headBytes", head_bytes, 16 * KIBI, KIBI, 64 * KIBI,
                "Longest request line and headers; beyond it 431."),
    INTEGER_ROW("limits.headers", headers, 64, 8, 256,
                "Most headers of one request; beyond it 431."),
    INTEGER_ROW("limits.connections", connections, 4000, 1, 65536,
                "Most connections at once; further ones wait to be accepted."),
    INTEGER_ROW("limits.queueCommands", queue_commands, 16384, 1, 1048576,
                "Most commands waiting for the writer; beyond it 503."),
    INTEGER_ROW("limits.streams", streams, 100, 0, 65536,
                "Most streams of events at once; beyond it 503."),
    INTEGER_ROW("limits.historyEntries", history_entries, 1000000, 1, 10000000,
                "Journal entries read for one page of a history; the next page "
                "goes on there."),
    INTEGER_ROW("timeouts.requestMs", request_ms, 10000, 100, 600000,
                "How long a request may take to arrive in full."),
    INTEGER_ROW("timeouts.idleMs", idle_ms, 15000, 100, 3600000,
                "How long a connection may stay open between two requests."),
    INTEGER_ROW("timeouts.heartbeatMs", heartbeat_ms, 15000, 100, 600000,
                "How long a stream may be quiet before it shows that it "
                "lives."),
    INTEGER_ROW("timeouts.replacedMs", replaced_ms, 60000, 100, 3600000,
                "How long an answer may go on under a configuration that has "
                "been replaced; then it is cut off."),
    INTEGER_ROW("timeouts.drainMs", drain_ms, 20000, 100, 600000,
                "How long a stop waits for requests that were accepted."),
    INTEGER_ROW("store.mapBytes", map_bytes, 64 * GIBI, MEBI, 64 * TEBI,
                "Address space of the store to begin with; it doubles up to 16 "
                "times this."),
    INTEGER_ROW("store.freeSpaceBytes", free_space_bytes, 512 * MEBI, 0, TEBI,
                "Free disk space below which writes are refused."),
    INTEGER_ROW("journal.retentionDays", retention_days, 30, 1, 36500,
                "Age from which journal entries are removed."),
    INTEGER_ROW("journal.maxBytes", journal_bytes, 16 * GIBI, 16 * MEBI,
                64 * TEBI, "Size from which the oldest entries are removed."),
    INTEGER_ROW("idempotency.maxIds", ids_max, 10000000, 1000, 1000000000,
                "Most ids remembered, at about 24 bytes each."),
    INTEGER_ROW("adjustments.periodMinutes", adjustment_minutes, 5, 1, 1440,
                "How long an adjustment is staged before it is posted, unless "
                "it is posted at once."),
    TEXT_ROW("log.level", OPTION_LEVEL, log_level, "info",
             "What is logged: `error`, `warn`, `info` or `debug`."),
    BOOLEAN_ROW("behindTlsProxy", behind_tls_proxy, false,
                "Whether something in front of the server speaks TLS; needed "
                "to listen beyond this machine."),
    PLAIN_ROW("auth.keys", OPTION_LIST, auth_keys,
              "API keys: `name`, `sha256`, `roles`, `environments`."),
    PLAIN_ROW("auth.clients", OPTION_LIST, auth_clients,
              "Clients of the token calls: `clientId`, `secretSha256`, "
              "`roles`, `environments`."),
};

#define OPTION_COUNT (sizeof option_table / sizeof *option_table)

static void *find_slot(rf_options *options, const option_row *row)
{
    return (unsigned char *)options + row->offset;
}

static const option_row *find_row(rf_text name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (rf_text_is_name(name, rf_text_of(option_table[i].name))) {
            return &option_table[i];
        }
    }
    return NULL;
}

/* Say whether some option's name starts with "section.". */
static bool is_section(rf_text section)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *point = strchr(option_table[i].name, '.');
        if (point != NULL) {
            rf_text own = {option_table[i].name,
                           (size_t)(point - option_table[i].name)};
            if (rf_text_is_name(section, own)) {
                return true;
            }
        }
    }
    return false;
}

/* Return the host in front of ":port", the empty text when the address has not
 * that form. An IPv6 host keeps its brackets. */
static rf_text split_host(rf_text address)
{
    size_t colon = address.length;
    while (colon > 0 && address.bytes[colon - 1] != ':') {
        colon--;
    }
    long port = 0;
    for (size_t i = colon; i < address.length; i++) {
        int digit = address.bytes[i] - '0';
        port = port * 10 + digit;
        if (digit < 0 || digit > 9 || port > 65535) {
            return RF_TEXT_EMPTY;
        }
    }
    return colon == 0 || colon == address.length
               ? RF_TEXT_EMPTY
               : (rf_text){address.bytes, colon - 1};
}

/* Say whether the text is a numeric address with a port, and whether only this
 * machine can reach it. Names are not resolved: what is bound is what stands
 * in the file. */
static bool read_address(rf_text address, bool *is_loopback)
{
    rf_text host = split_host(address);
    char text[INET6_ADDRSTRLEN + 2] = "";
    unsigned char bytes[sizeof(struct in6_addr)];
    if (host.length == 0 || host.length >= sizeof text) {
        return false;
    }
    memcpy(text, host.bytes, host.length);
    if (text[0] != '[') {
        bool valid = inet_pton(AF_INET, text, bytes) == 1;
        *is_loopback = valid && bytes[0] == 127;
        return valid;
    }
    if (text[host.length - 1] != ']') {
        return false;
    }
    text[host.length - 1] = '\0';
    bool valid = inet_pton(AF_INET6, text + 1, bytes) == 1;
    *is_loopback = valid && memcmp(bytes, &in6addr_loopback, sizeof bytes) == 0;
    return valid;
}

/* Set an option of a text type. The text outlives the options. */
static rf_status set_text(rf_options *options, const option_row *row,
                          rf_text text, rf_error *err)
{
    if (row->type == OPTION_LEVEL) {
        rf_log_level *slot = find_slot(options, row);
        return rf_log_level_of(text, slot)
                   ? RF_OK
                   : rf_fail(err, RF_E_BAD_CONFIGURATION,
                             "error, warn, info or debug is expected");
    }
    bool is_loopback = false;
    if (row->type == OPTION_ADDRESS && !read_address(text, &is_loopback)) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION,
                       "a numeric address and a port are expected, such as "
                       "127.0.0.1:8080 or [::1]:0");
    }
    if (text.length == 0) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION, "a text is expected");
    }
    const char **slot = find_slot(options, row);
    *slot = text.bytes;
    return RF_OK;
}

static rf_status set_boolean(rf_options *options, const option_row *row,
                             const rf_json *value, rf_error *err)
{
    if (!rf_json_is(value, RF_JSON_BOOLEAN)) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION,
                       "true or false is expected");
    }
    bool *slot = find_slot(options, row);
    *slot = rf_json_truth(value);
    return RF_OK;
}

static rf_status set_list(rf_options *options, const option_row *row,
                          const rf_json *value, rf_error *err)
{
    if (!rf_json_is(value, RF_JSON_ARRAY)) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION, "an array is expected");
    }
    const rf_json **slot = find_slot(options, row);
    *slot = value;
    return RF_OK;
}

static rf_status set_option(rf_options *options, const option_row *row,
                            const rf_json *value, rf_error *err)
{
    switch (row->type) {
    case OPTION_INTEGER:
        return rf_json_to_integer(value, row->range, find_slot(options, row),
                                  err);
    case OPTION_BOOLEAN:
        return set_boolean(options, row, value, err);
    case OPTION_LIST:
        return set_list(options, row, value, err);
    case OPTION_TEXT:
    case OPTION_ADDRESS:
    case OPTION_LEVEL:
        break;
    }
    rf_text text = RF_TEXT_EMPTY;
    rf_status status = rf_json_to_string(value, TEXT_MAX, &text, err);
    return status == RF_OK ? set_text(options, row, text, err) : status;
}

/* Read one member that is no section. `path` is its full name. */
static void read_member(rf_options *options, rf_text path, const rf_json *value,
                        rf_problems *problems)
{
    const option_row *row = find_row(path);
    rf_error problem = {0};
    if (row == NULL) {
        rf_problems_add(problems, path, "there is no such option");
    } else if (set_option(options, row, value, &problem) != RF_OK) {
        rf_problems_add(problems, rf_text_of(row->name), "%s", problem.message);
    }
}

static void read_section(rf_options *options, const rf_json *section,
                         rf_problems *problems)
{
    rf_text name = rf_json_name(section);
    if (!rf_json_is(section, RF_JSON_OBJECT)) {
        rf_problems_add(problems, name, "an object is expected");
        return;
    }
    for (const rf_json *member = rf_json_first(section); member != NULL;
         member = rf_json_next(member)) {
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "%s.%s", name.bytes,
                 rf_json_name(member).bytes);
        read_member(options, rf_text_of(path), member, problems);
    }
}

void rf_options_init(rf_options *options)
{
    *options = (rf_options){0};
    rf_arena_init(&options->memory, MEMORY_BLOCK_BYTES, 0);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const option_row *row = &option_table[i];
        if (row->standard != NULL) {
            rf_status status =
                set_text(options, row, rf_text_of(row->standard), NULL);
            RF_ASSERT(status == RF_OK);
        } else if (row->type == OPTION_INTEGER) {
            int64_t *slot = find_slot(options, row);
            *slot = row->number;
        } else if (row->type == OPTION_BOOLEAN) {
            bool *slot = find_slot(options, row);
            *slot = row->number != 0;
        }
    }
}

void rf_options_done(rf_options *options)
{
    rf_arena_done(&options->memory);
}

rf_status rf_options_read(rf_options *options, rf_text text,
                          rf_problems *problems, rf_error *err)
{
    const rf_json *root = NULL;
    rf_status status =
        rf_json_parse(&options->memory, text, FILE_LIMITS, &root, err);
    if (status != RF_OK) {
        return status;
    }
    size_t problems_before = problems->count;
    if (!rf_json_is(root, RF_JSON_OBJECT)) {
        rf_problems_add(problems, rf_text_of("$"), "an object is expected");
    } else {
        for (const rf_json *member = rf_json_first(root); member != NULL;
             member = rf_json_next(member)) {
            rf_text name = rf_json_name(member);
            if (is_section(name)) {
                read_section(options, member, problems);
            } else {
                read_member(options, name, member, problems);
            }
        }
    }
    return problems->count == problems_before ? RF_OK
                                              : rf_problems_fail(problems, err);
}

rf_status rf_options_override(rf_options *options, const char *name,
                              const char *value, rf_error *err)
{
    const option_row *row = find_row(rf_text_of(name));
    RF_ASSERT(row != NULL && row->standard != NULL);
    const char *copy = rf_arena_copy(&options->memory, value, strlen(value));
    if (copy == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory for the options");
    }
    rf_error problem = {0};
    rf_status status = set_text(options, row, rf_text_of(copy), &problem);
    return status == RF_OK
               ? RF_OK
               : rf_fail_field(err, status, row->name, "%s", problem.message);
}

bool rf_options_is_loopback(const rf_options *options)
{
    bool is_loopback = false;
    return read_address(rf_text_of(options->listen), &is_loopback) &&
           is_loopback;
}

static bool has_members(const rf_json *list)
{
    return list != NULL && rf_json_first(list) != NULL;
}

void rf_options_check(const rf_options *options, rf_problems *problems)
{
    if (rf_options_is_loopback(options)) {
        return;
    }
    if (!has_members(options->auth_keys) &&
        !has_members(options->auth_clients)) {
        rf_problems_add(problems, rf_text_of("listen"),
                        "listening beyond this machine needs auth.keys");
    }
    if (!options->behind_tls_proxy) {
        rf_problems_add(problems, rf_text_of("listen"),
                        "listening beyond this machine needs TLS in front of "
                        "the server: set behindTlsProxy when it is there");
    }
}

static const char *type_name(option_type type)
{
    static const char *const names[] = {
        [OPTION_TEXT] = "text",       [OPTION_ADDRESS] = "address:port",
        [OPTION_INTEGER] = "integer", [OPTION_BOOLEAN] = "boolean",
        [OPTION_LEVEL] = "word",      [OPTION_LIST] = "array"};
    return names[type];
}

static void print_row(rf_buffer *out, const option_row *row)
{
    char cells[128];
    snprintf(cells, sizeof cells, "| `%s` | %s | ", row->name,
             type_name(row->type));
    rf_buffer_append_string(out, cells);
    if (row->type == OPTION_INTEGER) {
        snprintf(cells, sizeof cells,
                 "%" PRId64 " | %" PRId64 " to %" PRId64 " | ", row->number,
                 row->range.min, row->range.max);
        rf_buffer_append_string(out, cells);
    } else {
        const char *standard = row->standard;
        if (standard == NULL) {
            standard = row->type != OPTION_BOOLEAN ? "[]"
                       : row->number != 0          ? "true"
                                                   : "false";
        }
        snprintf(cells, sizeof cells, "`%s` | | ", standard);
        rf_buffer_append_string(out, cells);
    }
    rf_buffer_append_string(out, row->sentence);
    rf_buffer_append_string(out, " |\n");
}

void rf_options_print(rf_buffer *out)
{
    rf_buffer_append_string(out,
                            "| option | type | default | range | meaning |\n"
                            "| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        print_row(out, &option_table[i]);
    }
}
