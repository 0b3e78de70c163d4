/* SPDX-License-Identifier: MIT */
/* state.h - the inside of a session, shared by the files of this folder.
 *
 * Invariant: of the n_token tokens, the first n_kv have rows in the target's cache, and
 *
 *   n_kv == n_token      after a feed: the last row is computed, its feature is `pending`, and
 *                        nobody has drawn the next token yet
 *   n_kv == n_token - 1  else: the last token is the root of the next tree
 *
 * The drafter has seen n_token - 1 pairs (token i + 1, feature i). */
#ifndef EG_DECODE_STATE_H
#define EG_DECODE_STATE_H

#include "draft/drafter.h"
#include "eagle/session.h"
#include "model/model.h"
#include "target/target.h"

struct eagle_session {
    eagle_session_options opt; /* threads, max_nodes and isa resolved */
    const eagle_model *model;
    eg_arena arena; /* the memory of all below but tree and path */
    eg_forward forward;
    const eg_drafter_class *drafts; /* of drafting */
    eg_drafting *drafting;          /* NULL: plain */
    eagle_tree *tree;
    eagle_path *path;
    eagle_philox philox;
    eagle_draws draws;
    eagle_rows rows; /* of the last score */

    int32_t *token; /* [ctx + 1] the last one may lie beyond the context */
    int32_t n_token;
    int32_t n_kv;
    float *pending;   /* [dim] feature of the last fed row                       */
    float *committed; /* [max_nodes, dim] features of a round's path, in order   */
    eg_row *row;      /* [room.rows]                                             */
    int32_t *slot;    /* [slot_cap] the rows' paths, one after the other         */
    int32_t slot_cap;
    const eagle_tree *scored; /* the tree of `rows`; NULL when there is none */
};

static inline bool eg_session_pending(const eagle_session *s)
{
    return s->n_token > 0 && s->n_kv == s->n_token;
}

/* EAGLE_ENUMERIC when row i of the last pass, at position `pos`, is not finite. */
eagle_status eg_session_check_row(const eagle_session *s, int32_t i, int32_t pos, eagle_error *err);

/* Makes the drafter forget all but the first n tokens. */
static inline void eg_session_forget(eagle_session *s, int32_t n)
{
    if (s->drafting != NULL && s->drafts->rewind != NULL) {
        s->drafts->rewind(s->drafting, n);
    }
}

#endif
