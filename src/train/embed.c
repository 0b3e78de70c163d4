/* SPDX-License-Identifier: MIT */
/* embed.c - rows of a table, by token. */
#include "train/operations.h"

#include <string.h>

void eg_fwd_embed(eg_real *y, size_t stride, const eg_real *table, const int32_t *token, size_t n,
                  size_t dim)
{
#pragma omp parallel for num_threads(eg_train_n_threads())
    for (size_t i = 0; i < n; i++) {
        memcpy(y + i * stride, table + (size_t)token[i] * dim, dim * sizeof *y);
    }
}

/* y_i = table[token_i]: dtable[token_i] += dy_i. A thread has a share of the vocabulary and looks
 * for its tokens, so that each row of the table gets its sum in the order of the rows. */
void eg_bwd_embed(eg_real *dtable, size_t vocab, const eg_real *dy, const int32_t *token, size_t n,
                  size_t dim)
{
    const size_t shares = (size_t)eg_train_n_threads();

#pragma omp parallel for num_threads(eg_train_n_threads())
    for (size_t share = 0; share < shares; share++) {
        const size_t first = vocab * share / shares;
        const size_t end = vocab * (share + 1) / shares;

        for (size_t i = 0; i < n; i++) {
            const size_t t = (size_t)token[i];

            if (t < first || t >= end) {
                continue;
            }
            for (size_t d = 0; d < dim; d++) {
                dtable[t * dim + d] += dy[i * dim + d];
            }
        }
    }
}
