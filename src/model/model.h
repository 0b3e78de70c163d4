/* SPDX-License-Identifier: MIT */
/* model.h - a target with what keeps its weights alive. */
#ifndef EG_MODEL_MODEL_H
#define EG_MODEL_MODEL_H

#include "head/extrapolator.h"
#include "target/target.h"

/* Files that back a model or head; NULL when the tensors were the caller's. */
typedef struct eg_backing eg_backing;
struct eg_backing {
    void (*close)(eg_backing *backing); /* closes and frees */
};

struct eagle_model {
    eg_target target;
    eagle_tensor *tensor; /* [n_tensors] copies of the descriptions */
    int32_t n_tensors;
    eg_backing *backing;
};

/* What eagle_head_free() has to release beside the head itself. */
typedef struct {
    eagle_head head; /* first: an eagle_head * made here points to it */
    eagle_tensor *tensor;
    int32_t n_tensors;
    eg_backing *backing;
} eg_owned_head;

/* EAGLE_EFORMAT unless every size is in range, so that products of two fit 64 bits, and heads
 * divide. */
eagle_status eg_config_check(const eagle_config *config, eagle_error *err);

/* The two constructors with a backing, which they own from then on, also when they fail. */
eagle_status eg_model_create(eagle_model **out, const eagle_config *config,
                             const eagle_tensor *tensors, int32_t n_tensors, eg_backing *backing,
                             eagle_error *err);
eagle_status eg_head_create(eagle_head **out, const eagle_model *model, const eagle_config *config,
                            const eagle_tensor *tensors, int32_t n_tensors, eg_backing *backing,
                            eagle_error *err);

#endif
