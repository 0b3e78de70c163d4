/* SPDX-License-Identifier: MIT */
/* drafter.h - the one interface of all drafters.
 *
 * An eagle_drafter is a recipe. A session gives it memory, and gets an eg_drafting: the
 * recipe at work, with whatever state it needs. */
#ifndef EG_DRAFT_DRAFTER_H
#define EG_DRAFT_DRAFTER_H

#include "base/arena.h"
#include "eagle/drafter.h"
#include "eagle/probe.h"
#include "eagle/verify.h"
#include "target/layer.h"

typedef struct eg_drafting eg_drafting;

/* What a session tells a drafter when it starts. */
typedef struct {
    eg_compute compute;
    int32_t ctx;   /* positions                    */
    int32_t chunk; /* most tokens of one feed      */
} eg_draft_setup;

/* What a drafter may look at when it proposes. */
typedef struct {
    const int32_t *token; /* [n] all tokens so far; the last one is the root */
    int32_t n;
    int32_t max_depth; /* deeper nodes would leave the context */
    const eagle_sampling *sampling;
    const eagle_draws *draws;
} eg_draft_input;

/* A kind of drafter. Members marked so may be NULL: there is nothing to do. */
typedef struct {
    /* Size of the state; init lays the rest of it out in `arena`, where all of it stays. */
    size_t state_size;
    void (*init)(eg_drafting *drafting, const eagle_drafter *drafter, const eg_draft_setup *setup,
                 eg_arena *arena);
    /* Grows `tree`, which holds the root, by at most the drafter's max_nodes. */
    eagle_status (*propose)(eg_drafting *drafting, eagle_tree *tree, const eg_draft_input *input,
                            eagle_error *err);
    /* Hears of n committed tokens: row j of feature, [n, dim], is the target's at the position
     * before token[j]. `fast`: may use OpenBLAS. May be NULL. */
    eagle_status (*observe)(eg_drafting *drafting, const int32_t *token, const float *feature,
                            int32_t n, bool fast, eagle_error *err);
    /* Forgets all but the first n tokens of the sequence. May be NULL. */
    void (*rewind)(eg_drafting *drafting, int32_t n);
    /* Adds what decides future drafts to a digest. May be NULL. */
    void (*hash)(eagle_sha256 *sha, const eg_drafting *drafting);
    /* May be NULL. */
    void (*set_probe)(eg_drafting *drafting, const eagle_probe *probe);
} eg_drafter_class;

/* The common part of every recipe, its first member. A recipe is one allocation. */
struct eagle_drafter {
    const eg_drafter_class *class;
    const eagle_head *head; /* NULL: none */
    int32_t max_nodes;      /* without the root */
    int32_t levels;         /* passes of the head in a draft, and depth of its trees; 0: none */
    bool drawn;
    char description[64];
};

/* The common part of every state, its first member. */
struct eg_drafting {
    const eagle_drafter *drafter;
};

/* Allocates a recipe of `size` bytes with its common part; NULL, and *err says so. */
void *eg_drafter_new(size_t size, const eagle_drafter *common, eagle_error *err);

#endif
