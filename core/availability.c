/*
 * availability.c - reading what a checked reservation would find.
 */
#include "core/availability.h"

#include "core/journal.h"
#include "core/key.h"
#include "core/slice.h"

#include <string.h>

/* One of the caller's reservations, as far as totals need it. */
typedef struct own_hold {
    rf_level level;
    rf_place place;
    rf_measure measure;
    rf_quantity quantity;
} own_hold;

typedef struct reading {
    rf_store *store;
    rf_store_transaction *transaction;
    const rf_generation *generation;
    const rf_availability_request *request;
    rf_arena *arena;
    own_hold *own;
    size_t own_count;
    rf_node node;     /* the record at hand */
    rf_measures sum;  /* of the level at hand */
    rf_level level;   /* likewise */
    rf_status status; /* of a visit */
    rf_error *err;
} reading;

static void start_key(const reading *self, rf_key *key)
{
    rf_key_product(key, self->generation->environment,
                   self->request->organization, self->request->product);
}

static rf_status load(const reading *self, const rf_key *key, rf_bytes *value)
{
    rf_store_item item = {RF_TABLE_STOCK, rf_key_bytes(key), {NULL, 0}};
    rf_status status =
        self->store->operations->load(self->transaction, &item, 1, self->err);
    *value = item.value;
    return status;
}

/* ---- The caller's own reservations ---- */

static rf_status take_own(reading *self, uint64_t id, rf_bytes value,
                          rf_availability *out)
{
    rf_reservation record;
    bool hashed;
    rf_status status = rf_reservation_decode(value, &record, self->err);
    if (status != RF_OK || record.quantity <= 0) {
        return status;
    }
    own_hold *hold = &self->own[self->own_count];
    *hold = (own_hold){.level = record.level,
                       .measure = record.measure,
                       .quantity = record.quantity};
    /* Stored bytes stay while the transaction is open. */
    status = rf_coordinates_read(record.coordinates, &hold->place, &hashed,
                                 self->err);
    if (status != RF_OK) {
        return status;
    }
    self->own_count++;
    out->own[out->own_count++] =
        (rf_availability_own){id, record.created_number, record.quantity};
    return status;
}

static bool is_repeated(const rf_availability_request *request, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (request->own[i] == request->own[at]) {
            return true;
        }
    }
    return false;
}

static rf_status read_own(reading *self, rf_availability *out)
{
    const rf_availability_request *request = self->request;
    self->own =
        rf_arena_calloc(self->arena, request->own_count + 1, sizeof *self->own);
    out->own =
        rf_arena_calloc(self->arena, request->own_count + 1, sizeof *out->own);
    if (self->own == NULL || out->own == NULL) {
        return rf_fail(self->err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_status status = RF_OK;
    for (size_t i = 0; i < request->own_count && status == RF_OK; i++) {
        rf_key key;
        rf_bytes value;
        start_key(self, &key);
        rf_key_reservation(&key, request->own[i]);
        status = load(self, &key, &value);
        if (status == RF_OK && value.bytes != NULL &&
            !is_repeated(request, i)) {
            status = take_own(self, request->own[i], value, out);
        }
    }
    return status;
}

/* Take the own reservations out of the level's total. */
static rf_status leave_own_out(reading *self)
{
    rf_status status = RF_OK;
    for (size_t i = 0; i < self->own_count && status == RF_OK; i++) {
        const own_hold *hold = &self->own[i];
        if (rf_place_agrees(&hold->place, self->request->place, self->level)) {
            status = rf_measures_add(&self->sum, hold->measure, -hold->quantity,
                                     self->err);
        }
    }
    return status;
}

/* ---- Totals ---- */

static rf_status add_node(reading *self)
{
    const rf_measures *measures = &self->node.measures;
    rf_status status = RF_OK;
    for (uint16_t i = 0; i < measures->count && status == RF_OK; i++) {
        status = rf_measures_add(&self->sum, measures->amounts[i].measure,
                                 measures->amounts[i].quantity, self->err);
    }
    return status;
}

static rf_status read_node(reading *self, uint8_t number)
{
    rf_key key;
    rf_bytes value;
    start_key(self, &key);
    rf_key_node(&key, number, self->level, self->request->place);
    rf_status status = load(self, &key, &value);
    if (status != RF_OK || value.bytes == NULL) {
        return status;
    }
    status = rf_node_decode(value, &self->node, self->err);
    return status == RF_OK ? add_node(self) : status;
}

static rf_status take_below(reading *self, rf_bytes key, rf_bytes value)
{
    rf_key_parts parts;
    rf_place place;
    bool hashed;
    rf_status status = rf_key_read(key, &parts, self->err);
    if (status == RF_OK) {
        status = rf_node_decode(value, &self->node, self->err);
    }
    if (status == RF_OK) {
        status =
            rf_coordinates_read(parts.coordinates, &place, &hashed, self->err);
    }
    if (status == RF_OK && hashed) {
        status = rf_coordinates_read(self->node.coordinates, &place, &hashed,
                                     self->err);
    }
    if (status == RF_OK &&
        rf_place_agrees(&place, self->request->place, self->level)) {
        status = add_node(self);
    }
    return status;
}

static bool visit_below(void *context, rf_bytes key, rf_bytes value)
{
    reading *self = context;
    self->status = take_below(self, key, value);
    return self->status == RF_OK;
}

/* Append site and location as far as they lead the finer level's keys and are
 * wanted; what stands behind them may be hashed. */
static void append_leading(const reading *self, rf_key *key, rf_level finer)
{
    const rf_level wanted = self->level & RF_LEVEL_PLACE;
    for (unsigned coordinate = RF_SITE; coordinate <= RF_LOCATION;
         coordinate++) {
        rf_level bit = RF_BIT(coordinate);
        if ((finer & bit) != 0 && (wanted & bit) == 0) {
            return;
        }
        if ((finer & bit) != 0) {
            rf_key_coordinate(key, coordinate,
                              self->request->place->value[coordinate]);
        }
    }
}

/* No level keeps this total: add up the nodes of a finer one. */
static rf_status read_range(reading *self, rf_level_number finer)
{
    rf_key prefix;
    rf_key next = {0};
    start_key(self, &prefix);
    rf_key_level(&prefix, finer.number);
    append_leading(self, &prefix, finer.level);
    rf_slice_range range = {&prefix, &next};
    self->status = RF_OK;
    rf_status status = rf_slice_scan(self->store, self->transaction, &range,
                                     visit_below, self, self->err);
    return status == RF_OK ? self->status : status;
}

/* Read the total of a level, without the own reservations, into `sum`. */
static rf_status read_level(reading *self, rf_level level)
{
    rf_level_number found = rf_generation_level(self->generation, level);
    self->level = level;
    self->sum.count = 0;
    rf_status status = found.level == level ? read_node(self, found.number)
                                            : read_range(self, found);
    return status == RF_OK ? leave_own_out(self) : status;
}

/* ---- Values ---- */

static void narrow(const rf_place *place, rf_level level, rf_place *out)
{
    *out = (rf_place){.given = place->given & level};
    for (rf_level rest = out->given; rest != 0; rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        out->value[coordinate] = place->value[coordinate];
    }
}

static rf_status evaluate(const reading *self, rf_quantity *out)
{
    const rf_availability_request *request = self->request;
    rf_place place;
    narrow(request->place, self->level, &place);
    rf_subject subject = {.catalog = self->generation->catalog,
                          .organization = request->organization,
                          .product = request->product,
                          .place = &place,
                          .measures = &self->sum,
                          .now_ms = request->now_ms,
                          .thread = request->thread};
    return rf_calculated_value(request->measure, &subject, out, self->err);
}

/* The own level's measures outlive the reading. */
static rf_status keep_measures(const reading *self, rf_availability *out)
{
    size_t count = self->sum.count;
    out->measures.amounts =
        rf_arena_calloc(self->arena, count + 1, sizeof *out->measures.amounts);
    if (out->measures.amounts == NULL) {
        return rf_fail(self->err, RF_E_NO_MEMORY, "out of memory");
    }
    if (count > 0) {
        memcpy(out->measures.amounts, self->sum.amounts,
               count * sizeof *self->sum.amounts);
    }
    out->measures.count = (uint16_t)count;
    return RF_OK;
}

/* A level where only the caller holds something would not be checked. */
static void leave_own_levels_out(const reading *self, rf_head *head)
{
    for (size_t i = 0; i < self->own_count; i++) {
        for (uint16_t l = 0; l < head->count; l++) {
            if (head->levels[l].level == self->own[i].level) {
                bool counted = rf_head_count(head, self->own[i].level, -1);
                RF_ASSERT(counted);
                break;
            }
        }
    }
}

static rf_status find_levels(reading *self, rf_availability *out)
{
    rf_head head = {0};
    rf_key key;
    rf_bytes value;
    start_key(self, &key);
    rf_key_head(&key);
    rf_status status = load(self, &key, &value);
    if (status == RF_OK && value.bytes != NULL) {
        status = rf_head_decode(value, &head, self->err);
    }
    if (status != RF_OK) {
        return status;
    }
    leave_own_levels_out(self, &head);
    rf_level levels[RF_CHECK_LEVELS_MAX];
    out->level_count = rf_check_levels(
        self->generation->catalog, self->request->place->given, &head, levels);
    if (out->level_count > RF_CHECK_LEVELS_MAX) {
        return rf_fail(self->err, RF_E_TOO_MANY_ITEMS,
                       "the product holds something at so many levels that "
                       "more than %d would have to be checked",
                       RF_CHECK_LEVELS_MAX);
    }
    for (size_t i = 0; i < out->level_count; i++) {
        out->levels[i].level = levels[i];
    }
    return RF_OK;
}

static rf_status read_values(reading *self, rf_availability *out)
{
    rf_status status = RF_OK;
    for (size_t i = 0; i < out->level_count && status == RF_OK; i++) {
        status = read_level(self, out->levels[i].level);
        if (status == RF_OK && i == 0) {
            status = keep_measures(self, out);
        }
        if (status == RF_OK) {
            status = evaluate(self, &out->levels[i].value);
        }
        if (status == RF_OK &&
            out->levels[i].value < out->levels[out->binding].value) {
            out->binding = i;
        }
    }
    return status;
}

static rf_status read_all(reading *self, rf_availability *out)
{
    uint64_t first;
    rf_status status = rf_journal_bounds(self->store, self->transaction,
                                         self->generation->environment, &first,
                                         &out->version, self->err);
    if (status == RF_OK) {
        status = read_own(self, out);
    }
    if (status == RF_OK) {
        status = find_levels(self, out);
    }
    return status == RF_OK ? read_values(self, out) : status;
}

rf_status rf_availability_read(rf_store *store, const rf_generation *generation,
                               const rf_availability_request *request,
                               rf_arena *arena, rf_availability *out,
                               rf_error *err)
{
    reading self = {.store = store,
                    .generation = generation,
                    .request = request,
                    .arena = arena,
                    .err = err};
    *out = (rf_availability){0};
    rf_status status =
        store->operations->begin(store, false, &self.transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = read_all(&self, out);
    store->operations->abort(self.transaction);
    rf_measures_done(&self.sum);
    rf_measures_done(&self.node.measures);
    if (status == RF_OK) {
        rf_quantity smallest = out->levels[out->binding].value;
        out->available = smallest > 0 ? smallest : 0;
    }
    return status;
}
