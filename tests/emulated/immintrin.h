/* SPDX-License-Identifier: MIT */
/* immintrin.h - AVX-512 for machines without it: SIMDe's functions under Intel's names, found
 * before the compiler's own header. What SIMDe 0.7.4 lacks is written out below. */
#ifndef EG_TESTS_IMMINTRIN_H
#define EG_TESTS_IMMINTRIN_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

#include <string.h>

#ifndef _mm512_cvtps_pd

static inline __m512d _mm512_cvtps_pd(__m256 a)
{
    float x[8];
    double y[8];

    memcpy(x, &a, sizeof x);
    for (int i = 0; i < 8; i++) {
        y[i] = x[i];
    }
    return _mm512_loadu_pd(y);
}

static inline __m256 _mm512_cvtpd_ps(__m512d a)
{
    double x[8];
    float y[8];

    memcpy(x, &a, sizeof x);
    for (int i = 0; i < 8; i++) {
        y[i] = (float)x[i];
    }
    return _mm256_loadu_ps(y);
}

static inline __m256 _mm512_extractf32x8_ps(__m512 a, int part)
{
    float x[16];

    memcpy(x, &a, sizeof x);
    return _mm256_loadu_ps(x + 8 * part);
}

#endif

#endif
