/* SPDX-License-Identifier: MIT */
/* train_options.c - the settings of a training: defaults, and what they may be. */
#include "base/error.h"
#include "train/trainer.h"

#include <math.h>

#define MAX_ROWS (1 << 20) /* of a batch or a sequence: products of sizes stay far below 2^63 */

/* The published head (EAGLE-1 paper, section 4.1; its code's AdamW settings), but for the length of
 * the training: the paper's 800000 steps are for networks a thousand times as large, and with the
 * learning rate and batch that small heads learn best with (docs/6-training.md). */
void eagle_train_defaults_head(eagle_train_options *out)
{
    *out = (eagle_train_options){.steps = 2000,
                                 .warmup = 100,
                                 .batch = 2048,
                                 .length = 256,
                                 .lr = 2e-3,
                                 .lr_floor = 0.0,
                                 .schedule = EAGLE_SCHEDULE_LINEAR,
                                 .beta1 = 0.9,
                                 .beta2 = 0.95,
                                 .eps = 1e-8,
                                 .weight_decay = 0.01,
                                 .clip_value = 0.5,
                                 .feature_weight = 1.0,
                                 .token_weight = 0.1,
                                 .noise = 0.1};
}

void eagle_train_defaults_target(eagle_train_options *out)
{
    *out = (eagle_train_options){.steps = 5000,
                                 .warmup = 200,
                                 .batch = 4096,
                                 .length = 256,
                                 .lr = 2e-3,
                                 .lr_floor = 0.1,
                                 .schedule = EAGLE_SCHEDULE_COSINE,
                                 .beta1 = 0.9,
                                 .beta2 = 0.95,
                                 .eps = 1e-8,
                                 .weight_decay = 0.1,
                                 .clip_norm = 1.0};
}

/* A whole number in [low, high]. */
static eagle_status whole(const char *name, int64_t value, int64_t low, int64_t high,
                          eagle_error *err)
{
    if (value >= low && value <= high) {
        return EAGLE_OK;
    }
    return eg_fail(err, EAGLE_EINVAL, "%s %lld: needs a whole number from %lld to %lld", name,
                   (long long)value, (long long)low, (long long)high);
}

static eagle_status check_counts(const eagle_train_options *o, eagle_error *err)
{
    eagle_status st = whole("steps", o->steps, 1, INT64_MAX / MAX_ROWS, err);

    if (st == EAGLE_OK) {
        st = whole("warmup", o->warmup, 0, o->steps, err);
    }
    if (st == EAGLE_OK) {
        st = whole("length", o->length, 2, MAX_ROWS, err);
    }
    if (st == EAGLE_OK) {
        st = whole("batch", o->batch, 2, MAX_ROWS, err);
    }
    if (st == EAGLE_OK) {
        st = whole("threads", o->threads, 0, 64, err);
    }
    if (st == EAGLE_OK) {
        st = whole("schedule", o->schedule, EAGLE_SCHEDULE_CONSTANT, EAGLE_SCHEDULE_COSINE, err);
    }
    if (st == EAGLE_OK && o->length > o->batch) {
        return eg_fail(err, EAGLE_EINVAL, "length %d: a batch of %d has no room for it",
                       (int)o->length, (int)o->batch);
    }
    return st;
}

/* How far a setting may go. */
typedef enum { FROM_ZERO, ABOVE_ZERO, BELOW_ONE, UP_TO_ONE } range;

static bool lies_in(double x, range r)
{
    switch (r) {
    case FROM_ZERO: return isfinite(x) && x >= 0.0;
    case ABOVE_ZERO: return isfinite(x) && x > 0.0;
    case BELOW_ONE: return x >= 0.0 && x < 1.0;
    case UP_TO_ONE: return x >= 0.0 && x <= 1.0;
    }
    return false;
}

eagle_status eg_train_check(const eagle_train_options *opt, bool heads, eagle_error *err)
{
    static const char *const words[] = {"needs a number that is not negative",
                                        "needs a number above zero", "needs a number in [0,1)",
                                        "needs a number in [0,1]"};
    const struct {
        const char *name;
        double value;
        range range;
        bool heads;
    } reals[] = {
        {"lr", opt->lr, ABOVE_ZERO, false},
        {"lr_floor", opt->lr_floor, UP_TO_ONE, false},
        {"beta1", opt->beta1, BELOW_ONE, false},
        {"beta2", opt->beta2, BELOW_ONE, false},
        {"eps", opt->eps, ABOVE_ZERO, false},
        {"weight_decay", opt->weight_decay, FROM_ZERO, false},
        {"clip_value", opt->clip_value, FROM_ZERO, false},
        {"clip_norm", opt->clip_norm, FROM_ZERO, false},
        {"feature_weight", opt->feature_weight, FROM_ZERO, true},
        {"token_weight", opt->token_weight, FROM_ZERO, true},
        {"noise", opt->noise, FROM_ZERO, true},
        {"own_features", opt->own_features, UP_TO_ONE, true},
    };
    eagle_status st = check_counts(opt, err);

    for (size_t i = 0; st == EAGLE_OK && i < sizeof reals / sizeof reals[0]; i++) {
        if ((heads || !reals[i].heads) && !lies_in(reals[i].value, reals[i].range)) {
            return eg_fail(err, EAGLE_EINVAL, "%s %g: %s", reals[i].name, reals[i].value,
                           words[reals[i].range]);
        }
    }
    if (st == EAGLE_OK && heads && opt->feature_weight == 0.0 && opt->token_weight == 0.0) {
        return eg_fail(err, EAGLE_EINVAL,
                       "feature_weight and token_weight are both 0: there is "
                       "nothing to learn");
    }
    return st;
}
