/* SPDX-License-Identifier: MIT */
/* spread.h - measurements in order. */
#ifndef EG_BASE_SPREAD_H
#define EG_BASE_SPREAD_H

#include <stddef.h>

/* Sorts numbers, none of them a NaN, from the lowest up. */
void eg_sort(double *x, size_t n);

#endif
