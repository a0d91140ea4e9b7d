/*
 * test_openapi.c - the contract describes the routes there are, and no others.
 *
 * What is described ahead of its route is listed in tests/openapi/planned; a
 * line there for a route that exists fails.
 */
#include "server/api_internal.h"
#include "server/page.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ENVIRONMENT "/api/environment/{environmentId}"
#define PLANNED "tests/openapi/planned"
#define LINE_SIZE 256
#define PLANNED_MAX 128

static const char *const methods[] = {
    [RF_METHOD_GET] = "get",       [RF_METHOD_HEAD] = "head",
    [RF_METHOD_POST] = "post",     [RF_METHOD_PUT] = "put",
    [RF_METHOD_DELETE] = "delete",
};

#define METHOD_COUNT (sizeof methods / sizeof methods[0])

typedef struct fixture {
    rf_arena arena;
    const rf_json *document;
    const rf_json *paths;
    char planned[PLANNED_MAX][LINE_SIZE];
    size_t planned_count;
    const rf_route *routes[RF_ROUTES_MAX];
    char lines[RF_ROUTES_MAX][LINE_SIZE];
    size_t route_count;
    unsigned problems;
} fixture;

static void read_planned(fixture *f)
{
    FILE *file = fopen(PLANNED, "r");
    char line[LINE_SIZE];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0' && line[0] != '#') {
            assert_true(f->planned_count < PLANNED_MAX);
            memcpy(f->planned[f->planned_count++], line, sizeof line);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static int tear_down(void **state)
{
    fixture *f = *state;
    rf_arena_done(&f->arena);
    free(f);
    return 0;
}

/* Tell all mistakes before failing for them. */
static void complain(fixture *f, const char *line, const char *problem)
{
    print_error("%s: %s\n", line, problem);
    f->problems++;
}

static bool is_planned(const fixture *f, const char *line)
{
    for (size_t i = 0; i < f->planned_count; i++) {
        if (strcasecmp(f->planned[i], line) == 0) {
            return true;
        }
    }
    return false;
}

/* "POST /api/environment/{environmentId}/onhand" */
static void print_route(const rf_route *route, char line[LINE_SIZE])
{
    bool host = (route->flags & RF_ROUTE_HOST) != 0;
    snprintf(line, LINE_SIZE, "%s %s%s", methods[route->method],
             host ? "" : ENVIRONMENT, route->path);
    for (char *at = line; *at != ' '; at++) {
        *at = (char)(*at - 'a' + 'A');
    }
}

/* Note every route there is. */
static void collect_routes(fixture *f)
{
    size_t count = 0;
    const rf_routes *const *tables = rf_api_tables(&count);
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            assert_true(f->route_count < RF_ROUTES_MAX);
            f->routes[f->route_count] = &tables[t]->rows[i];
            print_route(f->routes[f->route_count], f->lines[f->route_count]);
            f->route_count++;
        }
    }
    assert_true(f->route_count > 0);
}

static int set_up(void **state)
{
    const rf_json_limits limits = {.depth_max = RF_JSON_DEPTH_CEILING,
                                   .values_max = 200000};
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    rf_error err = {0};
    rf_arena_init(&f->arena, 65536, 0);
    if (rf_json_parse(&f->arena, rf_openapi_text(), limits, &f->document,
                      &err) != RF_OK) {
        fail_msg("%s: %s", err.field, err.message);
    }
    f->paths = rf_json_member(f->document, rf_text_of("paths"));
    assert_non_null(f->paths);
    read_planned(f);
    collect_routes(f);
    *state = f;
    return 0;
}

static const rf_json *find_operation(const fixture *f, const rf_route *route,
                                     const char *line)
{
    rf_text path = rf_text_of(strchr(line, ' ') + 1);
    return rf_json_member(rf_json_member(f->paths, path),
                          rf_text_of(methods[route->method]));
}

static void check_route(fixture *f, const rf_route *route, const char *line)
{
    const rf_json *operation = find_operation(f, route, line);
    const rf_json *security = rf_json_member(operation, rf_text_of("security"));
    if (is_planned(f, line)) {
        complain(f, line, "is there and need not be planned");
    }
    if (operation == NULL) {
        complain(f, line, "is not described");
        return;
    }
    if ((route->flags & (RF_ROUTE_BODY | RF_ROUTE_TEXT)) != 0 &&
        rf_json_member(operation, rf_text_of("requestBody")) == NULL) {
        complain(f, line, "its body is not described");
    }
    if ((security != NULL) != ((route->flags & RF_ROUTE_OPEN) != 0)) {
        complain(f, line, "is open, and not described so, or the reverse");
    }
}

static void every_route_is_described(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < f->route_count; i++) {
        check_route(f, f->routes[i], f->lines[i]);
    }
    assert_int_equal(f->problems, 0);
}

static bool is_route(const fixture *f, const char *line)
{
    for (size_t i = 0; i < f->route_count; i++) {
        if (strcasecmp(f->lines[i], line) == 0) {
            return true;
        }
    }
    return false;
}

static void check_path(fixture *f, const rf_json *item, size_t *planned)
{
    const char *path = rf_json_name(item).bytes;
    for (size_t method = 0; method < METHOD_COUNT; method++) {
        char line[LINE_SIZE];
        if (rf_json_member(item, rf_text_of(methods[method])) == NULL) {
            continue;
        }
        rf_route route = {
            .method = (rf_method)method, .path = path, .flags = RF_ROUTE_HOST};
        print_route(&route, line);
        if (is_planned(f, line)) {
            *planned += 1;
        } else if (!is_route(f, line)) {
            complain(f, line, "is described and not there");
        }
    }
}

static void nothing_else_is_described(void **state)
{
    fixture *f = *state;
    size_t planned = 0;
    for (const rf_json *item = rf_json_first(f->paths); item != NULL;
         item = rf_json_next(item)) {
        check_path(f, item, &planned);
    }
    assert_int_equal(f->problems, 0);
    assert_int_equal(planned, f->planned_count);
}

static const rf_json *find_words(const fixture *f)
{
    static const char *const steps[] = {"components", "schemas", "Code",
                                        "enum"};
    const rf_json *found = f->document;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        found = rf_json_member(found, rf_text_of(steps[i]));
    }
    assert_non_null(found);
    return found;
}

static void every_word_is_described(void **state)
{
    fixture *f = *state;
    const rf_json *words = find_words(f);
    for (rf_status status = RF_OK + 1; status < RF_STATUS_COUNT; status++) {
        const rf_json *word = rf_json_first(words);
        rf_text wanted = rf_text_of(rf_status_word(status));
        while (word != NULL && !rf_text_equal(rf_json_text(word), wanted)) {
            word = rf_json_next(word);
        }
        if (word == NULL) {
            complain(f, wanted.bytes, "is not among the words");
        }
    }
    assert_int_equal(f->problems, 0);
}

static void it_is_of_this_version(void **state)
{
    const fixture *f = *state;
    const rf_json *info = rf_json_member(f->document, rf_text_of("info"));
    const rf_json *version = rf_json_member(info, rf_text_of("version"));
    assert_non_null(version);
    assert_string_equal(rf_json_text(version).bytes, RINGFENCE_VERSION);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(every_route_is_described),
        CASE(nothing_else_is_described),
        CASE(every_word_is_described),
        CASE(it_is_of_this_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
