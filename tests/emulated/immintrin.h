/* SPDX-License-Identifier: MIT */
/* immintrin.h - AVX-512 for machines without it: SIMDe's functions under Intel's names, found
 * before the compiler's own header. What SIMDe 0.7.4 lacks is written out below. AVX2, FMA and F16C
 * are the compiler's. */
#ifndef EG_TESTS_IMMINTRIN_H
#define EG_TESTS_IMMINTRIN_H

#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <string.h>

static inline __m512 emulated_join(__m256 low, __m256 high)
{
    float x[16];

    memcpy(x, &low, sizeof low);
    memcpy(x + 8, &high, sizeof high);
    return _mm512_loadu_ps(x);
}

static inline __m256 emulated_extractf32x8_ps(__m512 a, int part)
{
    float x[16];

    memcpy(x, &a, sizeof x);
    return _mm256_loadu_ps(x + 8 * part);
}

static inline __m512d emulated_cvtps_pd(__m256 a)
{
    float x[8];
    double y[8];

    memcpy(x, &a, sizeof x);
    for (int i = 0; i < 8; i++) {
        y[i] = x[i];
    }
    return _mm512_loadu_pd(y);
}

static inline __m256 emulated_cvtpd_ps(__m512d a)
{
    double x[8];
    float y[8];

    memcpy(x, &a, sizeof x);
    for (int i = 0; i < 8; i++) {
        y[i] = (float)x[i];
    }
    return _mm256_loadu_ps(y);
}

static inline __m512 emulated_cvtph_ps(__m256i a)
{
    return emulated_join(_mm256_cvtph_ps(_mm256_castsi256_si128(a)),
                         _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1)));
}

static inline __m512i emulated_cvtepu16_epi32(__m256i a)
{
    __m256i low = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(a));
    __m256i high = _mm256_cvtepu16_epi32(_mm256_extracti128_si256(a, 1));

    return _mm512_castps_si512(emulated_join(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high)));
}

/* `imm` names, two bits each, two parts of a and two of b. */
static inline __m512 emulated_shuffle_f32x4(__m512 a, __m512 b, int imm)
{
    float x[2][16];
    float y[16];

    memcpy(x[0], &a, sizeof x[0]);
    memcpy(x[1], &b, sizeof x[1]);
    for (int i = 0; i < 4; i++) {
        memcpy(y + 4 * i, x[i / 2] + 4 * (imm >> 2 * i & 3), 4 * sizeof y[0]);
    }
    return _mm512_loadu_ps(y);
}

#undef _mm512_extractf32x8_ps
#undef _mm512_cvtps_pd
#undef _mm512_cvtpd_ps
#undef _mm512_cvtph_ps
#undef _mm512_cvtepu16_epi32
#undef _mm512_shuffle_f32x4
#define _mm512_extractf32x8_ps emulated_extractf32x8_ps
#define _mm512_cvtps_pd        emulated_cvtps_pd
#define _mm512_cvtpd_ps        emulated_cvtpd_ps
#define _mm512_cvtph_ps        emulated_cvtph_ps
#define _mm512_cvtepu16_epi32  emulated_cvtepu16_epi32
#define _mm512_shuffle_f32x4   emulated_shuffle_f32x4

#endif
