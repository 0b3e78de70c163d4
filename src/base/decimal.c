/* SPDX-License-Identifier: MIT */
/* decimal.c - a decimal as text: sample/sampling.c reads them. */
#include "eagle/verify.h"

#include <inttypes.h>
#include <stdio.h>

const char *eagle_decimal_text(char text[EAGLE_DECIMAL_TEXT], eagle_decimal decimal)
{
    uint64_t unit = 1;

    while (decimal.places > 0 && decimal.num % 10 == 0) {
        decimal.num /= 10;
        decimal.places--;
    }
    for (int32_t i = 0; i < decimal.places; i++) {
        unit *= 10;
    }
    if (decimal.places == 0) {
        snprintf(text, EAGLE_DECIMAL_TEXT, "%" PRIu64, decimal.num);
    } else {
        snprintf(text, EAGLE_DECIMAL_TEXT, "%" PRIu64 ".%0*" PRIu64, decimal.num / unit,
                 (int)decimal.places, decimal.num % unit);
    }
    return text;
}
