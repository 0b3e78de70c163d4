/* SPDX-License-Identifier: MIT */
/* rope_portable.c - rotary position embedding in the "rotate half" layout: dimension j turns
 * with dimension j + head_dim / 2. Products and sum are rounded one by one, as the published
 * implementations do it; nothing is fused. */
#include "kernels/variants.h"

void eg_rope_portable(float *x, const float *cos, const float *sin, size_t head_dim)
{
    size_t half = head_dim / 2;

    for (size_t j = 0; j < half; j++) {
        float a = x[j];
        float b = x[j + half];

        x[j] = a * cos[j] - b * sin[j];
        x[j + half] = b * cos[j] + a * sin[j];
    }
}
