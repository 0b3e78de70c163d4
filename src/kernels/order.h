/* SPDX-License-Identifier: MIT */
/* order.h - the canonical order of a sum, and the exact widening of weights.
 *
 *   1. Element i belongs to lane i % 16; a lane takes its elements in rising i.
 *   2. A step of a dot product is one fused multiply-add: product and sum are rounded once.
 *   3. Lanes begin at +0; a lane beyond the end of the last block is not touched.
 *   4. Lanes fold in halves: 16 -> 8 -> 4 -> 2 -> 1, lane l takes l + half.
 *
 * Point 3 is not the same as padding with zeros: fma(0, 0, -0) is +0, so a lane that underflowed
 * to -0 would lose its sign. */
#ifndef EG_KERNELS_ORDER_H
#define EG_KERNELS_ORDER_H

#include "kernels/kernels.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Folds the 16 lanes into one number; clobbers them. */
static inline float eg_fold_lanes(float lane[EG_LANES])
{
    for (size_t half = EG_LANES / 2; half > 0; half /= 2) {
        for (size_t l = 0; l < half; l++) {
            lane[l] += lane[l + half];
        }
    }
    return lane[0];
}

/* The sum of n numbers in 16 lanes. */
static inline float eg_sum_lanes(const float *x, size_t n)
{
    float lane[EG_LANES] = {0};
    size_t i = 0;

    for (; i + EG_LANES <= n; i += EG_LANES) {
        for (size_t l = 0; l < EG_LANES; l++) {
            lane[l] += x[i + l];
        }
    }
    for (; i < n; i++) {
        lane[i % EG_LANES] += x[i];
    }
    return eg_fold_lanes(lane);
}

static inline float eg_float_of_bits(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t eg_bits_of_float(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* bfloat16 is the upper half of a float32. */
static inline float eg_widen_bf16(uint16_t half)
{
    return eg_float_of_bits((uint32_t)half << 16);
}

/* IEEE binary16: 1 sign, 5 exponent, 10 fraction bits. Every value is a float32. */
static inline float eg_widen_f16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half >> 15) << 31;
    uint32_t exponent = (half >> 10) & 31;
    uint32_t fraction = half & 0x3ff;

    if (exponent == 0) { /* zero or subnormal: fraction x 2^-24, a normal float32 */
        float magnitude = (float)fraction * 0x1p-24f;
        return sign != 0 ? -magnitude : magnitude;
    }
    if (exponent == 31) { /* infinity or NaN */
        return eg_float_of_bits(sign | 0x7f800000u | fraction << 13);
    }
    return eg_float_of_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13);
}

#endif
