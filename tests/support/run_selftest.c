/* SPDX-License-Identifier: MIT */
/* run_selftest.c - eagle_selftest() without the command line: for builds that have none, for
 * emulators, and for `make check-exhaustive`. An argument makes it exhaustive. */
#include "eagle/selftest.h"

#include <stdio.h>
#include <time.h>

static void report(void *ctx, const char *check, int passed, const char *detail)
{
    (void)ctx;
    if (passed >= 0) {
        printf("%s %s: %s\n", passed ? "ok" : "FAILED", check, detail);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    const eagle_selftest_options opt = {.exhaustive = argc > 1, .report = report};
    const time_t began = time(NULL);
    eagle_error err = {0};

    (void)argv;

    eagle_status st = eagle_selftest(&opt, &err);

    printf("%s, %.0f s\n", st == EAGLE_OK ? "selftest passed" : err.message,
           difftime(time(NULL), began));
    return eagle_exit_code(st);
}
