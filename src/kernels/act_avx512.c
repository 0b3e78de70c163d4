/* SPDX-License-Identifier: MIT */
/* act_avx512.c - exp, softmax's sum and SiLU's gate, 16 floats at a time: two vectors of 8
 * doubles go through eg_exp_unrounded()'s operations side by side. */
#include "kernels/mathf_constants.h"
#include "kernels/order.h"
#include "kernels/variants_act.h"

#include <immintrin.h>

#define WIDTH    16
#define N_COEFFS (sizeof eg_exp_coeffs / sizeof eg_exp_coeffs[0])

/* shifted holds k in its low bits; this is 2^k. */
static inline __m512d power_of_two(__m512d shifted)
{
    __m512i k = _mm512_add_epi64(_mm512_castpd_si512(shifted), _mm512_set1_epi64(1023));

    return _mm512_castsi512_pd(_mm512_slli_epi64(k, 52));
}

static inline __m512 exp16(__m512 x)
{
    const __m512d shift = _mm512_set1_pd(0x1.8p52);
    const __m512d log2_e = _mm512_set1_pd(EG_LOG2_E);
    const __m512d ln2_hi = _mm512_set1_pd(EG_LN2_HI);
    const __m512d ln2_mid = _mm512_set1_pd(EG_LN2_MID);
    const __m512d one = _mm512_set1_pd(1.0);
    __m512d shifted[2];
    __m512d r[2];
    __m512d q[2];
    __m256 y[2];

    /* In this order of operands a NaN passes both. */
    x = _mm512_max_ps(_mm512_set1_ps(-105.0f), x);
    x = _mm512_min_ps(_mm512_set1_ps(89.0f), x);
    for (int i = 0; i < 2; i++) {
        __m512d wide =
            _mm512_cvtps_pd(i == 0 ? _mm512_castps512_ps256(x) : _mm512_extractf32x8_ps(x, 1));

        shifted[i] = _mm512_fmadd_pd(wide, log2_e, shift);

        __m512d k = _mm512_sub_pd(shifted[i], shift);

        r[i] = _mm512_fnmadd_pd(k, ln2_hi, wide);
        r[i] = _mm512_fnmadd_pd(k, ln2_mid, r[i]);
        q[i] = _mm512_set1_pd(eg_exp_coeffs[N_COEFFS - 1]);
    }
    for (size_t c = N_COEFFS - 1; c-- > 0;) {
        const __m512d coeff = _mm512_set1_pd(eg_exp_coeffs[c]);

        q[0] = _mm512_fmadd_pd(q[0], r[0], coeff);
        q[1] = _mm512_fmadd_pd(q[1], r[1], coeff);
    }
    for (int i = 0; i < 2; i++) {
        __m512d p = _mm512_add_pd(one, _mm512_fmadd_pd(_mm512_mul_pd(r[i], r[i]), q[i], r[i]));

        y[i] = _mm512_cvtpd_ps(_mm512_mul_pd(p, power_of_two(shifted[i])));
    }
    return _mm512_insertf32x8(_mm512_castps256_ps512(y[0]), y[1], 1);
}

static inline __m512 silu_mul16(__m512 gate, __m512 up)
{
    __m512 e = exp16(_mm512_xor_ps(gate, _mm512_set1_ps(-0.0f)));
    __m512 silu = _mm512_div_ps(gate, _mm512_add_ps(_mm512_set1_ps(1.0f), e));

    return _mm512_mul_ps(silu, up);
}

/* The first n < 16 floats of x, then zeros. */
static inline __m512 load_tail(const float *x, size_t n)
{
    float block[WIDTH] = {0};

    memcpy(block, x, n * sizeof *x);
    return _mm512_loadu_ps(block);
}

static inline void store_tail(float *y, __m512 v, size_t n)
{
    float block[WIDTH];

    _mm512_storeu_ps(block, v);
    memcpy(y, block, n * sizeof *y);
}

void eg_exp_avx512(float *y, const float *x, size_t n)
{
    size_t i = 0;

    for (; i + WIDTH <= n; i += WIDTH) {
        _mm512_storeu_ps(y + i, exp16(_mm512_loadu_ps(x + i)));
    }
    if (i < n) {
        store_tail(y + i, exp16(load_tail(x + i, n - i)), n - i);
    }
}

float eg_sum_exp_avx512(const float *x, float max, size_t n)
{
    const __m512 m = _mm512_set1_ps(max);
    __m512 sum = _mm512_setzero_ps();
    float lane[EG_LANES];
    size_t i = 0;

    for (; i + WIDTH <= n; i += WIDTH) {
        sum = _mm512_add_ps(sum, exp16(_mm512_sub_ps(_mm512_loadu_ps(x + i), m)));
    }
    _mm512_storeu_ps(lane, sum);
    if (i < n) {
        float e[WIDTH];

        _mm512_storeu_ps(e, exp16(_mm512_sub_ps(load_tail(x + i, n - i), m)));
        for (size_t j = 0; i + j < n; j++) {
            lane[j] += e[j];
        }
    }
    return eg_fold_lanes(lane);
}

void eg_silu_mul_avx512(float *y, const float *gate, const float *up, size_t n)
{
    size_t i = 0;

    for (; i + WIDTH <= n; i += WIDTH) {
        _mm512_storeu_ps(y + i, silu_mul16(_mm512_loadu_ps(gate + i), _mm512_loadu_ps(up + i)));
    }
    if (i < n) {
        __m512 g = load_tail(gate + i, n - i);
        __m512 u = load_tail(up + i, n - i);

        store_tail(y + i, silu_mul16(g, u), n - i);
    }
}
