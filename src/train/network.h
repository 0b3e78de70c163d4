/* SPDX-License-Identifier: MIT */
/* network.h - what can be trained: named parameters, and a loss with its gradients.
 *
 * The training loop knows nothing else of a network, so that a new kind of head is a new
 * eg_network and no change of the loop. */
#ifndef EG_TRAIN_NETWORK_H
#define EG_TRAIN_NETWORK_H

#include "base/arena.h"
#include "eagle/model.h"
#include "train/batch.h"
#include "train/parameters.h"

#include <stdbool.h>
#include <stdint.h>

/* Loss of one batch. */
typedef struct {
    double total;      /* what is minimised: a mean over the learned rows        */
    double tokens;     /* its part about tokens, unweighted                      */
    double features;   /* its part about features, unweighted; 0 for a target    */
    int64_t n_learned; /* rows that count                                        */
    int64_t n_right;   /* of them, rows whose first choice is the wanted one:
                        * the token's, or the one that the teacher puts first    */
} eg_loss;

typedef struct eg_network eg_network;

struct eg_network {
    const char *kind; /* "target", "eagle1" */
    eagle_config config;
    eg_parameters params;

    /* The loss of `batch`; with `learn`, its gradients are added to params.grad. A batch without
     * a row to learn gives 0. */
    void (*pass)(eg_loss *out, eg_network *net, const eg_batch *batch, bool learn);
};

/* ---- target --------------------------------------------------------------------------
 *
 * A Llama-architecture target: every eagle_config that eagle_model_create() takes, whose RoPE
 * frequencies eg_rope_frequencies() can round. Row i learns token i + 1 of its sequence, if that
 * has `learn`. */
typedef struct eg_target_net eg_target_net;

/* Lays a target out in `arena`, parameters (zero), gradients and all activations that a batch of
 * `room` needs, with the threads of eg_train_threads(); with `forward_only`, only what
 * eg_target_net_features() needs, and `pass` is NULL. NULL when the arena counts or has failed. */
eg_target_net *eg_target_net_make(eg_arena *arena, const eagle_config *config,
                                  const eg_batch_room *room, bool forward_only);
eg_network *eg_target_net_network(eg_target_net *net);

eg_size eg_target_net_size(const eagle_config *config);

/* The parameters' first values (eg_parameters_init()). */
void eg_target_net_init(eg_target_net *net, uint64_t seed);

/* The parameters of an existing model, widened. EAGLE_EFIT names a tensor that the model lacks or
 * has in another shape. */
eagle_status eg_target_net_load(eg_target_net *net, const eagle_model *model, eagle_error *err);

/* Features after the final norm, [batch->n, dim]. */
void eg_target_net_features(eg_real *feature, eg_target_net *net, const eg_batch *batch);

/* ---- head ----------------------------------------------------------------------------
 *
 * An EAGLE-1 FeatExtrapolator (Li et al. 2024a). Row i reads token i + 1 and feature i and learns
 * feature i + 1 and the law that the frozen LM head gives it, if row i has `learn` and is not
 * the last of its sequence. */
typedef struct eg_head_net eg_head_net;

typedef struct {
    double feature_weight; /* of smooth L1 on features: 1.0    */
    double token_weight;   /* of soft cross entropy: 0.1       */
} eg_head_objective;

/* As eg_target_net_make(); `model` gives embedding and LM head, which are frozen and copied. The
 * head's width and vocabulary are the model's. */
eg_head_net *eg_head_net_make(eg_arena *arena, const eagle_config *config, const eagle_model *model,
                              const eg_head_objective *objective, const eg_batch_room *room);
eg_network *eg_head_net_network(eg_head_net *net);

eg_size eg_head_net_size(const eagle_config *config);

/* The parameters' first values: the layer as a target's, fc = [0, I] plus noise. So the first guess
 * at the next feature is the present one, in the right scale from the first step on: without an
 * input norm in the layer nothing else would bring it there. */
void eg_head_net_init(eg_head_net *net, uint64_t seed);

/* What the head makes of `batch` now: row i is its prediction of feature i + 1. [batch->n, dim],
 * valid until the next call. */
const eg_real *eg_head_net_predict(eg_head_net *net, const eg_batch *batch);

/* The parameters of an existing head, widened; if the head has an embedding of its own, it takes
 * the place of the model's. EAGLE_EFIT as eg_target_net_load(). */
eagle_status eg_head_net_load(eg_head_net *net, const eagle_head *head, eagle_error *err);

#endif
