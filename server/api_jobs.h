/*
 * api_jobs.h - the job that a call asks about.
 */
#ifndef RINGFENCE_SERVER_API_JOBS_H
#define RINGFENCE_SERVER_API_JOBS_H

#include "core/job_record.h"
#include "server/api_internal.h"
#include "server/json_write.h"

/* Read the job of the parameter `jobId`; its record lives as long as the call.
 * RF_E_MISSING_FIELD, RF_E_UNKNOWN_JOB. */
RF_MUST_CHECK rf_status rf_call_job(rf_call *call, rf_job_id *id,
                                    rf_job_record *out, rf_error *err);

/* Put `jobId`. */
void rf_put_job_id(rf_json_writer *writer, const rf_job_id *id);

#endif
