/* SPDX-License-Identifier: MIT */
/* u128.h - products of two 64-bit numbers, exactly, in portable C. */
#ifndef EG_BASE_U128_H
#define EG_BASE_U128_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t hi;
    uint64_t lo;
} eg_u128;

/* a x b. */
static inline eg_u128 eg_u128_mul(uint64_t a, uint64_t b)
{
    uint64_t a0 = a & 0xffffffffu;
    uint64_t a1 = a >> 32;
    uint64_t b0 = b & 0xffffffffu;
    uint64_t b1 = b >> 32;
    uint64_t low = a0 * b0;
    uint64_t mid = a1 * b0 + (low >> 32);           /* < 2^64: (2^32-1)^2 + 2^32 - 1 */
    uint64_t cross = a0 * b1 + (mid & 0xffffffffu); /* likewise                     */

    return (eg_u128){.hi = a1 * b1 + (mid >> 32) + (cross >> 32),
                     .lo = (cross << 32) | (low & 0xffffffffu)};
}

static inline bool eg_u128_less(eg_u128 a, eg_u128 b)
{
    return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo;
}

#endif
