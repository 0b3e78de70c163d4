/* SPDX-License-Identifier: MIT */
/* replay.c - proposes recorded trees, one per round: one's own, another implementation's, or
 * a golden's. */
#include "base/error.h"
#include "draft/drafter.h"

#include <stdio.h>

typedef struct {
    eagle_drafter base; /* first */
    const eagle_rounds *rounds;
} replay_recipe;

typedef struct {
    eg_drafting base; /* first */
    int32_t *node;    /* [max nodes + 1] number in the tree of each recorded node, or -1 */
    int32_t next;     /* round that is proposed next */
    bool proposed;    /* it was, and is not committed yet */
} replay_drafting;

static eagle_status propose(eg_drafting *drafting, eagle_tree *tree, const eg_draft_input *input,
                            eagle_error *err)
{
    replay_drafting *d = (replay_drafting *)drafting;
    const eagle_rounds *rounds = ((const replay_recipe *)drafting->drafter)->rounds;
    const int32_t *token;
    const int32_t *parent;
    int32_t root;

    if (d->next >= eagle_rounds_count(rounds)) {
        return EAGLE_OK;
    }
    const int32_t n = eagle_rounds_get(rounds, d->next, &root, &token, &parent);

    if (root != tree->token[0]) {
        return eg_fail(err, EAGLE_EFIT, "round %d was recorded below token %d, the root is %d",
                       d->next, root, tree->token[0]);
    }
    d->proposed = true;
    d->node[0] = 0;
    for (int32_t i = 0; i < n; i++) {
        const int32_t above = d->node[parent[i]];

        d->node[i + 1] = above >= 0 && tree->depth[above] < input->max_depth
                             ? eagle_tree_add(tree, above, token[i], 0.0f)
                             : -1;
    }
    return EAGLE_OK;
}

/* A commit ends the round that was proposed. */
static eagle_status observe(eg_drafting *drafting, const int32_t *token, const float *feature,
                            int32_t n, bool fast, eagle_error *err)
{
    replay_drafting *d = (replay_drafting *)drafting;

    (void)token, (void)feature, (void)n, (void)fast, (void)err;
    d->next += d->proposed;
    d->proposed = false;
    return EAGLE_OK;
}

/* Another sequence begins: so does the recording. */
static void rewind_to(eg_drafting *drafting, int32_t n)
{
    replay_drafting *d = (replay_drafting *)drafting;

    (void)n;
    d->next = 0;
    d->proposed = false;
}

static void init(eg_drafting *drafting, const eagle_drafter *drafter, const eg_draft_setup *setup,
                 eg_arena *arena)
{
    replay_drafting *d = (replay_drafting *)drafting;

    (void)setup;
    d->node = eg_arena_take(arena, EG_FOR_WORK, (size_t)drafter->max_nodes + 1, sizeof *d->node);
}

static const eg_drafter_class replay_class = {.state_size = sizeof(replay_drafting),
                                              .init = init,
                                              .propose = propose,
                                              .observe = observe,
                                              .rewind = rewind_to};

eagle_status eagle_drafter_replay(eagle_drafter **out, const eagle_rounds *rounds, eagle_error *err)
{
    *out = NULL;
    replay_recipe *r = eg_drafter_new(
        sizeof *r,
        &(eagle_drafter){.class = &replay_class, .max_nodes = eagle_rounds_max_nodes(rounds)}, err);

    if (r == NULL) {
        return EAGLE_ENOMEM;
    }
    r->rounds = rounds;
    snprintf(r->base.description, sizeof r->base.description, "replay of %d rounds",
             eagle_rounds_count(rounds));
    *out = &r->base;
    return EAGLE_OK;
}
