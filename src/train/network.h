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
#include "train/real.h"

#include <stdbool.h>
#include <stdint.h>

#define EG_NAME_MAX 96

/* One tensor among the parameters. */
typedef struct {
    char name[EG_NAME_MAX]; /* as in the file: "model.layers.0.mlp.up_proj.weight" */
    int32_t rank;           /* 1: [rows]; 2: [rows, cols]                          */
    size_t rows;
    size_t cols; /* 1 when the rank is 1                                */
    size_t at;   /* first element in the flat arrays, a multiple of 16  */
} eg_parameter;

/* All parameters of a network, flat, so that optimizer and checkpoint see arrays and no network.
 * The gaps between tensors hold zeros and stay so. */
typedef struct {
    eg_parameter *tensor; /* [n_tensors] in the order of the file's layers */
    int32_t n_tensors;
    size_t n;       /* elements of the flat arrays, gaps included */
    eg_real *value; /* [n] */
    eg_real *grad;  /* [n] */
} eg_parameters;

/* Elements without the gaps: what people call the number of parameters. */
uint64_t eg_parameters_count(const eg_parameters *p);

/* The tensor of that name, NULL if there is none. */
const eg_parameter *eg_parameters_find(const eg_parameters *p, const char *name);

/* Loss of one batch. */
typedef struct {
    double total;      /* what is minimised: a mean over the learned rows              */
    double tokens;     /* its part about tokens, unweighted                            */
    double features;   /* its part about features, unweighted; 0 for a target          */
    int64_t n_learned; /* rows that count                                              */
    int64_t n_right;   /* of them, rows whose first choice is the label or the teacher's */
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

/* A Llama-architecture target. Row i learns token i + 1 of its sequence, if that has `learn`. */
typedef struct eg_target_net eg_target_net;

/* Lays a target out in `arena`, parameters (zero), gradients and all activations that a batch of
 * `room` needs; with `forward_only`, only what eg_target_net_features() needs. NULL when the arena
 * counts or has failed. */
eg_target_net *eg_target_net_make(eg_arena *arena, const eagle_config *config,
                                  const eg_batch_room *room, bool forward_only);
eg_network *eg_target_net_network(eg_target_net *net);

/* The parameters' first values: normal with standard deviation 0.02 (output projections 0.02 /
 * sqrt(2 n_layers)), norms 1, biases 0; a function of the seed alone. */
void eg_target_net_init(eg_target_net *net, uint64_t seed);

/* The parameters of an existing model of the same config, widened. */
void eg_target_net_load(eg_target_net *net, const eagle_model *model);

/* Features after the final norm, [batch->n, dim]. */
void eg_target_net_features(eg_real *feature, eg_target_net *net, const eg_batch *batch);

/* An EAGLE-1 FeatExtrapolator (spec: EAGLE-1 paper, section 4.1). Row i reads token i + 1 and feature i and learns
 * feature i + 1 and the law that the frozen LM head gives it, if row i has `learn` and is not
 * the last of its sequence. */
typedef struct eg_head_net eg_head_net;

typedef struct {
    eg_real feature_weight; /* of smooth L1 on features: 1.0    */
    eg_real token_weight;   /* of soft cross entropy: 0.1       */
} eg_head_objective;

/* As eg_target_net_make(); `model` gives embedding and LM head, which are frozen and copied. */
eg_head_net *eg_head_net_make(eg_arena *arena, const eagle_config *config, const eagle_model *model,
                              const eg_head_objective *objective, const eg_batch_room *room);
eg_network *eg_head_net_network(eg_head_net *net);

/* fc starts as the mean of its two halves' identities plus noise; the layer as a target's. */
void eg_head_net_init(eg_head_net *net, uint64_t seed);

/* The parameters of an existing head of the same config, widened. */
void eg_head_net_load(eg_head_net *net, const eagle_head *head);

#endif
