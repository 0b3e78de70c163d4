/* SPDX-License-Identifier: MIT */
/* attend_portable.c - attention by the portable parts. */
#include "kernels/attend.h"
#include "kernels/variants.h"
#include "kernels/variants_act.h"

static void weigh(const eg_weighing *g)
{
    for (size_t h = 0; h < g->n_q; h++) {
        float *out = g->out + h * g->dim;

        for (size_t j = 0; j < g->n; j++) {
            for (size_t d = 0; d < g->dim; d++) {
                out[d] = fmaf(g->e[h * g->e_stride + j], g->v[j * g->dim + d], out[d]);
            }
        }
    }
}

void eg_attend_portable(float *out, const float *q, size_t n_q, const eg_keys *keys, float *scratch)
{
    static const eg_attend_parts parts = {eg_matmul_f32_portable, eg_exp_portable, weigh};

    eg_attend_with(&parts, out, q, n_q, keys, scratch);
}
