/* SPDX-License-Identifier: MIT */
/* test_equality.c - speculative decoding equals plain decoding in every bit: the same ids, and the
 * same SHA-256 over the logits behind each of them.
 *
 * With EAGLE_TEST=full: 50 prompts x 200 tokens per tree and network, as stated in docs/testing.md.
 * Without: a part of that, in seconds. The pairs of settings are complete in both. */
#include "support/lib_data.h"
#include "support/lib_run.h"
#include "support/lib_toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED 20240115

enum { STATIC, DYNAMIC_WIDE, DYNAMIC_SMALL, CHAIN, FUZZ, N_TREES };
static const char *const tree_names[N_TREES] = {"static", "L6 K10 N59", "L5 K4 N7", "chain",
                                                "fuzz"};

static bool full(void)
{
    const char *level = getenv("EAGLE_TEST");

    return level != NULL && strcmp(level, "full") == 0;
}

static eagle_drafter *make_drafter(int kind, const eagle_head *head)
{
    const int32_t vocab = eagle_head_config(head)->vocab;
    eagle_drafter *drafter = NULL;
    eagle_shape *shape = NULL;
    eagle_status st = EAGLE_OK;

    switch (kind) {
    case STATIC:
        assert_int_equal(eagle_shape_named(&shape, "mc_sim_7b_63", NULL), EAGLE_OK);
        st = eagle_drafter_static(&drafter, head, shape, false, NULL);
        eagle_shape_free(shape);
        break;
    case DYNAMIC_WIDE: st = eagle_drafter_dynamic(&drafter, head, 6, 10, 59, NULL); break;
    case DYNAMIC_SMALL: st = eagle_drafter_dynamic(&drafter, head, 5, 4, 7, NULL); break;
    case CHAIN: st = eagle_drafter_dynamic(&drafter, head, 5, 1, 5, NULL); break;
    default:
        st = eagle_drafter_fuzz(&drafter, SEED, 24, vocab, EAGLE_FUZZ_RANDOM, NULL, NULL);
        break;
    }
    assert_int_equal(st, EAGLE_OK);
    return drafter;
}

/* A network with its head, real ($EAGLE_DATA) or a toy. */
typedef struct {
    const eagle_model *model;
    const eagle_head *head;
} network;

static void open_pair(network *n, const char *model, const char *head)
{
    eagle_model *opened = NULL;
    eagle_head *drafts = NULL;

    assert_int_equal(eagle_model_open(&opened, model, NULL), EAGLE_OK);
    assert_int_equal(eagle_head_open(&drafts, opened, head, NULL), EAGLE_OK);
    *n = (network){.model = opened, .head = drafts};
}

/* Of $EAGLE_DATA; false when it is not there. */
static bool open_network(network *n, const char *model, const char *head)
{
    char file[512];
    char model_path[512];
    char head_path[512];

    snprintf(file, sizeof file, "models/%s", model);
    if (!data_path(model_path, file)) {
        return false;
    }
    snprintf(file, sizeof file, "heads/%s", head);
    assert_true(data_path(head_path, file));
    open_pair(n, model_path, head_path);
    return true;
}

static void close_network(network *n)
{
    eagle_head_free((eagle_head *)(uintptr_t)n->head);
    eagle_model_free((eagle_model *)(uintptr_t)n->model);
}

/* A prompt that the network wrote itself, from BOS, at temperature 1: `n` tokens. */
static run_result write_prompt(const eagle_model *model, uint64_t seed, int32_t n)
{
    run_plan plan = run_plan_for(model, NULL, &eagle_model_config(model)->bos, 1, n);

    plan.options.seed = seed;
    plan.options.sampling.temperature = 1.0f;
    plan.options.sampling.mode = EAGLE_VERIFY_COUPLED;
    return run_generate(&plan);
}

/* ---- many prompts ------------------------------------------------------------------------ */

static void compare_prompts(const network *net, const char *name)
{
    const int prompts = full() ? 50 : 6;
    const int32_t n = full() ? 200 : 80;
    long tokens = 0;
    long rounds[N_TREES] = {0};
    long accepted[N_TREES] = {0};

    for (int p = 0; p < prompts; p++) {
        run_result prompt = write_prompt(net->model, SEED + (uint64_t)p, 3 + p % 38);
        run_plan plan = run_plan_for(net->model, NULL, prompt.token, prompt.n, n);
        run_result plain = run_generate(&plan);

        for (int kind = 0; kind < N_TREES; kind++) {
            eagle_drafter *drafter = make_drafter(kind, net->head);
            run_plan with = run_plan_for(net->model, drafter, prompt.token, prompt.n, n);
            run_result got = run_generate(&with);

            run_assert_same(&plain, &got);
            tokens += got.n;
            rounds[kind] += got.rounds;
            accepted[kind] += got.accepted;
            run_free(&got);
            eagle_drafter_free(drafter);
        }
        run_free(&plain);
        run_free(&prompt);
    }
    printf("count: %s: %d prompts x %d tokens x %d trees, %ld tokens, 0 differ;", name, prompts, n,
           N_TREES, tokens);
    for (int kind = 0; kind < N_TREES; kind++) {
        printf(" %s %.2f", tree_names[kind],
               1.0 + (double)accepted[kind] / (double)(rounds[kind] > 0 ? rounds[kind] : 1));
    }
    printf(" tokens a round\n");
}

static void shipped_network_speculates_like_plain(void **state)
{
    (void)state;
    network net;

    open_pair(&net, "testdata/stories", "testdata/stories-eagle1");
    compare_prompts(&net, "stories");
    close_network(&net);
}

static void compare_real(const char *model, const char *head)
{
    network net;

    if (!open_network(&net, model, head)) {
        skip();
    }
    compare_prompts(&net, model);
    close_network(&net);
}

static void stories260k_speculates_like_plain(void **state)
{
    (void)state;
    compare_real("stories260K", "stories260K-eagle1");
}

static void babyllama_speculates_like_plain(void **state)
{
    (void)state;
    compare_real("babyllama-tok361", "babyllama-tok361-eagle1");
}

/* ---- pairs of settings --------------------------------------------------------------------- */

enum { TREE, THREADS, ISA, CHUNK, DTYPE, TEMPERATURE, N_FACTORS };
static const int levels[N_FACTORS] = {N_TREES, 4, 3, 3, 2, 3};
static const int thread_counts[] = {1, 2, 3, 8};
static const eagle_isa isas[] = {EAGLE_ISA_PORTABLE, EAGLE_ISA_AVX2, EAGLE_ISA_AVX512};
static const int32_t chunks[] = {1, 7, 256};

/* Which pairs (factor a at level i, factor b at level j) have been seen. */
typedef struct {
    bool seen[N_FACTORS][N_FACTORS][5][5];
} pairs;

static int new_pairs(const pairs *p, const int *row)
{
    int n = 0;

    for (int a = 0; a < N_FACTORS; a++) {
        for (int b = a + 1; b < N_FACTORS; b++) {
            n += !p->seen[a][b][row[a]][row[b]];
        }
    }
    return n;
}

static void mark(pairs *p, const int *row)
{
    for (int a = 0; a < N_FACTORS; a++) {
        for (int b = a + 1; b < N_FACTORS; b++) {
            p->seen[a][b][row[a]][row[b]] = true;
        }
    }
}

/* Finds the row of settings with most unseen pairs; false when all have been seen. There are only a
 * thousand rows: all are tried. */
static bool next_row(int *best, const pairs *p)
{
    int most = 0;
    int total = 1;

    for (int f = 0; f < N_FACTORS; f++) {
        total *= levels[f];
    }
    for (int code = 0; code < total; code++) {
        int row[N_FACTORS];
        int rest = code;

        for (int f = 0; f < N_FACTORS; f++) {
            row[f] = rest % levels[f];
            rest /= levels[f];
        }
        const int n = new_pairs(p, row);

        if (n > most) {
            most = n;
            memcpy(best, row, sizeof row);
        }
    }
    return most > 0;
}

static void set_sampling(eagle_sampling *sampling, int level)
{
    if (level == 1) {
        sampling->temperature = 0.8f;
        sampling->mode = EAGLE_VERIFY_COUPLED;
    } else if (level == 2) {
        sampling->temperature = 1.0f;
        sampling->mode = EAGLE_VERIFY_COUPLED;
        assert_int_equal(eagle_decimal_parse(&sampling->top_p, "0.9", NULL), EAGLE_OK);
    }
}

/* Plain runs on one thread in portable C, by sampling and prompt: what the rows are compared
 * with. */
typedef struct {
    const network *net;
    run_result prompt[2];
    run_result plain[2][3];
} reference;

#define N_PAIR_TOKENS 24

static reference make_reference(const network *net)
{
    reference r = {.net = net};

    for (int p = 0; p < 2; p++) {
        r.prompt[p] = write_prompt(net->model, SEED + (uint64_t)p, 12);
        for (int t = 0; t < levels[TEMPERATURE]; t++) {
            run_plan plan =
                run_plan_for(net->model, NULL, r.prompt[p].token, r.prompt[p].n, N_PAIR_TOKENS);

            plan.options.isa = EAGLE_ISA_PORTABLE;
            plan.options.seed = SEED;
            set_sampling(&plan.options.sampling, t);
            r.plain[p][t] = run_generate(&plan);
        }
    }
    return r;
}

static void free_reference(reference *r)
{
    for (int p = 0; p < 2; p++) {
        for (int t = 0; t < levels[TEMPERATURE]; t++) {
            run_free(&r->plain[p][t]);
        }
        run_free(&r->prompt[p]);
    }
}

/* Both prompts under a row of settings equal the reference. */
static void check_row(const reference *r, const int *row)
{
    eagle_drafter *drafter = make_drafter(row[TREE], r->net->head);

    for (int p = 0; p < 2; p++) {
        run_plan with =
            run_plan_for(r->net->model, drafter, r->prompt[p].token, r->prompt[p].n, N_PAIR_TOKENS);

        with.options.seed = SEED;
        with.options.threads = thread_counts[row[THREADS]];
        with.options.isa = isas[row[ISA]];
        with.options.chunk = chunks[row[CHUNK]];
        set_sampling(&with.options.sampling, row[TEMPERATURE]);
        run_result got = run_generate(&with);

        run_assert_same(&r->plain[p][row[TEMPERATURE]], &got);
        run_free(&got);
    }
    eagle_drafter_free(drafter);
}

/* Runs a covering set of rows over two networks that differ in dtype; counts them. */
static void check_pairs(const network *net, const char *name)
{
    reference r[2] = {make_reference(&net[0]), make_reference(&net[1])};
    pairs p = {0};
    int row[N_FACTORS];
    int rows = 0;
    int left_out = 0;

    while (next_row(row, &p)) {
        mark(&p, row);
        if (eagle_isa_usable(isas[row[ISA]])) {
            check_row(&r[row[DTYPE]], row);
            rows++;
        } else {
            left_out++;
        }
    }
    assert_true(rows > 10);
    printf(
        "count: %s: %d rows of settings on 2 prompts cover every pair of {5 trees, 4 thread "
        "counts, "
        "3 instruction sets, 3 chunks, f32 and bf16, 3 samplings}, 0 differ; %d rows left out for "
        "want of an instruction set\n",
        name, rows, left_out);
    free_reference(&r[1]);
    free_reference(&r[0]);
}

static void every_pair_of_settings_gives_the_same_bits(void **state)
{
    (void)state;
    network net[2];

    if (!open_network(&net[0], "stories260K", "stories260K-eagle1") ||
        !open_network(&net[1], "stories260K-bf16", "stories260K-eagle1")) {
        skip();
    }
    check_pairs(net, "stories260K");
    close_network(&net[1]);
    close_network(&net[0]);
}

/* The same on random networks with biases, which need no data. */
static void every_pair_of_settings_gives_the_same_bits_on_toys(void **state)
{
    (void)state;
    toy *f32 = toy_create(&(toy_options){.seed = SEED, .biases = true});
    toy *bf16 = toy_create(&(toy_options){.seed = SEED, .biases = true, .dtype = EAGLE_BF16});
    const network net[2] = {
        {.model = toy_model(f32), .head = toy_head(f32)},
        {.model = toy_model(bf16), .head = toy_head(bf16)},
    };

    check_pairs(net, "toys");
    toy_free(bf16);
    toy_free(f32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_network_speculates_like_plain),
        cmocka_unit_test(stories260k_speculates_like_plain),
        cmocka_unit_test(babyllama_speculates_like_plain),
        cmocka_unit_test(every_pair_of_settings_gives_the_same_bits),
        cmocka_unit_test(every_pair_of_settings_gives_the_same_bits_on_toys),
    };

    return cmocka_run_group_tests_name("equality", tests, NULL, NULL);
}
