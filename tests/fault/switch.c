/*
 * switch.c - the test's side of the fault switch.
 */
#include "tests/fault/switch.h"

#include "tests/fault/common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

rf_switch *rf_switch_create(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(rf_switch)) != 0) {
        rf_common_die("cannot make %s: %s", path, strerror(errno));
    }
    rf_switch *self =
        mmap(NULL, sizeof *self, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (self == MAP_FAILED) {
        rf_common_die("cannot map %s: %s", path, strerror(errno));
    }
    close(fd);
    return self;
}

void rf_switch_close(rf_switch *self)
{
    munmap(self, sizeof *self);
}

void rf_switch_on(rf_switch *self, const char *spec)
{
    snprintf(self->spec, sizeof self->spec, "%s", spec);
    atomic_store(&self->hits, 0);
    atomic_fetch_add(&self->generation, 1);
}

unsigned rf_switch_off(rf_switch *self)
{
    unsigned hits = atomic_load(&self->hits);
    rf_switch_on(self, "");
    return hits;
}
