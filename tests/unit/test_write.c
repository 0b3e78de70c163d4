/* SPDX-License-Identifier: MIT */
/* test_write.c - text that a target writes itself: what a session would write, whatever is written
 * beside it. */
#include "support/lib_toy.h"

#include "train/documents.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 17, N_PROMPTS = 5, LENGTH = 30, END = 2, VOCAB = 40, TOKENS = 700 };

typedef struct {
    toy *t;
    eagle_corpus *prompts;
    eagle_writing_options opt;
    eagle_corpus *corpus;
    eagle_error err;
} fixture;

static const float temperatures[] = {0.0f, 1.0f, 0.6f};

static int set_up(void **state)
{
    fixture *f = test_calloc(1, sizeof *f);
    uint64_t random = SEED;

    f->t = toy_create(&(toy_options){.seed = SEED, .context = 64});
    assert_int_equal(eg_corpus_create(&f->prompts, NULL), EAGLE_OK);
    for (int i = 0; i < N_PROMPTS; i++) {
        for (int j = 0; j < 4 + 3 * i; j++) {
            const int32_t token = 3 + (int32_t)(toy_random(&random) % (VOCAB - 3));

            assert_int_equal(eg_corpus_append(f->prompts, &token, 1, true, NULL), EAGLE_OK);
        }
        assert_int_equal(eg_corpus_append(f->prompts, &(int32_t){END}, 1, true, NULL), EAGLE_OK);
        assert_int_equal(eg_corpus_close(f->prompts, NULL), EAGLE_OK);
    }
    eagle_writing_defaults(&f->opt);
    f->opt.tokens = TOKENS;
    f->opt.length = LENGTH;
    f->opt.prompt_min = 2;
    f->opt.prompt_max = 9;
    f->opt.temperature = temperatures;
    f->opt.n_temperatures = 3;
    f->opt.seed = SEED;
    f->opt.sequences = 4;
    f->opt.threads = 1;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    eagle_corpus_free(f->corpus);
    eagle_corpus_free(f->prompts);
    toy_free(f->t);
    test_free(f);
    return 0;
}

static void write_corpus(fixture *f)
{
    eagle_corpus_free(f->corpus);
    const eagle_status st =
        eagle_corpus_write(&f->corpus, toy_model(f->t), f->prompts, &f->opt, NULL, NULL, &f->err);

    if (st != EAGLE_OK) {
        fail_msg("%s", f->err.message);
    }
}

/* How many tokens of document k came from its prompt: what a session adds to each of the lengths is
 * tried in turn, so that the test knows nothing of how the length was drawn. */
static bool session_writes(const fixture *f, int32_t k, int32_t n_prompt)
{
    const eagle_document d = eagle_corpus_at(f->corpus, k);
    const float temperature = temperatures[(k + k / N_PROMPTS) % 3];
    eagle_session_options opt;
    eagle_session *s;
    bool same = true;

    eagle_session_defaults(&opt);
    opt.ctx = LENGTH + 1;
    opt.threads = 1;
    opt.sampling.temperature = temperature;
    opt.sampling.mode = temperature > 0.0f ? EAGLE_VERIFY_COUPLED : EAGLE_VERIFY_GREEDY;
    opt.seed = SEED;
    opt.stream = (uint32_t)k;
    assert_int_equal(eagle_session_create(&s, toy_model(f->t), NULL, &opt, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(NULL, s, d.token, n_prompt, NULL), EAGLE_OK);
    for (int32_t i = n_prompt; same && i < d.n; i++) {
        const eagle_path *path;

        assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
        assert_int_equal(path->n, 1);
        same = path->token[0] == d.token[i];
    }
    eagle_session_free(s);
    return same;
}

static void each_document_is_what_a_session_of_its_stream_writes(void **state)
{
    fixture *f = *state;
    int at_length = 0;
    int at_end = 0;
    int prompts[LENGTH] = {0};

    write_corpus(f);
    for (int32_t k = 0; k < eagle_corpus_count(f->corpus); k++) {
        const eagle_document d = eagle_corpus_at(f->corpus, k);
        const eagle_document prompt = eagle_corpus_at(f->prompts, k % N_PROMPTS);
        int32_t n = 0; /* tokens that it shares with its prompt */
        bool found = false;

        while (n < d.n && n < prompt.n && d.token[n] == prompt.token[n]) {
            n++;
        }
        for (int32_t i = n < 9 ? n : 9; i >= 2 && !found; i--) {
            found = i < prompt.n && i < d.n && session_writes(f, k, i);
            prompts[i] += found;
        }
        if (!found) {
            fail_msg("no session writes document %d", k);
        }
        for (int32_t i = 0; i < d.n; i++) {
            assert_int_equal(d.learn[i], 1);
            assert_true(d.token[i] != END || i == d.n - 1);
        }
        at_end += d.token[d.n - 1] == END;
        at_length += d.n == LENGTH;
        assert_true(d.token[d.n - 1] == END || d.n == LENGTH);
    }
    assert_true(at_end > 3 && at_length > 3); /* both ways to end were seen */
    for (int i = 2; i <= 9; i++) {
        assert_true(prompts[i] > 0); /* all lengths were drawn */
    }
}

static void the_text_depends_neither_on_sequences_nor_on_threads(void **state)
{
    fixture *f = *state;
    static const int32_t sequences[] = {1, 2, 7, 64, 200};
    static const int32_t threads[] = {1, 2, 2, 3, 1};
    char expected[65];
    char found[65];

    write_corpus(f);
    eagle_corpus_hash(expected, f->corpus);
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
        f->opt.sequences = sequences[i];
        f->opt.threads = threads[i];
        write_corpus(f);
        eagle_corpus_hash(found, f->corpus);
        assert_string_equal(expected, found);
    }
}

/* The first documents of a longer text are those of a shorter one; of another seed they are not. */
static void more_tokens_go_on_where_fewer_end(void **state)
{
    fixture *f = *state;
    char expected[65];
    char found[65];

    write_corpus(f);
    const int32_t n = eagle_corpus_count(f->corpus);

    f->opt.tokens = TOKENS / 3;
    write_corpus(f);
    const int32_t fewer = eagle_corpus_count(f->corpus);

    eagle_corpus_hash(expected, f->corpus);
    assert_in_range(fewer, n / 4, n / 2);
    f->opt.tokens = TOKENS;
    write_corpus(f);
    f->corpus->n = fewer; /* the others are behind them */
    f->corpus->n_token = (size_t)f->corpus->start[fewer];
    eagle_corpus_hash(found, f->corpus);
    assert_string_equal(expected, found);
    f->opt.tokens = TOKENS / 3;
    f->opt.seed++;
    write_corpus(f);
    eagle_corpus_hash(found, f->corpus);
    assert_string_not_equal(expected, found);
}

/* As many documents as it takes: without the last one there would be too few tokens. Prompts of
 * exactly 4 tokens make the count known. */
static void writing_ends_with_the_document_that_is_enough(void **state)
{
    fixture *f = *state;

    f->opt.prompt_min = f->opt.prompt_max = 4;
    f->opt.sequences = 16;
    for (f->opt.tokens = 1; f->opt.tokens < 200; f->opt.tokens += 19) {
        write_corpus(f);
        const int32_t n = eagle_corpus_count(f->corpus);
        const int64_t written = eagle_corpus_tokens(f->corpus) - 4 * n;
        const int32_t last = eagle_corpus_at(f->corpus, n - 1).n - 4;

        assert_true(written >= f->opt.tokens && written - last < f->opt.tokens);
    }
}

/* A prompt never holds its document's end token, and leaves room for one token. */
static void a_prompt_is_cut_where_nothing_could_follow(void **state)
{
    fixture *f = *state;

    f->opt.prompt_min = f->opt.prompt_max = 50;
    f->opt.length = 12;
    write_corpus(f);
    for (int32_t k = 0; k < eagle_corpus_count(f->corpus); k++) {
        const eagle_document d = eagle_corpus_at(f->corpus, k);
        const eagle_document prompt = eagle_corpus_at(f->prompts, k % N_PROMPTS);
        const int32_t n = prompt.n - 1 < 11 ? prompt.n - 1 : 11;

        assert_true(d.n > n);
        assert_memory_equal(d.token, prompt.token, (size_t)n * sizeof *d.token);
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

typedef struct {
    int calls;
    int most;
    int64_t last;
} follower;

static bool follow(void *ctx, int64_t done, int64_t of)
{
    follower *w = ctx;

    assert_true(of == TOKENS && done >= w->last && done >= 1 && done <= of);
    w->last = done;
    return ++w->calls < w->most;
}

static void progress_ends_it_with_what_there_is(void **state)
{
    fixture *f = *state;
    follower w = {.most = 8};

    assert_int_equal(
        eagle_corpus_write(&f->corpus, toy_model(f->t), f->prompts, &f->opt, follow, &w, &f->err),
        EAGLE_OK);
    assert_int_equal(w.calls, 8);
    assert_in_range(eagle_corpus_count(f->corpus), 1, 12);
    assert_true(eagle_corpus_tokens(f->corpus) >= w.last);
    w = (follower){.most = 1};
    eagle_corpus_free(f->corpus);
    assert_int_equal(
        eagle_corpus_write(&f->corpus, toy_model(f->t), f->prompts, &f->opt, follow, &w, &f->err),
        EAGLE_OK);
    assert_in_range(eagle_corpus_count(f->corpus), 1, 4);
    w = (follower){.most = 1 << 30};
    eagle_corpus_free(f->corpus);
    assert_int_equal(
        eagle_corpus_write(&f->corpus, toy_model(f->t), f->prompts, &f->opt, follow, &w, &f->err),
        EAGLE_OK);
    assert_int_equal(w.last, TOKENS);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void assert_refused(fixture *f, eagle_status code, const char *piece)
{
    assert_int_equal(
        eagle_corpus_write(&f->corpus, toy_model(f->t), f->prompts, &f->opt, NULL, NULL, &f->err),
        code);
    assert_null(f->corpus);
    if (strstr(f->err.message, piece) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", f->err.message, piece);
    }
}

static void options_out_of_range_are_refused(void **state)
{
    fixture *f = *state;
    const eagle_writing_options good = f->opt;

    f->opt.tokens = 0;
    assert_refused(f, EAGLE_EINVAL, "0 tokens to write");
    f->opt = good;
    f->opt.prompt_min = 0;
    assert_refused(f, EAGLE_EINVAL, "prompts of 0 to 9 tokens");
    f->opt = good;
    f->opt.prompt_max = 1;
    assert_refused(f, EAGLE_EINVAL, "prompts of 2 to 1 tokens");
    f->opt = good;
    f->opt.n_temperatures = 0;
    assert_refused(f, EAGLE_EINVAL, "0 temperatures");
    f->opt = good;
    f->opt.length = 1;
    assert_refused(f, EAGLE_EINVAL, "documents of 1 tokens");
    f->opt.length = 65;
    assert_refused(f, EAGLE_ELIMIT, "documents of 65 tokens: needs 2..64");
    f->opt = good;
    f->opt.sequences = 0;
    assert_refused(f, EAGLE_EINVAL, "0 sequences");
    f->opt = good;
    f->opt.threads = 65;
    assert_refused(f, EAGLE_EINVAL, "65 threads");
    f->opt = good;
    f->opt.temperature = (const float[]){0.5f, NAN, 1.0f};
    assert_refused(f, EAGLE_EINVAL, "temperature nan");
    f->opt.temperature = (const float[]){0.5f, 1.0f, -1.0f};
    assert_refused(f, EAGLE_EINVAL, "temperature -1");
}

static void a_bill_has_the_cache_and_the_texts_and_refuses_what_writing_would(void **state)
{
    fixture *f = *state;
    const eagle_config *c = toy_config(f->t, false);
    /* Keys and values of one position in all layers, for each document that grows. */
    const uint64_t position = 2 * (uint64_t)c->n_layers * (uint64_t)c->n_kv_heads *
                              (uint64_t)c->head_dim * sizeof(float) * (uint64_t)f->opt.sequences;
    eagle_writing_bill bill[2];

    for (int i = 0; i < 2; i++) {
        f->opt.length = 20 + 40 * i;
        f->opt.tokens = 1024 << i; /* the corpus grows by doubling from 1024 tokens of five bytes */
        assert_int_equal(eagle_corpus_write_bill(&bill[i], toy_model(f->t), &f->opt, &f->err),
                         EAGLE_OK);
        assert_int_equal(bill[i].texts, 5 * 1024 << i);
        assert_int_equal(eagle_writing_bill_total(&bill[i]),
                         bill[i].weights + bill[i].work + bill[i].texts);
    }
    assert_true(bill[1].work >= bill[0].work + 40 * position);
    assert_true(bill[1].work < bill[0].work + 80 * position);
    assert_int_equal(bill[1].weights, bill[0].weights);
    f->opt.sequences = 0;
    assert_int_equal(eagle_corpus_write_bill(&bill[0], toy_model(f->t), &f->opt, &f->err),
                     EAGLE_EINVAL);
    assert_int_equal(eagle_writing_bill_total(&bill[0]), 0);
}

static void prompts_of_another_vocabulary_do_not_fit(void **state)
{
    fixture *f = *state;

    assert_int_equal(eg_corpus_append(f->prompts, (const int32_t[]){1, VOCAB}, 2, true, NULL),
                     EAGLE_OK);
    assert_int_equal(eg_corpus_close(f->prompts, NULL), EAGLE_OK);
    assert_refused(f, EAGLE_EFIT, "document 5 has token 40, the vocabulary has 40");
}

/* The embedding of one token is not a number. */
static void a_target_that_is_not_finite_is_named(void **state)
{
    fixture *f = *state;
    int32_t n;
    const eagle_tensor *tensors = toy_tensors(&n, f->t, false);
    const int32_t bad = eagle_corpus_at(f->prompts, 3).token[1];
    float *row = (float *)(uintptr_t)tensors[0].data + (size_t)bad * 32;

    assert_string_equal(tensors[0].name, "model.embed_tokens.weight");
    row[5] = NAN;
    for (f->opt.sequences = 1; f->opt.sequences < 30; f->opt.sequences += 9) {
        eagle_error first;

        assert_int_equal(eagle_corpus_write(&f->corpus, toy_model(f->t), f->prompts, &f->opt, NULL,
                                            NULL, &f->err),
                         EAGLE_ENUMERIC);
        assert_non_null(strstr(f->err.message, "a NaN or an infinity"));
        if (f->opt.sequences == 1) {
            first = f->err;
        }
        assert_string_equal(f->err.message, first.message);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_document_is_what_a_session_of_its_stream_writes),
        TEST(the_text_depends_neither_on_sequences_nor_on_threads),
        TEST(more_tokens_go_on_where_fewer_end),
        TEST(writing_ends_with_the_document_that_is_enough),
        TEST(a_prompt_is_cut_where_nothing_could_follow),
        TEST(progress_ends_it_with_what_there_is),
        TEST(options_out_of_range_are_refused),
        TEST(a_bill_has_the_cache_and_the_texts_and_refuses_what_writing_would),
        TEST(prompts_of_another_vocabulary_do_not_fit),
        TEST(a_target_that_is_not_finite_is_named),
    };

    return cmocka_run_group_tests_name("write", tests, NULL, NULL);
}
