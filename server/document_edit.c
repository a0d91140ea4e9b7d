/*
 * document_edit.c - printing documents again.
 */
#include "server/document_edit.h"

#include "core/buffer.h"
#include "server/document.h"
#include "server/json_write.h"

static const rf_document_edit *find_edit(const rf_document_edit *edits,
                                         size_t count, rf_text name)
{
    for (size_t i = 0; i < count; i++) {
        if (rf_text_is_name(rf_text_of(edits[i].name), name)) {
            return &edits[i];
        }
    }
    return NULL;
}

/* Put the members that the object does not have yet. */
static void put_missing(rf_json_writer *writer, const rf_json *object,
                        const rf_document_edit *edits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rf_json_member(object, rf_text_of(edits[i].name)) == NULL) {
            rf_json_put_key(writer, edits[i].name);
            rf_json_put_raw(writer, edits[i].value);
        }
    }
}

/* Put the members that it has; `value` is room for one at a time. */
static void put_members(rf_json_writer *writer, const rf_json *object,
                        const rf_document_edit *edits, size_t count,
                        rf_buffer *value)
{
    const rf_json *member = object == NULL ? NULL : rf_json_first(object);
    for (; member != NULL; member = rf_json_next(member)) {
        rf_text name = rf_json_name(member);
        const rf_document_edit *edit = find_edit(edits, count, name);
        rf_json_put_key_text(writer, name);
        if (edit != NULL) {
            rf_json_put_raw(writer, edit->value);
            continue;
        }
        rf_buffer_clear(value);
        rf_json_print(member, value, false);
        rf_json_put_raw(writer, (rf_text){value->bytes, value->length});
    }
}

/* Copy what was printed to where it is to live. */
static rf_status keep(rf_arena *arena, const rf_buffer *text, rf_text *out,
                      rf_error *err)
{
    char *copy = rf_buffer_failed(text)
                     ? NULL
                     : rf_arena_copy(arena, text->bytes, text->length);
    if (copy == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    *out = (rf_text){copy, text->length};
    return RF_OK;
}

rf_status rf_document_replace(rf_arena *arena, const rf_json *object,
                              const rf_document_edit *edits, size_t count,
                              rf_text *out, rf_error *err)
{
    rf_buffer value = {0};
    rf_buffer text = {0};
    rf_json_writer writer;
    rf_json_writer_init(&writer, &text, false);
    rf_json_begin_object(&writer);
    put_missing(&writer, object, edits, count);
    put_members(&writer, object, edits, count, &value);
    rf_json_end_object(&writer);
    rf_status status = rf_buffer_failed(&value)
                           ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
                           : keep(arena, &text, out, err);
    rf_buffer_done(&value);
    rf_buffer_done(&text);
    return status;
}

rf_status rf_document_lay_out(rf_arena *arena, rf_text compact, rf_text *out,
                              rf_error *err)
{
    rf_buffer text = {0};
    const rf_json *root = NULL;
    rf_status status =
        rf_json_parse(arena, compact, RF_DOCUMENT_LIMITS, &root, err);
    if (status == RF_OK) {
        rf_json_print(root, &text, true);
        rf_buffer_append_byte(&text, '\n');
        status = keep(arena, &text, out, err);
    }
    rf_buffer_done(&text);
    return status;
}
