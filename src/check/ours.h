/* SPDX-License-Identifier: MIT */
/* ours.h - our target on the tokens of a claim: what its rows should have been, and what they would
 * be if something were wrong.
 *
 * The whole sequence is fed once; afterwards slots [0, n) hold its keys and values, and the rows of
 * any round's tree can be had in any order, since a row names the slots that it attends to. */
#ifndef EG_CHECK_OURS_H
#define EG_CHECK_OURS_H

#include "check/claim.h"
#include "eagle/check.h"
#include "target/target.h"

typedef struct {
    const eg_target *target;
    eg_arena arena;
    eg_forward forward;
    int32_t rows; /* of one pass                            */
    int32_t ctx;  /* slots [0, ctx) are the tokens'         */
    int32_t tree; /* then two areas of as many for trees    */
    int32_t n;    /* tokens fed                             */
    eg_row *row;  /* [rows]                                 */
} eg_ours;

/* Room for claims of up to `ctx` tokens and trees of up to `nodes`. Its parts point to each other:
 * it stays where it was made. `count_only`: on paper, for its bill. EAGLE_ENOMEM, EAGLE_EINVAL
 * (threads, instruction set). */
typedef struct {
    int32_t ctx;
    int32_t nodes;
    bool count_only;
} eg_ours_room;
eagle_status eg_ours_make(eg_ours *out, const eagle_model *model, const eg_ours_room *room,
                          const eagle_check_options *opt, eagle_error *err);
void eg_ours_release(eg_ours *ours);

/* Feeds all tokens of a claim anew. `seen` gets our logits after each position from `from` on.
 * EAGLE_ENUMERIC when a row is not finite; EAGLE_EINCONCLUSIVE when `seen` returned false. */
typedef bool eg_row_seen(void *ctx, int32_t pos, const float *logits);
eagle_status eg_ours_feed(eg_ours *ours, const eg_claim *claim, int32_t from, eg_row_seen *seen,
                          void *ctx, eagle_error *err);

/* The slots that a node attends to beside the committed ones. */
typedef enum {
    EG_SEES_ANCESTORS, /* as it should be                               */
    EG_SEES_ELDER,     /* and the siblings before it                    */
    EG_SEES_SIBLINGS,  /* and all its siblings                          */
    EG_SEES_EARLIER,   /* every node before it                          */
    EG_SEES_NO_ROOT,   /* ancestors but the root                        */
    EG_SEES_NO_PARENT  /* ancestors but the parent                      */
} eg_sees;

/* A tree's pass, right or wrong. */
typedef struct {
    eg_sees sees;
    int32_t shift_root; /* added to the root's position              */
    int32_t shift;      /* added to the other nodes' positions       */
    int32_t shorter;    /* committed slots left out at the end       */
    int32_t area;       /* 0 or 1: where its keys and values go      */
    int32_t extra;      /* a slot that every node sees besides; 0: none */
} eg_view;

/* Our rows of a round's tree, whose root is at position `root`: node i is row i of
 * ours->forward.pass.logits. The tree must be walkable (eg_round_walkable()). EAGLE_ENOMEM. */
eagle_status eg_ours_tree(eg_ours *ours, const eg_claim_round *round, int32_t root,
                          const eg_view *view, eagle_error *err);

/* Logits of row i of the last pass; NULL when it is not finite. */
const float *eg_ours_logits(const eg_ours *ours, int32_t i);

/* The KV slot of a node in an area. */
static inline int32_t eg_ours_slot(const eg_ours *ours, int32_t area, int32_t node)
{
    return ours->ctx + area * ours->tree + node;
}

/* Parents before children, one root, depths that follow. */
bool eg_round_walkable(const eg_claim_round *round);

#endif
