/* SPDX-License-Identifier: MIT */
/* shared.c - what the fuzz targets share. */
#include "fuzz/fuzz.h"
#include "support/lib_scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char dir[SCRATCH_PATH];

static void remove_dir(void)
{
    scratch_remove(dir);
}

const char *fuzz_dir(void)
{
    if (dir[0] == '\0') {
        scratch_create(dir);
        atexit(remove_dir);
    }
    return dir;
}

void fuzz_check_error(int failed, const char *message)
{
    if (failed != 0 && (message[0] == '\0' || strpbrk(message, "\n\r\033") != NULL)) {
        fprintf(stderr, "a failure without one clear line: \"%s\"\n", message);
        abort();
    }
}
