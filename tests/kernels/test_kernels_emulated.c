/* SPDX-License-Identifier: MIT */
/* test_kernels_emulated.c - the AVX-512 kernels, emulated (tests/emulated.mk), give the bits of the
 * portable definition, whatever this CPU has. */
#include "kernels/run_checks.h"
#include "kernels/variants.h"
#include "kernels/variants_act.h"

int main(void)
{
    const eg_kernels *found = NULL;
#if defined(EG_EMULATED_AVX512)
    static const eg_kernels emulated = {
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

    found = eagle_isa_usable(EAGLE_ISA_AVX2) ? &emulated : NULL; /* which the emulation uses */
#endif
    return run_kernel_checks("avx512, emulated", found) != 0;
}
