/* SPDX-License-Identifier: MIT */
/* test_features.c - stored features: those of generation, and what is refused. */
#include "support/lib_scratch.h"
#include "support/lib_toy.h"

#include "kernels/kernels.h"
#include "train/documents.h"
#include "train/features.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 23, DIM = 32, VOCAB = 40, N_DOCUMENTS = 9, LONGEST = 700, CONTEXT = 800 };

typedef struct {
    char dir[SCRATCH_PATH];
    char path[SCRATCH_PATH];
    toy *t;
    eagle_corpus *texts;
    eagle_features_options opt;
    eagle_features *features; /* what was opened last */
    eagle_corpus *corpus;
    eagle_error err;
} fixture;

/* Documents of 2 to 700 tokens: together more than a group of slots, one of them more than a
 * pass. */
static int set_up(void **state)
{
    static const int32_t length[N_DOCUMENTS] = {5, LONGEST, 2, 256, 300, 17, 90, 3, 257};
    fixture *f = test_calloc(1, sizeof *f);
    uint64_t random = SEED;

    scratch_create(f->dir);
    scratch_join(f->path, f->dir, "features.safetensors");
    f->t = toy_create(&(toy_options){.seed = SEED, .context = CONTEXT});
    assert_int_equal(eg_corpus_create(&f->texts, NULL), EAGLE_OK);
    for (int i = 0; i < N_DOCUMENTS; i++) {
        for (int j = 0; j < length[i]; j++) {
            const int32_t token = (int32_t)(toy_random(&random) % VOCAB);
            const bool learn = j == 1 || toy_random(&random) % 3 > 0;

            assert_int_equal(eg_corpus_append(f->texts, &token, 1, learn, NULL), EAGLE_OK);
        }
        assert_int_equal(eg_corpus_close(f->texts, NULL), EAGLE_OK);
    }
    f->opt = (eagle_features_options){.length = CONTEXT, .dtype = EAGLE_F32, .threads = 1};
    *state = f;
    return 0;
}

static void close_features(fixture *f)
{
    eagle_features_free(f->features);
    eagle_corpus_free(f->corpus);
    f->features = NULL;
    f->corpus = NULL;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    close_features(f);
    eagle_corpus_free(f->texts);
    toy_free(f->t);
    scratch_remove(f->dir);
    test_free(f);
    return 0;
}

static eagle_status write_features(fixture *f)
{
    return eagle_features_write(f->path, toy_model(f->t), f->texts, &f->opt, NULL, NULL, &f->err);
}

static eagle_status open_features(fixture *f)
{
    close_features(f);
    const eagle_status st =
        eagle_features_open(&f->features, &f->corpus, f->path, toy_model(f->t), &f->err);

    assert_true((f->features != NULL) == (st == EAGLE_OK));
    assert_true((f->corpus != NULL) == (st == EAGLE_OK));
    return st;
}

static void write_and_open(fixture *f)
{
    if (write_features(f) != EAGLE_OK || open_features(f) != EAGLE_OK) {
        fail_msg("%s", f->err.message);
    }
}

/* ---- known answers --------------------------------------------------------------------------- */

/* Features of a document as a session gives them, token by token of one feed. [n, DIM] */
static float *session_features(const fixture *f, const eagle_document *d)
{
    eagle_session_options opt;
    eagle_session *s;
    eagle_rows rows;
    float *out = malloc((size_t)d->n * DIM * sizeof *out);

    assert_non_null(out);
    eagle_session_defaults(&opt);
    opt.ctx = CONTEXT;
    opt.max_nodes = opt.chunk = 7;
    opt.threads = 1;
    assert_int_equal(eagle_session_create(&s, toy_model(f->t), NULL, &opt, NULL), EAGLE_OK);
    for (int32_t at = 0; at < d->n; at += 7) {
        const int32_t n = d->n - at < 7 ? d->n - at : 7;

        assert_int_equal(eagle_session_feed(&rows, s, d->token + at, n, NULL), EAGLE_OK);
        memcpy(out + (size_t)at * DIM, rows.features, (size_t)n * DIM * sizeof *out);
    }
    eagle_session_free(s);
    return out;
}

/* Every document's features are those of a session, rounded to the file's precision. */
static void assert_features(const fixture *f)
{
    for (int32_t i = 0; i < eagle_corpus_count(f->corpus); i++) {
        const eagle_document d = eagle_corpus_at(f->corpus, i);
        const size_t n = (size_t)d.n * DIM;
        float *expected = session_features(f, &d);
        float *found = malloc(n * sizeof *found);
        void *half = malloc(n * sizeof *found);

        assert_true(found != NULL && half != NULL);
        eg_narrow(half, expected, f->opt.dtype, n);
        eg_widen(expected, half, f->opt.dtype, n);
        eg_features_rows(found, f->features, (eg_origin){.document = i}, (size_t)d.n);
        assert_memory_equal(expected, found, n * sizeof *found);
        eg_features_rows(found, f->features, (eg_origin){.document = i, .first = 1}, 1);
        assert_memory_equal(expected + DIM, found, DIM * sizeof *found);
        free(half);
        free(found);
        free(expected);
    }
}

static void features_are_those_of_a_session(void **state)
{
    fixture *f = *state;
    static const eagle_dtype dtypes[] = {EAGLE_F32, EAGLE_F16, EAGLE_BF16};
    char expected[65];
    char found[65];

    eagle_corpus_hash(expected, f->texts);
    for (int i = 0; i < 3; i++) {
        f->opt.dtype = dtypes[i];
        f->opt.threads = 1 + i % 2;
        write_and_open(f);
        eagle_corpus_hash(found, f->corpus);
        assert_string_equal(expected, found);
        assert_features(f);
    }
}

static void long_documents_are_pieces_that_overlap_by_one_token(void **state)
{
    fixture *f = *state;
    int32_t piece = 0;

    f->opt.length = 100;
    write_and_open(f);
    assert_features(f);
    for (int32_t i = 0; i < N_DOCUMENTS; i++) {
        const eagle_document whole = eagle_corpus_at(f->texts, i);

        for (int32_t first = 0; first + 1 < whole.n; first += 99, piece++) {
            const eagle_document d = eagle_corpus_at(f->corpus, piece);

            assert_int_equal(d.n, whole.n - first < 100 ? whole.n - first : 100);
            assert_memory_equal(d.token, whole.token + first, (size_t)d.n * sizeof *d.token);
            assert_memory_equal(d.learn, whole.learn + first, (size_t)d.n);
        }
    }
    assert_int_equal(piece, eagle_corpus_count(f->corpus));
}

/* Tokens 0 to 9, pieces of 4: of 3 to 6 nothing is to be learned behind the 3. */
static void a_piece_without_anything_to_learn_is_left_out(void **state)
{
    fixture *f = *state;
    static const uint8_t learn[10] = {1, 0, 0, 1, 0, 0, 0, 1, 1, 1};
    eagle_corpus *cut;

    close_features(f);
    assert_int_equal(eg_corpus_create(&f->corpus, NULL), EAGLE_OK);
    for (int32_t i = 0; i < 10; i++) {
        assert_int_equal(eg_corpus_append(f->corpus, &i, 1, learn[i] != 0, NULL), EAGLE_OK);
    }
    assert_int_equal(eg_corpus_close(f->corpus, NULL), EAGLE_OK);
    assert_int_equal(eg_corpus_cut(&cut, f->corpus, 4, NULL), EAGLE_OK);
    assert_int_equal(eagle_corpus_count(cut), 2);
    assert_int_equal(eagle_corpus_at(cut, 0).token[0], 0);
    assert_int_equal(eagle_corpus_at(cut, 1).token[0], 6);
    assert_int_equal(eagle_corpus_at(cut, 1).n, 4);
    eagle_corpus_free(cut);
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct {
    int64_t last;
    bool stop;
} follower;

static bool follow(void *ctx, int64_t done, int64_t of)
{
    follower *w = ctx;

    assert_true(done > w->last && done <= of);
    w->last = done;
    return !w->stop;
}

static void an_ended_computation_leaves_the_old_file(void **state)
{
    fixture *f = *state;
    follower w = {0};

    assert_int_equal(
        eagle_features_write(f->path, toy_model(f->t), f->texts, &f->opt, follow, &w, &f->err),
        EAGLE_OK);
    assert_int_equal(w.last, eagle_corpus_tokens(f->texts));
    w = (follower){.stop = true};
    f->opt.dtype = EAGLE_F16;
    assert_int_equal(
        eagle_features_write(f->path, toy_model(f->t), f->texts, &f->opt, follow, &w, &f->err),
        EAGLE_EWRITE);
    assert_non_null(strstr(f->err.message, "ended before it was complete"));
    f->opt.dtype = EAGLE_F32;
    assert_int_equal(open_features(f), EAGLE_OK);
    assert_features(f);
}

static void a_full_disk_is_an_error(void **state)
{
    fixture *f = *state;

    strcpy(f->path, "/dev/full");
    FILE *file = fopen(f->path, "wb");

    if (file == NULL) {
        skip();
    }
    fclose(file);
    assert_int_equal(write_features(f), EAGLE_EWRITE);
    assert_non_null(strstr(f->err.message, "/dev/full: write failed: No space left"));
}

static void assert_write_refused(fixture *f, eagle_status code, const char *piece)
{
    assert_int_equal(write_features(f), code);
    if (strstr(f->err.message, piece) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", f->err.message, piece);
    }
}

static void options_out_of_range_are_refused(void **state)
{
    fixture *f = *state;

    f->opt.length = CONTEXT + 1;
    assert_write_refused(f, EAGLE_ELIMIT, "needs 2..800");
    f->opt.length = 1;
    assert_write_refused(f, EAGLE_EINVAL, "sequences of 1 tokens");
    f->opt.length = 10;
    f->opt.threads = -1;
    assert_write_refused(f, EAGLE_EINVAL, "-1 threads");
    f->opt.threads = 1;
    f->opt.dtype = EAGLE_I32;
    assert_write_refused(f, EAGLE_EINVAL, "features as I32");
    f->opt.dtype = EAGLE_F32;
    assert_int_equal(eg_corpus_append(f->texts, (const int32_t[]){1, VOCAB}, 2, true, NULL),
                     EAGLE_OK);
    assert_int_equal(eg_corpus_close(f->texts, NULL), EAGLE_OK);
    assert_write_refused(f, EAGLE_EFIT, "document 9 has token 40, the vocabulary has 40");
}

/* The embedding of one token is not a number, or so large that its feature is beyond F16. */
static void features_that_are_not_finite_are_refused(void **state)
{
    fixture *f = *state;
    int32_t n;
    const eagle_tensor *tensors = toy_tensors(&n, f->t, false);
    float *norm = NULL;

    for (int32_t i = 0; i < n; i++) {
        if (strcmp(tensors[i].name, "model.norm.weight") == 0) {
            norm = (float *)(uintptr_t)tensors[i].data;
        }
    }
    assert_non_null(norm);
    /* The model has a copy of its norms: it is made again. */
    for (int i = 0; i < 2; i++) {
        eagle_model *model;

        norm[3] = i == 0 ? 1e9f : NAN;
        f->opt.dtype = i == 0 ? EAGLE_F16 : EAGLE_F32;
        assert_int_equal(eagle_model_create(&model, toy_config(f->t, false), tensors, n, &f->err),
                         EAGLE_OK);
        assert_int_equal(
            eagle_features_write(f->path, model, f->texts, &f->opt, NULL, NULL, &f->err),
            EAGLE_ENUMERIC);
        assert_non_null(strstr(f->err.message, i == 0
                                                   ? "sequence 0, token 0: a feature is beyond F16"
                                                   : "sequence 0, token 0: the target gives"));
        eagle_model_free(model);
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The tensors of a small file, to be spoilt: two documents of 2 and 3 tokens. */
typedef struct {
    int64_t starts[3];
    int32_t ids[5];
    uint8_t mask[5];
    uint16_t hidden[5 * DIM];
    eagle_tensor tensor[4];
    const char *metadata;
} small_file;

static small_file make_small(void)
{
    return (small_file){.starts = {0, 2, 5}, .ids = {1, 2, 3, 4, 5}, .mask = {1, 1, 0, 1, 1}};
}

static void describe_small(small_file *s)
{
    s->tensor[0] = (eagle_tensor){"starts", EAGLE_I64, 1, {3}, s->starts, sizeof s->starts};
    s->tensor[1] = (eagle_tensor){"input_ids", EAGLE_I32, 1, {5}, s->ids, sizeof s->ids};
    s->tensor[2] = (eagle_tensor){"loss_mask", EAGLE_U8, 1, {5}, s->mask, sizeof s->mask};
    s->tensor[3] =
        (eagle_tensor){"hidden_state", EAGLE_F16, 2, {5, DIM}, s->hidden, sizeof s->hidden};
}

static eagle_status open_small(fixture *f, const small_file *s, int32_t n)
{
    assert_int_equal(eagle_tensors_write(f->path, s->tensor, n, s->metadata, NULL), EAGLE_OK);
    return open_features(f);
}

static void assert_open_refused(fixture *f, small_file *s, eagle_status code, const char *piece)
{
    const eagle_status st = open_small(f, s, 4);

    if (st != code || strstr(f->err.message, piece) == NULL) {
        fail_msg("status %d, \"%s\" instead of \"%s\"", (int)st, f->err.message, piece);
    }
    assert_non_null(strstr(f->err.message, f->path));
}

static void files_that_others_made_are_read(void **state)
{
    fixture *f = *state;
    small_file s = make_small();
    float row[DIM];

    describe_small(&s);
    s.hidden[3 * DIM + 1] = 0x3c00; /* 1.0: token 1 of document 1 */
    assert_int_equal(open_small(f, &s, 4), EAGLE_OK);
    assert_int_equal(eagle_corpus_count(f->corpus), 2);
    assert_int_equal(eagle_corpus_at(f->corpus, 1).token[1], 4);
    assert_int_equal(eagle_corpus_at(f->corpus, 1).learn[0], 0);
    eg_features_rows(row, f->features, (eg_origin){.document = 1, .first = 1}, 1);
    assert_true(row[1] == 1.0f && row[0] == 0.0f);
    s.mask[1] = 0; /* nothing to learn in document 0: the other is now the first */
    assert_int_equal(open_small(f, &s, 4), EAGLE_OK);
    assert_int_equal(eagle_corpus_count(f->corpus), 1);
    eg_features_rows(row, f->features, (eg_origin){.document = 0, .first = 1}, 1);
    assert_true(row[1] == 1.0f);
}

static void features_of_another_target_do_not_fit(void **state)
{
    fixture *f = *state;
    small_file s = make_small();
    toy *other = toy_create(&(toy_options){.seed = SEED + 1, .context = CONTEXT});
    eagle_features *features;
    eagle_corpus *corpus;

    assert_int_equal(write_features(f), EAGLE_OK);
    assert_int_equal(eagle_features_open(&features, &corpus, f->path, toy_model(other), &f->err),
                     EAGLE_EFIT);
    assert_non_null(strstr(f->err.message, "features of another target"));
    assert_null(features);
    assert_null(corpus);
    toy_free(other);
    describe_small(&s);
    s.tensor[3].shape[1] = DIM - 1;
    s.tensor[3].size = 5 * (DIM - 1) * 2;
    assert_open_refused(f, &s, EAGLE_EFIT, "features of width 31, the model's is 32");
    describe_small(&s);
    s.ids[3] = VOCAB;
    assert_int_equal(open_small(f, &s, 4), EAGLE_EFIT);
    assert_non_null(
        strstr(f->err.message, ".safetensors: document 1 has token 40, the vocabulary has 40"));
    s.ids[3] = -1;
    assert_int_equal(open_small(f, &s, 4), EAGLE_EFIT);
}

static void a_feature_that_is_not_finite_is_named(void **state)
{
    fixture *f = *state;
    small_file s = make_small();

    describe_small(&s);
    s.hidden[4 * DIM + DIM - 1] = 0x7e00; /* NaN */
    assert_open_refused(f, &s, EAGLE_ENUMERIC, "document 1: the feature of token 2 is not finite");
    s.hidden[1 * DIM] = 0xfc00; /* -infinity */
    assert_open_refused(f, &s, EAGLE_ENUMERIC, "document 0: the feature of token 1 is not finite");
}

static void a_file_of_another_form_is_refused(void **state)
{
    fixture *f = *state;
    small_file s = make_small();

    describe_small(&s);
    assert_int_equal(open_small(f, &s, 3), EAGLE_EFORMAT);
    assert_non_null(strstr(f->err.message, "no tensor \"hidden_state\""));
    s.tensor[0].shape[0] = 0;
    s.tensor[0].size = 0;
    assert_open_refused(f, &s, EAGLE_EFORMAT, "\"starts\" is I64 of rank 1 with 0 rows");
    describe_small(&s);
    s.tensor[2].shape[0] = s.tensor[2].size = 4;
    assert_open_refused(f, &s, EAGLE_EFORMAT, "\"loss_mask\" is U8 of rank 1 with 4 rows");
    describe_small(&s);
    s.tensor[1].dtype = EAGLE_F32;
    assert_open_refused(f, &s, EAGLE_EFORMAT, "\"input_ids\" is F32");
    describe_small(&s);
    s.tensor[3].rank = 1;
    s.tensor[3].shape[0] = 5 * DIM;
    assert_open_refused(f, &s, EAGLE_EFORMAT, "\"hidden_state\" is F16 of rank 1");
    describe_small(&s);
    s.starts[1] = 6;
    assert_open_refused(f, &s, EAGLE_EFORMAT, "document 0: tokens 0 to 6 of 5");
    s.starts[1] = -1;
    assert_open_refused(f, &s, EAGLE_EFORMAT, "document 0: tokens 0 to -1 of 5");
    s.starts[1] = INT64_MAX;
    assert_open_refused(f, &s, EAGLE_EFORMAT, "document 0: tokens 0 to 9223372036854775807");
    s.starts[1] = 2;
    s.starts[2] = 2;
    s.starts[0] = 2;
    assert_open_refused(f, &s, EAGLE_EFORMAT, "nothing to learn");
    scratch_text(f->dir, "features.safetensors", "no such thing");
    assert_int_equal(open_features(f), EAGLE_EFORMAT);
    scratch_join(f->path, f->dir, "absent");
    assert_int_equal(open_features(f), EAGLE_EREAD);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(features_are_those_of_a_session),
        TEST(long_documents_are_pieces_that_overlap_by_one_token),
        TEST(a_piece_without_anything_to_learn_is_left_out),
        TEST(an_ended_computation_leaves_the_old_file),
        TEST(a_full_disk_is_an_error),
        TEST(options_out_of_range_are_refused),
        TEST(features_that_are_not_finite_are_refused),
        TEST(files_that_others_made_are_read),
        TEST(features_of_another_target_do_not_fit),
        TEST(a_feature_that_is_not_finite_is_named),
        TEST(a_file_of_another_form_is_refused),
    };

    return cmocka_run_group_tests_name("features", tests, NULL, NULL);
}
