/* SPDX-License-Identifier: MIT */
/* progress.c - progress of long work on stderr. */
#include "cli/progress.h"

#include "eagle/runtime.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define ON_TERMINAL 0.2 /* seconds between reports: fast enough to look alive */
#define ELSEWHERE   10.0

void eg_progress_start(eg_progress *p, bool quiet)
{
    *p = (eg_progress){.quiet = quiet, .terminal = isatty(STDERR_FILENO) != 0};
    p->next = eagle_clock() + (p->terminal ? ON_TERMINAL : ELSEWHERE);
}

void eg_progress_update(eg_progress *p, const char *what, int64_t done, int64_t total)
{
    double now = eagle_clock();

    if (p->quiet || now < p->next) {
        return;
    }
    p->next = now + (p->terminal ? ON_TERMINAL : ELSEWHERE);
    if (p->terminal) {
        fputs("\r\033[K", stderr); /* back to the first column, erase the line */
    }
    fputs(what, stderr);
    if (total > 0) {
        fprintf(stderr, " %" PRId64 "/%" PRId64, done, total);
    }
    if (p->terminal) {
        fflush(stderr);
    } else {
        fputc('\n', stderr);
    }
    p->on_line = p->terminal;
}

void eg_progress_clear(eg_progress *p)
{
    if (p->on_line) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        p->on_line = false;
    }
}
