/* SPDX-License-Identifier: MIT */
/* input.h - whole files, and JSON lines. */
#ifndef EG_CLI_INPUT_H
#define EG_CLI_INPUT_H

#include "eagle/status.h"

#include <jansson.h>
#include <stddef.h>

/* Reads a whole file, or stdin for "-"; *data ends with a NUL that *size does not count. */
eagle_status eg_read_all(char **data, size_t *size, const char *path, eagle_error *err);

/* Takes one line; `where` is "FILE:NUMBER". */
typedef eagle_status eg_jsonl_line(void *ctx, const json_t *doc, const char *where,
                                   eagle_error *err);

/* Hands over every line of a file that is not blank. EAGLE_EFORMAT names the line that is no JSON;
 * ends with the first failure of `line`. */
eagle_status eg_jsonl_read(const char *path, eg_jsonl_line *line, void *ctx, eagle_error *err);

#endif
