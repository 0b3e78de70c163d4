/* SPDX-License-Identifier: MIT */
/* gate.c - operations on single elements: the gate of the feed-forward net, and sums. */
#include "train/operations.h"

#include "kernels/training.h"

/* Elements of a unit of work: three or five such arrays stay in the first-level cache. */
#define PIECE 1024

static size_t piece(size_t first, size_t n)
{
    return n - first < PIECE ? n - first : PIECE;
}

void eg_fwd_gate(eg_real *y, const eg_real *gate, const eg_real *up, size_t n)
{
    const eg_training *kernels = eg_training_for(EAGLE_ISA_AUTO);

#pragma omp parallel for num_threads(eg_train_n_threads())
    for (size_t i = 0; i < n; i += PIECE) {
        kernels->gate(y + i, gate + i, up + i, piece(i, n));
    }
}

void eg_bwd_gate(eg_real *dgate, eg_real *dup, const eg_real *dy, const eg_real *gate,
                 const eg_real *up, size_t n)
{
    const eg_training *kernels = eg_training_for(EAGLE_ISA_AUTO);

#pragma omp parallel for num_threads(eg_train_n_threads())
    for (size_t i = 0; i < n; i += PIECE) {
        kernels->gate_back(dgate + i, dup + i, dy + i, gate + i, up + i, piece(i, n));
    }
}

void eg_accumulate(eg_real *y, const eg_real *x, size_t n)
{
#pragma omp parallel for simd num_threads(eg_train_n_threads())
    for (size_t i = 0; i < n; i++) {
        y[i] += x[i];
    }
}
