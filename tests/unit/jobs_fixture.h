/*
 * jobs_fixture.h - opening jobs on an engine rig, and reading their records.
 *
 * A job's GUID is a small number here.
 */
#ifndef RINGFENCE_TESTS_UNIT_JOBS_FIXTURE_H
#define RINGFENCE_TESTS_UNIT_JOBS_FIXTURE_H

#include "core/job_record.h"
#include "tests/unit/engine_rig.h"

rf_job_id jobs_id(rf_job_kind kind, unsigned number);

/* Hand over the opening of a job; the task says when that is done by its
 * `owner` becoming NULL. */
rf_task *jobs_submit(engine_rig *rig, rf_job_id id, const rf_buffer *parameters,
                     uint64_t content);

/* Open a resync of some measures ("iv.softreserved, pos.inbound"). */
rf_task *jobs_submit_resync(engine_rig *rig, unsigned number,
                            const char *measures);

/* Open one of iv.softreserved, which must succeed. */
void jobs_open_resync(engine_rig *rig, unsigned number);

/* Open a selection of all entries; `content` tells it from others. */
rf_task *jobs_submit_log(engine_rig *rig, unsigned number, uint64_t content);

/* Read a job's record, which lives until tear-down; false: there is none. */
bool jobs_read(engine_rig *rig, rf_job_id id, rf_job_record *out);

/* The state of a resync, which must be there. */
rf_job_state jobs_state(engine_rig *rig, unsigned number);

/* Do one step of maintenance. */
rf_status jobs_step(engine_rig *rig);

#endif
