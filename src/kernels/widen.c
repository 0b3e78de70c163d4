/* SPDX-License-Identifier: MIT */
/* widen.c - weights to float32, exactly, and float32 to weights, rounded once. */
#include "kernels/order.h"

#include <assert.h>

void eg_widen(float *y, const void *x, eagle_dtype dtype, size_t n)
{
    const uint16_t *half = x;

    switch (dtype) {
    case EAGLE_F32: memcpy(y, x, n * sizeof *y); return;
    case EAGLE_F16:
        for (size_t i = 0; i < n; i++) {
            y[i] = eg_widen_f16(half[i]);
        }
        return;
    case EAGLE_BF16:
        for (size_t i = 0; i < n; i++) {
            y[i] = eg_widen_bf16(half[i]);
        }
        return;
    default: assert(!"a weight is F32, F16 or BF16");
    }
}

/* To nearest, ties to even, by integers: adding half of what is cut off, less one if the last bit
 * kept is 0, carries into it where it must. A carry out of the fraction is the next exponent, and
 * out of the largest exponent infinity. */
static uint16_t narrow_bf16(float x)
{
    const uint32_t bits = eg_bits_of_float(x);

    if ((bits & 0x7fffffffu) > 0x7f800000u) {
        return (uint16_t)(bits >> 16 | 0x40u); /* a quiet NaN with what is left of its payload */
    }
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

static uint16_t narrow_f16(float x)
{
    const uint32_t bits = eg_bits_of_float(x);
    const uint32_t sign = bits >> 16 & 0x8000u;
    const uint32_t magnitude = bits & 0x7fffffffu;

    if (magnitude > 0x7f800000u) {
        return (uint16_t)(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
    }
    if (magnitude >= 0x477ff000u) { /* 65520, halfway from the largest number to 2^16, and above */
        return (uint16_t)(sign | 0x7c00u);
    }
    if (magnitude <
        0x38800000u) { /* 2^-14: multiples of 2^-24, the last place of numbers from 0.5 on */
        const float sum = eg_float_of_bits(magnitude) + 0.5f;

        return (uint16_t)(sign | (eg_bits_of_float(sum) - eg_bits_of_float(0.5f)));
    }
    const uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);

    return (uint16_t)(sign | (rounded - ((127u - 15u) << 23)) >> 13);
}

void eg_narrow(void *y, const float *x, eagle_dtype dtype, size_t n)
{
    uint16_t *half = y;

    switch (dtype) {
    case EAGLE_F32: memcpy(y, x, n * sizeof *x); return;
    case EAGLE_F16:
        for (size_t i = 0; i < n; i++) {
            half[i] = narrow_f16(x[i]);
        }
        return;
    case EAGLE_BF16:
        for (size_t i = 0; i < n; i++) {
            half[i] = narrow_bf16(x[i]);
        }
        return;
    default: assert(!"a weight is F32, F16 or BF16");
    }
}
