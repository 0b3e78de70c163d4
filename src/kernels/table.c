/* SPDX-License-Identifier: MIT */
/* table.c - which function serves which instruction set. A table names the portable function
 * where a variant would not gain. */
#include "kernels/variants.h"
#include "kernels/variants_act.h"

static const eg_kernels portable = {
    .isa = EAGLE_ISA_PORTABLE,
    .matmul_f32 = eg_matmul_f32_portable,
    .matmul_f16 = eg_matmul_f16_portable,
    .matmul_bf16 = eg_matmul_bf16_portable,
    .rmsnorm = eg_rmsnorm_portable,
    .rope = eg_rope_portable,
    .silu_mul = eg_silu_mul_portable,
    .exp = eg_exp_portable,
    .sum_exp = eg_sum_exp_portable,
    .attend = eg_attend_portable,
};

#if defined(__x86_64__)
static const eg_kernels avx2 = {
    .isa = EAGLE_ISA_AVX2,
    .matmul_f32 = eg_matmul_f32_avx2,
    .matmul_f16 = eg_matmul_f16_avx2,
    .matmul_bf16 = eg_matmul_bf16_avx2,
    .rmsnorm = eg_rmsnorm_avx2,
    .rope = eg_rope_portable,
    .silu_mul = eg_silu_mul_avx2,
    .exp = eg_exp_avx2,
    .sum_exp = eg_sum_exp_avx2,
    .attend = eg_attend_avx2,
};

static const eg_kernels avx512 = {
    .isa = EAGLE_ISA_AVX512,
    .matmul_f32 = eg_matmul_f32_avx512,
    .matmul_f16 = eg_matmul_f16_avx512,
    .matmul_bf16 = eg_matmul_bf16_avx512,
    .rmsnorm = eg_rmsnorm_avx512,
    .rope = eg_rope_portable,
    .silu_mul = eg_silu_mul_avx512,
    .exp = eg_exp_avx512,
    .sum_exp = eg_sum_exp_avx512,
    .attend = eg_attend_avx512,
};
#elif defined(__aarch64__)
static const eg_kernels neon = {
    .isa = EAGLE_ISA_NEON,
    .matmul_f32 = eg_matmul_f32_neon,
    .matmul_f16 = eg_matmul_f16_neon,
    .matmul_bf16 = eg_matmul_bf16_neon,
    .rmsnorm = eg_rmsnorm_neon,
    .rope = eg_rope_portable,
    .silu_mul = eg_silu_mul_portable,
    .exp = eg_exp_portable,
    .sum_exp = eg_sum_exp_portable,
    .attend = eg_attend_neon,
};
#endif

const eg_kernels *eg_kernels_for(eagle_isa isa)
{
    if (isa == EAGLE_ISA_AUTO) {
        isa = eagle_isa_best();
    }
    if (!eagle_isa_usable(isa)) {
        return NULL;
    }
    switch (isa) {
#if defined(__x86_64__)
    case EAGLE_ISA_AVX2: return &avx2;
    case EAGLE_ISA_AVX512: return &avx512;
#elif defined(__aarch64__)
    case EAGLE_ISA_NEON: return &neon;
#endif
    default: return &portable;
    }
}

eg_matmul_fn *eg_kernels_matmul(const eg_kernels *kernels, eagle_dtype dtype)
{
    switch (dtype) {
    case EAGLE_F32: return kernels->matmul_f32;
    case EAGLE_F16: return kernels->matmul_f16;
    case EAGLE_BF16: return kernels->matmul_bf16;
    default: return NULL;
    }
}
