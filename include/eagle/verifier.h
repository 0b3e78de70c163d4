/* SPDX-License-Identifier: MIT */
/* verifier.h - rules in the place of eagle_verify(), to be proven or refuted: one's own, from a
 * shared object, and those that others compute in floating point.
 *
 * docs/lab.md teaches how to write one. A shared object exports one of
 *
 *     eagle_rule_walk    an eagle_verify_fn: the whole walk
 *     eagle_rule_node    an eagle_node_rule_fn: one node whose children were chosen without chance
 *     eagle_rule_drawn   an eagle_drawn_rule_fn: one node whose children were drawn
 *
 * or the last two together. Rules of a node are walked as eagle_verify() walks in rejection mode.
 *
 * A rule is loaded into this process and trusted as a program is: it can crash it, end it (exit(),
 * _exit()), and it can loop for ever; src/cli/rule_guard.c shows how a program lives with that.
 * What it answers is not trusted: a token outside the vocabulary, a hit that is no child, a path
 * that is none of the tree are EAGLE_EFAILED. */
#ifndef EAGLE_VERIFIER_H
#define EAGLE_VERIFIER_H

#include "eagle/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eagle_verifier eagle_verifier; /* opaque */

/* Loads a rule. A name without a slash is looked for here, not where libraries are. EAGLE_EREAD,
 * with the loader's words; EAGLE_EUNSUPPORTED when none of the names is exported, or walk and
 * another; EAGLE_ENOMEM. Close with eagle_verifier_close(). */
EAGLE_API eagle_status eagle_verifier_open(eagle_verifier **out, const char *file,
                                           eagle_error *err);

/* A rule of others in floating point: docs/reference-differences.md says what each does. */
typedef struct {
    const char *name; /* "plain", "safeailab", "transformers", "sglang-target-only", "typical"    */
    int32_t bits;     /* of a coin, 1 to 53: k / 2^bits                                           */
    bool or_equal;    /* a child is accepted at u <= threshold, else at u < threshold             */
    bool wide;        /* arithmetic in float64, else in float32                                   */
    double threshold_single; /* sglang-target-only: a child this likely is always accepted    */
    double threshold_sum;   /* sglang-target-only: divides the siblings' sum; 1: lossless         */
    double typical_epsilon; /* typical: accepted above min(epsilon, delta exp(-entropy))          */
    double typical_delta;
} eagle_float_rule;

/* The rule of that name as it is published. EAGLE_EINVAL, with the names, for another. */
EAGLE_API eagle_status eagle_float_rule_named(eagle_float_rule *out, const char *name,
                                              eagle_error *err);

/* A verifier of it. EAGLE_EINVAL for a field out of range; EAGLE_EUNSUPPORTED without GMP;
 * EAGLE_ENOMEM. */
EAGLE_API eagle_status eagle_verifier_of_rule(eagle_verifier **out, const eagle_float_rule *rule,
                                              eagle_error *err);

EAGLE_API void eagle_verifier_close(eagle_verifier *v);

/* The verifier as a function. It is the calling thread's one until the thread uses another: a
 * function of this type has no place for more. Temperature above 0; rejection mode, but for a walk
 * of one's own. */
EAGLE_API eagle_verify_fn *eagle_verifier_use(const eagle_verifier *v);

/* What it is: "rule.so: eagle_rule_node", "plain, float32, 24 bits, <". */
EAGLE_API const char *eagle_verifier_describe(const eagle_verifier *v);

/* SHA-256, in hexadecimal, of the file that was loaded; NULL for a rule in floating point. */
EAGLE_API const char *eagle_verifier_digest(const eagle_verifier *v);

/* Does it decide at nodes whose children were drawn; or, drawn false, chosen without chance? */
EAGLE_API bool eagle_verifier_takes(const eagle_verifier *v, bool drawn);

/* Does it walk chains only, at most one child to a node? */
EAGLE_API bool eagle_verifier_chains(const eagle_verifier *v);

/* Does it round, so that its distance from plain sampling is computed and never claimed to be zero?
 * And does it not even mean to be lossless? */
EAGLE_API bool eagle_verifier_rounds(const eagle_verifier *v);
EAGLE_API bool eagle_verifier_lossy(const eagle_verifier *v);

/* The target's law after logits as verification has it, for a walk of one's own
 * (docs/5-verification.md): weights w [vocab], 0 for tokens that the filters drop. `order` [vocab]
 * is scratch; the logits are finite, `sampling` has passed eagle_sampling_check(), vocab <=
 * 2^18. */
EAGLE_API void eagle_law_weights(uint64_t *w, int32_t *order, const float *logits, int32_t vocab,
                                 const eagle_sampling *sampling);

/* What a loaded rule was last asked, for whoever has to tell that it did not come back. */
typedef struct {
    bool busy;            /* inside the rule now                        */
    int32_t node;         /* of the tree; 0 for a walk                  */
    int32_t pos;          /* of the token it decides                    */
    int32_t n_child;      /* 0 for a walk                               */
    const int32_t *child; /* [n_child]                                  */
} eagle_verifier_call;

/* The calling thread's. */
EAGLE_API const eagle_verifier_call *eagle_verifier_last_call(void);

#ifdef __cplusplus
}
#endif
#endif
