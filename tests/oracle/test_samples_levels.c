/* SPDX-License-Identifier: MIT */
/* test_samples_levels.c - what the judge of samples promises in numbers: false alarms as rare as
 * alpha says, biases found with the power that it states. Short runs, and the whole ones with
 * EAGLE_TEST=full (some minutes). */
#include "support/lib_judged.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VOCAB = 16, LENGTH = 50 };

static bool full(void)
{
    const char *test = getenv("EAGLE_TEST");

    return test != NULL && strcmp(test, "full") == 0;
}

/* Asserts that `count` of `runs` is within three sigma of a share p, or above it with `bound`. */
static void assert_share(int32_t count, int32_t runs, double p, bool low, bool high)
{
    const double mean = p * runs;
    const double spread = 3.0 * sqrt(mean * (1.0 - p));

    printf("%d of %d, expected %.1f, 3 sigma %.1f\n", (int)count, (int)runs, mean, spread);
    assert_true(!low || count >= mean - spread);
    assert_true(!high || count <= mean + spread);
}

/* ---- false alarms ---------------------------------------------------------------------------- */

/* A walk of n tokens over 16 random laws, drawn as they say; every third token comes from a
 * leaf. */
static eagle_samples_verdict walk(uint64_t seed, int32_t n, const eagle_samples_options *opt)
{
    float row[VOCAB][VOCAB];
    double sum[VOCAB] = {0};
    eagle_samples *s = NULL;
    eagle_samples_verdict v;
    int32_t last = 0;

    for (int32_t i = 0; i < VOCAB; i++) {
        for (int32_t j = 0; j < VOCAB; j++) {
            row[i][j] = (float)(toy_random(&seed) >> 40) * 0x1p-22f;
            sum[i] += exp((double)row[i][j]);
        }
    }
    assert_int_equal(eagle_samples_create(&s, VOCAB, opt, NULL), EAGLE_OK);
    for (int32_t i = 0; i < n; i++) {
        eagle_drawn d = {.response = i / LENGTH, .index = i % LENGTH};
        double u = 0.0;

        last = d.index == 0 ? 0 : last;
        u = toy_uniform(&seed) * sum[last];
        while (d.token < VOCAB - 1 && u >= exp((double)row[last][d.token])) {
            u -= exp((double)row[last][d.token++]);
        }
        d.source = d.index % 3 == 2 ? EAGLE_SOURCE_BONUS : EAGLE_SOURCE_ACCEPTED;
        assert_int_equal(eagle_samples_add(s, row[last], NULL, &d, 1, NULL), EAGLE_OK);
        last = d.token;
    }
    assert_int_equal(eagle_samples_judge(&v, s, NULL), EAGLE_OK);
    eagle_samples_free(s);
    return v;
}

static void count_false_alarms(double alpha, int32_t runs)
{
    eagle_samples_options opt;
    int32_t alarms = 0;

    eagle_samples_defaults(&opt);
    opt.alpha = alpha;
    for (int32_t i = 0; i < runs; i++) {
        eagle_samples_verdict v = walk(1000 + (uint64_t)i, 1500, &opt);

        alarms += v.status == EAGLE_EFAILED ? 1 : 0;
        eagle_samples_verdict_free(&v);
    }
    printf("alpha %g, false alarms: ", alpha);
    assert_share(alarms, runs, alpha, true, true);
}

static void false_alarms_are_as_rare_as_alpha_says(void **state)
{
    (void)state;
    if (full()) {
        count_false_alarms(1e-2, 10000);
        count_false_alarms(1e-3, 10000);
    } else {
        count_false_alarms(5e-2, 400); /* a short version of the same */
    }
}

/* How many tests fail of a walk, judged with `alpha`; tests that pass have the power to. *edge is
 * the alpha at which the first one fails, its p over its share, and *sum what all shares come
 * to. */
static int32_t count_failed(double *edge, double *sum, uint64_t seed, double alpha)
{
    eagle_samples_options opt;
    int32_t n = 0;

    eagle_samples_defaults(&opt);
    opt.alpha = alpha;
    opt.tv = 0.5;
    *edge = 1.0;
    *sum = 0.0;
    eagle_samples_verdict v = walk(seed, 4000, &opt);

    for (int32_t i = 0; i < v.n_test; i++) {
        n += v.test[i].failed ? 1 : 0;
        *edge = fmin(*edge, v.test[i].p / (v.test[i].alpha / alpha));
        *sum += v.test[i].alpha;
    }
    assert_int_equal(v.status, n > 0 ? EAGLE_EFAILED : EAGLE_OK);
    eagle_samples_verdict_free(&v);
    return n;
}

/* The same tokens pass with an alpha just below the edge, and fail by one test just above it. Which
 * tests have tokens enough depends on alpha, so the edge is looked for among those that run there;
 * the shares of the others are not spent. */
static void a_test_fails_at_its_share_of_alpha_and_not_before(void **state)
{
    int32_t edges = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        double edge;
        double sum;
        double ignored;
        double at = 1e-6;

        assert_int_equal(count_failed(&edge, &sum, seed, at), 0);
        assert_true(sum <= at * (1.0 + 1e-12));
        for (int i = 0; i < 20 && edge < 0.49 && fabs(edge - at) > 1e-12 * at; i++) {
            at = edge;
            count_failed(&edge, &sum, seed, at);
        }
        if (edge < 0.49) { /* no alpha is above a half */
            assert_int_equal(count_failed(&ignored, &sum, seed, edge * (1.0 - 1e-9)), 0);
            assert_int_equal(count_failed(&ignored, &sum, seed, edge * (1.0 + 1e-9)), 1);
            edges++;
        }
    }
    printf("edges: %d of 10\n", (int)edges);
    assert_true(edges > 0);
}

/* ---- power ----------------------------------------------------------------------------------- */

/* n tokens from a law of sixteen equals, but that the first eight have 1 + 2 tv of their share: the
 * bias of total variation tv that is hardest to see. */
static eagle_samples_verdict biased(uint64_t *state, double tv, int64_t n,
                                    const eagle_samples_options *opt)
{
    static const float row[VOCAB];
    eagle_samples *s = NULL;
    eagle_samples_verdict v;

    assert_int_equal(eagle_samples_create(&s, VOCAB, opt, NULL), EAGLE_OK);
    for (int64_t i = 0; i < n; i++) {
        const bool low = toy_uniform(state) < 0.5 + tv;
        const eagle_drawn d = {.token = (int32_t)(toy_random(state) >> 61) + (low ? 0 : 8),
                               .response = (int32_t)(i / LENGTH),
                               .index = (int32_t)(i % LENGTH),
                               .source = -1};

        assert_int_equal(eagle_samples_add(s, row, NULL, &d, 1, NULL), EAGLE_OK);
    }
    assert_int_equal(eagle_samples_judge(&v, s, NULL), EAGLE_OK);
    eagle_samples_free(s);
    return v;
}

/* With as many tokens as the judge asks for, the bins alone find the hardest bias as often as
 * stated; all tests together at least as often. */
static void the_stated_power_is_met(void **state)
{
    const int32_t runs = full() ? 2000 : 200;
    eagle_samples_options opt;
    uint64_t random = 5;
    int32_t by_bins = 0;
    int32_t by_any = 0;

    (void)state;
    eagle_samples_defaults(&opt);
    opt.alpha = 1e-3;
    opt.tv = full() ? 0.05 : 0.1;
    opt.power = 0.9;
    eagle_samples_verdict v = biased(&random, 0.0, 400, &opt);
    const int64_t n = v.needed;

    assert_int_equal(v.status, EAGLE_EINCONCLUSIVE);
    eagle_samples_verdict_free(&v);
    for (int32_t i = 0; i < runs; i++) {
        v = biased(&random, opt.tv, n, &opt);
        by_bins += test_of(&v, "u", "")->failed ? 1 : 0;
        by_any += v.status == EAGLE_EFAILED ? 1 : 0;
        assert_true(v.power >= 0.9 && v.power < 0.905);
        eagle_samples_verdict_free(&v);
    }
    printf("tv %g, %d tokens, found by the bins: ", opt.tv, (int)n);
    assert_share(by_bins, runs, 0.9, true, true);
    printf("by any test: ");
    assert_share(by_any, runs, 0.9, true, false);
}

/* The bound of u is that over all sets of bins, by Azuma's inequality for each: the one that holds
 * for errors that depend on the past. */
static void assert_bound(const eagle_samples_verdict *v, double bins, double delta)
{
    for (int32_t i = 0; i < v->n_test; i++) {
        const eagle_samples_test *t = &v->test[i];

        if (strcmp(t->name, "u") == 0) {
            const double over = fmax(0.0, t->statistic - delta);
            const double p = fmin(1.0, exp(bins * log(2.0) - 2.0 * (double)t->n * over * over));

            assert_true(fabs(t->p - p) <= 1e-12 * p);
        }
    }
}

/* A bias of delta itself is no alarm; one of tv is found, as bounds promise, at least as often. */
static void room_for_rounding_neither_alarms_nor_hides_a_bias(void **state)
{
    const int32_t runs = full() ? 1000 : 40;
    eagle_samples_options opt;
    uint64_t random = 6;
    int32_t alarms = 0;
    int32_t found = 0;

    (void)state;
    eagle_samples_defaults(&opt);
    opt.alpha = 1e-3;
    opt.delta = 0.2; /* far above what chance gives, so that it is seen to be granted */
    opt.tv = 0.35;
    opt.power = 0.9;
    eagle_samples_verdict v = biased(&random, 0.0, 400, &opt);
    const int64_t n = v.needed;

    eagle_samples_verdict_free(&v);
    assert_true(n > 1000 && n < 6000);
    for (int32_t i = 0; i < runs; i++) {
        v = biased(&random, opt.delta, n, &opt);
        alarms += v.status == EAGLE_EFAILED ? 1 : 0;
        eagle_samples_verdict_free(&v);
        v = biased(&random, opt.tv, n, &opt);
        found += test_of(&v, "u", "")->failed ? 1 : 0;
        assert_bound(&v, 64.0, opt.delta);
        eagle_samples_verdict_free(&v);
    }
    printf("delta %g, alarms: ", opt.delta);
    assert_share(alarms, runs, opt.alpha, false, true);
    printf("tv %g, %d tokens, found: ", opt.tv, (int)n);
    assert_share(found, runs, 0.9, true, false);
}

/* No number of tokens tells a bias from rounding that may be as large. */
static void a_bias_within_delta_cannot_be_excluded(void **state)
{
    eagle_samples_options opt;
    uint64_t random = 7;

    (void)state;
    eagle_samples_defaults(&opt);
    opt.delta = 0.02;
    opt.tv = 0.02;
    eagle_samples_verdict v = biased(&random, 0.0, 4000, &opt);

    assert_int_equal(v.status, EAGLE_EINCONCLUSIVE);
    assert_true(v.needed == INT64_MAX);
    assert_true(v.found > opt.delta);
    eagle_samples_verdict_free(&v);
}

/* ---- controls -------------------------------------------------------------------------------- */

/* Tokens of 16 equals, of which the law keeps 8: one of 20 falls outside, or none. */
static eagle_samples *outside(int32_t n, bool some, bool lower, const eagle_samples_options *opt)
{
    static const float row[VOCAB];
    eagle_samples *s = NULL;
    uint64_t random = 9;

    assert_int_equal(eagle_samples_create(&s, VOCAB, opt, NULL), EAGLE_OK);
    for (int32_t i = 0; i < n; i++) {
        const int32_t inside = (int32_t)(toy_random(&random) >> (lower ? 62 : 61));
        const eagle_drawn d = {.token = some && i % 20 == 0 ? 12 : inside,
                               .response = i / LENGTH,
                               .index = i % LENGTH,
                               .source = -1};

        assert_int_equal(eagle_samples_add(s, row, NULL, &d, 1, NULL), EAGLE_OK);
    }
    return s;
}

/* Which tests tell two samples apart; a control of another size changes nothing. */
static void a_control_is_compared_test_by_test(void **state)
{
    eagle_samples_options opt;
    eagle_samples *of[4];
    eagle_samples_verdict v;

    (void)state;
    eagle_samples_defaults(&opt);
    opt.sampling.top_k = 8;
    of[0] = outside(4000, false, false, &opt);
    of[1] = outside(6000, false, false, &opt);
    of[2] = outside(4000, true, false, &opt);
    of[3] = outside(4000, false, true, &opt); /* the first 4 of 8 alone */

    assert_int_equal(eagle_samples_compare(&v, of[0], of[1], NULL), EAGLE_OK);
    assert_int_equal(v.status, EAGLE_EINCONCLUSIVE);
    eagle_samples_verdict_free(&v);
    assert_int_equal(eagle_samples_compare(&v, of[2], of[1], NULL), EAGLE_OK);
    assert_true(test_of(&v, "support", "")->failed);
    eagle_samples_verdict_free(&v);
    assert_int_equal(eagle_samples_compare(&v, of[1], of[2], NULL), EAGLE_OK);
    assert_false(test_of(&v, "support", "")->failed); /* fewer than the control is no fault */
    eagle_samples_verdict_free(&v);
    assert_int_equal(eagle_samples_compare(&v, of[3], of[1], NULL), EAGLE_OK);
    assert_true(test_of(&v, "u", "")->failed);
    assert_true(test_of(&v, "Kolmogorov", "")->failed);
    assert_false(test_of(&v, "support", "")->failed);
    eagle_samples_verdict_free(&v);
    for (int32_t i = 0; i < 4; i++) {
        eagle_samples_free(of[i]);
    }
}

/* Five tokens are listed, of 0.08 each; all that is left goes to one token that is not. */
static void what_the_lists_leave_unnamed_is_not_passed(void **state)
{
    static const int32_t top[5] = {0, 1, 2, 3, 4};
    const double logprob[5] = {log(0.08), log(0.08), log(0.08), log(0.08), log(0.08)};
    eagle_samples_options opt;
    eagle_samples *s[2] = {NULL, NULL};
    eagle_samples_verdict v;
    uint64_t random = 3;

    (void)state;
    eagle_samples_defaults(&opt);
    opt.null = EAGLE_NULL_SAMPLER;
    opt.tv = 0.59;
    for (int32_t i = 0; i < 2; i++) {
        assert_int_equal(eagle_samples_create(&s[i], 100, &opt, NULL), EAGLE_OK);
        for (int32_t k = 0; k < 20000; k++) {
            const double x = toy_uniform(&random) * 12.5;
            const eagle_drawn d = {.token = x < 5.0 ? (int32_t)x : 99,
                                   .response = k / LENGTH,
                                   .index = k % LENGTH,
                                   .source = -1};

            assert_int_equal(eagle_samples_add_recorded(s[i], top, logprob, 5, &d, NULL), EAGLE_OK);
        }
    }
    for (int32_t beside = 0; beside < 2; beside++) {
        assert_int_equal(beside == 0 ? eagle_samples_judge(&v, s[0], NULL)
                                     : eagle_samples_compare(&v, s[0], s[1], NULL),
                         EAGLE_OK);
        assert_int_equal(v.status, EAGLE_EINCONCLUSIVE);
        assert_true(fabs(v.rest - 0.6) < 1e-9);
        assert_true(v.needed == INT64_MAX);
        eagle_samples_verdict_free(&v);
    }
    eagle_samples_free(s[0]);
    eagle_samples_free(s[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(false_alarms_are_as_rare_as_alpha_says),
        cmocka_unit_test(a_test_fails_at_its_share_of_alpha_and_not_before),
        cmocka_unit_test(the_stated_power_is_met),
        cmocka_unit_test(room_for_rounding_neither_alarms_nor_hides_a_bias),
        cmocka_unit_test(a_bias_within_delta_cannot_be_excluded),
        cmocka_unit_test(a_control_is_compared_test_by_test),
        cmocka_unit_test(what_the_lists_leave_unnamed_is_not_passed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
