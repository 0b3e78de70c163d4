/* SPDX-License-Identifier: MIT */
/* sink.h - where a result goes: stdout, or the file of -o, which is replaced whole or not at
 * all. */
#ifndef EG_CLI_SINK_H
#define EG_CLI_SINK_H

#include "eagle/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct {
    FILE *file;
    const char *path; /* for messages; borrowed              */
    char *target;     /* where that leads, or NULL            */
    char *temporary;  /* renamed to `target` at the end, or NULL */
    bool named;       /* it has that name now, and not only at the end */
    bool terminal;
} eg_sink;

/* path NULL: stdout. A regular file, or one that a link leads to, is written beside it, without a
 * name where the system can, so that not even a killed program leaves it behind, else under a
 * temporary one, and keeps its mode; a device or a pipe is written directly. EAGLE_EWRITE,
 * EAGLE_ENOMEM. */
eagle_status eg_sink_open(eg_sink *out, const char *path, eagle_error *err);

/* Failed writes are EAGLE_EWRITE; without a message when the reader closed the pipe. */
eagle_status eg_sink_write(eg_sink *sink, const void *data, size_t size, eagle_error *err);
eagle_status eg_sink_text(eg_sink *sink, const char *text, eagle_error *err);
eagle_status eg_sink_flush(eg_sink *sink, eagle_error *err);

/* One JSON document on one line. */
eagle_status eg_sink_json(eg_sink *sink, const json_t *doc, eagle_error *err);

/* Everything to the disk; a file gets its name. */
eagle_status eg_sink_commit(eg_sink *sink, eagle_error *err);

/* Releases; a file that was not committed is removed. */
void eg_sink_close(eg_sink *sink);

#endif
