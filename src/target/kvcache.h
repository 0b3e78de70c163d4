/* SPDX-License-Identifier: MIT */
/* kvcache.h - keys and values by slot. Keys are stored after RoPE, so a row keeps the
 * position it was computed at wherever it is moved. */
#ifndef EG_TARGET_KVCACHE_H
#define EG_TARGET_KVCACHE_H

#include "base/arena.h"
#include "eagle/model.h"

typedef struct {
    int32_t n_layers;
    int32_t n_kv_heads;
    int32_t head_dim;
    int32_t cap; /* slots */
    float *k;    /* [n_layers, n_kv_heads, cap, head_dim] */
    float *v;    /* [n_layers, n_kv_heads, cap, head_dim] */
} eg_kvcache;

/* A cache of `cap` slots for n_layers layers of that configuration, from `arena`. */
eg_kvcache eg_kvcache_make(const eagle_config *config, int32_t n_layers, int32_t cap,
                           eg_purpose purpose, eg_arena *arena);

/* Keys or values of one layer and KV head: [cap, head_dim]. */
float *eg_kvcache_k(const eg_kvcache *kv, int32_t layer, int32_t kv_head);
float *eg_kvcache_v(const eg_kvcache *kv, int32_t layer, int32_t kv_head);

/* Copies slot `from` to slot `to`, in all layers. */
void eg_kvcache_move(eg_kvcache *kv, int32_t to, int32_t from);

/* Adds slots [0, n) to a digest. */
void eg_kvcache_hash(eagle_sha256 *sha, const eg_kvcache *kv, int32_t n);

#endif
