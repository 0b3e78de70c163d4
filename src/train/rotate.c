/* SPDX-License-Identifier: MIT */
/* rotate.c - rotary positions. */
#include "train/operations.h"

/* (a, b) <- (a cos - b sin, b cos + a sin) for each pair of each head of one row; `sign` -1
 * rotates back. */
static void rotate_row(eg_real *x, const eg_rotation *r, size_t n_heads, size_t position,
                       eg_real sign)
{
    const size_t half = r->head_dim / 2;
    const eg_real *cos = r->cos + position * half;
    const eg_real *sin = r->sin + position * half;

    for (size_t h = 0; h < n_heads; h++, x += r->head_dim) {
#pragma omp simd
        for (size_t j = 0; j < half; j++) {
            const eg_real a = x[j];
            const eg_real b = x[j + half];
            const eg_real s = sign * sin[j];

            x[j] = a * cos[j] - b * s;
            x[j + half] = b * cos[j] + a * s;
        }
    }
}

static void rotate(eg_real *x, const eg_rotation *r, size_t n_heads, const eg_batch *batch,
                   eg_real sign)
{
    const size_t row = n_heads * r->head_dim;

#pragma omp parallel num_threads(eg_train_n_threads())
    for (size_t s = 0; s < batch->n_sequences; s++) {
        const size_t first = (size_t)batch->start[s];
        const size_t end = (size_t)batch->start[s + 1];

#pragma omp for nowait
        for (size_t i = first; i < end; i++) {
            rotate_row(x + i * row, r, n_heads, i - first, sign);
        }
    }
}

void eg_fwd_rope(eg_real *x, const eg_rotation *r, size_t n_heads, const eg_batch *batch)
{
    rotate(x, r, n_heads, batch, 1);
}

/* y = R x with R R^T = 1: dx = R^T dy, the rotation by the negative angle. */
void eg_bwd_rope(eg_real *dx, const eg_rotation *r, size_t n_heads, const eg_batch *batch)
{
    rotate(dx, r, n_heads, batch, -1);
}
