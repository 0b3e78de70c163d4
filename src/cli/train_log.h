/* SPDX-License-Identifier: MIT */
/* train_log.h - how a training goes: on stderr while it runs, as JSON lines in --log, and in a few
 * words at its end. */
#ifndef EG_CLI_TRAIN_LOG_H
#define EG_CLI_TRAIN_LOG_H

#include "cli/train_run.h"

/* Opens the file of --log, if there is one: anew, or with --resume at its end. EAGLE_EWRITE. */
eagle_status eg_train_log_open(eg_train_run *t, eagle_error *err);

/* The last step. */
eagle_status eg_train_log_step(eg_train_run *t, eagle_error *err);

/* The last validation; `length` NULL: no acceptance was measured. */
eagle_status eg_train_log_judgement(eg_train_run *t, const eagle_interval *length,
                                    eagle_error *err);

/* What came out, on stdout. */
void eg_train_log_end(const eg_train_run *t);

/* "8.1 s", "42 min 3 s", "1 h 12 min". Returns text. */
#define EG_DURATION_TEXT 32
const char *eg_duration(char text[EG_DURATION_TEXT], double seconds);

#endif
