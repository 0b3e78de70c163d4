/* SPDX-License-Identifier: MIT */
/* test_target.c - the forward pass over rows: a row's bits are its own. */
#include "support/lib_toy.h"

#include "model/model.h"
#include "target/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED   31
#define LENGTH 24 /* tokens of a sequence */
#define MOST   33 /* sequences            */
#define VOCAB  40
#define DIM    32

static void open_forward(eg_forward *f, eg_arena *arena, const toy *t, eagle_isa isa, int threads)
{
    const eg_compute compute = {.kernels = eg_kernels_for(isa), .threads = threads};
    const eg_pass_room room = {.rows = MOST * 3, .logits = MOST * 3, .slots = MOST * LENGTH};

    *arena = (eg_arena){0};
    *f = (eg_forward){0};
    eg_forward_make(f, &toy_model(t)->target, &compute, &room, arena);
    assert_false(arena->failed);
}

static int32_t token_at(int sequence, int32_t pos)
{
    return (int32_t)((sequence * 7 + pos * 13 + sequence * pos) % VOCAB);
}

/* Logits of every position of one sequence, one token per pass. [LENGTH, VOCAB] */
static float *alone(const toy *t, int sequence)
{
    eg_arena arena;
    eg_forward f;

    open_forward(&f, &arena, t, EAGLE_ISA_PORTABLE, 1);
    float *logits = calloc(LENGTH * VOCAB, sizeof *logits);

    for (int32_t pos = 0; pos < LENGTH; pos++) {
        const eg_row row = {
            .token = token_at(sequence, pos), .pos = pos, .n_run = pos + 1, .wants_logits = true};

        assert_int_equal(eg_forward_run(&f, &row, 1, false, NULL), EAGLE_OK);
        memcpy(logits + pos * VOCAB, f.pass.logits, VOCAB * sizeof *logits);
    }
    eg_arena_free(&arena);
    return logits;
}

/* Passes with rows of n sequences mixed: each sequence advances by 1 to 3 tokens a pass, all at
 * their own pace, in regions of one cache. */
static void check_mixed(const toy *t, int n, eagle_isa isa, int threads)
{
    eg_arena arena;
    eg_forward f;

    open_forward(&f, &arena, t, isa, threads);
    float *expected[MOST];
    int32_t done[MOST] = {0};
    uint64_t random = SEED;
    bool more = true;

    for (int s = 0; s < n; s++) {
        expected[s] = alone(t, s);
    }
    while (more) {
        eg_row rows[MOST * 3];
        int owner[MOST * 3];
        int32_t n_rows = 0;

        for (int s = 0; s < n; s++) {
            const int32_t step = 1 + (int32_t)(toy_random(&random) % 3);

            for (int32_t i = 0; i < step && done[s] < LENGTH; i++) {
                const int32_t pos = done[s]++;

                owner[n_rows] = s;
                rows[n_rows++] = (eg_row){.token = token_at(s, pos),
                                          .pos = pos,
                                          .first = s * LENGTH,
                                          .n_run = pos + 1,
                                          .wants_logits = true};
            }
        }
        more = n_rows > 0;
        if (!more) {
            break;
        }
        assert_int_equal(eg_forward_run(&f, rows, n_rows, false, NULL), EAGLE_OK);
        for (int32_t i = 0; i < n_rows; i++) {
            assert_memory_equal(f.pass.logits + i * VOCAB, expected[owner[i]] + rows[i].pos * VOCAB,
                                VOCAB * sizeof(float));
        }
    }
    for (int s = 0; s < n; s++) {
        free(expected[s]);
    }
    eg_arena_free(&arena);
}

static void mixed_sequences_equal_each_alone(void **state)
{
    (void)state;
    static const int counts[] = {1, 3, 8, 33};
    static const eagle_isa isas[] = {EAGLE_ISA_PORTABLE, EAGLE_ISA_AVX2, EAGLE_ISA_AVX512,
                                     EAGLE_ISA_NEON};
    toy *t = toy_create(&(toy_options){.seed = SEED, .vocab = VOCAB, .dim = DIM});

    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++) {
            if (eagle_isa_usable(isas[i])) {
                check_mixed(t, counts[c], isas[i], 1 + (int)(c % 3));
            }
        }
    }
    printf("count: mixed passes of 1, 3, 8, 33 sequences x %d tokens equal each alone\n", LENGTH);
    toy_free(t);
}

/* Sees every site of every layer once per pass. */
typedef struct {
    int seen[EAGLE_SITE_COUNT];
    int32_t layers;
    bool finite;
} witness;

static void see(void *ctx, eagle_site site, int32_t layer, int32_t n_rows, int32_t dim,
                const float *data, int32_t stride)
{
    witness *w = ctx;

    assert_true(n_rows > 0 && dim > 0 && stride >= dim);
    assert_non_null(eagle_site_name(site));
    w->seen[site]++;
    w->layers = layer + 1 > w->layers ? layer + 1 : w->layers;
    for (int32_t i = 0; i < n_rows; i++) {
        w->finite = w->finite && eg_all_finite(data + (size_t)i * (size_t)stride, (size_t)dim);
    }
}

static void a_probe_sees_every_site_and_changes_nothing(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = SEED, .vocab = VOCAB, .dim = DIM, .n_layers = 3});
    witness w = {.finite = true};
    const eagle_probe probe = {.see = see, .ctx = &w};
    eg_row rows[5];
    float plain[5 * VOCAB];

    for (int32_t i = 0; i < 5; i++) {
        rows[i] = (eg_row){.token = i, .pos = i, .n_run = i + 1, .wants_logits = true};
    }
    for (int threads = 1; threads <= 3; threads++) {
        eg_arena arena;
        eg_forward f;

        open_forward(&f, &arena, t, EAGLE_ISA_AUTO, threads);

        assert_int_equal(eg_forward_run(&f, rows, 5, false, NULL), EAGLE_OK);
        memcpy(plain, f.pass.logits, sizeof plain);
        f.pass.probe = &probe;
        w = (witness){.finite = true};
        assert_int_equal(eg_forward_run(&f, rows, 5, false, NULL), EAGLE_OK);
        assert_memory_equal(plain, f.pass.logits, sizeof plain);
        assert_true(w.finite);
        assert_int_equal(w.layers, 3);
        for (int site = EAGLE_SITE_LAYER_IN; site <= EAGLE_SITE_RESID_MLP; site++) {
            assert_int_equal(w.seen[site], 3);
        }
        assert_int_equal(w.seen[EAGLE_SITE_EMBED], 1);
        assert_int_equal(w.seen[EAGLE_SITE_FEATURE], 1);
        assert_int_equal(w.seen[EAGLE_SITE_LOGITS], 1);
        eg_arena_free(&arena);
    }
    assert_null(eagle_site_name(EAGLE_SITE_COUNT));
    toy_free(t);
}

/* Three levels: the root's row, and two passes over nodes. */
static void a_probe_sees_the_logits_that_every_level_was_chosen_by(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = SEED});
    witness w = {.finite = true};
    const eagle_probe probe = {.see = see, .ctx = &w};
    eagle_drafter *drafter = NULL;
    eagle_session_options opt;
    eagle_session *s = NULL;
    const eagle_path *path;
    const eagle_tree *tree;

    eagle_session_defaults(&opt);
    opt.threads = 1;
    assert_int_equal(eagle_drafter_dynamic(&drafter, toy_head(t), 3, 2, 6, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_create(&s, toy_model(t), drafter, &opt, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(NULL, s, (int32_t[]){1, 2, 3}, 3, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    eagle_session_set_probe(s, &probe);
    assert_int_equal(eagle_session_draft(&tree, s, NULL, NULL), EAGLE_OK);
    assert_int_equal(w.seen[EAGLE_SITE_HEAD_FUSED], 2);
    assert_int_equal(w.seen[EAGLE_SITE_HEAD_OUT], 2);
    assert_int_equal(w.seen[EAGLE_SITE_HEAD_LOGITS], 3);
    assert_int_equal(w.seen[EAGLE_SITE_LOGITS], 0);
    eagle_session_free(s);
    eagle_drafter_free(drafter);
    toy_free(t);
}

static void tensors_that_do_not_fit_are_named(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = SEED});
    eagle_config config = *toy_config(t, false);
    eagle_model *model = NULL;
    eagle_error err;
    int32_t n;
    const eagle_tensor *tensors = toy_tensors(&n, t, false);

    /* one is missing: the last of the list, the LM head */
    assert_int_equal(eagle_model_create(&model, &config, tensors, n - 1, &err), EAGLE_EFIT);
    assert_string_equal(err.message, "tensor lm_head.weight is missing");
    assert_null(model);

    config.ffn_dim = 47;
    assert_int_equal(eagle_model_create(&model, &config, tensors, n, &err), EAGLE_EFIT);
    assert_non_null(strstr(err.message, "mlp.gate_proj.weight has shape [48, 32]"));

    config = *toy_config(t, false);
    config.n_layers = 1;
    assert_int_equal(eagle_model_create(&model, &config, tensors, n, &err), EAGLE_EFIT);
    assert_non_null(strstr(err.message, "model.layers.1."));
    assert_non_null(strstr(err.message, "not part of this architecture"));

    config.n_kv_heads = 3;
    assert_int_equal(eagle_model_create(&model, &config, tensors, n, &err), EAGLE_EFORMAT);

    eagle_tensor *cut = malloc((size_t)n * sizeof *cut);

    assert_non_null(cut);
    memcpy(cut, tensors, (size_t)n * sizeof *cut);
    cut[0].size--;
    config = *toy_config(t, false);
    assert_int_equal(eagle_model_create(&model, &config, cut, n, &err), EAGLE_EFIT);
    assert_non_null(strstr(err.message, "bytes"));
    free(cut);
    toy_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixed_sequences_equal_each_alone),
        cmocka_unit_test(a_probe_sees_every_site_and_changes_nothing),
        cmocka_unit_test(a_probe_sees_the_logits_that_every_level_was_chosen_by),
        cmocka_unit_test(tensors_that_do_not_fit_are_named),
    };

    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
