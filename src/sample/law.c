/* SPDX-License-Identifier: MIT */
/* law.c - logits -> integer law (docs/5-verification.md).
 *
 * Floating point ends here. What follows, sums, ratios, cuts, is on integers and exact, so that
 * a law can be compared with another one without a tolerance.
 *
 * Reference: the order temperature, top-k, top-p, min-p is Hugging Face's; ties are ours, because
 * theirs keep more than k tokens, or depend on an unstable sort. */
#include "sample/law.h"

#include "kernels/kernels.h"

#include <string.h>

int32_t eg_law_best(const float *logits, int32_t vocab)
{
    return (int32_t)eg_argmax(logits, (size_t)vocab);
}

#define BLOCK 256 /* logits that are taken through the exponential together */

/* Weights in [1, 2^45]: a kept token keeps a chance, however small. Each step rounds once, to
 * float32; the product with 2^45 is exact. */
static void weigh(uint64_t *w, const float *logits, int32_t vocab, float max, float temperature)
{
    const eg_kernels *kernels = eg_kernels_for(EAGLE_ISA_AUTO); /* any: they agree in every bit */
    float x[BLOCK];

    for (int32_t begin = 0; begin < vocab; begin += BLOCK) {
        const int32_t n = vocab - begin < BLOCK ? vocab - begin : BLOCK;

        for (int32_t i = 0; i < n; i++) {
            const float below = logits[begin + i] - max;

            x[i] = below / temperature;
        }
        kernels->exp(x, x, (size_t)n);
        for (int32_t i = 0; i < n; i++) {
            const double scaled = 0x1p45 * (double)x[i];

            w[begin + i] = scaled < 1.0 ? 1 : (uint64_t)scaled;
        }
    }
}

/* Top-k and top-p: of the k best tokens the shortest run from the best on whose mass is at least
 * top_p of that of all k. Takes the weight of all others away. */
static void keep_best(uint64_t *w, int32_t *order, const float *logits, int32_t vocab,
                      const eagle_sampling *s)
{
    const int32_t k = s->top_k > 0 && s->top_k < vocab ? s->top_k : vocab;
    int32_t sorted = 0; /* order[0 .. sorted) are the best */
    int32_t kept = 0;
    uint64_t total = 0;
    uint64_t mass = 0;

    if (k < vocab) {
        eg_topk(order, logits, (size_t)vocab, (size_t)k);
        sorted = k;
    }
    for (int32_t i = 0; i < k; i++) {
        total += w[k < vocab ? order[i] : i];
    }
    /* Ends with the k-th at the latest, where mass is total. */
    while (eg_decimal_compare(mass, s->top_p, total) < 0) {
        if (kept == sorted) { /* mostly tens are kept of 10^5: sorting all would be a waste */
            sorted = sorted == 0 ? 64 : 8 * sorted;
            sorted = sorted < k ? sorted : k;
            eg_topk(order, logits, (size_t)vocab, (size_t)sorted);
        }
        mass += w[order[kept++]];
    }
    const int32_t last = order[kept - 1]; /* the least of the kept, by (logit desc, id asc) */

    for (int32_t i = 0; i < vocab; i++) {
        if (logits[i] < logits[last] || (logits[i] == logits[last] && i > last)) {
            w[i] = 0;
        }
    }
}

void eg_law_make(uint64_t *w, int32_t *order, const float *logits, int32_t vocab,
                 const eagle_sampling *s)
{
    int32_t best = eg_law_best(logits, vocab);

    if (s->temperature == 0.0f) {
        memset(w, 0, (size_t)vocab * sizeof *w);
        w[best] = 1;
        return;
    }
    weigh(w, logits, vocab, logits[best], s->temperature);
    if ((s->top_k > 0 && s->top_k < vocab) || eg_decimal_compare(1, s->top_p, 1) != 0) {
        keep_best(w, order, logits, vocab, s);
    }
    for (int32_t i = 0; i < vocab && s->min_p.num > 0; i++) {
        w[i] = eg_decimal_compare(w[i], s->min_p, w[best]) < 0 ? 0 : w[i];
    }
}
