/*
 * store_lmdb_extend.c - keeping the file a little longer than it is used.
 *
 * A commit that writes beyond the end of the file has to make the new length
 * durable as well. And a kernel whose page cache works with large folios puts
 * neighbouring pages that are written together into one of them: from then on
 * each single page written there costs in proportion to the whole folio, on
 * writing and again on flushing, which doubles the price of scattered commits.
 *
 * So the file is made longer ahead of its use, and each new page is read once,
 * alone, which gives it a folio of its own. The added part is a hole: it takes
 * no room on the disk. All of this may fail; then commits are only slower.
 */
#include "core/store_lmdb_internal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* How much is added at a time, and how much must be left before more is. */
#define STEP_BYTES ((uint64_t)4 * 1024 * 1024)
#define LEFT_BYTES_MIN (STEP_BYTES / 2)

static bool make_longer(int file, uint64_t length)
{
    struct stat about;
    return fstat(file, &about) == 0 && ((uint64_t)about.st_size >= length ||
                                        ftruncate(file, (off_t)length) == 0);
}

void rf_store__extend(rf_store_lmdb *store)
{
    uint64_t used = atomic_load(&store->file_bytes);
    uint64_t map = atomic_load(&store->map_bytes);
    uint64_t from = store->extended_bytes > used ? store->extended_bytes : used;
    int file;
    if (used + LEFT_BYTES_MIN <= store->extended_bytes ||
        from + STEP_BYTES > map || mdb_env_get_fd(store->env, &file) != 0) {
        return;
    }
    store->extended_bytes = from + STEP_BYTES;
    if (!make_longer(file, store->extended_bytes)) {
        return;
    }
    /* Without this the kernel would read ahead, many pages into one folio. */
    (void)posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM);
    for (uint64_t at = from; at < store->extended_bytes;
         at += store->page_bytes) {
        char byte;
        if (pread(file, &byte, sizeof byte, (off_t)at) < 0) {
            return;
        }
    }
}
