/* SPDX-License-Identifier: MIT */
/* gemm_openblas.c - matrix products by OpenBLAS: fast for prompts, not canonical. The only file that
 * knows cblas.h; without EG_HAVE_BLAS it says that there is nothing. */
#include "kernels/kernels.h"

#include <assert.h>

/* Rows of half-precision weights that are widened at once. */
#define PANEL_ROWS 128

size_t eg_gemm_scratch(size_t dim)
{
    return PANEL_ROWS * dim;
}

#ifdef EG_HAVE_BLAS

#include <cblas.h>

int eg_gemm_available(void)
{
    return 1;
}

const char *eg_gemm_library(void)
{
    return openblas_get_config();
}

const char *eg_gemm_core(void)
{
    return openblas_get_corename();
}

void eg_gemm_threads(int n)
{
    openblas_set_num_threads(n);
}

/* y = x . w^T with float32 weights. */
static void gemm_f32(float *y, size_t y_stride, const float *w, size_t n_rows, const eg_vectors *x)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)x->n, (blasint)n_rows,
                (blasint)x->dim, 1.0f, x->data, (blasint)x->stride, w, (blasint)x->dim, 0.0f, y,
                (blasint)y_stride);
}

void eg_gemm(float *y, size_t y_stride, const void *w, eagle_dtype dtype, size_t n_rows,
             const eg_vectors *x, float *scratch)
{
    const size_t row_bytes = x->dim * eagle_dtype_size(dtype);

    if (dtype == EAGLE_F32) {
        gemm_f32(y, y_stride, w, n_rows, x);
        return;
    }
    for (size_t r = 0; r < n_rows; r += PANEL_ROWS) {
        size_t n = n_rows - r < PANEL_ROWS ? n_rows - r : PANEL_ROWS;
        const char *panel = (const char *)w + r * row_bytes;

#pragma omp parallel for num_threads(openblas_get_num_threads())
        for (size_t i = 0; i < n; i++) {
            eg_widen(scratch + i * x->dim, panel + i * row_bytes, dtype, x->dim);
        }
        gemm_f32(y + r, y_stride, scratch, n, x);
    }
}

#else

int eg_gemm_available(void)
{
    return 0;
}

const char *eg_gemm_library(void)
{
    return "none";
}

const char *eg_gemm_core(void)
{
    return "none";
}

void eg_gemm_threads(int n)
{
    (void)n;
}

void eg_gemm(float *y, size_t y_stride, const void *w, eagle_dtype dtype, size_t n_rows,
             const eg_vectors *x, float *scratch)
{
    (void)y;
    (void)y_stride;
    (void)w;
    (void)dtype;
    (void)n_rows;
    (void)x;
    (void)scratch;
    assert(!"built without OpenBLAS: ask eg_gemm_available() first");
}

#endif
