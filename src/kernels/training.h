/* SPDX-License-Identifier: MIT */
/* training.h - the loops of training that are not products of large matrices.
 *
 * As with eg_kernels there is a portable definition, and variants that give the same bits; here all
 * come from one text (training_rows.h, training_attend.h) over vectors of 16 lanes, to which
 * each instruction set brings its operations. Not canonical: sums over a row are 16 lanes folded,
 * but exp is a float polynomial, with a relative error below 2^-23, and not correctly rounded.
 *
 * Each call is one unit of work of one thread. Forward overwrites, backward adds. */
#ifndef EG_KERNELS_TRAINING_H
#define EG_KERNELS_TRAINING_H

#include "eagle/runtime.h"
#include "kernels/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keys that attention takes at once: what belongs to them stays in the first-level cache. */
#define EG_ATTEND_KEYS 64

/* One sequence under one KV head and the n_q query heads that share it. Row i of head h of the
 * queries begins at q + i * q_stride + h * head_dim; keys and values likewise, with kv_stride. */
typedef struct {
    size_t n; /* rows */
    size_t n_q;
    size_t head_dim;
    size_t q_stride;
    size_t kv_stride;
    const eg_real *q;
    const eg_real *k;
    const eg_real *v;
    size_t lse_stride;
    eg_real *scratch; /* [eg_attend_unit_scratch(n, head_dim)] */

    /* Forward writes: out as q, and lse[i * lse_stride + h]. */
    eg_real *out;
    eg_real *lse;

    /* The way back reads what forward wrote, and its gradient, and adds to those of q, k and v. */
    const eg_real *y;
    const eg_real *y_lse;
    const eg_real *dy;
    eg_real *dq;
    eg_real *dk;
    eg_real *dv;
} eg_attend_unit;

size_t eg_attend_unit_scratch(size_t n, size_t head_dim);

/* One instruction set's functions. A row is [dim] or [n]; the equations are operations.h's. */
typedef struct {
    eagle_isa isa;

    /* *inv = 1 / sqrt(mean(x^2) + eps); y = x * inv * w. */
    void (*norm)(eg_real *y, eg_real *inv, const eg_real *x, const eg_real *w, eg_real eps,
                 size_t dim);
    void (*norm_back)(eg_real *dx, const eg_real *dy, const eg_real *x, const eg_real *w,
                      eg_real inv, size_t dim);

    /* Adds to dw [columns] the sum over n rows of dy * x * inv; rows are `dim` apart. columns <=
     * 16. */
    void (*norm_weights)(eg_real *dw, const eg_real *dy, const eg_real *x, const eg_real *inv,
                         size_t n, size_t dim, size_t columns);

    void (*gate)(eg_real *y, const eg_real *gate, const eg_real *up, size_t n);
    void (*gate_back)(eg_real *dgate, eg_real *dup, const eg_real *dy, const eg_real *gate,
                      const eg_real *up, size_t n);

    /* The losses of one row; *right: is the largest logit the wanted one? */
    double (*loss_tokens)(bool *right, eg_real *logits, size_t label, size_t vocab, eg_real scale);
    double (*loss_law)(bool *right, eg_real *logits, eg_real *teacher, size_t vocab, eg_real scale);
    double (*loss_features)(eg_real *dx, const eg_real *x, const eg_real *y, size_t dim,
                            eg_real scale);

    void (*attend)(const eg_attend_unit *unit);
    void (*attend_back)(const eg_attend_unit *unit);
} eg_training;

/* The table of an instruction set, AUTO meaning the best; NULL when it cannot run here. A variant
 * that does not exist is the portable one. In double there is only the portable one. */
const eg_training *eg_training_for(eagle_isa isa);

/* For the table and the tests. */
extern const eg_training eg_training_portable;
#if defined(__x86_64__) && !defined(EG_TRAIN_DOUBLE)
extern const eg_training eg_training_avx2;
extern const eg_training eg_training_avx512;
#endif

#endif
