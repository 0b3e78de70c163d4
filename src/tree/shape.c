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

struct eagle_shape {
    int32_t n;        /* nodes without the root */
    int32_t levels;   /* depth of the deepest   */
    int32_t max_rank; /* largest rank           */
    int32_t *parent;  /* [n] of node i + 1      */
    int32_t *rank;    /* [n]                    */
    int32_t *level;   /* [n]                    */
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

/* Gives sorted path i its place in the shape. */
static eagle_status place_path(eagle_shape *shape, const struct rank_path *paths, int32_t i,
                               eagle_error *err)
{
    struct rank_path prefix = {.rank = paths[i].rank, .length = paths[i].length - 1};
    int32_t rank = paths[i].rank[prefix.length];

    if (i > 0 && compare_paths(&paths[i - 1], &paths[i]) == 0) {
        return eg_fail(err, EAGLE_EFORMAT, "shape: paths %d and %d are the same",
                       paths[i - 1].given, paths[i].given);
    }
    if (prefix.length > 0) { /* prefixes are shorter, so they stand before i */
        const struct rank_path *found =
            bsearch(&prefix, paths, (size_t)i, sizeof *paths, compare_paths);

        if (found == NULL) {
            return eg_fail(err, EAGLE_EFORMAT, "shape: path %d lacks its prefix of length %d",
                           paths[i].given, prefix.length);
        }
        shape->parent[i] = (int32_t)(found - paths) + 1;
    }
    shape->rank[i] = rank;
    shape->level[i] = paths[i].length;
    shape->levels = paths[i].length;
    shape->max_rank = rank > shape->max_rank ? rank : shape->max_rank;
    return EAGLE_OK;
}

static eagle_shape *new_shape(int32_t n)
{
    eagle_shape *shape = eg_alloc(1, sizeof *shape);

    if (shape == NULL) {
        return NULL;
    }
    shape->n = n;
    shape->parent = eg_alloc((size_t)n, sizeof *shape->parent);
    shape->rank = eg_alloc((size_t)n, sizeof *shape->rank);
    shape->level = eg_alloc((size_t)n, sizeof *shape->level);
    if (shape->parent == NULL || shape->rank == NULL || shape->level == NULL) {
        eagle_shape_free(shape);
        return NULL;
    }
    return shape;
}

eagle_status eagle_shape_create(eagle_shape **out, const int32_t *ranks, const int32_t *length,
                                int32_t n_paths, eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    eagle_shape *shape = NULL;
    struct rank_path *paths = NULL;

    *out = NULL;
    if (n_paths < 1 || n_paths == INT32_MAX) {
        return eg_fail(err, EAGLE_EFORMAT, "shape: %d paths, needs at least 1", n_paths);
    }
    shape = new_shape(n_paths);
    paths = eg_alloc((size_t)n_paths, sizeof *paths);
    if (shape == NULL || paths == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "shape: no memory for %d paths", n_paths);
        goto done;
    }
    st = sort_paths(paths, ranks, length, n_paths, err);
    for (int32_t i = 0; i < n_paths && st == EAGLE_OK; i++) {
        st = place_path(shape, paths, i, err);
    }
    if (st == EAGLE_OK) {
        *out = shape;
        shape = NULL;
    }

done:
    free(paths);
    eagle_shape_free(shape);
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
    if (shape == NULL) {
        return;
    }
    free(shape->level);
    free(shape->rank);
    free(shape->parent);
    free(shape);
}

int32_t eagle_shape_nodes(const eagle_shape *shape)
{
    return shape->n;
}

int32_t eagle_shape_depth(const eagle_shape *shape)
{
    return shape->levels;
}

int32_t eagle_shape_max_rank(const eagle_shape *shape)
{
    return shape->max_rank;
}

int32_t eagle_shape_parent(const eagle_shape *shape, int32_t i)
{
    return shape->parent[i - 1];
}

int32_t eagle_shape_rank(const eagle_shape *shape, int32_t i)
{
    return shape->rank[i - 1];
}

int32_t eagle_shape_level(const eagle_shape *shape, int32_t i)
{
    return shape->level[i - 1];
}
