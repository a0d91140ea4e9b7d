/*
 * history_audit.h - what is stored, against the books.
 */
#ifndef RINGFENCE_TESTS_UNIT_HISTORY_AUDIT_H
#define RINGFENCE_TESTS_UNIT_HISTORY_AUDIT_H

#include "tests/unit/engine_rig.h"
#include "tests/unit/history_model.h"

/* Expect the rows, reservations and allocation records of all products to be
 * those of their books, no more and no less, and every total to be the sum of
 * its rows. Product `i` has books[i]. */
void history_audit(engine_rig *rig, const history_books *books, size_t count);

#endif
