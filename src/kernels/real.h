/* SPDX-License-Identifier: MIT */
/* real.h - the number that training computes with: float; double where gradients are checked.
 *
 * The operations and the networks are written once, in eg_real. The library has them in float;
 * the gradient check compiles the same text with EG_TRAIN_DOUBLE, where central differences
 * have digits to spare. */
#ifndef EG_KERNELS_REAL_H
#define EG_KERNELS_REAL_H

#include "kernels/mathf.h"

#include <math.h>

#ifdef EG_TRAIN_DOUBLE

typedef double eg_real;

/* With digits to spare it may round twice, and needs no instruction that a CPU may lack. */
static inline eg_real eg_real_fma(eg_real a, eg_real b, eg_real c)
{
    return a * b + c;
}

static inline eg_real eg_real_sqrt(eg_real x)
{
    return sqrt(x);
}

static inline eg_real eg_real_log(eg_real x)
{
    return log(x);
}

#else

typedef float eg_real;

static inline eg_real eg_real_fma(eg_real a, eg_real b, eg_real c)
{
    return fmaf(a, b, c);
}

static inline eg_real eg_real_sqrt(eg_real x)
{
    return sqrtf(x);
}

static inline eg_real eg_real_log(eg_real x)
{
    return eg_logf(x);
}

#endif

#endif
