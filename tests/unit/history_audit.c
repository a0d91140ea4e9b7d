/*
 * history_audit.c - reading everything back, table by table.
 */
#include "tests/unit/history_audit.h"

#include "core/allocations.h"
#include "core/key.h"
#include "core/record.h"
#include "tests/unit/history_ask.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

typedef struct audit {
    const history_books *books;
    size_t product_count;
    rf_measure measures[HISTORY_MEASURES];
    unsigned dimensions[HISTORY_DIMENSIONS];
    uint8_t leaf; /* the level's number */
    size_t rows;  /* found that are not zero */
    size_t pools;
    size_t holds;
} audit;

static const history_books *find_books(const audit *self, rf_text product)
{
    char name[HISTORY_TEXT_MAX];
    assert_true(product.length < sizeof name);
    memcpy(name, product.bytes, product.length);
    name[product.length] = '\0';
    unsigned long at = strtoul(name, NULL, 10);
    assert_true(at < self->product_count);
    return &self->books[at];
}

static unsigned char read_value(rf_text value)
{
    return (unsigned char)(value.length == 0 ? 0 : value.bytes[0] - 'a');
}

static history_spot read_spot(const audit *self, const rf_place *place)
{
    history_spot spot = {{0}, {0}};
    for (unsigned d = 0; d < HISTORY_DIMENSIONS; d++) {
        spot.dimension[d] = read_value(place->value[self->dimensions[d]]);
    }
    for (unsigned g = 0; g < HISTORY_GROUPS; g++) {
        spot.group[g] = read_value(place->value[RF_DIMENSION_COUNT + g]);
    }
    return spot;
}

static void check_row(audit *self, const rf_key_parts *parts, rf_bytes value)
{
    rf_place place = {0};
    rf_node node = {0};
    bool hashed;
    assert_int_equal(
        rf_coordinates_read(parts->coordinates, &place, &hashed, NULL), RF_OK);
    assert_int_equal(rf_node_decode(value, &node, NULL), RF_OK);
    history_spot spot = read_spot(self, &place);
    const history_row *row =
        history_find_row(find_books(self, parts->product), &spot);
    bool is_zero = true;
    for (unsigned m = 0; m < HISTORY_MEASURES; m++) {
        rf_quantity stored = rf_measures_get(&node.measures, self->measures[m]);
        assert_true(stored == (row == NULL ? 0 : row->amount[m]));
        is_zero = is_zero && stored == 0;
    }
    rf_measures_done(&node.measures);
    self->rows += is_zero ? 0 : 1;
}

static void check_hold(audit *self, const rf_key_parts *parts, rf_bytes value)
{
    const history_books *books = find_books(self, parts->product);
    rf_reservation stored;
    rf_place place = {0};
    bool hashed;
    size_t i = 0;
    assert_int_equal(rf_reservation_decode(value, &stored, NULL), RF_OK);
    assert_int_equal(
        rf_coordinates_read(stored.coordinates, &place, &hashed, NULL), RF_OK);
    while (i < books->hold_count && books->holds[i].id != parts->reservation) {
        i++;
    }
    assert_true(i < books->hold_count);
    history_spot spot = read_spot(self, &place);
    assert_true(history_same_place(&books->holds[i].spot, &spot));
    assert_true(stored.quantity == books->holds[i].quantity);
    assert_true(stored.expires_ms == books->holds[i].expires_ms);
    self->holds += stored.quantity == 0 ? 0 : 1;
}

static bool check_record(void *context, rf_bytes key, rf_bytes value)
{
    audit *self = context;
    rf_key_parts parts;
    assert_int_equal(rf_key_read(key, &parts, NULL), RF_OK);
    if (parts.kind == RF_KEY_NODE && parts.level_number == self->leaf) {
        check_row(self, &parts, value);
    } else if (parts.kind == RF_KEY_RESERVATION) {
        check_hold(self, &parts, value);
    }
    return true;
}

static rf_status check_pool(void *context, const rf_allocation *allocation,
                            rf_error *err)
{
    audit *self = context;
    (void)err;
    history_spot spot = read_spot(self, allocation->place);
    const history_pool *pool =
        history_find_pool(find_books(self, allocation->product), &spot);
    assert_non_null(pool);
    assert_true(allocation->allocated == pool->allocated);
    assert_true(allocation->cumulative_allocated == pool->given);
    assert_true(allocation->consumed == pool->consumed);
    self->pools++;
    return RF_OK;
}

static void read_stock(engine_rig *rig, audit *self)
{
    rf_store *store = rig->disk->store;
    rf_store_transaction *reader = rig_begin(store, false);
    rf_store_range all = {RF_TABLE_STOCK, {NULL, 0}, {NULL, 0}};
    assert_int_equal(
        store->operations->scan(reader, &all, check_record, self, NULL), RF_OK);
    store->operations->abort(reader);
}

static void read_pools(engine_rig *rig, audit *self)
{
    rf_allocation_listing listing = {.generation = engine_generation(rig),
                                     .limit = 1000,
                                     .visit = check_pool,
                                     .context = self};
    bool end = false;
    while (!end) {
        assert_int_equal(
            rf_allocations_list(rig->disk->store, &listing, &end, NULL), RF_OK);
    }
}

static bool is_zero(const history_row *row)
{
    for (unsigned m = 0; m < HISTORY_MEASURES; m++) {
        if (row->amount[m] != 0) {
            return false;
        }
    }
    return true;
}

/* Whatever the books have must have been found. */
static void expect_all_found(const audit *self)
{
    size_t rows = 0;
    size_t pools = 0;
    size_t holds = 0;
    for (size_t p = 0; p < self->product_count; p++) {
        const history_books *books = &self->books[p];
        for (size_t i = 0; i < books->row_count; i++) {
            rows += is_zero(&books->rows[i]) ? 0 : 1;
        }
        for (size_t i = 0; i < books->hold_count; i++) {
            holds += books->holds[i].quantity == 0 ? 0 : 1;
        }
        pools += books->pool_count;
    }
    assert_int_equal(self->rows, rows);
    assert_int_equal(self->pools, pools);
    assert_int_equal(self->holds, holds);
}

static uint8_t leaf_number(engine_rig *rig)
{
    const rf_generation *generation = engine_generation(rig);
    size_t i = 0;
    while (generation->levels[i].level != RF_LEVEL_LEAF) {
        i++;
        assert_true(i < generation->level_count);
    }
    return generation->levels[i].number;
}

void history_audit(engine_rig *rig, const history_books *books, size_t count)
{
    static const char *const names[] = {"siteid", "locationid", "colorid",
                                        "sizeid", "styleid"};
    audit self = {
        .books = books, .product_count = count, .leaf = leaf_number(rig)};
    rf_verify_report report = {0};
    for (unsigned m = 0; m < HISTORY_MEASURES; m++) {
        self.measures[m] = engine_measure(rig, history_measure_name(m));
    }
    for (unsigned d = 0; d < HISTORY_DIMENSIONS; d++) {
        self.dimensions[d] = (unsigned)rf_dimension_find(rf_text_of(names[d]));
    }
    read_stock(rig, &self);
    read_pools(rig, &self);
    expect_all_found(&self);
    assert_int_equal(engine_verify(rig, &report), 0);
}
