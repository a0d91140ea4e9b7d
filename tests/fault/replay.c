/*
 * replay.c - the store as it may be after a power cut at any moment.
 */
#include "tests/fault/replay.h"

#include <stdlib.h>
#include <string.h>

enum {
    SECTOR_BYTES = 512
};

typedef struct pending_write {
    uint64_t number;
    uint64_t offset;
    const char *bytes; /* NULL for a change of size to `offset` */
    size_t length;
} pending_write;

typedef struct contents {
    char *bytes;
    size_t size;
    size_t capacity;
} contents;

typedef struct replay {
    contents durable;
    contents scratch; /* the image under construction */
    pending_write *pending;
    size_t pending_count;
    size_t pending_capacity;
    rf_random *random;
} replay;

static void resize(contents *file, size_t size)
{
    if (size > file->capacity) {
        file->capacity = size * 2;
        file->bytes = rf_common_grow(file->bytes, file->capacity);
    }
    if (size > file->size) {
        memset(file->bytes + file->size, 0, size - file->size);
    }
    file->size = size;
}

static void put_bytes(contents *file, uint64_t offset, const char *bytes,
                      size_t length)
{
    if (offset + length > file->size) {
        resize(file, offset + length);
    }
    memcpy(file->bytes + offset, bytes, length);
}

static void put_whole(contents *file, const pending_write *write)
{
    if (write->bytes == NULL) {
        resize(file, write->offset);
    } else {
        put_bytes(file, write->offset, write->bytes, write->length);
    }
}

/* Apply the sectors of a write for which the coin says so. A sector is the
 * unit that a disk writes whole or not at all. */
static void put_some_sectors(contents *file, const pending_write *write,
                             rf_random *random)
{
    size_t done = 0;
    while (write->bytes != NULL && done < write->length) {
        uint64_t at = write->offset + done;
        size_t length = SECTOR_BYTES - at % SECTOR_BYTES;
        length = length < write->length - done ? length : write->length - done;
        if (rf_random_below(random, 2) == 0) {
            put_bytes(file, at, write->bytes + done, length);
        }
        done += length;
    }
}

/* Apply a write up to a random sector boundary. */
static void put_torn(contents *file, const pending_write *write,
                     rf_random *random)
{
    uint64_t sectors = write->length / SECTOR_BYTES + 1;
    uint64_t end = write->offset / SECTOR_BYTES * SECTOR_BYTES +
                   rf_random_below(random, sectors) * SECTOR_BYTES;
    if (write->bytes != NULL && end > write->offset) {
        put_bytes(file, write->offset, write->bytes, end - write->offset);
    }
}

/* What can become of the unsynced writes. */
static void lose_all(replay *self)
{
    (void)self;
}

static void keep_all(replay *self)
{
    for (size_t at = 0; at < self->pending_count; at++) {
        put_whole(&self->scratch, &self->pending[at]);
    }
}

static void keep_first_ones(replay *self)
{
    size_t whole = rf_random_below(self->random, self->pending_count + 1);
    for (size_t at = 0; at < whole; at++) {
        put_whole(&self->scratch, &self->pending[at]);
    }
    if (whole < self->pending_count) {
        put_torn(&self->scratch, &self->pending[whole], self->random);
    }
}

static void keep_some_writes(replay *self)
{
    for (size_t at = 0; at < self->pending_count; at++) {
        if (rf_random_below(self->random, 2) == 0) {
            put_whole(&self->scratch, &self->pending[at]);
        }
    }
}

static void keep_some_sectors(replay *self)
{
    for (size_t at = 0; at < self->pending_count; at++) {
        put_some_sectors(&self->scratch, &self->pending[at], self->random);
    }
}

static const struct {
    const char *name;
    void (*apply)(replay *self);
} fates[] = {{"all lost", lose_all},
             {"all kept", keep_all},
             {"the first ones kept, one torn", keep_first_ones},
             {"some lost", keep_some_writes},
             {"some sectors lost", keep_some_sectors}};

static void add_pending(replay *self, pending_write write)
{
    if (self->pending_count == self->pending_capacity) {
        self->pending_capacity = self->pending_capacity * 2 + 256;
        self->pending = rf_common_grow(
            self->pending, self->pending_capacity * sizeof *self->pending);
    }
    self->pending[self->pending_count++] = write;
}

/* Make the writes numbered from `first` to `end` - 1 durable. */
static void settle(replay *self, uint64_t first, uint64_t end)
{
    size_t left = 0;
    for (size_t at = 0; at < self->pending_count; at++) {
        const pending_write *each = &self->pending[at];
        if (each->number >= first && each->number < end) {
            put_whole(&self->durable, each);
        } else {
            self->pending[left++] = *each;
        }
    }
    self->pending_count = left;
}

static void follow(replay *self, const rf_trace_header *header,
                   const char *bytes, const rf_replay_visitor *visitor)
{
    switch ((rf_trace_kind)header->kind) {
    case RF_TRACE_WRITE:
        add_pending(self, (pending_write){header->number, header->where, bytes,
                                          header->length});
        break;
    case RF_TRACE_TRUNCATE:
        add_pending(self,
                    (pending_write){header->number, header->where, NULL, 0});
        break;
    case RF_TRACE_DURABLE:
        settle(self, header->where, header->where + 1);
        break;
    case RF_TRACE_SYNC:
        settle(self, 0, header->where);
        break;
    case RF_TRACE_SENT:
        visitor->sent(visitor->self, header->where, bytes, header->length);
        break;
    case RF_TRACE_UNSOUND:
    default:
        rf_common_die("the trace cannot be used: %.*s", (int)header->length,
                      bytes);
    }
}

/* Make one image of this moment and show it. */
static void cut(replay *self, rf_image *image, const rf_replay_visitor *visitor)
{
    size_t fate = rf_random_below(self->random, sizeof fates / sizeof fates[0]);
    self->scratch.size = 0;
    put_bytes(&self->scratch, 0, self->durable.bytes, self->durable.size);
    fates[fate].apply(self);
    image->bytes = self->scratch.bytes;
    image->size = self->scratch.size;
    image->unsynced = self->pending_count;
    image->fate = fates[fate].name;
    visitor->image(visitor->self, image);
}

/* Read the header at a place of the trace; false behind the last record. */
static bool read_header(const char *trace, size_t length, size_t at,
                        rf_trace_header *out)
{
    if (at + sizeof *out > length) {
        return false;
    }
    memcpy(out, trace + at, sizeof *out);
    return at + sizeof *out + out->length <= length;
}

/* Note the kind of every record, ended by 0, and find the first one behind the
 * first sync (0 when there is no sync). Returns how many records there are. */
static size_t list_kinds(const char *trace, size_t length, char **kinds_out,
                         size_t *first_out)
{
    size_t records = 0;
    rf_trace_header header;
    char *kinds = rf_common_alloc(length / sizeof header + 1, 1);
    *first_out = 0;
    for (size_t at = 0; read_header(trace, length, at, &header); records++) {
        kinds[records] = (char)header.kind;
        if (header.kind == RF_TRACE_SYNC && *first_out == 0) {
            *first_out = records + 1;
        }
        at += sizeof header + header.length;
    }
    *kinds_out = kinds;
    return records;
}

static int compare_sizes(const void *left, const void *right)
{
    size_t a = *(const size_t *)left;
    size_t b = *(const size_t *)right;
    return a < b ? -1 : a > b;
}

/* Choose the cuts, in the order of time. Every other one comes right behind a
 * write: there most can go wrong. */
static size_t *choose_cuts(rf_random *random, size_t images, const char *kinds,
                           size_t first)
{
    size_t records = strlen(kinds);
    size_t *cuts = rf_common_alloc(images + 1, sizeof *cuts);
    for (size_t at = 0; at < images; at++) {
        size_t record = first + rf_random_below(random, records - first + 1);
        while (at % 2 == 0 && record < records &&
               kinds[record - 1] != RF_TRACE_WRITE) {
            record++;
        }
        cuts[at] = record;
    }
    qsort(cuts, images, sizeof *cuts, compare_sizes);
    cuts[images] = SIZE_MAX;
    return cuts;
}

void rf_replay_run(const char *trace_path, rf_random *random, size_t images,
                   const rf_replay_visitor *visitor)
{
    size_t length = 0;
    size_t first = 0;
    size_t at = 0;
    char *trace = rf_common_read_file(trace_path, &length);
    char *kinds = NULL;
    rf_image image = {.records = list_kinds(trace, length, &kinds, &first)};
    replay self = {.random = random};
    rf_trace_header header;
    if (first == 0) {
        rf_common_die("the trace holds no sync of the store");
    }
    size_t *cuts = choose_cuts(random, images, kinds, first);
    const size_t *next = cuts;
    for (size_t number = 0; number <= image.records; number++) {
        for (; *next == number; next++) {
            image.record = number;
            cut(&self, &image, visitor);
        }
        if (read_header(trace, length, at, &header)) {
            follow(&self, &header, trace + at + sizeof header, visitor);
            at += sizeof header + header.length;
        }
    }
    free(cuts);
    free(kinds);
    free(self.pending);
    free(self.durable.bytes);
    free(self.scratch.bytes);
    free(trace);
}
