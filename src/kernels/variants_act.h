/* SPDX-License-Identifier: MIT */
/* variants_act.h - exp, sum_exp and silu_mul by name, for table.c and the tests.
 *
 * The vector variants evaluate the polynomial of mathf.c in the same order with the same fused
 * operations, 4 or 8 doubles at a time. */
#ifndef EG_KERNELS_VARIANTS_ACT_H
#define EG_KERNELS_VARIANTS_ACT_H

#include "kernels/kernels.h"

eg_exp_fn eg_exp_portable, eg_exp_avx2, eg_exp_avx512;
eg_sum_exp_fn eg_sum_exp_portable, eg_sum_exp_avx2, eg_sum_exp_avx512;
eg_silu_mul_fn eg_silu_mul_portable, eg_silu_mul_avx2, eg_silu_mul_avx512;

#endif
