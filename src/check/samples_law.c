/* SPDX-License-Identifier: MIT */
/* samples_law.c - the laws of known bugs at a context, and how far a law is from letting a token
 * in. */
#include "check/samples.h"
#include "sample/law.h"

#include <math.h>

const char *eg_bug_name(eg_bug bug)
{
    static const char *const name[EG_N_BUGS] = {
        [EG_BUG_NO_TEMPERATURE] = "temperature is not applied",
        [EG_BUG_TEMPERATURE_TWICE] = "temperature is applied twice",
        [EG_BUG_NO_TOP_K] = "top-k is ignored",
        [EG_BUG_NO_TOP_P] = "top-p is ignored",
        [EG_BUG_NO_MIN_P] = "min-p is ignored",
        [EG_BUG_FILTERS_FIRST] = "top-p and min-p come before temperature",
        [EG_BUG_ARG_MAX] = "the most likely token is taken in place of a draw",
        [EG_BUG_PREVIOUS_ROW] = "the law is that of the row before (off by one)",
    };

    return name[bug];
}

static bool filters_mass(const eagle_sampling *s)
{
    return eg_decimal_compare(1, s->top_p, 1) != 0 || s->min_p.num > 0;
}

bool eg_bug_applies(eg_bug bug, const eagle_sampling *s, int32_t vocab)
{
    const bool scaled = s->temperature > 0.0f && s->temperature != 1.0f;

    switch (bug) {
    case EG_BUG_NO_TEMPERATURE:
    case EG_BUG_TEMPERATURE_TWICE: return scaled;
    case EG_BUG_NO_TOP_K: return s->top_k > 0 && s->top_k < vocab;
    case EG_BUG_NO_TOP_P: return eg_decimal_compare(1, s->top_p, 1) != 0;
    case EG_BUG_NO_MIN_P: return s->min_p.num > 0;
    case EG_BUG_FILTERS_FIRST: return scaled && filters_mass(s);
    case EG_BUG_ARG_MAX: return s->temperature > 0.0f;
    case EG_BUG_PREVIOUS_ROW: return true;
    default: return false;
    }
}

/* The set that is kept without temperature, weighted with it. `w` is made twice: only which weights
 * are 0 is needed of the first. */
static void filters_first(uint64_t *w, int32_t *order, const float *logits, int32_t vocab,
                          const eagle_sampling *s)
{
    eagle_sampling plain = *s;
    eagle_sampling cut = *s;
    int32_t kept = 0;

    plain.temperature = 1.0f;
    eg_law_make(w, order, logits, vocab, &plain);
    for (int32_t i = 0; i < vocab; i++) {
        kept += w[i] > 0 ? 1 : 0;
    }
    /* All cuts keep the best by (logit desc, id asc), but that min-p's keeps equals: as many
     * again. */
    cut.top_k = kept;
    cut.top_p = (eagle_decimal){.num = 1};
    cut.min_p = (eagle_decimal){0};
    eg_law_make(w, order, logits, vocab, &cut);
}

void eg_bug_law(uint64_t *w, int32_t *order, eg_bug bug, const float *logits, const float *previous,
                int32_t vocab, const eagle_sampling *sampling)
{
    eagle_sampling s = *sampling;

    switch (bug) {
    case EG_BUG_NO_TEMPERATURE: s.temperature = 1.0f; break;
    case EG_BUG_TEMPERATURE_TWICE: s.temperature = s.temperature * s.temperature; break;
    case EG_BUG_NO_TOP_K: s.top_k = 0; break;
    case EG_BUG_NO_TOP_P: s.top_p = (eagle_decimal){.num = 1}; break;
    case EG_BUG_NO_MIN_P: s.min_p = (eagle_decimal){0}; break;
    case EG_BUG_FILTERS_FIRST: filters_first(w, order, logits, vocab, &s); return;
    case EG_BUG_ARG_MAX: s.temperature = 0.0f; break;
    default: eg_law_make(w, order, previous, vocab, &s); return;
    }
    eg_law_make(w, order, logits, vocab, &s);
}

/* True when token a comes before token b in the order of the cuts. */
static bool better(const float *logits, int32_t a, int32_t b)
{
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

/* A token among all, by temperature alone. */
typedef struct {
    double all;   /* weight of all tokens             */
    double own;   /* its weight                       */
    double best;  /* the largest                      */
    double first; /* of those that come before it     */
    int32_t rank; /* how many they are                */
} place;

static place place_of(const uint64_t *w, const float *logits, int32_t vocab, int32_t token)
{
    place at = {.own = (double)w[token], .best = (double)w[eg_law_best(logits, vocab)]};

    for (int32_t i = 0; i < vocab; i++) {
        at.all += (double)w[i];
        if (better(logits, i, token)) {
            at.first += (double)w[i];
            at.rank++;
        }
    }
    return at;
}

/* Weight of the k best tokens, and the least of them. */
static void weigh_best(double *kept, double *least, const uint64_t *w, int32_t vocab)
{
    *kept = 0.0;
    *least = INFINITY;
    for (int32_t i = 0; i < vocab; i++) {
        *kept += (double)w[i];
        *least = w[i] > 0 && (double)w[i] < *least ? (double)w[i] : *least;
    }
}

double eg_law_margin(uint64_t *w, int32_t *order, const float *logits, int32_t vocab, int32_t token,
                     const eagle_sampling *s)
{
    const bool greedy = s->temperature == 0.0f;
    const int32_t k = greedy ? 1 : (s->top_k > 0 && s->top_k < vocab ? s->top_k : vocab);
    eagle_sampling only = {.temperature = greedy ? 1.0f : s->temperature, .top_p = {.num = 1}};
    double kept;
    double least;

    eg_law_make(w, order, logits, vocab, &only);
    const place at = place_of(w, logits, vocab, token);

    if (k < vocab) {
        only.top_k = k;
        eg_law_make(w, order, logits, vocab, &only);
    }
    weigh_best(&kept, &least, w, vocab);
    if (at.rank >= k) { /* the last one falls while this one rises */
        return 0.5 * (least - at.own) / at.all;
    }
    const double over = greedy ? 0.0 : at.first / kept - eagle_decimal_value(s->top_p);
    const double min_p = greedy ? 0.0 : eagle_decimal_value(s->min_p);
    const double under = (min_p * at.best - at.own) / kept / (1.0 + min_p);

    return fmax(fmax(over, under), 0.0);
}
