/* SPDX-License-Identifier: MIT */
/* training_portable.c - the definition of training's loops: 16 lanes in plain C. */
#include "kernels/training.h"

#include "kernels/kernels.h"

#include <stdint.h>
#include <string.h>

#define TILE_ROWS 4

typedef struct {
    eg_real lane[EG_LANES];
} vec;

static inline vec vec_load(const eg_real *p)
{
    vec a;

    memcpy(a.lane, p, sizeof a.lane);
    return a;
}

static inline void vec_store(eg_real *p, vec a)
{
    memcpy(p, a.lane, sizeof a.lane);
}

static inline vec vec_all(eg_real x)
{
    vec a;

    for (size_t l = 0; l < EG_LANES; l++) {
        a.lane[l] = x;
    }
    return a;
}

static inline vec vec_add(vec a, vec b)
{
    for (size_t l = 0; l < EG_LANES; l++) {
        a.lane[l] += b.lane[l];
    }
    return a;
}

static inline vec vec_sub(vec a, vec b)
{
    for (size_t l = 0; l < EG_LANES; l++) {
        a.lane[l] -= b.lane[l];
    }
    return a;
}

static inline vec vec_mul(vec a, vec b)
{
    for (size_t l = 0; l < EG_LANES; l++) {
        a.lane[l] *= b.lane[l];
    }
    return a;
}

static inline vec vec_div(vec a, vec b)
{
    for (size_t l = 0; l < EG_LANES; l++) {
        a.lane[l] /= b.lane[l];
    }
    return a;
}

static inline vec vec_fma(vec a, vec b, vec c)
{
    for (size_t l = 0; l < EG_LANES; l++) {
        c.lane[l] = eg_real_fma(a.lane[l], b.lane[l], c.lane[l]);
    }
    return c;
}

static inline vec vec_max(vec a, vec b)
{
    for (size_t l = 0; l < EG_LANES; l++) {
        b.lane[l] = a.lane[l] > b.lane[l] ? a.lane[l] : b.lane[l];
    }
    return b;
}

static inline vec vec_min(vec a, vec b)
{
    for (size_t l = 0; l < EG_LANES; l++) {
        b.lane[l] = a.lane[l] < b.lane[l] ? a.lane[l] : b.lane[l];
    }
    return b;
}

#ifndef EG_TRAIN_DOUBLE
static inline vec vec_power_of_two(vec a)
{
    uint32_t bits[EG_LANES];

    memcpy(bits, a.lane, sizeof bits);
    for (size_t l = 0; l < EG_LANES; l++) {
        bits[l] = (bits[l] + 127) << 23;
    }
    memcpy(a.lane, bits, sizeof bits);
    return a;
}
#endif

#include "kernels/training_attend.h"

size_t eg_attend_unit_scratch(size_t n, size_t head_dim)
{
    const size_t keys = round_up(n);
    const size_t row = round_up(head_dim);
    const size_t scores = keys < KEYS ? KEYS : keys;

    return 2 * keys * head_dim + scores * EG_LANES + 4 * head_dim * EG_LANES + 2 * EG_LANES * row +
           KEYS * EG_LANES + 2 * keys * row;
}

const eg_training eg_training_portable = {.isa = EAGLE_ISA_PORTABLE,
                                          .norm = norm,
                                          .norm_back = norm_back,
                                          .norm_weights = norm_weights,
                                          .gate = gate_row,
                                          .gate_back = gate_row_back,
                                          .loss_tokens = loss_tokens,
                                          .loss_law = loss_law,
                                          .loss_features = loss_features,
                                          .attend = attend,
                                          .attend_back = attend_back};
