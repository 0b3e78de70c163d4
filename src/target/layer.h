/* SPDX-License-Identifier: MIT */
/* layer.h - a pass over rows, as a straight list of named operations.
 *
 * Target and FeatExtrapolator are both Llama decoder layers between a beginning and an end of
 * their own, so both are lists of steps over one workspace. Every operation splits its
 * outputs over the threads of a team and never splits a sum; between two operations
 * all threads meet. */
#ifndef EG_TARGET_LAYER_H
#define EG_TARGET_LAYER_H

#include "base/team.h"
#include "eagle/model.h"
#include "eagle/probe.h"
#include "kernels/kernels.h"
#include "target/kvcache.h"
#include "target/rows.h"

/* y = W x + bias. The data stays where it was mapped. */
typedef struct {
    const void *data;  /* [rows, cols] */
    const float *bias; /* [rows], or NULL */
    eagle_dtype dtype; /* F32, F16, BF16 */
    int32_t rows;
    int32_t cols;
} eg_matrix;

/* One decoder layer. */
typedef struct {
    const float *attn_norm; /* [dim], or NULL: EAGLE-1's layer has none */
    eg_matrix q;            /* [n_heads x head_dim, dim]    */
    eg_matrix k;            /* [n_kv_heads x head_dim, dim] */
    eg_matrix v;            /* [n_kv_heads x head_dim, dim] */
    eg_matrix o;            /* [dim, n_heads x head_dim]    */
    const float *mlp_norm;  /* [dim]                        */
    eg_matrix gate;         /* [ffn_dim, dim]               */
    eg_matrix up;           /* [ffn_dim, dim]               */
    eg_matrix down;         /* [dim, ffn_dim]               */
} eg_layer;

/* How passes are computed: the session's choice. */
typedef struct {
    const eg_kernels *kernels;
    int threads;
} eg_compute;

typedef struct eg_pass eg_pass;

/* One operation of a pass, done by all workers of a team together. */
typedef struct {
    void (*run)(eg_pass *p, const eg_worker *worker);
    eagle_site site; /* what the probe sees when the operation is done */
    bool product;    /* a matrix product: OpenBLAS does these in fast mode */
} eg_operation;

/* The eight operations of a decoder layer, in order. */
#define EG_LAYER_OPERATIONS 8
extern const eg_operation eg_layer_operations[EG_LAYER_OPERATIONS];

/* Rows, rows with logits, and KV slots that a workspace must have room for. */
typedef struct {
    int32_t rows;
    int32_t logits;
    int32_t slots;
} eg_pass_room;

/* The workspace of passes. */
struct eg_pass {
    /* fixed at creation */
    eg_compute compute;
    const eagle_config *config;
    eg_pass_room room;
    eg_kvcache *kv;
    const float *inv_freq; /* [head_dim / 2] */
    eg_team team;
    float *x;       /* [room.rows, dim] residual stream                            */
    float *y;       /* [room.rows, dim] a normed x; a product on its way into x    */
    float *q;       /* [room.rows, n_heads x head_dim]                             */
    float *k;       /* [room.rows, n_kv_heads x head_dim]                          */
    float *v;       /* [room.rows, n_kv_heads x head_dim]                          */
    float *attn;    /* [room.rows, n_heads x head_dim]                             */
    float *gate;    /* [room.rows, ffn_dim]                                        */
    float *up;      /* [room.rows, ffn_dim]                                        */
    float *cos;     /* [room.rows, head_dim / 2]                                   */
    float *sin;     /* [room.rows, head_dim / 2]                                   */
    float *logits;  /* [room.logits, vocab]                                        */
    float *scores;  /* [threads, group x room.slots] scratch of attention         */
    float *rooms;   /* [threads, EG_MATMUL_ROOM]: for products       */
    float *panel;   /* scratch of OpenBLAS; NULL without it                       */
    int32_t *fault; /* [room.rows] see eagle_rows.fault                           */

    /* this pass */
    const eg_row *rows; /* [n_rows] */
    int32_t n_rows;
    bool fast; /* products by OpenBLAS: not canonical */
    const eagle_probe *probe;

    /* this step */
    const eg_layer *layer;
    int32_t layer_index; /* in the KV cache */
};

/* Lays a workspace out in `arena`, over `kv` and `inv_freq`, which must outlive it. */
void eg_pass_make(eg_pass *out, const eagle_config *config, const eg_compute *compute,
                  eg_kvcache *kv, const float *inv_freq, const eg_pass_room *room, eg_arena *arena);

/* Runs `before`, then the layer operations of each layer, then `after`. The caller has set the
 * fields of "this pass". EAGLE_ENUMERIC when a thread's floating-point environment is unfit. */
typedef struct {
    const eg_operation *before; /* [n_before] */
    int32_t n_before;
    const eg_layer *layers; /* [n_layers] */
    int32_t n_layers;
    bool is_head;              /* layer i is reported as -1 - i */
    const eg_operation *after; /* [n_after] */
    int32_t n_after;
} eg_program;
eagle_status eg_pass_run(eg_pass *p, const eg_program *program, eagle_error *err);

/* ---- pieces for the operations of a beginning or an end ------------------------------- */

/* y[t, r] = matrix . x_t + bias for this worker's share of r, or all of it by OpenBLAS.
 * Returns the share. */
eg_span eg_linear(eg_pass *p, const eg_worker *worker, float *y, const eg_matrix *matrix,
                  const eg_vectors *x);

/* Row `row` of a matrix, widened to y [cols]. */
void eg_matrix_row(float *y, const eg_matrix *matrix, int32_t row);

/* Fills cos and sin of row i from its position. */
void eg_pass_rotation(eg_pass *p, int32_t i);

/* Sets fault[i] to `fault` if the n values that row i has become are not all finite, and nothing
 * was found before. */
void eg_pass_check(eg_pass *p, int32_t i, const float *value, size_t n, int32_t fault);

#endif
