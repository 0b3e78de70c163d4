/* SPDX-License-Identifier: MIT */
/* finding.h - what a level finds while it runs: counts, distances, the differences worth
 * telling. */
#ifndef EG_PROVE_FINDING_H
#define EG_PROVE_FINDING_H

#include "prove/certificate.h"
#include "prove/subject.h"

typedef struct {
    bool set;
    int32_t context; /* a string's number */
    int32_t string;  /* another, which begins with the context */
    mpq_t got;
    mpq_t want;
} eg_difference;

typedef struct {
    eagle_prove_result count; /* of which the numbers are used */
    mpq_t tv;
    mpq_t marginal;
    mpq_t outside; /* the largest probability of a string that plainly has none */
    eg_difference worst;
    eg_difference shortest;
    eagle_prove_step *step; /* [n_steps] owned, with their shares */
    int32_t n_steps;
    int32_t score; /* of the run of `step`: twice the tokens that it shares with the shortest
                    * difference, and one more if it asks a key again */
    char reason[512];
    mpq_t scratch;
} eg_finding;

void eg_finding_init(eg_finding *f);
void eg_finding_free(eg_finding *f);

/* Where a probability belongs to. */
typedef struct {
    int32_t context;
    int32_t string;
} eg_place;

/* Compares two probabilities of one string, and remembers a difference. */
void eg_finding_compare(eg_finding *f, const eg_contexts *c, eg_place at, const mpq_t got,
                        const mpq_t want);

/* Only for the shortest: neither counted nor for the worst. */
void eg_finding_prefix(eg_finding *f, const eg_contexts *c, eg_place at, const mpq_t got,
                       const mpq_t want);

/* tv = the larger one. */
void eg_finding_distance(eg_finding *f, const mpq_t tv);

/* Hears of a run that ends with the string `at`: the one that has most of the shortest difference
 * leaves its questions and answers. EAGLE_ENOMEM. */
eagle_status eg_finding_run(eg_finding *f, eg_subject *s, int32_t at, eagle_error *err);

/* The same for a round's runs; for eg_subject_rounds(). */
eagle_status eg_finding_round_run(void *finding, eg_subject *s, eagle_error *err);

/* The result that others may read; the finding keeps nothing that it needs. EAGLE_ENOMEM. */
eagle_status eg_finding_close(eg_level_proof *out, eg_finding *f, eg_subject *s, eagle_error *err);

/* A fraction as text, owned; NULL without memory. */
char *eg_fraction_text(const mpq_t q);

#endif
