/* SPDX-License-Identifier: MIT */
/* gemm_real.h - the three matrix products of training: a dense layer forward, and the two of its
 * way back. By OpenBLAS, with the threads of eg_gemm_threads(), never inside a parallel region;
 * without OpenBLAS plain loops, right and slow. All matrices are row-major without gaps. */
#ifndef EG_KERNELS_GEMM_REAL_H
#define EG_KERNELS_GEMM_REAL_H

#include "kernels/real.h"

#include <stddef.h>

/* c [m, n] = a b^T; a [m, k], b [n, k]. */
void eg_gemm_nt(eg_real *c, const eg_real *a, const eg_real *b, size_t m, size_t n, size_t k);

/* c [m, n] += a b; a [m, k], b [k, n]. */
void eg_gemm_nn_add(eg_real *c, const eg_real *a, const eg_real *b, size_t m, size_t n, size_t k);

/* c [m, n] += a^T b; a [k, m], b [k, n]. */
void eg_gemm_tn_add(eg_real *c, const eg_real *a, const eg_real *b, size_t m, size_t n, size_t k);

#endif
