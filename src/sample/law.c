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
#include "kernels/mathf.h"
#include "sample/decimal.h"

#include <string.h>

int32_t eg_law_best(const float *logits, int32_t vocab)
{
    return (int32_t)eg_argmax(logits, (size_t)vocab);
}

/* In [1, 2^45]: a kept token keeps a chance, however small. Each step rounds once, to float32; the
 * product with 2^45 is exact. */
static uint64_t weight(float logit, float max, float temperature)
{
    float below = logit - max;
    float x = below / temperature;
    double scaled = 0x1p45 * (double)eg_expf(x);

    return scaled < 1.0 ? 1 : (uint64_t)scaled;
}

/* ---- the best tokens, one by one ----------------------------------------------------------
 *
 * A heap rather than a sort: filters mostly keep tens of tokens out of 10^5. Tokens taken off
 * stand behind the heap, the j-th at order[vocab - 1 - j]. */

struct heap {
    const float *logits;
    int32_t *order; /* [vocab] */
    int32_t n;
};

/* The total order of tokens: logit descending, then id ascending. */
static bool better(const struct heap *heap, int32_t a, int32_t b)
{
    float la = heap->logits[heap->order[a]];
    float lb = heap->logits[heap->order[b]];

    return la != lb ? la > lb : heap->order[a] < heap->order[b];
}

static void swap(int32_t *a, int32_t *b)
{
    int32_t t = *a;

    *a = *b;
    *b = t;
}

static void sift_down(struct heap *heap, int32_t i)
{
    for (;;) {
        int32_t best = i;

        for (int32_t child = 2 * i + 1; child <= 2 * i + 2 && child < heap->n; child++) {
            best = better(heap, child, best) ? child : best;
        }
        if (best == i) {
            return;
        }
        swap(&heap->order[i], &heap->order[best]);
        i = best;
    }
}

static void heap_make(struct heap *heap)
{
    for (int32_t i = 0; i < heap->n; i++) {
        heap->order[i] = i;
    }
    for (int32_t i = heap->n / 2 - 1; i >= 0; i--) {
        sift_down(heap, i);
    }
}

/* Takes the best token off and returns it. */
static int32_t heap_take(struct heap *heap)
{
    heap->n--;
    swap(&heap->order[0], &heap->order[heap->n]);
    sift_down(heap, 0);
    return heap->order[heap->n];
}

/* ---- filters -------------------------------------------------------------------------------- */

/* Top-k and top-p: of the k best tokens the shortest run from the best on whose mass is at least
 * top_p of that of all k. `w` holds all weights on entry, and 0 outside the run on return. */
static void keep_best(uint64_t *w, int32_t *order, const float *logits, int32_t vocab,
                      const eagle_sampling *s)
{
    struct heap heap = {.logits = logits, .order = order, .n = vocab};
    int32_t k = s->top_k > 0 && s->top_k < vocab ? s->top_k : vocab;
    uint64_t total = 0;
    uint64_t mass = 0;
    int32_t kept = 0;

    heap_make(&heap);
    if (k < vocab) {
        for (int32_t j = 0; j < k; j++) {
            total += w[heap_take(&heap)];
        }
    } else {
        for (int32_t i = 0; i < vocab; i++) {
            total += w[i];
        }
    }
    while (kept < k && eg_decimal_compare(mass, s->top_p, total) < 0) {
        kept++;
        mass += w[vocab - kept < heap.n ? heap_take(&heap) : order[vocab - kept]];
    }
    for (int32_t i = 0; i < vocab - kept; i++) {
        w[order[i]] = 0;
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
    for (int32_t i = 0; i < vocab; i++) {
        w[i] = weight(logits[i], logits[best], s->temperature);
    }
    if ((s->top_k > 0 && s->top_k < vocab) || eg_decimal_compare(1, s->top_p, 1) != 0) {
        keep_best(w, order, logits, vocab, s);
    }
    for (int32_t i = 0; i < vocab && s->min_p.num > 0; i++) {
        w[i] = eg_decimal_compare(w[i], s->min_p, w[best]) < 0 ? 0 : w[i];
    }
}
