/* SPDX-License-Identifier: MIT */
/* rounds.c - recorded trees, one per round, for replay. */
#include "base/alloc.h"
#include "base/error.h"
#include "tree/tree.h"

#include <stdlib.h>
#include <string.h>

struct round {
    int32_t root;
    int32_t n;       /* nodes without the root                                          */
    int32_t *token;  /* [n] of node i + 1                                               */
    int32_t *parent; /* [n] the second half of token's allocation; 0 = root, i = node i */
};

struct eagle_rounds {
    int32_t n;
    int32_t cap;
    int32_t max_nodes;
    struct round *round; /* [cap] */
};

eagle_status eagle_rounds_create(eagle_rounds **out, eagle_error *err)
{
    *out = eg_alloc(1, sizeof **out);
    return *out != NULL ? EAGLE_OK : eg_fail(err, EAGLE_ENOMEM, "rounds: no memory");
}

void eagle_rounds_free(eagle_rounds *rounds)
{
    if (rounds == NULL) {
        return;
    }
    for (int32_t r = 0; r < rounds->n; r++) {
        free(rounds->round[r].token);
    }
    free(rounds->round);
    free(rounds);
}

/* The rules of a tree, for a round that comes from a file. */
static eagle_status check_round(const eagle_rounds *rounds, int32_t root, const int32_t *token,
                                const int32_t *parent, int32_t n, eagle_error *err)
{
    int32_t r = rounds->n;

    if (root < 0 || n < 0) {
        return eg_fail(err, EAGLE_EFORMAT, "round %d: root %d, %d nodes", r, root, n);
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
    size_t cap = rounds->cap > 0 ? 2 * (size_t)rounds->cap : 16;
    size_t bytes;

    if (cap > INT32_MAX || !eg_mul_size(&bytes, cap, sizeof *rounds->round)) {
        return false;
    }
    struct round *grown = realloc(rounds->round, bytes);

    if (grown == NULL) {
        return false;
    }
    rounds->round = grown;
    rounds->cap = (int32_t)cap;
    return true;
}

eagle_status eagle_rounds_add(eagle_rounds *rounds, int32_t root, const int32_t *token,
                              const int32_t *parent, int32_t n, eagle_error *err)
{
    eagle_status st = check_round(rounds, root, token, parent, n, err);

    if (st != EAGLE_OK) {
        return st;
    }
    size_t half = (size_t)n;
    int32_t *nodes = eg_alloc(2 * half, sizeof *nodes);

    if (nodes == NULL || !grow(rounds)) {
        free(nodes);
        return eg_fail(err, EAGLE_ENOMEM, "rounds: no memory for round %d", rounds->n);
    }
    if (n > 0) {
        memcpy(nodes, token, half * sizeof *nodes);
        memcpy(nodes + half, parent, half * sizeof *nodes);
    }
    rounds->round[rounds->n++] =
        (struct round){.root = root, .n = n, .token = nodes, .parent = nodes + half};
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
    const struct round *at = &rounds->round[r];

    *root = at->root;
    *token = at->token;
    *parent = at->parent;
    return at->n;
}
