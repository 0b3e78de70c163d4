/* SPDX-License-Identifier: MIT */
/* mathf.h - exp, log, sin, cos in float32, correctly rounded on their domains, and
 * RoPE's frequencies. No other libm function than fma, fmaf and sqrtf is on the result
 * path. `eagle selftest --exhaustive` proves the rounding for every input. */
#ifndef EG_KERNELS_MATHF_H
#define EG_KERNELS_MATHF_H

#include "eagle/model.h"

#include <stddef.h>

/* All floats; overflow gives infinity, underflow the correctly rounded subnormal or 0. */
float eg_expf(float x);

/* x > 0; log(0) = -inf, negative or NaN gives NaN. */
float eg_logf(float x);

/* |x| <= 2^24; beyond it NaN. */
float eg_sinf(float x);
float eg_cosf(float x);

/* Inverse frequencies of RoPE, [head_dim / 2], scaling applied, as docs/canonical-order.md
 * gives them: fl(1 / p), p the correctly rounded theta^(fl(2 j / head_dim)). */
void eg_rope_frequencies(float *inv_freq, const eagle_rope *rope, size_t head_dim);

/* cos and sin [head_dim / 2] of the angles fl(pos x inv_freq[j]). */
void eg_rope_angles(float *cos, float *sin, const float *inv_freq, size_t half, int32_t pos);

#endif
