/* SPDX-License-Identifier: MIT */
/* fuzz.c - proposes random legal trees: whatever a drafter says, the output must not change. */
#include "base/error.h"
#include "draft/drafter.h"
#include "sample/draws.h"

#include <stdio.h>

typedef struct {
    eagle_drafter base; /* first */
    uint64_t seed;
    int32_t vocab;
    eagle_fuzz_mode mode;
    eagle_future future; /* empty: unknown */
} fuzz_recipe;

/* Random numbers of one tree: Philox blocks under (seed, position). Not a draw: nothing here
 * needs to be exact. */
typedef struct {
    uint32_t key[2];
    uint32_t counter[4];
} fuzz_numbers;

/* A number below n >= 1. */
static int32_t below(fuzz_numbers *numbers, int32_t n)
{
    uint32_t word[4];

    eg_philox4x32(word, numbers->counter, numbers->key);
    numbers->counter[0]++;
    return (int32_t)(word[0] % (uint32_t)n);
}

/* The token that plain decoding will emit at `pos`, or -1. */
static int32_t coming(const fuzz_recipe *r, int32_t pos)
{
    return pos < r->future.n ? r->future.token[pos] : -1;
}

/* Adds a child of `parent`; in mode WRONG another token than the one that is to come. */
static void add(const fuzz_recipe *r, eagle_tree *tree, int32_t parent, int32_t token)
{
    const int32_t right = coming(r, tree->pos + tree->depth[parent] + 1);

    if (r->mode != EAGLE_FUZZ_WRONG || token != right) {
        eagle_tree_add(tree, parent, token, 0.0f); /* refused when it is there already */
    }
}

static eagle_status propose(eg_drafting *drafting, eagle_tree *tree, const eg_draft_input *input,
                            eagle_error *err)
{
    const fuzz_recipe *r = (const fuzz_recipe *)drafting->drafter;
    fuzz_numbers numbers = {.key = {(uint32_t)r->seed, (uint32_t)(r->seed >> 32)},
                            .counter = {0, 0, (uint32_t)tree->pos, 0}};
    const int32_t nodes = below(&numbers, r->base.max_nodes + 1);
    int32_t right = 0; /* end of the path that is right */

    (void)err;
    for (int32_t i = 0; i < nodes; i++) {
        const int32_t parent = below(&numbers, tree->n_nodes);
        const int32_t token = below(&numbers, r->vocab);
        const int32_t next = coming(r, tree->pos + tree->depth[right] + 1);

        if (r->mode == EAGLE_FUZZ_RIGHT && next >= 0 && tree->depth[right] < input->max_depth &&
            below(&numbers, 2) == 0) {
            const int32_t child = eagle_tree_child(tree, right, next);

            right = child >= 0 ? child : eagle_tree_add(tree, right, next, 0.0f);
        } else if (tree->depth[parent] < input->max_depth) {
            add(r, tree, parent, token);
        }
    }
    /* Sometimes the last nodes are computed and not walked. */
    if (below(&numbers, 4) == 0) {
        tree->n_verify -= below(&numbers, tree->n_verify);
    }
    return EAGLE_OK;
}

static void init(eg_drafting *drafting, const eagle_drafter *drafter, const eg_draft_setup *setup,
                 eg_arena *arena)
{
    (void)drafting;
    (void)drafter;
    (void)setup;
    (void)arena;
}

static const eg_drafter_class fuzz_class = {
    .state_size = sizeof(eg_drafting), .init = init, .propose = propose};

eagle_status eagle_drafter_fuzz(eagle_drafter **out, uint64_t seed, int32_t nodes, int32_t vocab,
                                eagle_fuzz_mode mode, const eagle_future *future, eagle_error *err)
{
    *out = NULL;
    if (nodes < 1 || nodes > EAGLE_MAX_NODES || vocab < 1) {
        return eg_fail(err, EAGLE_EINVAL,
                       "fuzz trees of %d nodes over %d tokens: needs 1..%d, >= 1", nodes, vocab,
                       EAGLE_MAX_NODES);
    }
    fuzz_recipe *r =
        eg_drafter_new(sizeof *r, &(eagle_drafter){.class = &fuzz_class, .max_nodes = nodes}, err);

    if (r == NULL) {
        return EAGLE_ENOMEM;
    }
    r->seed = seed;
    r->vocab = vocab;
    r->mode = mode;
    r->future = future != NULL ? *future : (eagle_future){0};
    snprintf(r->base.description, sizeof r->base.description, "fuzz N%d", nodes);
    *out = &r->base;
    return EAGLE_OK;
}
