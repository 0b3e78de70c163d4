/* SPDX-License-Identifier: MIT */
/* make_traces.c - writes testdata/fuzz/trace: small good traces, as seeds.
 *
 *   make_traces DIR
 *
 * `digest` is a file as it is; the others lack the length of their header, which the fuzz target
 * puts before what begins with '{'. */
#include "support/lib_scratch.h"
#include "support/lib_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAP 65536

/* Takes the first 8 bytes off DIR/NAME. */
static void cut(const char *dir, const char *name)
{
    static unsigned char bytes[CAP];
    char path[SCRATCH_PATH];
    size_t size = 0;

    scratch_join(path, dir, name);
    FILE *file = fopen(path, "rb");

    if (file != NULL) {
        size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
    }
    if (size <= 8 || size == sizeof bytes) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    scratch_write(dir, name, bytes + 8, size - 8);
}

int main(int argc, char **argv)
{
    static trace_parts parts;

    if (argc != 2) {
        fprintf(stderr, "usage: make_traces DIR\n");
        return 2;
    }
    trace_right(&parts);
    trace_write(&parts, argv[1], "whole");
    cut(argv[1], "whole");
    trace_right_digest(&parts);
    trace_write(&parts, argv[1], "digest");
    trace_right(&parts);
    parts.n = 2; /* tokens and sources */
    strcpy(parts.manifest,
           "{\"schema\":\"eagle.trace\",\"version\":\"1.1\",\"level\":0,\"vocab\":5,"
           "\"rounds\":2,\"mood\":\"good\"}");
    trace_write(&parts, argv[1], "tokens");
    cut(argv[1], "tokens");
    return 0;
}
