/* SPDX-License-Identifier: MIT */
/* norm_avx512.c - RMSNorm with AVX-512. */
#include "kernels/variants.h"

#include <immintrin.h>
#include <math.h>

#define WIDTH 16

void eg_rmsnorm_avx512(float *y, const float *x, const float *w, float eps, size_t n)
{
    const eg_vectors self = {.data = x, .n = 1, .dim = n, .stride = n};
    float squares;

    eg_matmul_f32_avx512(&squares, 1, x, 1, &self);

    const float r = 1.0f / sqrtf(squares / (float)n + eps);
    const __m512 r16 = _mm512_set1_ps(r);
    size_t i = 0;

    for (; i + WIDTH <= n; i += WIDTH) {
        __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(x + i), r16);
        _mm512_storeu_ps(y + i, _mm512_mul_ps(_mm512_loadu_ps(w + i), scaled));
    }
    for (; i < n; i++) {
        y[i] = w[i] * (x[i] * r);
    }
}
