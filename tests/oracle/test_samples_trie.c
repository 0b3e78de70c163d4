/* SPDX-License-Identifier: MIT */
/* test_samples_trie.c - continuations scored as token trees: each context once, the same numbers
 * whatever fits into a pass, and those of plain teacher forcing. */
#include "eagle/eagle.h"
#include "support/lib_scratch.h"
#include "support/lib_toy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VOCAB = 12, PROMPTS = 3, EACH = 40, LENGTH = 12, CTX = 40 };

static const int32_t prompt[PROMPTS][3] = {{1, 4, 7}, {1, 4, 9}, {3, 0, 0}};
static const int32_t n_prompt[PROMPTS] = {3, 3, 1};

static char dir[SCRATCH_PATH];
static toy *network;
static eagle_responses *responses;

static eagle_session_options session_options(int32_t max_nodes)
{
    eagle_session_options how;

    eagle_session_defaults(&how);
    how.ctx = 0;
    how.chunk = 4;
    how.threads = 1;
    how.max_nodes = max_nodes;
    return how;
}

/* Plain samples of the network, of 1 to LENGTH tokens, some of them the beginnings of others. */
static void write_samples(void)
{
    static char text[PROMPTS * EACH * 200];
    size_t n = 0;

    for (int32_t i = 0; i < PROMPTS * EACH; i++) {
        const int32_t p = i % PROMPTS; /* not in the order in which they are scored */
        const int32_t length = i < 6 ? LENGTH : 1 + i % LENGTH;
        eagle_session_options how = session_options(1);
        eagle_session *s = NULL;

        how.ctx = CTX;
        how.seed = (uint64_t)i;
        how.sampling.temperature = 0.5f;
        how.sampling.mode = EAGLE_VERIFY_COUPLED;
        assert_int_equal(eagle_session_create(&s, toy_model(network), NULL, &how, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_feed(NULL, s, prompt[p], n_prompt[p], NULL), EAGLE_OK);
        n += (size_t)sprintf(text + n, "{\"prompt_ids\":[%d", prompt[p][0]);
        for (int32_t k = 1; k < n_prompt[p]; k++) {
            n += (size_t)sprintf(text + n, ",%d", prompt[p][k]);
        }
        n += (size_t)sprintf(text + n, "],\"output_ids\":[");
        for (int32_t k = 0; k < length; k++) {
            const eagle_path *path;

            assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
            n += (size_t)sprintf(text + n, "%s%d", k > 0 ? "," : "", path->token[0]);
        }
        n += (size_t)sprintf(text + n, "]}\n");
        eagle_session_free(s);
    }
    scratch_text(dir, "s.jsonl", text);
}

static int set_up(void **state)
{
    char path[SCRATCH_PATH];

    (void)state;
    scratch_create(dir);
    network = toy_create(&(toy_options){.vocab = VOCAB, .seed = 3, .context = CTX});
    write_samples();
    scratch_join(path, dir, "s.jsonl");
    return eagle_responses_read(&responses, path, VOCAB, NULL) == EAGLE_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    eagle_responses_free(responses);
    toy_free(network);
    scratch_remove(dir);
    return 0;
}

static eagle_samples_options judge_options(void)
{
    eagle_samples_options opt;

    eagle_samples_defaults(&opt);
    opt.sampling.temperature = 0.5f;
    opt.alpha = 0.5; /* so that few tokens have all tests */
    return opt;
}

static bool count_pass(void *ctx, int64_t done, int64_t of)
{
    int32_t *passes = ctx;

    *passes += 1;
    return done <= of;
}

static eagle_samples_verdict check(int32_t max_nodes, int32_t *passes)
{
    const eagle_samples_options opt = judge_options();
    const eagle_session_options how = session_options(max_nodes);
    eagle_samples_verdict v;
    eagle_error err = {0};

    *passes = 0;
    const eagle_samples_task task = {
        .model = toy_model(network), .responses = responses, .session = &how};

    if (eagle_samples_check(&v, &task, &opt, count_pass, passes, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    return v;
}

/* Contexts that differ, counted one by one. */
static int64_t distinct_contexts(int64_t *tokens)
{
    int64_t n = 0;

    *tokens = 0;
    for (int32_t i = 0; i < eagle_responses_count(responses); i++) {
        const eagle_response *r = eagle_responses_at(responses, i);

        *tokens += r->n_output;
        for (int32_t d = 0; d < r->n_output; d++) {
            bool seen = false;

            for (int32_t j = 0; j < i && !seen; j++) {
                const eagle_response *q = eagle_responses_at(responses, j);

                seen = q->n_prompt == r->n_prompt && q->n_output > d &&
                       memcmp(q->prompt, r->prompt, (size_t)r->n_prompt * sizeof(int32_t)) == 0 &&
                       memcmp(q->output, r->output, (size_t)d * sizeof(int32_t)) == 0;
            }
            n += seen ? 0 : 1;
        }
    }
    return n;
}

static void each_context_is_scored_once_and_a_prompt_is_one_pass(void **state)
{
    int64_t tokens;
    const int64_t contexts = distinct_contexts(&tokens);
    int32_t passes;
    eagle_samples_verdict v = check(1024, &passes);

    (void)state;
    assert_int_equal(passes, PROMPTS);
    assert_int_equal(v.n_contexts, contexts);
    assert_int_equal(v.n_tokens, tokens);
    assert_true(contexts < tokens && v.n_shared > PROMPTS);
    eagle_samples_verdict_free(&v);
}

static void the_verdict_does_not_depend_on_what_fits_into_a_pass(void **state)
{
    static const int32_t room[] = {2, 3, 4, 5, 7, 17, 100};
    int32_t passes;
    eagle_samples_verdict whole = check(1024, &passes);

    (void)state;
    assert_true(whole.n_test >= 4);
    for (size_t i = 0; i < sizeof room / sizeof room[0]; i++) {
        eagle_samples_verdict v = check(room[i], &passes);

        assert_true(passes > PROMPTS);
        assert_int_equal(v.n_contexts, whole.n_contexts);
        assert_int_equal(v.n_test, whole.n_test);
        for (int32_t t = 0; t < v.n_test; t++) {
            assert_memory_equal(&v.test[t].statistic, &whole.test[t].statistic, sizeof(double));
        }
        eagle_samples_verdict_free(&v);
    }
    eagle_samples_verdict_free(&whole);
}

static const eagle_samples_test *find(const eagle_samples_verdict *v, const char *name)
{
    for (int32_t i = 0; i < v->n_test; i++) {
        if (strcmp(v->test[i].name, name) == 0) {
            return &v->test[i];
        }
    }
    fail_msg("no test %s", name);
    return NULL;
}

/* One continuation after the other, each row from a feed. */
static void the_numbers_are_those_of_plain_teacher_forcing(void **state)
{
    const eagle_samples_options opt = judge_options();
    eagle_session_options how = session_options(CTX);
    eagle_samples *s = NULL;
    eagle_samples_verdict plain;
    int32_t passes;
    eagle_samples_verdict tree = check(1024, &passes);

    (void)state;
    how.ctx = CTX;
    how.chunk = CTX;
    assert_int_equal(eagle_samples_create(&s, VOCAB, &opt, NULL), EAGLE_OK);
    for (int32_t i = 0; i < eagle_responses_count(responses); i++) {
        const eagle_response *r = eagle_responses_at(responses, i);
        int32_t token[CTX];
        eagle_session *session = NULL;
        eagle_rows rows;

        memcpy(token, r->prompt, (size_t)r->n_prompt * sizeof *token);
        memcpy(token + r->n_prompt, r->output, (size_t)r->n_output * sizeof *token);
        assert_int_equal(eagle_session_create(&session, toy_model(network), NULL, &how, NULL),
                         EAGLE_OK);
        assert_int_equal(eagle_session_feed(&rows, session, token, r->n_prompt + r->n_output, NULL),
                         EAGLE_OK);
        for (int32_t k = 0; k < r->n_output; k++) {
            const eagle_drawn d = {.token = r->output[k], .response = i, .index = k, .source = -1};

            assert_int_equal(eagle_samples_add(s,
                                               rows.logits + (size_t)(r->n_prompt - 1 + k) * VOCAB,
                                               NULL, &d, 1, NULL),
                             EAGLE_OK);
        }
        eagle_session_free(session);
    }
    assert_int_equal(eagle_samples_judge(&plain, s, NULL), EAGLE_OK);
    assert_true(find(&plain, "u")->statistic == find(&tree, "u")->statistic);
    assert_true(find(&plain, "Kolmogorov")->statistic == find(&tree, "Kolmogorov")->statistic);
    assert_true(fabs(find(&plain, "surprisal")->statistic - find(&tree, "surprisal")->statistic) <
                1e-9);
    eagle_samples_verdict_free(&plain);
    eagle_samples_verdict_free(&tree);
    eagle_samples_free(s);
}

static bool give_up(void *ctx, int64_t done, int64_t of)
{
    (void)of;
    *(int64_t *)ctx = done;
    return false;
}

static void what_was_scored_before_an_end_is_judged(void **state)
{
    const eagle_samples_options opt = judge_options();
    const eagle_session_options how = session_options(5);
    eagle_samples_verdict v;
    int64_t done = 0;

    (void)state;
    const eagle_samples_task task = {
        .model = toy_model(network), .responses = responses, .session = &how};

    assert_int_equal(eagle_samples_check(&v, &task, &opt, give_up, &done, NULL), EAGLE_OK);
    assert_int_equal(v.n_contexts, 5);
    assert_int_equal(v.n_tokens, done);
    eagle_samples_verdict_free(&v);
}

static void a_continuation_beyond_the_context_is_named(void **state)
{
    const eagle_samples_options opt = judge_options();
    eagle_session_options how = session_options(5);
    eagle_samples_verdict v;
    eagle_error err = {0};

    (void)state;
    how.ctx = 10;
    const eagle_samples_task task = {
        .model = toy_model(network), .responses = responses, .session = &how};

    assert_int_equal(eagle_samples_check(&v, &task, &opt, NULL, NULL, &err), EAGLE_ELIMIT);
    assert_non_null(strstr(err.message, "line 1: 14 tokens, the context has 10"));
}

/* Appends a token to a session of one's own, and gives the logits after it. */
static const float *append(eagle_session *s, int32_t token)
{
    eagle_rows rows;

    assert_int_equal(eagle_session_feed(&rows, s, &token, 1, NULL), EAGLE_OK);
    return rows.logits;
}

/* Each token drawn from the law of the position before: the row is taken from the tree's own
 * parent. */
static void a_row_off_by_one_is_recognised(void **state)
{
    static char text[60 * 100];
    const eagle_samples_options opt = judge_options();
    const eagle_session_options how = session_options(17);
    eagle_responses *wrong = NULL;
    eagle_samples_verdict v;
    char path[SCRATCH_PATH];
    uint64_t random = 1;
    size_t n = 0;

    (void)state;
    for (int32_t i = 0; i < 60; i++) {
        eagle_session_options own = session_options(1);
        eagle_session *s = NULL;
        float before[VOCAB];
        float row[VOCAB];

        own.ctx = CTX;
        assert_int_equal(eagle_session_create(&s, toy_model(network), NULL, &own, NULL), EAGLE_OK);
        memcpy(before, append(s, 1), sizeof before);
        memcpy(row, append(s, 4), sizeof row);
        n += (size_t)sprintf(text + n, "{\"prompt_ids\":[1,4],\"output_ids\":[");
        for (int32_t k = 0; k < LENGTH; k++) {
            double sum = 0.0;
            int32_t token = 0;

            for (int32_t j = 0; j < VOCAB; j++) {
                sum += exp((double)before[j] / 0.5);
            }
            double u = toy_uniform(&random) * sum;

            while (token < VOCAB - 1 && u >= exp((double)before[token] / 0.5)) {
                u -= exp((double)before[token++] / 0.5);
            }
            n += (size_t)sprintf(text + n, "%s%d", k > 0 ? "," : "", token);
            memcpy(before, row, sizeof before);
            memcpy(row, append(s, token), sizeof row);
        }
        n += (size_t)sprintf(text + n, "]}\n");
        eagle_session_free(s);
    }
    scratch_text(dir, "w.jsonl", text);
    scratch_join(path, dir, "w.jsonl");
    assert_int_equal(eagle_responses_read(&wrong, path, VOCAB, NULL), EAGLE_OK);
    const eagle_samples_task task = {
        .model = toy_model(network), .responses = wrong, .session = &how};

    assert_int_equal(eagle_samples_check(&v, &task, &opt, NULL, NULL, NULL), EAGLE_OK);
    assert_int_equal(v.status, EAGLE_EFAILED);
    assert_string_equal(v.diagnosis, "the law is that of the row before (off by one)");
    eagle_samples_verdict_free(&v);
    eagle_responses_free(wrong);
}

/* Lists of two and of three, whose third is the token that was drawn: two were asked for. A top-k
 * of 3 then lacks one. */
static void what_a_backend_adds_to_its_list_is_not_taken_for_likely(void **state)
{
    eagle_samples_options opt = judge_options();
    eagle_responses *recorded = NULL;
    eagle_samples_verdict v;
    eagle_error err = {0};
    char path[SCRATCH_PATH];

    (void)state;
    scratch_text(dir, "r.jsonl",
                 "{\"prompt_ids\":[1],\"output_ids\":[2,5],\"top_logprobs\":"
                 "[{\"2\":-1,\"3\":-1.5},{\"1\":-0.5,\"0\":-2,\"5\":-4}]}\n");
    scratch_join(path, dir, "r.jsonl");
    assert_int_equal(eagle_responses_read(&recorded, path, 0, NULL), EAGLE_OK);
    const eagle_samples_task task = {.responses = recorded};

    opt.null = EAGLE_NULL_SAMPLER;
    opt.sampling.temperature = 1.0f;
    assert_int_equal(eagle_samples_check(&v, &task, &opt, NULL, NULL, &err), EAGLE_OK);
    assert_int_equal(v.n_tokens, 2);
    assert_int_equal(v.n_outside, 0);
    eagle_samples_verdict_free(&v);
    opt.sampling.top_k = 3;
    assert_int_equal(eagle_samples_check(&v, &task, &opt, NULL, NULL, &err), EAGLE_EINVAL);
    assert_non_null(strstr(err.message, "fewer log-probabilities than top-k keeps"));
    eagle_responses_free(recorded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_context_is_scored_once_and_a_prompt_is_one_pass),
        cmocka_unit_test(the_verdict_does_not_depend_on_what_fits_into_a_pass),
        cmocka_unit_test(the_numbers_are_those_of_plain_teacher_forcing),
        cmocka_unit_test(what_was_scored_before_an_end_is_judged),
        cmocka_unit_test(a_continuation_beyond_the_context_is_named),
        cmocka_unit_test(a_row_off_by_one_is_recognised),
        cmocka_unit_test(what_a_backend_adds_to_its_list_is_not_taken_for_likely),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
