/*
 * folder_fixture.h - a temporary folder for the tests of what is kept in files.
 *
 * Paths are relative to it. Whatever goes wrong in here fails the case.
 */
#ifndef RINGFENCE_TESTS_UNIT_FOLDER_FIXTURE_H
#define RINGFENCE_TESTS_UNIT_FOLDER_FIXTURE_H

#include "core/arena.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>

#define FOLDER_PATH_SIZE 256

typedef struct folder_fixture {
    char root[FOLDER_PATH_SIZE];
    int fd; /* of the root */
    rf_arena arena;
} folder_fixture;

/* For cmocka: `*state` is a folder_fixture. The tear-down removes everything.
 */
int folder_set_up(void **state);
int folder_tear_down(void **state);

/* Return the whole path of an entry; it lives until the tear-down. */
const char *folder_path(folder_fixture *folder, const char *name);

/* Make a folder with those above it; write a file with those above it. */
void folder_make(folder_fixture *folder, const char *name);
void folder_write(folder_fixture *folder, const char *name, const char *text);
void folder_write_bytes(folder_fixture *folder, const char *name, rf_text text);

bool folder_has(folder_fixture *folder, const char *name);

/* Check a file's text; NULL: there is no such entry. */
void folder_expect(folder_fixture *folder, const char *name, const char *text);

/* Count the entries, hidden ones too. */
size_t folder_count(folder_fixture *folder, const char *name);

#endif
