/* SPDX-License-Identifier: MIT */
/* coupled.c - draws the target's own token, exactly as plain decoding would at this position, and
 * goes on if the drafter guessed it.
 *
 * No probability argument is needed: the tree decides how many tokens a round brings, never
 * which. And nothing is lost: a token is accepted with the weight of all children together, as much
 * as any rule can reach with children chosen without chance (docs/5-verification.md). */
#include "sample/law.h"
#include "verify/walk.h"

eagle_status eg_step_coupled(eg_step *out, const eg_walk *walk, int32_t node, eagle_error *err)
{
    const int32_t vocab = walk->rows->vocab;
    const eagle_draw_key key = {EAGLE_DRAW_TARGET, eg_walk_pos(walk, node), 0};
    uint64_t *p = walk->space->p;

    (void)err;
    eg_law_make(p, walk->space->order, eg_walk_logits(walk, node), vocab, walk->sampling);
    out->token = walk->draws->pick(walk->draws->ctx, key, p, vocab);
    out->child = eagle_tree_child(walk->tree, node, out->token);
    return EAGLE_OK;
}
