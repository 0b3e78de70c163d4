/* SPDX-License-Identifier: MIT */
/* norm_avx2.c - RMSNorm with AVX2 and FMA. */
#include "kernels/variants.h"

#include <immintrin.h>
#include <math.h>

#define WIDTH 8

void eg_rmsnorm_avx2(float *y, const float *x, const float *w, float eps, size_t n)
{
    const eg_vectors self = {.data = x, .n = 1, .dim = n, .stride = n};
    float squares;

    eg_matmul_f32_avx2(&squares, 1, x, 1, &self);

    const float r = 1.0f / sqrtf(squares / (float)n + eps);
    const __m256 r8 = _mm256_set1_ps(r);
    size_t i = 0;

    for (; i + WIDTH <= n; i += WIDTH) {
        __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(x + i), r8);
        _mm256_storeu_ps(y + i, _mm256_mul_ps(_mm256_loadu_ps(w + i), scaled));
    }
    for (; i < n; i++) {
        y[i] = w[i] * (x[i] * r);
    }
}
