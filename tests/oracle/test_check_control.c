/* SPDX-License-Identifier: MIT */
/* test_check_control.c - more or larger near-ties than the control has: the rank sum's bound beside
 * its exact law, and gaps of planted distributions. */
#include "check/judge.h"
#include "check/repeats.h"
#include "check/statistics.h"
#include "support/lib_planted.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the rank sum ---------------------------------------------------------------------------- */

/* How many of the places of n_a among n_a + n_b have that many pairs or more: each place of a that
 * has k of b below it adds k. */
static double ways(int32_t n_a, int32_t n_b, int32_t below, int32_t pairs)
{
    if (n_a == 0) {
        return pairs <= 0 ? 1.0 : 0.0;
    }
    return ways(n_a - 1, n_b, below, pairs - below) +
           (below < n_b ? ways(n_a, n_b, below + 1, pairs) : 0.0);
}

static void its_bound_is_above_the_exact_probability(void **state)
{
    (void)state;
    double a[8];
    double b[8];

    for (int32_t n_a = 1; n_a <= 6; n_a++) {
        for (int32_t n_b = 1; n_b <= 6; n_b++) {
            for (int32_t pairs = 0; pairs <= n_a * n_b; pairs++) {
                /* Numbers with that many pairs: whole rows of b, and one part of a row. */
                const int32_t full = pairs / n_b;

                for (int32_t i = 0; i < n_b; i++) {
                    b[i] = i + 1.0;
                }
                for (int32_t i = 0; i < n_a; i++) {
                    const int32_t k = n_a - 1 - i;

                    a[i] = k < full ? n_b + 1.0 : k == full ? pairs % n_b + 0.5 : 0.0;
                }
                const double exact = ways(n_a, n_b, 0, pairs) / ways(n_a, n_b, 0, 0);
                const double bound = eg_rank_sum_more(a, n_a, b, n_b);

                assert_true(bound >= exact * (1.0 - 1e-12));
                assert_true(bound <= 1.0);
            }
        }
    }
    /* All of 3 above all of 2: 6 pairs of 6, variance 3 x 2 x 6 / 12 = 3: exp(-9 / 6). */
    assert_true(fabs(eg_rank_sum_more((double[]){3, 4, 5}, 3, (double[]){1, 2}, 2) - exp(-1.5)) <
                1e-15);
    /* Equal numbers count for the other. */
    assert_true(eg_rank_sum_more((double[]){1, 1, 1}, 3, (double[]){1, 1}, 2) == 1.0);
}

/* ---- gaps ------------------------------------------------------------------------------------ */

/* Sizes of gaps by which a report is made: uniform up to `most`, but for a share of them ten times
 * that. */
typedef struct {
    int32_t n;
    int32_t judged;
    double most;
    double outliers;
} gaps;

static eagle_check_report *make_report(const gaps *g, uint64_t *random)
{
    eagle_check_report *report = calloc(1, sizeof *report);

    assert_non_null(report);
    assert_int_equal(eg_gaps_reserve(report, g->n, NULL), EAGLE_OK);
    for (int32_t i = 0; i < g->n; i++) {
        const double u = (double)(toy_random(random) >> 11) * 0x1p-53;
        const bool out = (double)(toy_random(random) >> 11) * 0x1p-53 < g->outliers;

        report->gap[report->n_gaps++] = u * g->most * (out ? 10.0 : 1.0);
    }
    report->events = (eg_events){.judged = g->judged, .different = g->n};
    return report;
}

/* How many of 200 pairs of such reports fail; the last one's text. */
static int32_t failures(const gaps *run, const gaps *control, char text[320])
{
    uint64_t random = 1;
    int32_t n = 0;

    for (int32_t i = 0; i < 200; i++) {
        eagle_check_report *a = make_report(run, &random);
        eagle_check_report *b = make_report(control, &random);

        eg_judge_control(a, b, true);
        const eagle_check_line *line = eg_line(a, "control");

        n += line->verdict == EAGLE_CHECK_FAIL;
        memcpy(text, line->text, 320);
        eagle_check_report_free(b);
        eagle_check_report_free(a);
    }
    return n;
}

static void gaps_of_one_law_are_noise_and_larger_ones_fail(void **state)
{
    (void)state;
    char text[320];
    const gaps usual = {.n = 100, .judged = 2000, .most = 0.1};

    assert_int_equal(failures(&usual, &usual, text), 0);
    assert_non_null(strstr(text, "batch-shape noise"));
    assert_non_null(strstr(text, "median gap 0.0"));

    const gaps twice = {.n = 100, .judged = 2000, .most = 0.25}; /* as many, and larger */

    assert_true(failures(&twice, &usual, text) > 180);
    assert_true(failures(&usual, &twice, text) == 0); /* smaller ones are no fault */

    /* One outlier in ten of the control does not hide them. */
    const gaps rough = {.n = 100, .judged = 2000, .most = 0.1, .outliers = 0.1};

    assert_true(failures(&(gaps){.n = 100, .judged = 2000, .most = 0.4}, &rough, text) > 180);
}

static void larger_gaps_are_said_where_they_are_the_reason(void **state)
{
    (void)state;
    char text[320];

    assert_int_equal(failures(&(gaps){.n = 100, .judged = 2000, .most = 10.0},
                              &(gaps){.n = 100, .judged = 2000, .most = 0.1}, text),
                     200);
    assert_non_null(strstr(text, "the drafter makes it worse"));
}

static void too_few_gaps_are_not_compared(void **state)
{
    (void)state;
    char text[320];

    /* 18 of each cannot be significant, 19 can. */
    assert_int_equal(failures(&(gaps){.n = 18, .judged = 2000, .most = 100.0},
                              &(gaps){.n = 18, .judged = 2000, .most = 1e-9}, text),
                     0);
    assert_non_null(strstr(text, "too few gaps"));
    assert_int_equal(failures(&(gaps){.n = 19, .judged = 2000, .most = 100.0},
                              &(gaps){.n = 19, .judged = 2000, .most = 1e-9}, text),
                     200);
}

/* The tokens of a real judgement leave their gaps. */
static void every_other_token_leaves_its_gap(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = 3});
    eagle_claims *claims = planted_claims();
    eagle_check_report *report = NULL;
    eagle_check_options opt;
    double most = 0.0;

    eagle_check_defaults(&opt);
    opt.threads = 1;
    for (int i = 0; i < 2; i++) { /* the same run twice counts once */
        planted_run(claims, t, &(planted_options){.rounds = 20, .fault = PLANTED_BONUS});
    }
    assert_int_equal(eagle_check(&report, toy_model(t), claims, NULL, &opt, NULL), EAGLE_OK);
    assert_true(report->n_gaps > 10);
    assert_int_equal(report->n_gaps, report->events.different);
    assert_int_equal(2 * report->n_gaps, eg_line(report, "tokens")->n_different);
    assert_int_equal(2 * report->events.judged, eg_line(report, "tokens")->n_judged);
    for (int64_t i = 0; i < report->n_gaps; i++) {
        assert_true(report->gap[i] >= 0.0);
        most = fmax(most, report->gap[i]);
    }
    assert_true(most >= eagle_check_first(report)->gap);
    eagle_check_report_free(report);
    eagle_claims_free(claims);
    toy_free(t);
}

static void what_was_asked_twice_counts_once(void **state)
{
    (void)state;
    int32_t a[] = {1, 2, 3, 4, 5};
    int32_t b[] = {1, 2, 3, 9};
    int32_t c[] = {1, 2, 3, 4, 5, 6};
    int32_t d[] = {7, 2, 3};
    eg_claim claim[] = {{.token = a, .n = 5, .n_prompt = 2},
                        {.token = b, .n = 4, .n_prompt = 2},
                        {.token = c, .n = 6, .n_prompt = 2},
                        {.token = d, .n = 3, .n_prompt = 2},
                        {.token = a, .n = 5, .n_prompt = 2}};
    eg_claim *all[] = {&claim[0], &claim[1], &claim[2], &claim[3], &claim[4]};
    const eagle_claims claims = {.claim = all, .n = 5};
    const eagle_claims less = {.claim = all, .n = 3};
    int32_t *repeated = NULL;
    bool same = false;

    assert_int_equal(eg_repeats(&repeated, &claims, NULL), EAGLE_OK);
    assert_int_equal(repeated[0] + repeated[4], 5); /* one of the two, and nothing of the other */
    assert_int_equal(repeated[2], 5);
    assert_int_equal(repeated[1], 3);
    assert_int_equal(repeated[3], 0);
    free(repeated);

    /* Drawn by another seed it is another event. */
    claim[4].has_sampling = claim[4].has_seed = true;
    claim[4].sampling.temperature = 1.0f;
    claim[4].seed = 5;
    assert_int_equal(eg_repeats(&repeated, &claims, NULL), EAGLE_OK);
    assert_int_equal(repeated[0] + repeated[4], 0);
    free(repeated);

    assert_int_equal(eg_same_prompts(&same, &less, &claims, NULL), EAGLE_OK);
    assert_true(same);
    assert_int_equal(eg_same_prompts(&same, &claims, &less, NULL), EAGLE_OK);
    assert_false(same);
}

static void a_control_of_other_prompts_convicts_nobody(void **state)
{
    (void)state;
    uint64_t random = 1;
    eagle_check_report *a = make_report(&(gaps){.n = 100, .judged = 2000, .most = 10.0}, &random);
    eagle_check_report *b = make_report(&(gaps){.n = 100, .judged = 2000, .most = 0.1}, &random);

    eg_judge_control(a, b, false);
    assert_int_equal(eg_line(a, "control")->verdict, EAGLE_CHECK_INCONCLUSIVE);
    assert_non_null(strstr(eg_line(a, "control")->text, "other prompts"));
    eagle_check_report_free(b);
    eagle_check_report_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_bound_is_above_the_exact_probability),
        cmocka_unit_test(gaps_of_one_law_are_noise_and_larger_ones_fail),
        cmocka_unit_test(larger_gaps_are_said_where_they_are_the_reason),
        cmocka_unit_test(too_few_gaps_are_not_compared),
        cmocka_unit_test(every_other_token_leaves_its_gap),
        cmocka_unit_test(what_was_asked_twice_counts_once),
        cmocka_unit_test(a_control_of_other_prompts_convicts_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
