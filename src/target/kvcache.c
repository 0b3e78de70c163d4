/* SPDX-License-Identifier: MIT */
/* kvcache.c - keys and values by slot. */
#include "target/kvcache.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

eagle_status eg_kvcache_create(eg_kvcache *out, int32_t n_layers, int32_t n_kv_heads,
                               int32_t head_dim, int32_t cap, eagle_error *err)
{
    size_t n = (size_t)n_layers * (size_t)n_kv_heads;

    *out = (eg_kvcache){
        .n_layers = n_layers, .n_kv_heads = n_kv_heads, .head_dim = head_dim, .cap = cap};
    if (eg_mul_size(&n, n, (size_t)cap) && eg_mul_size(&n, n, (size_t)head_dim)) {
        out->k = eg_alloc_aligned(n, sizeof(float));
        out->v = eg_alloc_aligned(n, sizeof(float));
    }
    if (out->k == NULL || out->v == NULL) {
        eg_kvcache_free(out);
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a KV cache of %d slots in %d layers", cap,
                       n_layers);
    }
    return EAGLE_OK;
}

void eg_kvcache_free(eg_kvcache *kv)
{
    free(kv->k);
    free(kv->v);
    *kv = (eg_kvcache){0};
}

uint64_t eg_kvcache_bytes(int32_t n_layers, int32_t n_kv_heads, int32_t head_dim, int32_t cap)
{
    return 2 * sizeof(float) * (uint64_t)n_layers * (uint64_t)n_kv_heads * (uint64_t)head_dim *
           (uint64_t)cap;
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
