/* SPDX-License-Identifier: MIT */
/* test_check_digests.c - runs that have digests in place of values: equal ones pass, others are in
 * doubt, and each line says what could not be judged. */
#include "check/claims.h"
#include "support/lib_judged.h"
#include "support/lib_planted.h"
#include "trace/trace_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 3, ROUNDS = 6, FROM = 2 };

typedef struct {
    toy *t;
    eagle_claims *claims;
    eg_claim *claim;
} run;

static void *take(run *r, size_t n, size_t size)
{
    void *p = eg_arena_take(&r->claim->arena, EG_FOR_WORK, n, size);

    assert_non_null(p);
    return p;
}

/* A tensor's digest as a tensor. */
static const eagle_tensor *digest_of(run *r, const eagle_tensor *t)
{
    unsigned char *bytes = take(r, EG_DIGEST_BYTES, 1);
    eagle_tensor *out = take(r, 1, sizeof *out);
    eagle_sha256 sha;

    eg_trace_digest_begin(&sha, t->dtype, t->rank, t->shape);
    eagle_sha256_update(&sha, t->data, (size_t)(t->shape[0] * t->shape[1]) * sizeof(float));
    eg_trace_digest_end(bytes, &sha);
    *out = (eagle_tensor){.dtype = EAGLE_U8,
                          .rank = 1,
                          .shape = {EG_DIGEST_BYTES},
                          .data = bytes,
                          .size = EG_DIGEST_BYTES};
    return out;
}

/* The sites' digests, and last the logits'. */
static const eg_claim_site *digests_of(run *r, const eg_claim_site *site, int32_t n,
                                       const eagle_tensor *logits)
{
    eg_claim_site *out = take(r, (size_t)n + 1, sizeof *out);

    for (int32_t i = 0; i < n; i++) {
        out[i] = site[i];
        out[i].tensor = digest_of(r, site[i].tensor);
    }
    if (logits != NULL) {
        out[n] = (eg_claim_site){.site = EAGLE_SITE_LOGITS, .tensor = digest_of(r, logits)};
    }
    return out;
}

/* A planted run of which digests are kept. */
static run start(const planted_options *planted)
{
    run r = {.t = toy_create(&(toy_options){.seed = SEED}), .claims = planted_claims()};

    planted_run(r.claims, r.t, planted);
    r.claim = r.claims->claim[0];
    r.claim->digest = true;
    r.claim->n_digests = r.claim->n_sites;
    r.claim->digests = digests_of(&r, r.claim->site, r.claim->n_sites, NULL);
    r.claim->n_sites = 0;
    for (int32_t i = 0; i < r.claim->n_rounds; i++) {
        eg_claim_round *round = (eg_claim_round *)(uintptr_t)&r.claim->round[i];

        round->digests = digests_of(&r, round->site, round->n_sites, round->logits);
        round->n_digests = round->n_sites + 1;
        round->n_sites = 0;
        round->logits = NULL;
    }
    return r;
}

static void end(run *r)
{
    eagle_claims_free(r->claims);
    toy_free(r->t);
}

static eagle_check_report *judge(const run *r, double shift)
{
    eagle_check_options opt;

    eagle_check_defaults(&opt);
    opt.threads = 1;
    opt.chunk = 4; /* the prompt comes in two parts */
    opt.shift = shift;
    return judge_claims(r->t, r->claims, NULL, &opt);
}

static void assert_line(const eagle_check_report *report, const char *name,
                        eagle_check_verdict verdict)
{
    assert_string_equal(eagle_check_verdict_name(line_of(report, name)->verdict),
                        eagle_check_verdict_name(verdict));
    assert_non_null(strstr(line_of(report, name)->text, "digests only"));
}

static void equal_digests_pass_and_what_needs_values_says_so(void **state)
{
    (void)state;
    run r = start(&(planted_options){.rounds = ROUNDS, .sites = true});
    eagle_check_report *report = judge(&r, 1e-9); /* equal bits exclude any shift */

    assert_int_equal(eagle_check_verdict_of(report), EAGLE_CHECK_PASS);
    assert_line(report, "logits", EAGLE_CHECK_PASS);
    assert_line(report, "layers", EAGLE_CHECK_PASS);
    assert_line(report, "operations", EAGLE_CHECK_PASS);
    assert_line(report, "decisions", EAGLE_CHECK_ABSENT);
    assert_line(report, "draft", EAGLE_CHECK_ABSENT);
    assert_int_equal(line_of(report, "logits")->n_judged, r.claim->n_rounds);
    /* The prompt's and five rounds' 14 sites: the first one of each layer is shown twice. */
    assert_true(line_of(report, "layers")->n_judged >= 6 * (2 * 11 + 2));
    assert_int_equal(line_of(report, "layers")->n_different, 0);
    eagle_check_report_free(report);
    end(&r);
}

static void a_digest_of_other_bits_is_inconclusive_and_named(void **state)
{
    (void)state;
    static const struct {
        eagle_site site;
        const char *line;
        const char *other;
        const char *words;
    } planted[] = {{EAGLE_SITE_LOGITS, "logits", "layers", "round 2, logits"},
                   {EAGLE_SITE_ACT, "layers", "logits", "round 2, layer 1, act"}};

    for (size_t i = 0; i < sizeof planted / sizeof planted[0]; i++) {
        run r = start(&(planted_options){.rounds = ROUNDS, .sites = true});
        const eg_claim_round *round = &r.claim->round[FROM];
        const bool logits = planted[i].site == EAGLE_SITE_LOGITS;
        const eg_claim_site *site =
            eg_claim_find(round->digests, round->n_digests, planted[i].site, logits ? 0 : 1);

        ((unsigned char *)(uintptr_t)site->tensor->data)[31] ^= 1;
        eagle_check_report *report = judge(&r, 0.0);

        assert_int_equal(eagle_check_status(report), EAGLE_EINCONCLUSIVE);
        assert_line(report, planted[i].line, EAGLE_CHECK_INCONCLUSIVE);
        assert_line(report, planted[i].other, EAGLE_CHECK_PASS);
        assert_line(report, "operations", EAGLE_CHECK_INCONCLUSIVE);
        assert_int_equal(line_of(report, planted[i].line)->n_different, 1);
        assert_non_null(strstr(line_of(report, planted[i].line)->detail, planted[i].words));
        eagle_check_report_free(report);
        end(&r);
    }
}

static void digests_of_a_wrong_run_are_not_ours(void **state)
{
    (void)state;
    run r = start(&(planted_options){
        .rounds = ROUNDS, .sites = true, .fault = PLANTED_SIBLING, .from_round = FROM});
    eagle_check_report *report = judge(&r, 0.0);

    assert_line(report, "layers", EAGLE_CHECK_INCONCLUSIVE);
    assert_non_null(strstr(line_of(report, "layers")->detail, "round 2, layer 0, attn:"));
    eagle_check_report_free(report);
    end(&r);
}

static void without_states_operations_are_not_judged(void **state)
{
    (void)state;
    run r = start(&(planted_options){.rounds = ROUNDS, .few_sites = true});
    eagle_check_report *report = judge(&r, 0.0);

    assert_line(report, "logits", EAGLE_CHECK_PASS);
    assert_line(report, "layers", EAGLE_CHECK_PASS);
    assert_line(report, "operations", EAGLE_CHECK_ABSENT);
    eagle_check_report_free(report);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_digests_pass_and_what_needs_values_says_so),
        cmocka_unit_test(a_digest_of_other_bits_is_inconclusive_and_named),
        cmocka_unit_test(digests_of_a_wrong_run_are_not_ours),
        cmocka_unit_test(without_states_operations_are_not_judged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
