/* SPDX-License-Identifier: MIT */
/* act_avx2.c - exp, softmax's sum and SiLU's gate, 8 floats at a time: two vectors of 4 doubles
 * go through eg_exp_unrounded()'s operations side by side. */
#include "kernels/mathf_constants.h"
#include "kernels/order.h"
#include "kernels/variants_act.h"

#include <immintrin.h>

#define WIDTH    8
#define N_COEFFS (sizeof eg_exp_coeffs / sizeof eg_exp_coeffs[0])

/* shifted holds k in its low bits; this is 2^k. */
static inline __m256d power_of_two(__m256d shifted)
{
    __m256i k = _mm256_add_epi64(_mm256_castpd_si256(shifted), _mm256_set1_epi64x(1023));

    return _mm256_castsi256_pd(_mm256_slli_epi64(k, 52));
}

static inline __m256 exp8(__m256 x)
{
    const __m256d shift = _mm256_set1_pd(0x1.8p52);
    const __m256d log2_e = _mm256_set1_pd(EG_LOG2_E);
    const __m256d ln2_hi = _mm256_set1_pd(EG_LN2_HI);
    const __m256d ln2_mid = _mm256_set1_pd(EG_LN2_MID);
    const __m256d one = _mm256_set1_pd(1.0);
    __m256d shifted[2];
    __m256d r[2];
    __m256d q[2];
    __m128 y[2];

    /* In this order of operands a NaN passes both. */
    x = _mm256_max_ps(_mm256_set1_ps(-105.0f), x);
    x = _mm256_min_ps(_mm256_set1_ps(89.0f), x);
    for (int i = 0; i < 2; i++) {
        __m256d wide =
            _mm256_cvtps_pd(i == 0 ? _mm256_castps256_ps128(x) : _mm256_extractf128_ps(x, 1));

        shifted[i] = _mm256_fmadd_pd(wide, log2_e, shift);

        __m256d k = _mm256_sub_pd(shifted[i], shift);

        r[i] = _mm256_fnmadd_pd(k, ln2_hi, wide);
        r[i] = _mm256_fnmadd_pd(k, ln2_mid, r[i]);
        q[i] = _mm256_set1_pd(eg_exp_coeffs[N_COEFFS - 1]);
    }
    for (size_t c = N_COEFFS - 1; c-- > 0;) {
        const __m256d coeff = _mm256_set1_pd(eg_exp_coeffs[c]);

        q[0] = _mm256_fmadd_pd(q[0], r[0], coeff);
        q[1] = _mm256_fmadd_pd(q[1], r[1], coeff);
    }
    for (int i = 0; i < 2; i++) {
        __m256d p = _mm256_add_pd(one, _mm256_fmadd_pd(_mm256_mul_pd(r[i], r[i]), q[i], r[i]));

        y[i] = _mm256_cvtpd_ps(_mm256_mul_pd(p, power_of_two(shifted[i])));
    }
    return _mm256_set_m128(y[1], y[0]);
}

static inline __m256 silu_mul8(__m256 gate, __m256 up)
{
    __m256 e = exp8(_mm256_xor_ps(gate, _mm256_set1_ps(-0.0f)));
    __m256 silu = _mm256_div_ps(gate, _mm256_add_ps(_mm256_set1_ps(1.0f), e));

    return _mm256_mul_ps(silu, up);
}

/* The first n < 8 floats of x, then zeros. */
static inline __m256 load_tail(const float *x, size_t n)
{
    float block[WIDTH] = {0};

    memcpy(block, x, n * sizeof *x);
    return _mm256_loadu_ps(block);
}

static inline void store_tail(float *y, __m256 v, size_t n)
{
    float block[WIDTH];

    _mm256_storeu_ps(block, v);
    memcpy(y, block, n * sizeof *y);
}

void eg_exp_avx2(float *y, const float *x, size_t n)
{
    size_t i = 0;

    for (; i + WIDTH <= n; i += WIDTH) {
        _mm256_storeu_ps(y + i, exp8(_mm256_loadu_ps(x + i)));
    }
    if (i < n) {
        store_tail(y + i, exp8(load_tail(x + i, n - i)), n - i);
    }
}

float eg_sum_exp_avx2(const float *x, float max, size_t n)
{
    const __m256 m = _mm256_set1_ps(max);
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()}; /* lanes 0-7 and 8-15 */
    float lane[EG_LANES];
    size_t i = 0;

    for (; i + WIDTH <= n; i += WIDTH) {
        __m256 e = exp8(_mm256_sub_ps(_mm256_loadu_ps(x + i), m));
        size_t half = i / WIDTH % 2;

        sum[half] = _mm256_add_ps(sum[half], e);
    }
    _mm256_storeu_ps(lane, sum[0]);
    _mm256_storeu_ps(lane + WIDTH, sum[1]);
    if (i < n) {
        float e[WIDTH];

        _mm256_storeu_ps(e, exp8(_mm256_sub_ps(load_tail(x + i, n - i), m)));
        for (size_t j = 0; i + j < n; j++) {
            lane[(i + j) % EG_LANES] += e[j];
        }
    }
    return eg_fold_lanes(lane);
}

void eg_silu_mul_avx2(float *y, const float *gate, const float *up, size_t n)
{
    size_t i = 0;

    for (; i + WIDTH <= n; i += WIDTH) {
        _mm256_storeu_ps(y + i, silu_mul8(_mm256_loadu_ps(gate + i), _mm256_loadu_ps(up + i)));
    }
    if (i < n) {
        __m256 g = load_tail(gate + i, n - i);
        __m256 u = load_tail(up + i, n - i);

        store_tail(y + i, silu_mul8(g, u), n - i);
    }
}
