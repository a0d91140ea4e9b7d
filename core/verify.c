/*
 * verify.c - the order of verification, and how differences are told.
 */
#include "core/verify.h"

#include "core/alloc.h"
#include "core/job_record.h"
#include "core/place_walk.h"
#include "core/verify_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 2048

static void tell(rf_verifier *verifier, const char *line)
{
    rf_verify_report *report = verifier->report;
    report->differences++;
    if (report->differences > RF_VERIFY_TOLD_MAX ||
        verifier->options->differ == NULL) {
        return;
    }
    if (!verifier->options->differ(verifier->options->context, line)) {
        verifier->is_stopped = true;
    }
}

void rf_verify__differ(rf_verifier *verifier, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    tell(verifier, line);
}

static void append(char *line, size_t *length, const char *format, ...)
    RF_PRINTF(3, 4);

static void append(char *line, size_t *length, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int added =
        vsnprintf(line + *length, LINE_MAX_BYTES - *length, format, arguments);
    va_end(arguments);
    size_t room = LINE_MAX_BYTES - 1 - *length;
    *length += added < 0 || (size_t)added > room ? room : (size_t)added;
}

/* Stored values may hold any bytes; control characters would break lines. */
static void append_text(char *line, size_t *length, rf_text text)
{
    for (size_t i = 0; i < text.length && *length < LINE_MAX_BYTES - 1; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        line[(*length)++] = c < 0x20 || c == 0x7F ? '?' : (char)c;
    }
    line[*length] = '\0';
}

static rf_text coordinate_name(const rf_verify_subject *subject,
                               unsigned coordinate)
{
    if (coordinate < RF_DIMENSION_COUNT) {
        return rf_dimension_name(coordinate);
    }
    if (coordinate == RF_DAY) {
        return rf_text_of("date");
    }
    size_t group = coordinate - RF_DIMENSION_COUNT;
    const rf_registry *registry = subject->environment->registry;
    return group < rf_registry_group_count(registry)
               ? rf_registry_group_name(registry, group)
               : rf_text_of("?");
}

void rf_verify__differ_at(rf_verifier *verifier,
                          const rf_verify_subject *subject,
                          const rf_key_parts *product, const rf_place *place,
                          const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    char what[512];
    size_t length = 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    append(line, &length, "%s: organization ", subject->environment->id);
    append_text(line, &length, product->organization);
    append(line, &length, ", product ");
    append_text(line, &length, product->product);
    for (rf_level rest = place == NULL ? 0 : place->given; rest != 0;
         rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        append(line, &length, ", ");
        append_text(line, &length, coordinate_name(subject, coordinate));
        append(line, &length, " ");
        append_text(line, &length, place->value[coordinate]);
    }
    append(line, &length, ": %s", what);
    tell(verifier, line);
}

rf_verify_subject *rf_verify__subject(const rf_verifier *verifier, rf_bytes key)
{
    for (size_t i = 0; key.length >= 2 && i < verifier->subject_count; i++) {
        rf_verify_subject *subject = verifier->subjects[i];
        if (subject->environment->number ==
            (key.bytes[0] << 8 | key.bytes[1])) {
            return subject;
        }
    }
    return NULL;
}

void rf_verify__tally(rf_tally *tally, rf_text organization, rf_text product,
                      rf_bytes coordinates, rf_measure measure,
                      rf_quantity quantity)
{
    rf_fingerprint parts[4] = {
        rf_fingerprint_of(organization.bytes, organization.length),
        rf_fingerprint_of(product.bytes, product.length),
        rf_fingerprint_of(coordinates.bytes, coordinates.length),
        {measure, 0},
    };
    rf_fingerprint hash = rf_fingerprint_of(parts, sizeof parts);
    tally->low += (uint64_t)quantity * (hash.low | 1);
    tally->high += (uint64_t)quantity * (hash.high | 1);
}

static void free_subject(rf_verify_subject *subject)
{
    if (subject == NULL) {
        return;
    }
    for (size_t i = 0; subject->expected != NULL && i < RF_LEVELS_MAX; i++) {
        rf_groups_done(&subject->expected[i]);
    }
    rf_free(subject->expected);
    rf_environment_free(subject->environment);
    rf_free(subject);
}

/* Becomes the owner of the environment, also on failure. */
static rf_status add_subject(void *context, rf_environment *environment,
                             rf_error *err)
{
    rf_verifier *verifier = context;
    rf_verify_subject *subject = rf_calloc(1, sizeof *subject);
    rf_groups *expected = rf_calloc(RF_LEVELS_MAX, sizeof *expected);
    rf_verify_subject **subjects =
        rf_realloc(verifier->subjects, verifier->subject_count + 1,
                   sizeof(rf_verify_subject *));
    if (subjects != NULL) {
        verifier->subjects = subjects;
    }
    if (subject == NULL || expected == NULL || subjects == NULL) {
        rf_free(subject);
        rf_free(expected);
        rf_environment_free(environment);
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < RF_LEVELS_MAX; i++) {
        rf_groups_init(&expected[i], 0);
    }
    subject->environment = environment;
    subject->has_pool =
        rf_pool_measures_find(environment->registry, &subject->pool);
    subject->expected = expected;
    subjects[verifier->subject_count++] = subject;
    verifier->report->environments++;
    return RF_OK;
}

/* An entry without stock is none of its business: stock may come and go. */
static bool visit_place(void *context, rf_bytes key, rf_bytes value)
{
    rf_verifier *verifier = context;
    rf_place_entry entry;
    verifier->report->places++;
    if (rf_verify__subject(verifier, key) == NULL) {
        rf_verify__differ(verifier, "the index of places has an entry of an "
                                    "environment that does not exist");
    } else if (rf_place_entry_read(key, &entry, NULL) != RF_OK ||
               value.length != 1 || value.bytes[0] != 1) {
        rf_verify__differ(verifier, "the index of places has a damaged entry");
    }
    return !verifier->is_stopped;
}

static rf_status verify_places(rf_verifier *verifier, rf_error *err)
{
    return verifier->store->operations->scan(
        verifier->transaction,
        &(rf_store_range){RF_TABLE_PLACE, (rf_bytes){NULL, 0},
                          (rf_bytes){NULL, 0}},
        visit_place, verifier, err);
}

/* What a job is to do is its own business; its record can be read. */
static bool visit_job(void *context, rf_bytes key, rf_bytes value)
{
    rf_verifier *verifier = context;
    rf_job_id id;
    rf_job_record record;
    if (rf_verify__subject(verifier, key) == NULL) {
        rf_verify__differ(verifier, "the table of jobs has an entry of an "
                                    "environment that does not exist");
    } else if (!rf_job_key_read(key, &id) ||
               rf_job_record_decode(value, &record, NULL) != RF_OK) {
        rf_verify__differ(verifier, "the table of jobs has a damaged entry");
    }
    return !verifier->is_stopped;
}

static rf_status verify_jobs(rf_verifier *verifier, rf_error *err)
{
    return verifier->store->operations->scan(
        verifier->transaction,
        &(rf_store_range){RF_TABLE_JOBS, (rf_bytes){NULL, 0},
                          (rf_bytes){NULL, 0}},
        visit_job, verifier, err);
}

static bool is_same(rf_tally a, rf_tally b)
{
    return a.low == b.low && a.high == b.high;
}

/* Where everything that ever happened is in the journal, it must come to what
 * is there now. */
static void compare_tallies(rf_verifier *verifier,
                            const rf_verify_subject *subject)
{
    bool is_whole = subject->first_number == 1 && !subject->was_erased &&
                    subject->environment->erasure_count == 0;
    if (!is_whole) {
        return;
    }
    verifier->report->replayed++;
    if (!is_same(subject->stock, subject->moved)) {
        rf_verify__differ(verifier,
                          "%s: the movements of the journal do not add up to "
                          "the stock",
                          subject->environment->id);
    }
    if (!is_same(subject->allocations, subject->redistributed)) {
        rf_verify__differ(verifier,
                          "%s: the journal does not add up to the allocations",
                          subject->environment->id);
    }
    if (!is_same(subject->waiting, subject->staged)) {
        rf_verify__differ(verifier,
                          "%s: the journal does not add up to the adjustments "
                          "that are staged",
                          subject->environment->id);
    }
}

static rf_status verify_all(rf_verifier *verifier, rf_error *err)
{
    rf_error damage = {0};
    rf_status status = rf_environment_load_all(
        verifier->store, verifier->transaction, add_subject, verifier, &damage);
    if (status == RF_E_STORAGE) {
        rf_verify__differ(verifier, "%s; nothing else was looked at",
                          damage.message);
        return RF_OK;
    }
    if (status != RF_OK) {
        return rf_fail(err, status, "%s", damage.message);
    }
    status = rf_verify__stock(verifier, err);
    if (status == RF_OK && !verifier->is_stopped) {
        status = rf_verify__due(verifier, err);
    }
    if (status == RF_OK && !verifier->is_stopped) {
        status = verify_places(verifier, err);
    }
    if (status == RF_OK && !verifier->is_stopped) {
        status = rf_verify__products(verifier, err);
    }
    if (status == RF_OK && !verifier->is_stopped) {
        status = verify_jobs(verifier, err);
    }
    if (status == RF_OK && !verifier->is_stopped) {
        status = rf_verify__journal(verifier, err);
    }
    for (size_t i = 0; status == RF_OK && !verifier->is_stopped &&
                       i < verifier->subject_count;
         i++) {
        compare_tallies(verifier, verifier->subjects[i]);
    }
    return status;
}

rf_status rf_verify(rf_store *store, const rf_verify_options *options,
                    rf_verify_report *report, rf_error *err)
{
    rf_verifier verifier = {
        .store = store, .options = options, .report = report, .err = err};
    *report = (rf_verify_report){0};
    rf_status status =
        store->operations->begin(store, false, &verifier.transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = verify_all(&verifier, err);
    store->operations->abort(verifier.transaction);
    for (size_t i = 0; i < verifier.subject_count; i++) {
        free_subject(verifier.subjects[i]);
    }
    rf_free(verifier.subjects);
    return status;
}
