/* SPDX-License-Identifier: MIT */
/* lib_toy.h - tiny networks with random weights, made in memory: no files, milliseconds. */
#ifndef EAGLE_TESTS_LIB_TOY_H
#define EAGLE_TESTS_LIB_TOY_H

#include "eagle/eagle.h"

#include <stdbool.h>
#include <stdint.h>

/* What a toy looks like. Zero means the default in brackets. */
typedef struct {
    int32_t dim;        /* [32]            */
    int32_t n_layers;   /* [2]             */
    int32_t n_heads;    /* [4]             */
    int32_t n_kv_heads; /* [2]             */
    int32_t head_dim;   /* [dim / n_heads] */
    int32_t ffn_dim;    /* [48]            */
    int32_t vocab;      /* [40]            */
    int32_t context;    /* [512]           */
    eagle_dtype dtype;  /* of the matrices: F32, F16 or BF16 */
    bool tied;
    bool biases;        /* attention_bias and mlp_bias; the head: fc and q, k, v */
    bool flat;          /* an LM head of zeros: all logits are tied              */
    bool own_embedding; /* the head has one                                      */
    uint64_t seed;
} toy_options;

typedef struct toy toy;

/* A target and its head; ends the program when there is no memory. Free with toy_free(). */
toy *toy_create(const toy_options *options);
void toy_free(toy *t);
const eagle_model *toy_model(const toy *t);
const eagle_head *toy_head(const toy *t);

/* What the toy was made of, to make it once more. */
const eagle_config *toy_config(const toy *t, bool head);
const eagle_tensor *toy_tensors(int32_t *n, const toy *t, bool head);

/* A small generator (SplitMix64) for tests: never on a result path. */
uint64_t toy_random(uint64_t *state);
/* A number inside (0, 1), of 53 bits. */
double toy_uniform(uint64_t *state);

#endif
