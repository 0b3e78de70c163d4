/* SPDX-License-Identifier: MIT */
/* test_check_figures.c - what a judgement states in numbers: how far states have come from ours, site by
 * site, by differences that were planted. */
#include "check/claims.h"
#include "check/judge.h"
#include "support/lib_planted.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 3, ROUNDS = 6, FROM = 2, LAYERS = 2 };

typedef struct {
    toy *t;
    eagle_claims *claims;
} run;

static run start(const planted_options *planted)
{
    run r = {.t = toy_create(&(toy_options){.seed = SEED}), .claims = planted_claims()};

    planted_run(r.claims, r.t, planted);
    return r;
}

static void end(run *r)
{
    eagle_claims_free(r->claims);
    toy_free(r->t);
}

static eagle_check_report *judge(const run *r)
{
    eagle_check_report *report = NULL;
    eagle_check_options opt;
    eagle_error err = {0};

    eagle_check_defaults(&opt);
    opt.threads = 1;
    if (eagle_check(&report, toy_model(r->t), r->claims, NULL, &opt, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    return report;
}

/* What was recorded at a site in round FROM: to be changed. */
static float *recorded(const run *r, eagle_site site, int32_t layer)
{
    const eg_claim_round *round = &r->claims->claim[0]->round[FROM];
    const eg_claim_site *at = eg_claim_find(round->site, round->n_sites, site, layer);

    assert_non_null(at);
    return (float *)(uintptr_t)at->tensor->data;
}

static const eagle_check_drift *drift_of(const eagle_check_report *report, const char *site)
{
    const eagle_check_drift *d;
    int32_t i = 0;

    while ((d = eagle_check_drift_at(report, i)) != NULL && strcmp(d->site, site) != 0) {
        i++;
    }
    assert_non_null(d);
    return d;
}

/* ---- drift ------------------------------------------------------------------------------------- */

/* The figures of rows of known numbers, by hand. */
static void figures_of_a_site_are_those_of_its_numbers(void **state)
{
    (void)state;
    static const float ours[4] = {1.0f, -2.0f, 4.0f, 0.5f};
    static const float theirs[4] = {1.0f, -2.0f + 0x1p-20f, 4.0f + 0x1p-10f, 0.5f};
    static const float broken[4] = {1.0f, NAN, 4.0f, 0.5f};
    eagle_check_report *report = calloc(1, sizeof *report);
    eg_drift drift = {0};

    assert_non_null(report);
    assert_int_equal(eg_drift_make(&drift, LAYERS, NULL), EAGLE_OK);
    eg_drift_add(&drift, EAGLE_SITE_ATTN, 0, EAGLE_F32, ours, ours, 4);
    eg_drift_add(&drift, EAGLE_SITE_ATTN, 1, EAGLE_F32, theirs, ours, 4);
    eg_drift_add(&drift, EAGLE_SITE_V, 0, EAGLE_BF16, theirs, ours, 4);
    eg_drift_add(&drift, EAGLE_SITE_K, 1, EAGLE_F32, broken, ours, 4);
    eg_drift_report(report, &drift);

    const eagle_check_drift *d = drift_of(report, "attn");

    assert_int_equal(d->layer, 1); /* the worse one */
    assert_int_equal(d->rows, 1);
    assert_int_equal(d->values, 4);
    assert_true(d->largest == 0x1p-10);
    assert_true(d->mean == (0x1p-10 + 0x1p-20) / 4.0);
    assert_true(d->nmse == (0x1p-20 + 0x1p-40) / (1.0 + 4.0 + 16.0 + 0.25));
    assert_true(d->cosine_least < 1.0 && d->cosine_least > 1.0 - 1e-7);
    assert_int_equal(d->ulps[0], 2);
    assert_int_equal(d->ulps[3], 1);  /* 2^-20 at 2, where an ulp is 2^-22: 4 of them */
    assert_int_equal(d->ulps[12], 1); /* 2^-10 at 4, where an ulp is 2^-21: 2048 of them */

    assert_int_equal(drift_of(report, "v")->ulps[0],
                     4); /* in bf16 all of it is less than half an ulp */
    assert_int_equal(drift_of(report, "k")->layer, 1);
    assert_int_equal(drift_of(report, "k")->not_finite, 1);
    assert_int_equal(drift_of(report, "k")->ulps[12], 1);
    assert_true(drift_of(report, "k")->largest == 0.0);
    eg_drift_free(&drift);
    eagle_check_report_free(report);
}

static void states_of_a_right_run_are_ours_in_every_value(void **state)
{
    (void)state;
    run r = start(&(planted_options){.rounds = ROUNDS, .sites = true});
    eagle_check_report *report = judge(&r);
    const eagle_check_drift *d;
    int32_t n = 0;

    for (; (d = eagle_check_drift_at(report, n)) != NULL; n++) {
        assert_true(d->largest == 0.0 && d->mean == 0.0 && d->nmse == 0.0);
        assert_int_equal(d->ulps[0], d->values);
        assert_true(d->layer == -1 || d->layer < LAYERS);
    }
    assert_int_equal(n, 14); /* all but the logits, which are recorded apart */
    eagle_check_report_free(report);
    end(&r);
}

static void a_planted_difference_is_in_the_figures_of_its_site_and_layer(void **state)
{
    (void)state;
    run r = start(&(planted_options){.rounds = ROUNDS, .few_sites = true});
    float *v = recorded(&r, EAGLE_SITE_V, 1);
    const float was = v[5];

    v[5] = was + 0.25f;
    eagle_check_report *report = judge(&r);
    const eagle_check_drift *d = drift_of(report, "v");
    const double off = (double)v[5] - (double)was;

    assert_int_equal(d->layer, 1);
    assert_true(d->largest == off);
    assert_true(fabs(d->mean * (double)d->values - off) <= 1e-12);
    assert_int_equal(d->ulps[0], d->values - 1);
    assert_int_equal(d->ulps[12], 1);
    assert_true(drift_of(report, "k_rope")->largest == 0.0);
    eagle_check_report_free(report);
    end(&r);
}

static void rounding_to_bf16_is_a_matter_of_ulps_of_bf16(void **state)
{
    (void)state;
    run r = start(&(planted_options){.rounds = ROUNDS, .sites = true, .dtype = EAGLE_BF16});
    eagle_check_report *report = judge(&r);
    const eagle_check_drift *d = drift_of(report, "embed");
    int64_t sum = 0;

    /* The weights are f32: an embedding that is rounded once is off by half an ulp at most. */
    assert_int_equal(d->ulps[0] + d->ulps[1], d->values);
    d = drift_of(report, "resid_mlp");
    for (int32_t i = 0; i < EAGLE_CHECK_ULPS; i++) {
        sum += d->ulps[i];
    }
    assert_int_equal(sum, d->values);
    assert_true(d->ulps[0] < d->values && d->ulps[0] > d->values / 20);
    assert_true(d->nmse > 1e-7 && d->nmse < 1e-2);
    assert_true(d->cosine_least > 0.99 && d->cosine_least < 1.0);
    assert_true(d->mean > 0.0 && d->mean < d->largest);
    eagle_check_report_free(report);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_of_a_site_are_those_of_its_numbers),
        cmocka_unit_test(states_of_a_right_run_are_ours_in_every_value),
        cmocka_unit_test(a_planted_difference_is_in_the_figures_of_its_site_and_layer),
        cmocka_unit_test(rounding_to_bf16_is_a_matter_of_ulps_of_bf16),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
