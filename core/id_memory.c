/*
 * id_memory.c - a hash table with linear probing that grows a little at a time.
 *
 * A pair's first choice is its hash scaled to the table's size; behind it come
 * the next slots in turn. While the table grows there are two: insertions go
 * to the new one, searches look at both, and the old one is emptied from its
 * first slot to its last. A slot emptied there is marked, not cleared: probing
 * must go on behind it.
 */
#include "core/id_memory.h"

#include "core/alloc.h"

/* Marks of a slot that holds no pair, in place of its number. */
#define NEVER_USED 0
#define MOVED_AWAY UINT64_MAX

#define CAPACITY_FIRST ((size_t)64)

/* Slots of the old table that one insertion empties. With a table half as
 * large again, three would do to be done before that is full; more of them in
 * one go cost less, because they lie together. */
#define MOVES_PER_INSERT 16

enum {
    TABLE_NEW,
    TABLE_OLD,
    TABLE_COUNT
};

typedef struct slot {
    uint64_t hash;
    uint64_t number;
} slot;

typedef struct table {
    slot *slots;
    size_t capacity;
    size_t count;
} table;

struct rf_id_memory {
    table tables[TABLE_COUNT]; /* the old one is empty unless growing */
    size_t moved;              /* slots of the old one that are done */
};

__extension__ typedef unsigned __int128 wide;

/* Scale a hash to a slot. Any size will do for a table this way, not only
 * powers of two, so it can grow by half and waste less. */
static size_t first_choice(const table *in, uint64_t hash)
{
    return (size_t)((wide)hash * in->capacity >> 64);
}

static size_t next_slot(const table *in, size_t index)
{
    return index + 1 == in->capacity ? 0 : index + 1;
}

/* How many slots `to` lies behind `from`, round the end. */
static size_t distance(const table *in, size_t from, size_t to)
{
    return to >= from ? to - from : to + in->capacity - from;
}

/* Say whether a table is large enough for so many pairs. */
static bool is_fit_for(const table *in, size_t count)
{
    return count <= in->capacity / 4 * 3;
}

/* Enter a pair; the caller has seen to it that there is room. */
static void put_pair(table *into, uint64_t hash, uint64_t number)
{
    size_t index = first_choice(into, hash);
    while (into->slots[index].number != NEVER_USED) {
        index = next_slot(into, index);
    }
    into->slots[index] = (slot){hash, number};
    into->count++;
}

/* Find a pair's slot; return the capacity when it is not there. */
static size_t find_pair(const table *in, uint64_t hash, uint64_t number)
{
    size_t index = in->capacity == 0 ? 0 : first_choice(in, hash);
    for (size_t steps = 0; steps < in->capacity; steps++) {
        const slot *at = &in->slots[index];
        if (at->number == NEVER_USED) {
            break;
        }
        if (at->number == number && at->hash == hash) {
            return index;
        }
        index = next_slot(in, index);
    }
    return in->capacity;
}

/* Empty a slot of the new table, moving up pairs behind it that could not be
 * found past the gap. */
static void close_gap(table *in, size_t gap)
{
    size_t index = next_slot(in, gap);
    while (in->slots[index].number != NEVER_USED) {
        size_t home = first_choice(in, in->slots[index].hash);
        if (distance(in, home, index) >= distance(in, gap, index)) {
            in->slots[gap] = in->slots[index];
            gap = index;
        }
        index = next_slot(in, index);
    }
    in->slots[gap].number = NEVER_USED;
    in->count--;
}

static void free_old(rf_id_memory *memory)
{
    rf_free(memory->tables[TABLE_OLD].slots);
    memory->tables[TABLE_OLD] = (table){0};
    memory->moved = 0;
}

/* Empty the next `slots` slots of the old table. */
static void move_some(rf_id_memory *memory, size_t slots)
{
    table *old = &memory->tables[TABLE_OLD];
    for (size_t i = 0; i < slots && memory->moved < old->capacity; i++) {
        slot *at = &old->slots[memory->moved++];
        if (at->number != NEVER_USED && at->number != MOVED_AWAY) {
            put_pair(&memory->tables[TABLE_NEW], at->hash, at->number);
            at->number = MOVED_AWAY;
            old->count--;
        }
    }
    if (old->count == 0 && old->slots != NULL) {
        free_old(memory);
    }
}

/* Make a larger table the new one and the present one the old one. */
static rf_status start_growing(rf_id_memory *memory, size_t capacity,
                               rf_error *err)
{
    RF_ASSERT(memory->tables[TABLE_OLD].slots == NULL);
    table larger = {.capacity = capacity};
    larger.slots = rf_calloc(capacity, sizeof *larger.slots);
    if (larger.slots == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory to remember ids");
    }
    memory->tables[TABLE_OLD] = memory->tables[TABLE_NEW];
    memory->tables[TABLE_NEW] = larger;
    move_some(memory, MOVES_PER_INSERT);
    return RF_OK;
}

rf_status rf_id_memory_create(rf_id_memory **out, rf_error *err)
{
    rf_id_memory *memory = rf_calloc(1, sizeof *memory);
    if (memory == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    *out = memory;
    return RF_OK;
}

void rf_id_memory_free(rf_id_memory *memory)
{
    if (memory == NULL) {
        return;
    }
    rf_free(memory->tables[TABLE_NEW].slots);
    rf_free(memory->tables[TABLE_OLD].slots);
    rf_free(memory);
}

rf_status rf_id_memory_reserve(rf_id_memory *memory, size_t count,
                               rf_error *err)
{
    if (is_fit_for(&memory->tables[TABLE_NEW], count)) {
        return RF_OK;
    }
    if (count > SIZE_MAX / 2) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory to remember ids");
    }
    move_some(memory, SIZE_MAX);
    rf_status status = start_growing(memory, (count + 2) / 3 * 4, err);
    if (status == RF_OK) {
        move_some(memory, SIZE_MAX);
    }
    return status;
}

rf_status rf_id_memory_insert(rf_id_memory *memory, uint64_t hash,
                              uint64_t number, rf_error *err)
{
    RF_ASSERT(number != NEVER_USED && number != MOVED_AWAY);
    const table *current = &memory->tables[TABLE_NEW];
    if (memory->tables[TABLE_OLD].slots != NULL) {
        move_some(memory, MOVES_PER_INSERT);
    }
    if (!is_fit_for(current, rf_id_memory_count(memory) + 1)) {
        size_t capacity = current->capacity + current->capacity / 2;
        rf_status status = start_growing(
            memory, capacity < CAPACITY_FIRST ? CAPACITY_FIRST : capacity, err);
        if (status != RF_OK) {
            return status;
        }
    }
    put_pair(&memory->tables[TABLE_NEW], hash, number);
    return RF_OK;
}

bool rf_id_memory_remove(rf_id_memory *memory, uint64_t hash, uint64_t number)
{
    table *current = &memory->tables[TABLE_NEW];
    size_t index = find_pair(current, hash, number);
    if (index < current->capacity) {
        close_gap(current, index);
        return true;
    }
    table *old = &memory->tables[TABLE_OLD];
    index = find_pair(old, hash, number);
    if (index == old->capacity) {
        return false;
    }
    old->slots[index].number = MOVED_AWAY;
    old->count--;
    return true;
}

bool rf_id_memory_find(const rf_id_memory *memory, uint64_t hash,
                       rf_id_cursor *cursor, uint64_t *number)
{
    for (; cursor->table < TABLE_COUNT; cursor->table++, cursor->steps = 0) {
        const table *in = &memory->tables[cursor->table];
        while (cursor->steps < in->capacity) {
            size_t index = first_choice(in, hash) + cursor->steps;
            const slot *at =
                &in->slots[index < in->capacity ? index : index - in->capacity];
            if (at->number == NEVER_USED) {
                break;
            }
            cursor->steps++;
            if (at->hash == hash && at->number != MOVED_AWAY) {
                *number = at->number;
                return true;
            }
        }
    }
    return false;
}

size_t rf_id_memory_count(const rf_id_memory *memory)
{
    return memory->tables[TABLE_NEW].count + memory->tables[TABLE_OLD].count;
}

size_t rf_id_memory_bytes(const rf_id_memory *memory)
{
    size_t slots =
        memory->tables[TABLE_NEW].capacity + memory->tables[TABLE_OLD].capacity;
    return sizeof *memory + slots * sizeof(slot);
}
