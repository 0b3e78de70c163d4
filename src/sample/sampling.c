/* SPDX-License-Identifier: MIT */
/* sampling.c - the sampling options: defaults and checks. */
#include "base/error.h"
#include "sample/decimal.h"

#include <math.h>

void eagle_sampling_defaults(eagle_sampling *out)
{
    *out = (eagle_sampling){.temperature = 0.0f,
                            .top_k = 0,
                            .top_p = {.num = 1, .places = 0},
                            .min_p = {.num = 0, .places = 0},
                            .mode = EAGLE_VERIFY_GREEDY};
}

/* In [0, 1]. */
static bool is_fraction(eagle_decimal d)
{
    return d.places >= 0 && d.places <= EG_DECIMAL_PLACES && eg_decimal_compare(1, d, 1) >= 0;
}

static eagle_status check_mode(const eagle_sampling *s, bool drawn_children, eagle_error *err)
{
    switch (s->mode) {
    case EAGLE_VERIFY_GREEDY:
        if (s->temperature > 0.0f) {
            return eg_fail(
                err, EAGLE_EINVAL,
                "greedy verification is for temperature 0; above it: coupled, rejection");
        }
        break;
    case EAGLE_VERIFY_COUPLED:
    case EAGLE_VERIFY_REJECTION:
        if (s->temperature == 0.0f) {
            return eg_fail(err, EAGLE_EINVAL, "at temperature 0 verification is greedy");
        }
        break;
    default: return eg_fail(err, EAGLE_EINVAL, "no verification mode %d", (int)s->mode);
    }
    if (drawn_children && s->mode != EAGLE_VERIFY_REJECTION) {
        return eg_fail(err, EAGLE_EINVAL,
                       "drawn children keep the law only in rejection mode; take the top-k ones");
    }
    return EAGLE_OK;
}

eagle_status eagle_sampling_check(const eagle_sampling *s, bool drawn_children, eagle_error *err)
{
    if (!(s->temperature >= 0.0f) || !isfinite(s->temperature)) {
        return eg_fail(err, EAGLE_EINVAL, "temperature %g, must be 0 or more",
                       (double)s->temperature);
    }
    if (s->top_k < 0) {
        return eg_fail(err, EAGLE_EINVAL, "top-k %d, must be 0 (off) or more", s->top_k);
    }
    if (!is_fraction(s->top_p) || s->top_p.num == 0) {
        return eg_fail(err, EAGLE_EINVAL, "top-p must be above 0 and at most 1");
    }
    if (!is_fraction(s->min_p)) {
        return eg_fail(err, EAGLE_EINVAL, "min-p must be from 0 to 1");
    }
    return check_mode(s, drawn_children, err);
}
