/* SPDX-License-Identifier: MIT */
/* attend_portable.c - attention by the portable parts. */
#include "kernels/attend.h"
#include "kernels/variants.h"
#include "kernels/variants_act.h"

static void weigh(float *out, size_t n_q, const float *e, size_t e_stride, const eg_keys *keys,
                  const eg_stretch *stretch)
{
    size_t dim = keys->head_dim;

    for (size_t h = 0; h < n_q; h++) {
        for (size_t j = 0; j < stretch->n; j++) {
            const float *v = keys->v + (stretch->first + j) * dim;

            for (size_t d = 0; d < dim; d++) {
                out[h * dim + d] = fmaf(e[h * e_stride + j], v[d], out[h * dim + d]);
            }
        }
    }
}

void eg_attend_portable(float *out, const float *q, size_t n_q, const eg_keys *keys, float *scratch)
{
    static const eg_attend_parts parts = {eg_matmul_f32_portable, eg_exp_portable, weigh};

    eg_attend_with(&parts, out, q, n_q, keys, scratch);
}
