/*
 * api_plugins_preview.c - POST /plugins/preview: what would change.
 */
#include "server/api_load.h"
#include "server/api_plugins.h"
#include "server/api_result.h"
#include "server/json_read.h"

#include <string.h>

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000
#define MEASURE_CHARACTERS_MAX 125 /* two names and a dot */
#define FILES_MAX 64

typedef struct preview {
    rf_load *load;
    rf_preview_request request;
    rf_preview_file files[FILES_MAX];
} preview;

/* ---- Reading ---- */

/* Take "safety/plugin.lua" apart. */
static rf_status split_name(rf_text name, rf_preview_file *file, rf_error *err)
{
    const char *slash = memchr(name.bytes, '/', name.length);
    if (slash == NULL) {
        return rf_fail(err, RF_E_INVALID_FIELD,
                       "a plugin and a file are expected, such as "
                       "safety/plugin.lua");
    }
    size_t length = (size_t)(slash - name.bytes);
    file->plugin = (rf_text){name.bytes, length};
    file->file = (rf_text){slash + 1, name.length - length - 1};
    rf_status status = rf_plugins__check_name(file->plugin, "", err);
    return status == RF_OK ? rf_plugins__check_file(file->file, "", err)
                           : status;
}

static rf_status read_file(const rf_json *member, rf_preview_file *file,
                           rf_error *err)
{
    rf_status status = split_name(rf_json_name(member), file, err);
    if (status != RF_OK) {
        return status;
    }
    if (!rf_json_is(member, RF_JSON_STRING)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "text is expected");
    }
    file->text = rf_json_text(member);
    return RF_OK;
}

static rf_status read_files(rf_json_object body, preview *p, rf_error *err)
{
    const rf_json *value = NULL;
    rf_status status = rf_json_child(body, "files", RF_JSON_REQUIRED,
                                     RF_JSON_OBJECT, &value, err);
    if (status != RF_OK) {
        return status;
    }
    rf_json_object files = {value, "files"};
    for (const rf_json *member = rf_json_first(value);
         member != NULL && status == RF_OK; member = rf_json_next(member)) {
        if (p->request.file_count == FILES_MAX) {
            return rf_fail_field(err, RF_E_TOO_MANY_ITEMS, "files",
                                 "at most %d files are allowed", FILES_MAX);
        }
        status = rf_json_at(
            files, rf_json_name(member),
            read_file(member, &p->files[p->request.file_count++], err), err);
    }
    return status;
}

static rf_status read_preview(rf_call *call, preview *p, rf_error *err)
{
    rf_json_object body = {call->body, ""};
    int64_t limit = LIMIT_DEFAULT;
    p->request.files = p->files;
    p->request.measure = RF_TEXT_EMPTY;
    if (!rf_json_is(call->body, RF_JSON_OBJECT)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
    }
    rf_status status = read_files(body, p, err);
    if (status == RF_OK) {
        status =
            rf_json_string(body, "measure", RF_JSON_OPTIONAL,
                           MEASURE_CHARACTERS_MAX, &p->request.measure, err);
    }
    if (status == RF_OK) {
        status = rf_json_integer(body, "limit", RF_JSON_OPTIONAL,
                                 (rf_json_range){1, LIMIT_MAX}, &limit, err);
    }
    p->request.limit = (size_t)limit;
    return status;
}

/* ---- Replying ---- */

/* Put a value, or null and why there is none. */
static void put_value(rf_json_writer *writer, const char *key,
                      const char *code_key, rf_status status, rf_quantity value)
{
    rf_json_put_key(writer, key);
    if (status == RF_OK) {
        rf_json_put_quantity(writer, value);
        return;
    }
    rf_json_put_null(writer);
    rf_json_put_key(writer, code_key);
    rf_json_put_string(writer, rf_status_word(status));
}

static void put_dimensions(rf_json_writer *writer, const rf_catalog *catalog,
                           const rf_preview_change *change)
{
    rf_place place = {.given = RF_LEVEL_PLACE};
    place.value[RF_SITE] = change->site;
    place.value[RF_LOCATION] = change->location;
    rf_json_put_key(writer, "dimensions");
    rf_put_place(writer, catalog, catalog->by_product ? 0 : RF_LEVEL_PLACE,
                 &place);
}

static void put_change(rf_json_writer *writer, const rf_catalog *catalog,
                       const rf_preview_change *change)
{
    rf_quantity difference = 0;
    bool has_both =
        change->before_status == RF_OK && change->after_status == RF_OK &&
        rf_quantity_subtract(change->after, change->before, &difference);
    rf_json_begin_object(writer);
    rf_json_put_key(writer, "organizationId");
    rf_json_put_text(writer, change->organization);
    rf_json_put_key(writer, "productId");
    rf_json_put_text(writer, change->product);
    put_dimensions(writer, catalog, change);
    rf_json_put_key(writer, "measure");
    rf_json_put_text(writer, change->measure);
    put_value(writer, "before", "beforeCode", change->before_status,
              change->before);
    put_value(writer, "after", "afterCode", change->after_status,
              change->after);
    rf_json_put_key(writer, "change");
    if (has_both) {
        rf_json_put_quantity(writer, difference);
    } else {
        rf_json_put_null(writer);
    }
    rf_json_end_object(writer);
}

static void put_count(rf_json_writer *writer, const char *key, uint64_t count)
{
    rf_json_put_key(writer, key);
    rf_json_put_integer(writer, (int64_t)count);
}

static void reply_result(rf_call *call, const rf_load *load)
{
    const rf_preview_result *result = load->result;
    rf_json_writer writer;
    rf_reply_begin(call, 200, &writer);
    rf_json_begin_object(&writer);
    put_count(&writer, "generation", load->generation);
    put_count(&writer, "checked", result->checked);
    put_count(&writer, "changed", result->changed);
    put_count(&writer, "failed", result->failed);
    rf_json_put_key(&writer, "changes");
    rf_json_begin_array(&writer);
    for (size_t i = 0; i < result->change_count; i++) {
        put_change(&writer, rf_call_catalog(call), &result->changes[i]);
    }
    rf_json_end_array(&writer);
    rf_json_end_object(&writer);
}

static rf_step finish_preview(rf_call *call)
{
    const preview *p = call->state;
    rf_step step = RF_STEP_DONE;
    if (p->load->error.status == RF_OK) {
        reply_result(call, p->load);
    } else {
        step = rf_load_refuse(call, p->load);
    }
    rf_load_done(p->load);
    return step;
}

rf_step rf_plugins__preview(rf_call *call)
{
    rf_error error = {0};
    preview *p = rf_call_alloc(call, 1, sizeof *p);
    if (p != NULL) {
        p->load = rf_load_make(call, RF_LOAD_PREVIEW);
    }
    if (p == NULL || p->load == NULL) {
        return rf_reply_no_memory(call);
    }
    call->state = p;
    p->load->preview = &p->request;
    return read_preview(call, p, &error) == RF_OK
               ? rf_load_submit(call, p->load, finish_preview)
               : rf_reply_failure(call, &error);
}
