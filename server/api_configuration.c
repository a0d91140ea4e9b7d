/*
 * api_configuration.c - reading and replacing the document of an environment.
 *
 * A document is kept as it came, unknown members too; only environmentId is
 * set to the id of the path. What it says is the loader's to judge, and all of
 * its mistakes are reported together.
 *
 * Two calls change a member of the document in force and are otherwise the
 * same: the version of the partition rule, and the id of the environment that a
 * copied document was made for. Both are refused when somebody else replaces
 * the document in the same moment.
 */
#include "server/api_load.h"
#include "server/api_result.h"
#include "server/api_task.h"
#include "server/document.h"
#include "server/document_edit.h"
#include "server/environment_file.h"

#include <stdio.h>

/* An environment's id between quotes, and a NUL. */
#define QUOTED_ID_SIZE (RF_ENVIRONMENT_ID_MAX + 3)

static rf_step get_configuration(rf_call *call)
{
    const rf_generation *generation = call->generation;
    rf_response *response = &call->exchange->response;
    response->status = 200;
    response->content_type = RF_CONTENT_JSON;
    rf_buffer_append(&response->body, generation->document,
                     generation->document_length);
    return RF_STEP_DONE;
}

/* ---- The update ---- */

static rf_step finish_update(rf_call *call)
{
    rf_load *load = call->state;
    rf_step step = RF_STEP_DONE;
    if (load->error.status == RF_OK) {
        rf_json_writer writer;
        rf_task_begin_reply(call, load->generation, &writer);
        rf_load_put_dry_run(load, &writer);
        rf_json_end_object(&writer);
    } else {
        step = rf_load_refuse(call, load);
    }
    rf_load_done(load);
    return step;
}

/* Print the load's document: `object` with some members replaced. */
static rf_status make_document(rf_call *call, const rf_json *object,
                               const rf_document_edit *edits, size_t count,
                               rf_load *load, rf_error *err)
{
    rf_arena *arena = &call->exchange->arena;
    rf_text compact = RF_TEXT_EMPTY;
    rf_status status =
        rf_document_replace(arena, object, edits, count, &compact, err);
    return status == RF_OK
               ? rf_document_lay_out(arena, compact, &load->document, err)
               : status;
}

/* The id is one of an environment, so it needs no escapes. */
static rf_document_edit edit_id(const rf_call *call,
                                char quoted[QUOTED_ID_SIZE])
{
    int length =
        snprintf(quoted, QUOTED_ID_SIZE, "\"%.*s\"",
                 (int)call->environment.length, call->environment.bytes);
    return (rf_document_edit){"environmentId", {quoted, (size_t)length}};
}

static rf_status prepare(rf_call *call, rf_load *load, rf_error *err)
{
    char quoted[QUOTED_ID_SIZE];
    if (!rf_environment_id_is_valid(call->environment)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "environmentId",
                             "an environment's id is made of 1 to 50 letters, "
                             "digits, '-' and '_'");
    }
    if (!rf_json_is(call->body, RF_JSON_OBJECT)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
    }
    rf_document_edit edit = edit_id(call, quoted);
    return make_document(call, call->body, &edit, 1, load, err);
}

static rf_step update_configuration(rf_call *call)
{
    rf_error error = {0};
    rf_load *load = rf_load_make(call, RF_LOAD_CONFIGURE);
    if (load == NULL) {
        return rf_reply_no_memory(call);
    }
    call->state = load;
    return prepare(call, load, &error) == RF_OK
               ? rf_load_submit(call, load, finish_update)
               : rf_reply_failure(call, &error);
}

/* ---- Changing the document in force ---- */

/* Change what the document in force says. `*load` stays NULL when it says that
 * already. */
typedef rf_status change_document(rf_call *call, const rf_json *document,
                                  rf_load **load, rf_error *err);

/* Make the load of a change; NULL and an error when there is no memory. */
static rf_load *make_change(rf_call *call, rf_error *err)
{
    rf_load *load = rf_load_make(call, RF_LOAD_CONFIGURE);
    if (load == NULL) {
        rf_fail(err, RF_E_NO_MEMORY, "out of memory");
        return NULL;
    }
    load->over = call->generation->number;
    return load;
}

/* Answer a change that changes nothing as the others are, a dry run as one. */
static rf_step reply_unchanged(rf_call *call)
{
    rf_error error = {0};
    rf_json_writer writer;
    rf_load nothing = {.kind = RF_LOAD_CONFIGURE};
    if (rf_call_flag(call, "dryRun", &nothing.dry_run, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    rf_task_begin_reply(call, call->generation->number, &writer);
    rf_load_put_dry_run(&nothing, &writer);
    rf_json_end_object(&writer);
    return RF_STEP_DONE;
}

static rf_step change_configuration(rf_call *call, change_document *change)
{
    rf_error error = {0};
    const rf_json *document = NULL;
    rf_load *load = NULL;
    rf_text text = {call->generation->document,
                    call->generation->document_length};
    rf_status status = rf_json_parse(&call->exchange->arena, text,
                                     RF_DOCUMENT_LIMITS, &document, &error);
    if (status == RF_OK) {
        status = change(call, document, &load, &error);
    }
    if (status != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    if (load == NULL) {
        return reply_unchanged(call);
    }
    call->state = load;
    return rf_load_submit(call, load, finish_update);
}

static rf_status fail_missing(const char *parameter, rf_error *err)
{
    return rf_fail_field(err, RF_E_MISSING_FIELD, parameter, "%s is missing",
                         parameter);
}

/* ---- The partition rule ---- */

/* One version of the rule, as documents tell it. Both divide by location; the
 * second is for warehouses of very many products. */
typedef struct partition_schema {
    const char *use_product_id;
    const char *word;
} partition_schema;

static const partition_schema schemas[] = {
    {"false", "\"ByLocation\""},
    {"true", "\"ByLocationAndProductIdMod64\""},
};

#define SCHEMA_COUNT (sizeof schemas / sizeof schemas[0])

/* Say whether a member is there and reads like that piece of JSON. */
static bool member_is(const rf_json *object, const char *name, const char *json)
{
    rf_buffer text = {0};
    const rf_json *member = rf_json_member(object, rf_text_of(name));
    if (member == NULL) {
        return false;
    }
    rf_json_print(member, &text, false);
    bool same =
        !rf_buffer_failed(&text) &&
        rf_text_is_name((rf_text){text.bytes, text.length}, rf_text_of(json));
    rf_buffer_done(&text);
    return same;
}

static bool has_schema(const rf_json *document, const rf_json *flags,
                       const partition_schema *schema)
{
    return member_is(flags, "useDimensions", "true") &&
           member_is(flags, "useProductId", schema->use_product_id) &&
           member_is(document, "cachePartitionIdVersion", schema->word);
}

static rf_status read_schema(const rf_call *call, const partition_schema **out,
                             rf_error *err)
{
    int64_t version = 0;
    rf_status status = rf_call_integer(call, "newversion", 1,
                                       (int64_t)SCHEMA_COUNT, &version, err);
    if (status != RF_OK) {
        return status;
    }
    if (version == 0) {
        return fail_missing("newversion", err);
    }
    *out = &schemas[version - 1];
    return RF_OK;
}

static rf_status change_schema(rf_call *call, const rf_json *document,
                               rf_load **load, rf_error *err)
{
    const partition_schema *schema = &schemas[0];
    const rf_json *flags =
        rf_json_member(document, rf_text_of("partitionConfiguration"));
    rf_status status = read_schema(call, &schema, err);
    if (status != RF_OK || has_schema(document, flags, schema)) {
        return status;
    }
    rf_document_edit inner[] = {
        {"useDimensions", rf_text_of("true")},
        {"useProductId", rf_text_of(schema->use_product_id)},
    };
    rf_document_edit outer[] = {
        {"partitionConfiguration", RF_TEXT_EMPTY},
        {"cachePartitionIdVersion", rf_text_of(schema->word)},
    };
    *load = make_change(call, err);
    if (*load == NULL) {
        return RF_E_NO_MEMORY;
    }
    (*load)->needs_empty = true;
    status = rf_document_replace(&call->exchange->arena, flags, inner, 2,
                                 &outer[0].value, err);
    return status == RF_OK ? make_document(call, document, outer, 2, *load, err)
                           : status;
}

static rf_step update_partition_schema(rf_call *call)
{
    return change_configuration(call, change_schema);
}

/* ---- The environment's id ---- */

/* A copied document still names the environment that it was made for. Who
 * takes it over says which that was, so that no other is taken by mistake. */
static rf_status change_id(rf_call *call, const rf_json *document,
                           rf_load **load, rf_error *err)
{
    static const char parameter[] = "oldEnvironmentId";
    char quoted[QUOTED_ID_SIZE];
    const rf_json *member =
        rf_json_member(document, rf_text_of("environmentId"));
    rf_text named = rf_json_is(member, RF_JSON_STRING) ? rf_json_text(member)
                                                       : RF_TEXT_EMPTY;
    rf_text old = rf_url_query_value(&call->query, rf_text_of(parameter), NULL);
    if (old.length == 0) {
        return fail_missing(parameter, err);
    }
    if (rf_text_equal(named, call->environment)) {
        return RF_OK;
    }
    if (!rf_text_is_name(named, old)) {
        return rf_fail_field(err, RF_E_CONFLICTING_FIELDS, parameter,
                             "the configuration is that of \"%.*s\"",
                             RF_SHOWN(named));
    }
    rf_document_edit edit = edit_id(call, quoted);
    *load = make_change(call, err);
    return *load == NULL ? RF_E_NO_MEMORY
                         : make_document(call, document, &edit, 1, *load, err);
}

static rf_step update_environment_id(rf_call *call)
{
    return change_configuration(call, change_id);
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/configuration", RF_MAY_READ, 0, get_configuration},
    {RF_METHOD_POST, "/configuration/hardupdate", RF_MAY_ADMIN,
     RF_ROUTE_BODY | RF_ROUTE_DOCUMENT | RF_ROUTE_CREATES,
     update_configuration},
    {RF_METHOD_POST, "/updatepartitionschema", RF_MAY_ADMIN, 0,
     update_partition_schema},
    {RF_METHOD_POST, "/updateenvidinconfig", RF_MAY_ADMIN, 0,
     update_environment_id},
};

const rf_routes rf_routes_configuration = {rows, sizeof rows / sizeof rows[0]};
