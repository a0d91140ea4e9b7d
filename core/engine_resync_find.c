/*
 * engine_resync_find.c - what a step of a resync is going to change.
 *
 * Of each product the records of reservations come first, with what they hold
 * at their rows, and then the rows, with what else they have of the measures.
 * Both add up to one change of a row: it is looked at as it is stored, and so
 * are the records, whether or not they go in this step.
 */
#include "core/engine_resync.h"
#include "core/slice.h"

#include <string.h>

static rf_status out_of_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
}

/* Make a key that starts with the product at hand. */
static rf_key product_key(const rf_resync *self)
{
    rf_key key = {.length = (uint16_t)self->at.product_length};
    memcpy(key.bytes, self->at.next.bytes, key.length);
    return key;
}

static rf_key records_key(const rf_resync *self)
{
    rf_key key = product_key(self);
    key.bytes[key.length++] = RF_KEY_RESERVATION;
    return key;
}

static rf_key rows_key(const rf_resync *self)
{
    rf_key key = product_key(self);
    rf_key_level(
        &key,
        rf_environment_active_level(self->environment, RF_LEVEL_LEAF)->number);
    return key;
}

static void go_to(rf_resync *self, rf_resync_stage next, rf_key key)
{
    self->at.stage = next;
    self->at.next = key;
}

/* Go behind the product at hand. */
static void leave_product(rf_resync *self, rf_resync_stage next)
{
    rf_key key = product_key(self);
    key.bytes[key.length++] = RF_KEY_END;
    go_to(self, next, key);
}

static void spend_look(rf_resync *self)
{
    self->looks -= self->looks > 0 ? 1 : 0;
    self->is_stopped = self->is_stopped || self->looks == 0;
}

/* Remember a failure of a visit, which ends its scan. */
static bool fail_visit(rf_resync *self, rf_status status)
{
    self->status = status;
    return false;
}

static rf_status scan(rf_resync *self, const rf_key *prefix, const rf_key *next,
                      rf_store_visit *visit)
{
    rf_status status =
        rf_slice_scan(self->engine->store, self->transaction,
                      &(rf_slice_range){prefix, next}, visit, self, self->err);
    return status == RF_OK ? self->status : status;
}

/* ---- Finding products ---- */

/* Read which product the key at hand is of. */
static rf_status enter_product(rf_resync *self)
{
    rf_arena *arena = rf_workset_arena(self->engine->workset);
    rf_reader reader = rf_reader_of(
        (rf_bytes){self->at.next.bytes + 2, self->at.product_length - 2});
    rf_text organization = rf_read_short_text(&reader);
    rf_text product = rf_read_short_text(&reader);
    if (reader.failed || reader.at != reader.end) {
        return rf_fail(self->err, RF_E_STORAGE,
                       "the position of a job is damaged");
    }
    self->organization =
        (rf_text){rf_arena_copy(arena, organization.bytes, organization.length),
                  organization.length};
    self->product = (rf_text){
        rf_arena_copy(arena, product.bytes, product.length), product.length};
    self->first_row = self->row_count;
    self->has_kept = false;
    rf_key key = product_key(self);
    self->head = rf_check_want_head(&self->engine->work, &key);
    return self->organization.bytes == NULL || self->product.bytes == NULL ||
                   self->head == NULL
               ? out_of_memory(self->err)
               : RF_OK;
}

static bool take_first(void *context, rf_bytes key, rf_bytes value)
{
    rf_resync *self = context;
    rf_key_parts parts;
    (void)value;
    rf_status status = rf_key_read(key, &parts, self->err);
    if (status != RF_OK) {
        return fail_visit(self, status);
    }
    rf_key_product(&self->at.next, parts.environment, parts.organization,
                   parts.product);
    self->at.product_length = self->at.next.length;
    return false;
}

/* Go to the next product, to count it or to clean it; behind the last one the
 * counting is over, or all is. */
static rf_status find_product(rf_resync *self)
{
    bool counts = self->at.stage == RF_RESYNC_COUNT;
    rf_key all;
    rf_key_environment(&all, self->environment->number);
    rf_key from = self->at.next;
    self->at.product_length = 0;
    spend_look(self);
    rf_status status = scan(self, &all, &from, take_first);
    if (status != RF_OK) {
        return status;
    }
    if (self->at.product_length == 0) {
        go_to(self, counts ? RF_RESYNC_FIND : RF_RESYNC_DONE, all);
    } else if (counts) {
        self->total++;
        leave_product(self, RF_RESYNC_COUNT);
    } else {
        status = enter_product(self);
        go_to(self, RF_RESYNC_RECORDS, records_key(self));
    }
    return status;
}

/* ---- What is to change ---- */

static int find_measure(const rf_resync *self, rf_measure measure)
{
    for (size_t i = 0; i < self->measure_count; i++) {
        if (self->measures[i] == measure) {
            return (int)i;
        }
    }
    return -1;
}

static rf_status start_row(rf_resync *self, rf_bytes coordinates,
                           rf_resync_row *out)
{
    bool hashed = false;
    rf_arena *arena = rf_workset_arena(self->engine->workset);
    const void *copy =
        rf_arena_copy(arena, coordinates.bytes, coordinates.length);
    *out = (rf_resync_row){.organization = self->organization,
                           .product = self->product,
                           .coordinates = {copy, coordinates.length},
                           .changes =
                               rf_arena_calloc(arena, self->measure_count + 1,
                                               sizeof *out->changes)};
    if (copy == NULL || out->changes == NULL) {
        return out_of_memory(self->err);
    }
    return rf_coordinates_read(out->coordinates, &out->place, &hashed,
                               self->err);
}

/* Find the row at some coordinates of the product at hand, or begin it. NULL:
 * the step has enough rows, or `status` says what is wrong. */
static rf_resync_row *find_row(rf_resync *self, rf_bytes coordinates)
{
    for (size_t i = self->first_row; i < self->row_count; i++) {
        rf_resync_row *known = &self->rows[i];
        if (known->coordinates.length == coordinates.length &&
            memcmp(known->coordinates.bytes, coordinates.bytes,
                   coordinates.length) == 0) {
            return known;
        }
    }
    if (self->row_count == RF_RESYNC_ROWS_MAX) {
        self->is_stopped = true;
        return NULL;
    }
    rf_resync_row *started = &self->rows[self->row_count];
    self->status = start_row(self, coordinates, started);
    if (self->status != RF_OK) {
        return NULL;
    }
    self->row_count++;
    return started;
}

/* Change one measure of a row by `to` less `from`. */
static void change_row(rf_resync *self, const rf_resync_row *changed,
                       size_t measure, rf_quantity to, rf_quantity from)
{
    rf_quantity delta;
    rf_quantity *change = &changed->changes[measure];
    if (!rf_quantity_subtract(to, from, &delta) ||
        !rf_quantity_add(*change, delta, change)) {
        self->status = rf_fail(self->err, RF_E_QUANTITY_OVERFLOW,
                               "the change is beyond what can be stored");
    }
}

/* ---- Reservations ---- */

static rf_status note_removal(rf_resync *self, rf_bytes key,
                              const rf_reservation *reservation)
{
    rf_key_parts parts;
    rf_removal *going = &self->removals[self->removal_count];
    rf_status status = rf_key_read(key, &parts, self->err);
    if (status != RF_OK) {
        return status;
    }
    *going = (rf_removal){.head = self->head,
                          .level = reservation->level,
                          .is_live = reservation->quantity > 0};
    if (reservation->expires_ms != 0) {
        going->due =
            rf_work_due(&self->engine->work,
                        &(rf_due_parts){.environment = parts.environment,
                                        .at_ms = reservation->expires_ms,
                                        .organization = parts.organization,
                                        .product = parts.product,
                                        .reservation = parts.reservation});
        if (going->due == NULL) {
            return out_of_memory(self->err);
        }
    }
    self->removal_count++;
    rf_write_text(&self->keys, (rf_text){(const char *)key.bytes, key.length});
    return rf_buffer_failed(&self->keys) ? out_of_memory(self->err) : RF_OK;
}

/* Take what a reservation holds out of its row. false: there is no room in this
 * step for one more, or `status` says what is wrong. */
static bool take_out(rf_resync *self, const rf_reservation *reservation,
                     size_t measure)
{
    if (self->removal_count == RF_RESYNC_REMOVALS_MAX) {
        self->is_stopped = true;
        return false;
    }
    if (reservation->quantity == 0) {
        return true;
    }
    const rf_resync_row *changed = find_row(self, reservation->coordinates);
    if (changed == NULL) {
        return false;
    }
    change_row(self, changed, measure, 0, reservation->quantity);
    return self->status == RF_OK;
}

static bool visit_reservation(void *context, rf_bytes key, rf_bytes value)
{
    rf_resync *self = context;
    rf_reservation reservation;
    self->status = rf_reservation_decode(value, &reservation, self->err);
    if (self->status != RF_OK) {
        return false;
    }
    int measure = find_measure(self, reservation.measure);
    if (measure >= 0) {
        if (!take_out(self, &reservation, (size_t)measure)) {
            return false;
        }
        self->status = note_removal(self, key, &reservation);
    }
    rf_slice_behind(&self->at.next, key);
    spend_look(self);
    return self->status == RF_OK && !self->is_stopped;
}

static rf_status clean_records(rf_resync *self)
{
    rf_key prefix = records_key(self);
    rf_key from = self->at.next;
    rf_status status = scan(self, &prefix, &from, visit_reservation);
    if (status == RF_OK && !self->is_stopped) {
        go_to(self, RF_RESYNC_ROWS, rows_key(self));
    }
    return status;
}

/* ---- Rows ---- */

static bool visit_kept(void *context, rf_bytes key, rf_bytes value)
{
    rf_resync *self = context;
    rf_reservation reservation;
    rf_place place;
    bool hashed;
    (void)key;
    rf_status status = rf_reservation_decode(value, &reservation, self->err);
    if (status == RF_OK) {
        status = rf_coordinates_read(reservation.coordinates, &place, &hashed,
                                     self->err);
    }
    if (status == RF_OK && find_measure(self, reservation.measure) >= 0) {
        rf_amount amount = {reservation.measure, reservation.quantity};
        rf_measures held = {&amount, 1, 1};
        status =
            rf_groups_add(&self->kept, RF_LEVEL_LEAF, &place, &held, self->err);
    }
    return status == RF_OK ? true : fail_visit(self, status);
}

/* Add up what the product's records hold. Those that go in this step are still
 * there: what they hold is still in their rows, too. */
static rf_status add_up_kept(rf_resync *self)
{
    rf_key prefix = records_key(self);
    if (self->has_kept) {
        return RF_OK;
    }
    rf_groups_clear(&self->kept);
    self->has_kept = true;
    return scan(self, &prefix, &prefix, visit_kept);
}

/* Bring a row to what its records come to. false: as take_out. */
static bool level_row(rf_resync *self, rf_bytes coordinates)
{
    const rf_group *group = rf_groups_find(&self->kept, coordinates);
    for (size_t i = 0; i < self->measure_count && self->status == RF_OK; i++) {
        rf_quantity stored =
            rf_measures_get(&self->node.measures, self->measures[i]);
        rf_quantity kept = group == NULL ? 0
                                         : rf_measures_get(&group->measures,
                                                           self->measures[i]);
        if (stored == kept) {
            continue;
        }
        const rf_resync_row *changed = find_row(self, coordinates);
        if (changed == NULL) {
            return false;
        }
        change_row(self, changed, i, kept, stored);
    }
    return self->status == RF_OK;
}

static bool visit_row(void *context, rf_bytes key, rf_bytes value)
{
    rf_resync *self = context;
    rf_key_parts parts;
    self->status = rf_key_read(key, &parts, self->err);
    if (self->status == RF_OK) {
        self->status = rf_node_decode(value, &self->node, self->err);
    }
    if (self->status != RF_OK) {
        return false;
    }
    /* A key that is hashed has its coordinates in the value. */
    rf_bytes coordinates = self->node.coordinates.length > 0
                               ? self->node.coordinates
                               : parts.coordinates;
    if (!level_row(self, coordinates)) {
        return false;
    }
    rf_slice_behind(&self->at.next, key);
    spend_look(self);
    return !self->is_stopped;
}

static rf_status clean_rows(rf_resync *self)
{
    rf_key prefix = rows_key(self);
    rf_key from = self->at.next;
    rf_status status = add_up_kept(self);
    if (status == RF_OK) {
        status = scan(self, &prefix, &from, visit_row);
    }
    if (status == RF_OK && !self->is_stopped) {
        self->done++;
        leave_product(self, RF_RESYNC_FIND);
    }
    return status;
}

/* ---- All of it ---- */

rf_status rf_resync__collect(rf_resync *self)
{
    rf_status status = RF_OK;
    if (self->at.stage == RF_RESYNC_RECORDS ||
        self->at.stage == RF_RESYNC_ROWS) {
        status = enter_product(self);
    }
    while (status == RF_OK && !self->is_stopped &&
           self->at.stage != RF_RESYNC_DONE) {
        status = self->at.stage == RF_RESYNC_RECORDS ? clean_records(self)
                 : self->at.stage == RF_RESYNC_ROWS  ? clean_rows(self)
                                                     : find_product(self);
    }
    return status;
}
