/* SPDX-License-Identifier: MIT */
/* test_verify.c - walks through trees: what is emitted, from where, and what is refused. That the
 * law is kept is shown in tests/oracle/test_enumeration.c. */
#include "sample/draws.h"
#include "sample/law.h"
#include "support/lib_recorded.h"
#include "verify/node.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VOCAB 5
#define CAP   16

/* Node 0 (token 4, position 9) has the children 1 (token 2) and 2 (token 0); 1 has 3 (token 1)
 * and 4 (token 3); 4 has 5 (token 2). */
struct fixture {
    eagle_tree *tree;
    eagle_path *path;
    float logits[CAP][VOCAB];
    int32_t fault[CAP];
    eagle_rows rows;
    eagle_sampling sampling;
    eagle_error err;
};

static void set_mode(struct fixture *f, eagle_verify_mode mode)
{
    eagle_path_free(f->path);
    assert_int_equal(eagle_path_create(&f->path, CAP, VOCAB, mode, NULL), EAGLE_OK);
    f->sampling.mode = mode;
    f->sampling.temperature = mode == EAGLE_VERIFY_GREEDY ? 0.0f : 1.0f;
}

static int setup(void **state)
{
    static const int32_t parent[] = {0, 0, 1, 1, 4};
    static const int32_t token[] = {2, 0, 1, 3, 2};
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    assert_int_equal(eagle_tree_create(&f->tree, CAP, NULL), EAGLE_OK);
    eagle_tree_reset(f->tree, 4, 9);
    for (int32_t i = 0; i < 5; i++) {
        assert_int_equal(eagle_tree_add(f->tree, parent[i], token[i], -1.0f), i + 1);
    }
    f->rows = (eagle_rows){.n = 6, .vocab = VOCAB, .logits = &f->logits[0][0]};
    eagle_sampling_defaults(&f->sampling);
    set_mode(f, EAGLE_VERIFY_GREEDY);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    eagle_path_free(f->path);
    eagle_tree_free(f->tree);
    free(f);
    return 0;
}

/* Makes `token` the arg max after `node`, or all but certain. */
static void point(struct fixture *f, int32_t node, int32_t token)
{
    for (int32_t i = 0; i < VOCAB; i++) {
        f->logits[node][i] = i == token ? 50.0f : 0.0f;
    }
}

static eagle_status verify(struct fixture *f, const eagle_draws *draws)
{
    return eagle_verify(f->path, f->tree, &f->rows, &f->sampling, draws, &f->err);
}

static void assert_path(const struct fixture *f, int32_t n, const int32_t *token,
                        const int32_t *node, const int32_t *row, eagle_source last)
{
    const eagle_path *path = f->path;

    assert_int_equal(path->n, n);
    assert_memory_equal(path->token, token, (size_t)n * sizeof *token);
    assert_memory_equal(path->node, node, (size_t)n * sizeof *node);
    assert_memory_equal(path->row, row, (size_t)n * sizeof *row);
    for (int32_t i = 0; i < n - 1; i++) {
        assert_int_equal(path->source[i], EAGLE_SOURCE_ACCEPTED);
    }
    assert_int_equal(path->source[n - 1], last);
}

/* ---- greedy ---------------------------------------------------------------------------------- */

static void greedy_follows_the_arg_max_to_a_leaf(void **state)
{
    struct fixture *f = *state;

    point(f, 0, 2);
    point(f, 1, 3);
    point(f, 4, 2);
    point(f, 5, 0);
    assert_int_equal(verify(f, NULL), EAGLE_OK);
    assert_path(f, 4, (int32_t[]){2, 3, 2, 0}, (int32_t[]){1, 4, 5, -1}, (int32_t[]){0, 1, 4, 5},
                EAGLE_SOURCE_BONUS);
}

static void greedy_stops_where_the_arg_max_is_no_child(void **state)
{
    struct fixture *f = *state;

    point(f, 0, 2);
    point(f, 1, 4);
    assert_int_equal(verify(f, NULL), EAGLE_OK);
    assert_path(f, 2, (int32_t[]){2, 4}, (int32_t[]){1, -1}, (int32_t[]){0, 1},
                EAGLE_SOURCE_RESIDUAL);
}

static void greedy_takes_the_lowest_of_tied_tokens(void **state)
{
    struct fixture *f = *state;

    point(f, 0, 2);
    f->logits[0][0] = 50.0f; /* ties with token 2, which is the first child */
    point(f, 2, 1);
    assert_int_equal(verify(f, NULL), EAGLE_OK);
    assert_path(f, 2, (int32_t[]){0, 1}, (int32_t[]){2, -1}, (int32_t[]){0, 2}, EAGLE_SOURCE_BONUS);
}

static void a_root_alone_is_plain_decoding(void **state)
{
    struct fixture *f = *state;

    eagle_tree_reset(f->tree, 4, 9);
    f->rows.n = 1;
    point(f, 0, 3);
    assert_int_equal(verify(f, NULL), EAGLE_OK);
    assert_path(f, 1, (int32_t[]){3}, (int32_t[]){-1}, (int32_t[]){0}, EAGLE_SOURCE_PLAIN);
}

static void nodes_from_n_verify_on_are_not_walked(void **state)
{
    struct fixture *f = *state;

    f->tree->n_verify = 4; /* node 4, token 3 below 1, is computed only */
    f->rows.n = 4;
    point(f, 0, 2);
    point(f, 1, 3);
    assert_int_equal(verify(f, NULL), EAGLE_OK);
    assert_path(f, 2, (int32_t[]){2, 3}, (int32_t[]){1, -1}, (int32_t[]){0, 1},
                EAGLE_SOURCE_RESIDUAL);

    f->tree->n_verify = 1;
    assert_int_equal(verify(f, NULL), EAGLE_OK);
    assert_path(f, 1, (int32_t[]){2}, (int32_t[]){-1}, (int32_t[]){0}, EAGLE_SOURCE_PLAIN);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void a_row_that_decides_must_be_finite(void **state)
{
    struct fixture *f = *state;

    point(f, 0, 2);
    f->logits[1][4] = NAN;
    assert_int_equal(verify(f, NULL), EAGLE_ENUMERIC);
    assert_string_equal(f->err.message, "tree node 1, position 10: logit 4 is nan");
    assert_int_equal(f->path->n, 0);
    f->logits[1][4] = -INFINITY;
    assert_int_equal(verify(f, NULL), EAGLE_ENUMERIC);
    f->logits[1][4] = 0.0f;
    f->logits[1][0] = INFINITY;
    assert_int_equal(verify(f, NULL), EAGLE_ENUMERIC);
    assert_string_equal(f->err.message, "tree node 1, position 10: logit 0 is inf");
}

static void a_row_off_the_path_may_hold_anything(void **state)
{
    struct fixture *f = *state;

    point(f, 0, 0); /* to node 2 */
    point(f, 2, 1);
    f->logits[1][4] = NAN;
    f->logits[1][0] = NAN; /* the neighbour of row 0's last */
    f->fault[1] = 1;
    assert_int_equal(verify(f, NULL), EAGLE_OK);
    f->rows.fault = f->fault;
    assert_int_equal(verify(f, NULL), EAGLE_OK);
    assert_int_equal(f->path->n, 2);
}

static void a_fault_names_node_and_layer(void **state)
{
    struct fixture *f = *state;

    point(f, 0, 2);
    f->rows.fault = f->fault;
    f->fault[1] = 3;
    assert_int_equal(verify(f, NULL), EAGLE_ENUMERIC);
    assert_string_equal(f->err.message,
                        "tree node 1, position 10: a NaN or an infinity in the output of layer 2");
    f->rows.n_layers = 2;
    assert_int_equal(verify(f, NULL), EAGLE_ENUMERIC);
    assert_string_equal(
        f->err.message,
        "tree node 1, position 10: a NaN or an infinity in the final norm or the logits");
    assert_int_equal(f->path->n, 0);
}

/* ---- coupled --------------------------------------------------------------------------------- */

/* Logits after a string of tokens, different for each. */
static void string_logits(float *logits, uint64_t hash)
{
    for (int32_t i = 0; i < VOCAB; i++) {
        hash = hash * UINT64_C(6364136223846793005) + 1442695040888963407u;
        logits[i] = (float)(hash >> 40) / (float)(1 << 23);
    }
}

static uint64_t extend(uint64_t hash, int32_t token)
{
    return (hash ^ (uint64_t)(token + 1)) * UINT64_C(0x9e3779b97f4a7c15);
}

/* A random tree of up to CAP nodes, and its rows. */
static void random_round(struct fixture *f, uint64_t *rng, uint64_t context, int32_t pos)
{
    uint64_t hash[CAP] = {context};

    *rng = *rng * UINT64_C(6364136223846793005) + 1442695040888963407u;

    int32_t want = (int32_t)((*rng >> 33) % CAP);

    eagle_tree_reset(f->tree, 0, pos);
    string_logits(f->logits[0], context);
    for (int32_t i = 0; i < want; i++) {
        *rng = *rng * UINT64_C(6364136223846793005) + 1442695040888963407u;

        int32_t parent = (int32_t)((*rng >> 33) % (uint64_t)f->tree->n_nodes);
        int32_t token = (int32_t)((*rng >> 40) % VOCAB);
        int32_t node = eagle_tree_add(f->tree, parent, token, -1.0f);

        if (node > 0) {
            hash[node] = extend(hash[parent], token);
            string_logits(f->logits[node], hash[node]);
        }
    }
    f->rows.n = f->tree->n_nodes;
}

static void coupled_emits_the_tokens_of_plain_decoding_for_any_tree(void **state)
{
    struct fixture *f = *state;
    uint64_t rng = 1;
    int32_t n_accepted = 0;

    set_mode(f, EAGLE_VERIFY_COUPLED);
    f->sampling.top_p = (eagle_decimal){.num = 9, .places = 1};
    for (uint64_t seed = 0; seed < 300; seed++) {
        eagle_philox philox = {.seed = seed, .stream = 5};
        const eagle_draws draws = eagle_philox_draws(&philox);
        int32_t plain[60];
        int32_t n = 0;
        uint64_t context = seed;

        for (int32_t i = 0; i < 60; i++) { /* roots alone */
            eagle_tree_reset(f->tree, 0, 10 + i);
            string_logits(f->logits[0], context);
            f->rows.n = 1;
            assert_int_equal(verify(f, &draws), EAGLE_OK);
            plain[i] = f->path->token[0];
            context = extend(context, plain[i]);
        }
        context = seed;
        while (n < 60) {
            random_round(f, &rng, context, 10 + n);
            assert_int_equal(verify(f, &draws), EAGLE_OK);
            for (int32_t i = 0; i < f->path->n && n < 60; i++) {
                assert_int_equal(f->path->token[i], plain[n]);
                context = extend(context, plain[n++]);
                n_accepted += f->path->source[i] == EAGLE_SOURCE_ACCEPTED;
            }
        }
    }
    assert_true(n_accepted > 3000); /* the trees do contribute */
}

static void a_root_alone_gives_one_draw_in_coupled_and_rejection(void **state)
{
    struct fixture *f = *state;

    for (uint64_t seed = 0; seed < 50; seed++) {
        eagle_philox philox = {.seed = seed};
        const eagle_draws draws = eagle_philox_draws(&philox);

        eagle_tree_reset(f->tree, 4, 9);
        string_logits(f->logits[0], seed);
        set_mode(f, EAGLE_VERIFY_COUPLED);
        assert_int_equal(verify(f, &draws), EAGLE_OK);
        int32_t token = f->path->token[0];

        set_mode(f, EAGLE_VERIFY_REJECTION);
        assert_int_equal(verify(f, &draws), EAGLE_OK);
        assert_path(f, 1, &token, (int32_t[]){-1}, (int32_t[]){0}, EAGLE_SOURCE_PLAIN);
    }
}

/* ---- rejection ------------------------------------------------------------------------------- */

static void rejection_asks_by_position_and_sibling(void **state)
{
    struct fixture *f = *state;
    const struct recorded_answer list[] = {
        {{EAGLE_DRAW_ACCEPT, 10, 0}, 1},   /* token 2 at node 1       */
        {{EAGLE_DRAW_ACCEPT, 11, 0}, 0},   /* not token 1             */
        {{EAGLE_DRAW_ACCEPT, 11, 1}, 0},   /* not token 3             */
        {{EAGLE_DRAW_RESIDUAL, 11, 0}, 4}, /* of the others: token 4  */
        {{EAGLE_DRAW_ACCEPT, 10, 0}, 0},   /* another run: not 2, but */
        {{EAGLE_DRAW_ACCEPT, 10, 1}, 1},   /* token 0 at node 2       */
        {{EAGLE_DRAW_TARGET, 11, 0}, 2}};  /* a leaf                  */
    struct recorded recorded = {.answer = list, .n = 7};
    const eagle_draws draws = recorded_draws(&recorded);

    set_mode(f, EAGLE_VERIFY_REJECTION);
    assert_int_equal(verify(f, &draws), EAGLE_OK);
    assert_path(f, 2, (int32_t[]){2, 4}, (int32_t[]){1, -1}, (int32_t[]){0, 1},
                EAGLE_SOURCE_RESIDUAL);
    assert_int_equal(verify(f, &draws), EAGLE_OK);
    assert_path(f, 2, (int32_t[]){0, 2}, (int32_t[]){2, -1}, (int32_t[]){0, 2}, EAGLE_SOURCE_BONUS);
    assert_false(recorded.fault);
    assert_int_equal(recorded.next, 7);
}

/* The root's only child is refused: what follows is a residual, and its draw is a residual's. */
static void an_only_child_that_is_refused_leaves_a_residual(void **state)
{
    struct fixture *f = *state;
    const struct recorded_answer list[] = {{{EAGLE_DRAW_ACCEPT, 10, 0}, 0},
                                           {{EAGLE_DRAW_RESIDUAL, 10, 0}, 3},
                                           {{EAGLE_DRAW_ACCEPT, 10, 0}, 1},
                                           {{EAGLE_DRAW_TARGET, 11, 0}, 4}};
    struct recorded recorded = {.answer = list, .n = 4};
    const eagle_draws draws = recorded_draws(&recorded);

    eagle_tree_reset(f->tree, 4, 9);
    assert_int_equal(eagle_tree_add(f->tree, 0, 2, -1.0f), 1);
    set_mode(f, EAGLE_VERIFY_REJECTION);
    assert_int_equal(verify(f, &draws), EAGLE_OK);
    assert_path(f, 1, (int32_t[]){3}, (int32_t[]){-1}, (int32_t[]){0}, EAGLE_SOURCE_RESIDUAL);
    assert_int_equal(verify(f, &draws), EAGLE_OK); /* accepted: a bonus */
    assert_path(f, 2, (int32_t[]){2, 4}, (int32_t[]){1, -1}, (int32_t[]){0, 1}, EAGLE_SOURCE_BONUS);
    assert_false(recorded.fault);
    assert_int_equal(recorded.next, 4);

    const uint64_t law[VOCAB] = {1, 1, 1, 1, 1}; /* it counts as drawn, too */

    f->tree->law[0] = law;
    set_mode(f, EAGLE_VERIFY_COUPLED);
    assert_int_equal(verify(f, &draws), EAGLE_EINVAL);
}

/* Drawn children, by the same keys: of p = 4 1 5 and q = 3 6 1 token 1 is refused, then token 0,
 * whose share of the residual, 1 in 5, is less than its share of what q has left, 3 in 4. */
static void rejection_of_drawn_children_asks_by_position_and_sibling(void **state)
{
    (void)state;
    const struct recorded_answer list[] = {{{EAGLE_DRAW_ACCEPT, 5, 0}, 0},
                                           {{EAGLE_DRAW_ACCEPT, 5, 1}, 0},
                                           {{EAGLE_DRAW_RESIDUAL, 5, 0}, 2}};
    struct recorded recorded = {.answer = list, .n = 3};
    const eagle_draws draws = recorded_draws(&recorded);
    eagle_wide left[3];
    int32_t hit = 7;
    eg_drawn_node node = {.vocab = 3,
                          .p = (const uint64_t[]){4, 1, 5},
                          .q = (const uint64_t[]){3, 6, 1},
                          .left = left,
                          .child = (int32_t[]){1, 0},
                          .n_child = 2,
                          .pos = 5};

    assert_int_equal(eg_verify_drawn(&hit, &node, &draws), 2);
    assert_int_equal(hit, -1);
    assert_false(recorded.fault);
    assert_int_equal(recorded.next, 3);
}

static void certain_answers_are_not_asked_for(void **state)
{
    (void)state;
    struct recorded none = {.n = 0};
    const eagle_draws draws = recorded_draws(&none);
    uint64_t w[3] = {0, 7, 0};
    uint64_t q[3] = {1, 14, 1};
    eagle_wide left[3];
    int32_t hit;

    /* Token 0 has no weight, token 1 has all. */
    assert_int_equal(eg_verify_node(&hit, w, 3, (int32_t[]){0, 1, 2}, 3, 5, &draws), 1);
    assert_int_equal(hit, 1);

    eg_drawn_node node = {.vocab = 3,
                          .p = (const uint64_t[]){0, 7, 0},
                          .q = q,
                          .left = left,
                          .child = (int32_t[]){2, 1},
                          .n_child = 2,
                          .pos = 5};
    assert_int_equal(eg_verify_drawn(&hit, &node, &draws), 1);
    assert_int_equal(hit, 1);
    assert_false(none.fault);
}

/* Marks all siblings of node 0 and 1 as drawn from these laws. */
static void draw_all(struct fixture *f, const uint64_t *law)
{
    set_mode(f, EAGLE_VERIFY_REJECTION);
    f->tree->law[0] = law;
    f->tree->law[1] = law;
}

static void equal_laws_never_refuse(void **state)
{
    struct fixture *f = *state;
    uint64_t law[VOCAB];
    int32_t order[VOCAB];
    struct recorded none = {.n = 0};
    const eagle_draws draws = recorded_draws(&none);

    draw_all(f, law);
    eg_law_make(law, order, f->logits[0], VOCAB, &f->sampling); /* all logits are 0 */
    f->tree->n_verify = 4;
    assert_int_equal(verify(f, &draws), EAGLE_OK);
    assert_int_equal(f->path->n, 3);
    assert_int_equal(f->path->node[0], 1);
    assert_int_equal(f->path->node[1], 3);
    assert_true(none.fault); /* for the bonus only */
}

static void a_child_that_cannot_have_been_drawn_is_refused(void **state)
{
    struct fixture *f = *state;
    const uint64_t law[VOCAB] = {0, 1, 1, 1, 1}; /* node 2 has token 0 */
    eagle_philox philox = {.seed = 1};
    const eagle_draws draws = eagle_philox_draws(&philox);

    draw_all(f, law);
    assert_int_equal(verify(f, &draws), EAGLE_EFIT);
    assert_string_equal(f->err.message,
                        "tree node 0: child token 0 has no weight in the law it was drawn from");
    assert_int_equal(f->path->n, 0);

    const uint64_t other[VOCAB] = {1, 1, 0, 1, 1}; /* the first child has token 2 */

    draw_all(f, other);
    assert_int_equal(verify(f, &draws), EAGLE_EFIT);
    assert_string_equal(f->err.message,
                        "tree node 0: child token 2 has no weight in the law it was drawn from");
}

static void a_draft_law_beyond_64_bits_is_refused(void **state)
{
    struct fixture *f = *state;
    const uint64_t law[VOCAB] = {UINT64_C(1) << 63, UINT64_C(1) << 63, 1, 1, 1};
    eagle_philox philox = {.seed = 1};
    const eagle_draws draws = eagle_philox_draws(&philox);

    draw_all(f, law);
    assert_int_equal(verify(f, &draws), EAGLE_EFIT);
    assert_string_equal(f->err.message, "tree node 0: its draft law sums to 2^64 or more");

    const uint64_t widest[VOCAB] = {UINT64_MAX - 4, 1, 1, 1, 1}; /* 2^64 - 1 */

    draw_all(f, widest);
    assert_int_equal(verify(f, &draws), EAGLE_OK);
}

static void five_drawn_siblings_are_refused(void **state)
{
    struct fixture *f = *state;
    const uint64_t law[VOCAB] = {1, 1, 1, 1, 1};
    eagle_philox philox = {.seed = 1};
    const eagle_draws draws = eagle_philox_draws(&philox);

    eagle_tree_reset(f->tree, 4, 9);
    for (int32_t i = 0; i < 5; i++) {
        eagle_tree_add(f->tree, 0, i, 0.0f);
    }
    draw_all(f, law);
    assert_int_equal(verify(f, &draws), EAGLE_EFIT);
    assert_string_equal(f->err.message, "tree node 0: 5 drawn children, at most 4 are exact");
    f->tree->n_verify = 5;
    assert_int_equal(verify(f, &draws), EAGLE_OK);
}

static void drawn_children_are_for_rejection_mode(void **state)
{
    struct fixture *f = *state;
    const uint64_t law[VOCAB] = {1, 1, 1, 1, 1};
    eagle_philox philox = {.seed = 1};
    const eagle_draws draws = eagle_philox_draws(&philox);

    f->tree->law[4] = law;
    assert_int_equal(verify(f, NULL), EAGLE_EINVAL);
    set_mode(f, EAGLE_VERIFY_COUPLED);
    assert_int_equal(verify(f, &draws), EAGLE_EINVAL);
    f->tree->n_verify = 5; /* node 4 has no child now */
    assert_int_equal(verify(f, &draws), EAGLE_OK);
    f->tree->law[0] = law;
    assert_int_equal(verify(f, &draws), EAGLE_EINVAL);
}

/* ---- what does not fit ----------------------------------------------------------------------- */

static void parts_that_do_not_fit_are_refused(void **state)
{
    struct fixture *f = *state;

    f->rows.n = 5;
    assert_int_equal(verify(f, NULL), EAGLE_EFIT);
    assert_string_equal(f->err.message, "verify: 6 nodes to walk, 5 rows, a path for 16 nodes");
    f->rows.n = 6;
    f->rows.vocab = 4;
    assert_int_equal(verify(f, NULL), EAGLE_EFIT);
    f->rows.vocab = VOCAB;
    f->sampling.mode = EAGLE_VERIFY_COUPLED;
    f->sampling.temperature = 1.0f;
    assert_int_equal(verify(f, NULL), EAGLE_EFIT);
    f->sampling.mode = EAGLE_VERIFY_GREEDY;
    assert_int_equal(verify(f, NULL), EAGLE_EINVAL);
    f->sampling.temperature = 0.0f;
    f->tree->token[5] = VOCAB;
    assert_int_equal(verify(f, NULL), EAGLE_EFORMAT);
    f->tree->token[5] = 1;
    assert_int_equal(verify(f, NULL), EAGLE_OK);

    eagle_path_free(f->path);
    assert_int_equal(eagle_path_create(&f->path, 5, VOCAB, EAGLE_VERIFY_GREEDY, NULL), EAGLE_OK);
    assert_int_equal(verify(f, NULL), EAGLE_EFIT);
}

static void paths_of_impossible_sizes_are_refused(void **state)
{
    (void)state;
    eagle_path *path = (eagle_path *)&state;

    assert_int_equal(eagle_path_create(&path, 0, 5, EAGLE_VERIFY_GREEDY, NULL), EAGLE_EINVAL);
    assert_null(path);
    assert_int_equal(eagle_path_create(&path, 65537, 5, EAGLE_VERIFY_GREEDY, NULL), EAGLE_EINVAL);
    assert_int_equal(eagle_path_create(&path, 1, 0, EAGLE_VERIFY_GREEDY, NULL), EAGLE_EINVAL);
    assert_int_equal(eagle_path_create(&path, 1, (1 << 18) + 1, EAGLE_VERIFY_REJECTION, NULL),
                     EAGLE_EUNSUPPORTED);
    assert_int_equal(eagle_path_create(&path, 1, 1 << 18, EAGLE_VERIFY_REJECTION, NULL), EAGLE_OK);
    eagle_path_free(path);
    assert_int_equal(eagle_path_create(&path, 65536, 1, EAGLE_VERIFY_GREEDY, NULL), EAGLE_OK);
    eagle_path_free(path);
    assert_int_equal(eagle_path_create(&path, 1, 1, EAGLE_VERIFY_COUPLED, NULL), EAGLE_OK);
    eagle_path_free(path);
    eagle_path_free(NULL);
}

static void modes_purposes_and_sources_have_names(void **state)
{
    (void)state;
    assert_string_equal(eagle_verify_mode_name(EAGLE_VERIFY_GREEDY), "greedy");
    assert_string_equal(eagle_verify_mode_name(EAGLE_VERIFY_COUPLED), "coupled");
    assert_string_equal(eagle_verify_mode_name(EAGLE_VERIFY_REJECTION), "rejection");
    assert_string_equal(eagle_verify_mode_name((eagle_verify_mode)3), "");
    assert_string_equal(eagle_source_name(EAGLE_SOURCE_ACCEPTED), "accepted");
    assert_string_equal(eagle_source_name(EAGLE_SOURCE_RESIDUAL), "residual");
    assert_string_equal(eagle_source_name(EAGLE_SOURCE_BONUS), "bonus");
    assert_string_equal(eagle_source_name(EAGLE_SOURCE_PLAIN), "plain");
    assert_string_equal(eagle_source_name((eagle_source)4), "");
    assert_string_equal(eagle_draw_purpose_name((eagle_draw_purpose)0), "");
    assert_string_equal(eagle_draw_purpose_name(EAGLE_DRAW_TARGET), "target");
    assert_string_equal(eagle_draw_purpose_name(EAGLE_DRAW_DRAFT), "draft");
    assert_string_equal(eagle_draw_purpose_name(EAGLE_DRAW_ACCEPT), "accept");
    assert_string_equal(eagle_draw_purpose_name(EAGLE_DRAW_RESIDUAL), "residual");
    assert_string_equal(eagle_draw_purpose_name((eagle_draw_purpose)5), "");
}

int main(void)
{
#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_purposes_and_sources_have_names),
        WITH_TREE(greedy_follows_the_arg_max_to_a_leaf),
        WITH_TREE(greedy_stops_where_the_arg_max_is_no_child),
        WITH_TREE(greedy_takes_the_lowest_of_tied_tokens),
        WITH_TREE(a_root_alone_is_plain_decoding),
        WITH_TREE(nodes_from_n_verify_on_are_not_walked),
        WITH_TREE(a_row_that_decides_must_be_finite),
        WITH_TREE(a_row_off_the_path_may_hold_anything),
        WITH_TREE(a_fault_names_node_and_layer),
        WITH_TREE(coupled_emits_the_tokens_of_plain_decoding_for_any_tree),
        WITH_TREE(a_root_alone_gives_one_draw_in_coupled_and_rejection),
        WITH_TREE(rejection_asks_by_position_and_sibling),
        WITH_TREE(an_only_child_that_is_refused_leaves_a_residual),
        cmocka_unit_test(rejection_of_drawn_children_asks_by_position_and_sibling),
        cmocka_unit_test(certain_answers_are_not_asked_for),
        WITH_TREE(equal_laws_never_refuse),
        WITH_TREE(a_child_that_cannot_have_been_drawn_is_refused),
        WITH_TREE(a_draft_law_beyond_64_bits_is_refused),
        WITH_TREE(five_drawn_siblings_are_refused),
        WITH_TREE(drawn_children_are_for_rejection_mode),
        WITH_TREE(parts_that_do_not_fit_are_refused),
        WITH_TREE(paths_of_impossible_sizes_are_refused),
    };

    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
