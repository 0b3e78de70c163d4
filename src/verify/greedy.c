/* SPDX-License-Identifier: MIT */
/* greedy.c - temperature 0: the arg max, and on if it is a child. */
#include "sample/law.h"
#include "verify/walk.h"

eagle_status eg_step_greedy(eg_step *out, const eg_walk *walk, int32_t node, eagle_error *err)
{
    (void)err;
    out->token = eg_law_best(eg_walk_logits(walk, node), walk->rows->vocab);
    out->child = eagle_tree_child(walk->tree, node, out->token);
    return EAGLE_OK;
}
