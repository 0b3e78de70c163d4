/* SPDX-License-Identifier: MIT */
/* replay.c - proposes recorded trees, one per round: one's own, another implementation's, or
 * a golden's. */
#include "base/alloc.h"
#include "base/error.h"
#include "draft/drafter.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    eagle_drafter base; /* first */
    const eagle_rounds *rounds;
} replay_recipe;

typedef struct {
    eg_drafting base; /* first */
    const eagle_rounds *rounds;
    int32_t *node; /* [max nodes + 1] number in the tree of each recorded node, or -1 */
    int32_t next;
} replay_drafting;

static eagle_status propose(eg_drafting *drafting, eagle_tree *tree, const eg_draft_input *input,
                            eagle_error *err)
{
    replay_drafting *d = (replay_drafting *)drafting;
    const int32_t *token;
    const int32_t *parent;
    int32_t root;

    if (d->next >= eagle_rounds_count(d->rounds)) {
        return EAGLE_OK;
    }
    const int32_t n = eagle_rounds_get(d->rounds, d->next, &root, &token, &parent);

    if (root != tree->token[0]) {
        return eg_fail(err, EAGLE_EFIT, "round %d was recorded below token %d, the root is %d",
                       d->next, root, tree->token[0]);
    }
    d->next++;
    d->node[0] = 0;
    for (int32_t i = 0; i < n; i++) {
        const int32_t above = d->node[parent[i]];

        d->node[i + 1] = above >= 0 && tree->depth[above] < input->max_depth
                             ? eagle_tree_add(tree, above, token[i], 0.0f)
                             : -1;
    }
    return EAGLE_OK;
}

/* Another sequence begins: so does the recording. */
static void rewind_to(eg_drafting *drafting, int32_t n)
{
    (void)n;
    ((replay_drafting *)drafting)->next = 0;
}

static void free_drafting(eg_drafting *drafting)
{
    if (drafting != NULL) {
        free(((replay_drafting *)drafting)->node);
        free(drafting);
    }
}

static eagle_status start(eg_drafting **out, const eagle_drafter *drafter,
                          const eg_draft_setup *setup, eagle_error *err)
{
    const replay_recipe *r = (const replay_recipe *)drafter;
    replay_drafting *d = eg_alloc(1, sizeof *d);

    (void)setup;
    *out = NULL;
    if (d != NULL) {
        d->base.class = drafter->class;
        d->rounds = r->rounds;
        d->node = eg_alloc((size_t)drafter->max_nodes + 1, sizeof *d->node);
    }
    if (d == NULL || d->node == NULL) {
        free_drafting(d != NULL ? &d->base : NULL);
        return eg_fail(err, EAGLE_ENOMEM, "no memory to replay rounds");
    }
    *out = &d->base;
    return EAGLE_OK;
}

static void bill(uint64_t *head_kv, uint64_t *work, const eagle_drafter *drafter,
                 const eg_draft_setup *setup)
{
    (void)setup;
    *head_kv = 0;
    *work = ((uint64_t)drafter->max_nodes + 1) * sizeof(int32_t);
}

static void free_recipe(eagle_drafter *drafter)
{
    free(drafter);
}

static const eg_drafter_class replay_class = {
    .start = start,
    .propose = propose,
    .rewind = rewind_to,
    .free = free_drafting,
    .bill = bill,
    .free_recipe = free_recipe,
};

eagle_status eagle_drafter_replay(eagle_drafter **out, const eagle_rounds *rounds, eagle_error *err)
{
    *out = NULL;
    if (eagle_rounds_max_nodes(rounds) > EAGLE_MAX_NODES) {
        return eg_fail(err, EAGLE_EINVAL, "a recorded tree of %d nodes, at most %d are possible",
                       eagle_rounds_max_nodes(rounds), EAGLE_MAX_NODES);
    }
    replay_recipe *r = eg_alloc(1, sizeof *r);

    if (r == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a drafter");
    }
    r->rounds = rounds;
    r->base = (eagle_drafter){.class = &replay_class, .max_nodes = eagle_rounds_max_nodes(rounds)};
    snprintf(r->base.description, sizeof r->base.description, "replay of %d rounds",
             eagle_rounds_count(rounds));
    *out = &r->base;
    return EAGLE_OK;
}
