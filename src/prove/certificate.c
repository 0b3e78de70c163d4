/* SPDX-License-Identifier: MIT */
/* certificate.c - names of levels and verdicts, and reading a proof. */
#include "prove/certificate.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static const char *const level_name[EAGLE_PROVE_LEVELS] = {"primitives",   "node",    "round",
                                                           "continuation", "program", "state"};

const char *eagle_prove_level_name(eagle_prove_level level)
{
    return level_name[level];
}

eagle_status eagle_prove_level_parse(eagle_prove_level *out, const char *name, eagle_error *err)
{
    for (int i = 0; i < EAGLE_PROVE_LEVELS; i++) {
        if (strcmp(name, level_name[i]) == 0) {
            *out = (eagle_prove_level)i;
            return EAGLE_OK;
        }
    }
    return eg_fail(err, EAGLE_EINVAL,
                   "'%s' is no level: primitives, node, round, continuation, program, state", name);
}

const char *eagle_verdict_name(eagle_verdict verdict)
{
    static const char *const name[] = {"PROVEN", "REFUTED", "BOUND", "LOSSY"};

    return name[verdict];
}

eagle_status eagle_verdict_status(eagle_verdict verdict)
{
    static const eagle_status status[] = {EAGLE_OK, EAGLE_EFAILED, EAGLE_EINCONCLUSIVE,
                                          EAGLE_ELOSSY};

    return status[verdict];
}

void eagle_prove_defaults(eagle_prove_options *out)
{
    *out = (eagle_prove_options){
        .levels = (1U << EAGLE_PROVE_LEVELS) - 1, .length = 3, .limit = 2000000, .threads = 1};
}

static void free_difference(const eagle_prove_difference *d)
{
    free((void *)d->context);
    free((void *)d->string);
    free((void *)d->got);
    free((void *)d->want);
}

void eagle_proof_free(eagle_proof *proof)
{
    if (proof == NULL) {
        return;
    }
    for (int i = 0; i < EAGLE_PROVE_LEVELS; i++) {
        eg_level_proof *l = &proof->level[i];

        free_difference(&l->worst);
        free_difference(&l->shortest);
        for (int32_t k = 0; l->step != NULL && k < l->result.n_steps; k++) {
            free((void *)l->step[k].share);
        }
        free(l->step);
        free((void *)l->result.tv);
        free((void *)l->result.marginal);
        free((void *)l->result.outside_largest);
        free((void *)l->result.reason);
    }
    free(proof->context);
    free(proof->tokens_per_round);
    free(proof);
}

eagle_verdict eagle_proof_verdict(const eagle_proof *proof)
{
    static const eagle_verdict from_bad[] = {EAGLE_VERDICT_REFUTED, EAGLE_VERDICT_LOSSY,
                                             EAGLE_VERDICT_BOUND, EAGLE_VERDICT_PROVEN};

    for (size_t v = 0; v < sizeof from_bad / sizeof from_bad[0]; v++) {
        for (int i = 0; i < EAGLE_PROVE_LEVELS; i++) {
            const eagle_prove_result *r = &proof->level[i].result;

            if (r->asked && r->verdict == from_bad[v]) {
                return r->verdict;
            }
        }
    }
    return EAGLE_VERDICT_BOUND; /* nothing was asked */
}

const eagle_prove_result *eagle_proof_result(const eagle_proof *proof, eagle_prove_level level)
{
    return &proof->level[level].result;
}

eagle_prompt eagle_proof_context(const eagle_proof *proof)
{
    return (eagle_prompt){.token = proof->context, .n = proof->n_context};
}

const char *eagle_proof_tokens_per_round(const eagle_proof *proof, double *value)
{
    if (value != NULL) {
        *value = proof->tokens_per_round_value;
    }
    return proof->tokens_per_round != NULL ? proof->tokens_per_round : "";
}

double eagle_proof_softmax_distance(const eagle_proof *proof)
{
    return proof->softmax_distance;
}
