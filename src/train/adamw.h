/* SPDX-License-Identifier: MIT */
/* adamw.h - AdamW, clipping, and the learning rate's course.
 *
 * AdamW is algorithm 2 of Loshchilov and Hutter 2019; its operations are ordered as in
 * torch.optim.AdamW, and clipping as in torch's clip_grad_value_ and clip_grad_norm_, in this
 * order. */
#ifndef EG_TRAIN_ADAMW_H
#define EG_TRAIN_ADAMW_H

#include "eagle/train.h"
#include "train/parameters.h"

/* What is fixed for a whole training. */
typedef struct {
    double lr;           /* the highest                                            */
    double beta1;        /* 0.9                                                    */
    double beta2;        /* 0.95                                                   */
    double eps;          /* 1e-8; > 0                                              */
    double weight_decay; /* decoupled; on every parameter, as torch's default does */
    double clip_value;   /* each gradient element to [-v, v]; 0: off               */
    double clip_norm;    /* all gradients' Euclidean norm to at most n; 0: off     */
    int64_t warmup;      /* steps of linear rise                                   */
    int64_t steps;       /* in all: the decay ends there                           */
    eagle_schedule schedule;
    double lr_floor; /* share of lr at the end of the decay */
} eg_adamw_options;

/* Moments of the gradients, flat as the parameters. */
typedef struct {
    eg_real *m; /* [n] mean             */
    eg_real *v; /* [n] mean of squares  */
} eg_adamw;

void eg_adamw_make(eg_adamw *out, size_t n, eg_arena *arena);

/* The learning rate of step t = 1, 2, ...: it rises linearly from lr / warmup to lr at step
 * `warmup`, and from there falls to lr x lr_floor at step `steps`, linearly or as half a wave of
 * the cosine, or stays. Later steps have the last one's. */
double eg_adamw_rate(const eg_adamw_options *opt, int64_t t);

/* Step t = 1, 2, ...: clips the gradients, moves the parameters, and sets the gradients to zero.
 * Returns the gradients' norm before clipping, summed in double and the same for any number of
 * threads. When it is not finite, parameters and moments stay as they are. */
double eg_adamw_step(eg_parameters *p, eg_adamw *state, const eg_adamw_options *opt, int64_t t);

#endif
