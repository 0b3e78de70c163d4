/* SPDX-License-Identifier: MIT */
/* test_samples.c - the judge of samples, fed by samplers that are right, and by samplers with one
 * bug each: no network, but rows of logits whose laws are known.
 *
 * A text is a walk over a few contexts: its row is a function of the last token. */
#include "support/lib_judged.h"

#include "kernels/kernels.h"
#include "sample/law.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { VOCAB = 16, ROWS = 16, LENGTH = 50 };

/* What a run draws from, and how it goes wrong. */
typedef struct {
    float row[ROWS][VOCAB]; /* logits after each token */
    uint64_t state;         /* of the generator        */
    double held;            /* a number that a buggy sampler uses again */
} world;

static void make_world(world *w, uint64_t seed, float spread)
{
    w->state = seed;
    for (int32_t i = 0; i < ROWS; i++) {
        for (int32_t j = 0; j < VOCAB; j++) {
            w->row[i][j] = (float)(toy_random(&w->state) >> 40) * 0x1p-24f * spread;
        }
    }
}

static double uniform(world *w)
{
    return toy_uniform(&w->state);
}

/* The token of a law that holds the number u, times the law's sum. */
static int32_t token_at(const uint64_t *weight, double u)
{
    uint64_t sum = 0;

    for (int32_t i = 0; i < VOCAB; i++) {
        sum += weight[i];
    }
    uint64_t left = (uint64_t)(u * (double)sum);

    for (int32_t i = 0; i < VOCAB; i++) {
        if (left < weight[i]) {
            return i;
        }
        left -= weight[i];
    }
    return VOCAB - 1;
}

static void law_of(uint64_t *weight, const float *row, const eagle_sampling *sampling)
{
    int32_t order[VOCAB];

    eg_law_make(weight, order, row, VOCAB, sampling);
}

/* ---- samplers -------------------------------------------------------------------------------- */

/* Draws a token after `last`, token i of a text; *source says how. */
typedef int32_t sampler(world *w, int32_t last, int32_t before, int32_t i,
                        const eagle_sampling *sampling, int32_t *source);

static int32_t right(world *w, int32_t last, int32_t before, int32_t i,
                     const eagle_sampling *sampling, int32_t *source)
{
    uint64_t weight[VOCAB];

    (void)before;
    *source = i % 3 == 2 ? EAGLE_SOURCE_BONUS : EAGLE_SOURCE_ACCEPTED;
    law_of(weight, w->row[last], sampling);
    return token_at(weight, uniform(w));
}

/* Every second number is the one before it: every marginal is right. */
static int32_t reuses_numbers(world *w, int32_t last, int32_t before, int32_t i,
                              const eagle_sampling *sampling, int32_t *source)
{
    uint64_t weight[VOCAB];

    (void)before;
    *source = -1;
    w->held = i % 2 == 0 ? uniform(w) : w->held;
    law_of(weight, w->row[last], sampling);
    return token_at(weight, w->held);
}

static int32_t bonus_by_arg_max(world *w, int32_t last, int32_t before, int32_t i,
                                const eagle_sampling *sampling, int32_t *source)
{
    const int32_t token = right(w, last, before, i, sampling, source);

    return *source == EAGLE_SOURCE_BONUS ? eg_law_best(w->row[last], VOCAB) : token;
}

static int32_t without_temperature(world *w, int32_t last, int32_t before, int32_t i,
                                   const eagle_sampling *sampling, int32_t *source)
{
    eagle_sampling wrong = *sampling;

    wrong.temperature = 1.0f;
    return right(w, last, before, i, &wrong, source);
}

static int32_t without_top_p(world *w, int32_t last, int32_t before, int32_t i,
                             const eagle_sampling *sampling, int32_t *source)
{
    eagle_sampling wrong = *sampling;

    wrong.top_p = (eagle_decimal){.num = 1};
    return right(w, last, before, i, &wrong, source);
}

static int32_t from_the_row_before(world *w, int32_t last, int32_t before, int32_t i,
                                   const eagle_sampling *sampling, int32_t *source)
{
    return right(w, before >= 0 ? before : last, last, i, sampling, source);
}

static int32_t filters_first(world *w, int32_t last, int32_t before, int32_t i,
                             const eagle_sampling *sampling, int32_t *source)
{
    uint64_t weight[VOCAB];
    uint64_t kept[VOCAB];
    eagle_sampling one = *sampling;
    eagle_sampling all = *sampling;

    (void)before;
    (void)i;
    *source = -1;
    one.temperature = 1.0f;
    law_of(kept, w->row[last], &one);
    all.top_p = (eagle_decimal){.num = 1};
    law_of(weight, w->row[last], &all);
    for (int32_t k = 0; k < VOCAB; k++) {
        weight[k] = kept[k] > 0 ? weight[k] : 0;
    }
    return token_at(weight, uniform(w));
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* Draws n tokens in texts of LENGTH, and judges them. */
static eagle_samples_verdict run(world *w, sampler *draw, const eagle_sampling *how, int32_t n,
                                 const eagle_samples_options *opt)
{
    eagle_samples *s = NULL;
    eagle_samples_verdict v;
    eagle_error err = {0};
    int32_t last = 0;
    int32_t before = -1;

    assert_int_equal(eagle_samples_create(&s, VOCAB, opt, &err), EAGLE_OK);
    for (int32_t i = 0; i < n; i++) {
        eagle_drawn d = {.response = i / LENGTH, .index = i % LENGTH};

        if (d.index == 0) {
            last = 0;
            before = -1;
        }
        d.token = draw(w, last, before, d.index, how, &d.source);
        assert_int_equal(
            eagle_samples_add(s, w->row[last], before >= 0 ? w->row[before] : NULL, &d, 1, &err),
            EAGLE_OK);
        before = last;
        last = d.token;
    }
    assert_int_equal(eagle_samples_judge(&v, s, &err), EAGLE_OK);
    eagle_samples_free(s);
    return v;
}

static void assert_found(sampler *draw, const eagle_samples_options *opt, int32_t n,
                         const char *diagnosis)
{
    world w;

    make_world(&w, 7, 4.0f);
    eagle_samples_verdict v = run(&w, draw, &opt->sampling, n, opt);

    assert_int_equal(v.status, EAGLE_EFAILED);
    assert_string_equal(v.diagnosis, diagnosis);
    eagle_samples_verdict_free(&v);
}

/* ---- bugs ------------------------------------------------------------------------------------ */

static void numbers_used_twice_show_in_the_lag_alone(void **state)
{
    eagle_samples_options opt;
    world w;

    (void)state;
    eagle_samples_defaults(&opt);
    make_world(&w, 7, 4.0f);
    eagle_samples_verdict v = run(&w, reuses_numbers, &opt.sampling, 4000, &opt);

    assert_int_equal(v.status, EAGLE_EFAILED);
    assert_true(test_of(&v, "lag", "the next one's")->failed);
    assert_false(test_of(&v, "u", "64 bins")->failed);
    assert_false(test_of(&v, "Kolmogorov", "")->failed);
    assert_false(test_of(&v, "lag", "after the next")->failed);
    assert_non_null(strstr(v.diagnosis, "used twice: a token's u and the next one's"));
    eagle_samples_verdict_free(&v);
}

static void numbers_shared_by_continuations_show_between_them(void **state)
{
    eagle_samples_options opt;
    world w;

    (void)state;
    eagle_samples_defaults(&opt);
    make_world(&w, 7, 4.0f);
    eagle_samples *s = NULL;
    eagle_samples_verdict v;

    assert_int_equal(eagle_samples_create(&s, VOCAB, &opt, NULL), EAGLE_OK);
    for (int32_t pair = 0; pair < 60; pair++) { /* two with one state, from different contexts */
        const uint64_t held = w.state;

        for (int32_t second = 0; second < 2; second++) {
            int32_t last = second == 0 ? pair % VOCAB : (pair + 5) % VOCAB;

            w.state = second == 0 ? held : held;
            for (int32_t i = 0; i < LENGTH; i++) {
                eagle_drawn d = {.response = 2 * pair + second, .index = i, .source = -1};

                d.token = right(&w, last, -1, i, &opt.sampling, &d.source);
                d.source = -1;
                assert_int_equal(eagle_samples_add(s, w.row[last], NULL, &d, 1, NULL), EAGLE_OK);
                last = d.token;
            }
        }
    }
    assert_int_equal(eagle_samples_judge(&v, s, NULL), EAGLE_OK);
    assert_true(test_of(&v, "lag", "same place")->failed);
    assert_false(test_of(&v, "lag", "the next one's")->failed);
    eagle_samples_verdict_free(&v);
    eagle_samples_free(s);
}

static void each_bug_is_found_and_named(void **state)
{
    eagle_samples_options opt;

    (void)state;
    eagle_samples_defaults(&opt);
    assert_found(bonus_by_arg_max, &opt, 600,
                 "the most likely token is taken in place of a draw, after a leaf");
    assert_found(from_the_row_before, &opt, 600, "the law is that of the row before (off by one)");
    opt.sampling.temperature = 0.7f;
    assert_found(without_temperature, &opt, 1500, "temperature is not applied");
    opt.sampling.top_p = (eagle_decimal){.num = 9, .places = 1};
    assert_found(without_top_p, &opt, 600, "top-p is ignored");
    assert_found(filters_first, &opt, 600, "top-p and min-p come before temperature");
    /* Both of these laws have all tokens that the right one lacks: how likely they make them
     * decides. */
    opt.sampling.temperature = 0.9f;
    assert_found(without_temperature, &opt, 3000, "temperature is not applied");
}

static void a_token_beyond_the_cut_fails_at_once_and_is_named(void **state)
{
    eagle_samples_options opt;
    float row[VOCAB] = {0};
    const eagle_drawn d = {.token = 5, .response = 3, .index = 8, .source = -1};
    eagle_samples *s = NULL;
    eagle_samples_verdict v;

    (void)state;
    eagle_samples_defaults(&opt);
    opt.sampling.top_k = 5; /* of equals the lowest ids: 0 .. 4 */
    assert_int_equal(eagle_samples_create(&s, VOCAB, &opt, NULL), EAGLE_OK);
    assert_int_equal(eagle_samples_add(s, row, NULL, &d, 1, NULL), EAGLE_OK);
    assert_int_equal(eagle_samples_judge(&v, s, NULL), EAGLE_OK);
    assert_int_equal(v.status, EAGLE_EFAILED);
    assert_int_equal(v.n_outside, 1);
    assert_int_equal(v.outside.response, 3);
    assert_int_equal(v.outside.index, 8);
    assert_int_equal(v.outside.token, 5);
    assert_true(v.outside.margin == 0.0);
    assert_string_equal(v.diagnosis, "top-k is ignored");
    eagle_samples_verdict_free(&v);
    eagle_samples_free(s);
}

/* How far a token is outside: by rank half the difference of two probabilities, by mass what is
 * above top-p, by share what lacks to min-p of the best. Weights 8 4 2 1 1, of 16. */
static void the_margin_is_what_the_law_has_to_change(void **state)
{
    static const double share[5] = {8, 4, 2, 1, 1};
    float row[VOCAB];
    eagle_samples_options opt;

    (void)state;
    for (int32_t i = 0; i < VOCAB; i++) {
        row[i] = i < 5 ? (float)log(share[i]) : -80.0f;
    }
    for (int32_t rule = 0; rule < 3; rule++) {
        static const double expected[3] = {0.5 * 1.0 / 16, 0.875 - 0.8, (0.25 * 8 - 1) / 16 / 1.25};
        const eagle_drawn d = {.token = 3, .source = -1};
        eagle_samples *s = NULL;
        eagle_samples_verdict v;

        eagle_samples_defaults(&opt);
        opt.delta = 0.1;
        opt.sampling.top_k = rule == 0 ? 3 : 0;
        opt.sampling.top_p = rule == 1 ? (eagle_decimal){8, 1} : (eagle_decimal){1, 0};
        opt.sampling.min_p = rule == 2 ? (eagle_decimal){25, 2} : (eagle_decimal){0, 0};
        assert_int_equal(eagle_samples_create(&s, VOCAB, &opt, NULL), EAGLE_OK);
        assert_int_equal(eagle_samples_add(s, row, NULL, &d, 1, NULL), EAGLE_OK);
        assert_int_equal(eagle_samples_judge(&v, s, NULL), EAGLE_OK);
        if (fabs(v.outside.margin - expected[rule]) > 1e-6) {
            fail_msg("rule %d: margin %g, expected %g", rule, v.outside.margin, expected[rule]);
        }
        assert_int_equal(v.n_boundary, 1); /* within delta: no failure */
        assert_int_equal(v.n_outside, 0);
        eagle_samples_verdict_free(&v);
        eagle_samples_free(s);
    }
}

/* Whether a token is accepted or residual depends on the token: of either kind alone u is far from
 * uniform, of both together it is. */
static int32_t accepts_low_tokens(world *w, int32_t last, int32_t before, int32_t i,
                                  const eagle_sampling *sampling, int32_t *source)
{
    const int32_t token = right(w, last, before, i, sampling, source);

    *source = token < 6 ? EAGLE_SOURCE_ACCEPTED : EAGLE_SOURCE_RESIDUAL;
    return token;
}

static void accepted_and_residual_tokens_are_judged_together(void **state)
{
    eagle_samples_options opt;
    world w;

    (void)state;
    eagle_samples_defaults(&opt);
    make_world(&w, 7, 4.0f);
    eagle_samples_verdict v = run(&w, accepts_low_tokens, &opt.sampling, 4000, &opt);

    assert_int_equal(v.status, EAGLE_EINCONCLUSIVE);
    assert_int_equal(test_of(&v, "u", "where there were children")->n, 4000);
    eagle_samples_verdict_free(&v);
}

/* The law of another temperature is a few percent away: within delta no test, and no evidence for a
 * bug, may call that a failure. */
static void a_law_within_delta_is_no_evidence_for_a_bug(void **state)
{
    eagle_samples_options opt;
    world w;

    (void)state;
    eagle_samples_defaults(&opt);
    opt.sampling.temperature = 0.8f;
    make_world(&w, 7, 4.0f);
    eagle_samples_verdict v = run(&w, without_temperature, &opt.sampling, 6000, &opt);

    assert_int_equal(v.status, EAGLE_EFAILED);
    assert_true(test_of(&v, "e-value", "")->failed);
    eagle_samples_verdict_free(&v);
    opt.delta = 0.12;
    v = run(&w, without_temperature, &opt.sampling, 6000, &opt);
    assert_int_equal(v.status, EAGLE_EINCONCLUSIVE);
    eagle_samples_verdict_free(&v);
}

/* Tokens of 0.9 and 0.1: the sum is as far off as the rare one is frequent, whose law is binomial.
 * The plain normal tail is five times too small here. */
static void the_surprisal_allows_for_a_skewed_law(void **state)
{
    enum { N = 400, RARE = 70 };
    float row[VOCAB];
    eagle_samples_options opt;
    eagle_samples *s = NULL;
    eagle_samples_verdict v;
    double tail = 0.0;

    (void)state;
    for (int32_t i = 0; i < VOCAB; i++) {
        row[i] = i == 0 ? (float)log(9.0) : (i == 1 ? 0.0f : -80.0f);
    }
    for (int32_t k = RARE; k <= N; k++) {
        tail += exp(lgamma(N + 1.0) - lgamma(k + 1.0) - lgamma(N - k + 1.0) + k * log(0.1) +
                    (N - k) * log(0.9));
    }
    eagle_samples_defaults(&opt);
    assert_int_equal(eagle_samples_create(&s, VOCAB, &opt, NULL), EAGLE_OK);
    for (int32_t i = 0; i < N; i++) {
        const eagle_drawn d = {.token = i < RARE ? 1 : 0, .response = i, .source = -1};

        assert_int_equal(eagle_samples_add(s, row, NULL, &d, 1, NULL), EAGLE_OK);
    }
    assert_int_equal(eagle_samples_judge(&v, s, NULL), EAGLE_OK);
    const double p = test_of(&v, "surprisal", "")->p;

    if (!(p > tail && p < 4.0 * tail)) { /* both tails, and what is left of the skew */
        fail_msg("p %g, exact %g", p, tail);
    }
    eagle_samples_verdict_free(&v);
    eagle_samples_free(s);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static void too_few_tokens_are_inconclusive_and_say_how_many_it_takes(void **state)
{
    eagle_samples_options opt;
    world w;

    (void)state;
    eagle_samples_defaults(&opt);
    opt.tv = 0.05;
    make_world(&w, 3, 4.0f);
    eagle_samples_verdict v = run(&w, right, &opt.sampling, 1000, &opt);

    assert_int_equal(v.status, EAGLE_EINCONCLUSIVE);
    const int64_t needed = v.needed;

    assert_true(needed > 1000 && needed < 60000);
    eagle_samples_verdict_free(&v);
    v = run(&w, right, &opt.sampling, (int32_t)needed + LENGTH, &opt);
    assert_int_equal(v.status, EAGLE_OK);
    assert_true(v.power >= 0.99 && v.found <= 0.05);
    eagle_samples_verdict_free(&v);
}

static void greedy_samples_have_one_right_token_each(void **state)
{
    eagle_samples_options opt;
    world w;

    (void)state;
    eagle_samples_defaults(&opt);
    opt.sampling.temperature = 0.0f;
    make_world(&w, 3, 4.0f);
    eagle_samples_verdict v = run(&w, right, &opt.sampling, 500, &opt);

    assert_int_equal(v.status, EAGLE_OK);
    assert_int_equal(v.needed, 459); /* 0.99^459 < 0.01 */
    eagle_samples_verdict_free(&v);

    eagle_sampling hot = opt.sampling;

    hot.temperature = 1.0f;
    v = run(&w, right, &hot, 20, &opt);
    assert_int_equal(v.status, EAGLE_EFAILED);
    eagle_samples_verdict_free(&v);
}

static void options_out_of_range_are_refused(void **state)
{
    eagle_samples_options opt;
    eagle_samples *s = NULL;

    (void)state;
    eagle_samples_defaults(&opt);
    opt.alpha = 0.0;
    assert_int_equal(eagle_samples_create(&s, VOCAB, &opt, NULL), EAGLE_EINVAL);
    eagle_samples_defaults(&opt);
    opt.delta = 1.0;
    assert_int_equal(eagle_samples_create(&s, VOCAB, &opt, NULL), EAGLE_EINVAL);
    eagle_samples_defaults(&opt);
    opt.sampling.top_k = -1;
    assert_int_equal(eagle_samples_create(&s, VOCAB, &opt, NULL), EAGLE_EINVAL);
    eagle_samples_defaults(&opt);
    assert_int_equal(eagle_samples_create(&s, (1 << 18) + 1, &opt, NULL), EAGLE_EUNSUPPORTED);
    assert_null(s);
}

/* ---- shared contexts ------------------------------------------------------------------------- */

/* At every other context the first two tokens change places: u is as uniform on average as ever. */
static void counts_see_what_cancels_between_contexts(void **state)
{
    enum { CONTEXTS = 10, SHARED = 1000 };
    eagle_drawn drawn[SHARED];
    eagle_samples_options opt;
    eagle_samples_verdict v[2];

    (void)state;
    eagle_samples_defaults(&opt);
    for (int32_t planted = 0; planted < 2; planted++) {
        eagle_samples *s = NULL;
        world w;

        make_world(&w, 11, 2.0f);
        assert_int_equal(eagle_samples_create(&s, VOCAB, &opt, NULL), EAGLE_OK);
        for (int32_t c = 0; c < CONTEXTS; c++) {
            uint64_t weight[VOCAB];

            for (int32_t k = 0; k < VOCAB; k++) { /* token 0 twice as likely as 1, or half */
                w.row[c][k] = k == 0 ? 0.7f : 0.0f;
            }
            law_of(weight, w.row[c], &opt.sampling);
            if (planted == 1) {
                weight[0] = c % 2 == 0 ? weight[0] * 3 / 2 : weight[0] / 2;
            }
            for (int32_t i = 0; i < SHARED; i++) {
                drawn[i] = (eagle_drawn){.token = token_at(weight, uniform(&w)),
                                         .response = i,
                                         .index = c,
                                         .source = -1};
            }
            assert_int_equal(eagle_samples_add(s, w.row[c], NULL, drawn, SHARED, NULL), EAGLE_OK);
        }
        assert_int_equal(eagle_samples_judge(&v[planted], s, NULL), EAGLE_OK);
        assert_int_equal(v[planted].n_shared, CONTEXTS);
        eagle_samples_free(s);
    }
    assert_int_equal(v[0].status, EAGLE_EINCONCLUSIVE);
    const eagle_samples_test *fair = test_of(&v[0], "counts", "");
    const eagle_samples_test *unfair = test_of(&v[1], "counts", "");

    assert_true(fair->df == CONTEXTS * (VOCAB - 1));
    assert_true(fair->p > 0.001);
    assert_true(unfair->failed);
    assert_false(test_of(&v[1], "u", "64 bins")->failed);
    eagle_samples_verdict_free(&v[0]);
    eagle_samples_verdict_free(&v[1]);
}

/* ---- controls -------------------------------------------------------------------------------- */

/* A judge of a backend that rounds: the logits that it draws from are not those that it is judged
 * by. */
static eagle_samples *rounded(sampler *draw, uint64_t seed, int32_t n,
                              const eagle_samples_options *opt)
{
    eagle_samples *s = NULL;
    world w;
    world exact;
    int32_t last = 0;

    make_world(&w, 21, 4.0f);
    exact = w;
    for (int32_t i = 0; i < ROWS; i++) {
        for (int32_t j = 0; j < VOCAB; j++) {
            w.row[i][j] = roundf(w.row[i][j]); /* coarser than any backend */
        }
    }
    w.state = seed;
    assert_int_equal(eagle_samples_create(&s, VOCAB, opt, NULL), EAGLE_OK);
    for (int32_t i = 0; i < n; i++) {
        eagle_drawn d = {.response = i / LENGTH, .index = i % LENGTH};

        last = d.index == 0 ? 0 : last;
        d.token = draw(&w, last, -1, d.index, &opt->sampling, &d.source);
        assert_int_equal(eagle_samples_add(s, exact.row[last], NULL, &d, 1, NULL), EAGLE_OK);
        last = d.token;
    }
    return s;
}

static void a_control_tells_rounding_from_a_bug(void **state)
{
    static const struct {
        sampler *draw;
        eagle_status alone;
        eagle_status beside;
    } all[] = {{right, EAGLE_EFAILED, EAGLE_OK},
               {bonus_by_arg_max, EAGLE_EFAILED, EAGLE_EFAILED},
               {reuses_numbers, EAGLE_EFAILED, EAGLE_EFAILED}};
    eagle_samples_options opt;

    (void)state;
    eagle_samples_defaults(&opt);
    opt.tv = 0.1;
    eagle_samples *control = rounded(right, 100, 12000, &opt);

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        eagle_samples *s = rounded(all[i].draw, 200 + i, 12000, &opt);
        eagle_samples_verdict v;

        assert_int_equal(eagle_samples_judge(&v, s, NULL), EAGLE_OK);
        assert_int_equal(v.status, all[i].alone);
        eagle_samples_verdict_free(&v);
        assert_int_equal(eagle_samples_compare(&v, s, control, NULL), EAGLE_OK);
        assert_int_equal(v.status, all[i].beside);
        eagle_samples_verdict_free(&v);
        eagle_samples_free(s);
    }
    eagle_samples_free(control);
}

/* ---- the backend's own law ------------------------------------------------------------------- */

/* What a backend records: the n likeliest, and as vLLM does the drawn token where it is not
 * there. */
static int32_t record(int32_t *top, double *logprob, const float *row, double temperature,
                      int32_t n, int32_t drawn)
{
    double sum = 0.0;
    bool listed = false;

    eg_topk(top, row, VOCAB, (size_t)n);
    for (int32_t i = 0; i < VOCAB; i++) {
        sum += exp((double)row[i] / temperature);
    }
    for (int32_t i = 0; i < n; i++) {
        logprob[i] = (double)row[top[i]] / temperature - log(sum);
        listed = listed || top[i] == drawn;
    }
    if (!listed) {
        top[n] = drawn;
        logprob[n] = (double)row[drawn] / temperature - log(sum);
    }
    return n;
}

static eagle_samples_verdict run_recorded(sampler *draw, const eagle_samples_options *opt,
                                          double temperature, int32_t n_top, int32_t n)
{
    eagle_samples *s = NULL;
    eagle_samples_verdict v;
    eagle_error err = {0};
    world w;
    int32_t last = 0;

    make_world(&w, 5, 4.0f);
    assert_int_equal(eagle_samples_create(&s, VOCAB, opt, &err), EAGLE_OK);
    for (int32_t i = 0; i < n; i++) {
        eagle_drawn d = {.response = i / LENGTH, .index = i % LENGTH};
        int32_t top[VOCAB + 1];
        double logprob[VOCAB + 1];

        d.token = draw(&w, last, -1, d.index, &opt->sampling, &d.source);
        record(top, logprob, w.row[last], temperature, n_top, d.token);
        if (eagle_samples_add_recorded(s, top, logprob, n_top, &d, &err) != EAGLE_OK) {
            fail_msg("%s", err.message);
        }
        last = d.token;
    }
    assert_int_equal(eagle_samples_judge(&v, s, &err), EAGLE_OK);
    eagle_samples_free(s);
    return v;
}

static void a_sampler_that_keeps_to_its_own_records_passes(void **state)
{
    eagle_samples_options opt;

    (void)state;
    eagle_samples_defaults(&opt);
    opt.null = EAGLE_NULL_SAMPLER;
    opt.tv = 0.1;
    eagle_samples_verdict v = run_recorded(right, &opt, 1.0, 12, 6000); /* the rest in one bin */

    assert_int_equal(v.status, EAGLE_OK);
    assert_true(v.rest > 0.0 && v.rest < opt.tv);
    eagle_samples_verdict_free(&v);
    opt.sampling.temperature = 0.5f;
    opt.processed = true;
    v = run_recorded(right, &opt, 0.5, 12, 6000);
    assert_int_equal(v.status, EAGLE_OK);
    eagle_samples_verdict_free(&v);
    opt.processed = false;
    opt.sampling.top_k = 4; /* all that is kept is listed: raw ones suffice */
    opt.sampling.top_p = (eagle_decimal){9, 1};
    opt.sampling.min_p = (eagle_decimal){5, 2};
    v = run_recorded(right, &opt, 1.0, 5, 6000);
    assert_int_equal(v.n_outside, 0);
    assert_int_equal(v.status, EAGLE_OK);
    eagle_samples_verdict_free(&v);
    opt.sampling = (eagle_sampling){.temperature = 1.0f, .top_p = {5, 1}}; /* ends in the list */
    v = run_recorded(right, &opt, 1.0, 12, 6000);
    assert_int_equal(v.n_outside, 0);
    assert_int_equal(v.status, EAGLE_OK);
    eagle_samples_verdict_free(&v);
}

static void a_sampler_that_leaves_its_own_records_fails(void **state)
{
    eagle_samples_options opt;

    (void)state;
    eagle_samples_defaults(&opt);
    opt.null = EAGLE_NULL_SAMPLER;
    eagle_samples_verdict v = run_recorded(bonus_by_arg_max, &opt, 1.0, 5, 1000);

    assert_int_equal(v.status, EAGLE_EFAILED);
    assert_string_equal(v.diagnosis,
                        "the most likely token is taken in place of a draw, after a leaf");
    eagle_samples_verdict_free(&v);
    opt.sampling.top_p = (eagle_decimal){9, 1};
    v = run_recorded(without_top_p, &opt, 1.0, 12, 1000);
    assert_true(v.n_outside > 0);
    eagle_samples_verdict_free(&v);
    opt.sampling = (eagle_sampling){.temperature = 0.5f, .top_p = {1, 0}};
    opt.processed = true;
    v = run_recorded(without_temperature, &opt, 0.5, 5, 3000);
    assert_int_equal(v.status, EAGLE_EFAILED);
    eagle_samples_verdict_free(&v);
}

static void records_that_do_not_suffice_are_refused_with_the_way_out(void **state)
{
    static const eagle_sampling all[3] = {{.temperature = 0.7f, .top_p = {1, 0}},
                                          {.temperature = 1.0f, .top_k = 9, .top_p = {1, 0}},
                                          {.temperature = 1.0f, .top_p = {95, 2}}};
    const int32_t top[2] = {3, 4};
    const double logprob[2] = {-1.0, -2.0};
    const eagle_drawn d = {.token = 3, .source = -1};

    (void)state;
    for (int32_t i = 0; i < 3; i++) {
        eagle_samples_options opt;
        eagle_samples *s = NULL;
        eagle_error err = {0};

        eagle_samples_defaults(&opt);
        opt.null = EAGLE_NULL_SAMPLER;
        opt.sampling = all[i];
        assert_int_equal(eagle_samples_create(&s, VOCAB, &opt, NULL), EAGLE_OK);
        assert_int_equal(eagle_samples_add_recorded(s, top, logprob, 2, &d, &err), EAGLE_EINVAL);
        assert_non_null(strstr(err.message, "--processed"));
        eagle_samples_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_used_twice_show_in_the_lag_alone),
        cmocka_unit_test(numbers_shared_by_continuations_show_between_them),
        cmocka_unit_test(each_bug_is_found_and_named),
        cmocka_unit_test(a_token_beyond_the_cut_fails_at_once_and_is_named),
        cmocka_unit_test(the_margin_is_what_the_law_has_to_change),
        cmocka_unit_test(accepted_and_residual_tokens_are_judged_together),
        cmocka_unit_test(a_law_within_delta_is_no_evidence_for_a_bug),
        cmocka_unit_test(the_surprisal_allows_for_a_skewed_law),
        cmocka_unit_test(too_few_tokens_are_inconclusive_and_say_how_many_it_takes),
        cmocka_unit_test(greedy_samples_have_one_right_token_each),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(counts_see_what_cancels_between_contexts),
        cmocka_unit_test(a_control_tells_rounding_from_a_bug),
        cmocka_unit_test(a_sampler_that_keeps_to_its_own_records_passes),
        cmocka_unit_test(a_sampler_that_leaves_its_own_records_fails),
        cmocka_unit_test(records_that_do_not_suffice_are_refused_with_the_way_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
