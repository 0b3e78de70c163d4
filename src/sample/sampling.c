/* SPDX-License-Identifier: MIT */
/* sampling.c - the sampling options: decimals, defaults, checks.
 *
 * "0.9" is kept as nine tenths: a double is another number, and the tokens that top-p keeps
 * would depend on which. */
#include "base/error.h"
#include "base/u128.h"
#include "sample/law.h"

#include <math.h>
#include <string.h>

static uint64_t power_of_ten(int32_t exponent)
{
    uint64_t power = 1;

    while (exponent-- > 0) {
        power *= 10;
    }
    return power;
}

int eg_decimal_compare(uint64_t part, eagle_decimal fraction, uint64_t whole)
{
    /* Both sides times 10^places: products of 64-bit numbers. */
    eg_u128 a = eg_u128_mul(part, power_of_ten(fraction.places));
    eg_u128 b = eg_u128_mul(whole, fraction.num);

    return eg_u128_less(a, b) ? -1 : eg_u128_less(b, a);
}

eagle_status eagle_decimal_parse(eagle_decimal *out, const char *text, eagle_error *err)
{
    const size_t before = strspn(text, "0123456789");
    const bool point = text[before] == '.';
    const char *fraction = text + before + point;
    const size_t places = strspn(fraction, "0123456789");
    eagle_decimal value = {0};

    *out = value;
    if (before + places == 0 || (point && places == 0) || fraction[places] != '\0') {
        return eg_fail(err, EAGLE_EINVAL, "\"%.40s\" is no decimal such as 0.9", text);
    }
    if (places > EG_DECIMAL_PLACES) {
        return eg_fail(err, EAGLE_EINVAL, "%.40s: %zu decimal places, at most %d are kept", text,
                       places, EG_DECIMAL_PLACES);
    }
    value.places = (int32_t)places;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c != '.') {
            value.num = 10 * value.num + (uint64_t)(*c - '0');
        }
        if (value.num > power_of_ten(EG_DECIMAL_PLACES)) { /* before it can overflow */
            return eg_fail(err, EAGLE_EINVAL, "%.40s is above 1", text);
        }
    }
    if (eg_decimal_compare(1, value, 1) < 0) {
        return eg_fail(err, EAGLE_EINVAL, "%.40s is above 1", text);
    }
    *out = value;
    return EAGLE_OK;
}

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

double eagle_decimal_value(eagle_decimal decimal)
{
    return (double)decimal.num / (double)power_of_ten(decimal.places);
}
