/*
 * reads.h - what the code of a formula shows, without running it.
 *
 * A formula that branches cannot be traced, but most of its reads stand in its
 * code as `m.source.measure`, or through a local variable. A read that is found
 * here is certain: there is an instruction that reads this measure whenever it
 * is reached. Reads by computed names and in helper functions are not found.
 */
#ifndef RINGFENCE_SCRIPTS_READS_H
#define RINGFENCE_SCRIPTS_READS_H

#include "scripts/code.h"
#include "scripts/trace.h"

#include <stdbool.h>

/* A name that a formula's code has, and where. */
typedef struct rf_reads_name {
    rf_text source;
    rf_text measure;
    rf_text file;
    int line;
} rf_reads_name;

/* Note a read of a measure, unless it is known already, and give its number.
 * False: the name cannot be that of a measure, or there are too many. */
bool rf_reads_add(rf_trace *trace, const rf_reads_name *name, size_t *number);

/* Add the reads that a formula's code shows, its first parameter being `m`.
 * Without memory nothing is added. */
void rf_reads_scan(rf_trace *trace, const rf_code *formula);

/* Return why a function cannot be traced, in words that go on "it ...", from
 * its first instruction that stands in the way; NULL: none does. */
const char *rf_reads_obstacle(const rf_code *function);

#endif
