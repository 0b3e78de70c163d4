/* SPDX-License-Identifier: MIT */
/* table.c - which function serves which instruction set. A table names the portable function
 * where a variant would not gain. */
#include "base/cpu.h"
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

const eg_kernels *eg_kernels_for(eagle_isa isa)
{
    switch (isa) {
    case EAGLE_ISA_AUTO: return &portable;
    case EAGLE_ISA_PORTABLE: return &portable;
    case EAGLE_ISA_AVX2: return NULL;
    case EAGLE_ISA_AVX512: return NULL;
    case EAGLE_ISA_NEON: return NULL;
    }
    return NULL;
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
