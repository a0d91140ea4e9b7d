/*
 * auth_list.c - keys and clients out of the configuration.
 *
 * A list is read to its end whatever is wrong in it, so that one start shows
 * all mistakes.
 */
#include "server/auth_internal.h"
#include "server/json_read.h"
#include "server/utf8.h"

#include <stdio.h>
#include <string.h>

#define PATH_SIZE 160

static const struct {
    const char *role;
    unsigned permissions;
} role_table[] = {
    {"reader", RF_MAY_READ},
    {"writer", RF_MAY_READ | RF_MAY_POST_STOCK | RF_MAY_CONSUME},
    {"planner", RF_MAY_READ | RF_MAY_ALLOCATE | RF_MAY_RULES},
    {"erp",
     RF_MAY_READ | RF_MAY_POST_STOCK | RF_MAY_CONSUME | RF_MAY_WRITE_FNO},
    {"admin", RF_MAY_READ | RF_MAY_POST_STOCK | RF_MAY_ALLOCATE |
                  RF_MAY_CONSUME | RF_MAY_RULES | RF_MAY_ADMIN},
};

#define ROLE_COUNT (sizeof role_table / sizeof *role_table)

/* What is needed while a list is read. */
typedef struct reading {
    rf_arena *memory;
    rf_problems *problems;
    rf_json_object object;
    bool no_memory;
} reading;

static void complain(reading *r, const char *member, const char *what)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s.%s", r->object.path, member);
    rf_problems_add(r->problems, rf_text_of(path), "%s", what);
}

static rf_text copy_text(reading *r, rf_text text)
{
    const char *copy = rf_arena_copy(r->memory, text.bytes, text.length);
    r->no_memory = r->no_memory || copy == NULL;
    return copy == NULL ? RF_TEXT_EMPTY : (rf_text){copy, text.length};
}

static void read_name(reading *r, const char *member, rf_text *out)
{
    rf_error err = {0};
    rf_text name = RF_TEXT_EMPTY;
    if (rf_json_string(r->object, member, RF_JSON_REQUIRED,
                       RF_AUTH_NAME_CHARACTERS_MAX, &name, &err) != RF_OK) {
        complain(r, member, err.message);
        return;
    }
    for (size_t i = 0; i < name.length; i++) {
        if (rf_utf8_is_control(name.bytes[i])) {
            complain(r, member, "a name holds no control bytes");
            return;
        }
    }
    *out = copy_text(r, name);
}

static bool decode_hash(rf_text text, unsigned char hash[RF_AUTH_HASH_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    if (text.length != (size_t)RF_AUTH_HASH_BYTES * 2) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        const char *digit = memchr(digits, rf_lower(text.bytes[i]), 16);
        if (digit == NULL) {
            return false;
        }
        unsigned value = (unsigned)(digit - digits);
        hash[i / 2] =
            (unsigned char)(i % 2 == 0 ? value << 4 : hash[i / 2] | value);
    }
    return true;
}

static void read_hash(reading *r, const char *member,
                      unsigned char hash[RF_AUTH_HASH_BYTES])
{
    rf_text text = RF_TEXT_EMPTY;
    rf_status status =
        rf_json_string(r->object, member, RF_JSON_REQUIRED,
                       (size_t)RF_AUTH_HASH_BYTES * 2, &text, NULL);
    if (status != RF_OK || !decode_hash(text, hash)) {
        complain(r, member, "64 hexadecimal digits of a SHA-256 are expected");
    }
}

static unsigned find_role(const rf_json *value)
{
    if (rf_json_is(value, RF_JSON_STRING)) {
        for (size_t i = 0; i < ROLE_COUNT; i++) {
            if (rf_text_is_name(rf_json_text(value),
                                rf_text_of(role_table[i].role))) {
                return role_table[i].permissions;
            }
        }
    }
    return 0;
}

/* Return a member that must be an array which is not empty, else NULL. */
static const rf_json *find_list(reading *r, const char *member)
{
    const rf_json *list = rf_json_member(r->object.value, rf_text_of(member));
    if (!rf_json_is(list, RF_JSON_ARRAY) || rf_json_first(list) == NULL) {
        complain(r, member, "an array of one or more strings is expected");
        return NULL;
    }
    return list;
}

static void read_roles(reading *r, unsigned *permissions)
{
    const rf_json *list = find_list(r, "roles");
    size_t place = 0;
    for (const rf_json *value = list == NULL ? NULL : rf_json_first(list);
         value != NULL; value = rf_json_next(value), place++) {
        unsigned found = find_role(value);
        if (found == 0) {
            char member[32];
            snprintf(member, sizeof member, "roles[%zu]", place);
            complain(r, member,
                     "reader, writer, planner, erp or admin is expected");
            return;
        }
        *permissions |= found;
    }
}

static void read_environments(reading *r, rf_identity *identity)
{
    const rf_json *list = find_list(r, "environments");
    if (list == NULL) {
        return;
    }
    rf_text *names =
        rf_arena_calloc(r->memory, rf_json_length(list), sizeof *names);
    if (names == NULL) {
        r->no_memory = true;
        return;
    }
    size_t count = 0;
    bool all = false;
    for (const rf_json *value = rf_json_first(list); value != NULL;
         value = rf_json_next(value)) {
        if (!rf_json_is(value, RF_JSON_STRING)) {
            complain(r, "environments", "only strings are expected");
            return;
        }
        all = all || rf_text_equal(rf_json_text(value), rf_text_of("*"));
        names[count++] = copy_text(r, rf_json_text(value));
    }
    if (!all) {
        identity->environments = names;
        identity->environment_count = count;
    }
}

/* Complain of members that mean nothing: a mistyped one would be missed. */
static void check_members(reading *r, const rf_auth_form *form)
{
    for (const rf_json *member = rf_json_first(r->object.value); member != NULL;
         member = rf_json_next(member)) {
        rf_text name = rf_json_name(member);
        if (!rf_text_is_name(name, rf_text_of(form->name)) &&
            !rf_text_is_name(name, rf_text_of(form->hash)) &&
            !rf_text_is_name(name, rf_text_of("roles")) &&
            !rf_text_is_name(name, rf_text_of("environments"))) {
            complain(r, name.bytes, "there is no such option");
        }
    }
}

/* Names identify actors in the journal, and hashes identify keys. */
static void check_unique(reading *r, const rf_auth_form *form,
                         const rf_auth_list *list, const rf_auth_entry *item)
{
    for (const rf_auth_entry *other = list->items; other < item; other++) {
        if (rf_text_equal(other->identity.name, item->identity.name)) {
            complain(r, form->name, "this name stands twice");
        }
        if (form->distinct &&
            memcmp(other->hash, item->hash, RF_AUTH_HASH_BYTES) == 0) {
            complain(r, form->hash, "this key stands twice");
        }
    }
}

static void read_credential(reading *r, const rf_auth_form *form,
                            rf_auth_list *list)
{
    if (!rf_json_is(r->object.value, RF_JSON_OBJECT)) {
        rf_problems_add(r->problems, rf_text_of(r->object.path),
                        "an object is expected");
        return;
    }
    rf_auth_entry *item = &list->items[list->count++];
    size_t before = r->problems->count;
    check_members(r, form);
    read_name(r, form->name, &item->identity.name);
    read_hash(r, form->hash, item->hash);
    read_roles(r, &item->identity.permissions);
    read_environments(r, &item->identity);
    if (r->problems->count == before && !r->no_memory) {
        check_unique(r, form, list, item);
    }
}

rf_status rf_auth_list_read(rf_arena *memory, const rf_json *json,
                            const rf_auth_form *form, rf_auth_list *list,
                            rf_problems *problems)
{
    if (json == NULL || rf_json_first(json) == NULL) {
        return RF_OK;
    }
    list->items =
        rf_arena_calloc(memory, rf_json_length(json), sizeof *list->items);
    if (list->items == NULL) {
        return RF_E_NO_MEMORY;
    }
    size_t index = 0;
    for (const rf_json *value = rf_json_first(json); value != NULL;
         value = rf_json_next(value)) {
        char path[PATH_SIZE / 2];
        snprintf(path, sizeof path, "%s[%zu]", form->path, index++);
        reading r = {memory, problems, {value, path}, false};
        read_credential(&r, form, list);
        if (r.no_memory) {
            return RF_E_NO_MEMORY;
        }
    }
    return RF_OK;
}
