/* SPDX-License-Identifier: MIT */
/* attend_neon.c - attention with NEON: the weighted sum of values, vectorised over
 * dimensions. Four query heads share each value that is loaded; a head alone takes many
 * dimensions at once, so that its sums do not wait for each other. */
#include "base/compiler.h"
#include "kernels/attend.h"
#include "kernels/variants.h"
#include "kernels/variants_act.h"

#include <arm_neon.h>

#define WIDTH 4 /* floats of a register          */
#define HEADS 4 /* most query heads of a tile    */
#define REGS  8 /* most registers of a head      */

/* Dimensions d .. d + 4 regs - 1 of heads h .. h + heads - 1, over all slots. */
EG_INLINE void weigh_tile(const eg_weighing *g, size_t h, size_t d, size_t heads, size_t regs)
{
    float *out = g->out + h * g->dim + d;
    const float *e = g->e + h * g->e_stride;
    const float *v = g->v + d;
    float32x4_t sum[HEADS * REGS];

    EG_UNROLL
    for (size_t s = 0; s < heads * regs; s++) {
        sum[s] = vld1q_f32(out + s / regs * g->dim + s % regs * WIDTH);
    }
    for (size_t j = 0; j < g->n; j++, v += g->dim) {
        float32x4_t weight[HEADS];

        EG_UNROLL
        for (size_t i = 0; i < heads; i++) {
            weight[i] = vdupq_n_f32(e[i * g->e_stride + j]);
        }
        EG_UNROLL
        for (size_t c = 0; c < regs; c++) {
            float32x4_t value = vld1q_f32(v + c * WIDTH);

            EG_UNROLL
            for (size_t i = 0; i < heads; i++) {
                sum[i * regs + c] = vfmaq_f32(sum[i * regs + c], weight[i], value);
            }
        }
    }
    EG_UNROLL
    for (size_t s = 0; s < heads * regs; s++) {
        vst1q_f32(out + s / regs * g->dim + s % regs * WIDTH, sum[s]);
    }
}

/* All dimensions of some heads; `most` is the number of registers that a tile gives a head. */
EG_INLINE void weigh_heads(const eg_weighing *g, size_t h, size_t heads, size_t most)
{
    size_t d = 0;

    for (; d + most * WIDTH <= g->dim; d += most * WIDTH) {
        weigh_tile(g, h, d, heads, most);
    }
    for (; d + most / 2 * WIDTH <= g->dim; d += most / 2 * WIDTH) {
        weigh_tile(g, h, d, heads, most / 2);
    }
    for (; d + WIDTH <= g->dim; d += WIDTH) {
        weigh_tile(g, h, d, heads, 1);
    }
    for (; d < g->dim; d++) {
        for (size_t i = h; i < h + heads; i++) {
            for (size_t j = 0; j < g->n; j++) {
                g->out[i * g->dim + d] =
                    fmaf(g->e[i * g->e_stride + j], g->v[j * g->dim + d], g->out[i * g->dim + d]);
            }
        }
    }
}

static void weigh(const eg_weighing *g)
{
    size_t h = 0;

    for (; h + HEADS <= g->n_q; h += HEADS) {
        weigh_heads(g, h, HEADS, REGS / HEADS);
    }
    for (; h < g->n_q; h++) {
        weigh_heads(g, h, 1, REGS);
    }
}

void eg_attend_neon(float *out, const float *q, size_t n_q, const eg_keys *keys, float *scratch)
{
    static const eg_attend_parts parts = {eg_matmul_f32_neon, eg_exp_portable, weigh};

    eg_attend_with(&parts, out, q, n_q, keys, scratch);
}
