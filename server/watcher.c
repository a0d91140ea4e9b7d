/*
 * watcher.c - inotify on the folders of plugins.
 *
 * Folders are replaced as a whole, so what was watched may have gone and what
 * counts now may be unknown: after every burst all folders are gone over again.
 * A folder that is watched already keeps its watch.
 */
#include "server/watcher.h"

#include "core/alloc.h"
#include "server/files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

/* An editor writes aside, renames, and removes; a copy brings file after file.
 * All of that within this time of each other is one change. */
#define QUIET_MS 200

/* But a folder that never rests is told of all the same. */
#define PATIENCE_MS 2000

#define EVENTS                                                                 \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |    \
     IN_ONLYDIR | IN_EXCL_UNLINK)

#define SUFFIX ".lua"
#define OWN_SUFFIX ".plugins"

struct rf_watcher {
    rf_watcher_options options;
    pthread_t thread;
    int inotify;
    int stop;               /* an eventfd */
    int environments;       /* the watch of that folder, or -1 */
    int64_t burst_start_ms; /* 0: nothing has changed */
};

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name);
    size_t end = strlen(suffix);
    return length >= end && strcmp(name + length - end, suffix) == 0;
}

/* ---- Watches ---- */

static int watch(const rf_watcher *watcher, const char *path)
{
    return inotify_add_watch(watcher->inotify, path, EVENTS);
}

/* Watch the folders in a folder, those only whose names end with `suffix`. */
typedef void found_folder(const rf_watcher *watcher, const char *path);

static void visit_folders(const rf_watcher *watcher, const char *path,
                          const char *suffix, found_folder *found)
{
    DIR *stream = opendir(path);
    const struct dirent *entry;
    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        char inner[PATH_MAX];
        int length =
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && ends_with(entry->d_name, suffix) &&
            length > 0 && (size_t)length < sizeof inner) {
            found(watcher, inner);
        }
    }
    if (stream != NULL) {
        closedir(stream);
    }
}

/* What is no folder is refused by the system (IN_ONLYDIR). */
static void watch_plugin(const rf_watcher *watcher, const char *path)
{
    (void)watch(watcher, path);
}

static void watch_own(const rf_watcher *watcher, const char *path)
{
    (void)watch(watcher, path);
    visit_folders(watcher, path, "", watch_plugin);
}

static void watch_all(rf_watcher *watcher)
{
    (void)watch(watcher, watcher->options.plugins);
    visit_folders(watcher, watcher->options.plugins, "", watch_plugin);
    watcher->environments = watch(watcher, watcher->options.environments);
    visit_folders(watcher, watcher->options.environments, OWN_SUFFIX,
                  watch_own);
}

/* ---- Events ---- */

/* Documents and everything hidden are not watched for; of what cannot be told
 * (events were lost) the worst is assumed. */
static bool is_of_interest(const rf_watcher *watcher,
                           const struct inotify_event *event)
{
    if ((event->mask & IN_Q_OVERFLOW) != 0) {
        return true;
    }
    if (event->len == 0 || event->name[0] == '.') {
        return false;
    }
    bool is_folder = (event->mask & IN_ISDIR) != 0;
    if (event->wd == watcher->environments) {
        return is_folder && ends_with(event->name, OWN_SUFFIX);
    }
    return is_folder || ends_with(event->name, SUFFIX);
}

/* Read what has happened; false when nothing of it counts. */
static bool read_events(const rf_watcher *watcher)
{
    _Alignas(struct inotify_event) char bytes[4096];
    bool interesting = false;
    ssize_t length;
    while ((length = read(watcher->inotify, bytes, sizeof bytes)) > 0) {
        for (ssize_t at = 0; at < length;) {
            const struct inotify_event *event = (const void *)(bytes + at);
            interesting = interesting || is_of_interest(watcher, event);
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
    return interesting;
}

/* How long to wait for more. */
static int time_left(const rf_watcher *watcher)
{
    if (watcher->burst_start_ms == 0) {
        return -1;
    }
    int64_t left = watcher->burst_start_ms + PATIENCE_MS - clock_ms();
    return left < 0 ? 0 : left < QUIET_MS ? (int)left : QUIET_MS;
}

static void *run_watcher(void *argument)
{
    rf_watcher *watcher = argument;
    for (;;) {
        struct pollfd sources[] = {{.fd = watcher->inotify, .events = POLLIN},
                                   {.fd = watcher->stop, .events = POLLIN}};
        int ready = poll(sources, 2, time_left(watcher));
        if (sources[1].revents != 0) {
            return NULL;
        }
        if (ready > 0 && read_events(watcher) && watcher->burst_start_ms == 0) {
            watcher->burst_start_ms = clock_ms();
        }
        bool is_due = ready == 0 || time_left(watcher) == 0;
        if (watcher->burst_start_ms != 0 && is_due) {
            watcher->burst_start_ms = 0;
            watch_all(watcher);
            watcher->options.changed(watcher->options.self);
        }
    }
}

/* ---- Life ---- */

static void free_watcher(rf_watcher *watcher)
{
    if (watcher->inotify >= 0) {
        close(watcher->inotify);
    }
    if (watcher->stop >= 0) {
        close(watcher->stop);
    }
    rf_free(watcher);
}

rf_status rf_watcher_start(const rf_watcher_options *options, rf_watcher **out,
                           rf_error *err)
{
    rf_watcher *watcher = rf_calloc(1, sizeof *watcher);
    if (watcher == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    watcher->options = *options;
    watcher->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watcher->stop = eventfd(0, EFD_CLOEXEC);
    if (watcher->inotify < 0 || watcher->stop < 0 ||
        (watch(watcher, options->plugins) < 0 && errno == ENOSPC)) {
        rf_status status = rf_files_fail(err, "watch", options->plugins);
        free_watcher(watcher);
        return status;
    }
    watch_all(watcher);
    if (pthread_create(&watcher->thread, NULL, run_watcher, watcher) != 0) {
        free_watcher(watcher);
        return rf_fail(err, RF_E_INTERNAL,
                       "the watcher's thread did not start");
    }
    *out = watcher;
    return RF_OK;
}

void rf_watcher_stop(rf_watcher *watcher)
{
    if (watcher == NULL) {
        return;
    }
    uint64_t one = 1;
    while (write(watcher->stop, &one, sizeof one) < 0 && errno == EINTR) {
    }
    pthread_join(watcher->thread, NULL);
    free_watcher(watcher);
}
