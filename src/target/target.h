/* SPDX-License-Identifier: MIT */
/* target.h - the target network and its forward pass. */
#ifndef EG_TARGET_TARGET_H
#define EG_TARGET_TARGET_H

#include "target/layer.h"

/* The network's weights; model/ makes it. */
typedef struct {
    eagle_config config;
    eg_matrix embed;   /* [vocab, dim] */
    eg_layer *layers;  /* [n_layers] */
    const float *norm; /* [dim] */
    eg_matrix lm_head; /* [vocab, dim]; the embedding when tied */
    float *inv_freq;   /* [head_dim / 2] */
    float *vectors;    /* what the norms and biases above point into */
} eg_target;

/* The target's pass of one session. Its parts point to each other: it stays where it was made. */
typedef struct {
    const eg_target *target;
    eg_kvcache kv;
    eg_pass pass;
    float *feature;   /* [room.rows, dim] after the final norm                 */
    int32_t *wanting; /* [room.logits] rows that want logits, in their order   */
    int32_t n_wanting;
} eg_forward;

/* Lays the parts out in `arena`. `target` must outlive them. */
void eg_forward_make(eg_forward *out, const eg_target *target, const eg_compute *compute,
                     const eg_pass_room *room, eg_arena *arena);

/* Runs n rows (1 <= n <= room.rows; at most room.logits of them want logits). Afterwards
 * f->feature and f->pass.fault hold one row each, f->pass.logits a row per row that wanted
 * them, in order. A row's bits do not depend on the others. */
eagle_status eg_forward_run(eg_forward *f, const eg_row *rows, int32_t n, bool fast,
                            eagle_error *err);

/* Logits of one feature: the end of a pass alone. Writes row 0 of f->pass.logits and of
 * f->pass.fault. */
eagle_status eg_forward_logits(eg_forward *f, const float *feature, eagle_error *err);

#endif
