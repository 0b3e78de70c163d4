/* SPDX-License-Identifier: MIT */
/* linear.c - dense layers, and the number of threads. */
#include "train/operations.h"

#include "kernels/gemm_real.h"
#include "kernels/kernels.h"

#include <assert.h>

static int n_threads = 1;

void eg_train_threads(int n)
{
    assert(n >= 1 && n <= 64);
    n_threads = n;
    eg_gemm_threads(n);
}

int eg_train_n_threads(void)
{
    return n_threads;
}

void eg_fwd_dense(eg_real *y, const eg_dense *m, const eg_real *x, size_t n)
{
    eg_gemm_nt(y, x, m->w, n, m->out, m->in);
    if (m->bias == NULL) {
        return;
    }
#pragma omp parallel for num_threads(n_threads)
    for (size_t i = 0; i < n; i++) {
        for (size_t o = 0; o < m->out; o++) {
            y[i * m->out + o] += m->bias[o];
        }
    }
}

/* Columns of dbias that one thread adds up: a line of the cache. */
#define COLUMNS 16

/* y = x w^T + bias: dx = dy w, dw = dy^T x, dbias = the sum of dy's rows, here row by row, each
 * column by one thread. */
void eg_bwd_dense(eg_real *dx, const eg_dense *m, const eg_real *dy, const eg_real *x, size_t n)
{
    if (dx != NULL) {
        eg_gemm_nn_add(dx, dy, m->w, n, m->in, m->out);
    }
    if (m->dw != NULL) {
        eg_gemm_tn_add(m->dw, dy, x, m->out, m->in, n);
    }
    if (m->dbias == NULL) {
        return;
    }
#pragma omp parallel for num_threads(n_threads)
    for (size_t first = 0; first < m->out; first += COLUMNS) {
        const size_t end = m->out - first < COLUMNS ? m->out : first + COLUMNS;

        for (size_t i = 0; i < n; i++) {
            for (size_t o = first; o < end; o++) {
                m->dbias[o] += dy[i * m->out + o];
            }
        }
    }
}
