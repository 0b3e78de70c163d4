/* SPDX-License-Identifier: MIT */
/* decimal.h - fractions written in decimal, compared without rounding. */
#ifndef EG_SAMPLE_DECIMAL_H
#define EG_SAMPLE_DECIMAL_H

#include "eagle/verify.h"

#define EG_DECIMAL_PLACES 18 /* 10^18 < 2^60 */

/* Compares part with fraction x whole, exactly: below 0, 0 or above 0 as `part` is less, equal or
 * more. 0 <= fraction.places <= EG_DECIMAL_PLACES. */
int eg_decimal_compare(uint64_t part, eagle_decimal fraction, uint64_t whole);

#endif
