/*
 * cmd_verify.c - `ringfence verify`: recompute every total and compare.
 */
#include "core/environment.h"
#include "core/journal.h"
#include "core/store_lmdb.h"
#include "core/verify.h"
#include "server/cli.h"

#include <inttypes.h>
#include <stdio.h>

static bool print_difference(void *context, const char *text)
{
    (void)context;
    printf("difference: %s\n", text);
    return true;
}

static void print_report(const rf_verify_report *report)
{
    printf("%" PRIu64 " environments, %" PRIu64 " products, %" PRIu64
           " leaves, %" PRIu64 " totals, %" PRIu64 " reservations, %" PRIu64
           " allocations, %" PRIu64 " scheduled, %" PRIu64 " places, %" PRIu64
           " product records, %" PRIu64 " journal entries\n",
           report->environments, report->products, report->leaves,
           report->nodes, report->reservations, report->allocations,
           report->scheduled, report->places, report->product_records,
           report->journal_entries);
    printf("%" PRIu64 " differences\n", report->differences);
}

/* One line an entry, its fields apart by tabs; ids hold no control bytes. */
static bool print_entry(void *context, const rf_entry *entry)
{
    const rf_environment *environment = context;
    printf("%s\t%" PRIu64 "\t%s\t%.*s\t%s\n", environment->id, entry->number,
           rf_operation_name(entry->operation), (int)entry->id.length,
           entry->id.bytes,
           entry->result.status != RF_OK ? "refused"
           : entry->result.partial       ? "partialSuccess"
                                         : "success");
    return true;
}

typedef struct printing {
    rf_store *store;
    rf_store_transaction *transaction;
} printing;

static rf_status print_journal(void *context, rf_environment *environment,
                               rf_error *err)
{
    printing *print = context;
    rf_status status =
        rf_journal_read(print->store, print->transaction,
                        (rf_journal_range){environment->number, 0}, print_entry,
                        environment, err);
    rf_environment_free(environment);
    return status;
}

static rf_status print_journals(rf_store *store, rf_error *err)
{
    printing print = {.store = store};
    rf_status status =
        store->operations->begin(store, false, &print.transaction, err);
    if (status == RF_OK) {
        status = rf_environment_load_all(store, print.transaction,
                                         print_journal, &print, err);
        store->operations->abort(print.transaction);
    }
    return status;
}

static rf_status verify(const rf_arguments *arguments,
                        const rf_options *options, rf_verify_report *report,
                        rf_error *err)
{
    rf_store *store = NULL;
    rf_store_lmdb_options place = {
        .directory = options->data_directory,
        .map_bytes = (uint64_t)options->map_bytes,
        .map_bytes_max = (uint64_t)options->map_bytes * 16,
        .readers_max = 1,
        .read_only = true,
        .product_version = RINGFENCE_VERSION,
    };
    rf_status status = rf_store_lmdb_open(&place, &store, err);
    if (status != RF_OK) {
        return status;
    }
    if (arguments->journal) {
        status = print_journals(store, err);
    }
    if (status == RF_OK) {
        rf_verify_options check = {.differ = print_difference};
        status = rf_verify(store, &check, report, err);
    }
    store->operations->close(store);
    return status;
}

static int run_verify(const rf_arguments *arguments)
{
    rf_options options;
    rf_error error = {0};
    rf_verify_report report = {0};
    int code = rf_cli_options(arguments, &options);
    if (code == 0) {
        if (verify(arguments, &options, &report, &error) != RF_OK) {
            code = rf_cli_fail(RF_EXIT_FAILURE, &error);
        } else {
            print_report(&report);
            code = report.differences > 0 ? RF_EXIT_FAILURE : 0;
        }
    }
    rf_options_done(&options);
    return code;
}

const rf_subcommand rf_cmd_verify = {
    .name = "verify",
    .summary = "recompute every total from the leaves and compare",
    .help = "Reads the whole store, checks every record and recomputes every "
            "total.\nExits 1 when something differs. A server may be running "
            "on the store.\n",
    .takes = RF_TAKES_CONFIG | RF_TAKES_JOURNAL,
    .run = run_verify,
};
