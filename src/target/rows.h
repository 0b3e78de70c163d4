/* SPDX-License-Identifier: MIT */
/* rows.h - what a forward pass takes: rows. A prompt chunk, a plain token, a token tree and
 * rows of several sequences are the same thing. */
#ifndef EG_TARGET_ROWS_H
#define EG_TARGET_ROWS_H

#include <stdbool.h>
#include <stdint.h>

/* One row: a token at a position, and the KV slots it attends to, in order of position:
 * slots first .. first + n_run - 1 (what is committed, mostly), then path[0 .. n_path - 1] (its
 * ancestors in a tree). The last slot of all is the row's own: its key and value go there.
 * There is no mask: a row runs the operations of one-token decoding of its path, in the
 * same order, whatever else is in the pass. */
typedef struct {
    int32_t token;
    int32_t pos;
    int32_t first;
    int32_t n_run;
    const int32_t *path; /* [n_path], NULL when n_path is 0 */
    int32_t n_path;
    bool wants_logits;
} eg_row;

static inline int32_t eg_row_slot(const eg_row *row)
{
    return row->n_path > 0 ? row->path[row->n_path - 1] : row->first + row->n_run - 1;
}

#endif
