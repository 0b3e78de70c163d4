/* SPDX-License-Identifier: MIT */
/* repeats.c - what was recorded more than once is one event: a request that was sent twenty times
 * shows one near-tie, not twenty, and no count of independent events may hold it for more. */
#include "check/repeats.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* Above temperature 0 another seed asks another question. */
static uint64_t seed_of(const eg_claim *c)
{
    return c->has_sampling && c->sampling.temperature > 0.0f && c->has_seed ? c->seed : 0;
}

/* Tokens that both begin with. */
static int32_t common(const eg_claim *a, const eg_claim *b)
{
    const int32_t n = a->n < b->n ? a->n : b->n;
    int32_t i = 0;

    while (i < n && a->token[i] == b->token[i]) {
        i++;
    }
    return i;
}

typedef struct {
    const eg_claim *claim;
    int32_t run;
} place;

static int by_tokens(const void *x, const void *y)
{
    const eg_claim *a = ((const place *)x)->claim;
    const eg_claim *b = ((const place *)y)->claim;
    const int32_t i = common(a, b);

    if (seed_of(a) != seed_of(b)) {
        return seed_of(a) < seed_of(b) ? -1 : 1;
    }
    if (i == a->n || i == b->n) {
        return (a->n > b->n) - (a->n < b->n);
    }
    return a->token[i] < b->token[i] ? -1 : 1;
}

eagle_status eg_repeats(int32_t **out, const eagle_claims *claims, eagle_error *err)
{
    const size_t n = (size_t)claims->n;
    int32_t *repeated = eg_alloc(n, sizeof *repeated);
    place *sorted = eg_alloc(n, sizeof *sorted);

    *out = NULL;
    if (repeated == NULL || sorted == NULL) {
        free(sorted);
        free(repeated);
        return eg_fail(err, EAGLE_ENOMEM, "no memory to compare %d runs", claims->n);
    }
    for (int32_t i = 0; i < claims->n; i++) {
        sorted[i] = (place){claims->claim[i], i};
    }
    /* Of all runs before one in this order, its neighbour has the most in common with it. */
    qsort(sorted, n, sizeof *sorted, by_tokens);
    for (size_t i = 1; i < n; i++) {
        const eg_claim *a = sorted[i - 1].claim;
        const eg_claim *b = sorted[i].claim;

        repeated[sorted[i].run] = seed_of(a) == seed_of(b) ? common(a, b) : 0;
    }
    free(sorted);
    *out = repeated;
    return EAGLE_OK;
}

static int by_prompt(const void *x, const void *y)
{
    const eg_claim *a = *(const eg_claim *const *)x;
    const eg_claim *b = *(const eg_claim *const *)y;

    return a->n_prompt != b->n_prompt
               ? (a->n_prompt > b->n_prompt) - (a->n_prompt < b->n_prompt)
               : memcmp(a->token, b->token, (size_t)a->n_prompt * sizeof *a->token);
}

eagle_status eg_same_prompts(bool *same, const eagle_claims *claims, const eagle_claims *control,
                             eagle_error *err)
{
    const size_t n = (size_t)control->n;
    const eg_claim **sorted = eg_alloc(n, sizeof *sorted);

    if (sorted == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory to compare %d prompts", control->n);
    }
    for (size_t i = 0; i < n; i++) {
        sorted[i] = control->claim[i];
    }
    qsort(sorted, n, sizeof *sorted, by_prompt);
    *same = true;
    for (int32_t i = 0; *same && i < claims->n; i++) {
        const eg_claim *wanted = claims->claim[i];

        *same = bsearch(&wanted, sorted, n, sizeof *sorted, by_prompt) != NULL;
    }
    free(sorted);
    return EAGLE_OK;
}
