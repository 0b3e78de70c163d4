/* SPDX-License-Identifier: MIT */
/* target.h - the target network: weights from named tensors, and its forward pass. */
#ifndef EG_TARGET_TARGET_H
#define EG_TARGET_TARGET_H

#include "target/layer.h"

/* Norm weights and biases, widened to f32: one block that lives with its network. */
typedef struct {
    float *data; /* [cap] */
    size_t used;
    size_t cap;
} eg_floats;

/* Looks up tensors by name and takes them, once each. */
typedef struct {
    const eagle_tensor *tensor; /* [n] */
    int32_t n;
    bool *taken; /* [n] */
    eg_floats *floats;
} eg_tensor_source;

/* Finds "prefix.name" with the shape [rows, cols] and dtype F32, F16 or BF16. EAGLE_EFIT when it
 * is missing or of another shape, EAGLE_EUNSUPPORTED for another dtype. */
eagle_status eg_take_matrix(eg_matrix *out, eg_tensor_source *source, const char *prefix,
                            const char *name, int32_t rows, int32_t cols, eagle_error *err);
/* The same for a vector [n], widened into source->floats. */
eagle_status eg_take_vector(const float **out, eg_tensor_source *source, const char *prefix,
                            const char *name, int32_t n, eagle_error *err);
bool eg_has_tensor(const eg_tensor_source *source, const char *prefix, const char *name);

/* Which biases a decoder layer carries, and whether it has an input norm. */
typedef struct {
    bool qkv_bias;
    bool o_bias;
    bool mlp_bias;
    bool attn_norm;
} eg_layer_parts;
eagle_status eg_take_layer(eg_layer *out, eg_tensor_source *source, const eagle_config *config,
                           eg_layer_parts parts, const char *prefix, eagle_error *err);
/* Floats that such layers put into source->floats. */
size_t eg_layer_floats(const eagle_config *config, int32_t n_layers);

/* Begins and ends a lookup; the end refuses, by name, a tensor that nothing took and that is
 * not `harmless` (may be NULL). */
eagle_status eg_source_begin(eg_tensor_source *source, const eagle_tensor *tensors, int32_t n,
                             eg_floats *floats, size_t n_floats, eagle_error *err);
eagle_status eg_source_end(eg_tensor_source *source, bool (*harmless)(const char *name),
                           eagle_error *err);
void eg_source_free(eg_tensor_source *source);

typedef struct {
    eagle_config config;
    eg_matrix embed;   /* [vocab, dim] */
    eg_layer *layers;  /* [n_layers] */
    const float *norm; /* [dim] */
    eg_matrix lm_head; /* [vocab, dim]; the embedding when tied */
    float *inv_freq;   /* [head_dim / 2] */
    eg_floats floats;
} eg_target;

/* Finds the weights of `config` among `tensors`, which must outlive the target. Failures as in
 * eagle_model_create(). Free with eg_target_free(). */
eagle_status eg_target_create(eg_target *out, const eagle_config *config,
                              const eagle_tensor *tensors, int32_t n, eagle_error *err);
void eg_target_free(eg_target *target);

/* The target's pass of one session. Its parts point to each other: it stays where it was made. */
typedef struct {
    const eg_target *target;
    eg_kvcache kv;
    eg_pass pass;
    float *feature;   /* [max_rows, dim] after the final norm                 */
    int32_t *wanting; /* [max_logits] rows that want logits, in their order   */
    int32_t n_wanting;
} eg_forward;

eagle_status eg_forward_create(eg_forward *out, const eg_target *target, const eg_compute *compute,
                               int32_t kv_cap, int32_t max_rows, int32_t max_logits,
                               eagle_error *err);
void eg_forward_free(eg_forward *f);
uint64_t eg_forward_bytes(const eg_target *target, const eg_compute *compute, int32_t kv_cap,
                          int32_t max_rows, int32_t max_logits);

/* Runs n rows (1 <= n <= max_rows; at most max_logits of them want logits). Afterwards
 * f->feature and f->pass.fault hold one row each, f->pass.logits a row per row that wanted
 * them, in order. A row's bits do not depend on the others. */
eagle_status eg_forward_run(eg_forward *f, const eg_row *rows, int32_t n, bool fast,
                            eagle_error *err);

/* Logits of one feature: the end of a pass alone. Writes row 0 of f->pass.logits. */
eagle_status eg_forward_logits(eg_forward *f, const float *feature, eagle_error *err);

#endif
