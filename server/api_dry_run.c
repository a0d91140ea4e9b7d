/*
 * api_dry_run.c - printing quantities that are not there.
 */
#include "server/api_dry_run.h"

#include "server/api_result.h"
#include "server/api_row.h"

struct rf_dry_run {
    const rf_call *call;
    rf_row_layout *layout;
    rf_row_style style;
};

rf_status rf_dry_run_make(rf_call *call, rf_dry_run **out, rf_error *err)
{
    rf_dry_run *dry_run = rf_call_alloc(call, 1, sizeof *dry_run);
    if (dry_run == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    dry_run->call = call;
    dry_run->style = (rf_row_style){.negative = true,
                                    .now_ms = rf_api_clock_ms(),
                                    .thread = call->thread->number};
    rf_status status = rf_row_layout_make(
        rf_call_catalog(call), &call->exchange->arena, &dry_run->layout, err);
    if (status == RF_OK) {
        *out = dry_run;
    }
    return status;
}

/* A row that fails half-way must leave no half in the reply. */
static rf_status print(const rf_dry_run *dry_run, const rf_command *command,
                       const rf_result *result, rf_buffer *out, rf_error *err)
{
    rf_place place = command->place;
    place.given &= RF_LEVEL_LEAF;
    rf_row row = {.organization = command->organization,
                  .product = command->product,
                  .place = &place,
                  .measures = &result->quantities};
    rf_json_writer writer;
    rf_buffer_clear(out);
    rf_json_writer_init(&writer, out, false);
    return rf_row_put_quantities(dry_run->layout, &dry_run->style, &row,
                                 &writer, err);
}

static void log_failure(const rf_call *call, const rf_error *error)
{
    rf_answer answer = {.prefix = "",
                        .id = RF_TEXT_EMPTY,
                        .status = error->status,
                        .message = error->message,
                        .field = "",
                        .script = &error->script};
    rf_answer_log(call, &answer);
}

void rf_dry_run_put(rf_json_writer *writer, const rf_dry_run *dry_run,
                    const rf_command *command, const rf_result *result)
{
    const rf_call *call = dry_run->call;
    rf_buffer *text = &call->thread->scratch;
    rf_error error = {0};
    bool is_known =
        command->product.length > 0 || rf_call_catalog(call)->host == NULL;
    rf_json_put_key(writer, "quantities");
    if (is_known && print(dry_run, command, result, text, &error) == RF_OK &&
        !rf_buffer_failed(text)) {
        rf_json_put_raw(writer, (rf_text){text->bytes, text->length});
        return;
    }
    log_failure(call, &error);
    rf_json_put_null(writer);
}
