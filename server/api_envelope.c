/*
 * api_envelope.c - POST /api/data/v9.1/msdyn_IOMInventoryAPICall.
 *
 * Order management sends its calls to one address: {"API":"OnHandQuery",
 * "Payload":"<the body as text>"}. Each is answered as the call that it stands
 * for would be, by the handler of that call's route and after the same checks;
 * parameters of the address, such as dryRun, are that call's. In the metrics
 * the request counts under the envelope's own path.
 */
#include "server/api_internal.h"
#include "server/api_result.h"
#include "server/json_read.h"

/* Longest name of a call; beyond it nothing can be meant. */
#define NAME_CHARACTERS_MAX 64

/* What a name stands for; all of them are POSTs. */
typedef struct inner {
    const char *name;
    const char *path;
} inner;

static const inner inners[] = {
    {"OnHandQuery", "/onhand/indexquery"},
    {"OnHandDelta", "/onhand"},
    {"OnHandDelta_Bulk", "/onhand/bulk"},
    {"OnHandChangeSchedule", "/onhand/changeschedule"},
    {"OnHandChangeSchedule_Bulk", "/onhand/changeschedule/bulk"},
    {"OnHandAllocate", "/allocation/allocate"},
    {"OnHandReallocate", "/allocation/reallocate"},
    {"OnHandUnallocate", "/allocation/unallocate"},
    {"OnHandConsume", "/allocation/consume"},
    {"OnHandAllocationQuery", "/allocation/query"},
};

/* ---- Which call ---- */

static const rf_route *find_route(rf_text path)
{
    size_t count = 0;
    const rf_routes *const *tables = rf_api_tables(&count);
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const rf_route *route = &tables[t]->rows[i];
            if (route->method == RF_METHOD_POST &&
                rf_text_equal(rf_text_of(route->path), path)) {
                return route;
            }
        }
    }
    return NULL;
}

static rf_status read_name(rf_json_object body, const rf_route **out,
                           rf_error *err)
{
    rf_text name = RF_TEXT_EMPTY;
    rf_status status = rf_json_string(body, "API", RF_JSON_REQUIRED,
                                      NAME_CHARACTERS_MAX, &name, err);
    if (status != RF_OK) {
        return status;
    }
    *out = NULL;
    for (size_t i = 0; i < sizeof inners / sizeof inners[0]; i++) {
        if (rf_text_is_name(rf_text_of(inners[i].name), name)) {
            *out = find_route(rf_text_of(inners[i].path));
        }
    }
    return *out != NULL ? RF_OK
                        : rf_fail_field(err, RF_E_INVALID_FIELD, "API",
                                        "there is no call of that name here");
}

/* ---- Which environment ---- */

/* Find the only environment that the caller may use; false: there is none, or
 * more than one. Others that are there make no difference, so that nobody is
 * told of them. */
static bool find_only(const rf_call *call, rf_text *out)
{
    const rf_world *world = call->thread->world;
    size_t found = 0;
    for (size_t i = 0; i < world->count; i++) {
        rf_text id = rf_text_of(world->generations[i]->id);
        if (rf_identity_knows(call->identity, id)) {
            *out = id;
            found++;
        }
    }
    return found == 1;
}

static rf_status read_environment(rf_call *call, rf_error *err)
{
    static const char parameter[] = "environmentId";
    rf_text id = call->exchange->request.environment_id;
    if (id.length == 0) {
        id = rf_url_query_value(&call->query, rf_text_of(parameter), NULL);
    }
    if (id.length == 0 && !find_only(call, &id)) {
        return rf_fail_field(err, RF_E_MISSING_FIELD, parameter,
                             "%s is missing, as a parameter or as the header "
                             "x-ms-environment-id",
                             parameter);
    }
    call->environment = id;
    return RF_OK;
}

/* ---- Its body ---- */

/* Read the body within, which is mostly text, into `call->body`. Text goes
 * through the same scan as any other body. */
static rf_status open_payload(rf_call *call, const rf_json *payload,
                              rf_error *err)
{
    rf_error inside = {0};
    if (!rf_json_is(payload, RF_JSON_STRING)) {
        call->body = payload;
        return RF_OK;
    }
    rf_status status =
        rf_json_parse(&call->exchange->arena, rf_json_text(payload),
                      RF_JSON_REQUEST_LIMITS, &call->body, &inside);
    if (status == RF_E_BAD_JSON) {
        return rf_fail_field(err, status, "Payload", "%s", inside.message);
    }
    if (status != RF_OK) {
        *err = inside;
    }
    return status;
}

static rf_status open_envelope(rf_call *call, rf_error *err)
{
    rf_json_object body = {call->body, ""};
    const rf_route *route = NULL;
    if (!rf_json_is(call->body, RF_JSON_OBJECT)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
    }
    rf_status status = read_name(body, &route, err);
    if (status != RF_OK) {
        return status;
    }
    const rf_json *payload = rf_json_member(call->body, rf_text_of("Payload"));
    if (payload == NULL || rf_json_is(payload, RF_JSON_NULL)) {
        return rf_fail_field(err, RF_E_MISSING_FIELD, "Payload",
                             "Payload is missing");
    }
    status = read_environment(call, err);
    if (status == RF_OK) {
        call->route = route;
        status = rf_call_enter(call, err);
    }
    return status == RF_OK ? open_payload(call, payload, err) : status;
}

static rf_step answer_envelope(rf_call *call)
{
    rf_error error = {0};
    return open_envelope(call, &error) == RF_OK
               ? rf_call_serve(call)
               : rf_reply_failure(call, &error);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/api/data/v9.1/msdyn_iominventoryapicall", 0,
     RF_ROUTE_HOST | RF_ROUTE_BODY, answer_envelope},
};

const rf_routes rf_routes_envelope = {rows, sizeof rows / sizeof rows[0]};
