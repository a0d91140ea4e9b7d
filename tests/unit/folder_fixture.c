/*
 * folder_fixture.c - making and removing a temporary folder.
 */
#include "tests/unit/folder_fixture.h"

#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int folder_set_up(void **state)
{
    folder_fixture *folder = calloc(1, sizeof *folder);
    const char *base = getenv("TMPDIR");
    if (folder == NULL) {
        return -1;
    }
    snprintf(folder->root, sizeof folder->root, "%s/ringfence-test-XXXXXX",
             base == NULL ? "/tmp" : base);
    if (mkdtemp(folder->root) == NULL) {
        free(folder);
        return -1;
    }
    folder->fd = open(folder->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rf_arena_init(&folder->arena, 4096, 0);
    *state = folder;
    return folder->fd >= 0 ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *about, int type,
                        struct FTW *place)
{
    (void)about;
    (void)type;
    (void)place;
    return remove(path);
}

int folder_tear_down(void **state)
{
    folder_fixture *folder = *state;
    close(folder->fd);
    int result = nftw(folder->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    rf_arena_done(&folder->arena);
    free(folder);
    return result;
}

const char *folder_path(folder_fixture *folder, const char *name)
{
    size_t size = strlen(folder->root) + strlen(name) + 2;
    char *path = rf_arena_alloc(&folder->arena, size);
    assert_non_null(path);
    snprintf(path, size, "%s/%s", folder->root, name);
    return path;
}

void folder_make(folder_fixture *folder, const char *name)
{
    char part[FOLDER_PATH_SIZE];
    for (size_t i = 0; i <= strlen(name); i++) {
        if (name[i] != '/' && name[i] != '\0') {
            continue;
        }
        snprintf(part, sizeof part, "%.*s", (int)i, name);
        if (!folder_has(folder, part)) {
            assert_int_equal(mkdirat(folder->fd, part, 0700), 0);
        }
    }
}

void folder_write_bytes(folder_fixture *folder, const char *name, rf_text text)
{
    const char *slash = strrchr(name, '/');
    if (slash != NULL) {
        char parent[FOLDER_PATH_SIZE];
        snprintf(parent, sizeof parent, "%.*s", (int)(slash - name), name);
        folder_make(folder, parent);
    }
    FILE *file = fopen(folder_path(folder, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text.bytes, 1, text.length, file), text.length);
    assert_int_equal(fclose(file), 0);
}

void folder_write(folder_fixture *folder, const char *name, const char *text)
{
    folder_write_bytes(folder, name, rf_text_of(text));
}

bool folder_has(folder_fixture *folder, const char *name)
{
    struct stat about;
    return fstatat(folder->fd, name, &about, AT_SYMLINK_NOFOLLOW) == 0;
}

void folder_expect(folder_fixture *folder, const char *name, const char *text)
{
    char found[4096];
    if (text == NULL) {
        assert_false(folder_has(folder, name));
        return;
    }
    FILE *file = fopen(folder_path(folder, name), "rb");
    if (file == NULL) {
        fail_msg("%s is not there", name);
        return;
    }
    size_t length = fread(found, 1, sizeof found - 1, file);
    fclose(file);
    found[length] = '\0';
    assert_string_equal(found, text);
}

size_t folder_count(folder_fixture *folder, const char *name)
{
    DIR *stream = opendir(folder_path(folder, name));
    const struct dirent *entry;
    size_t count = 0;
    assert_non_null(stream);
    while ((entry = readdir(stream)) != NULL) {
        count +=
            strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(stream);
    return count;
}
