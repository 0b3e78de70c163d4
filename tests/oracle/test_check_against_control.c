/* SPDX-License-Identifier: MIT */
/* test_check_against_control.c - noise or bug, by a run without a drafter: the two tails by exact
 * values, and what the control makes of near-ties. */
#include "check/statistics.h"
#include "support/lib_judged.h"
#include "support/lib_planted.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* ---- tails ----------------------------------------------------------------------------------- */

static void assert_near(double value, double exact)
{
    assert_true(fabs(value - exact) <= 1e-9 * exact);
}

static void fishers_tail_is_that_of_the_lady_tasting_tea(void **state)
{
    (void)state;
    /* Four cups of eight, all four right: 1 / C(8, 4); three or more: (16 + 1) / 70. */
    assert_near(eg_fisher_more(4, 4, 0, 4), 1.0 / 70.0);
    assert_near(eg_fisher_more(3, 4, 1, 4), 17.0 / 70.0);
    assert_near(eg_fisher_more(0, 4, 4, 4), 1.0);
    assert_near(eg_fisher_more(5, 5, 0, 5), 1.0 / 252.0);
}

static void poissons_tail_is_a_sum_of_its_terms(void **state)
{
    (void)state;
    assert_near(eg_poisson_tail(1, 1e-3), 1.0 - exp(-1e-3));
    assert_near(eg_poisson_tail(3, 0.5), 1.0 - exp(-0.5) * (1.0 + 0.5 + 0.125));
    assert_near(eg_poisson_tail(0, 0.5), 1.0);
    assert_true(eg_poisson_tail(1, 0.0) == 0.0);
}

/* ---- the control ----------------------------------------------------------------------------- */

/* A run and its control on one toy; the report is the caller's. */
static eagle_check_report *judge_beside(const toy_options *network, const planted_options *one,
                                        const planted_options *control)
{
    toy *t = toy_create(network);
    eagle_claims *runs = planted_claims();
    eagle_claims *others = planted_claims();

    planted_run(runs, t, one);
    planted_run(others, t, control);
    eagle_check_report *report = judge_claims(t, runs, others, NULL);

    eagle_claims_free(others);
    eagle_claims_free(runs);
    toy_free(t);
    return report;
}

static void a_drafter_that_makes_it_worse_fails_beside_its_control(void **state)
{
    (void)state;
    eagle_check_report *report =
        judge_beside(&(toy_options){.seed = 3},
                     &(planted_options){.rounds = 40, .no_logits = true, .fault = PLANTED_BONUS},
                     &(planted_options){.rounds = 100, .no_logits = true, .plain = true});

    assert_verdict(report, "control", EAGLE_CHECK_FAIL);
    assert_int_equal(line_of(report, "control")->n_judged, 100);
    assert_int_equal(line_of(report, "control")->n_different, 0);
    eagle_check_report_free(report);
}

static void near_ties_that_the_control_has_too_are_noise_of_the_target(void **state)
{
    (void)state;
    /* Every token of both runs breaks a tie otherwise. */
    eagle_check_report *report = judge_beside(
        &(toy_options){.seed = 3, .flat = true},
        &(planted_options){.rounds = 40, .no_logits = true, .plain = true, .fault = PLANTED_TIE},
        &(planted_options){.rounds = 60, .no_logits = true, .plain = true, .fault = PLANTED_TIE});

    assert_verdict(report, "control", EAGLE_CHECK_PASS);
    assert_non_null(strstr(line_of(report, "control")->text, "batch-shape noise of the target"));
    assert_int_equal(eagle_check_verdict_of(report), EAGLE_CHECK_NEAR_TIE);
    eagle_check_report_free(report);
}

static void a_control_too_short_to_tell_is_inconclusive_and_says_what_would_be_found(void **state)
{
    (void)state;
    eagle_check_report *report = judge_beside(
        &(toy_options){.seed = 3, .flat = true},
        &(planted_options){.rounds = 40, .no_logits = true, .plain = true, .fault = PLANTED_TIE},
        &(planted_options){.rounds = 4, .no_logits = true, .plain = true, .fault = PLANTED_TIE});

    assert_verdict(report, "control", EAGLE_CHECK_INCONCLUSIVE);
    assert_non_null(strstr(line_of(report, "control")->text, "too short to tell"));
    assert_non_null(strstr(line_of(report, "control")->text, "no rate would be"));
    eagle_check_report_free(report);
}

/* ---- how far it has come --------------------------------------------------------------------- */

typedef struct {
    int64_t done;
    int64_t of;
    int32_t calls;
    int32_t last; /* the call that says no; 0: none */
} watch;

static bool watching(void *ctx, int64_t done, int64_t of)
{
    watch *w = ctx;

    assert_true(done >= w->done && done <= of);
    assert_true(w->calls == 0 || of == w->of);
    w->done = done;
    w->of = of;
    w->calls++;
    return w->calls != w->last;
}

static void progress_is_one_over_all_runs_and_ends_where_it_is_told_to(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = 3});
    eagle_claims *runs = planted_claims();
    eagle_claims *others = planted_claims();
    const planted_options some = {.rounds = 4, .sites = true};
    eagle_check_options opt;
    eagle_error err = {0};
    watch w = {0};
    int64_t tokens = 0;

    planted_run(runs, t, &some);
    planted_run(runs, t, &some);
    planted_run(others, t, &(planted_options){.rounds = 5, .plain = true});
    tokens = 2 * (int64_t)runs->claim[0]->n + others->claim[0]->n;
    eagle_check_defaults(&opt);
    opt.threads = 1;
    opt.head = toy_head(t);
    opt.go_on = watching;
    opt.ctx = &w;
    eagle_check_report_free(judge_claims(t, runs, others, &opt));
    assert_int_equal(w.done, tokens);
    assert_int_equal(w.of, tokens);
    for (int32_t last = w.calls; last > 0; last--) {
        eagle_check_report *report = NULL;

        w = (watch){.last = last};
        assert_int_equal(eagle_check(&report, toy_model(t), runs, others, &opt, &err),
                         EAGLE_EINCONCLUSIVE);
        assert_string_equal(err.message, "interrupted");
        assert_null(report);
        assert_int_equal(w.calls, last); /* and nothing is asked after it */
    }
    eagle_claims_free(others);
    eagle_claims_free(runs);
    toy_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fishers_tail_is_that_of_the_lady_tasting_tea),
        cmocka_unit_test(poissons_tail_is_a_sum_of_its_terms),
        cmocka_unit_test(a_drafter_that_makes_it_worse_fails_beside_its_control),
        cmocka_unit_test(near_ties_that_the_control_has_too_are_noise_of_the_target),
        cmocka_unit_test(a_control_too_short_to_tell_is_inconclusive_and_says_what_would_be_found),
        cmocka_unit_test(progress_is_one_over_all_runs_and_ends_where_it_is_told_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
