/* SPDX-License-Identifier: MIT */
/* extrapolator.h - the FeatExtrapolator: EAGLE-1's draft head.
 *
 *   g[i+1] = layer( fc( embed(t[i+1]), f[i] ) ),   position i
 *
 * predicts the target's next feature f[i+1] from the feature f[i] and the token t[i+1], which is
 * one step ahead of it (Li et al. 2024a, section 4.1); the target's LM head turns g[i+1] into the
 * draft law of t[i+2]. Fed back in place of a true feature, g extrapolates further.
 *
 * A *slot* is one such step. Stable slots are made from true features only: slot i
 * carries t[i+1] and f[i]. Tree slots sit on top of them and are thrown away after
 * each draft; accepted tokens become stable slots, computed anew from the features that the
 * verification pass produced. So the state is a function of the committed tokens. */
#ifndef EG_HEAD_EXTRAPOLATOR_H
#define EG_HEAD_EXTRAPOLATOR_H

#include "target/target.h"

/* The head's weights; model/ makes it. The embedding is its own or the target's; the LM head is the
 * target's. */
struct eagle_head {
    eagle_config config;
    const eg_target *target; /* borrowed */
    eg_matrix embed;         /* [vocab, dim]                                               */
    eg_matrix fc;            /* [dim, 2 dim] columns of the embedding first, then feature  */
    eg_layer layer;
    float *inv_freq; /* [head_dim / 2] */
    bool own_embedding;
    float *vectors; /* what the norms and biases above point into */
};

/* One session's use of a head: KV cache, slot outputs, workspace. */
typedef struct {
    const eagle_head *head;
    eg_kvcache kv; /* stable slots, then tree slots */
    eg_pass pass;
    float *fused;     /* [rows, 2 dim] embedding and feature side by side             */
    float *out;       /* [stable + tree, dim] output of each slot                     */
    const float **in; /* [rows] the feature that each row of a pass reads             */
    eg_row *rows;     /* [rows]                                                       */
    int32_t *path;    /* [logits, max_depth] KV slots of each tree row                */
    int32_t *parent;  /* [tree] tree slot that a tree slot hangs on, or -1            */
    int32_t *level;   /* [tree] tree slots on its path, itself included               */
    int32_t max_depth;
    int32_t n_stable;
    int32_t n_tree;
} eg_extrapolation;

/* What an extrapolation must have room for. */
typedef struct {
    int32_t stable; /* stable slots: the context           */
    int32_t tree;   /* tree slots of one draft             */
    int32_t depth;  /* tree slots on one path              */
    int32_t rows;   /* rows of one pass                    */
    int32_t logits; /* of these, rows with logits; >= 1    */
} eg_extrapolation_room;

/* Lays the parts out in `arena`, where they stay. `head` must outlive them. */
void eg_extrapolation_make(eg_extrapolation *out, const eagle_head *head, const eg_compute *compute,
                           const eg_extrapolation_room *room, eg_arena *arena);

/* Throws the tree slots away and appends n stable slots: token[j] is one step ahead of feature row
 * j. [n], [n, dim] */
eagle_status eg_extrapolation_refresh(eg_extrapolation *e, const int32_t *token,
                                      const float *feature, int32_t n, bool fast, eagle_error *err);

/* Draft logits [vocab] after the last stable slot: what the root's children are chosen by. Valid
 * until the next pass. n_stable >= 1. */
eagle_status eg_extrapolation_root(const float **logits, eg_extrapolation *e, eagle_error *err);

/* Appends n tree slots, one pass: token[j] on tree slot parent[j], or on the last stable slot when
 * that is -1. Their numbers are *first, *first + 1, ...; logits are [n, vocab], valid until
 * the next pass. */
eagle_status eg_extrapolation_expand(int32_t *first, const float **logits, eg_extrapolation *e,
                                     const int32_t *token, const int32_t *parent, int32_t n,
                                     eagle_error *err);

/* Throws the tree slots away, or all stable slots from n on. */
void eg_extrapolation_prune(eg_extrapolation *e);
void eg_extrapolation_rewind(eg_extrapolation *e, int32_t n);

/* Adds the stable slots to a digest. */
void eg_extrapolation_hash(eagle_sha256 *sha, const eg_extrapolation *e);

#endif
