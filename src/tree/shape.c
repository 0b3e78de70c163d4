/* SPDX-License-Identifier: MIT */
/* shape.c - static trees: where the nodes are, before anybody knows their tokens.
 *
 * A node is named by the ranks on its path: [0, 2] is the third likeliest child of the root's
 * likeliest child. Sorting the paths by (length, ranks) numbers the nodes. */
#include "base/alloc.h"
#include "base/error.h"
#include "tree/tree.h"

#include <stdlib.h>
#include <string.h>

struct shape_node {
    int32_t parent;
    int32_t rank;
    int32_t level;
};

struct eagle_shape {
    int32_t n;                /* nodes without the root */
    int32_t max_rank;         /* largest rank           */
    struct shape_node node[]; /* [n + 1] node[0] is the root */
};

struct rank_path {
    const int32_t *rank; /* [length], borrowed from the caller */
    int32_t length;
    int32_t given; /* its place in the caller's list, for messages */
};

/* By length, then by ranks from the root on. */
static int compare_paths(const void *left, const void *right)
{
    const struct rank_path *a = left;
    const struct rank_path *b = right;

    if (a->length != b->length) {
        return a->length < b->length ? -1 : 1;
    }
    for (int32_t d = 0; d < a->length; d++) {
        if (a->rank[d] != b->rank[d]) {
            return a->rank[d] < b->rank[d] ? -1 : 1;
        }
    }
    return 0;
}

/* Lays the caller's list out as paths, and sorts them. */
static eagle_status sort_paths(struct rank_path *paths, const int32_t *ranks, const int32_t *length,
                               int32_t n, eagle_error *err)
{
    for (int32_t i = 0; i < n; i++) {
        if (length[i] < 1) {
            return eg_fail(err, EAGLE_EFORMAT, "shape: path %d has no ranks", i);
        }
        paths[i] = (struct rank_path){.rank = ranks, .length = length[i], .given = i};
        for (int32_t d = 0; d < length[i]; d++) {
            if (ranks[d] < 0) {
                return eg_fail(err, EAGLE_EFORMAT, "shape: path %d has the rank %d", i, ranks[d]);
            }
        }
        ranks += length[i];
    }
    qsort(paths, (size_t)n, sizeof *paths, compare_paths);
    return EAGLE_OK;
}

/* Makes node i of the sorted path i - 1. */
static eagle_status place_node(eagle_shape *shape, const struct rank_path *paths, int32_t i,
                               eagle_error *err)
{
    const struct rank_path *own = &paths[i - 1];
    const struct rank_path prefix = {.rank = own->rank, .length = own->length - 1};
    int32_t rank = own->rank[prefix.length];
    int32_t parent = 0;

    if (i > 1 && compare_paths(own - 1, own) == 0) {
        return eg_fail(err, EAGLE_EFORMAT, "shape: paths %d and %d are the same", own[-1].given,
                       own->given);
    }
    if (prefix.length > 0) { /* prefixes are shorter, so they stand before */
        const struct rank_path *found =
            bsearch(&prefix, paths, (size_t)i - 1, sizeof *paths, compare_paths);

        if (found == NULL) {
            return eg_fail(err, EAGLE_EFORMAT, "shape: path %d lacks its prefix of length %d",
                           own->given, prefix.length);
        }
        parent = (int32_t)(found - paths) + 1;
    }
    shape->node[i] = (struct shape_node){.parent = parent, .rank = rank, .level = own->length};
    shape->max_rank = rank > shape->max_rank ? rank : shape->max_rank;
    return EAGLE_OK;
}

eagle_status eagle_shape_create(eagle_shape **out, const int32_t *ranks, const int32_t *length,
                                int32_t n_paths, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    *out = NULL;
    if (n_paths < 1 || n_paths > EAGLE_MAX_NODES) {
        return eg_fail(err, EAGLE_EFORMAT, "shape: %d paths, needs 1 to %d", n_paths,
                       EAGLE_MAX_NODES);
    }
    const size_t n = (size_t)n_paths;
    struct rank_path *paths = eg_alloc(n, sizeof *paths);
    eagle_shape *shape = eg_alloc(1, sizeof *shape + (n + 1) * sizeof shape->node[0]);

    if (shape == NULL || paths == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "shape: no memory for %d paths", n_paths);
        goto done;
    }
    shape->n = n_paths;
    st = sort_paths(paths, ranks, length, n_paths, err);
    for (int32_t i = 1; i <= n_paths && st == EAGLE_OK; i++) {
        st = place_node(shape, paths, i, err);
    }
    if (st == EAGLE_OK) {
        *out = shape;
        shape = NULL;
    }

done:
    free(shape);
    free(paths);
    return st;
}

/* Reference: EAGLE-1's only tree, 25 nodes; the name came with Medusa's code, whose tree of this
 * name is another one. */
eagle_status eagle_shape_named(eagle_shape **out, const char *name, eagle_error *err)
{
    static const int32_t length[25] = {1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3,
                                       3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 5, 5};
    /* clang-format off */
    static const int32_t ranks[] = {
        0,  1,  2,  3,
        0,0,  0,1,  0,2,  1,0,  1,1,  2,0,  2,1,  3,0,
        0,0,0,  0,0,1,  0,0,2,  0,1,0,  0,1,1,  0,2,0,  0,2,1,  1,0,0,
        0,0,0,0,  0,0,0,1,  0,0,0,2,
        0,0,0,0,0,  0,0,0,0,1,
    };
    /* clang-format on */

    *out = NULL;
    if (strcmp(name, "mc_sim_7b_63") != 0) {
        return eg_fail(err, EAGLE_EINVAL, "no tree shape is called %s; known: mc_sim_7b_63", name);
    }
    return eagle_shape_create(out, ranks, length, 25, err);
}

void eagle_shape_free(eagle_shape *shape)
{
    free(shape);
}

int32_t eagle_shape_nodes(const eagle_shape *shape)
{
    return shape->n;
}

int32_t eagle_shape_depth(const eagle_shape *shape)
{
    return shape->node[shape->n].level; /* sorted by length */
}

int32_t eagle_shape_max_rank(const eagle_shape *shape)
{
    return shape->max_rank;
}

int32_t eagle_shape_parent(const eagle_shape *shape, int32_t i)
{
    return shape->node[i].parent;
}

int32_t eagle_shape_rank(const eagle_shape *shape, int32_t i)
{
    return shape->node[i].rank;
}

int32_t eagle_shape_level(const eagle_shape *shape, int32_t i)
{
    return shape->node[i].level;
}
