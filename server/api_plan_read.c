/*
 * api_plan_read.c - reading the body of a plan.
 */
#include "core/codec.h"
#include "server/api_command.h"
#include "server/api_groups.h"
#include "server/api_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What the numbers of moves leave of an id's length. */
#define ID_CHARACTERS_MAX (RF_JSON_ID_MAX - 5)

/* A target is checked like a command on its record. */
static rf_status check_target(const rf_plan_call *p, const rf_place *place,
                              const char *path, rf_error *err)
{
    rf_command probe = p->head;
    probe.operation = RF_OPERATION_UNALLOCATE;
    probe.place = *place;
    probe.quantity = RF_QUANTITY_SCALE;
    rf_status status = rf_command_check(rf_call_catalog(p->call), &probe,
                                        &p->call->thread->scratch, err);
    if (status != RF_OK && strncmp(err->field, "groups", 6) == 0) {
        char field[sizeof err->field];
        memcpy(field, err->field, sizeof field);
        return rf_json_at((rf_json_object){NULL, path}, rf_text_of(field),
                          status, err);
    }
    return status;
}

static rf_status read_target(rf_plan_call *p, rf_json_object object,
                             rf_error *err)
{
    rf_place place = p->head.place;
    rf_quantity quantity = 0;
    uint64_t hash = 0;
    rf_plan_record *target = NULL;
    rf_status status = rf_read_groups(p->call, object, "groups",
                                      RF_JSON_REQUIRED, &place, err);
    if (status == RF_OK) {
        status = check_target(p, &place, object.path, err);
    }
    if (status == RF_OK) {
        status = rf_json_quantity(object, "quantity", RF_JSON_REQUIRED,
                                  &quantity, err);
    }
    if (status == RF_OK && quantity < 0) {
        status = rf_fail(err, RF_E_INVALID_QUANTITY,
                         "a target must not be below zero");
        return rf_json_at(object, rf_text_of("quantity"), status, err);
    }
    if (status == RF_OK) {
        status = rf_plan__hash(p, &place, &hash, err);
    }
    if (status == RF_OK && rf_plan__find(p, hash, &place) != NULL) {
        status = rf_fail(err, RF_E_CONFLICTING_FIELDS,
                         "these groups have a target already");
        return rf_json_at(object, rf_text_of("groups"), status, err);
    }
    if (status == RF_OK) {
        status = rf_plan__add(p, &place, hash, &target, err);
    }
    if (status == RF_OK) {
        target->target = quantity;
    }
    return status;
}

/* Without targets a plan is about the rest or about nothing. */
static rf_status check_count(const rf_plan_call *p, const rf_json *targets,
                             rf_error *err)
{
    size_t max = (size_t)p->call->thread->api->options.options->bulk_items;
    size_t count = rf_json_length(targets);
    if (count > max) {
        return rf_fail_field(err, RF_E_TOO_MANY_ITEMS, "targets",
                             "at most %zu targets are allowed", max);
    }
    return count > 0 || p->unallocates_rest
               ? RF_OK
               : rf_fail_field(err, RF_E_EMPTY_BATCH, "targets",
                               "there is no target");
}

static rf_status read_targets(rf_plan_call *p, rf_json_object body,
                              rf_error *err)
{
    const rf_json *targets = NULL;
    rf_status status = rf_json_child(body, "targets", RF_JSON_REQUIRED,
                                     RF_JSON_ARRAY, &targets, err);
    if (status == RF_OK) {
        status = check_count(p, targets, err);
    }
    if (status != RF_OK) {
        return status;
    }
    size_t index = 0;
    for (const rf_json *value = rf_json_first(targets);
         value != NULL && status == RF_OK; value = rf_json_next(value)) {
        char path[32];
        snprintf(path, sizeof path, "targets[%zu]", index++);
        status = rf_json_is(value, RF_JSON_OBJECT)
                     ? read_target(p, (rf_json_object){value, path}, err)
                     : rf_fail_field(err, RF_E_INVALID_FIELD, path,
                                     "an object is expected");
    }
    p->target_count = p->record_count;
    return status;
}

static rf_status read_id(rf_plan_call *p, rf_json_object body, rf_error *err)
{
    rf_text id;
    rf_status status = rf_json_id(body, "id", &p->head.id, err);
    if (status == RF_OK) {
        status = rf_json_string(body, "id", RF_JSON_REQUIRED, ID_CHARACTERS_MAX,
                                &id, err);
    }
    return status;
}

/* The targets are the content of the plan. They have no place in a command but
 * for this sum of them, which the moves have, too: so their ids are theirs. */
static rf_status note_content(rf_plan_call *p, rf_error *err)
{
    rf_buffer *content = &p->call->thread->scratch;
    rf_buffer_clear(content);
    rf_buffer_append_byte(content, p->unallocates_rest ? 1 : 0);
    for (size_t i = 0; i < p->target_count; i++) {
        const rf_plan_record *target = p->records[i];
        rf_write_varint(content, target->place.given & RF_LEVEL_GROUPS);
        rf_write_coordinates(content, RF_LEVEL_GROUPS, &target->place);
        rf_write_signed(content, target->target);
    }
    if (rf_buffer_failed(content)) {
        return rf_plan__fail_memory(err);
    }
    rf_fingerprint sum = rf_fingerprint_of(content->bytes, content->length);
    snprintf(p->digest, sizeof p->digest, "%016" PRIx64 "%016" PRIx64, sum.high,
             sum.low);
    p->head.order_tag = rf_text_of(p->digest);
    return rf_command_check(rf_call_catalog(p->call), &p->head,
                            &p->call->thread->scratch, err);
}

rf_status rf_plan__read(rf_plan_call *p, rf_error *err)
{
    rf_json_object body = {p->call->body, ""};
    p->head.operation = RF_OPERATION_PLAN;
    p->head.id = RF_TEXT_EMPTY;
    p->head.recipient = RF_TEXT_EMPTY;
    p->head.order_tag = RF_TEXT_EMPTY;
    p->head.reservation = RF_TEXT_EMPTY;
    if (!rf_json_is(body.value, RF_JSON_OBJECT)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
    }
    rf_status status = rf_call_flag(p->call, "dryRun", &p->job.dry_run, err);
    if (status == RF_OK) {
        status = read_id(p, body, err);
    }
    if (status == RF_OK) {
        status =
            rf_read_key(p->call, body, RF_JSON_REQUIRED, &p->head, NULL, err);
    }
    if (status == RF_OK) {
        status = rf_json_bool(body, "unallocateRest", RF_JSON_OPTIONAL,
                              &p->unallocates_rest, err);
    }
    if (status == RF_OK) {
        status = read_targets(p, body, err);
    }
    return status == RF_OK ? note_content(p, err) : status;
}
