/* SPDX-License-Identifier: MIT */
/* test_check_figures.c - what a judgement states in numbers: how far states have come from ours,
 * site by site, and which error of an operation would be found; by differences that were
 * planted. */
#include "check/budget.h"
#include "check/claims.h"
#include "check/judge.h"
#include "model/model.h"
#include "support/lib_judged.h"
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

/* ---- drift ----------------------------------------------------------------------------------- */

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
    eagle_check_report *report = judge_claims(r.t, r.claims, NULL, NULL);
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
    eagle_check_report *report = judge_claims(r.t, r.claims, NULL, NULL);
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
    eagle_check_report *report = judge_claims(r.t, r.claims, NULL, NULL);
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

/* A row of states that is off by twice what is allowed, and by five times: random weights come to
 * the one, nothing right to the other. */
static void states_are_in_doubt_before_they_fail(void **state)
{
    (void)state;
    run r = start(&(planted_options){.rounds = ROUNDS, .few_sites = true});
    const eg_judge j = {.config = toy_config(r.t, false), .dtype = EAGLE_F32};
    float *v = recorded(&r, EAGLE_SITE_V, 1);
    const int32_t width = j.config->n_kv_heads * j.config->head_dim;
    const double allowed = eg_state_bound(&j, 2) * eg_length(v, (size_t)width);
    const float was = v[5];

    for (int times = 0; times < 3; times++) {
        static const double off[] = {0.5, 2.0, 5.0};
        static const eagle_check_verdict verdict[] = {EAGLE_CHECK_PASS, EAGLE_CHECK_INCONCLUSIVE,
                                                      EAGLE_CHECK_FAIL};

        v[5] = was + (float)(off[times] * allowed);
        eagle_check_report *report = judge_claims(r.t, r.claims, NULL, NULL);

        assert_int_equal(line_of(report, "layers")->verdict, verdict[times]);
        assert_int_equal(line_of(report, "layers")->n_failed, times > 0 ? 1 : 0);
        assert_int_equal(eagle_check_first(report)->found, times == 2);
        eagle_check_report_free(report);
    }
    end(&r);
}

/* ---- operations ------------------------------------------------------------------------------ */

static eagle_check_operation operation_of(const eagle_check_report *report, eagle_site site)
{
    const eagle_check_operation *o;
    int32_t i = 0;

    while ((o = eagle_check_operation_at(report, i)) != NULL &&
           strcmp(o->site, eagle_site_name(site)) != 0) {
        i++;
    }
    assert_non_null(o);
    return *o;
}

static void a_value_shifted_by_more_than_the_stated_number_fails_in_each_operation(void **state)
{
    (void)state;
    static const eagle_site site[] = {
        EAGLE_SITE_EMBED,  EAGLE_SITE_ATTN_NORM,  EAGLE_SITE_Q,        EAGLE_SITE_K,
        EAGLE_SITE_V,      EAGLE_SITE_Q_ROPE,     EAGLE_SITE_K_ROPE,   EAGLE_SITE_ATTN,
        EAGLE_SITE_ACT,    EAGLE_SITE_RESID_ATTN, EAGLE_SITE_MLP_NORM, EAGLE_SITE_RESID_MLP,
        EAGLE_SITE_FEATURE};
    static const int32_t value[] = {0, 3, 7};
    run r = start(&(planted_options){.rounds = ROUNDS, .sites = true, .dtype = EAGLE_BF16});
    eagle_check_report *before = judge_claims(r.t, r.claims, NULL, NULL);

    assert_int_equal(line_of(before, "operations")->verdict, EAGLE_CHECK_PASS);
    for (size_t i = 0; i < sizeof site / sizeof site[0]; i++) {
        const int32_t layer = eg_site_of_a_layer(site[i]) ? 1 : 0;
        const eagle_check_operation o = operation_of(before, site[i]);
        float *at = recorded(&r, site[i], layer) + value[i % 3];
        const float was = *at;

        *at = was + (float)(o.least_shift * (i % 2 == 0 ? 1.001 : -1.001));
        eagle_check_report *after = judge_claims(r.t, r.claims, NULL, NULL);

        assert_int_equal(line_of(after, "operations")->verdict, EAGLE_CHECK_FAIL);
        assert_string_equal(eagle_check_first(after)->site, eagle_site_name(site[i]));
        assert_true(operation_of(after, site[i]).budget_share > 1.0);
        eagle_check_report_free(after);
        *at = was;
    }
    eagle_check_report_free(before);
    end(&r);
}

/* The largest sum of budget, which is an ulp, and error of the embeddings of these tokens. */
static double largest_sum(const run *r, const eg_claim_site *site, int32_t n_sites,
                          const int32_t *token, eagle_dtype dtype)
{
    const eg_claim_site *at = eg_claim_find(site, n_sites, EAGLE_SITE_EMBED, 0);
    const eg_matrix *embed = &toy_model(r->t)->target.embed;
    const int32_t dim = embed->cols;
    double most = 0.0;
    float row[256];

    for (int64_t i = 0; at != NULL && i < at->tensor->shape[0]; i++) {
        eg_matrix_row(row, embed, token[i]);
        for (int32_t k = 0; k < dim; k++) {
            const float theirs = ((const float *)at->tensor->data)[i * dim + k];

            most =
                fmax(most, eg_ulp(dtype, (double)row[k]) + fabs((double)theirs - (double)row[k]));
        }
    }
    return most;
}

static void the_stated_number_is_the_largest_sum_of_budget_and_error(void **state)
{
    (void)state;
    static const eagle_dtype dtype[] = {EAGLE_F32, EAGLE_BF16, EAGLE_F16};

    for (size_t i = 0; i < 3; i++) {
        run r = start(&(planted_options){.rounds = ROUNDS, .sites = true, .dtype = dtype[i]});
        eagle_check_report *report = judge_claims(r.t, r.claims, NULL, NULL);
        const eg_claim *c = r.claims->claim[0];
        double most = largest_sum(&r, c->site, c->n_sites, c->token, dtype[i]);

        for (int32_t k = 0; k < c->n_rounds; k++) {
            const eg_claim_round *round = &c->round[k];

            most = fmax(most, largest_sum(&r, round->site, round->n_sites, round->token, dtype[i]));
        }
        assert_true(operation_of(report, EAGLE_SITE_EMBED).least_shift == most);
        eagle_check_report_free(report);
        end(&r);
    }
}

static void one_ulp_of_an_embedding_may_be_and_two_fail(void **state)
{
    (void)state;
    run r = start(&(planted_options){.rounds = ROUNDS, .sites = true});
    eagle_check_report *report = judge_claims(r.t, r.claims, NULL, NULL);
    const eagle_check_operation o = operation_of(report, EAGLE_SITE_EMBED);
    const int32_t dim = toy_config(r.t, false)->dim;
    float *at = recorded(&r, EAGLE_SITE_EMBED, 0);
    float *largest = at;

    for (int32_t i = 1; i < 6 * dim; i++) {
        largest = fabsf(at[i]) > fabsf(*largest) ? at + i : largest;
    }
    assert_int_equal(o.values, o.rows * dim);
    assert_true(o.error_largest == 0.0 && o.budget_share == 0.0 && o.rms > 0.0);
    assert_true(fabs(o.least_share - (1.0 - pow(0.01, 1.0 / (double)o.rows))) < 1e-15);
    assert_non_null(strstr(line_of(report, "operations")->text, "all 14 operations"));
    eagle_check_report_free(report);

    const float was = *largest;

    *largest = was + ldexpf(was < 0.0f ? -1.0f : 1.0f, ilogbf(was) - 23); /* one ulp: may be */
    report = judge_claims(r.t, r.claims, NULL, NULL);
    assert_int_equal(line_of(report, "operations")->verdict, EAGLE_CHECK_PASS);
    eagle_check_report_free(report);
    *largest = was + ldexpf(was < 0.0f ? -1.0f : 1.0f, ilogbf(was) - 22);
    report = judge_claims(r.t, r.claims, NULL, NULL);
    assert_int_equal(line_of(report, "operations")->verdict, EAGLE_CHECK_FAIL);
    eagle_check_report_free(report);
    end(&r);
}

/* What the heads gave was not recorded. */
static void hide_attention(const eg_claim_site *site, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        eg_claim_site *at = (eg_claim_site *)(uintptr_t)&site[i];

        at->site = at->site == EAGLE_SITE_ATTN ? EAGLE_SITE_HEAD_OUT : at->site;
    }
}

static void operations_that_could_not_be_judged_are_named(void **state)
{
    (void)state;
    run r = start(&(planted_options){.rounds = ROUNDS, .few_sites = true});
    eagle_check_report *report = judge_claims(r.t, r.claims, NULL, NULL);

    assert_non_null(
        strstr(line_of(report, "operations")->text, "3 operations alone: embed feature logits"));
    eagle_check_report_free(report);
    end(&r);

    r = start(&(planted_options){.rounds = ROUNDS, .sites = true});
    hide_attention(r.claims->claim[0]->site, r.claims->claim[0]->n_sites);
    for (int32_t k = 0; k < r.claims->claim[0]->n_rounds; k++) {
        hide_attention(r.claims->claim[0]->round[k].site, r.claims->claim[0]->round[k].n_sites);
    }
    report = judge_claims(r.t, r.claims, NULL, NULL);
    assert_non_null(
        strstr(line_of(report, "operations")->text, "12 operations, not of attn resid_attn"));
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
        cmocka_unit_test(states_are_in_doubt_before_they_fail),
        cmocka_unit_test(a_value_shifted_by_more_than_the_stated_number_fails_in_each_operation),
        cmocka_unit_test(the_stated_number_is_the_largest_sum_of_budget_and_error),
        cmocka_unit_test(one_ulp_of_an_embedding_may_be_and_two_fail),
        cmocka_unit_test(operations_that_could_not_be_judged_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
