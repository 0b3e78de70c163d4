/* SPDX-License-Identifier: MIT */
/* test_trainer.c - trainers of tiny networks: they learn, give the same bits again, go on from a
 * checkpoint as if nothing had been, and refuse what is not theirs. */
#include "support/lib_lesson.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

/* ---- learning ---------------------------------------------------------------------------- */

static void loss_falls_of(bool head)
{
    lesson l;

    lesson_begin(&l, head);
    l.opt.steps = 150;
    l.opt.lr = 0.01;

    eagle_trainer *t = lesson_make(&l);
    const double first = lesson_run(t, 1).loss;
    const eagle_train_report last = lesson_run(t, 150);

    if (!(last.loss < 0.6 * first)) {
        fail_msg("loss %g at first, %g at last", first, last.loss);
    }
    assert_int_equal(last.step, 150);
    assert_true(last.epoch > 10.0 && last.tokens > 150 * 60 && last.tokens <= 150 * 64);
    eagle_trainer_free(t);
    lesson_end(&l);
}

static void a_target_learns(void **state)
{
    (void)state;
    loss_falls_of(false);
}

static void a_head_learns(void **state)
{
    (void)state;
    loss_falls_of(true);
}

/* The chain's own surprise: one token in eight is drawn anew, so no model of it can be below
 * -(7/8 + 1/96) log(7/8 + 1/96) - 11/96 log(1/96) = 0.63 nats; one that knew nothing has log 12. */
static void validation_is_near_what_the_texts_allow(void **state)
{
    (void)state;
    lesson l;

    lesson_begin(&l, false);
    l.opt.steps = 400;
    l.opt.lr = 0.01;

    eagle_trainer *t = lesson_make(&l);
    eagle_corpus *other = lesson_corpus(l.dir, 200, 2);
    eagle_train_report before;
    eagle_train_report after;

    assert_int_equal(eagle_trainer_validate(&before, t, other, NULL), EAGLE_OK);
    assert_int_equal(before.learned, 200 * 19);
    assert_true(fabs(before.loss - log(LESSON_VOCAB)) < 0.1);
    lesson_run(t, 400);
    assert_int_equal(eagle_trainer_validate(&after, t, other, NULL), EAGLE_OK);
    assert_true(after.loss > 0.55 && after.loss < 0.9);
    assert_true(after.right > 0.8);
    eagle_corpus_free(other);
    eagle_trainer_free(t);
    lesson_end(&l);
}

static void validation_changes_nothing(void **state)
{
    (void)state;

    for (int head = 0; head < 2; head++) {
        lesson l;
        eagle_train_report report;

        lesson_begin(&l, head != 0);

        eagle_trainer *a = lesson_make(&l);
        eagle_trainer *b = lesson_make(&l);

        lesson_run(a, LESSON_STEPS);
        lesson_run(b, 3);
        assert_int_equal(eagle_trainer_validate(&report, b, l.corpus, NULL), EAGLE_OK);
        lesson_run(b, LESSON_STEPS);

        const lesson_digest x = lesson_weights(a);
        const lesson_digest y = lesson_weights(b);

        lesson_assert_same(&x, &y);
        eagle_trainer_free(a);
        eagle_trainer_free(b);
        lesson_end(&l);
    }
}

/* ---- the same bits ----------------------------------------------------------------------- */

static lesson_digest bits_after(const lesson *l, int64_t steps)
{
    eagle_trainer *t = lesson_make(l);

    lesson_run(t, steps);

    const lesson_digest out = lesson_weights(t);

    eagle_trainer_free(t);
    return out;
}

static void the_same_seed_gives_the_same_bits_and_another_others(void **state)
{
    (void)state;

    for (int head = 0; head < 2; head++) {
        lesson l;

        lesson_begin(&l, head != 0);

        const lesson_digest a = bits_after(&l, LESSON_STEPS);
        const lesson_digest b = bits_after(&l, LESSON_STEPS);

        lesson_assert_same(&a, &b);
        l.opt.seed++;

        const lesson_digest c = bits_after(&l, LESSON_STEPS);

        assert_string_not_equal(a.hex, c.hex);
        lesson_end(&l);
    }
}

/* After every step, also across the end of an epoch: 40 documents of 20 tokens are 13 batches. */
static void a_training_that_is_resumed_anywhere_gives_the_same_bits(void **state)
{
    (void)state;

    for (int head = 0; head < 2; head++) {
        char path[SCRATCH_PATH];
        lesson l;

        lesson_begin(&l, head != 0);
        l.opt.steps = 16;
        scratch_join(path, l.dir, "state");

        const lesson_digest expected = bits_after(&l, 16);

        for (int64_t k = 0; k <= 16; k++) {
            eagle_trainer *a = lesson_make(&l);
            eagle_trainer *b = lesson_make(&l);
            eagle_resumed what;
            eagle_error err = {0};

            lesson_run(a, k);
            lesson_save(a, "so far", path);
            lesson_run(b, 2); /* what it held before does not matter */
            if (eagle_trainer_resume(&what, b, path, &err) != EAGLE_OK) {
                fail_msg("after step %d: %s", (int)k, err.message);
            }
            assert_string_equal(what.memo, "so far");
            assert_null(what.warning);
            assert_int_equal(eagle_trainer_steps(b), k);
            lesson_run(b, 16);

            const lesson_digest got = lesson_weights(b);

            lesson_assert_same(&expected, &got);
            eagle_trainer_free(a);
            eagle_trainer_free(b);
        }
        lesson_end(&l);
    }
}

static void other_threads_are_a_warning(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    eagle_resumed what;
    lesson l;

    lesson_begin(&l, false);
    scratch_join(path, l.dir, "state");
    for (int32_t threads = 1; threads <= 3; threads++) {
        l.opt.threads = threads;

        eagle_trainer *t = lesson_make(&l);

        if (threads > 1) {
            assert_int_equal(eagle_trainer_resume(&what, t, path, NULL), EAGLE_OK);
            assert_non_null(what.warning);
            assert_non_null(strstr(what.warning, "threads: 1 before"));
            assert_null(what.memo);
        } else {
            lesson_save(t, NULL, path);
        }
        assert_true(isfinite(lesson_run(t, LESSON_STEPS).loss));
        eagle_trainer_free(t);
    }
    lesson_end(&l);
}

/* ---- numbers that are none ---------------------------------------------------------------- */

static void a_step_that_is_not_finite_leaves_everything_as_it_was(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    eagle_train_report report;
    eagle_resumed what;
    eagle_error err = {0};
    lesson l;

    lesson_begin(&l, false);
    l.opt.lr = 1e30; /* the second step computes with weights of that size */
    l.opt.warmup = 0;
    scratch_join(path, l.dir, "state");

    eagle_trainer *t = lesson_make(&l);

    lesson_save(t, NULL, path);
    lesson_run(t, 1);

    const lesson_digest before = lesson_weights(t);

    for (int i = 0; i < 2; i++) {
        lesson_assert_fails(EAGLE_ENUMERIC, eagle_trainer_step(&report, t, &err), &err, "step 2");
        assert_int_equal(eagle_trainer_steps(t), 1);

        const lesson_digest after = lesson_weights(t);

        lesson_assert_same(&before, &after);
    }
    lesson_assert_fails(EAGLE_ENUMERIC, eagle_trainer_export(t, l.dir, EAGLE_F16, false, &err),
                        &err, "beyond F16");

    /* Nothing of the bad steps is left when it begins again. */
    assert_int_equal(eagle_trainer_resume(&what, t, path, NULL), EAGLE_OK);
    lesson_run(t, 1);

    const lesson_digest again = lesson_weights(t);

    lesson_assert_same(&before, &again);
    eagle_trainer_free(t);
    lesson_end(&l);
}

static void a_state_that_is_not_finite_is_not_saved(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    eagle_error err = {0};
    lesson l;

    lesson_begin(&l, false);
    l.opt.lr = 1e300; /* an infinity as a float */
    l.opt.warmup = 0;
    scratch_join(path, l.dir, "state");

    eagle_trainer *t = lesson_make(&l);

    lesson_run(t, 1);
    lesson_assert_fails(EAGLE_ENUMERIC, eagle_trainer_save(t, NULL, path, &err), &err,
                        "not finite");
    eagle_trainer_free(t);
    lesson_end(&l);
}

/* ---- limits ------------------------------------------------------------------------------ */

static void all_steps_done_is_an_end(void **state)
{
    (void)state;
    eagle_train_report report;
    eagle_error err = {0};
    lesson l;

    lesson_begin(&l, false);

    eagle_trainer *t = lesson_make(&l);

    lesson_run(t, LESSON_STEPS);
    lesson_assert_fails(EAGLE_EINVAL, eagle_trainer_step(&report, t, &err), &err, "all 6 steps");
    eagle_trainer_free(t);
    lesson_end(&l);
}

static void options_out_of_range_are_named(void **state)
{
    (void)state;
    lesson l;

    lesson_begin(&l, true);

    const eagle_train_options good = l.opt;
    eagle_train_options *o = &l.opt;
    const struct {
        double *at;
        double value;
        const char *word;
    } bad[] = {{&o->lr, 0.0, "lr"},
               {&o->lr, NAN, "lr"},
               {&o->lr_floor, 1.5, "lr_floor"},
               {&o->beta1, 1.0, "beta1"},
               {&o->beta2, -0.1, "beta2"},
               {&o->eps, 0.0, "eps"},
               {&o->weight_decay, -1.0, "weight_decay"},
               {&o->clip_value, INFINITY, "clip_value"},
               {&o->clip_norm, -1.0, "clip_norm"},
               {&o->feature_weight, -1.0, "feature_weight"},
               {&o->token_weight, NAN, "token_weight"},
               {&o->noise, -0.1, "noise"},
               {&o->own_features, 1.1, "own_features"}};
    const struct {
        int32_t *at;
        int32_t value;
        const char *word;
    } counts[] = {
        {&o->batch, 1, "batch"},      {&o->batch, 2000000, "batch"},
        {&o->length, 1, "length"},    {&o->length, 65, "length"}, /* longer than the batch */
        {&o->threads, 65, "threads"}, {&o->threads, -1, "threads"}};
    eagle_trainer *t = NULL;
    eagle_error err = {0};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        *bad[i].at = bad[i].value;
        lesson_assert_fails(EAGLE_EINVAL, lesson_try(&t, NULL, &l, &err), &err, bad[i].word);
        assert_null(t);
        l.opt = good;
    }
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        *counts[i].at = counts[i].value;
        lesson_assert_fails(EAGLE_EINVAL, lesson_try(&t, NULL, &l, &err), &err, counts[i].word);
        l.opt = good;
    }
    l.opt.steps = 0;
    lesson_assert_fails(EAGLE_EINVAL, lesson_try(&t, NULL, &l, &err), &err, "steps");
    l.opt = good;
    l.opt.warmup = LESSON_STEPS + 1;
    lesson_assert_fails(EAGLE_EINVAL, lesson_try(&t, NULL, &l, &err), &err, "warmup");
    l.opt = good;
    l.opt.feature_weight = 0.0;
    l.opt.token_weight = 0.0;
    lesson_assert_fails(EAGLE_EINVAL, lesson_try(&t, NULL, &l, &err), &err, "nothing to learn");
    lesson_end(&l);
}

static void texts_that_do_not_suffice_are_refused(void **state)
{
    (void)state;
    eagle_trainer *t = NULL;
    eagle_error err = {0};
    lesson l;

    lesson_begin(&l, false);
    l.opt.batch = 1000; /* of 800 tokens */
    lesson_assert_fails(EAGLE_EFORMAT, lesson_try(&t, NULL, &l, &err), &err, "800 tokens");
    l.opt.batch = 64;
    l.config.vocab = LESSON_VOCAB - 1;
    lesson_assert_fails(EAGLE_EFIT, lesson_try(&t, NULL, &l, &err), &err, "has token 11");
    l.config.vocab = LESSON_VOCAB;
    l.config.context = 8;
    lesson_assert_fails(EAGLE_EINVAL, lesson_try(&t, NULL, &l, &err), &err, "8 positions");
    l.config.context = 512;
    l.config.dim = 0;
    lesson_assert_fails(EAGLE_EFORMAT, lesson_try(&t, NULL, &l, &err), &err, "hidden_size");
    lesson_end(&l);
}

static void the_bill_counts_the_parameters(void **state)
{
    (void)state;

    for (int head = 0; head < 2; head++) {
        const eagle_tensor *tensor = NULL;
        eagle_train_bill bill;
        eagle_trainer *t = NULL;
        uint64_t parameters = 0;
        int32_t n = 0;
        lesson l;

        lesson_begin(&l, head != 0);
        assert_int_equal(lesson_try(&t, &bill, &l, NULL), EAGLE_OK);
        assert_null(t);
        t = lesson_make(&l);
        eagle_trainer_tensors(&tensor, &n, t);
        for (int32_t i = 0; i < n; i++) {
            parameters += tensor[i].size / sizeof(float);
        }
        assert_int_equal(bill.parameters, parameters);
        assert_true(bill.weights >= 16 * parameters);
        assert_true((bill.frozen > 0) == (head != 0));
        eagle_trainer_free(t);
        lesson_end(&l);
    }
}

/* A disk that is full: a file may grow to 1 KiB only. */
static void a_full_disk_leaves_the_old_state(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    eagle_resumed what;
    eagle_error err = {0};
    struct rlimit old;
    lesson l;

    lesson_begin(&l, false);
    scratch_join(path, l.dir, "state");

    eagle_trainer *t = lesson_make(&l);

    lesson_run(t, 2);
    lesson_save(t, NULL, path);

    const lesson_digest before = lesson_weights(t);

    lesson_run(t, 3);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);

    const struct rlimit small = {.rlim_cur = 1024, .rlim_max = old.rlim_max};

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);

    const eagle_status st = eagle_trainer_save(t, NULL, path, &err);

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    lesson_assert_fails(EAGLE_EWRITE, st, &err, path);
    assert_int_equal(eagle_trainer_resume(&what, t, path, NULL), EAGLE_OK);

    const lesson_digest after = lesson_weights(t);

    lesson_assert_same(&before, &after);
    eagle_trainer_free(t);
    lesson_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_learns),
        cmocka_unit_test(a_head_learns),
        cmocka_unit_test(validation_is_near_what_the_texts_allow),
        cmocka_unit_test(validation_changes_nothing),
        cmocka_unit_test(the_same_seed_gives_the_same_bits_and_another_others),
        cmocka_unit_test(a_training_that_is_resumed_anywhere_gives_the_same_bits),
        cmocka_unit_test(other_threads_are_a_warning),
        cmocka_unit_test(a_step_that_is_not_finite_leaves_everything_as_it_was),
        cmocka_unit_test(a_state_that_is_not_finite_is_not_saved),
        cmocka_unit_test(all_steps_done_is_an_end),
        cmocka_unit_test(options_out_of_range_are_named),
        cmocka_unit_test(texts_that_do_not_suffice_are_refused),
        cmocka_unit_test(the_bill_counts_the_parameters),
        cmocka_unit_test(a_full_disk_leaves_the_old_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
