/* SPDX-License-Identifier: MIT */
/* without_gmp.c - what stands in for proofs in a build without GMP. */
#include "base/error.h"
#include "eagle/prove.h"

eagle_status eagle_prove(eagle_proof **out, const eagle_prove_task *task,
                         const eagle_prove_options *opt, eagle_prove_progress *progress, void *ctx,
                         eagle_error *err)
{
    (void)task;
    (void)opt;
    (void)progress;
    (void)ctx;
    *out = NULL;
    return eg_fail(err, EAGLE_EUNSUPPORTED,
                   "proofs are not built in: they need GMP (package libgmp-dev)");
}
