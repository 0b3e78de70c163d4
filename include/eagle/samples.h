/* SPDX-License-Identifier: MIT */
/* samples.h - judges tokens that another implementation drew: do they follow the law?
 *
 * For those who can give nothing but samples. At each context the law is known: plain sampling's,
 * from the logits (model null), or the backend's own, from its recorded log-probabilities (sampler
 * null: whatever its arithmetic, does it draw what it says?). Each token y becomes one number
 *
 *     u = F(y-) + V p(y),   V uniform (Philox, purpose 6)
 *
 * which under the law is uniform and independent of all the others, whatever the contexts: so
 * tokens of any texts are judged together. Tests (docs/oracle.md):
 *
 *   support     a token whose weight is 0: a failure at once, exactly; not a matter of chance
 *   u           64 bins of u by chi-square; Kolmogorov's distance; where sources are known, the bins
 *               again for tokens drawn where there were children (accepted or residual: which of the
 *               two is no chance of its own) and for those after a leaf (bonus)
 *   lag         16 x 16 transitions of u from a token to the next, to the one after it, and to the
 *               same place in the next continuation: numbers used twice show there alone
 *   surprisal   sum of -log p(y) less its mean, over the root of its variance
 *   counts      contexts that many samples share: each token's count
 *   e-value     laws of known bugs at the same contexts: the running likelihood ratio, whose
 *               chance to ever pass 1/a is below a; the largest one names the bug
 *
 * The probability of a false alarm of all tests together is at most alpha, split over them; where
 * the law of a chi-square is only near what is computed, a tenth more (samples_tests.c). PASS is
 * only said together with what would have been found: a bias of u, over all tokens together, of
 * total variation `tv`, with probability `power`; else the verdict is INCONCLUSIVE and says how
 * many tokens are needed. That is less than "every law is within tv". Not excluded are errors that
 *
 *   cancel in u     one half of the law at these contexts and the other at those: u over all tokens
 *                   is uniform. Contexts that many samples share show it (counts), others do not
 *   lie in a bin    of the 64 of u: it keeps its tokens' sum
 *   lie in the rest sampler null: what the lists do not name is one outcome. When it is more than
 *                   `tv` on average, the verdict is INCONCLUSIVE, however many tokens there are
 *
 * With delta > 0 the null is "within total variation delta of the law" at each context: the room
 * for a backend's rounding. The tests are then bounds, and need more tokens.
 *
 * What `eagle check-samples --format json` makes of a verdict is the document
 * "eagle.check-samples/1" of docs/formats.md. A judge (eagle_samples) is used from one thread at a
 * time; different ones are independent, and so are calls of eagle_samples_check(). A verdict is the
 * caller's: free its tests with eagle_samples_verdict_free(). It points to nothing else, neither
 * judge nor responses. */
#ifndef EAGLE_SAMPLES_H
#define EAGLE_SAMPLES_H

#include "eagle/responses.h"
#include "eagle/session.h"
#include "eagle/status.h"
#include "eagle/verify.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    EAGLE_NULL_MODEL,  /* the law of the logits that are given, or of a model        */
    EAGLE_NULL_SAMPLER /* the law that the backend recorded                          */
} eagle_samples_null;

typedef struct {
    eagle_sampling sampling; /* how the tokens were drawn; its mode does not matter           */
    eagle_samples_null null;
    /* Sampler null: the recorded log-probabilities are those that were drawn from, after
     * temperature and filters. Else they are the logits' own, and have to hold all tokens that a
     * top-k keeps, unless the temperature is 1 and nothing is filtered. */
    bool processed;
    double delta;  /* model null: room for rounding, a total variation; [0, 1)          */
    double alpha;  /* false alarms of all tests together; (0, 0.5]                      */
    double tv;     /* the bias of u that PASS is to exclude; (0, 1]                     */
    double power;  /* with this probability; (0, 1)                                     */
    uint64_t seed; /* of the V                                                         */
} eagle_samples_options;

/* Temperature 1, nothing filtered, model null, delta 0, alpha 1e-6, tv 0.01, power 0.99, seed 0. */
EAGLE_API void eagle_samples_defaults(eagle_samples_options *out);

/* ---- the verdict ----------------------------------------------------------------------------- */

/* One test. */
typedef struct {
    const char *name;
    char what[64];    /* of which tokens, which lag, which bug                               */
    double statistic; /* chi-square, distance, z; e-value: natural logarithm of the largest  */
    double df;        /* degrees of freedom, 0 where there are none                          */
    double p;         /* of what was seen or worse; e-value: 1 / E                           */
    double alpha;     /* the test's share: it fails when p is below                          */
    int64_t n;        /* tokens, pairs                                                       */
    bool failed;
} eagle_samples_test;

/* A token that the law excludes. */
typedef struct {
    int32_t response;
    int32_t index; /* in its output                                                       */
    int32_t token;
    double margin; /* the smallest change of the law, a total variation, that may let it in */
} eagle_samples_outside;

typedef struct {
    /* EAGLE_OK pass, EAGLE_EFAILED, EAGLE_EINCONCLUSIVE, EAGLE_ENEARTIE: a pass but for tokens
     * outside the law by no more than delta. */
    eagle_status status;
    int64_t n_tokens;
    int64_t n_contexts;
    int64_t n_shared;   /* contexts with more than one token                              */
    int64_t n_outside;  /* tokens of weight 0 beyond delta                              */
    int64_t n_boundary; /* within it                                                    */
    eagle_samples_outside outside; /* the first of the former, else of the latter       */
    eagle_samples_test *test;      /* [n_test]                                          */
    int32_t n_test;
    double power;        /* with which a bias of `tv` would have been found                  */
    double found;        /* the smallest bias that would have been, with the asked power; 1: none */
    double rest;         /* sampler null: probability that the lists leave unnamed, on average   */
    int64_t needed;      /* tokens, for the asked tv and power; INT64_MAX: no number suffices */
    char diagnosis[128]; /* the bug whose law explains the tokens best; "" for none       */
} eagle_samples_verdict;

/* Frees the tests and empties the verdict; one of zeros, or freed before, is allowed. */
EAGLE_API void eagle_samples_verdict_free(eagle_samples_verdict *verdict);

/* ---- context by context ---------------------------------------------------------------------- */

typedef struct eagle_samples eagle_samples; /* opaque: what was seen so far */

/* A token that was drawn at a context. */
typedef struct {
    int32_t token;
    int32_t response; /* a continuation's number; its tokens are added in their order         */
    int32_t index;    /* the token's place in it                                              */
    int32_t source;   /* eagle_source, or -1: unknown                                         */
} eagle_drawn;

/* Makes an empty judge. EAGLE_EINVAL for an option; EAGLE_EUNSUPPORTED without MPFR, and for a
 * vocabulary above 2^18. Free with eagle_samples_free(), which accepts NULL. */
EAGLE_API eagle_status eagle_samples_create(eagle_samples **out, int32_t vocab,
                                            const eagle_samples_options *opt, eagle_error *err);
EAGLE_API void eagle_samples_free(eagle_samples *s);

/* Adds a context with all tokens that were drawn there: they are told from the logits' law.
 * Contexts come after those that their tokens were drawn from.
 *
 *   logits    [vocab] of the context
 *   previous  [vocab] of the context one token shorter; NULL: unknown
 *   drawn     [n]
 *
 * EAGLE_ENUMERIC for logits that are not finite, EAGLE_EINVAL for a token out of range,
 * EAGLE_ENOMEM. */
EAGLE_API eagle_status eagle_samples_add(eagle_samples *s, const float *logits,
                                         const float *previous, const eagle_drawn *drawn, int32_t n,
                                         eagle_error *err);

/* Adds one token with what its backend recorded there (sampler null): `n_top` tokens with their
 * log-probabilities, by rank, as in eagle_response. EAGLE_EINVAL when they do not suffice for the
 * sampling, and says what would. */
EAGLE_API eagle_status eagle_samples_add_recorded(eagle_samples *s, const int32_t *top,
                                                  const double *logprob, int32_t n_top,
                                                  const eagle_drawn *drawn, eagle_error *err);

/* Judges what was added; more may be added afterwards, and judged again. EAGLE_ENOMEM; then *out is
 * empty. */
EAGLE_API eagle_status eagle_samples_judge(eagle_samples_verdict *out, const eagle_samples *s,
                                           eagle_error *err);

/* Judges them beside a control: tokens of the same backend without its drafter, added to another
 * judge with the same options. Two-sample forms of the same tests, without counts and e-values:
 * does the drafter change the law, whatever the backend's arithmetic? delta plays no part. `needed`
 * is for each of the two. */
EAGLE_API eagle_status eagle_samples_compare(eagle_samples_verdict *out, const eagle_samples *s,
                                             const eagle_samples *control, eagle_error *err);

/* ---- whole files ----------------------------------------------------------------------------- */

/* Called after each pass, by the thread that called eagle_samples_check(), with tokens done and in
 * all; false ends the work early. */
typedef bool eagle_samples_progress(void *ctx, int64_t done, int64_t of);

/* What is judged. All is borrowed. With the sampler null `model` and `session` may be NULL, and the
 * responses need top_logprobs. */
typedef struct {
    const eagle_model *model;
    const eagle_responses *responses;
    const eagle_responses *control; /* NULL: none */
    /* How they are scored; ctx 0 is what is needed; sampling, seed and stream do not matter. */
    const eagle_session_options *session;
} eagle_samples_task;

/* Judges continuations. With the model null `model` scores each context once: those of one prompt
 * are a token tree, and a tree is one pass, or as many as session->max_nodes asks for.
 *
 * Fails as eagle_samples_add(), eagle_session_create(), _feed() and _score(), and with EAGLE_ELIMIT
 * for a continuation beyond the context. EAGLE_EINVAL for a control of the same continuations,
 * above temperature 0: what is equal by copying is equal in law, and proves nothing. */
EAGLE_API eagle_status eagle_samples_check(eagle_samples_verdict *out,
                                           const eagle_samples_task *task,
                                           const eagle_samples_options *opt,
                                           eagle_samples_progress *progress, void *ctx,
                                           eagle_error *err);

#ifdef __cplusplus
}
#endif
#endif
