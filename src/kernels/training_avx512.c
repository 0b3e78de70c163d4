/* SPDX-License-Identifier: MIT */
/* training_avx512.c - training's loops with AVX-512: 16 lanes are one register. */
#include "kernels/kernels.h"
#include "kernels/training.h"

#include <immintrin.h>

#define TILE_ROWS 8 /* as many sums as two FMA units have under way */

typedef __m512 vec;

static inline vec vec_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline void vec_store(float *p, vec a)
{
    _mm512_storeu_ps(p, a);
}

static inline vec vec_all(float x)
{
    return _mm512_set1_ps(x);
}

static inline vec vec_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}

static inline vec vec_sub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}

static inline vec vec_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}

static inline vec vec_div(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}

static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline vec vec_max(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}

static inline vec vec_min(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}

static inline vec vec_power_of_two(vec a)
{
    __m512i k = _mm512_add_epi32(_mm512_castps_si512(a), _mm512_set1_epi32(127));

    return _mm512_castsi512_ps(_mm512_slli_epi32(k, 23));
}

#include "kernels/training_attend.h"

const eg_training eg_training_avx512 = {.isa = EAGLE_ISA_AVX512,
                                        .norm = norm,
                                        .norm_back = norm_back,
                                        .norm_weights = norm_weights,
                                        .gate = gate_row,
                                        .gate_back = gate_row_back,
                                        .loss_tokens = loss_tokens,
                                        .loss_law = loss_law,
                                        .loss_features = loss_features,
                                        .attend = attend,
                                        .attend_back = attend_back};
