/* SPDX-License-Identifier: MIT */
/* rounds.c - recorded trees, one per round, for replay. */
#include "base/alloc.h"
#include "base/error.h"
#include "tree/tree.h"

#include <stdlib.h>

#define MAX_ROUNDS (1 << 24)

struct record {
    int32_t root;
    int32_t n;      /* nodes without the root                                               */
    int32_t node[]; /* [2 n] tokens of nodes 1 to n, then their parents: 0 = root, i = node i */
};

struct eagle_rounds {
    int32_t n;
    int32_t cap;
    int32_t max_nodes;
    struct record **record; /* [cap] */
};

eagle_status eagle_rounds_create(eagle_rounds **out, eagle_error *err)
{
    *out = eg_alloc(1, sizeof **out);
    return *out != NULL ? EAGLE_OK : eg_fail(err, EAGLE_ENOMEM, "rounds: no memory");
}

void eagle_rounds_free(eagle_rounds *rounds)
{
    for (int32_t r = 0; rounds != NULL && r < rounds->n; r++) {
        free(rounds->record[r]);
    }
    if (rounds != NULL) {
        free(rounds->record);
    }
    free(rounds);
}

/* The rules of a tree, for a round that comes from a file. */
static eagle_status check_round(const eagle_rounds *rounds, int32_t root, const int32_t *token,
                                const int32_t *parent, int32_t n, eagle_error *err)
{
    int32_t r = rounds->n;

    if (root < 0 || n < 0 || n > EAGLE_MAX_NODES) {
        return eg_fail(err, EAGLE_EFORMAT, "round %d: root %d, %d nodes, at most %d are possible",
                       r, root, n, EAGLE_MAX_NODES);
    }
    for (int32_t i = 0; i < n; i++) {
        if (token[i] < 0) {
            return eg_fail(err, EAGLE_EFORMAT, "round %d, node %d: token %d", r, i + 1, token[i]);
        }
        if (parent[i] < 0 || parent[i] > i) {
            return eg_fail(err, EAGLE_EFORMAT, "round %d, node %d: parent %d is no earlier node", r,
                           i + 1, parent[i]);
        }
        if (!eg_tree_new_sibling(parent, token, i)) {
            return eg_fail(err, EAGLE_EFORMAT, "round %d, node %d: a sibling has token %d already",
                           r, i + 1, token[i]);
        }
    }
    return EAGLE_OK;
}

/* Room for one round more; false without memory. */
static bool grow(eagle_rounds *rounds)
{
    if (rounds->n < rounds->cap) {
        return true;
    }
    int32_t cap = rounds->cap > 0 ? 2 * rounds->cap : 16;
    struct record **grown =
        cap < MAX_ROUNDS ? realloc(rounds->record, (size_t)cap * sizeof *grown) : NULL;

    if (grown == NULL) {
        return false;
    }
    rounds->record = grown;
    rounds->cap = cap;
    return true;
}

eagle_status eagle_rounds_add(eagle_rounds *rounds, int32_t root, const int32_t *token,
                              const int32_t *parent, int32_t n, eagle_error *err)
{
    eagle_status st = check_round(rounds, root, token, parent, n, err);

    if (st != EAGLE_OK) {
        return st;
    }
    struct record *record =
        grow(rounds) ? eg_alloc(1, sizeof *record + 2 * (size_t)n * sizeof *token) : NULL;

    if (record == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "rounds: no memory for round %d", rounds->n);
    }
    record->root = root;
    record->n = n;
    for (int32_t i = 0; i < n; i++) {
        record->node[i] = token[i];
        record->node[n + i] = parent[i];
    }
    rounds->record[rounds->n++] = record;
    rounds->max_nodes = n > rounds->max_nodes ? n : rounds->max_nodes;
    return EAGLE_OK;
}

int32_t eagle_rounds_count(const eagle_rounds *rounds)
{
    return rounds->n;
}

int32_t eagle_rounds_max_nodes(const eagle_rounds *rounds)
{
    return rounds->max_nodes;
}

int32_t eagle_rounds_get(const eagle_rounds *rounds, int32_t r, int32_t *root,
                         const int32_t **token, const int32_t **parent)
{
    const struct record *record = rounds->record[r];

    *root = record->root;
    *token = record->node;
    *parent = record->node + record->n;
    return record->n;
}
