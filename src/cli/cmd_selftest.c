/* SPDX-License-Identifier: MIT */
/* cmd_selftest.c - does this machine compute what the contract says? */
#include "cli/commands.h"
#include "cli/progress.h"

#include <stdio.h>

/* A line for each check that ended; progress for one that has not. */
static void report(void *ctx, const char *check, int passed, const char *detail)
{
    eg_progress *progress = ctx;
    char line[160];

    if (passed < 0) {
        snprintf(line, sizeof line, "%s %s", check, detail != NULL ? detail : "");
        eg_progress_update(progress, line, 0, 0);
        return;
    }
    eg_progress_clear(progress);
    printf("%-6s %-40s %s\n", passed ? "ok" : "FAILED", check, detail != NULL ? detail : "");
    fflush(stdout);
}

eagle_status eg_cmd_selftest(const eg_options *opt, eagle_error *err)
{
    eg_progress progress;
    eagle_selftest_options how = {.exhaustive = opt->exhaustive,
                                  .threads = EG_GIVEN(opt, EG_OPT_THREADS) ? opt->threads : 0,
                                  .report = report,
                                  .ctx = &progress};
    eagle_status st = EAGLE_OK;

    eg_progress_start(&progress, opt->quiet);
    st = eagle_selftest(&how, err);
    eg_progress_clear(&progress);
    return st;
}
