/*
 * socket_faults.h - cases in which the network side fails.
 */
#ifndef RINGFENCE_TESTS_FAULT_SOCKET_FAULTS_H
#define RINGFENCE_TESTS_FAULT_SOCKET_FAULTS_H

#include "tests/fault/common.h"

/* Run the cases of accept and send. */
void rf_socket_faults_run(rf_tap *tap, const char *environment_file,
                          uint64_t seed);

#endif
