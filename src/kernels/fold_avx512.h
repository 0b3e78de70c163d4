/* SPDX-License-Identifier: MIT */
/* fold_avx512.h - the fold of order.h for sixteen sums at once, for files compiled with AVX-512. */
#ifndef EG_KERNELS_FOLD_AVX512_H
#define EG_KERNELS_FOLD_AVX512_H

#include "base/compiler.h"

#include <immintrin.h>
#include <stddef.h>

/* Each adds the halves of what its operands hold of some sums, and keeps the results of both. */
EG_INLINE __m512 eg_fold_to_8(__m512 a, __m512 b)
{
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
}

EG_INLINE __m512 eg_fold_to_4(__m512 ab, __m512 cd)
{
    return _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
}

EG_INLINE __m512 eg_fold_to_2(__m512 a, __m512 b)
{
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee));
}

EG_INLINE __m512 eg_fold_to_1(__m512 ab, __m512 cd)
{
    return _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x88), _mm512_shuffle_ps(ab, cd, 0xdd));
}

/* 16 lanes -> 8 -> 4 -> 2 -> 1 for sixteen sums: lane i of the result is sum i. */
EG_INLINE __m512 eg_fold_sixteen(const __m512 sum[16])
{
    __m512 four[4]; /* four[c]: of sums c, c + 4, c + 8, c + 12 four lanes each, in this order */

    EG_UNROLL
    for (size_t c = 0; c < 4; c++) {
        four[c] =
            eg_fold_to_4(eg_fold_to_8(sum[c], sum[c + 4]), eg_fold_to_8(sum[c + 8], sum[c + 12]));
    }
    return eg_fold_to_1(eg_fold_to_2(four[0], four[1]), eg_fold_to_2(four[2], four[3]));
}

#endif
