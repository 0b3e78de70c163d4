/* SPDX-License-Identifier: MIT */
/* budget.h - how far one operation's result may be from ours when its inputs are the same: bounds,
 * element by element, for arithmetic that rounds to a type and sums in float32 in any order.
 *
 * u is half an ulp of the type relative to 1; ulp(y) the spacing of the type at y. A sum of n
 * products in float32 errs by n 2^-24 times the sum of their sizes at most, whatever its order
 * (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1), and that is at most |w|
 * |x| (Cauchy). Each bound is the worst case: a correct implementation stays below. */
#ifndef EG_CHECK_BUDGET_H
#define EG_CHECK_BUDGET_H

#include "eagle/model.h"
#include "target/layer.h"

/* Half an ulp of the type, relative: 2^-24, 2^-11, 2^-8. */
double eg_half_ulp(eagle_dtype dtype);

/* Spacing of the type's numbers at y. */
double eg_ulp(eagle_dtype dtype, double y);

/* Length of a vector. */
double eg_length(const float *x, size_t n);

/* allowed[i] for each of the outputs of one row. */

/* y = x 1/sqrt(mean x^2 + eps) w: rounded twice, after the quotient and after the weight. */
void eg_budget_norm(double *allowed, const float *y, size_t n, eagle_dtype dtype);

/* y = W x (+ b): the sum, rounded once. The product alone, without the rounding:
 * eg_budget_sum(). */
void eg_budget_sum(double *allowed, const eg_matrix *w, const float *x);
void eg_budget_product(double *allowed, const eg_matrix *w, const float *x, const float *y,
                       eagle_dtype dtype);

/* z = r + W x, in place of r: the product is rounded, and then the sum. */
void eg_budget_residual(double *allowed, const eg_matrix *w, const float *x, const float *before,
                        const float *after, eagle_dtype dtype);

/* Rotation of heads by angles of position `pos`: cos and sin may have been rounded to the type, and
 * the angle, of which they were taken, to float32. `x` before. */
void eg_budget_rope(double *allowed, const float *x, size_t n_heads, size_t head_dim, int32_t pos,
                    eagle_dtype dtype);

/* silu(g) u where g = Wg x and u = Wu x were rounded, and the activation and the product again;
 * |silu'| < 1.1. `scratch` [2 ffn] */
void eg_budget_act(double *allowed, const eg_layer *layer, const float *x, const float *gate,
                   const float *up, double *scratch, eagle_dtype dtype);

#endif
