/* SPDX-License-Identifier: MIT */
/* elementary.c - the elementary functions' domains, samples of them, and their digest. */
#include "selftest/elementary.h"

#include "kernels/mathf.h"

#include <string.h>

const eg_elementary eg_elementaries[EG_N_ELEMENTARY] = {
    {"exp", eg_exp_unrounded, eg_expf, 0x7f7fffff, 0x32000000, true},
    {"log", eg_log_unrounded, eg_logf, 0x7f7fffff, 0x00000001, false},
    {"sin", eg_sin_unrounded, eg_sinf, 0x4b800000, 0x38000000, true},
    {"cos", eg_cos_unrounded, eg_cosf, 0x4b800000, 0x38000000, true},
};

float eg_elementary_sample(const eg_elementary *f, uint32_t i, uint32_t n)
{
    /* exp is 0 or infinity beyond 2^7: no strata there. */
    uint32_t last = f->last > 0x43000000 && f->negative ? 0x43000000 : f->last;
    uint64_t width = ((uint64_t)last - f->dull) / n;
    uint64_t within = (uint64_t)i * 0x9e3779b97f4a7c15u >> 32; /* golden ratio: evenly spread */
    uint32_t bits = (uint32_t)(f->dull + width * i + within % (width > 0 ? width : 1));
    float x;

    bits |= f->negative ? i << 31 : 0;
    memcpy(&x, &bits, sizeof x);
    return x;
}

void eg_elementary_digest(char hex[65], eg_exp_fn *exp)
{
    enum { ROW = 1024, N = 1 << 20 };
    float x[ROW];
    float y[ROW];
    eagle_sha256 sha;

    eagle_sha256_init(&sha);
    for (int f = 0; f < EG_N_ELEMENTARY; f++) {
        for (uint32_t i = 0; i < N; i += ROW) {
            for (uint32_t j = 0; j < ROW; j++) {
                x[j] = eg_elementary_sample(&eg_elementaries[f], i + j, N);
                y[j] = f == 0 ? 0.0f : eg_elementaries[f].rounded(x[j]);
            }
            if (f == 0) {
                exp(y, x, ROW);
            }
            eagle_sha256_floats(&sha, y, ROW);
        }
    }
    eagle_sha256_hex(hex, &sha);
}
