/* SPDX-License-Identifier: MIT */
/* parameters.c - a network's tensors in one flat array: their places, first values, and loading. */
#include "train/parameters.h"

#include "base/characters.h"
#include "base/error.h"
#include "kernels/kernels.h"
#include "kernels/mathf.h"
#include "sample/draws.h"
#include "train/purpose.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Tensors begin at multiples of a cache line of floats. */
#define GRAIN 16

const eg_parameter *eg_parameters_find(const eg_parameters *p, const char *name)
{
    for (int32_t i = 0; i < p->n_tensors; i++) {
        if (strcmp(p->tensor[i].name, name) == 0) {
            return &p->tensor[i];
        }
    }
    return NULL;
}

/* ---- laying out ------------------------------------------------------------------------ */

/* Value and gradient of a tensor, or nothing while tensors are only counted. */
typedef struct {
    eg_real *value;
    eg_real *grad;
} place;

static place add(eg_parameters *p, const eg_parameter *t)
{
    const place out = {.value = p->value != NULL ? p->value + p->n : NULL,
                       .grad = p->grad != NULL ? p->grad + p->n : NULL};

    if (p->tensor != NULL) {
        p->tensor[p->n_tensors] = *t;
        p->tensor[p->n_tensors].at = p->n;
    }
    p->n_tensors++;
    p->count += (uint64_t)t->rows * t->cols;
    p->n += (t->rows * t->cols + GRAIN - 1) / GRAIN * GRAIN;
    return out;
}

static void name_it(eg_parameter *t, const char *prefix, const char *name, const char *tail)
{
    const int n = snprintf(t->name, EG_NAME_MAX, "%s%s.%s", prefix, name, tail);

    assert(n > 0 && n < EG_NAME_MAX);
    (void)n;
}

eg_dense eg_parameters_dense(eg_parameters *p, const char *prefix, const char *name, size_t out,
                             size_t in, bool bias)
{
    eg_dense m = {.out = out, .in = in};
    eg_parameter t = {.rank = 2, .rows = out, .cols = in};

    name_it(&t, prefix, name, "weight");
    place at = add(p, &t);

    m.w = at.value;
    m.dw = at.grad;
    if (bias) {
        t = (eg_parameter){.rank = 1, .rows = out, .cols = 1};
        name_it(&t, prefix, name, "bias");
        at = add(p, &t);
        m.bias = at.value;
        m.dbias = at.grad;
    }
    return m;
}

eg_norm eg_parameters_norm(eg_parameters *p, const char *prefix, const char *name, size_t dim,
                           float eps)
{
    eg_parameter t = {.rank = 1, .rows = dim, .cols = 1};

    name_it(&t, prefix, name, "weight");
    const place at = add(p, &t);

    return (eg_norm){.dim = dim, .eps = eps, .w = at.value, .dw = at.grad};
}

eg_real *eg_arena_reals(eg_arena *arena, eg_purpose purpose, size_t n)
{
    return eg_arena_take(arena, purpose, n, sizeof(eg_real));
}

eg_size eg_parameters_size(const eg_parameters *p)
{
    return (eg_size){.parameters = p->count, .n = p->n};
}

void eg_parameters_reserve(eg_parameters *p, bool learn, eg_arena *arena)
{
    p->tensor = eg_arena_take(arena, EG_FOR_WEIGHTS, (size_t)p->n_tensors, sizeof *p->tensor);
    p->value = eg_arena_reals(arena, EG_FOR_WEIGHTS, p->n);
    p->grad = learn ? eg_arena_reals(arena, EG_FOR_WEIGHTS, p->n) : NULL;
    if (arena->failed) { /* place nothing in the arrays that could be had */
        p->tensor = NULL;
        p->value = NULL;
        p->grad = NULL;
    }
    p->n_tensors = 0;
    p->count = 0;
    p->n = 0;
}

/* ---- first values ------------------------------------------------------------------------ */

/* A uniform number in (0, 1), the middle of one of 2^23 equal parts: every such float is exact, and
 * none is 0, whose logarithm is not wanted. */
static float uniform(uint32_t word)
{
    return ((float)(word >> 9) + 0.5f) * 0x1p-23f;
}

/* Two independent normal deviates from two uniform numbers (Box and Muller 1958), in correctly
 * rounded operations. */
static void normal_pair(float out[2], uint32_t word_r, uint32_t word_angle)
{
    const float two_pi = 0x1.921fb6p2f;
    const float r = sqrtf(-2.0f * eg_logf(uniform(word_r)));
    const float angle = two_pi * uniform(word_angle);

    out[0] = r * eg_cosf(angle);
    out[1] = r * eg_sinf(angle);
}

void eg_parameters_normal(eg_parameters *p, const eg_parameter *t, double deviation, uint64_t seed)
{
    const size_t n = t->rows * t->cols;
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const uint32_t number = (uint32_t)(t - p->tensor);

    for (size_t e = 0; e < n; e += 4) {
        const uint64_t block = e / 4;
        const uint32_t counter[4] = {(uint32_t)block, EG_PURPOSE_INIT, number,
                                     (uint32_t)(block >> 32)};
        uint32_t word[4];
        float z[4];

        eg_philox4x32(word, counter, key);
        normal_pair(z, word[0], word[1]);
        normal_pair(z + 2, word[2], word[3]);
        for (size_t j = 0; j < 4 && e + j < n; j++) {
            p->value[t->at + e + j] = (eg_real)(deviation * (double)z[j]);
        }
    }
}

static void fill(eg_parameters *p, const eg_parameter *t, eg_real value)
{
    for (size_t e = 0; e < t->rows * t->cols; e++) {
        p->value[t->at + e] = value;
    }
}

void eg_parameters_init(eg_parameters *p, int32_t n_layers, uint64_t seed)
{
    const double usual = 0.02;

    for (int32_t i = 0; i < p->n_tensors; i++) {
        const eg_parameter *t = &p->tensor[i];

        if (eg_ends_with(t->name, "norm.weight")) {
            fill(p, t, 1);
        } else if (eg_ends_with(t->name, ".bias")) {
            fill(p, t, 0);
        } else if (eg_ends_with(t->name, "o_proj.weight") ||
                   eg_ends_with(t->name, "down_proj.weight")) {
            eg_parameters_normal(p, t, usual / sqrt(2.0 * n_layers), seed);
        } else {
            eg_parameters_normal(p, t, usual, seed);
        }
    }
}

void eg_widen_real(eg_real *y, const void *x, eagle_dtype dtype, size_t n)
{
    enum { SOME = 256 };
    const char *from = x;
    float wide[SOME];

    for (size_t i = 0; i < n; i += SOME) {
        const size_t some = n - i < SOME ? n - i : SOME;

        eg_widen(wide, from + i * eagle_dtype_size(dtype), dtype, some);
        for (size_t j = 0; j < some; j++) {
            y[i + j] = wide[j];
        }
    }
}

static const eagle_tensor *find_tensor(const char *name, eg_tensor_list *tensor, const void *owner)
{
    const eagle_tensor *t = NULL;

    for (int32_t i = 0; (t = tensor(owner, i)) != NULL && strcmp(t->name, name) != 0; i++) {
    }
    return t;
}

eagle_status eg_parameters_load(eg_parameters *p, eg_tensor_list *tensor, const void *owner,
                                eagle_error *err)
{
    for (int32_t i = 0; i < p->n_tensors; i++) {
        const eg_parameter *to = &p->tensor[i];
        const eagle_tensor *from = find_tensor(to->name, tensor, owner);

        if (from == NULL) {
            return eg_fail(err, EAGLE_EFIT, "tensor %s is missing", to->name);
        }
        if (from->rank != to->rank || from->shape[0] != (int64_t)to->rows ||
            (to->rank == 2 && from->shape[1] != (int64_t)to->cols)) {
            return eg_fail(err, EAGLE_EFIT, "tensor %s has another shape than what is trained",
                           to->name);
        }
        eg_widen_real(p->value + to->at, from->data, from->dtype, to->rows * to->cols);
    }
    return EAGLE_OK;
}
