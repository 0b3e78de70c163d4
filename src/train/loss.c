/* SPDX-License-Identifier: MIT */
/* loss.c - losses of rows, and their sums in the order of rows. */
#include "train/operations.h"

#include "kernels/training.h"

#include <string.h>

/* A row that does not count has loss 0. */
static void add_rows(eg_tally *tally, const double *row, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tally->sum += row[i];
    }
}

void eg_loss_tokens(eg_tally *tally, eg_real *logits, const int32_t *label, size_t n, size_t vocab,
                    eg_real scale, double *row)
{
    const eg_training *kernels = eg_training_for(EAGLE_ISA_AUTO);
    int64_t n_rows = 0;
    int64_t n_right = 0;

#pragma omp parallel for reduction(+ : n_rows, n_right) num_threads(eg_train_n_threads())
    for (size_t i = 0; i < n; i++) {
        eg_real *x = logits + i * vocab;
        bool right = false;

        if (label[i] < 0) {
            memset(x, 0, vocab * sizeof *x);
            row[i] = 0;
            continue;
        }
        row[i] = kernels->loss_tokens(&right, x, (size_t)label[i], vocab, scale);
        n_rows++;
        n_right += right;
    }
    add_rows(tally, row, n);
    tally->n_rows += n_rows;
    tally->n_right += n_right;
}

void eg_loss_law(eg_tally *tally, eg_real *logits, eg_real *teacher, const uint8_t *count, size_t n,
                 size_t vocab, eg_real scale, double *row)
{
    const eg_training *kernels = eg_training_for(EAGLE_ISA_AUTO);
    int64_t n_rows = 0;
    int64_t n_right = 0;

#pragma omp parallel for reduction(+ : n_rows, n_right) num_threads(eg_train_n_threads())
    for (size_t i = 0; i < n; i++) {
        eg_real *x = logits + i * vocab;
        bool right = false;

        if (count[i] == 0) {
            memset(x, 0, vocab * sizeof *x);
            row[i] = 0;
            continue;
        }
        row[i] = kernels->loss_law(&right, x, teacher + i * vocab, vocab, scale);
        n_rows++;
        n_right += right;
    }
    add_rows(tally, row, n);
    tally->n_rows += n_rows;
    tally->n_right += n_right;
}

void eg_loss_features(eg_tally *tally, eg_real *dx, const eg_real *x, const eg_real *y,
                      const uint8_t *count, size_t n, size_t dim, eg_real scale, double *row)
{
    const eg_training *kernels = eg_training_for(EAGLE_ISA_AUTO);
    int64_t n_rows = 0;

#pragma omp parallel for reduction(+ : n_rows) num_threads(eg_train_n_threads())
    for (size_t i = 0; i < n; i++) {
        if (count[i] == 0) {
            row[i] = 0;
            continue;
        }
        row[i] = kernels->loss_features(dx == NULL ? NULL : dx + i * dim, x + i * dim, y + i * dim,
                                        dim, scale);
        n_rows++;
    }
    add_rows(tally, row, n);
    tally->n_rows += n_rows;
}
