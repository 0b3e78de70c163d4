/* SPDX-License-Identifier: MIT */
/* test_tree.c - trees, static shapes, recorded rounds. */
#include "tree/tree.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t rng_state = 1;

static uint32_t below(uint32_t n)
{
    rng_state = rng_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(rng_state >> 33) % n;
}

static eagle_tree *new_tree(int32_t cap)
{
    eagle_tree *tree = NULL;

    assert_int_equal(eagle_tree_create(&tree, cap, NULL), EAGLE_OK);
    return tree;
}

/* root 7 at position 40; 1: 5, 2: 6 below it; 3: 5 below 1; 4: 9 below 2; 5: 8 below 1 */
static eagle_tree *example(void)
{
    static const int32_t parent[] = {0, 0, 1, 2, 1};
    static const int32_t token[] = {5, 6, 5, 9, 8};
    eagle_tree *tree = new_tree(6);

    eagle_tree_reset(tree, 7, 40);
    for (int32_t i = 0; i < 5; i++) {
        assert_int_equal(eagle_tree_add(tree, parent[i], token[i], -0.5f), i + 1);
    }
    return tree;
}

/* ---- trees ----------------------------------------------------------------------------------- */

static void a_new_tree_is_a_root_alone(void **state)
{
    (void)state;
    eagle_tree *tree = new_tree(1);

    assert_int_equal(tree->n_nodes, 1);
    assert_int_equal(tree->token[0], 0);
    assert_int_equal(tree->pos, 0);
    assert_int_equal(eagle_tree_check(tree, 1, NULL), EAGLE_OK);
    eagle_tree_reset(tree, 3, 12);
    assert_int_equal(tree->n_nodes, 1);
    assert_int_equal(tree->n_verify, 1);
    assert_int_equal(tree->pos, 12);
    assert_int_equal(tree->token[0], 3);
    assert_int_equal(tree->parent[0], -1);
    assert_int_equal(tree->depth[0], 0);
    assert_null(tree->law[0]);
    assert_int_equal(eagle_tree_check(tree, 4, NULL), EAGLE_OK);
    eagle_tree_free(tree);
    eagle_tree_free(NULL);
}

/* Whatever nodes of these numbers carried before. */
static void new_nodes_have_their_score_and_no_law(void **state)
{
    (void)state;
    const uint64_t law[1] = {1};
    eagle_tree *tree = example();

    for (int32_t i = 0; i < 6; i++) {
        tree->law[i] = law;
        tree->score[i] = -9.0f;
    }
    eagle_tree_reset(tree, 7, 40);
    assert_null(tree->law[0]);
    assert_true(tree->score[0] == 0.0f);
    assert_int_equal(eagle_tree_add(tree, 0, 5, -0.25f), 1);
    assert_null(tree->law[1]);
    assert_true(tree->score[1] == -0.25f);

    /* Arrays that are not there stay so. */
    const uint64_t **laws = tree->law;
    float *scores = tree->score;

    tree->law = NULL;
    tree->score = NULL;
    assert_int_equal(eagle_tree_add(tree, 0, 6, -0.5f), 2);
    tree->law = laws;
    tree->score = scores;
    assert_true(tree->law[2] == law && tree->score[2] == -9.0f);
    eagle_tree_free(tree);
}

static void a_tree_without_room_for_its_root_is_refused(void **state)
{
    (void)state;
    eagle_tree *tree = (eagle_tree *)&rng_state;
    eagle_error err = {0};

    assert_int_equal(eagle_tree_create(&tree, 0, &err), EAGLE_EINVAL);
    assert_null(tree);
    assert_string_equal(err.message, "tree: room for 0 nodes, needs at least 1");
}

static void children_come_in_order_of_their_numbers(void **state)
{
    (void)state;
    eagle_tree *tree = example();

    assert_int_equal(eagle_tree_next_child(tree, 0, 0), 1);
    assert_int_equal(eagle_tree_next_child(tree, 0, 1), 2);
    assert_int_equal(eagle_tree_next_child(tree, 0, 2), -1);
    assert_int_equal(eagle_tree_next_child(tree, 1, 0), 3);
    assert_int_equal(eagle_tree_next_child(tree, 1, 3), 5);
    assert_int_equal(eagle_tree_next_child(tree, 5, 0), -1);
    assert_int_equal(eagle_tree_child(tree, 0, 5), 1);
    assert_int_equal(eagle_tree_child(tree, 1, 5), 3);
    assert_int_equal(eagle_tree_child(tree, 1, 8), 5);
    assert_int_equal(eagle_tree_child(tree, 2, 8), -1);
    eagle_tree_free(tree);
}

static void nodes_that_are_not_walked_are_no_children(void **state)
{
    (void)state;
    eagle_tree *tree = example();

    tree->n_verify = 4;
    assert_int_equal(eagle_tree_next_child(tree, 1, 0), 3);
    assert_int_equal(eagle_tree_next_child(tree, 1, 3), -1);
    assert_int_equal(eagle_tree_child(tree, 1, 8), -1);
    assert_int_equal(eagle_tree_child(tree, 2, 9), -1);
    assert_int_equal(eagle_tree_check(tree, 10, NULL), EAGLE_OK);
    eagle_tree_free(tree);
}

static void add_refuses_what_breaks_a_rule_and_changes_nothing(void **state)
{
    (void)state;
    eagle_tree *tree = example();

    assert_int_equal(eagle_tree_add(tree, 0, 1, 0.0f), -1); /* full */
    eagle_tree_free(tree);

    tree = new_tree(8);
    eagle_tree_reset(tree, 7, 0);
    assert_int_equal(eagle_tree_add(tree, 0, 5, 0.0f), 1);
    assert_int_equal(eagle_tree_add(tree, 0, 5, 0.0f), -1); /* a sibling has the token */
    assert_int_equal(eagle_tree_add(tree, 1, 5, 0.0f), 2);  /* a child may have its parent's */
    assert_int_equal(eagle_tree_add(tree, 3, 5, 0.0f), -1); /* no node */
    assert_int_equal(eagle_tree_add(tree, -1, 5, 0.0f), -1);
    tree->n_verify = 2;
    assert_int_equal(eagle_tree_add(tree, 0, 6, 0.0f), -1); /* behind a node that is not walked */
    assert_int_equal(tree->n_nodes, 3);
    assert_int_equal(tree->n_verify, 2);
    eagle_tree_free(tree);
}

static void a_path_lists_the_ancestors_by_depth(void **state)
{
    (void)state;
    eagle_tree *tree = example();
    int32_t path[6] = {-1, -1, -1, -1, -1, -1};

    assert_int_equal(eg_tree_path(path, tree, 0), 1);
    assert_int_equal(path[0], 0);
    path[0] = -1;
    assert_int_equal(eg_tree_path(path, tree, 5), 3);
    assert_memory_equal(path, ((int32_t[]){0, 1, 5}), 3 * sizeof *path);
    eagle_tree_free(tree);
}

static void check_names_the_node_and_the_fault(void **state)
{
    (void)state;
    eagle_tree *tree = example();
    eagle_error err = {0};

    assert_int_equal(eagle_tree_check(tree, 10, &err), EAGLE_OK);
    assert_int_equal(eagle_tree_check(tree, 9, &err), EAGLE_EFORMAT);
    assert_string_equal(err.message, "tree node 4: token 9 of a vocabulary of 9");
    tree->token[5] = 5;
    assert_int_equal(eagle_tree_check(tree, 10, &err), EAGLE_EFORMAT);
    assert_string_equal(err.message, "tree node 5: a sibling has its token 5 already");
    tree->token[5] = 8;
    tree->depth[4] = 3;
    assert_int_equal(eagle_tree_check(tree, 10, &err), EAGLE_EFORMAT);
    assert_string_equal(err.message, "tree node 4: depth 3 below a parent of depth 1");
    tree->depth[4] = 2;
    tree->depth[3] = 9;
    assert_int_equal(eagle_tree_check(tree, 10, &err), EAGLE_EFORMAT);
    assert_string_equal(err.message, "tree node 3: depth 9 below a parent of depth 1");
    tree->depth[3] = 2;
    tree->parent[0] = 3;
    tree->depth[0] = 7;
    assert_int_equal(eagle_tree_check(tree, 10, &err), EAGLE_EFORMAT);
    assert_string_equal(err.message, "tree node 0: parent 3, depth 7; a root has -1, 0");
    tree->parent[0] = -1;
    tree->depth[0] = 0;
    tree->n_nodes = 0;
    assert_int_equal(eagle_tree_check(tree, 10, &err), EAGLE_EFORMAT);
    assert_string_equal(err.message, "tree: 0 nodes, needs 1 to 6");
    tree->n_nodes = 6;
    tree->score[2] = NAN;
    assert_int_equal(eagle_tree_check(tree, 10, &err), EAGLE_EFORMAT);
    tree->score[2] = 0.25f;
    assert_int_equal(eagle_tree_check(tree, 10, &err), EAGLE_EFORMAT);
    assert_string_equal(err.message, "tree node 2: score 0.25 is no log-probability");
    tree->score[2] = 0.0f;
    tree->pos = INT32_MAX - 5;
    assert_int_equal(eagle_tree_check(tree, 10, &err), EAGLE_EFORMAT);
    tree->pos = INT32_MAX - 6;
    assert_int_equal(eagle_tree_check(tree, 10, &err), EAGLE_OK);
    eagle_tree_free(tree);
}

/* The rules of tree.h once more, as plainly as can be. */
static bool keeps_the_rules(const eagle_tree *t, int32_t vocab)
{
    bool good = t->n_nodes >= 1 && t->n_nodes <= t->cap && t->n_verify >= 1 &&
                t->n_verify <= t->n_nodes && t->pos >= 0;

    good = good && t->parent[0] == -1 && t->depth[0] == 0;
    for (int32_t i = 0; good && i < t->n_nodes; i++) {
        good = t->token[i] >= 0 && t->token[i] < vocab && t->score[i] <= 0;
        if (i > 0) {
            good = good && t->parent[i] >= 0 && t->parent[i] < i &&
                   t->depth[i] == t->depth[t->parent[i]] + 1;
        }
        for (int32_t j = 1; j < i; j++) {
            good = good && (t->parent[j] != t->parent[i] || t->token[j] != t->token[i]);
        }
    }
    return good;
}

static void check_agrees_with_the_rules_on_damaged_trees(void **state)
{
    (void)state;
    int32_t n_bad = 0;

    for (int32_t i = 0; i < 20000; i++) {
        eagle_tree *tree = example();
        int32_t at = (int32_t)below(6);

        for (uint32_t hits = 1 + below(2); hits > 0; hits--) {
            int32_t value = (int32_t)below(13) - 2;

            switch (below(7)) {
            case 0: tree->n_nodes = value; break;
            case 1: tree->n_verify = value; break;
            case 2: tree->pos = value; break;
            case 3: tree->token[at] = value; break;
            case 4: tree->parent[at] = value; break;
            case 5: tree->depth[at] = value; break;
            default: tree->score[at] = (float)value; break;
            }
        }
        bool good = keeps_the_rules(tree, 10);

        n_bad += !good;
        assert_int_equal(eagle_tree_check(tree, 10, NULL), good ? EAGLE_OK : EAGLE_EFORMAT);
        eagle_tree_free(tree);
    }
    assert_in_range(n_bad, 5000, 19000); /* both kinds were met */
}

static void check_takes_trees_without_scores_and_laws(void **state)
{
    (void)state;
    int32_t token[] = {1, 2};
    int32_t parent[] = {-1, 0};
    int32_t depth[] = {0, 1};
    const eagle_tree tree = {.n_nodes = 2,
                             .n_verify = 2,
                             .cap = 2,
                             .pos = 0,
                             .token = token,
                             .parent = parent,
                             .depth = depth};

    assert_int_equal(eagle_tree_check(&tree, 3, NULL), EAGLE_OK);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static void eagle_1s_tree_has_its_published_table(void **state)
{
    (void)state;
    static const int32_t parent[25] = {0, 0, 0, 0, 1, 1, 1, 2,  2,  3,  3,  4, 5,
                                       5, 5, 6, 6, 7, 7, 8, 13, 13, 13, 21, 21};
    static const int32_t depth[25] = {1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3,
                                      3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 5, 5};
    static const int32_t rank[25] = {0, 1, 2, 3, 0, 1, 2, 0, 1, 0, 1, 0, 0,
                                     1, 2, 0, 1, 0, 1, 0, 0, 1, 2, 0, 1};
    eagle_shape *shape = NULL;
    eagle_error err = {0};

    assert_int_equal(eagle_shape_named(&shape, "mc_sim_7b_63", NULL), EAGLE_OK);
    assert_int_equal(eagle_shape_nodes(shape), 25);
    assert_int_equal(eagle_shape_depth(shape), 5);
    assert_int_equal(eagle_shape_max_rank(shape), 3);
    for (int32_t i = 1; i <= 25; i++) {
        assert_int_equal(eagle_shape_parent(shape, i), parent[i - 1]);
        assert_int_equal(eagle_shape_level(shape, i), depth[i - 1]);
        assert_int_equal(eagle_shape_rank(shape, i), rank[i - 1]);
    }
    eagle_shape_free(shape);
    assert_int_equal(eagle_shape_named(&shape, "medusa", &err), EAGLE_EINVAL);
    assert_string_equal(err.message, "no tree shape is called medusa; known: mc_sim_7b_63");
    assert_null(shape);
    eagle_shape_free(NULL);
}

static void the_order_of_paths_does_not_matter(void **state)
{
    (void)state;
    /* [1,0,2] [0] [1,0] [2] [1] [0,7] */
    const int32_t ranks[] = {1, 0, 2, 0, 1, 0, 2, 1, 0, 7};
    const int32_t length[] = {3, 1, 2, 1, 1, 2};
    /* numbered: 1 [0], 2 [1], 3 [2], 4 [0,7], 5 [1,0], 6 [1,0,2] */
    const int32_t parent[] = {0, 0, 0, 1, 2, 5};
    const int32_t rank[] = {0, 1, 2, 7, 0, 2};
    eagle_shape *shape = NULL;

    assert_int_equal(eagle_shape_create(&shape, ranks, length, 6, NULL), EAGLE_OK);
    assert_int_equal(eagle_shape_depth(shape), 3);
    assert_int_equal(eagle_shape_max_rank(shape), 7);
    for (int32_t i = 1; i <= 6; i++) {
        assert_int_equal(eagle_shape_parent(shape, i), parent[i - 1]);
        assert_int_equal(eagle_shape_rank(shape, i), rank[i - 1]);
    }
    eagle_shape_free(shape);
}

static void assert_bad_shape(const int32_t *ranks, const int32_t *length, int32_t n,
                             const char *message)
{
    eagle_shape *shape = (eagle_shape *)&rng_state;
    eagle_error err = {0};

    assert_int_equal(eagle_shape_create(&shape, ranks, length, n, &err), EAGLE_EFORMAT);
    assert_null(shape);
    assert_string_equal(err.message, message);
}

static void bad_shapes_are_refused_by_path(void **state)
{
    (void)state;
    const int32_t ranks[] = {0, 1, 0, 1, -1};

    assert_bad_shape(ranks, (int32_t[]){1, 2}, 2, "shape: path 1 lacks its prefix of length 1");
    assert_bad_shape(ranks, (int32_t[]){1, 1, 1}, 3, "shape: paths 0 and 2 are the same");
    assert_bad_shape(ranks, (int32_t[]){1, 0}, 2, "shape: path 1 has no ranks");
    assert_bad_shape(ranks, (int32_t[]){1, 1, 3}, 3, "shape: path 2 has the rank -1");
    assert_bad_shape(ranks + 4, (int32_t[]){1}, 1, "shape: path 0 has the rank -1");
    assert_bad_shape(ranks, NULL, 0, "shape: 0 paths, needs 1 to 8191");
    assert_bad_shape((int32_t[]){0, 1, 2, 3, 0}, (int32_t[]){1, 1, 1, 2}, 4,
                     "shape: path 3 lacks its prefix of length 1");

    static int32_t each[EAGLE_MAX_NODES];
    static int32_t ones[EAGLE_MAX_NODES];
    eagle_shape *one = NULL; /* the smallest there is, and the largest */

    for (int32_t i = 0; i < EAGLE_MAX_NODES; i++) {
        each[i] = i;
        ones[i] = 1;
    }
    assert_int_equal(eagle_shape_create(&one, each, ones, EAGLE_MAX_NODES, NULL), EAGLE_OK);
    assert_int_equal(eagle_shape_max_rank(one), EAGLE_MAX_NODES - 1);
    eagle_shape_free(one);

    assert_int_equal(eagle_shape_create(&one, ranks, (int32_t[]){1}, 1, NULL), EAGLE_OK);
    assert_int_equal(eagle_shape_nodes(one), 1);
    eagle_shape_free(one);
}

/* ---- rounds ---------------------------------------------------------------------------------- */

static void rounds_come_back_as_they_were_added(void **state)
{
    (void)state;
    eagle_rounds *rounds = NULL;

    assert_int_equal(eagle_rounds_create(&rounds, NULL), EAGLE_OK);
    assert_int_equal(eagle_rounds_max_nodes(rounds), 0);
    for (int32_t r = 0; r < 40; r++) {
        int32_t token[] = {r, r + 1, r};
        int32_t parent[] = {0, 0, 1};

        assert_int_equal(eagle_rounds_add(rounds, 100 + r, token, parent, r % 4, NULL), EAGLE_OK);
    }
    assert_int_equal(eagle_rounds_count(rounds), 40);
    assert_int_equal(eagle_rounds_max_nodes(rounds), 3);
    for (int32_t r = 0; r < 40; r++) {
        int32_t root;
        const int32_t *token;
        const int32_t *parent;

        assert_int_equal(eagle_rounds_get(rounds, r, &root, &token, &parent), r % 4);
        assert_int_equal(root, 100 + r);
        for (int32_t i = 0; i < r % 4; i++) {
            assert_int_equal(token[i], r + i % 2);
            assert_int_equal(parent[i], i / 2);
        }
    }
    eagle_rounds_free(rounds);
    eagle_rounds_free(NULL);
}

static void rounds_that_are_no_trees_are_refused(void **state)
{
    (void)state;
    const int32_t token[] = {4, 5, 4};
    static int32_t chain[EAGLE_MAX_NODES]; /* as tokens, and as parents */
    eagle_rounds *rounds = NULL;
    eagle_error err = {0};

    assert_int_equal(eagle_rounds_create(&rounds, NULL), EAGLE_OK);
    assert_int_equal(eagle_rounds_add(rounds, 1, token, (int32_t[]){0, 2, 0}, 3, &err),
                     EAGLE_EFORMAT);
    assert_string_equal(err.message, "round 0, node 2: parent 2 is no earlier node");
    assert_int_equal(eagle_rounds_add(rounds, 1, token, (int32_t[]){0, 1, 0}, 3, &err),
                     EAGLE_EFORMAT);
    assert_string_equal(err.message, "round 0, node 3: a sibling has token 4 already");
    assert_int_equal(eagle_rounds_add(rounds, 1, (int32_t[]){3, -1}, (int32_t[]){0, 0}, 2, &err),
                     EAGLE_EFORMAT);
    assert_string_equal(err.message, "round 0, node 2: token -1");
    assert_int_equal(eagle_rounds_add(rounds, 1, (int32_t[]){-4}, (int32_t[]){0}, 1, &err),
                     EAGLE_EFORMAT);
    assert_int_equal(eagle_rounds_add(rounds, 1, token, (int32_t[]){1}, 1, &err), EAGLE_EFORMAT);
    assert_string_equal(err.message, "round 0, node 1: parent 1 is no earlier node");
    assert_int_equal(eagle_rounds_add(rounds, 1, token, (int32_t[]){-1}, 1, &err), EAGLE_EFORMAT);
    assert_int_equal(eagle_rounds_add(rounds, -1, NULL, NULL, 0, &err), EAGLE_EFORMAT);
    assert_int_equal(eagle_rounds_add(rounds, 1, NULL, NULL, -1, &err), EAGLE_EFORMAT);
    assert_int_equal(eagle_rounds_add(rounds, 1, NULL, NULL, EAGLE_MAX_NODES + 1, &err),
                     EAGLE_EFORMAT);
    assert_int_equal(eagle_rounds_count(rounds), 0);
    assert_int_equal(eagle_rounds_add(rounds, 0, (int32_t[]){0}, (int32_t[]){0}, 1, NULL),
                     EAGLE_OK); /* the lowest token there is, as root and node */
    for (int32_t i = 0; i < EAGLE_MAX_NODES; i++) {
        chain[i] = i;
    }
    assert_int_equal(eagle_rounds_add(rounds, 1, chain, chain, EAGLE_MAX_NODES, NULL), EAGLE_OK);
    assert_int_equal(eagle_rounds_max_nodes(rounds), EAGLE_MAX_NODES);
    eagle_rounds_free(rounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_tree_is_a_root_alone),
        cmocka_unit_test(new_nodes_have_their_score_and_no_law),
        cmocka_unit_test(a_tree_without_room_for_its_root_is_refused),
        cmocka_unit_test(children_come_in_order_of_their_numbers),
        cmocka_unit_test(nodes_that_are_not_walked_are_no_children),
        cmocka_unit_test(add_refuses_what_breaks_a_rule_and_changes_nothing),
        cmocka_unit_test(a_path_lists_the_ancestors_by_depth),
        cmocka_unit_test(check_names_the_node_and_the_fault),
        cmocka_unit_test(check_agrees_with_the_rules_on_damaged_trees),
        cmocka_unit_test(check_takes_trees_without_scores_and_laws),
        cmocka_unit_test(eagle_1s_tree_has_its_published_table),
        cmocka_unit_test(the_order_of_paths_does_not_matter),
        cmocka_unit_test(bad_shapes_are_refused_by_path),
        cmocka_unit_test(rounds_come_back_as_they_were_added),
        cmocka_unit_test(rounds_that_are_no_trees_are_refused),
    };

    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
