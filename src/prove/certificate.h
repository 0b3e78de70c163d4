/* SPDX-License-Identifier: MIT */
/* certificate.h - the inside of results: they own their texts and tokens. No GMP here. */
#ifndef EG_PROVE_CERTIFICATE_H
#define EG_PROVE_CERTIFICATE_H

#include "eagle/prove.h"

/* What one level's result points to. */
typedef struct {
    eagle_prove_result result;
    eagle_prove_difference worst;
    eagle_prove_difference shortest;
    eagle_prove_step *step; /* [result.n_steps] their shares are owned */
} eg_level_proof;

struct eagle_proof {
    eg_level_proof level[EAGLE_PROVE_LEVELS];
    int32_t *context; /* [n_context] */
    int32_t n_context;
    char *tokens_per_round;
    double tokens_per_round_value;
    double softmax_distance;
};

#endif
