/* SPDX-License-Identifier: MIT */
/* training_avx2.c - training's loops with AVX2 and FMA: 16 lanes are two registers. */
#include "kernels/kernels.h"
#include "kernels/training.h"

#include <immintrin.h>

#define TILE_ROWS 4 /* 8 sums: as many as two FMA units have under way */

typedef struct {
    __m256 low;
    __m256 high;
} vec;

static inline vec vec_load(const float *p)
{
    return (vec){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}

static inline void vec_store(float *p, vec a)
{
    _mm256_storeu_ps(p, a.low);
    _mm256_storeu_ps(p + 8, a.high);
}

static inline vec vec_all(float x)
{
    return (vec){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}

static inline vec vec_add(vec a, vec b)
{
    return (vec){_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}

static inline vec vec_sub(vec a, vec b)
{
    return (vec){_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}

static inline vec vec_mul(vec a, vec b)
{
    return (vec){_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}

static inline vec vec_div(vec a, vec b)
{
    return (vec){_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}

static inline vec vec_fma(vec a, vec b, vec c)
{
    return (vec){_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}

static inline vec vec_max(vec a, vec b)
{
    return (vec){_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}

static inline vec vec_min(vec a, vec b)
{
    return (vec){_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}

static inline __m256 power_of_two(__m256 a)
{
    __m256i k = _mm256_add_epi32(_mm256_castps_si256(a), _mm256_set1_epi32(127));

    return _mm256_castsi256_ps(_mm256_slli_epi32(k, 23));
}

static inline vec vec_power_of_two(vec a)
{
    return (vec){power_of_two(a.low), power_of_two(a.high)};
}

#include "kernels/training_attend.h"

const eg_training eg_training_avx2 = {.isa = EAGLE_ISA_AVX2,
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
