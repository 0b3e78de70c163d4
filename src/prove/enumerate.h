/* SPDX-License-Identifier: MIT */
/* enumerate.h - draws that give every possible answer once, with its exact weight.
 *
 *     eg_enumeration_create(&all, err)
 *     do {
 *         const eagle_draws draws = eg_enumeration_draws(all);
 *         ... code under test, which asks `draws` ...
 *         eg_enumeration_weight(weight, all);      the run's probability
 *     } while (eg_enumeration_next(all));
 *     eg_enumeration_fault(all, err)               did every run keep the rules?
 *
 * A key names one uniform number U in [0,1), and keeps it for the whole run: of each key the
 * interval is remembered in which U still lies. A key that is asked again, with whatever weights,
 * is answered by the part of the interval that each answer has of it. So draws that code uses
 * twice, between siblings or between rounds, are followed exactly, not taken for independent ones.
 *
 * Depth first: a run repeats the answers of the run before up to the last question that has another
 * answer left. Answers without weight are not given. The code under test must be a function of the
 * answers alone: a run that asks otherwise than before is a fault. */
#ifndef EG_PROVE_ENUMERATE_H
#define EG_PROVE_ENUMERATE_H

#include "eagle/verify.h"

#include <gmp.h>

typedef struct eg_enumeration eg_enumeration;

/* One question of a run, and the answer it got. */
typedef struct {
    eagle_draw_key key;
    bool accept;   /* accept: the answer is 1 (yes) or 0; else pick: the index */
    bool repeated; /* the key was asked before in this run                     */
    int32_t answer;
    mpz_srcptr share; /* share / total: the answer's conditional probability,     */
    mpz_srcptr total; /* given what the key answered before in this run           */
} eg_answered;

static inline bool eg_same_key(eagle_draw_key a, eagle_draw_key b)
{
    return a.purpose == b.purpose && a.pos == b.pos && a.index == b.index;
}

/* Ready for the first run. EAGLE_ENOMEM. Free with eg_enumeration_free(). */
eagle_status eg_enumeration_create(eg_enumeration **out, eagle_error *err);
void eg_enumeration_free(eg_enumeration *all);

/* Forgets everything: the next run is the first of another enumeration. */
void eg_enumeration_reset(eg_enumeration *all);

/* Begins a run. */
eagle_draws eg_enumeration_draws(eg_enumeration *all);

/* Begins a run in the middle: its first `n` questions, 0 <= n <= eg_enumeration_kept(), count as
 * asked, and answered as in the run before. For code that keeps what it made of these answers. */
eagle_draws eg_enumeration_go_on(eg_enumeration *all, int32_t n);

/* The first questions of the next run whose answers are those of the run before; 0 before any. */
int32_t eg_enumeration_kept(const eg_enumeration *all);

/* Goes on to the next run; false when all were made, or after a fault. */
bool eg_enumeration_next(eg_enumeration *all);

/* The probability of the run that was made last. The weights of all runs add up to 1. */
void eg_enumeration_weight(mpq_t out, const eg_enumeration *all);

/* The questions of the run so far, in order. The answers' shares live until the next run. */
int32_t eg_enumeration_count(const eg_enumeration *all);
eg_answered eg_enumeration_at(const eg_enumeration *all, int32_t i);

/* EAGLE_OK, or what went wrong first: memory, a weightless question, num > den, or a run that
 * depends on more than the answers (EAGLE_EFAILED: the code under test is at fault). After a fault
 * answers are arbitrary, though in range. */
eagle_status eg_enumeration_fault(const eg_enumeration *all, eagle_error *err);

#endif
