/* SPDX-License-Identifier: MIT */
/* variants.h - the kernels by name, for table.c and the tests. The names of exp, sum_exp and
 * silu_mul stand in variants_act.h. */
#ifndef EG_KERNELS_VARIANTS_H
#define EG_KERNELS_VARIANTS_H

#include "kernels/kernels.h"

/* The definition of the canonical dot product. */
float eg_dot_f32_portable(const float *a, const float *b, size_t n);

eg_matmul_fn eg_matmul_f32_portable, eg_matmul_f16_portable, eg_matmul_bf16_portable;
eg_rmsnorm_fn eg_rmsnorm_portable;
eg_rope_fn eg_rope_portable;
eg_attend_fn eg_attend_portable;

eg_matmul_fn eg_matmul_f32_avx2, eg_matmul_f16_avx2, eg_matmul_bf16_avx2;
eg_rmsnorm_fn eg_rmsnorm_avx2;
eg_attend_fn eg_attend_avx2;

eg_matmul_fn eg_matmul_f32_avx512, eg_matmul_f16_avx512, eg_matmul_bf16_avx512;
eg_rmsnorm_fn eg_rmsnorm_avx512;
eg_attend_fn eg_attend_avx512;

eg_matmul_fn eg_matmul_f32_neon, eg_matmul_f16_neon, eg_matmul_bf16_neon;
eg_rmsnorm_fn eg_rmsnorm_neon;
eg_attend_fn eg_attend_neon;

#endif
