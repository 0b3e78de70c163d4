/* SPDX-License-Identifier: MIT */
/* layer_net.h - one Llama decoder layer in training: target/layer.c's twin, forward and back. */
#ifndef EG_TRAIN_LAYER_NET_H
#define EG_TRAIN_LAYER_NET_H

#include "model/weights.h"
#include "train/parameters.h"

/* What a layer's forward pass keeps for its way back. What is cheaply made again is not kept:
 * the two normed rows. */
typedef struct {
    eg_real *attn_inv; /* [rows] of the input norm                */
    eg_real *q;        /* [rows, n_heads, head_dim] rotated       */
    eg_real *k;        /* [rows, n_kv_heads, head_dim] rotated    */
    eg_real *v;        /* [rows, n_kv_heads, head_dim]            */
    eg_real *attn;     /* [rows, n_heads, head_dim]               */
    eg_real *lse;      /* [rows, n_heads]                         */
    eg_real *mid;      /* [rows, dim] residual between the halves */
    eg_real *mlp_inv;  /* [rows]                                  */
    eg_real *gate;     /* [rows, ffn_dim]                         */
    eg_real *up;       /* [rows, ffn_dim]                         */
    eg_real *act;      /* [rows, ffn_dim] silu(gate) * up         */
} eg_layer_kept;

typedef struct {
    eg_norm attn_norm; /* w NULL: EAGLE-1's layer has none */
    eg_dense q;
    eg_dense k;
    eg_dense v;
    eg_dense o;
    eg_norm mlp_norm;
    eg_dense gate;
    eg_dense up;
    eg_dense down;
    eg_layer_kept kept;
} eg_layer_net;

/* What the layers of a network share, one after the other. The gradients are there only to
 * learn. */
typedef struct {
    eg_rotation rotation;
    eg_attention attention;
    eg_real *normed;  /* [rows, dim]                */
    eg_real *dnormed; /* [rows, dim]                */
    eg_real *dact;    /* [rows, ffn_dim]            */
    eg_real *dgate;   /* [rows, ffn_dim]            */
    eg_real *dup;     /* [rows, ffn_dim]            */
    eg_real *dattn;   /* [rows, n_heads, head_dim]  */
    eg_dqkv dqkv;     /* as q, k, v of a layer      */
} eg_layer_work;

/* Names the layer's parameters, "PREFIXself_attn.q_proj.weight" and so on. */
void eg_layer_net_name(eg_layer_net *layer, eg_parameters *p, const eagle_config *config,
                       eg_layer_parts parts, const char *prefix);

void eg_layer_kept_make(eg_layer_kept *out, const eagle_config *config, size_t rows,
                        eg_arena *arena);
void eg_layer_work_make(eg_layer_work *out, const eagle_config *config, const eg_batch_room *room,
                        bool learn, eg_arena *arena);

/* y = layer(x), both [batch->n, dim]; y may be x when there is no way back. */
void eg_layer_forward(eg_real *y, const eg_layer_net *layer, const eg_layer_work *work,
                      const eg_real *x, const eg_batch *batch);

/* Turns d from dL/dy into dL/dx, in place, and adds the parameters' gradients; x is the forward
 * call's. */
void eg_layer_backward(eg_real *d, const eg_layer_net *layer, const eg_layer_work *work,
                       const eg_real *x, const eg_batch *batch);

/* Rows whose logits stand there at once: the losses of a batch are taken in blocks of so many. */
#define EG_LOSS_ROWS 256

/* x = 0, n numbers. */
void eg_clear(eg_real *x, size_t n);

#endif
