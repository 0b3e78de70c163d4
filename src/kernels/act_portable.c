/* SPDX-License-Identifier: MIT */
/* act_portable.c - the definition of exp over a row, of softmax's sum, and of SiLU's gate. */
#include "kernels/mathf.h"
#include "kernels/order.h"
#include "kernels/variants_act.h"

void eg_exp_portable(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = eg_expf(x[i]);
    }
}

float eg_sum_exp_portable(const float *x, float max, size_t n)
{
    float lane[EG_LANES] = {0};

    for (size_t i = 0; i < n; i++) {
        lane[i % EG_LANES] += eg_expf(x[i] - max);
    }
    return eg_fold_lanes(lane);
}

/* silu(g) = g / (1 + exp(-g)), four operations, each rounded. Where exp overflows the quotient
 * is -0, as the limit is. */
void eg_silu_mul_portable(float *y, const float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float e = eg_expf(-gate[i]);

        y[i] = gate[i] / (1.0f + e) * up[i];
    }
}
