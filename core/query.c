/*
 * query.c - planning a query and going from product to product.
 */
#include "core/query.h"

#include "core/query_internal.h"

#include <stdlib.h>

static rf_status out_of_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
}

const rf_filter *rf_query__filter(const rf_query_run *run, unsigned coordinate)
{
    rf_level below = run->filtered & (RF_BIT(coordinate) - 1);
    return &run->filters[rf_level_size(below)];
}

static int compare_values(const void *a, const void *b)
{
    return rf_place_order(*(const rf_text *)a, *(const rf_text *)b);
}

static int compare_products(const void *a, const void *b)
{
    return rf_text_compare(*(const rf_text *)a, *(const rf_text *)b);
}

/* Return the first value at or behind `value`, as an index. */
static size_t find_value(const rf_filter *filter, rf_text value)
{
    size_t low = 0;
    size_t high = filter->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rf_place_order(filter->values[middle], value) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool rf_query__allows(const rf_filter *filter, rf_text value)
{
    size_t place = find_value(filter, value);
    return place < filter->count && rf_text_equal(filter->values[place], value);
}

/* Copy a list of texts in order, each of them once, without those that are too
 * long to be stored. */
static rf_status normalize(const rf_filter *given, size_t bytes_max,
                           int (*compare)(const void *a, const void *b),
                           rf_arena *arena, rf_filter *out, rf_error *err)
{
    const rf_text *texts = given->values;
    *out = *given;
    if (given->count == 1) {
        out->count = texts[0].length <= bytes_max ? 1 : 0;
        return RF_OK;
    }
    rf_text *copy = rf_arena_calloc(arena, given->count, sizeof *copy);
    if (copy == NULL) {
        return out_of_memory(err);
    }
    size_t kept = 0;
    for (size_t i = 0; i < given->count; i++) {
        if (texts[i].length <= bytes_max) {
            copy[kept++] = texts[i];
        }
    }
    qsort(copy, kept, sizeof *copy, compare);
    size_t unique = 0;
    for (size_t i = 0; i < kept; i++) {
        if (unique == 0 || !rf_text_equal(copy[i], copy[unique - 1])) {
            copy[unique++] = copy[i];
        }
    }
    out->values = copy;
    out->count = unique;
    return RF_OK;
}

/* Where the query walks, site and location are those of the place under way;
 * what the caller wants of them decides which places that are. */
static void fix_place(rf_query_run *run)
{
    for (unsigned c = RF_SITE; c <= RF_LOCATION; c++) {
        if ((run->filtered & RF_BIT(c)) != 0) {
            run->allowed[c] = *rf_query__filter(run, c);
        }
    }
    rf_filter others[RF_COORDINATES_MAX];
    size_t count = 0;
    for (rf_level rest = run->filtered & ~RF_LEVEL_PLACE; rest != 0;
         rest &= rest - 1) {
        others[count++] =
            *rf_query__filter(run, (unsigned)__builtin_ctzll(rest));
    }
    for (unsigned c = RF_SITE; c <= RF_LOCATION; c++) {
        run->filters[c] = (rf_filter){c, &run->here[c], 1};
    }
    for (size_t i = 0; i < count; i++) {
        run->filters[RF_LOCATION + 1 + i] = others[i];
    }
    run->filtered |= RF_LEVEL_PLACE;
}

static rf_status plan_filters(rf_query_run *run, rf_arena *arena, rf_error *err)
{
    const rf_query *query = &run->query;
    for (size_t i = 0; i < query->filter_count; i++) {
        rf_level bit = RF_BIT(query->filters[i].coordinate);
        RF_ASSERT((run->filtered & bit) == 0 && query->filters[i].count > 0);
        run->filtered |= bit;
    }
    for (size_t i = 0; i < query->filter_count; i++) {
        const rf_filter *given = &query->filters[i];
        size_t place =
            rf_level_size(run->filtered & (RF_BIT(given->coordinate) - 1));
        rf_filter *filter = &run->filters[place];
        size_t bytes_max = given->coordinate <= RF_LOCATION
                               ? RF_PLACE_VALUE_BYTES_MAX
                               : RF_COORDINATE_VALUE_BYTES_MAX;
        rf_status status =
            normalize(given, bytes_max, compare_values, arena, filter, err);
        if (status != RF_OK) {
            return status;
        }
        if (filter->count == 0) {
            run->phase = RF_QUERY_END; /* no stock can have such a value */
        }
    }
    return RF_OK;
}

static rf_status plan_products(rf_query_run *run, rf_arena *arena,
                               rf_error *err)
{
    rf_filter given = {0, run->query.products, run->query.product_count};
    rf_filter products = {0};
    rf_status status = normalize(&given, RF_PRODUCT_BYTES_MAX, compare_products,
                                 arena, &products, err);
    run->products = products.values;
    run->product_count = products.count;
    return status;
}

/* What is scheduled for a day is a group of its own beside the stock's. */
static rf_status plan_days(rf_query_run *run, rf_arena *arena, rf_level wanted,
                           rf_error *err)
{
    rf_query *query = &run->query;
    if (!query->scheduled) {
        return RF_OK;
    }
    RF_ASSERT(query->last_day - query->first_day < RF_SCHEDULE_DAYS_MAX);
    run->schedule_level =
        rf_generation_level(run->generation, wanted | RF_BIT(RF_DAY));
    query->group_by |= RF_BIT(RF_DAY);
    rf_day_print(query->first_day, run->first_day);
    rf_day_print(query->last_day, run->last_day);
    run->days = rf_arena_calloc(arena, RF_SCHEDULE_DAYS_MAX, sizeof *run->days);
    return run->days == NULL ? out_of_memory(err) : RF_OK;
}

static rf_status plan(rf_query_run *run, rf_arena *arena, rf_error *err)
{
    const rf_query *query = &run->query;
    run->walks = query->product_count == 0;
    if (run->walks && !rf_level_covers(query->group_by, RF_LEVEL_PLACE)) {
        return rf_fail(err, RF_E_MISSING_PRODUCT,
                       "without products, rows are told apart by site and "
                       "location");
    }
    rf_status status = plan_filters(run, arena, err);
    if (status == RF_OK && !run->walks) {
        status = plan_products(run, arena, err);
    }
    if (status != RF_OK) {
        return status;
    }
    rf_level wanted = run->filtered | query->group_by;
    run->stock_level = rf_generation_level(run->generation, wanted);
    if (!rf_level_covers(run->stock_level.level, wanted)) {
        return rf_fail(err, RF_E_UNKNOWN_DIMENSION,
                       "no totals are kept by these groups");
    }
    status = plan_days(run, arena, wanted, err);
    if (run->walks) {
        fix_place(run);
    }
    return status;
}

/* Skip what stands in front of the mark. A mark comes from outside: names that
 * are too long for a key are those of no row. */
static rf_status begin_behind(rf_query_run *run, const rf_query_mark *mark,
                              rf_error *err)
{
    const rf_query *query = &run->query;
    while (run->organization < query->organization_count &&
           !rf_text_equal(query->organizations[run->organization],
                          mark->organization)) {
        run->organization++;
    }
    if (run->organization == query->organization_count ||
        mark->organization.length > RF_ORGANIZATION_BYTES_MAX ||
        mark->product.length > RF_PRODUCT_BYTES_MAX ||
        mark->site.length > RF_PLACE_VALUE_BYTES_MAX ||
        mark->location.length > RF_PLACE_VALUE_BYTES_MAX) {
        return rf_fail(err, RF_E_INVALID_FIELD,
                       "that is no place in the answer to this query");
    }
    if (run->walks) {
        rf_key at;
        rf_key_place(&at, run->generation->environment, mark->organization,
                     mark->site, mark->location, mark->product);
        rf_slice_behind(&run->walk, rf_key_bytes(&at));
        return RF_OK;
    }
    while (run->product < run->product_count &&
           rf_text_compare(run->products[run->product], mark->product) <= 0) {
        run->product++;
    }
    return RF_OK;
}

rf_status rf_query_start(rf_generation *generation, const rf_query *query,
                         rf_arena *arena, rf_query_run **out, rf_error *err)
{
    RF_ASSERT(query->organization_count > 0);
    RF_ASSERT(!query->places || query->product_count == 0);
    rf_query_run *run = rf_arena_calloc(arena, 1, sizeof *run);
    if (run == NULL) {
        return out_of_memory(err);
    }
    run->generation = generation;
    run->query = *query;
    rf_status status = plan(run, arena, err);
    if (status == RF_OK && query->behind != NULL) {
        status = begin_behind(run, query->behind, err);
    }
    if (status != RF_OK) {
        return status;
    }
    rf_groups_init(&run->groups, arena->limit_bytes);
    rf_generation_hold(generation);
    *out = run;
    return RF_OK;
}

void rf_query_pause(rf_query_run *run)
{
    run->paused = true;
}

void rf_query_free(rf_query_run *run)
{
    if (run == NULL) {
        return;
    }
    rf_generation_release(run->generation);
    rf_groups_done(&run->groups);
    rf_measures_done(&run->node.measures);
}

static void start_reading(rf_query_run *run, rf_text product)
{
    run->at_product = product;
    rf_query__turn(run, false);
    run->told = 0;
    rf_groups_clear(&run->groups);
    run->phase = RF_QUERY_READ;
}

static void next_organization(rf_query_run *run)
{
    run->organization++;
    run->product = 0;
    run->walk.length = 0;
}

static void seek_listed(rf_query_run *run)
{
    if (run->product == run->product_count) {
        next_organization(run);
    } else {
        start_reading(run, run->products[run->product++]);
    }
}

/* Jump to the next site or location that is allowed. */
static void jump(rf_query_run *run, const rf_place_entry *entry)
{
    uint16_t environment = run->generation->environment;
    const rf_filter *sites = &run->allowed[RF_SITE];
    const rf_filter *locations = &run->allowed[RF_LOCATION];
    size_t site = find_value(sites, entry->site);
    bool is_site =
        sites->count == 0 || (site < sites->count &&
                              rf_text_equal(sites->values[site], entry->site));
    if (!is_site) {
        if (site == sites->count) {
            next_organization(run);
            return;
        }
        rf_place_first_of_site(&run->walk, environment, entry->organization,
                               sites->values[site]);
        return;
    }
    size_t location = find_value(locations, entry->location);
    if (location < locations->count) {
        rf_place_first(&run->walk, environment, entry->organization,
                       entry->site, locations->values[location]);
    } else {
        rf_place_behind_site(&run->walk, environment, entry->organization,
                             entry->site);
    }
}

static bool is_allowed(const rf_query_run *run, const rf_place_entry *entry)
{
    const rf_text values[] = {entry->site, entry->location};
    for (unsigned c = RF_SITE; c <= RF_LOCATION; c++) {
        if (run->allowed[c].count > 0 &&
            !rf_query__allows(&run->allowed[c], values[c])) {
            return false;
        }
    }
    return true;
}

/* Tell the place of the entry and jump behind all its products. */
static rf_status tell_place(rf_query_run *run, rf_query_slicing *slicing,
                            rf_error *err)
{
    const rf_place_entry *entry = &run->entry;
    const rf_measures nothing = {0};
    rf_place place = {
        .value = {[RF_SITE] = entry->site, [RF_LOCATION] = entry->location}};
    place.given = (entry->site.length > 0 ? RF_BIT(RF_SITE) : 0) |
                  (entry->location.length > 0 ? RF_BIT(RF_LOCATION) : 0);
    rf_place_behind(&run->walk, run->generation->environment,
                    entry->organization, entry->site, entry->location);
    rf_row row = {.organization = run->query.organizations[run->organization],
                  .product = RF_TEXT_EMPTY,
                  .place = &place,
                  .measures = &nothing};
    return slicing->visit(slicing->context, &row, err);
}

static rf_status seek_walked(rf_query_run *run, rf_query_slicing *slicing,
                             rf_error *err)
{
    rf_key to;
    rf_key from = run->walk;
    rf_place_entry *entry = &run->entry;
    rf_key_organization(&to, run->generation->environment,
                        run->query.organizations[run->organization]);
    if (from.length == 0) {
        from = to;
    }
    bool bounded = rf_key_after_prefix(&to);
    RF_ASSERT(bounded);
    rf_slice_spend(&slicing->slice);
    rf_status status = rf_place_find(slicing->store, slicing->transaction,
                                     &from, &to, entry, err);
    if (status != RF_OK) {
        return status;
    }
    if (!entry->found) {
        next_organization(run);
    } else if (!is_allowed(run, entry)) {
        jump(run, entry);
    } else if (run->query.places) {
        return tell_place(run, slicing, err);
    } else {
        run->here[RF_SITE] = entry->site;
        run->here[RF_LOCATION] = entry->location;
        rf_slice_behind(&run->walk, rf_key_bytes(&entry->key));
        start_reading(run, entry->product);
    }
    return RF_OK;
}

static rf_status seek(rf_query_run *run, rf_query_slicing *slicing,
                      rf_error *err)
{
    if (run->organization == run->query.organization_count) {
        run->phase = RF_QUERY_END;
        return RF_OK;
    }
    if (run->query.organizations[run->organization].length >
        RF_ORGANIZATION_BYTES_MAX) {
        next_organization(run); /* nothing can be stored under such a name */
        return RF_OK;
    }
    if (run->walks) {
        return seek_walked(run, slicing, err);
    }
    seek_listed(run);
    return RF_OK;
}

static rf_status read_on(rf_query_run *run, rf_query_slicing *slicing,
                         rf_error *err)
{
    bool end;
    rf_status status = rf_query__read(run, slicing, &end, err);
    if (status == RF_OK && end) {
        rf_groups_sort(&run->groups);
        run->phase = run->groups.count > 0 ? RF_QUERY_TELL : RF_QUERY_SEEK;
    }
    return status;
}

/* Take the days of the row that `group` begins, which follow it in order, or
 * begin with it when nothing of it is in stock. */
static rf_status take_days(rf_query_run *run, const rf_group *group,
                           rf_place *place, rf_row *row, rf_error *err)
{
    static const rf_measures nothing = {0};
    const rf_group *end = &run->groups.items[run->groups.count];
    rf_place at = *place;
    rf_status status = RF_OK;
    bool hashed;
    place->given &= ~RF_BIT(RF_DAY);
    place->value[RF_DAY] = RF_TEXT_EMPTY;
    row->days = run->days;
    if ((at.given & RF_BIT(RF_DAY)) != 0) {
        row->measures = &nothing;
    } else if (++group < end) {
        status = rf_coordinates_read(group->coordinates, &at, &hashed, err);
    }
    while (status == RF_OK && group < end &&
           rf_place_agrees(&at, place, ~RF_BIT(RF_DAY))) {
        rf_row_day *day = &run->days[row->day_count];
        if (!rf_day_parse(at.value[RF_DAY], &day->day)) {
            return rf_fail(err, RF_E_STORAGE,
                           "the store holds a malformed key");
        }
        day->measures = &group->measures;
        row->day_count++;
        if (++group < end) {
            status = rf_coordinates_read(group->coordinates, &at, &hashed, err);
        }
    }
    return status;
}

/* Tell the next row. */
static rf_status tell_row(rf_query_run *run, rf_query_slicing *slicing,
                          rf_error *err)
{
    const rf_group *group = &run->groups.items[run->told];
    rf_place place;
    bool hashed;
    rf_row row = {.organization = run->query.organizations[run->organization],
                  .product = run->at_product,
                  .place = &place,
                  .measures = &group->measures};
    rf_status status =
        rf_coordinates_read(group->coordinates, &place, &hashed, err);
    if (status == RF_OK && run->query.scheduled) {
        status = take_days(run, group, &place, &row, err);
    }
    if (status != RF_OK) {
        return status;
    }
    run->told += row.day_count + (row.measures == &group->measures ? 1 : 0);
    for (size_t i = 0; i < row.day_count; i++) {
        rf_slice_spend(
            &slicing->slice); /* a row with days is many rows' work */
    }
    return slicing->visit(slicing->context, &row, err);
}

static rf_status tell(rf_query_run *run, rf_query_slicing *slicing,
                      rf_error *err)
{
    while (run->told < run->groups.count) {
        rf_status status = tell_row(run, slicing, err);
        if (status != RF_OK) {
            return status;
        }
        if (!rf_slice_spend(&slicing->slice) || run->paused) {
            break;
        }
    }
    if (run->told == run->groups.count) {
        run->phase = RF_QUERY_SEEK;
    }
    return RF_OK;
}

static rf_status run_phases(rf_query_run *run, rf_query_slicing *slicing,
                            rf_error *err)
{
    rf_status status = RF_OK;
    while (status == RF_OK && run->phase != RF_QUERY_END &&
           !slicing->slice.is_over && !run->paused) {
        if (run->phase == RF_QUERY_SEEK) {
            status = seek(run, slicing, err);
        } else if (run->phase == RF_QUERY_READ) {
            status = read_on(run, slicing, err);
        } else {
            status = tell(run, slicing, err);
        }
    }
    return status;
}

rf_status rf_query_slice(rf_query_run *run, rf_store *store,
                         rf_row_visit *visit, void *context, bool *done,
                         rf_error *err)
{
    rf_query_slicing slicing = {
        .store = store, .visit = visit, .context = context};
    rf_slice_start(&slicing.slice);
    run->paused = false;
    rf_status status = RF_OK;
    if (run->phase != RF_QUERY_END) {
        status =
            store->operations->begin(store, false, &slicing.transaction, err);
        if (status != RF_OK) {
            return status;
        }
        status = run_phases(run, &slicing, err);
        store->operations->abort(slicing.transaction);
    }
    if (status == RF_OK) {
        *done = run->phase == RF_QUERY_END;
    }
    return status;
}
