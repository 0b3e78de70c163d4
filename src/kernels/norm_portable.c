/* SPDX-License-Identifier: MIT */
/* norm_portable.c - RMSNorm: the sum of squares is the canonical dot product of x with itself;
 * every other step is rounded once, in the order written. */
#include "kernels/variants.h"

#include <math.h>

void eg_rmsnorm_portable(float *y, const float *x, const float *w, float eps, size_t n)
{
    float mean = eg_dot_f32_portable(x, x, n) / (float)n;
    float r = 1.0f / sqrtf(mean + eps);

    for (size_t i = 0; i < n; i++) {
        y[i] = w[i] * (x[i] * r);
    }
}
