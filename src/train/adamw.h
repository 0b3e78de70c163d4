/* SPDX-License-Identifier: MIT */
/* adamw.h - AdamW (Loshchilov and Hutter 2019, algorithm 2), clipping, and the learning rate's course. */
#ifndef EG_TRAIN_ADAMW_H
#define EG_TRAIN_ADAMW_H

#include "train/network.h"

/* What is fixed for a whole training. */
typedef struct {
    double lr;           /* the highest                                             */
    double beta1;        /* 0.9                                                     */
    double beta2;        /* 0.95                                                    */
    double eps;          /* 1e-8                                                    */
    double weight_decay; /* decoupled; on every parameter, as torch's default does  */
    double clip_value;   /* each gradient element to [-v, v]; 0: off                */
    double clip_norm;    /* all gradients' Euclidean norm to at most n; 0: off      */
    int64_t warmup;      /* steps of linear rise                                    */
    int64_t steps;       /* in all: the decay ends there                            */
    int32_t schedule;    /* EAGLE_SCHEDULE_... of train.h: constant, linear, cosine */
    double lr_floor;     /* share of lr at the end of the decay                     */
} eg_adamw_options;

/* Moments of the gradients, flat as the parameters. */
typedef struct {
    eg_real *m; /* [n] */
    eg_real *v; /* [n] */
} eg_adamw;

void eg_adamw_make(eg_adamw *out, size_t n, eg_arena *arena);

/* The learning rate of step t = 1, 2, .... */
double eg_adamw_rate(const eg_adamw_options *opt, int64_t t);

/* Step t = 1, 2, ...: clips the gradients, moves the parameters, and sets the gradients to zero.
 * Returns the gradients' norm before clipping, summed in double at fixed places. */
double eg_adamw_step(eg_parameters *p, eg_adamw *state, const eg_adamw_options *opt, int64_t t);

#endif
