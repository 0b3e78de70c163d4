/* SPDX-License-Identifier: MIT */
/* weights.h - named tensors to the matrices of a target or a head. Nothing of a matrix is
 * copied. */
#ifndef EG_MODEL_WEIGHTS_H
#define EG_MODEL_WEIGHTS_H

#include "head/extrapolator.h"
#include "target/target.h"

/* Looks up tensors by name and takes them, once each. */
typedef struct {
    const eagle_tensor *tensor; /* [n] */
    int32_t n;
    bool *taken;   /* [n]                                              */
    float *vector; /* where the next vector goes: norms and biases, widened to f32 */
    size_t left;   /* floats that are left there                       */
} eg_tensor_source;

/* Finds "prefix.name" with the shape [rows, cols] and dtype F32, F16 or BF16. EAGLE_EFIT when it
 * is missing or of another shape, EAGLE_EUNSUPPORTED for another dtype. */
eagle_status eg_take_matrix(eg_matrix *out, eg_tensor_source *source, const char *prefix,
                            const char *name, int32_t rows, int32_t cols, eagle_error *err);
/* The same for a vector [n], widened into the source's block. */
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
/* Floats that such layers put into that block. */
size_t eg_layer_floats(const eagle_config *config, int32_t n_layers);

/* Begins a lookup, and allocates the block of n_floats for vectors, which *vectors then owns: free
 * it with free(). The end refuses, by name, a tensor that nothing took and that is not
 * `harmless`. */
eagle_status eg_source_begin(eg_tensor_source *source, float **vectors, size_t n_floats,
                             const eagle_tensor *tensors, int32_t n, eagle_error *err);
eagle_status eg_source_end(eg_tensor_source *source, bool (*harmless)(const char *name),
                           eagle_error *err);
void eg_source_free(eg_tensor_source *source);

/* Finds the weights of `config` among `tensors`, which must outlive the target. Failures as in
 * eagle_model_create(). Free with eg_target_release(). */
eagle_status eg_target_init(eg_target *out, const eagle_config *config, const eagle_tensor *tensors,
                            int32_t n, eagle_error *err);
void eg_target_release(eg_target *target);

/* The same for a head. EAGLE_EFIT when target and head do not belong together. `target` must
 * outlive the head. Free with eg_head_release(). */
eagle_status eg_head_init(eagle_head *out, const eg_target *target, const eagle_config *config,
                          const eagle_tensor *tensors, int32_t n, eagle_error *err);
void eg_head_release(eagle_head *head);

#endif
