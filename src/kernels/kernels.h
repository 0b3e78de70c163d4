/* SPDX-License-Identifier: MIT */
/* kernels.h - the numeric loops, in canonical order (docs/canonical-order.md).
 *
 * Each function type has a portable definition and variants that give the same bits.
 * Kernels neither fail, allocate nor log: callers validate, kernels assert. A row
 * never depends on its neighbours. */
#ifndef EG_KERNELS_KERNELS_H
#define EG_KERNELS_KERNELS_H

#include "eagle/model.h"
#include "eagle/runtime.h"

#include <stddef.h>
#include <stdint.h>

/* Lanes of the canonical sum: element i belongs to lane i % 16. */
#define EG_LANES 16

/* Rows of activations: n vectors of `dim` floats, `stride` floats apart. */
typedef struct {
    const float *data;
    size_t n;
    size_t dim;
    size_t stride;
    float *
        room; /* EG_MATMUL_ROOM floats, aligned to EG_ALIGN, that the product may use; NULL: it has a
                  * little of its own, enough for small ones */
} eg_vectors;

/* 963 KB: what the fastest order of a large product needs. */
#define EG_MATMUL_ROOM ((size_t)246528)

/* y[t * y_stride + r] = canonical dot(row r of w, vector t of x), r < n_rows, t < x->n.
 *
 *   w  [n_rows, x->dim] row-major, f32, f16 or bf16 by the function */
typedef void eg_matmul_fn(float *y, size_t y_stride, const void *w, size_t n_rows,
                          const eg_vectors *x);

/* y[i] = x[i] * (1 / sqrt(mean(x^2) + eps)) * w[i]; y may be x. */
typedef void eg_rmsnorm_fn(float *y, const float *x, const float *w, float eps, size_t n);

/* Rotates one head in place: pairs (j, j + head_dim / 2) by (cos[j], sin[j]). */
typedef void eg_rope_fn(float *x, const float *cos, const float *sin, size_t head_dim);

/* y[i] = silu(gate[i]) * up[i]; y may be gate or up. */
typedef void eg_silu_mul_fn(float *y, const float *gate, const float *up, size_t n);

/* y[i] = exp(x[i]), correctly rounded; y may be x. */
typedef void eg_exp_fn(float *y, const float *x, size_t n);

/* sum of exp(x[i] - max) in 16 lanes. */
typedef float eg_sum_exp_fn(const float *x, float max, size_t n);

/* The keys and values that one row attends to, of one KV head: slots first .. first + n_run - 1,
 * then path[0] .. path[n_path - 1], in this order. The row's own slot is the last. */
typedef struct {
    const float *k; /* [cap, head_dim] */
    const float *v; /* [cap, head_dim] */
    size_t head_dim;
    float scale; /* 1 / sqrt(head_dim) */
    size_t first;
    size_t n_run;
    const int32_t *path;
    size_t n_path;
} eg_keys;

/* Attention of the n_q query heads that share one KV head: two-pass softmax, P.V in slot order.
 *
 *   out, q   [n_q, head_dim]
 *   scratch  [n_q * (n_run + n_path)] floats */
typedef void eg_attend_fn(float *out, const float *q, size_t n_q, const eg_keys *keys,
                          float *scratch);

/* One instruction set's functions. Tables are constant and shared. */
typedef struct {
    eagle_isa isa;
    eg_matmul_fn *matmul_f32;
    eg_matmul_fn *matmul_f16;
    eg_matmul_fn *matmul_bf16;
    eg_rmsnorm_fn *rmsnorm;
    eg_rope_fn *rope;
    eg_silu_mul_fn *silu_mul;
    eg_exp_fn *exp;
    eg_sum_exp_fn *sum_exp;
    eg_attend_fn *attend;
} eg_kernels;

/* The table of an instruction set, AUTO meaning the best; NULL when it cannot run here. A variant
 * that does not exist is the portable one. */
const eg_kernels *eg_kernels_for(eagle_isa isa);

/* The matmul for weights of `dtype` (F32, F16, BF16); NULL for another. */
eg_matmul_fn *eg_kernels_matmul(const eg_kernels *kernels, eagle_dtype dtype);

/* Rows of a weight matrix per unit of work: threads split matrices at multiples of it, which are
 * whole tiles for every instruction set. */
#define EG_MATMUL_GRAIN 12

/* ---- without variants ------------------------------------------------------------ */

/* Widens n elements of dtype F32, F16 or BF16, exactly. */
void eg_widen(float *y, const void *x, eagle_dtype dtype, size_t n);

/* Rounds n elements to dtype F32, F16 or BF16, to nearest, ties to even: a number too large becomes
 * infinity, as IEEE 754 says, and a NaN stays one. */
void eg_narrow(void *y, const float *x, eagle_dtype dtype, size_t n);

/* y[i] += x[i]. */
void eg_add(float *y, const float *x, size_t n);

/* Index of the largest element, the lowest index among equals. n >= 1, no NaN. */
size_t eg_argmax(const float *x, size_t n);

/* The k largest elements by (value desc, index asc), in this order; 1 <= k <= n, no NaN.
 * `index` [k]. */
void eg_topk(int32_t *index, const float *x, size_t n, size_t k);

/* 1 when all n elements are finite. */
int eg_all_finite(const float *x, size_t n);

/* 1 / sqrt(head_dim), rounded once to float32 from the double quotient. */
float eg_attention_scale(size_t head_dim);

/* ---- OpenBLAS, not canonical ------------------------------------------------------- */

/* y = x . w^T by sgemm (weights that are not f32 are widened panel by panel); never
 * called inside a parallel region. */
int eg_gemm_available(void); /* 0: built without OpenBLAS */
const char *eg_gemm_library(void);
const char *eg_gemm_core(void); /* the CPU whose loops it runs: bits depend on it; "none" without */
void eg_gemm_threads(int n);

/* `scratch` holds at least eg_gemm_scratch(dim) floats when dtype is not F32. */
size_t eg_gemm_scratch(size_t dim);
void eg_gemm(float *y, size_t y_stride, const void *w, eagle_dtype dtype, size_t n_rows,
             const eg_vectors *x, float *scratch);

#endif
