/* SPDX-License-Identifier: MIT */
/* norm_neon.c - RMSNorm with NEON. */
#include "kernels/variants.h"

#include <arm_neon.h>
#include <math.h>

#define WIDTH 4

void eg_rmsnorm_neon(float *y, const float *x, const float *w, float eps, size_t n)
{
    const eg_vectors self = {.data = x, .n = 1, .dim = n, .stride = n};
    float squares;

    eg_matmul_f32_neon(&squares, 1, x, 1, &self);

    const float r = 1.0f / sqrtf(squares / (float)n + eps);
    const float32x4_t r4 = vdupq_n_f32(r);
    size_t i = 0;

    for (; i + WIDTH <= n; i += WIDTH) {
        float32x4_t scaled = vmulq_f32(vld1q_f32(x + i), r4);
        vst1q_f32(y + i, vmulq_f32(vld1q_f32(w + i), scaled));
    }
    for (; i < n; i++) {
        y[i] = w[i] * (x[i] * r);
    }
}
