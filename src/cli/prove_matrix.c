/* SPDX-License-Identifier: MIT */
/* prove_matrix.c - see prove_matrix.h. */
#include "cli/prove_matrix.h"

#include <stdlib.h>

#define GREEDY    EAGLE_VERIFY_GREEDY
#define COUPLED   EAGLE_VERIFY_COUPLED
#define REJECTION EAGLE_VERIFY_REJECTION
#define WIDE      "0,1,2,3,4,5,6,7,0.0,1.0,2.0,3.0,4.0,5.0,6.0,7.0"

/* Unfiltered, a round has 16 outcomes for each of its nodes, and a text of 4 tokens is one of
 * 50,000; filtered to 3 tokens, texts may be longer, and children be drawn in every way. The wide
 * tree has end tokens inside. */
static const eg_prove_row rows[] = {
    {GREEDY, 0.0f, 0, "1", "0", false, {NULL, 3, 2, 6}, 16, 16},
    {GREEDY, 0.0f, 0, "1", "0", false, {"0,1,0.0,0.1,1.0", 0, 0, 0}, 16, 16},
    {COUPLED, 1.0f, 0, "1", "0", false, {WIDE, 0, 0, 0}, 3, 3},
    {COUPLED, 0.7f, 0, "0.9", "0", false, {"0,1,0.0,0.1,1.0", 0, 0, 0}, 5, 5},
    {REJECTION, 1.0f, 0, "1", "0", false, {NULL, 2, 2, 5}, 4, 3},
    {REJECTION, 0.7f, 0, "0.9", "0", false, {NULL, 3, 3, 7}, 5, 5},
    {REJECTION, 0.7f, 0, "0.9", "0", false, {"0,1,2,0.0,0.1,1.0,0.0.0", 0, 0, 0}, 5, 5},
    {REJECTION, 1.3f, 4, "1", "0.05", false, {NULL, 3, 1, 3}, 6, 5},
    {REJECTION, 1.0f, 3, "1", "0", true, {"0,0.0,0.0.0", 0, 0, 0}, 5, 4},
    {REJECTION, 1.0f, 3, "1", "0", true, {"0,1,0.0,1.0", 0, 0, 0}, 5, 3},
    {REJECTION, 1.5f, 4, "1", "0", true, {"0,1,2", 0, 0, 0}, 5, 3},
    {REJECTION, 0.7f, 3, "0.9", "0", true, {"0,1,0.0,0.1", 0, 0, 0}, 5, 4},
};

const eg_prove_row *eg_prove_row_at(int32_t i)
{
    return i >= 0 && i < (int32_t)(sizeof rows / sizeof rows[0]) ? &rows[i] : NULL;
}

#define MAX_RANKS 64

/* "0,1,0.0" as rank paths. The texts are those above. */
static eagle_status read_shape(eagle_shape **out, const char *text, eagle_error *err)
{
    int32_t rank[MAX_RANKS];
    int32_t length[MAX_RANKS];
    int32_t n_ranks = 0;
    int32_t n_paths = 1;

    length[0] = 0;
    for (const char *c = text; *c != '\0' && n_ranks < MAX_RANKS; c++) {
        if (*c == ',') {
            length[n_paths++] = 0;
        } else if (*c != '.') {
            rank[n_ranks++] = *c - '0';
            length[n_paths - 1]++;
        }
    }
    return eagle_shape_create(out, rank, length, n_paths, err);
}

eagle_status eg_prove_drafter(eagle_drafter **out, const eg_prove_row *row, const eagle_head *head,
                              eagle_error *err)
{
    eagle_shape *shape = NULL;

    *out = NULL;
    if (row->tree.shape == NULL) {
        return eg_tree_drafter(out, head, &row->tree, false, err);
    }
    eagle_status st = read_shape(&shape, row->tree.shape, err);

    if (st == EAGLE_OK) {
        st = eagle_drafter_static(out, head, shape, row->drawn, err);
    }
    eagle_shape_free(shape);
    return st;
}
