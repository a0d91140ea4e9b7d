/*
 * api_allocation_plan.c - POST /allocation/plan: bring records to targets.
 *
 * A plan reads what the records of a place have, makes the moves that lead to
 * the targets, and has them carried out as one basket: what is too much
 * somewhere is given to where something is missing; what is missing then is
 * allocated, what is left over unallocated. The head of the basket
 * (operation_plan.c) refuses it when the records have changed meanwhile; the
 * plan then begins again. Where the plan's id is known nothing is carried out,
 * and the journal tells what was.
 */
#include "server/api_dry_run.h"
#include "server/api_groups.h"
#include "server/api_metrics.h"
#include "server/api_plan.h"
#include "server/api_result.h"

#include <stdio.h>
#include <string.h>

/* Ids are bounded in characters when they are read; a number follows. */
#define ID_BYTES_MAX 640

/* So often a plan begins again before it gives up. */
#define ATTEMPTS_MAX 30

#define RECORDS_PER_SLICE 200

/* ---- The basket ---- */

static rf_status make_room(rf_plan_call *p, size_t count, rf_error *err)
{
    if (count > p->capacity) {
        p->job.commands = rf_call_alloc(p->call, count, sizeof(rf_command));
        p->job.results = rf_call_alloc(p->call, count, sizeof(rf_result));
        p->capacity = count;
    }
    if (p->job.commands == NULL || p->job.results == NULL) {
        return rf_plan__fail_memory(err);
    }
    memset(p->job.results, 0, count * sizeof(rf_result));
    p->job.count = count;
    return RF_OK;
}

static rf_status name_move(const rf_plan_call *p, size_t index, rf_text *out,
                           rf_error *err)
{
    char text[ID_BYTES_MAX + 24];
    int length = snprintf(text, sizeof text, "%.*s/%zu", (int)p->head.id.length,
                          p->head.id.bytes, index + 1);
    RF_ASSERT(length > 0 && (size_t)length < sizeof text);
    out->length = (size_t)length;
    out->bytes = rf_arena_copy(&p->call->exchange->arena, text, (size_t)length);
    return out->bytes == NULL ? rf_plan__fail_memory(err) : RF_OK;
}

static rf_status make_command(rf_plan_call *p, size_t index, rf_error *err)
{
    rf_plan_move *made = &p->moves[index];
    rf_command *command = &p->job.commands[index + 1];
    rf_status status =
        made->id.length > 0 ? RF_OK : name_move(p, index, &made->id, err);
    *command = p->head;
    command->operation = made->operation;
    command->id = made->id;
    command->place = *made->place;
    command->source = made->source;
    command->quantity = made->quantity;
    command->expected = NULL;
    command->expected_count = 0;
    return status == RF_OK ? rf_command_check(rf_call_catalog(p->call), command,
                                              &p->call->thread->scratch, err)
                           : status;
}

static rf_status make_job(rf_plan_call *p, rf_error *err)
{
    rf_status status = make_room(p, p->move_count + 1, err);
    if (status == RF_OK) {
        p->job.commands[0] = p->head;
    }
    for (size_t i = 0; i < p->move_count && status == RF_OK; i++) {
        status = make_command(p, i, err);
    }
    p->job.generation = p->call->generation;
    p->job.atomic = true;
    p->job.actor = p->call->identity->name;
    rf_call_request_id(p->call, p->job.request_id);
    p->job.queued_ns = rf_api_now_ns();
    p->job.owner = p->call;
    return status;
}

/* ---- The reply ---- */

static void put_move(rf_json_writer *writer, const rf_catalog *catalog,
                     const rf_plan_move *made)
{
    rf_json_begin_object(writer);
    rf_json_put_key(writer, "id");
    rf_json_put_text(writer, made->id);
    rf_json_put_key(writer, "operation");
    rf_json_put_string(writer, rf_operation_name(made->operation));
    if (made->source != NULL) {
        rf_put_groups(writer, catalog, "sourceGroups", made->source);
    }
    rf_put_groups(writer, catalog, "groups", made->place);
    rf_json_put_key(writer, "quantity");
    rf_json_put_quantity(writer, made->quantity);
    rf_json_end_object(writer);
}

/* What a record had follows from its target and from what was moved. */
static void put_record(rf_json_writer *writer, const rf_catalog *catalog,
                       const rf_plan_record *at)
{
    rf_json_begin_object(writer);
    rf_put_groups(writer, catalog, "groups", &at->place);
    rf_json_put_key(writer, "before");
    rf_json_put_quantity(writer, at->allocated);
    rf_json_put_key(writer, "after");
    rf_json_put_quantity(writer, at->target);
    rf_json_end_object(writer);
}

static void put_success(rf_json_writer *writer, const rf_plan_call *p)
{
    const rf_catalog *catalog = rf_call_catalog(p->call);
    rf_json_put_key(writer, "moves");
    rf_json_begin_array(writer);
    for (size_t i = 0; i < p->move_count; i++) {
        put_move(writer, catalog, &p->moves[i]);
    }
    rf_json_end_array(writer);
    rf_json_put_key(writer, "records");
    rf_json_begin_array(writer);
    for (size_t i = 0; i < p->record_count; i++) {
        put_record(writer, catalog, p->records[i]);
    }
    rf_json_end_array(writer);
}

/* Tell which move was refused, and what the pool or the record had. */
static void put_refusal(rf_json_writer *writer, const rf_plan_call *p)
{
    rf_command line = {.operation = p->refused->operation};
    rf_result_put_extra(writer, rf_call_catalog(p->call), &line, &p->outcome);
    rf_json_put_key(writer, "move");
    put_move(writer, rf_call_catalog(p->call), p->refused);
}

/* What there would be at the place is what the last move would leave; a plan
 * that is known leaves what there is. */
static void put_dry_run(rf_json_writer *writer, const rf_plan_call *p)
{
    size_t last = p->job.results[0].replayed ? 0 : p->job.count - 1;
    rf_json_put_key(writer, "dryRun");
    rf_json_put_bool(writer, true);
    if (p->outcome.status == RF_OK) {
        rf_dry_run_put(writer, p->dry_run, &p->job.commands[last],
                       &p->job.results[last]);
    }
}

static rf_step reply(rf_plan_call *p)
{
    rf_call *call = p->call;
    rf_answer answer = {.prefix = rf_operation_prefix(RF_OPERATION_PLAN),
                        .id = p->head.id,
                        .status = p->outcome.status,
                        .message = p->outcome.message,
                        .field = p->outcome.field,
                        .script = &p->outcome.script};
    rf_json_writer writer;
    rf_answer_log(call, &answer);
    rf_reply_begin(call,
                   rf_answer_http(answer.status,
                                  rf_call_catalog(call)->refusal_http_status),
                   &writer);
    rf_json_begin_object(&writer);
    rf_answer_put(&writer, &answer);
    if (answer.status == RF_OK) {
        put_success(&writer, p);
    } else if (p->refused != NULL) {
        put_refusal(&writer, p);
    }
    if (p->job.dry_run) {
        put_dry_run(&writer, p);
    }
    rf_json_end_object(&writer);
    return RF_STEP_DONE;
}

static rf_step reply_invalid(rf_plan_call *p, const rf_error *error)
{
    rf_answer answer = {.prefix = rf_operation_prefix(RF_OPERATION_PLAN),
                        .id = p->head.id,
                        .status = error->status,
                        .message = error->message,
                        .field = error->field,
                        .script = &error->script};
    return rf_reply_error(p->call, &answer);
}

/* ---- The call ---- */

static rf_step begin_attempt(rf_plan_call *p);

/* Of a plan that is known the moves were not commands this time. */
static void count_commands(const rf_plan_call *p)
{
    double seconds = (double)(rf_api_now_ns() - p->job.queued_ns) / 1e9;
    size_t count = p->job.results[0].replayed ? 1 : p->job.count;
    for (size_t i = 0; !p->job.dry_run && i < count; i++) {
        rf_api__count_command(p->call, p->job.commands[i].operation,
                              &p->job.results[i], seconds);
    }
}

/* The basket was carried out, or refused by the line that stopped it. */
static void take_outcome(rf_plan_call *p)
{
    size_t stopper = p->job.stopped_at;
    p->outcome = p->job.results[0];
    if (stopper < p->job.count) {
        p->outcome = p->job.results[stopper];
        p->refused = stopper > 0 ? &p->moves[stopper - 1] : NULL;
    }
}

static rf_step answer(rf_plan_call *p)
{
    rf_error error = {0};
    rf_status status = RF_OK;
    if (p->job.dry_run) {
        status = rf_dry_run_make(p->call, &p->dry_run, &error);
    }
    if (status == RF_OK && p->job.results[0].replayed) {
        status = rf_plan__recall(p, &error);
    } else {
        take_outcome(p);
    }
    return status == RF_OK ? reply(p) : reply_invalid(p, &error);
}

static rf_step finish(rf_call *call)
{
    rf_plan_call *p = call->state;
    const rf_result *head = &p->job.results[0];
    if (head->status == RF_E_CHANGED && ++p->attempts < ATTEMPTS_MAX) {
        return begin_attempt(p);
    }
    count_commands(p);
    rf_step step = answer(p);
    for (size_t i = 0; p->job.dry_run && i < p->job.count; i++) {
        rf_result_done(&p->job.results[i]);
    }
    return step;
}

static void wake(rf_job *job)
{
    rf_call *call = job->owner;
    rf_exchange_wake(call->exchange);
}

static rf_step submit(rf_plan_call *p)
{
    rf_error error = {0};
    rf_plan__make_moves(p);
    rf_status status = make_job(p, &error);
    p->job.done = wake;
    p->call->resume = finish;
    if (status == RF_OK) {
        status = rf_writer_submit(p->call->thread->api->options.writer, &p->job,
                                  &error);
    }
    return status == RF_OK ? RF_STEP_WAIT : reply_invalid(p, &error);
}

/* Note what a record has; one without a target matters when the rest is to
 * become nothing. */
static rf_status take_record(void *context, const rf_allocation *found,
                             rf_error *err)
{
    rf_plan_call *p = context;
    uint64_t hash = 0;
    rf_status status = rf_plan__hash(p, found->place, &hash, err);
    rf_plan_record *at =
        status == RF_OK ? rf_plan__find(p, hash, found->place) : NULL;
    bool is_rest = p->unallocates_rest && found->allocated > 0;
    if (status == RF_OK && at == NULL && is_rest) {
        status = rf_plan__add_copy(p, found->place, hash, &at, err);
    }
    if (status == RF_OK && at != NULL) {
        at->allocated = found->allocated;
    }
    return status;
}

static rf_step read_on(rf_call *call)
{
    rf_plan_call *p = call->state;
    rf_error error = {0};
    bool end = false;
    rf_allocation_query query = {.organization = p->head.organization,
                                 .product = p->head.product,
                                 .place = &p->head.place};
    if (rf_allocations_read(call->thread->api->options.store, &p->listing,
                            &query, &end, &error) != RF_OK) {
        return reply_invalid(p, &error);
    }
    return end ? submit(p) : RF_STEP_AGAIN;
}

static rf_step begin_attempt(rf_plan_call *p)
{
    p->record_count = p->target_count;
    for (size_t i = 0; i < p->record_count; i++) {
        p->records[i]->allocated = 0;
    }
    p->listing = (rf_allocation_listing){.generation = p->call->generation,
                                         .limit = RECORDS_PER_SLICE,
                                         .visit = take_record,
                                         .context = p};
    p->call->resume = read_on;
    return read_on(p->call);
}

static rf_step plan_allocations(rf_call *call)
{
    rf_error error = {0};
    rf_plan_call *p = rf_call_alloc(call, 1, sizeof *p);
    if (p == NULL) {
        return rf_reply_no_memory(call);
    }
    p->call = call;
    call->state = p;
    if (rf_plan__read(p, &error) != RF_OK) {
        return reply_invalid(p, &error);
    }
    return begin_attempt(p);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/allocation/plan", RF_MAY_ALLOCATE, RF_ROUTE_BODY,
     plan_allocations},
};

const rf_routes rf_routes_allocation_plan = {rows,
                                             sizeof rows / sizeof rows[0]};
