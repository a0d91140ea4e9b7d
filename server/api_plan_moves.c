/*
 * api_plan_moves.c - the records of a plan, and the moves they need.
 */
#include "core/codec.h"
#include "server/api_groups.h"
#include "server/api_plan.h"

rf_status rf_plan__fail_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
}

rf_status rf_plan__hash(const rf_plan_call *p, const rf_place *place,
                        uint64_t *out, rf_error *err)
{
    rf_buffer *scratch = &p->call->thread->scratch;
    rf_buffer_clear(scratch);
    rf_write_coordinates(scratch, RF_LEVEL_GROUPS, place);
    if (rf_buffer_failed(scratch)) {
        return rf_plan__fail_memory(err);
    }
    *out = rf_hash(scratch->bytes, scratch->length);
    return RF_OK;
}

rf_plan_record *rf_plan__find(const rf_plan_call *p, uint64_t hash,
                              const rf_place *place)
{
    for (size_t i = 0; i < p->record_count; i++) {
        rf_plan_record *found = p->records[i];
        if (found->hash == hash &&
            rf_place_agrees(&found->place, place, RF_LEVEL_GROUPS)) {
            return found;
        }
    }
    return NULL;
}

rf_status rf_plan__add(rf_plan_call *p, const rf_place *place, uint64_t hash,
                       rf_plan_record **out, rf_error *err)
{
    if (p->record_count == RF_PLAN_RECORDS_MAX) {
        return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                       "a plan takes at most %d records", RF_PLAN_RECORDS_MAX);
    }
    if (p->record_count == p->made_count) {
        rf_plan_record *made = rf_call_alloc(p->call, 1, sizeof *made);
        if (made == NULL) {
            return rf_plan__fail_memory(err);
        }
        p->records[p->made_count++] = made;
    }
    *out = p->records[p->record_count++];
    **out = (rf_plan_record){.place = *place, .hash = hash};
    return RF_OK;
}

rf_status rf_plan__keep_groups(const rf_plan_call *p, const rf_place *from,
                               rf_place *out, rf_error *err)
{
    *out = p->head.place;
    for (rf_level rest = from->given & RF_LEVEL_GROUPS; rest != 0;
         rest &= rest - 1) {
        unsigned group = (unsigned)__builtin_ctzll(rest);
        rf_text value = from->value[group];
        value.bytes =
            rf_arena_copy(&p->call->exchange->arena, value.bytes, value.length);
        if (value.bytes == NULL) {
            return rf_plan__fail_memory(err);
        }
        out->given |= RF_BIT(group);
        out->value[group] = value;
    }
    return RF_OK;
}

/* A plan that begins again mostly finds what it found before. */
rf_status rf_plan__add_copy(rf_plan_call *p, const rf_place *place,
                            uint64_t hash, rf_plan_record **out, rf_error *err)
{
    rf_place copy;
    const rf_plan_record *before =
        p->record_count < p->made_count ? p->records[p->record_count] : NULL;
    if (before != NULL && before->hash == hash &&
        rf_place_agrees(&before->place, place, RF_LEVEL_GROUPS)) {
        copy = before->place;
        return rf_plan__add(p, &copy, hash, out, err);
    }
    rf_status status = rf_plan__keep_groups(p, place, &copy, err);
    return status == RF_OK ? rf_plan__add(p, &copy, hash, out, err) : status;
}

static void add_move(rf_plan_call *p, rf_operation operation,
                     rf_plan_record *from, rf_plan_record *to,
                     rf_quantity quantity)
{
    bool takes = operation != RF_OPERATION_ALLOCATE;
    bool gives = operation != RF_OPERATION_UNALLOCATE;
    RF_ASSERT(p->move_count < RF_PLAN_RECORDS_MAX);
    rf_plan_move *made = &p->moves[p->move_count++];
    *made = (rf_plan_move){
        .operation = operation,
        .id = made->id, /* follows from its number */
        .source = takes && gives ? &from->place : NULL,
        .place = gives ? &to->place : &from->place,
        .quantity = quantity,
    };
    if (takes) {
        from->open -= quantity;
    }
    if (gives) {
        to->open += quantity;
    }
}

/* Give what is too much to where something is missing. Every move settles one
 * record at least, so there are fewer of them than records. */
static void move_surplus(rf_plan_call *p)
{
    size_t from = 0;
    size_t to = 0;
    for (;;) {
        while (from < p->record_count && p->records[from]->open <= 0) {
            from++;
        }
        while (to < p->record_count && p->records[to]->open >= 0) {
            to++;
        }
        if (from == p->record_count || to == p->record_count) {
            return;
        }
        rf_quantity much = p->records[from]->open;
        rf_quantity missing = -p->records[to]->open;
        add_move(p, RF_OPERATION_REALLOCATE, p->records[from], p->records[to],
                 much < missing ? much : missing);
    }
}

void rf_plan__make_moves(rf_plan_call *p)
{
    p->move_count = 0;
    for (size_t i = 0; i < p->record_count; i++) {
        p->records[i]->open = p->records[i]->allocated - p->records[i]->target;
        p->expected[i] =
            (rf_expectation){&p->records[i]->place, p->records[i]->allocated};
    }
    p->head.expected = p->expected;
    p->head.expected_count = p->record_count;
    move_surplus(p);
    for (size_t i = 0; i < p->record_count; i++) {
        rf_plan_record *at = p->records[i];
        if (at->open < 0) {
            add_move(p, RF_OPERATION_ALLOCATE, NULL, at, -at->open);
        } else if (at->open > 0) {
            add_move(p, RF_OPERATION_UNALLOCATE, at, NULL, at->open);
        }
    }
}
