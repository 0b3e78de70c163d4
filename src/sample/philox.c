/* SPDX-License-Identifier: MIT */
/* philox.c - Philox4x32-10: random words as a function of a counter.
 *
 * No state: the words of a key can be had in any order, as often as wanted. Multipliers and key
 * increments are those of the published generator (Random123). */
#include "sample/draws.h"

void eg_philox4x32(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2])
{
    uint32_t c0 = counter[0];
    uint32_t c1 = counter[1];
    uint32_t c2 = counter[2];
    uint32_t c3 = counter[3];
    uint32_t k0 = key[0];
    uint32_t k1 = key[1];

    for (int i = 0; i < 10; i++) {
        uint64_t left = UINT64_C(0xd2511f53) * c0;
        uint64_t right = UINT64_C(0xcd9e8d57) * c2;

        c0 = (uint32_t)(right >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)right;
        c2 = (uint32_t)(left >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)left;
        k0 += UINT32_C(0x9e3779b9);
        k1 += UINT32_C(0xbb67ae85);
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}
