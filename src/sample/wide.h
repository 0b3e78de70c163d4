/* SPDX-License-Identifier: MIT */
/* wide.h - unsigned integers of 320 bits, for the weights of drawn children.
 *
 * Plain loops over five limbs. Nothing here checks for overflow: callers state their bounds. */
#ifndef EG_SAMPLE_WIDE_H
#define EG_SAMPLE_WIDE_H

#include "eagle/verify.h"

#define EG_WIDE_LIMBS 5

static inline eagle_wide eg_wide_from(uint64_t x)
{
    return (eagle_wide){{x, 0, 0, 0, 0}};
}

bool eg_wide_is_zero(const eagle_wide *a);
bool eg_wide_less(const eagle_wide *a, const eagle_wide *b); /* a < b */

void eg_wide_add(eagle_wide *a, const eagle_wide *b); /* a += b, below 2^320 */
void eg_wide_sub(eagle_wide *a, const eagle_wide *b); /* a -= b, b <= a      */

/* out = a x b, below 2^320; out may be a. */
void eg_wide_mul(eagle_wide *out, const eagle_wide *a, uint64_t b);

/* Bits needed to write a: 0 for 0. */
int eg_wide_bits(const eagle_wide *a);

#endif
