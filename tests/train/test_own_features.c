/* SPDX-License-Identifier: MIT */
/* test_own_features.c - a head in training reads features as it predicts them itself: which rows,
 * and what they read, are worked out here a second time from the same first weights. */
#include "support/lib_lesson.h"

#include "train/trainer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A batch of a trainer that has done no step, its features in t->feature. */
static eg_batch first_batch(eagle_trainer *t)
{
    eg_batch batch;

    eg_feeder_next(&batch, NULL, t->feeder);
    eg_target_net_features(t->feature, t->teacher, &batch);
    batch.feature = t->feature;
    return batch;
}

/* Puts row i - 1 of g in the place of feature i, for all rows but the first of a sequence. */
static void put_predictions(eg_real *feature, const eg_batch *batch, const eg_real *g, size_t dim)
{
    for (size_t s = 0; s < batch->n_sequences; s++) {
        const size_t first = (size_t)batch->start[s];
        const size_t n = (size_t)batch->start[s + 1] - first;

        memcpy(feature + (first + 1) * dim, g + first * dim, (n - 1) * dim * sizeof *feature);
    }
}

/* With a share of 1 every row but a sequence's first reads what two levels of predictions give. The
 * noise is a float32 difference that is added again: off by two roundings of numbers of the
 * size of a feature, which the layer carries on; 1e-4 of that size is far above, and far
 * below what one level less would give. */
static void all_rows_read_the_second_prediction(void **state)
{
    (void)state;
    lesson l;

    lesson_begin(&l, true);
    l.opt.noise = 0.0;
    l.opt.own_features = 1.0;

    eagle_trainer *learning = lesson_make(&l);
    eagle_trainer *fresh = lesson_make(&l);
    eg_batch batch = first_batch(fresh);
    const size_t dim = (size_t)fresh->net->config.dim;
    const size_t n = batch.n * dim;
    eg_real *read = malloc(n * sizeof *read);
    double far = 0.0;

    assert_non_null(read);
    memcpy(read, batch.feature, n * sizeof *read);
    batch.feature = read;
    put_predictions(read, &batch, eg_head_net_predict(fresh->head, &batch), dim);

    const eg_real *second = eg_head_net_predict(fresh->head, &batch);

    for (size_t i = 0; i < n; i++) {
        far = fmax(far, fabs((double)(second[i] - read[i])));
    }
    assert_true(far > 0.01); /* levels differ */
    put_predictions(read, &batch, second, dim);
    lesson_run(learning, 1);
    for (size_t i = 0; i < n; i++) {
        const double got = (double)learning->feature[i] + (double)learning->noise[i];

        if (fabs(got - (double)read[i]) > 1e-4) {
            fail_msg("element %zu: read %g, should have read %g", i, got, (double)read[i]);
        }
    }
    free(read);
    eagle_trainer_free(learning);
    eagle_trainer_free(fresh);
    lesson_end(&l);
}

/* A share of 1/4 leaves three rows in four alone: of 60 rows or so a step and 20 steps, about
 * 1,200, the count of changed rows stays within 6 standard deviations (15 each). */
static void a_share_of_the_rows_is_chosen(void **state)
{
    (void)state;
    lesson l;
    double rows = 0.0;
    double changed = 0.0;

    lesson_begin(&l, true);
    l.opt.noise = 0.0;
    l.opt.own_features = 0.25;
    l.opt.steps = 20;

    eagle_trainer *t = lesson_make(&l);
    const size_t dim = (size_t)t->net->config.dim;

    for (int64_t step = 1; step <= 20; step++) {
        const int64_t before = t->rows;

        lesson_run(t, step);
        for (size_t i = 0; i < (size_t)(t->rows - before); i++) {
            rows += 1.0;
            changed += t->noise[i * dim] != 0;
        }
    }
    /* The first row of each sequence (20 tokens here) is never changed. */
    if (fabs(changed - 0.25 * rows * 19.0 / 20.0) > 6.0 * sqrt(rows * 0.25 * 0.75)) {
        fail_msg("%g of %g rows changed", changed, rows);
    }
    eagle_trainer_free(t);
    lesson_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_rows_read_the_second_prediction),
                                       cmocka_unit_test(a_share_of_the_rows_is_chosen)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
