/* SPDX-License-Identifier: MIT */
/* budget.c - bounds of single operations (budget.h). */
#include "check/budget.h"

#include "kernels/kernels.h"

#include <math.h>

double eg_half_ulp(eagle_dtype dtype)
{
    return dtype == EAGLE_BF16 ? 0x1p-8 : dtype == EAGLE_F16 ? 0x1p-11 : 0x1p-24;
}

double eg_ulp(eagle_dtype dtype, double y)
{
    const double least = dtype == EAGLE_F16 ? 0x1p-24 : 0x1p-126 * 2.0 * eg_half_ulp(dtype);
    int exponent = 0;

    if (y == 0.0 || !isfinite(y)) {
        return least;
    }
    frexp(y, &exponent); /* |y| in [2^(exponent - 1), 2^exponent) */
    return fmax(least, ldexp(eg_half_ulp(dtype), exponent));
}

double eg_length(const float *x, size_t n)
{
    double squares = 0.0;

    for (size_t i = 0; i < n; i++) {
        squares += (double)x[i] * (double)x[i];
    }
    return sqrt(squares);
}

void eg_budget_norm(double *allowed, const float *y, size_t n, eagle_dtype dtype)
{
    /* The mean of squares errs by n 2^-24 relative, its root by half of that; root, quotient and
     * sum add an ulp of float32 each. */
    const double relative = ((double)n / 2.0 + 4.0) * 0x1p-24;

    for (size_t i = 0; i < n; i++) {
        allowed[i] = 2.0 * eg_ulp(dtype, (double)y[i]) + relative * fabs((double)y[i]);
    }
}

void eg_budget_sum(double *allowed, const eg_matrix *w, const float *x)
{
    const size_t cols = (size_t)w->cols;
    const double length = eg_length(x, cols);
    float part[64];

    for (int32_t r = 0; r < w->rows; r++) {
        const char *row = (const char *)w->data + (size_t)r * cols * eagle_dtype_size(w->dtype);
        double squares = 0.0;

        for (size_t at = 0; at < cols; at += 64) {
            const size_t n = cols - at < 64 ? cols - at : 64;

            eg_widen(part, row + at * eagle_dtype_size(w->dtype), w->dtype, n);
            for (size_t i = 0; i < n; i++) {
                squares += (double)part[i] * (double)part[i];
            }
        }
        allowed[r] = (double)cols * 0x1p-24 * sqrt(squares) * length +
                     (w->bias != NULL ? 0x1p-23 * fabs((double)w->bias[r]) : 0.0);
    }
}

void eg_budget_product(double *allowed, const eg_matrix *w, const float *x, const float *y,
                       eagle_dtype dtype)
{
    eg_budget_sum(allowed, w, x);
    for (int32_t r = 0; r < w->rows; r++) {
        allowed[r] += eg_ulp(dtype, (double)y[r]);
    }
}

void eg_budget_residual(double *allowed, const eg_matrix *w, const float *x, const float *before,
                        const float *after, eagle_dtype dtype)
{
    eg_budget_sum(allowed, w, x);
    for (int32_t r = 0; r < w->rows; r++) {
        allowed[r] +=
            eg_ulp(dtype, (double)after[r] - (double)before[r]) + eg_ulp(dtype, (double)after[r]);
    }
}

void eg_budget_rope(double *allowed, const float *x, size_t n_heads, size_t head_dim, int32_t pos,
                    eagle_dtype dtype)
{
    const size_t half = head_dim / 2;
    /* Roundings of cos, sin, two products and their sum; an angle of pos x frequency, both float32,
     * errs by pos 2^-23 at most, since frequencies are at most 1. */
    const double relative = 4.0 * eg_half_ulp(dtype) + ((double)pos + 4.0) * 0x1p-23;

    for (size_t h = 0; h < n_heads; h++) {
        for (size_t i = 0; i < half; i++) {
            const float *head = x + h * head_dim;
            const double size = fabs((double)head[i]) + fabs((double)head[i + half]);

            allowed[h * head_dim + i] = relative * size;
            allowed[h * head_dim + i + half] = relative * size;
        }
    }
}

void eg_budget_act(double *allowed, const eg_layer *layer, const float *x, const float *gate,
                   const float *up, double *scratch, eagle_dtype dtype)
{
    const size_t n = (size_t)layer->gate.rows;
    double *for_up = scratch;

    eg_budget_product(allowed, &layer->gate, x, gate, dtype);
    eg_budget_product(for_up, &layer->up, x, up, dtype);
    for (size_t i = 0; i < n; i++) {
        const double g = (double)gate[i];
        const double silu = g / (1.0 + exp(-g));

        allowed[i] = (1.1 * allowed[i] + eg_ulp(dtype, silu)) * (fabs((double)up[i]) + for_up[i]) +
                     fabs(silu) * for_up[i] + eg_ulp(dtype, silu * (double)up[i]);
    }
}
