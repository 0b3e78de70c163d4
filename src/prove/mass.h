/* SPDX-License-Identifier: MIT */
/* mass.h - exact weights of numbered things: most are zero, and are not stored. */
#ifndef EG_PROVE_MASS_H
#define EG_PROVE_MASS_H

#include "eagle/status.h"

#include <gmp.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int32_t *slot; /* [cap] 1 + the place of a thing's weight, 0 while it has none */
    int32_t cap;
    mpq_t *weight; /* [room] all initialised                                        */
    int32_t *met;  /* [room] the first n: the things that have weights, as they came */
    int32_t room;
    int32_t n;
    mpq_t zero;
} eg_mass;

/* No weights. Free with eg_mass_free(). */
void eg_mass_init(eg_mass *m);
void eg_mass_free(eg_mass *m);

/* Adds w to thing `id` >= 0. EAGLE_ENOMEM. */
eagle_status eg_mass_add(eg_mass *m, int32_t id, const mpq_t w, eagle_error *err);

/* The weight of thing `id`, whether it was added to or not. */
static inline mpq_srcptr eg_mass_of(const eg_mass *m, int32_t id)
{
    return id < m->cap && m->slot[id] > 0 ? m->weight[m->slot[id] - 1] : m->zero;
}

/* All weights are zero again. */
void eg_mass_reset(eg_mass *m);

#endif
