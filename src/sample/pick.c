/* SPDX-License-Identifier: MIT */
/* pick.c - random words become an exactly uniform integer. */
#include "sample/draws.h"
#include "sample/wide.h"

#include <assert.h>

void eg_uniform_below(eagle_wide *out, const eagle_wide *s, const eg_words *words)
{
    const eagle_wide one = eg_wide_from(1);
    eagle_wide last = *s; /* s - 1, the largest answer */

    assert(!eg_wide_is_zero(s));
    eg_wide_sub(&last, &one);

    const int bits = eg_wide_bits(&last);
    uint32_t number = 0;

    /* More than half of all attempts succeed: 2^bits < 2 s. */
    do {
        uint32_t word[4];

        *out = eg_wide_from(0);
        for (int got = 0; got < bits; got += 32) {
            int take = bits - got < 32 ? bits - got : 32;

            if (got % 128 == 0) {
                words->block(words->ctx, word, number++);
            }
            eg_wide_mul(out, out, UINT64_C(1) << take);
            out->limb[0] |= word[got % 128 / 32] >> (32 - take);
        }
    } while (!eg_wide_less(out, s));
}
