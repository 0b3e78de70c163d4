/* SPDX-License-Identifier: MIT */
/* elementary.h - evidence that exp, log, sin, cos are correctly rounded.
 *
 * Sampled: one input of each of 2^k strata of the domain, compared with MPFR. Exhaustive: every
 * input; MPFR is asked only where the unrounded double lies so near the middle of two floats that
 * its proven error bound does not decide. */
#ifndef EG_SELFTEST_ELEMENTARY_H
#define EG_SELFTEST_ELEMENTARY_H

#include "eagle/status.h"
#include "kernels/kernels.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define EG_N_ELEMENTARY 4

/* The relative error of the unrounded double is below this (docs/canonical-order.md). */
#define EG_UNROUNDED_ERROR 0x1p-51

typedef struct {
    const char *name;
    double (*unrounded)(float x);
    float (*rounded)(float x);
    uint32_t last; /* the domain is the floats whose bits, less the sign, are 0 .. last */
    uint32_t dull; /* below these bits the function is 1, or x, to within a rounding    */
    bool negative; /* and their negatives                                               */
} eg_elementary;

extern const eg_elementary eg_elementaries[EG_N_ELEMENTARY]; /* exp log sin cos */

/* Input i of n: one of each of n strata, the first at `dull`. */
float eg_elementary_sample(const eg_elementary *f, uint32_t i, uint32_t n);

/* SHA-256 of the results on 2^20 samples of each function, exp by `exp`. */
void eg_elementary_digest(char hex[65], eg_exp_fn *exp);

/* What was seen. `wrong` counts results that are not the correctly rounded ones, and doubles that
 * miss their error bound. */
typedef struct {
    uint64_t inputs;
    uint64_t asked; /* MPFR was asked */
    uint64_t wrong;
    float example;      /* an input that went wrong                     */
    double worst_error; /* largest relative error of a double, if asked */
} eg_evidence;

/* Both: EAGLE_EUNSUPPORTED without MPFR, EAGLE_ENOMEM. A wrong result is no failure here. */
eagle_status eg_elementary_compare(eg_evidence *out, const eg_elementary *f, uint32_t n,
                                   eagle_error *err);

/* `progress` (NULL allowed) is told, by the calling thread, how much of 1 is done. */
eagle_status eg_elementary_prove(eg_evidence *out, const eg_elementary *f, int threads,
                                 void (*progress)(void *ctx, double done), void *ctx,
                                 eagle_error *err);

#endif
