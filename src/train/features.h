/* SPDX-License-Identifier: MIT */
/* features.h - stored features: a target's answers to a corpus, computed once. */
#ifndef EG_TRAIN_FEATURES_H
#define EG_TRAIN_FEATURES_H

#include "eagle/corpus.h"
#include "kernels/real.h"
#include "train/feeder.h"

/* The tensors' names, as EAGLE's published training code calls what they hold. */
#define EG_FEATURES_IDS    "input_ids"
#define EG_FEATURES_MASK   "loss_mask"
#define EG_FEATURES_STARTS "starts"
#define EG_FEATURES_HIDDEN "hidden_state"

/* Features of n tokens of the corpus that came with the file, widened, out [n, dim]. */
void eg_features_rows(eg_real *out, const eagle_features *features, eg_origin origin, size_t n);

/* SHA-256 over a model's tensors: the same target, or another one. */
void eg_target_digest(char hex[65], const eagle_model *model);

#endif
