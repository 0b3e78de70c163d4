/* SPDX-License-Identifier: MIT */
/* decimal.c - "0.9" as the number nine tenths: a double would be another one, and the tokens that
 * top-p keeps would depend on which. */
#include "sample/decimal.h"

#include "base/error.h"
#include "base/u128.h"

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
