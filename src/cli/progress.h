/* SPDX-License-Identifier: MIT */
/* progress.h - how far long work has come, on stderr: one rewritten line on a terminal, a line
 * every ten seconds elsewhere, nothing with -q. */
#ifndef EG_CLI_PROGRESS_H
#define EG_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool quiet;
    bool terminal; /* stderr is one                          */
    bool on_line;  /* a rewritten line stands on the screen  */
    double next;   /* time of the next report                */
} eg_progress;

void eg_progress_start(eg_progress *p, bool quiet);

/* Says "what done/total" when it is time to; total 0: "what" alone. */
void eg_progress_update(eg_progress *p, const char *what, int64_t done, int64_t total);

/* Takes the rewritten line off the screen. Call before anything else is printed. */
void eg_progress_clear(eg_progress *p);

#endif
