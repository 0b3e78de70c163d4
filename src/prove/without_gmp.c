/* SPDX-License-Identifier: MIT */
/* without_gmp.c - what stands in for proofs in a build without GMP. */
#include "base/error.h"
#include "eagle/prove.h"

static eagle_status missing(eagle_error *err)
{
    return eg_fail(err, EAGLE_EUNSUPPORTED,
                   "proofs are not built in: they need GMP (package libgmp-dev)");
}

eagle_status eagle_prove(eagle_proof **out, const eagle_prove_task *task,
                         const eagle_prove_options *opt, eagle_prove_progress *progress, void *ctx,
                         eagle_error *err)
{
    (void)task;
    (void)opt;
    (void)progress;
    (void)ctx;
    *out = NULL;
    return missing(err);
}

void eagle_prove_on_no_memory(eagle_no_memory_fn *fn)
{
    (void)fn;
}

eagle_status eagle_certifier_create(eagle_certifier **out, int32_t vocab, int32_t max_nodes,
                                    eagle_verify_mode mode, eagle_error *err)
{
    (void)vocab;
    (void)max_nodes;
    (void)mode;
    *out = NULL;
    return missing(err);
}

void eagle_certifier_free(eagle_certifier *c)
{
    (void)c; /* there is none */
}

eagle_status eagle_certify_round(eagle_certifier *c, const eagle_tree *tree, const eagle_rows *rows,
                                 const eagle_path *path, const eagle_sampling *sampling,
                                 const eagle_draws *draws, eagle_error *err)
{
    (void)c;
    (void)tree;
    (void)rows;
    (void)path;
    (void)sampling;
    (void)draws;
    return missing(err);
}

const eagle_certified *eagle_certifier_found(const eagle_certifier *c)
{
    static const eagle_certified nothing;

    (void)c;
    return &nothing;
}
