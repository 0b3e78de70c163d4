/* SPDX-License-Identifier: MIT */
/* agree.h - do two kernel tables compute the same bits? */
#ifndef EG_SELFTEST_AGREE_H
#define EG_SELFTEST_AGREE_H

#include "kernels/kernels.h"

#include <stdint.h>

/* The name of the first function in which `a` and `b` differ on data made from `seed`, for some
 * length up to a few blocks; NULL when all agree. A NaN need only stay a NaN. Returns
 * "out of memory" as a name, too. */
const char *eg_kernels_differ(const eg_kernels *a, const eg_kernels *b, uint64_t seed);

#endif
