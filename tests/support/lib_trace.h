/* SPDX-License-Identifier: MIT */
/* lib_trace.h - a small trace with everything in it, written tensor by tensor, and spoiled as one
 * likes.
 *
 * Vocabulary 5, a target of one layer and two dimensions; a prompt of two tokens, the prefill's
 * round and one of a tree:
 *
 *     3 --+-- 4 ---- 1        4 and 1 are accepted, 2 is the bonus
 *         +-- 0
 */
#ifndef TESTS_LIB_TRACE_H
#define TESTS_LIB_TRACE_H

#include "eagle/trace.h"

#include <stdbool.h>

#define TRACE_MOST 64

typedef struct {
    char manifest[2048];
    eagle_tensor tensor[TRACE_MOST];
    int32_t n;
} trace_parts;

/* The right one, of level 4, or as a digest. */
void trace_right(trace_parts *out);
void trace_right_digest(trace_parts *out);

/* Replaces a piece of the manifest; ends the program when it is not there. */
void trace_say(trace_parts *parts, const char *piece, const char *by);

/* The tensor of that name; ends the program when there is none. */
eagle_tensor *trace_part(trace_parts *parts, const char *name);
void trace_drop(trace_parts *parts, const char *name);
/* Adds one, or replaces it: a shape of rank 1 or 2 (columns 0). */
void trace_put(trace_parts *parts, const char *name, eagle_dtype dtype, int64_t rows,
               int64_t columns, const void *data);

/* Writes DIR/NAME; ends the program when that fails. */
void trace_write(const trace_parts *parts, const char *dir, const char *name);

/* Writes DIR/NAME and opens it; ends the program when it is refused. */
eagle_trace *trace_open(const trace_parts *parts, const char *dir, const char *name);

#endif
