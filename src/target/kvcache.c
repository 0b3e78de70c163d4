/* SPDX-License-Identifier: MIT */
/* kvcache.c - keys and values by slot. */
#include "target/kvcache.h"

#include <string.h>

eg_kvcache eg_kvcache_make(const eagle_config *config, int32_t n_layers, int32_t cap,
                           eg_purpose purpose, eg_arena *arena)
{
    const size_t slots = (size_t)n_layers * (size_t)config->n_kv_heads * (size_t)cap;
    const size_t size = (size_t)config->head_dim * sizeof(float);

    return (eg_kvcache){.n_layers = n_layers,
                        .n_kv_heads = config->n_kv_heads,
                        .head_dim = config->head_dim,
                        .cap = cap,
                        .k = eg_arena_take(arena, purpose, slots, size),
                        .v = eg_arena_take(arena, purpose, slots, size)};
}

static size_t offset(const eg_kvcache *kv, int32_t layer, int32_t kv_head, int32_t slot)
{
    size_t head = (size_t)layer * (size_t)kv->n_kv_heads + (size_t)kv_head;

    return (head * (size_t)kv->cap + (size_t)slot) * (size_t)kv->head_dim;
}

float *eg_kvcache_k(const eg_kvcache *kv, int32_t layer, int32_t kv_head)
{
    return kv->k + offset(kv, layer, kv_head, 0);
}

float *eg_kvcache_v(const eg_kvcache *kv, int32_t layer, int32_t kv_head)
{
    return kv->v + offset(kv, layer, kv_head, 0);
}

void eg_kvcache_move(eg_kvcache *kv, int32_t to, int32_t from)
{
    size_t size = (size_t)kv->head_dim * sizeof(float);

    if (to == from) {
        return;
    }
    for (int32_t layer = 0; layer < kv->n_layers; layer++) {
        for (int32_t head = 0; head < kv->n_kv_heads; head++) {
            size_t target = offset(kv, layer, head, to);
            size_t source = offset(kv, layer, head, from);

            memcpy(kv->k + target, kv->k + source, size);
            memcpy(kv->v + target, kv->v + source, size);
        }
    }
}

void eg_kvcache_hash(eagle_sha256 *sha, const eg_kvcache *kv, int32_t n)
{
    size_t count = (size_t)n * (size_t)kv->head_dim;

    for (int32_t layer = 0; layer < kv->n_layers; layer++) {
        for (int32_t head = 0; head < kv->n_kv_heads; head++) {
            eagle_sha256_floats(sha, eg_kvcache_k(kv, layer, head), count);
            eagle_sha256_floats(sha, eg_kvcache_v(kv, layer, head), count);
        }
    }
}
