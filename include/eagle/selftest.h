/* SPDX-License-Identifier: MIT */
/* selftest.h - does this machine compute what docs/canonical-order.md says? */
#ifndef EAGLE_SELFTEST_H
#define EAGLE_SELFTEST_H

#include "eagle/status.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    bool
        exhaustive; /* every input of exp, log, sin, cos: minutes; needs MPFR, else EAGLE_EUNSUPPORTED */
    int32_t threads; /* 0: the CPUs this process may use */
    /* Told of each check as it ends; `passed` < 0 means progress only. May be NULL. */
    void (*report)(void *ctx, const char *check, int passed, const char *detail);
    void *ctx;
} eagle_selftest_options;

/* Floating-point environment, elementary functions, kernels of every usable instruction set
 * against portable ones, Philox vectors. EAGLE_OK when all pass, EAGLE_ENUMERIC when the
 * environment is unfit, EAGLE_EFAILED when a check failed. */
EAGLE_API eagle_status eagle_selftest(const eagle_selftest_options *opt, eagle_error *err);

#ifdef __cplusplus
}
#endif
#endif
