/*
 * unit.h - cmocka together with the headers it needs in front of it.
 *
 * cmocka.h does not compile alone, and the order it wants is not the order our
 * includes are kept in. Every unit test includes this instead.
 */
#ifndef RINGFENCE_TESTS_UNIT_UNIT_H
#define RINGFENCE_TESTS_UNIT_UNIT_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif
