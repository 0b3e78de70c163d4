/* SPDX-License-Identifier: MIT */
/* mass.c - see mass.h. */
#include "prove/mass.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

void eg_mass_init(eg_mass *m)
{
    *m = (eg_mass){0};
    mpq_init(m->zero);
}

void eg_mass_free(eg_mass *m)
{
    for (int32_t i = 0; i < m->room; i++) {
        mpq_clear(m->weight[i]);
    }
    free(m->slot);
    free(m->weight);
    free(m->met);
    mpq_clear(m->zero);
    *m = (eg_mass){0};
}

/* Room for thing `id`. */
static bool grow(eg_mass *m, int32_t id)
{
    const int32_t cap = 2 * id + 64;
    int32_t *slot = id >= 1 << 29 ? NULL : realloc(m->slot, (size_t)cap * sizeof *slot);

    if (slot == NULL) {
        return false;
    }
    memset(slot + m->cap, 0, (size_t)(cap - m->cap) * sizeof *slot);
    m->slot = slot;
    m->cap = cap;
    return true;
}

/* Room for a weight more. */
static bool grow_weights(eg_mass *m)
{
    const int32_t room = 2 * m->room + 64;
    mpq_t *weight = realloc(m->weight, (size_t)room * sizeof *weight);

    m->weight = weight != NULL ? weight : m->weight;
    int32_t *met = weight != NULL ? realloc(m->met, (size_t)room * sizeof *met) : NULL;

    if (met == NULL) {
        return false;
    }
    m->met = met;
    for (int32_t i = m->room; i < room; i++) {
        mpq_init(m->weight[i]);
    }
    m->room = room;
    return true;
}

eagle_status eg_mass_add(eg_mass *m, int32_t id, const mpq_t w, eagle_error *err)
{
    if ((id >= m->cap && !grow(m, id)) || (m->n == m->room && !grow_weights(m))) {
        return eg_fail(err, EAGLE_ENOMEM, "prove: no memory for the weights of %d strings", id);
    }
    if (m->slot[id] == 0) {
        mpq_set(m->weight[m->n], w);
        m->met[m->n++] = id;
        m->slot[id] = m->n;
    } else {
        mpq_ptr sum = m->weight[m->slot[id] - 1];

        mpq_add(sum, sum, w);
    }
    return EAGLE_OK;
}

void eg_mass_reset(eg_mass *m)
{
    for (int32_t i = 0; i < m->n; i++) {
        m->slot[m->met[i]] = 0;
    }
    m->n = 0;
}
