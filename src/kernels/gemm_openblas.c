/* SPDX-License-Identifier: MIT */
/* gemm_openblas.c - matrix products by OpenBLAS: fast for prompts and for training, not canonical.
 * The only file that knows cblas.h; without EG_HAVE_BLAS it says that there is nothing for prompts,
 * and training's products are plain loops. */
#include "kernels/gemm_real.h"
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

#ifdef EG_TRAIN_DOUBLE
#define GEMM_REAL cblas_dgemm
#else
#define GEMM_REAL cblas_sgemm
#endif

void eg_gemm_nt(eg_real *c, const eg_real *a, const eg_real *b, size_t m, size_t n, size_t k)
{
    GEMM_REAL(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, 1, a,
              (blasint)k, b, (blasint)k, 0, c, (blasint)n);
}

void eg_gemm_nn_add(eg_real *c, const eg_real *a, const eg_real *b, size_t m, size_t n, size_t k)
{
    GEMM_REAL(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1, a,
              (blasint)k, b, (blasint)n, 1, c, (blasint)n);
}

void eg_gemm_tn_add(eg_real *c, const eg_real *a, const eg_real *b, size_t m, size_t n, size_t k)
{
    GEMM_REAL(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1, a,
              (blasint)m, b, (blasint)n, 1, c, (blasint)n);
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

void eg_gemm_nt(eg_real *c, const eg_real *a, const eg_real *b, size_t m, size_t n, size_t k)
{
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            eg_real sum = 0;

            for (size_t l = 0; l < k; l++) {
                sum += a[i * k + l] * b[j * k + l];
            }
            c[i * n + j] = sum;
        }
    }
}

void eg_gemm_nn_add(eg_real *c, const eg_real *a, const eg_real *b, size_t m, size_t n, size_t k)
{
    for (size_t i = 0; i < m; i++) {
        for (size_t l = 0; l < k; l++) {
            for (size_t j = 0; j < n; j++) {
                c[i * n + j] += a[i * k + l] * b[l * n + j];
            }
        }
    }
}

void eg_gemm_tn_add(eg_real *c, const eg_real *a, const eg_real *b, size_t m, size_t n, size_t k)
{
    for (size_t l = 0; l < k; l++) {
        for (size_t i = 0; i < m; i++) {
            for (size_t j = 0; j < n; j++) {
                c[i * n + j] += a[l * m + i] * b[l * n + j];
            }
        }
    }
}

#endif
