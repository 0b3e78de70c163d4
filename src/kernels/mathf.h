/* SPDX-License-Identifier: MIT */
/* mathf.h - exp, log, sin, cos in float32, correctly rounded on their domains, and
 * RoPE's frequencies. No other libm function than fma, fmaf and sqrtf is on the result
 * path. `eagle selftest --exhaustive` proves the rounding for every input. */
#ifndef EG_KERNELS_MATHF_H
#define EG_KERNELS_MATHF_H

#include "eagle/model.h"

#include <stdbool.h>
#include <stddef.h>

/* All floats; overflow gives infinity, underflow the correctly rounded subnormal or 0. */
float eg_expf(float x);

/* x > 0; log(0) = -inf, negative or NaN gives NaN. */
float eg_logf(float x);

/* |x| <= 2^24; beyond it NaN. */
float eg_sinf(float x);
float eg_cosf(float x);

/* What these functions round, for the proof: the double before its one rounding to float.
 * Its relative error is below 2^-51 (docs/canonical-order.md). The same domains, without the
 * special cases: exp is clamped outside (-105, 89), log wants 0 < x < infinity. */
double eg_exp_unrounded(float x);
double eg_log_unrounded(float x);
double eg_sin_unrounded(float x);
double eg_cos_unrounded(float x);

/* *p = base^exponent, correctly rounded, for finite base > 0 and |exponent| <= 1. False when
 * 90 bits do not decide the rounding (no such pair is known), or the power lies outside
 * [2^-120, 2^120]. */
bool eg_powf(float *p, float base, float exponent);

/* What eg_powf() rounds: hi + lo, within 2^-96 of the power, relatively. False outside
 * [2^-120, 2^120]. */
bool eg_pow_unrounded(double *hi, double *lo, float base, float exponent);

/* Inverse frequencies of RoPE, [head_dim / 2], scaling applied, as docs/canonical-order.md
 * gives them: fl(1 / p), p the correctly rounded theta^(fl(2 j / head_dim)). False when
 * eg_powf() cannot decide one of them, or theta is not a positive float. */
bool eg_rope_frequencies(float *inv_freq, const eagle_rope *rope, size_t head_dim);

/* cos and sin [head_dim / 2] of the angles fl(pos x inv_freq[j]). */
void eg_rope_angles(float *cos, float *sin, const float *inv_freq, size_t half, int32_t pos);

#endif
