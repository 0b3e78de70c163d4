/* SPDX-License-Identifier: MIT */
/* wide.c - 320-bit integers, schoolbook. */
#include "sample/wide.h"

#include "base/u128.h"

bool eg_wide_is_zero(const eagle_wide *a)
{
    uint64_t any = 0;

    for (int i = 0; i < EG_WIDE_LIMBS; i++) {
        any |= a->limb[i];
    }
    return any == 0;
}

bool eg_wide_less(const eagle_wide *a, const eagle_wide *b)
{
    for (int i = EG_WIDE_LIMBS - 1; i >= 0; i--) {
        if (a->limb[i] != b->limb[i]) {
            return a->limb[i] < b->limb[i];
        }
    }
    return false;
}

void eg_wide_add(eagle_wide *a, const eagle_wide *b)
{
    uint64_t carry = 0;

    for (int i = 0; i < EG_WIDE_LIMBS; i++) {
        uint64_t sum = a->limb[i] + carry;

        carry = sum < carry;
        sum += b->limb[i];
        carry += sum < b->limb[i];
        a->limb[i] = sum;
    }
}

void eg_wide_sub(eagle_wide *a, const eagle_wide *b)
{
    uint64_t borrow = 0;

    for (int i = 0; i < EG_WIDE_LIMBS; i++) {
        uint64_t part = a->limb[i] - borrow;

        borrow = a->limb[i] < borrow;
        borrow += part < b->limb[i];
        a->limb[i] = part - b->limb[i];
    }
}

void eg_wide_mul(eagle_wide *out, const eagle_wide *a, uint64_t b)
{
    uint64_t carry = 0;

    for (int i = 0; i < EG_WIDE_LIMBS; i++) {
        eg_u128 product = eg_u128_mul(a->limb[i], b);

        product.lo += carry;
        carry = product.hi + (product.lo < carry);
        out->limb[i] = product.lo;
    }
}

int eg_wide_bits(const eagle_wide *a)
{
    for (int i = EG_WIDE_LIMBS - 1; i >= 0; i--) {
        for (int bit = 63; bit >= 0; bit--) {
            if ((a->limb[i] >> bit & 1) != 0) {
                return 64 * i + bit + 1;
            }
        }
    }
    return 0;
}
