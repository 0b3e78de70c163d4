/* SPDX-License-Identifier: MIT */
/* dot_portable.c - the definition of the canonical dot product (order.h), and of the matrix
 * product, which is one dot product per output and nothing else.
 *
 * Variants may change the instructions, never this order. */
#include "kernels/order.h"
#include "kernels/variants.h"

#include <math.h>

float eg_dot_f32_portable(const float *a, const float *b, size_t n)
{
    float lane[EG_LANES] = {0};

    for (size_t i = 0; i < n; i++) {
        lane[i % EG_LANES] = fmaf(a[i], b[i], lane[i % EG_LANES]);
    }
    return eg_fold_lanes(lane);
}

static float dot_f16(const uint16_t *a, const float *b, size_t n)
{
    float lane[EG_LANES] = {0};

    for (size_t i = 0; i < n; i++) {
        lane[i % EG_LANES] = fmaf(eg_widen_f16(a[i]), b[i], lane[i % EG_LANES]);
    }
    return eg_fold_lanes(lane);
}

static float dot_bf16(const uint16_t *a, const float *b, size_t n)
{
    float lane[EG_LANES] = {0};

    for (size_t i = 0; i < n; i++) {
        lane[i % EG_LANES] = fmaf(eg_widen_bf16(a[i]), b[i], lane[i % EG_LANES]);
    }
    return eg_fold_lanes(lane);
}

void eg_matmul_f32_portable(float *y, size_t y_stride, const void *w, size_t n_rows,
                            const eg_vectors *x)
{
    const float *row = w;

    for (size_t r = 0; r < n_rows; r++, row += x->dim) {
        for (size_t t = 0; t < x->n; t++) {
            y[t * y_stride + r] = eg_dot_f32_portable(row, x->data + t * x->stride, x->dim);
        }
    }
}

void eg_matmul_f16_portable(float *y, size_t y_stride, const void *w, size_t n_rows,
                            const eg_vectors *x)
{
    const uint16_t *row = w;

    for (size_t r = 0; r < n_rows; r++, row += x->dim) {
        for (size_t t = 0; t < x->n; t++) {
            y[t * y_stride + r] = dot_f16(row, x->data + t * x->stride, x->dim);
        }
    }
}

void eg_matmul_bf16_portable(float *y, size_t y_stride, const void *w, size_t n_rows,
                             const eg_vectors *x)
{
    const uint16_t *row = w;

    for (size_t r = 0; r < n_rows; r++, row += x->dim) {
        for (size_t t = 0; t < x->n; t++) {
            y[t * y_stride + r] = dot_bf16(row, x->data + t * x->stride, x->dim);
        }
    }
}
