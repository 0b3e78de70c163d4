/* SPDX-License-Identifier: MIT */
/* prove_words.c - see prove_words.h. */
#include "cli/prove_words.h"

#include <inttypes.h>
#include <string.h>

#define SHOWN 24 /* characters of a fraction */

static void print_probability(FILE *out, const char *fraction, double value)
{
    if (strlen(fraction) <= SHOWN) {
        fprintf(out, "%s", fraction);
        if (strchr(fraction, '/') != NULL) {
            fprintf(out, " (%.10g)", value);
        }
    } else {
        fprintf(out, "%.10g", value);
    }
}

static void print_tokens(FILE *out, const int32_t *token, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        fprintf(out, " %" PRId32, token[i]);
    }
}

/* "  2. child 0 is refused" */
static void print_step(FILE *out, const eagle_prove_step *s, int32_t number)
{
    fprintf(out, "    %" PRId32 ". position %" PRId32 ": ", number, s->key.pos);
    if (s->accept && s->key.purpose == EAGLE_DRAW_ACCEPT) {
        fprintf(out, "the coin of child %" PRId32 " says %s", s->key.index,
                s->answer != 0 ? "yes" : "no");
    } else if (s->accept) {
        fprintf(out, "a question is answered %s", s->answer != 0 ? "yes" : "no");
    } else if (s->key.purpose == EAGLE_DRAW_DRAFT) {
        fprintf(out, "the draft proposes token %" PRId32, s->answer);
    } else {
        fprintf(out, "token %" PRId32 " is drawn", s->answer);
    }
    fprintf(out, ", which has probability ");
    print_probability(out, s->share, s->share_value);
    if (s->repeated) {
        fprintf(out, " - decided by a number that was asked before, and is not free any more");
    }
    fprintf(out, "\n");
}

static void print_difference(FILE *out, const eagle_prove_result *r)
{
    const eagle_prove_difference *d = r->shortest;
    int32_t number = 0;

    fprintf(out, "  In words: after the tokens");
    print_tokens(out, d->context, d->n_context);
    fprintf(out, ", plain sampling goes on with the token%s", d->n_string > 1 ? "s" : "");
    print_tokens(out, d->string, d->n_string);
    fprintf(out, "\n  with probability ");
    print_probability(out, d->want, d->want_value);
    fprintf(out, "; with this rule it is ");
    print_probability(out, d->got, d->got_value);
    fprintf(out, ".\n");
    if (d->want_value == 0.0) {
        fprintf(out, "  Plain sampling never emits it: that is outside the support.\n");
    }
    if (r->n_steps > 0) {
        fprintf(out, "  It comes about, for one, so:\n");
    }
    for (int32_t i = 0; i < r->n_steps; i++) {
        if (r->step[i].key.pos < d->n_context + d->n_string) { /* what follows it says nothing */
            print_step(out, &r->step[i], ++number);
        }
    }
}

void eg_prove_words(FILE *out, const eg_prove_case *c)
{
    for (int level = 0; level < EAGLE_PROVE_LEVELS; level++) {
        const eagle_prove_result *r = eagle_proof_result(c->proof, (eagle_prove_level)level);

        if (r->asked && r->shortest != NULL) {
            print_difference(out, r);
            return;
        }
    }
}
