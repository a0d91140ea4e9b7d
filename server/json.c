/*
 * json.c - the JSON library behind our own gate and memory.
 *
 * The library allocates through hooks that are set once for the process. They
 * take memory from the arena that the current thread is parsing into and never
 * give any back. While a tree is built, numbers are strings with a mark; one
 * walk afterwards turns those into nodes of the library's type "raw", whose
 * string is the number's text, and looks for names that stand twice.
 */
#include "server/json.h"

#include "server/json_write.h"

#include <cjson/cJSON.h>

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Up to so many members, comparing each with each is the fastest way. */
#define FEW_MEMBERS 24

_Static_assert(RF_JSON_DEPTH_CEILING <= RF_JSON_WRITE_DEPTH_MAX,
               "whatever was parsed can be printed");

/* Set only while this thread is inside the library. */
static _Thread_local rf_arena *parse_arena;

static pthread_once_t hooks_once = PTHREAD_ONCE_INIT;

static void *allocate_in_arena(size_t size)
{
    return rf_arena_alloc(parse_arena, size);
}

static void keep_in_arena(void *block)
{
    (void)block;
}

static void set_hooks(void)
{
    cJSON_Hooks hooks = {.malloc_fn = allocate_in_arena,
                         .free_fn = keep_in_arena};
    cJSON_InitHooks(&hooks);
}

/* Turn the stand-in for a number into a number. */
static void unmask_number(cJSON *node)
{
    if (cJSON_IsString(node) && node->valuestring[0] == RF_JSON_NUMBER_MARK) {
        node->type = cJSON_Raw;
        node->valuestring++;
    }
}

/* Where a walk over a tree stands: the node, and the containers around it. */
typedef struct walk {
    cJSON *open[RF_JSON_DEPTH_CEILING];
    size_t depth;
    cJSON *node; /* NULL behind the last one */
} walk;

static void step_behind(walk *w, const cJSON *root)
{
    while (w->node != root && w->node->next == NULL) {
        w->node = w->open[--w->depth];
    }
    w->node = w->node == root ? NULL : w->node->next;
}

/* Go to the next node, parents before children. */
static void step(walk *w, const cJSON *root)
{
    if (w->node->child == NULL) {
        step_behind(w, root);
        return;
    }
    RF_ASSERT(w->depth < RF_JSON_DEPTH_CEILING);
    w->open[w->depth++] = w->node;
    w->node = w->node->child;
}

typedef struct known_name {
    rf_text text;
    uint32_t sketch; /* length, first and last letter: differs for most */
} known_name;

static known_name know_name(const char *string)
{
    rf_text text = rf_text_of(string);
    uint32_t sketch = (uint32_t)text.length << 16;
    if (text.length > 0) {
        sketch |= (uint32_t)(unsigned char)rf_lower(text.bytes[0]) << 8;
        sketch |= (unsigned char)rf_lower(text.bytes[text.length - 1]);
    }
    return (known_name){text, sketch};
}

static const char *find_twin_of_few(const cJSON *object)
{
    known_name names[FEW_MEMBERS];
    size_t count = 0;
    for (const cJSON *node = object->child; node != NULL; node = node->next) {
        known_name name = know_name(node->string);
        for (size_t i = 0; i < count; i++) {
            if (names[i].sketch == name.sketch &&
                rf_text_is_name(names[i].text, name.text)) {
                return node->string;
            }
        }
        names[count++] = name;
    }
    return NULL;
}

static int compare_names(const void *a, const void *b)
{
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorting costs the same whatever names somebody thinks up, where a table of
 * hashes would not. */
static const char *find_twin_of_many(const cJSON *object, const char **names)
{
    size_t count = 0;
    for (const cJSON *node = object->child; node != NULL; node = node->next) {
        names[count++] = node->string;
    }
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count; i++) {
        if (strcasecmp(names[i - 1], names[i]) == 0) {
            return names[i];
        }
    }
    return NULL;
}

static size_t find_index(const cJSON *array, const cJSON *element)
{
    size_t index = 0;
    for (const cJSON *node = array->child; node != element; node = node->next) {
        index++;
    }
    return index;
}

/* Append the printed step to a path; what does not fit is left out. */
static void extend_path(char *path, size_t size, const char *text)
{
    size_t length = strlen(path);
    size_t added = strlen(text);
    if (length + added < size) {
        memcpy(path + length, text, added + 1);
    }
}

static rf_status fail_twin(const walk *w, const char *name, rf_error *err)
{
    char path[sizeof err->field] = "";
    for (size_t i = 1; i <= w->depth; i++) {
        const cJSON *node = i < w->depth ? w->open[i] : w->node;
        if (node->string != NULL) {
            extend_path(path, sizeof path, path[0] == '\0' ? "" : ".");
            extend_path(path, sizeof path, node->string);
        } else {
            char index[32];
            snprintf(index, sizeof index, "[%zu]",
                     find_index(w->open[i - 1], node));
            extend_path(path, sizeof path, index);
        }
    }
    extend_path(path, sizeof path, path[0] == '\0' ? "" : ".");
    extend_path(path, sizeof path, name);
    return rf_fail_field(err, RF_E_DUPLICATE_KEY, path,
                         "a name stands twice in one object "
                         "(letter case makes no difference)");
}

static rf_status check_names(rf_arena *arena, const walk *w, rf_error *err)
{
    size_t count = rf_json_length(w->node);
    const char *twin = NULL;
    if (count <= FEW_MEMBERS) {
        twin = find_twin_of_few(w->node);
    } else {
        const char **names = rf_arena_calloc(arena, count, sizeof *names);
        if (names == NULL) {
            return rf_fail(err, RF_E_NO_MEMORY, "no memory to read JSON");
        }
        twin = find_twin_of_many(w->node, names);
    }
    return twin == NULL ? RF_OK : fail_twin(w, twin, err);
}

static rf_status finish_tree(rf_arena *arena, cJSON *root, rf_error *err)
{
    walk w = {.node = root};
    while (w.node != NULL) {
        unmask_number(w.node);
        if (cJSON_IsObject(w.node)) {
            rf_status status = check_names(arena, &w, err);
            if (status != RF_OK) {
                return status;
            }
        }
        step(&w, root);
    }
    return RF_OK;
}

static cJSON *build_tree(rf_arena *arena, const char *text, size_t length)
{
    int mistake = pthread_once(&hooks_once, set_hooks);
    RF_ASSERT(mistake == 0);
    parse_arena = arena;
    cJSON *root = cJSON_ParseWithLengthOpts(text, length, NULL, 0);
    parse_arena = NULL;
    return root;
}

rf_status rf_json_parse(rf_arena *arena, rf_text text, rf_json_limits limits,
                        const rf_json **root, rf_error *err)
{
    char *room = rf_arena_alloc(arena, rf_json_scan_room(text.length, &limits));
    if (room == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory to read JSON");
    }
    size_t used = 0;
    rf_status status = rf_json_scan(text, &limits, room, &used, err);
    if (status != RF_OK) {
        return status;
    }
    /* What passed the scan is valid for the library, too: only memory can be
     * the reason when it gives nothing back. */
    cJSON *tree = build_tree(arena, room, used);
    if (tree == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory to read JSON");
    }
    status = finish_tree(arena, tree, err);
    if (status == RF_OK) {
        *root = tree;
    }
    return status;
}

rf_json_kind rf_json_kind_of(const rf_json *value)
{
    switch (value->type & 0xFF) {
    case cJSON_False:
    case cJSON_True:
        return RF_JSON_BOOLEAN;
    case cJSON_Raw:
        return RF_JSON_NUMBER;
    case cJSON_String:
        return RF_JSON_STRING;
    case cJSON_Array:
        return RF_JSON_ARRAY;
    case cJSON_Object:
        return RF_JSON_OBJECT;
    default:
        return RF_JSON_NULL;
    }
}

bool rf_json_is(const rf_json *value, rf_json_kind kind)
{
    return value != NULL && rf_json_kind_of(value) == kind;
}

/* Compare with a NUL-terminated name, without measuring it first. Most clients
 * write the contract's spelling, so lowering is the exception. */
static bool is_named(const char *string, rf_text name)
{
    for (size_t i = 0; i < name.length; i++) {
        if (string[i] != name.bytes[i] &&
            rf_lower(string[i]) != rf_lower(name.bytes[i])) {
            return false;
        }
        if (string[i] == '\0') {
            return false;
        }
    }
    return string[name.length] == '\0';
}

const rf_json *rf_json_member(const rf_json *object, rf_text name)
{
    if (!cJSON_IsObject(object)) {
        return NULL;
    }
    const cJSON *node = object->child;
    while (node != NULL && !is_named(node->string, name)) {
        node = node->next;
    }
    return node;
}

const rf_json *rf_json_first(const rf_json *container)
{
    return container->child;
}

const rf_json *rf_json_next(const rf_json *value)
{
    return value->next;
}

size_t rf_json_length(const rf_json *container)
{
    size_t count = 0;
    for (const cJSON *node = container->child; node != NULL;
         node = node->next) {
        count++;
    }
    return count;
}

rf_text rf_json_name(const rf_json *member)
{
    RF_ASSERT(member->string != NULL);
    return rf_text_of(member->string);
}

rf_text rf_json_text(const rf_json *value)
{
    RF_ASSERT(value->valuestring != NULL);
    return rf_text_of(value->valuestring);
}

bool rf_json_truth(const rf_json *value)
{
    RF_ASSERT(cJSON_IsBool(value));
    return cJSON_IsTrue(value) != 0;
}

/* Print one node; of a container only its beginning. */
static void print_node(rf_json_writer *writer, const cJSON *node)
{
    switch (rf_json_kind_of(node)) {
    case RF_JSON_OBJECT:
        rf_json_begin_object(writer);
        break;
    case RF_JSON_ARRAY:
        rf_json_begin_array(writer);
        break;
    case RF_JSON_STRING:
        rf_json_put_text(writer, rf_json_text(node));
        break;
    case RF_JSON_NUMBER:
        rf_json_put_raw(writer, rf_json_text(node));
        break;
    case RF_JSON_BOOLEAN:
        rf_json_put_bool(writer, rf_json_truth(node));
        break;
    case RF_JSON_NULL:
        rf_json_put_null(writer);
        break;
    }
}

static void print_end(rf_json_writer *writer, const cJSON *node)
{
    if (cJSON_IsObject(node)) {
        rf_json_end_object(writer);
    } else if (cJSON_IsArray(node)) {
        rf_json_end_array(writer);
    }
}

void rf_json_print(const rf_json *value, rf_buffer *out, bool pretty)
{
    rf_json_writer writer;
    rf_json_writer_init(&writer, out, pretty);
    const cJSON *open[RF_JSON_DEPTH_CEILING];
    size_t depth = 0;
    const cJSON *node = value;
    while (node != NULL) {
        if (node != value && node->string != NULL) {
            rf_json_put_key_text(&writer, rf_json_name(node));
        }
        print_node(&writer, node);
        if (node->child != NULL) {
            open[depth++] = node;
            node = node->child;
            continue;
        }
        print_end(&writer, node);
        while (node != value && node->next == NULL) {
            node = open[--depth];
            print_end(&writer, node);
        }
        node = node == value ? NULL : node->next;
    }
}
