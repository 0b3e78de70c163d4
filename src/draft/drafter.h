/* SPDX-License-Identifier: MIT */
/* drafter.h - the one interface of all drafters.
 *
 * An eagle_drafter is a recipe. A session starts it, and gets an eg_drafting: the recipe at
 * work, with whatever state it needs. */
#ifndef EG_DRAFT_DRAFTER_H
#define EG_DRAFT_DRAFTER_H

#include "eagle/drafter.h"
#include "eagle/probe.h"
#include "eagle/verify.h"
#include "target/layer.h"

typedef struct eg_drafting eg_drafting;

/* What a session tells a drafter when it starts. */
typedef struct {
    eg_compute compute;
    int32_t ctx;   /* positions                    */
    int32_t chunk; /* most rows of one observation */
    int32_t vocab;
} eg_draft_setup;

/* What a drafter may look at when it proposes. */
typedef struct {
    const int32_t *token; /* [n] all tokens so far; the last one is the root */
    int32_t n;
    int32_t max_depth; /* deeper nodes would leave the context */
    const eagle_sampling *sampling;
    const eagle_draws *draws;
} eg_draft_input;

/* A kind of drafter. */
typedef struct {
    /* Makes the state for one session, all of its memory included. */
    eagle_status (*start)(eg_drafting **out, const eagle_drafter *drafter,
                          const eg_draft_setup *setup, eagle_error *err);
    /* Grows `tree`, which holds the root, to at most the drafter's max_nodes more. */
    eagle_status (*propose)(eg_drafting *drafting, eagle_tree *tree, const eg_draft_input *input,
                            eagle_error *err);
    /* Hears of n committed tokens: feature row j, [n, dim], is the target's at the position before
     * token[j]. `fast`: may use OpenBLAS. NULL: the drafter does not care. */
    eagle_status (*observe)(eg_drafting *drafting, const int32_t *token, const float *feature,
                            int32_t n, bool fast, eagle_error *err);
    /* Forgets all but the first n tokens of the sequence. */
    void (*rewind)(eg_drafting *drafting, int32_t n);
    /* Adds what decides future drafts to a digest. NULL: nothing does. */
    void (*hash)(eagle_sha256 *sha, const eg_drafting *drafting);
    void (*set_probe)(eg_drafting *drafting, const eagle_probe *probe); /* may be NULL */
    void (*free)(eg_drafting *drafting);
    /* Bytes that start() would allocate: caches and slots, then work space. */
    void (*bill)(uint64_t *head_kv, uint64_t *work, const eagle_drafter *drafter,
                 const eg_draft_setup *setup);
    void (*free_recipe)(eagle_drafter *drafter);
} eg_drafter_class;

/* The common part of every recipe; the concrete ones have it as their first member. */
struct eagle_drafter {
    const eg_drafter_class *class;
    const eagle_head *head; /* NULL: none */
    int32_t max_nodes;      /* without the root */
    bool drawn;
    char description[64];
};

/* The common part of every state, likewise. */
struct eg_drafting {
    const eg_drafter_class *class;
};

#endif
