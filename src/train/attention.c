/* SPDX-License-Identifier: MIT */
/* attention.c - causal attention over the sequences of a batch. A unit of work is one sequence
 * under one KV head with all query heads that share it: so each gradient of a key or a value is one
 * thread's sum. Units differ in length, so threads take them as they come. */
#include "train/operations.h"

#include "kernels/training.h"

#include <omp.h>

size_t eg_attention_scratch(const eg_attention *a, const eg_batch_room *room)
{
    return (size_t)eg_train_n_threads() * eg_attend_unit_scratch(room->length, a->head_dim);
}

/* What a thread needs of that for this batch. */
static size_t scratch_size(const eg_attention *a, const eg_batch *batch)
{
    size_t length = 0;

    for (size_t s = 0; s < batch->n_sequences; s++) {
        const size_t n = (size_t)(batch->start[s + 1] - batch->start[s]);

        length = n > length ? n : length;
    }
    return eg_attend_unit_scratch(length, a->head_dim);
}

/* The unit's place in arrays of rows: of query heads, of KV heads, of lse. */
typedef struct {
    size_t q;
    size_t kv;
    size_t lse;
} place;

static place place_of(const eg_attention *a, const eg_batch *batch, size_t index)
{
    const size_t first = (size_t)batch->start[index / a->n_kv_heads];
    const size_t kv_head = index % a->n_kv_heads;
    const size_t head = kv_head * (a->n_heads / a->n_kv_heads);

    return (place){.q = (first * a->n_heads + head) * a->head_dim,
                   .kv = (first * a->n_kv_heads + kv_head) * a->head_dim,
                   .lse = first * a->n_heads + head};
}

/* A unit without what only one way needs. A thread's scratch has `size` numbers. */
static eg_attend_unit unit_of(const eg_attention *a, const eg_qkv *x, const eg_batch *batch,
                              size_t index, size_t size)
{
    const size_t s = index / a->n_kv_heads;
    const place at = place_of(a, batch, index);

    return (eg_attend_unit){.n = (size_t)(batch->start[s + 1] - batch->start[s]),
                            .n_q = a->n_heads / a->n_kv_heads,
                            .head_dim = a->head_dim,
                            .q_stride = a->n_heads * a->head_dim,
                            .kv_stride = a->n_kv_heads * a->head_dim,
                            .q = x->q + at.q,
                            .k = x->k + at.kv,
                            .v = x->v + at.kv,
                            .lse_stride = a->n_heads,
                            .scratch = a->scratch + (size_t)omp_get_thread_num() * size};
}

void eg_fwd_attention(eg_real *out, eg_real *lse, const eg_attention *a, const eg_qkv *x,
                      const eg_batch *batch)
{
    const eg_training *kernels = eg_training_for(EAGLE_ISA_AUTO);
    const size_t n_units = batch->n_sequences * a->n_kv_heads;
    const size_t scratch = scratch_size(a, batch);

#pragma omp parallel for schedule(dynamic) num_threads(eg_train_n_threads())
    for (size_t i = 0; i < n_units; i++) {
        const place at = place_of(a, batch, i);
        eg_attend_unit unit = unit_of(a, x, batch, i, scratch);

        unit.out = out + at.q;
        unit.lse = lse + at.lse;
        kernels->attend(&unit);
    }
}

void eg_bwd_attention(const eg_dqkv *dx, const eg_attention *a, const eg_qkv *x,
                      const eg_attended *y, const eg_batch *batch)
{
    const eg_training *kernels = eg_training_for(EAGLE_ISA_AUTO);
    const size_t n_units = batch->n_sequences * a->n_kv_heads;
    const size_t scratch = scratch_size(a, batch);

#pragma omp parallel for schedule(dynamic) num_threads(eg_train_n_threads())
    for (size_t i = 0; i < n_units; i++) {
        const place at = place_of(a, batch, i);
        eg_attend_unit unit = unit_of(a, x, batch, i, scratch);

        unit.y = y->out + at.q;
        unit.y_lse = y->lse + at.lse;
        unit.dy = y->dout + at.q;
        unit.dq = dx->q + at.q;
        unit.dk = dx->k + at.kv;
        unit.dv = dx->v + at.kv;
        kernels->attend_back(&unit);
    }
}
