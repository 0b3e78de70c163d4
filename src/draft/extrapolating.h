/* SPDX-License-Identifier: MIT */
/* extrapolating.h - what drafters with a FeatExtrapolator share: it is refreshed by every
 * commit and rewound with the sequence; only the shape of the tree differs. */
#ifndef EG_DRAFT_EXTRAPOLATING_H
#define EG_DRAFT_EXTRAPOLATING_H

#include "draft/drafter.h"
#include "head/extrapolator.h"

typedef struct {
    eg_drafting base; /* first */
    eg_extrapolation head;
    int32_t *token; /* [width] the tokens that are expanded next     */
    int32_t *hang;  /* [width] the tree slots that they hang on      */
} eg_extrapolating;

/* Tree slots of one draft, their depth, and the most that are expanded in one pass. */
typedef struct {
    int32_t slots;
    int32_t depth;
    int32_t width;
} eg_tree_room;

void eg_extrapolating_init(eg_extrapolating *e, const eagle_drafter *drafter,
                           const eg_draft_setup *setup, const eg_tree_room *room, eg_arena *arena);

/* The class functions of these drafters. */
eagle_status eg_extrapolating_observe(eg_drafting *drafting, const int32_t *token,
                                      const float *feature, int32_t n, bool fast, eagle_error *err);
void eg_extrapolating_rewind(eg_drafting *drafting, int32_t n);
void eg_extrapolating_hash(eagle_sha256 *sha, const eg_drafting *drafting);
void eg_extrapolating_set_probe(eg_drafting *drafting, const eagle_probe *probe);

/* Log-probabilities of a row of draft logits. */
typedef struct {
    float max;
    float log_sum;
} eg_log_norm;

/* False for a row that is not finite: it gets no children. */
bool eg_log_norm_of(eg_log_norm *out, const eg_kernels *kernels, const float *logits, size_t vocab);
/* (l - max) - log(sum exp(l - max)), clamped to <= 0. */
float eg_log_prob(const eg_log_norm *norm, float logit);

#endif
