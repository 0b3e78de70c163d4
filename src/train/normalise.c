/* SPDX-License-Identifier: MIT */
/* normalise.c - RMSNorm over rows. */
#include "train/operations.h"

#include "kernels/kernels.h"
#include "kernels/training.h"

void eg_fwd_norm(eg_real *y, eg_real *inv, const eg_norm *norm, const eg_real *x, size_t n)
{
    const eg_training *kernels = eg_training_for(EAGLE_ISA_AUTO);
    const size_t dim = norm->dim;

#pragma omp parallel for num_threads(eg_train_n_threads())
    for (size_t i = 0; i < n; i++) {
        kernels->norm(y + i * dim, inv + i, x + i * dim, norm->w, norm->eps, dim);
    }
}

/* dx goes by rows, dw by columns: each is one thread's sum. */
void eg_bwd_norm(eg_real *dx, const eg_norm *norm, const eg_real *dy, const eg_real *x,
                 const eg_real *inv, size_t n)
{
    const eg_training *kernels = eg_training_for(EAGLE_ISA_AUTO);
    const size_t dim = norm->dim;

#pragma omp parallel num_threads(eg_train_n_threads())
    {
#pragma omp for nowait
        for (size_t i = 0; i < n; i++) {
            kernels->norm_back(dx + i * dim, dy + i * dim, x + i * dim, norm->w, inv[i], dim);
        }
        if (norm->dw != NULL) {
#pragma omp for
            for (size_t d = 0; d < dim; d += EG_LANES) {
                const size_t columns = dim - d < EG_LANES ? dim - d : EG_LANES;

                kernels->norm_weights(norm->dw + d, dy + d, x + d, inv, n, dim, columns);
            }
        }
    }
}
