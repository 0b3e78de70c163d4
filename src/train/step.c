/* SPDX-License-Identifier: MIT */
/* step.c - one step of a training: the next batch, its features, the loss, the optimizer; and the
 * loss over texts that are not learned. */
#include "base/error.h"
#include "sample/draws.h"
#include "train/documents.h"
#include "train/features.h"
#include "train/operations.h"
#include "train/purpose.h"
#include "train/trainer.h"

#include <math.h>
#include <string.h>

/* Uniform noise in +- `noise`, a function of (seed, step, element) alone: four elements per
 * block. */
static void make_noise(eg_real *out, size_t n, const eagle_trainer *t)
{
    const uint32_t key[2] = {(uint32_t)t->opt.seed, (uint32_t)(t->opt.seed >> 32)};
    const float scale = (float)(t->opt.noise * 0x1p-23);
    const int64_t n_blocks = (int64_t)((n + 3) / 4);

#pragma omp parallel for num_threads(t->opt.threads) schedule(static)
    for (int64_t b = 0; b < n_blocks; b++) {
        const uint32_t counter[4] = {(uint32_t)b, EG_PURPOSE_NOISE, (uint32_t)t->step,
                                     (uint32_t)((uint64_t)t->step >> 32)};
        uint32_t word[4];

        eg_philox4x32(word, counter, key);
        for (size_t i = 4 * (size_t)b, j = 0; j < 4 && i < n; i++, j++) {
            /* 24 bits, centred: every value is exact before the one product. */
            out[i] = scale * ((float)(word[j] >> 8) - 0x1p23f + 0.5f);
        }
    }
}

/* In a tree a head reads what it predicted itself, one level after the other. So the features of
 * some rows, chosen by (seed, step, row), become its own predictions: what is between the two
 * becomes the noise of these rows, and no gradient runs through it (scheduled sampling, Bengio et
 * al. 2015). The second time the prediction rests on predictions, as two levels down. */
#define OWN_LEVELS 2

static void read_own(eg_batch *batch, eagle_trainer *t)
{
    const size_t dim = (size_t)t->net->config.dim;
    const uint32_t key[2] = {(uint32_t)t->opt.seed, (uint32_t)(t->opt.seed >> 32)};
    const uint64_t share = (uint64_t)(t->opt.own_features * 0x1p32);

    for (int level = 0; level < OWN_LEVELS; level++) {
        const eg_real *g = eg_head_net_predict(t->head, batch);

        for (size_t s = 0; s < batch->n_sequences; s++) {
            for (size_t i = (size_t)batch->start[s] + 1; i < (size_t)batch->start[s + 1]; i++) {
                const uint32_t counter[4] = {(uint32_t)i, EG_PURPOSE_OWN, (uint32_t)t->step,
                                             (uint32_t)((uint64_t)t->step >> 32)};
                uint32_t word[4];

                eg_philox4x32(word, counter, key);
                for (size_t j = i * dim; word[0] < share && j < (i + 1) * dim; j++) {
                    t->noise[j] = g[j - dim] - t->feature[j];
                }
            }
        }
    }
}

/* Gives a head's batch the target's features, stored or computed, and with `noisy` the noise. */
static void add_features(eg_batch *batch, eagle_trainer *t, const eg_origin *origin, bool noisy)
{
    const size_t dim = (size_t)t->net->config.dim;

    if (t->model == NULL) {
        return;
    }
    if (t->features != NULL && origin != NULL) {
        for (size_t s = 0; s < batch->n_sequences; s++) {
            const size_t first = (size_t)batch->start[s];

            eg_features_rows(t->feature + first * dim, t->features, origin[s],
                             (size_t)batch->start[s + 1] - first);
        }
    } else {
        eg_target_net_features(t->feature, t->teacher, batch);
    }
    batch->feature = t->feature;
    if (noisy && t->noise != NULL) {
        make_noise(t->noise, batch->n * dim, t);
        batch->noise = t->noise;
        if (t->opt.own_features > 0.0) {
            read_own(batch, t);
        }
    }
}

static void report_loss(eagle_train_report *out, const eg_loss *loss)
{
    out->loss = loss->total;
    out->token_loss = loss->tokens;
    out->feature_loss = loss->features;
    out->learned = loss->n_learned;
    out->right = loss->n_learned > 0 ? (double)loss->n_right / (double)loss->n_learned : 0.0;
}

/* A NaN without its sign, which means nothing and differs between processors. */
static double without_sign(double x)
{
    return isnan(x) ? NAN : x;
}

/* Nothing was learned: back to where the step began. */
static eagle_status undo(eagle_trainer *t, eg_place before, const char *what, double value,
                         eagle_error *err)
{
    eg_parameters *p = &t->net->params;

    memset(p->grad, 0, p->n * sizeof *p->grad);
    (void)eg_feeder_seek(t->feeder, before); /* it was one a moment ago */
    return eg_fail(err, EAGLE_ENUMERIC, "step %lld: the %s is %g", (long long)(t->step + 1), what,
                   without_sign(value));
}

eagle_status eagle_trainer_step(eagle_train_report *out, eagle_trainer *t, eagle_error *err)
{
    eg_parameters *p = &t->net->params;
    const eg_place before = eg_feeder_place(t->feeder);
    const eg_origin *origin = NULL;
    eg_batch batch;
    eg_loss loss;

    *out = (eagle_train_report){0};
    if (t->step >= t->opt.steps) {
        return eg_fail(err, EAGLE_EINVAL, "all %lld steps are done", (long long)t->opt.steps);
    }
    eg_train_threads(t->opt.threads);
    eg_feeder_next(&batch, &origin, t->feeder);
    add_features(&batch, t, origin, true);
    t->net->pass(&loss, t->net, &batch, true);
    if (!isfinite(loss.total)) {
        return undo(t, before, "loss", loss.total, err);
    }
    out->grad_norm = eg_adamw_step(p, &t->adamw, &t->how, t->step + 1);
    if (!isfinite(out->grad_norm)) {
        return undo(t, before, "gradient's norm", out->grad_norm, err);
    }
    t->step++;
    t->rows += (int64_t)batch.n;

    const eg_place now = eg_feeder_place(t->feeder);

    out->step = t->step;
    out->epoch = (double)now.epoch + (double)now.piece / (double)eg_feeder_pieces(t->feeder);
    out->tokens = t->rows;
    out->lr = eg_adamw_rate(&t->how, t->step);
    report_loss(out, &loss);
    return EAGLE_OK;
}

/* ---- validation ------------------------------------------------------------------------------ */

/* Adds a batch's mean losses, times the rows that they are means of. */
static void add_loss(eg_loss *sum, const eg_loss *loss)
{
    const double n = (double)loss->n_learned;

    sum->total += n * loss->total;
    sum->tokens += n * loss->tokens;
    sum->features += n * loss->features;
    sum->n_learned += loss->n_learned;
    sum->n_right += loss->n_right;
}

/* Runs through all batches of one epoch. */
static eg_loss loss_of(eagle_trainer *t, eg_feeder *feeder)
{
    eg_loss sum = {0};
    eg_batch batch;

    for (eg_feeder_next(&batch, NULL, feeder); batch.n > 0; eg_feeder_next(&batch, NULL, feeder)) {
        eg_loss loss;

        add_features(&batch, t, NULL, false);
        t->net->pass(&loss, t->net, &batch, false);
        add_loss(&sum, &loss);
    }
    const double n = sum.n_learned > 0 ? (double)sum.n_learned : 1.0;

    sum.total /= n;
    sum.tokens /= n;
    sum.features /= n;
    return sum;
}

eagle_status eagle_trainer_validate(eagle_train_report *out, eagle_trainer *t,
                                    const eagle_corpus *corpus, eagle_error *err)
{
    eg_arena arena = {0};
    eg_feeder *feeder = NULL;
    eagle_status st = eg_corpus_check(corpus, t->net->config.vocab, err);

    *out = (eagle_train_report){0};
    if (st != EAGLE_OK) {
        return st;
    }
    feeder = eg_feeder_make(&arena, corpus, &t->room, t->opt.seed, 1);
    if (feeder == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory for the order of the texts to validate on");
        goto done;
    }
    eg_train_threads(t->opt.threads);

    const eg_loss loss = loss_of(t, feeder);

    if (!isfinite(loss.total)) {
        st = eg_fail(err, EAGLE_ENUMERIC, "the loss of the texts to validate on is %g",
                     without_sign(loss.total));
        goto done;
    }
    report_loss(out, &loss);

done:
    eg_arena_free(&arena);
    return st;
}
