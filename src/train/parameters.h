/* SPDX-License-Identifier: MIT */
/* parameters.h - all that a network learns, flat, with names. */
#ifndef EG_TRAIN_PARAMETERS_H
#define EG_TRAIN_PARAMETERS_H

#include "base/arena.h"
#include "eagle/model.h"
#include "kernels/real.h"
#include "train/operations.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EG_NAME_MAX 96

/* One tensor among the parameters. */
typedef struct {
    char name[EG_NAME_MAX]; /* as in the file: "model.layers.0.mlp.up_proj.weight" */
    int32_t rank;           /* 1: [rows]; 2: [rows, cols]                          */
    size_t rows;
    size_t cols; /* 1 when the rank is 1                                */
    size_t at;   /* first element in the flat arrays, a multiple of 16  */
} eg_parameter;

/* All parameters of a network, flat, so that optimizer and checkpoint see arrays and no network.
 * The gaps between tensors hold zeros and stay so. */
typedef struct {
    eg_parameter *tensor; /* [n_tensors] in the order of the forward pass */
    int32_t n_tensors;
    uint64_t count; /* elements without the gaps: what people call the number of parameters */
    size_t n;       /* elements of the flat arrays, gaps included */
    eg_real *value; /* [n] */
    eg_real *grad;  /* [n]; NULL in a network that only runs forward */
} eg_parameters;

/* How much a network would learn: what is known before it is made. */
typedef struct {
    uint64_t parameters; /* eg_parameters.count */
    size_t n;            /* eg_parameters.n     */
} eg_size;

/* The tensor of that name, NULL if there is none. */
const eg_parameter *eg_parameters_find(const eg_parameters *p, const char *name);

/* ---- laying out ----------------------------------------------------------------------
 *
 * A network names its tensors twice, in the same order: first to count them, then, after
 * eg_parameters_reserve(), to place them. The views that the first round returns point nowhere. */

/* "PREFIXNAME.weight" [out, in] and, with `bias`, "PREFIXNAME.bias" [out]. */
eg_dense eg_parameters_dense(eg_parameters *p, const char *prefix, const char *name, size_t out,
                             size_t in, bool bias);

/* "PREFIXNAME.weight" [dim]. */
eg_norm eg_parameters_norm(eg_parameters *p, const char *prefix, const char *name, size_t dim,
                           float eps);

/* What was named so far. */
eg_size eg_parameters_size(const eg_parameters *p);

/* Takes the arrays for all that was named, gradients only with `learn`, and begins anew. */
void eg_parameters_reserve(eg_parameters *p, bool learn, eg_arena *arena);

/* n numbers; NULL as eg_arena_take(). */
eg_real *eg_arena_reals(eg_arena *arena, eg_purpose purpose, size_t n);

/* ---- first values -------------------------------------------------------------------- */

/* Fills tensor t with normal deviates of standard deviation `deviation`: a function of the seed,
 * the tensor's number and the place in it, with the same bits on every machine. */
void eg_parameters_normal(eg_parameters *p, const eg_parameter *t, double deviation, uint64_t seed);

/* Usual first values of all tensors of a network of n_layers decoder layers, by their names: norms
 * 1, biases 0, matrices normal with standard deviation 0.02, and 0.02 / sqrt(2 n_layers) for the
 * 2 n_layers of them whose outputs the residual stream adds up (Radford et al. 2019). */
void eg_parameters_init(eg_parameters *p, int32_t n_layers, uint64_t seed);

/* Takes every tensor's values from tensor(owner, 0), tensor(owner, 1), ... up to NULL, by name.
 * EAGLE_EFIT names one that is missing there or has another shape. */
typedef const eagle_tensor *eg_tensor_list(const void *owner, int32_t i);
eagle_status eg_parameters_load(eg_parameters *p, eg_tensor_list *tensor, const void *owner,
                                eagle_error *err);

/* As eg_widen(), to eg_real. */
void eg_widen_real(eg_real *y, const void *x, eagle_dtype dtype, size_t n);

#endif
