/* SPDX-License-Identifier: MIT */
/* samples.h - what a judge of samples remembers. Sums alone, but for the numbers u, which the lag
 * tests and Kolmogorov's distance want whole. */
#ifndef EG_CHECK_SAMPLES_H
#define EG_CHECK_SAMPLES_H

#include "eagle/samples.h"

enum { EG_U_BINS = 64, EG_LAG_BINS = 16 };

/* Fewest tokens of Kolmogorov's test, whose law is exact, and of the surprisal's. */
enum { EG_LEAST_U = 320 };

#define EG_EVIDENCE_SHARE 0.1 /* of alpha goes to the e-values, the rest to the other tests */
enum { EG_MAX_TESTS = 24 };

/* Parts of the tokens that are told apart before a token is drawn, so that the law holds in
 * each. */
typedef enum {
    EG_ALL,
    EG_DRAFTED, /* drawn where there were children: accepted or residual */
    EG_LEAF,    /* after an accepted leaf: bonus                         */
    EG_N_PARTS
} eg_part;

/* Bugs whose law at a context can be computed. */
typedef enum {
    EG_BUG_NO_TEMPERATURE,
    EG_BUG_TEMPERATURE_TWICE,
    EG_BUG_NO_TOP_K,
    EG_BUG_NO_TOP_P,
    EG_BUG_NO_MIN_P,
    EG_BUG_FILTERS_FIRST, /* top-p and min-p before temperature */
    EG_BUG_ARG_MAX,
    EG_BUG_PREVIOUS_ROW,
    EG_N_BUGS
} eg_bug;

const char *eg_bug_name(eg_bug bug);

/* A bug may be at work at every token, or at one of four. */
enum { EG_ALWAYS, EG_SOMETIMES, EG_N_RATES };

/* Evidence for a bug: logarithms of the likelihood ratio of its law to the true one. */
typedef struct {
    double now;
    double best;  /* the largest so far: its chance to pass log(1/a) is below a */
    double score; /* for the diagnosis: also of tokens that the true law excludes */
} eg_evidence;

typedef struct {
    int64_t n;
    int64_t bin[EG_U_BINS]; /* of u                                      */
    double excess;          /* sum of -log p(y) - H                              */
    double square;          /* sum of the squares of -log p(y) - H        */
    double variance;        /* of that sum                                       */
    double third;           /* its third cumulant                                */
    double range;           /* sum of max - min of -log p                        */
    double wide;            /* sum of (max - min)^2                              */
} eg_tally;

/* Counts at shared contexts. */
typedef struct {
    int64_t n;   /* tokens                                                */
    double chi2; /* Pearson's, summed                                     */
    double mean; /* and its exact moments                                 */
    double variance;
    double third;
    double distance; /* sum over contexts of n x total variation           */
    double bins;     /* of all contexts                                    */
} eg_counts;

typedef struct {
    double *u; /* [n] NaN: not given */
    int32_t n;
    int32_t cap;
} eg_numbers;

struct eagle_samples {
    eagle_samples_options opt;
    int32_t vocab;
    bool applies[EG_N_BUGS];
    eg_tally tally[EG_N_PARTS];
    eg_evidence evidence[EG_N_BUGS][EG_N_PARTS][EG_N_RATES];
    eg_counts counts;
    int64_t n_contexts;
    int64_t n_shared;
    int64_t n_outside;
    int64_t n_boundary;
    double rest; /* of recorded laws, summed */
    eagle_samples_outside outside;
    eg_numbers *numbers; /* [n_responses] */
    int32_t n_responses;
    int32_t cap_responses;

    uint64_t *w;         /* [vocab] the law                               */
    uint64_t *wrong;     /* [vocab] a bug's                               */
    uint64_t *prefix;    /* [vocab] sums of w before each token           */
    int32_t *order;      /* [vocab] scratch                               */
    int64_t *count;      /* [vocab] of a shared context                   */
    double *probability; /* [vocab + 1] of recorded laws                  */
};

/* ---- laws (samples_law.c) -------------------------------------------------------------------- */

bool eg_bug_applies(eg_bug bug, const eagle_sampling *sampling, int32_t vocab);

/* The weights of a bug's law at a context. */
void eg_bug_law(uint64_t *w, int32_t *order, eg_bug bug, const float *logits, const float *previous,
                int32_t vocab, const eagle_sampling *sampling);

/* The smallest total variation by which a law has to change to let in a token that it excludes. */
double eg_law_margin(uint64_t *w, int32_t *order, const float *logits, int32_t vocab, int32_t token,
                     const eagle_sampling *sampling);

/* Fewest tokens in 64 bins of u, and pairs in 16 x 16 of lags, for their chi-squares to hold as far
 * out as alpha sends them (samples_tests.c). */
int64_t eg_least_binned(double alpha);

/* The same for a count at a shared context: what a bin is expected to have. */
double eg_least_expected(double alpha);

/* ---- observations (samples_judge.c) ---------------------------------------------------------- */

/* What a law is to the surprisal score. */
typedef struct {
    double entropy;
    double variance;
    double third;
    double range;
} eg_moments;

/* One token at a place of its law: `before` the probability of all outcomes before it, p its
 * own. */
eagle_status eg_observe(eagle_samples *s, const eg_moments *m, double before, double p,
                        const eagle_drawn *d, eagle_error *err);

/* A token that the law excludes, by `margin`. */
void eg_observe_outside(eagle_samples *s, double margin, const eagle_drawn *d);

/* A factor of the likelihood ratio, wrong / p at the token, when it lies in [low, high] at the
 * context. */
void eg_observe_ratio(eagle_samples *s, eg_bug bug, double ratio, double low, double high,
                      int32_t source);

/* The part a token belongs to beside EG_ALL; EG_ALL: none. */
eg_part eg_part_of(int32_t source);

/* ---- the numbers u (samples_numbers.c) ------------------------------------------------------- */

/* All of them in rising order, [*n], to be freed. EAGLE_ENOMEM. */
eagle_status eg_numbers_sorted(double **u, int64_t *n, const eagle_samples *s, eagle_error *err);

typedef enum { EG_LAG_NEXT, EG_LAG_AFTER, EG_LAG_ACROSS, EG_N_LAGS } eg_lag;
const char *eg_lag_name(eg_lag lag);

/* How many pairs went from one sixteenth of u to another. */
typedef struct {
    int64_t from[EG_LAG_BINS][EG_LAG_BINS];
    int64_t n;
} eg_transitions;

void eg_numbers_pairs(eg_transitions *out, const eagle_samples *s, eg_lag lag);

/* ---- verdicts (samples_tests.c) -------------------------------------------------------------- */

typedef enum {
    EG_TEST_SUPPORT,
    EG_TEST_U,
    EG_TEST_KOLMOGOROV,
    EG_TEST_LAG,
    EG_TEST_SURPRISAL,
    EG_TEST_COUNTS,
    EG_TEST_EVIDENCE,
    EG_N_TEST_KINDS
} eg_test_kind;

/* A verdict while it is made. */
typedef struct {
    eg_test_kind kind[EG_MAX_TESTS];
    const eagle_samples *s;
    eagle_samples_verdict *v;
    int32_t shares; /* of alpha: tests that run, or would with more tokens of this kind */
} eg_judging;

/* Counts, and room for tests; nothing is decided yet. EAGLE_ENOMEM. */
eagle_status eg_judging_start(eg_judging *j, eagle_samples_verdict *out, const eagle_samples *s,
                              eagle_error *err);
eagle_samples_test *eg_judging_add(eg_judging *j, eg_test_kind kind, const char *what, int64_t n);

/* Splits alpha over the tests and decides them; `outside` tokens that no law allows are a failure.
 * What would have been found is told for a sample of `n` tokens that is compared with a law,
 * `files` times as many in all. */
void eg_judging_end(eg_judging *j, int64_t outside, double n, double files);

/* ---- tries (samples_trie.c) ------------------------------------------------------------------ */

/* Scores all contexts of all responses, each once. */
eagle_status eg_samples_score(eagle_samples *s, const eagle_model *model,
                              const eagle_responses *responses,
                              const eagle_session_options *session,
                              eagle_samples_progress *progress, void *ctx, eagle_error *err);

#endif
