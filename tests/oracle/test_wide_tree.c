/* SPDX-License-Identifier: MIT */
/* test_wide_tree.c - a tree of 59 nodes at context 512 equals one-token decoding of each of its
 * paths, in every bit of every node's logits.
 *
 * EAGLE_BIG, a list of model directories separated by colons, adds networks to the toys: `make
 * check-big` makes two of TinyLlama-1.1B's shape, f32 and bf16. */
#include "support/lib_toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CTX      512
#define N_NODES  60
#define N_PROMPT (CTX - 40)
#define CHUNK    128

static eagle_session *open_session(const eagle_model *model)
{
    eagle_session_options opt;
    eagle_session *s = NULL;
    eagle_error err = {0};

    eagle_session_defaults(&opt);
    opt.ctx = CTX;
    opt.chunk = CHUNK;
    opt.max_nodes = N_NODES;
    if (eagle_session_create(&s, model, NULL, &opt, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    return s;
}

/* The prompt's tokens; the last one becomes the root. */
static void feed(eagle_session *s, int32_t vocab)
{
    int32_t token[N_PROMPT];

    for (int32_t i = 0; i < N_PROMPT; i++) {
        token[i] = (int32_t)((1 + 17 * (int64_t)i * i + 5 * i) % vocab);
    }
    for (int32_t done = 0; done < N_PROMPT; done += CHUNK) {
        const int32_t n = N_PROMPT - done < CHUNK ? N_PROMPT - done : CHUNK;

        assert_int_equal(eagle_session_feed(NULL, s, token + done, n, NULL), EAGLE_OK);
    }
    assert_int_equal(eagle_session_rewind(s, N_PROMPT - 1, NULL), EAGLE_OK);
}

/* 59 nodes below the root: bushy at the top, one long path, all tokens different. */
static eagle_tree *grow(const eagle_session *s, int32_t vocab)
{
    const int32_t length = eagle_session_length(s);
    eagle_tree *tree = NULL;
    uint64_t random = 59;

    assert_int_equal(eagle_tree_create(&tree, N_NODES, NULL), EAGLE_OK);
    eagle_tree_reset(tree, eagle_session_tokens(s)[length - 1], length - 1);
    while (tree->n_nodes < N_NODES) {
        const int32_t last = tree->n_nodes - 1;
        const int32_t parent =
            tree->n_nodes < 12 ? last : (int32_t)(toy_random(&random) % (uint64_t)(last + 1));

        if (tree->depth[parent] < 20) {
            eagle_tree_add(tree, parent, (int32_t)(toy_random(&random) % (uint64_t)vocab), 0.0f);
        }
    }
    return tree;
}

/* Scores the tree at once, then each node's path by one-token passes. */
static void check_tree(const eagle_model *model, const char *name)
{
    const int32_t vocab = eagle_model_config(model)->vocab;
    const size_t row = (size_t)vocab * sizeof(float);
    eagle_session *s = open_session(model);
    eagle_rows rows;
    int compared = 0;

    feed(s, vocab);
    eagle_tree *tree = grow(s, vocab);
    float *wide = malloc(N_NODES * row);

    assert_non_null(wide);
    assert_int_equal(eagle_session_score(&rows, s, tree, NULL), EAGLE_OK);
    memcpy(wide, rows.logits, N_NODES * row);

    /* To each node from the one before: back to where their paths part, then a token at a time. */
    int32_t here[N_NODES] = {0};
    int32_t n_here = 0;

    for (int32_t node = 0; node < N_NODES; node++) {
        const int32_t n = tree->depth[node] + 1;
        int32_t path[N_NODES];
        int32_t common = 0;

        for (int32_t at = node; at >= 0; at = tree->parent[at]) {
            path[tree->depth[at]] = at;
        }
        while (common < n_here && common < n && path[common] == here[common]) {
            common++;
        }
        assert_int_equal(eagle_session_rewind(s, tree->pos + common, NULL), EAGLE_OK);
        for (int32_t d = common; d < n; d++) {
            assert_int_equal(eagle_session_feed(&rows, s, &tree->token[path[d]], 1, NULL),
                             EAGLE_OK);
            assert_memory_equal(rows.logits, wide + (size_t)path[d] * (size_t)vocab, row);
            compared++;
        }
        memcpy(here, path, sizeof here);
        n_here = n;
    }
    printf("count: %s: a tree of %d nodes at context %d, %d rows of one-token decoding, 0 differ\n",
           name, N_NODES - 1, CTX, compared);
    free(wide);
    eagle_tree_free(tree);
    eagle_session_free(s);
}

static void a_wide_tree_equals_sequential_decoding(void **state)
{
    (void)state;
    static const eagle_dtype dtypes[] = {EAGLE_F32, EAGLE_F16, EAGLE_BF16};

    for (int i = 0; i < 3; i++) {
        toy *t = toy_create(&(toy_options){.seed = 11,
                                           .dim = 128,
                                           .n_heads = 4,
                                           .n_kv_heads = 1,
                                           .ffn_dim = 200,
                                           .n_layers = 2,
                                           .vocab = 97,
                                           .dtype = dtypes[i]});

        check_tree(toy_model(t), eagle_dtype_name(dtypes[i]));
        toy_free(t);
    }
}

static void a_wide_tree_equals_sequential_decoding_on_big_networks(void **state)
{
    (void)state;
    const char *list = getenv("EAGLE_BIG");
    char dirs[2048];

    if (list == NULL || strlen(list) >= sizeof dirs) {
        skip();
    }
    strcpy(dirs, list);
    for (char *dir = strtok(dirs, ":"); dir != NULL; dir = strtok(NULL, ":")) {
        eagle_model *model = NULL;
        eagle_error err = {0};

        if (eagle_model_open(&model, dir, &err) != EAGLE_OK) {
            fail_msg("%s", err.message);
        }
        check_tree(model, dir);
        eagle_model_free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wide_tree_equals_sequential_decoding),
        cmocka_unit_test(a_wide_tree_equals_sequential_decoding_on_big_networks),
    };

    return cmocka_run_group_tests_name("wide tree", tests, NULL, NULL);
}
