/* SPDX-License-Identifier: MIT */
/* cuts.h - how the walkers of a matrix product cut a length. */
#ifndef EG_KERNELS_CUTS_H
#define EG_KERNELS_CUTS_H

#include "base/compiler.h"
#include "kernels/order.h"

#include <stddef.h>

EG_INLINE size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

EG_INLINE size_t ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* `length` in equal parts of whole lanes, of at most `most` elements. */
EG_INLINE size_t equal_parts(size_t length, size_t most)
{
    return length <= most ? length
                          : ceil_div(ceil_div(length, ceil_div(length, most)), EG_LANES) * EG_LANES;
}

#endif
