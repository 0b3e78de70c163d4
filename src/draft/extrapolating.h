/* SPDX-License-Identifier: MIT */
/* extrapolating.h - what drafters with a FeatExtrapolator share: it is refreshed by every
 * commit and rewound with the sequence; only the shape of the tree differs. */
#ifndef EG_DRAFT_EXTRAPOLATING_H
#define EG_DRAFT_EXTRAPOLATING_H

#include "draft/drafter.h"
#include "head/extrapolator.h"

typedef struct {
    eg_drafting base; /* first */
    const eagle_drafter *drafter;
    eg_extrapolation head;
    int32_t *token; /* [width] of the tokens that are expanded next */
    int32_t *hang;  /* [width] the tree slots that they hang on     */
    int32_t width;
} eg_extrapolating;

/* Room that a drafter needs: tree slots, their depth, and the widest level. */
typedef struct {
    int32_t slots;
    int32_t depth;
    int32_t width;
} eg_tree_room;

/* Fills the members; the caller frees them with eg_extrapolating_clear() also on failure. */
eagle_status eg_extrapolating_init(eg_extrapolating *out, const eagle_drafter *drafter,
                                   const eg_draft_setup *setup, const eg_tree_room *room,
                                   eagle_error *err);
void eg_extrapolating_clear(eg_extrapolating *e);
void eg_extrapolating_bill(uint64_t *head_kv, uint64_t *work, const eagle_drafter *drafter,
                           const eg_draft_setup *setup, const eg_tree_room *room);

/* The class functions observe, rewind, hash and set_probe. */
eagle_status eg_extrapolating_observe(eg_drafting *drafting, const int32_t *token,
                                      const float *feature, int32_t n, bool fast, eagle_error *err);
void eg_extrapolating_rewind(eg_drafting *drafting, int32_t n);
void eg_extrapolating_hash(eagle_sha256 *sha, const eg_drafting *drafting);
void eg_extrapolating_set_probe(eg_drafting *drafting, const eagle_probe *probe);

/* The log-probability of token i: (l - max) - log(sum exp(l - max)), clamped to <= 0. `norm` is what
 * eg_log_norm() gave for the row. A row that is not finite has no children: false. */
typedef struct {
    float max;
    float log_sum;
} eg_log_norm;
bool eg_log_norm_of(eg_log_norm *out, const eg_kernels *kernels, const float *logits, size_t vocab);
float eg_log_prob(const eg_log_norm *norm, float logit);

#endif
