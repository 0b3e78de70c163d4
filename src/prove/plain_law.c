/* SPDX-License-Identifier: MIT */
/* plain_law.c - see plain_law.h. All of it is trusted: simple before quick. */
#include "prove/plain_law.h"

#include "kernels/mathf.h"

#include <stdlib.h>

/* By (logit descending, id ascending). */
static int better_first(const void *a, const void *b)
{
    const eg_ranked *x = a;
    const eg_ranked *y = b;

    return x->logit != y->logit ? (x->logit < y->logit ? 1 : -1) : (x->id < y->id ? -1 : 1);
}

/* out = a decimal's value. */
static void set_decimal(mpq_t out, eagle_decimal d)
{
    mpz_import(mpq_numref(out), 1, -1, sizeof d.num, 0, 0, &d.num);
    mpz_ui_pow_ui(mpq_denref(out), 10, (unsigned long)d.places);
    mpq_canonicalize(out);
}

void eg_plain_law(mpq_t *p, eg_ranked *order, const float *logits, int32_t vocab,
                  const eagle_sampling *s)
{
    const int32_t k = s->top_k > 0 && s->top_k < vocab ? s->top_k : vocab;
    int32_t n_kept = 0;
    mpq_t bound; /* top-p's mass, then min-p's weight */
    mpq_t mass;

    mpq_inits(bound, mass, NULL);
    for (int32_t i = 0; i < vocab; i++) {
        order[i] = (eg_ranked){.logit = logits[i], .id = i};
    }
    qsort(order, (size_t)vocab, sizeof *order, better_first);
    for (int32_t i = 0; i < vocab; i++) { /* weights of all, mass of the k best */
        const float below = order[i].logit - order[0].logit;
        const float scaled = s->temperature == 0.0f ? 0.0f : below / s->temperature;
        const double w = 0x1p45 * (double)eg_expf(scaled);

        mpq_set_d(p[order[i].id], w < 1.0 ? 1.0 : (double)(int64_t)w);
        if (i < k) {
            mpq_add(mass, mass, p[order[i].id]);
        }
    }
    set_decimal(bound, s->top_p);
    mpq_mul(bound, bound, mass);
    mpq_set_ui(mass, 0, 1);
    while (n_kept < k && mpq_cmp(mass, bound) < 0) {
        mpq_add(mass, mass, p[order[n_kept++].id]);
    }
    if (s->temperature == 0.0f) {
        n_kept = 1;
    }
    set_decimal(bound, s->min_p);
    mpq_mul(bound, bound, p[order[0].id]);
    mpq_set_ui(mass, 0, 1);
    for (int32_t i = 0; i < vocab; i++) { /* zero outside, the sum inside */
        if (i >= n_kept || mpq_cmp(p[order[i].id], bound) < 0) {
            mpq_set_ui(p[order[i].id], 0, 1);
        }
        mpq_add(mass, mass, p[order[i].id]);
    }
    for (int32_t i = 0; i < vocab; i++) {
        mpq_div(p[i], p[i], mass);
    }
    mpq_clears(bound, mass, NULL);
}
