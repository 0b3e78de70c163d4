/* SPDX-License-Identifier: MIT */
/* spread.c - the middle of measurements, and how far they scatter. */
#include "base/spread.h"

#include "eagle/runtime.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

void eg_sort(double *x, size_t n)
{
    qsort(x, n, sizeof *x, by_value);
}

eagle_spread eagle_spread_of(double *x, int32_t n)
{
    if (n == 0) {
        return (eagle_spread){0};
    }
    eg_sort(x, (size_t)n);
    return (eagle_spread){.median = n % 2 == 1 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2.0,
                          .low = x[n / 10],
                          .high = x[n - 1 - n / 10]};
}
