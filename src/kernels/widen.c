/* SPDX-License-Identifier: MIT */
/* widen.c - weights to float32, exactly. */
#include "kernels/order.h"

#include <assert.h>

void eg_widen(float *y, const void *x, eagle_dtype dtype, size_t n)
{
    const uint16_t *half = x;

    switch (dtype) {
    case EAGLE_F32: memcpy(y, x, n * sizeof *y); return;
    case EAGLE_F16:
        for (size_t i = 0; i < n; i++) {
            y[i] = eg_widen_f16(half[i]);
        }
        return;
    case EAGLE_BF16:
        for (size_t i = 0; i < n; i++) {
            y[i] = eg_widen_bf16(half[i]);
        }
        return;
    default: assert(!"a weight is F32, F16 or BF16");
    }
}
