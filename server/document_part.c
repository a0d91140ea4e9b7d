/*
 * document_part.c - values of a document by name, with their paths.
 */
#include "server/document_internal.h"

#include <stdio.h>
#include <string.h>

/* No path grows longer: a mistake shows less than this, and children of a
 * member with an endless name must not each repeat it. */
#define PATH_BYTES_MAX 200

static const char *const kind_names[] = {
    [RF_JSON_NULL] = "null",       [RF_JSON_BOOLEAN] = "true or false",
    [RF_JSON_NUMBER] = "a number", [RF_JSON_STRING] = "a text",
    [RF_JSON_ARRAY] = "a list",    [RF_JSON_OBJECT] = "an object",
};

void *rf_document__allocate(rf_document_reader *reader, size_t count,
                            size_t size)
{
    void *elements = rf_arena_calloc(reader->arena, count, size);
    if (elements == NULL) {
        reader->no_memory = true;
    }
    return elements;
}

static rf_text keep_path(rf_document_reader *reader, const char *path,
                         size_t length)
{
    const char *copy = rf_arena_copy(reader->arena, path, length);
    if (copy == NULL) {
        reader->no_memory = true;
        return RF_TEXT_EMPTY;
    }
    return (rf_text){copy, length};
}

/* Say whether a name can stand behind a dot without quotes. */
static bool is_plain(rf_text name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = rf_lower(name.bytes[i]);
        bool letter = (c >= 'a' && c <= 'z') || (c & 0x80) != 0;
        bool digit = c >= '0' && c <= '9';
        if (!letter && !digit && c != '_' && c != '-' && c != '@') {
            return false;
        }
    }
    return name.length > 0;
}

rf_text rf_document__path(rf_document_reader *reader, rf_text parent,
                          rf_text name)
{
    if (parent.length + name.length + 4 > PATH_BYTES_MAX) {
        return parent;
    }
    char path[PATH_BYTES_MAX + 1];
    bool plain = is_plain(name);
    int length = snprintf(path, sizeof path, "%.*s%s%.*s%s", (int)parent.length,
                          parent.bytes, plain ? "." : "[\"", (int)name.length,
                          name.bytes, plain ? "" : "\"]");
    return keep_path(reader, path, (size_t)length);
}

rf_text rf_document__path_at(rf_document_reader *reader, rf_text parent,
                             size_t index)
{
    char path[PATH_BYTES_MAX + 1];
    int length = snprintf(path, sizeof path, "%.*s[%zu]", (int)parent.length,
                          parent.bytes, index);
    if (length > PATH_BYTES_MAX) {
        return parent;
    }
    return keep_path(reader, path, (size_t)length);
}

bool rf_document__find(rf_document_reader *reader,
                       const rf_document_part *object, const char *name,
                       rf_document_part *out)
{
    rf_text member = rf_text_of(name);
    const rf_json *value = rf_json_member(object->value, member);
    if (value == NULL || rf_json_is(value, RF_JSON_NULL)) {
        return false;
    }
    out->value = value;
    out->path = rf_document__path(reader, object->path, member);
    return true;
}

bool rf_document__is(rf_document_reader *reader, const rf_document_part *part,
                     rf_json_kind kind)
{
    if (rf_json_is(part->value, kind)) {
        return true;
    }
    rf_problems_add(reader->problems, part->path, "%s is expected",
                    kind_names[kind]);
    return false;
}

bool rf_document__child(rf_document_reader *reader,
                        const rf_document_part *object, const char *name,
                        rf_json_kind kind, rf_document_part *out)
{
    rf_document_part part;
    if (!rf_document__find(reader, object, name, &part) ||
        !rf_document__is(reader, &part, kind)) {
        return false;
    }
    *out = part;
    return true;
}

bool rf_document__text(rf_document_reader *reader,
                       const rf_document_part *object, const char *name,
                       rf_text *out)
{
    rf_document_part part;
    if (!rf_document__child(reader, object, name, RF_JSON_STRING, &part)) {
        return false;
    }
    *out = rf_json_text(part.value);
    return true;
}

bool rf_document__flag(rf_document_reader *reader,
                       const rf_document_part *object, const char *name,
                       bool *out)
{
    rf_document_part part;
    if (!rf_document__child(reader, object, name, RF_JSON_BOOLEAN, &part)) {
        return false;
    }
    *out = rf_json_truth(part.value);
    return true;
}

bool rf_document__integer(rf_document_reader *reader,
                          const rf_document_part *object, const char *name,
                          rf_json_range range, int64_t *out)
{
    rf_document_part part;
    if (!rf_document__find(reader, object, name, &part)) {
        return false;
    }
    rf_error err;
    if (rf_json_to_integer(part.value, range, out, &err) != RF_OK) {
        rf_problems_add(reader->problems, part.path, "%s", err.message);
        return false;
    }
    return true;
}

bool rf_document__list(rf_document_reader *reader, const rf_document_part *list,
                       rf_draft_names *out)
{
    out->path = list->path;
    out->items = rf_document__allocate(reader, rf_json_length(list->value),
                                       sizeof *out->items);
    if (out->items == NULL) {
        return false;
    }
    size_t index = 0;
    for (const rf_json *value = rf_json_first(list->value); value != NULL;
         value = rf_json_next(value)) {
        rf_text path = rf_document__path_at(reader, list->path, index++);
        rf_document_part part = {value, path};
        if (rf_document__is(reader, &part, RF_JSON_STRING)) {
            out->items[out->count++] =
                (rf_draft_name){rf_json_text(value), path};
        }
    }
    return true;
}

bool rf_document__names(rf_document_reader *reader,
                        const rf_document_part *object, const char *name,
                        rf_draft_names *out)
{
    rf_document_part list;
    out->path = rf_document__path(reader, object->path, rf_text_of(name));
    return rf_document__child(reader, object, name, RF_JSON_ARRAY, &list) &&
           rf_document__list(reader, &list, out);
}

bool rf_document__pairs(rf_document_reader *reader,
                        const rf_document_part *object, const char *name,
                        rf_draft_pairs *out)
{
    rf_document_part all;
    out->path = rf_document__path(reader, object->path, rf_text_of(name));
    if (!rf_document__child(reader, object, name, RF_JSON_OBJECT, &all)) {
        return false;
    }
    out->items = rf_document__allocate(reader, rf_json_length(all.value),
                                       sizeof *out->items);
    if (out->items == NULL) {
        return false;
    }
    for (const rf_json *value = rf_json_first(all.value); value != NULL;
         value = rf_json_next(value)) {
        rf_text from = rf_json_name(value);
        rf_text path = rf_document__path(reader, all.path, from);
        rf_document_part part = {value, path};
        if (!rf_json_is(value, RF_JSON_NULL) &&
            rf_document__is(reader, &part, RF_JSON_STRING)) {
            out->items[out->count++] =
                (rf_draft_pair){{from, path}, {rf_json_text(value), path}};
        }
    }
    return true;
}
