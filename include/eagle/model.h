/* SPDX-License-Identifier: MIT */
/* model.h - a target network and an EAGLE head: opened from Hugging Face directories, or
 * made from tensors in memory.
 *
 * Models and heads are immutable once made: any number of threads may use them. A
 * head borrows its model. */
#ifndef EAGLE_MODEL_H
#define EAGLE_MODEL_H

#include "eagle/runtime.h"
#include "eagle/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    EAGLE_F32,
    EAGLE_F16,
    EAGLE_BF16,
    EAGLE_F64,
    EAGLE_I64,
    EAGLE_I32,
    EAGLE_U8,
    EAGLE_BOOL
} eagle_dtype;

EAGLE_API const char *eagle_dtype_name(eagle_dtype dtype); /* "F32" */
EAGLE_API size_t eagle_dtype_size(eagle_dtype dtype);

#define EAGLE_MAX_RANK 8

/* A named tensor, row-major, little-endian, not owned. */
typedef struct {
    const char *name;
    eagle_dtype dtype;
    int32_t rank;
    int64_t shape[EAGLE_MAX_RANK];
    const void *data; /* aligned to its element size */
    size_t size;      /* bytes */
} eagle_tensor;

typedef enum { EAGLE_ROPE_DEFAULT, EAGLE_ROPE_LINEAR, EAGLE_ROPE_LLAMA3 } eagle_rope_kind;

typedef struct {
    eagle_rope_kind kind;
    double theta;
    double factor;            /* linear, llama3              */
    double low_freq_factor;   /* llama3                      */
    double high_freq_factor;  /* llama3                      */
    int32_t original_context; /* llama3: original_max_position_embeddings */
} eagle_rope;

#define EAGLE_MAX_END 64

/* What was understood of a config.json (LlamaForCausalLM, or an EAGLE-1 head). */
typedef struct {
    int32_t dim;        /* hidden_size              */
    int32_t n_layers;   /* num_hidden_layers        */
    int32_t n_heads;    /* num_attention_heads      */
    int32_t n_kv_heads; /* num_key_value_heads      */
    int32_t head_dim;
    int32_t ffn_dim; /* intermediate_size        */
    int32_t vocab;   /* vocab_size               */
    int32_t context; /* max_position_embeddings  */
    float rms_eps;
    bool tied;           /* the LM head is the embedding      */
    bool attention_bias; /* q, k, v, o carry a bias (target)  */
    bool mlp_bias;       /* gate, up, down carry a bias       */
    bool fc_bias;        /* head: the config asks for fc.bias */
    bool qkv_bias;       /* head: q, k, v carry a bias        */
    bool theta_given;    /* rope_theta was in the file        */
    eagle_rope rope;
    int32_t bos;   /* -1: none                       */
    int32_t n_end; /* end tokens, from config.json and generation_config.json */
    int32_t end[EAGLE_MAX_END];
} eagle_config;

typedef struct eagle_model eagle_model; /* opaque: the target          */
typedef struct eagle_head eagle_head;   /* opaque: the FeatExtrapolator */

/* Opens a Hugging Face directory: config.json, generation_config.json if there, and
 * model.safetensors or its index with shards, mapped read-only. EAGLE_EREAD, EAGLE_EFORMAT,
 * EAGLE_EUNSUPPORTED (an unknown architecture or key, by name), EAGLE_EFIT (config and tensors
 * disagree), EAGLE_ENOMEM. */
EAGLE_API eagle_status eagle_model_open(eagle_model **out, const char *dir, eagle_error *err);

/* Makes a target from tensors in memory, which must outlive it; names as in the files.
 * EAGLE_EFORMAT (a size out of range), EAGLE_EUNSUPPORTED, EAGLE_EFIT, EAGLE_ENOMEM. */
EAGLE_API eagle_status eagle_model_create(eagle_model **out, const eagle_config *config,
                                          const eagle_tensor *tensors, int32_t n_tensors,
                                          eagle_error *err);
EAGLE_API void eagle_model_free(eagle_model *model);
EAGLE_API const eagle_config *eagle_model_config(const eagle_model *model);

/* The same for an EAGLE-1 head for `model`. EAGLE_EFIT also when they do not belong together. */
EAGLE_API eagle_status eagle_head_open(eagle_head **out, const eagle_model *model, const char *dir,
                                       eagle_error *err);
EAGLE_API eagle_status eagle_head_create(eagle_head **out, const eagle_model *model,
                                         const eagle_config *config, const eagle_tensor *tensors,
                                         int32_t n_tensors, eagle_error *err);
EAGLE_API void eagle_head_free(eagle_head *head);
EAGLE_API const eagle_config *eagle_head_config(const eagle_head *head);
EAGLE_API bool eagle_head_own_embedding(const eagle_head *head);

/* The tensors that a model or head was made of, for reports. Index from 0; NULL past the end. */
EAGLE_API const eagle_tensor *eagle_model_tensor(const eagle_model *model, int32_t i);
EAGLE_API const eagle_tensor *eagle_head_tensor(const eagle_head *head, int32_t i);

/* Names a network: SHA-256, in hexadecimal, over the configuration that it computes with, and the
 * names, types, shapes and bytes of its tensors in order of their names. A head's does not cover
 * its model. EAGLE_ENOMEM. */
EAGLE_API eagle_status eagle_model_digest(char hex[65], const eagle_model *model, eagle_error *err);
EAGLE_API eagle_status eagle_head_digest(char hex[65], const eagle_head *head, eagle_error *err);

/* Reads every weight once with `threads` threads (1 to 64; 0: the CPUs this process may use; else
 * EAGLE_EINVAL; EAGLE_ENOMEM when the system gives fewer); *n_bytes receives how many bytes that
 * was.
 * With `check`, EAGLE_EFORMAT names the first tensor that holds a NaN or an infinity; without
 * it the time of the call measures the read bandwidth of the mapping. `head` may be NULL. */
EAGLE_API eagle_status eagle_model_scan(uint64_t *n_bytes, const eagle_model *model,
                                        const eagle_head *head, bool check, int32_t threads,
                                        eagle_error *err);

#ifdef __cplusplus
}
#endif
#endif
