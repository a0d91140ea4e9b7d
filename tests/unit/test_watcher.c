/*
 * test_watcher.c - saves of plugins' files are noticed, once.
 */
#include "server/watcher.h"
#include "tests/unit/folder_fixture.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PATIENCE_SECONDS 20

typedef struct rig {
    folder_fixture *folder;
    rf_watcher *watcher;
    pthread_mutex_t lock;
    pthread_cond_t told;
    unsigned count;
} rig;

static void note_change(void *self)
{
    rig *r = self;
    pthread_mutex_lock(&r->lock);
    r->count++;
    pthread_cond_signal(&r->told);
    pthread_mutex_unlock(&r->lock);
}

static int set_up(void **state)
{
    void *folder = NULL;
    rf_error err = {0};
    rig *r = calloc(1, sizeof *r);
    if (r == NULL || folder_set_up(&folder) != 0) {
        free(r);
        return -1;
    }
    r->folder = folder;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->told, NULL);
    folder_write(r->folder, "plugins/safety/plugin.lua", "1");
    folder_write(r->folder, "e/shop.json", "{}");
    rf_watcher_options options = {
        .plugins = folder_path(r->folder, "plugins"),
        .environments = folder_path(r->folder, "e"),
        .changed = note_change,
        .self = r,
    };
    *state = r;
    return rf_watcher_start(&options, &r->watcher, &err) == RF_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    rig *r = *state;
    void *folder = r->folder;
    rf_watcher_stop(r->watcher);
    pthread_cond_destroy(&r->told);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return folder_tear_down(&folder);
}

/* Wait until that many changes have been told; return how many were. A machine
 * that stands still for a while may make two out of one. */
static unsigned await(rig *r, unsigned count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_SECONDS;
    int failed = 0;
    pthread_mutex_lock(&r->lock);
    while (r->count < count && failed == 0) {
        failed = pthread_cond_timedwait(&r->told, &r->lock, &until);
    }
    unsigned told = r->count;
    pthread_mutex_unlock(&r->lock);
    assert_true(told >= count);
    return told;
}

static void test_a_save_is_told(void **state)
{
    rig *r = *state;
    folder_write(r->folder, "plugins/safety/plugin.lua", "2");
    unsigned told = await(r, 1);
    folder_write(r->folder, "plugins/safety/plugin.lua", "3");
    await(r, told + 1);
}

static void test_a_save_by_renaming_is_told(void **state)
{
    rig *r = *state;
    folder_write(r->folder, "new.lua", "2");
    assert_int_equal(renameat(r->folder->fd, "new.lua", r->folder->fd,
                              "plugins/safety/plugin.lua"),
                     0);
    await(r, 1);
}

static void test_many_saves_at_once_are_told_as_one(void **state)
{
    rig *r = *state;
    for (int i = 0; i < 50; i++) {
        char name[64];
        snprintf(name, sizeof name, "plugins/safety/f%d.lua", i);
        folder_write(r->folder, name, "x");
    }
    unsigned told = await(r, 1);
    folder_write(r->folder, "plugins/safety/plugin.lua", "2");
    told = await(r, told + 1);
    assert_true(told < 10);
}

static void test_new_folders_are_watched_too(void **state)
{
    rig *r = *state;
    folder_write(r->folder, "plugins/second/plugin.lua", "1");
    unsigned told = await(r, 1);
    folder_write(r->folder, "plugins/second/plugin.lua", "2");
    await(r, told + 1);
}

static void test_own_copies_are_watched_however_they_come(void **state)
{
    rig *r = *state;
    folder_write(r->folder, "e/shop.plugins/safety/plugin.lua", "1");
    unsigned told = await(r, 1);
    folder_write(r->folder, "e/.shop.plugins.new/safety/plugin.lua", "2");
    assert_int_equal(renameat2(r->folder->fd, "e/shop.plugins", r->folder->fd,
                               "e/.shop.plugins.new", RENAME_EXCHANGE),
                     0);
    told = await(r, told + 1);
    folder_write(r->folder, "e/shop.plugins/safety/plugin.lua", "3");
    await(r, told + 1);
}

static void test_it_stops_with_a_change_untold(void **state)
{
    rig *r = *state;
    folder_write(r->folder, "plugins/safety/plugin.lua", "2");
}

#define CASE(function)                                                         \
    cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_save_is_told),
        CASE(test_a_save_by_renaming_is_told),
        CASE(test_many_saves_at_once_are_told_as_one),
        CASE(test_new_folders_are_watched_too),
        CASE(test_own_copies_are_watched_however_they_come),
        CASE(test_it_stops_with_a_change_untold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
