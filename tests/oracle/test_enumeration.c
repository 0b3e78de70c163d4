/* SPDX-License-Identifier: MIT */
/* test_enumeration.c - verification keeps the target's law: proved for small cases by walking every
 * answer to every draw, with exact rational weights.
 *
 * The code that runs is the shipped one; only the draws are replaced. What it is compared with
 * is plain sampling, the product of the laws along a string, computed here. */
#include "sample/draws.h"
#include "sample/law.h"
#include "support/lib_odometer.h"
#include "tree/tree.h"
#include "verify/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef EG_HAVE_MPFR
#include <gmp.h>

#define MAX_VOCAB   6
#define MAX_LENGTH  4    /* tokens of a string               */
#define MAX_STRINGS 1555 /* 1 + 6 + 36 + 216 + 1296          */
#define MAX_NODES   16

/* ---- random numbers for cases ---------------------------------------------------------------- */

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t rng_state;

static uint32_t below(uint32_t n)
{
    return (uint32_t)(mix(rng_state++) % n);
}

/* The seed of this run: EAGLE_TEST_SEED, or 1. */
static void start_rng(void)
{
    const char *text = getenv("EAGLE_TEST_SEED");
    unsigned long long seed = text != NULL ? strtoull(text, NULL, 10) : 1;

    print_message("# seed %llu (EAGLE_TEST_SEED)\n", seed);
    rng_state = mix(seed);
}

/* ---- exact weights --------------------------------------------------------------------------- */

static void set_wide(mpz_t out, const eagle_wide *w)
{
    mpz_import(out, 5, -1, sizeof w->limb[0], 0, 0, w->limb);
}

/* The probability of the run that was just made. */
static void run_weight(mpq_t out, const struct odometer *all)
{
    mpz_t factor;

    mpz_init(factor);
    mpq_set_ui(out, 1, 1);
    for (int i = 0; i < all->n; i++) {
        set_wide(factor, &all->step[i].num);
        mpz_mul(mpq_numref(out), mpq_numref(out), factor);
        set_wide(factor, &all->step[i].den);
        mpz_mul(mpq_denref(out), mpq_denref(out), factor);
    }
    mpq_canonicalize(out);
    mpz_clear(factor);
}

/* w[i] / sum(w). */
static void set_share(mpq_t out, const uint64_t *w, int32_t n, int32_t i)
{
    eagle_wide part = {{w[i], 0, 0, 0, 0}};

    mpq_set_ui(out, 0, 1);
    for (int32_t j = 0; j < n; j++) {
        eagle_wide term = {{w[j], 0, 0, 0, 0}};

        set_wide(mpq_numref(out), &term);
        mpz_add(mpq_denref(out), mpq_denref(out), mpq_numref(out));
    }
    mpz_sub_ui(mpq_denref(out), mpq_denref(out), 1);
    set_wide(mpq_numref(out), &part);
    mpq_canonicalize(out);
}

static void assert_equal(const mpq_t got, const mpq_t want, const char *what, int32_t which)
{
    if (mpq_equal(got, want) == 0) {
        gmp_printf("# %s %d: got %Qd, want %Qd\n", what, which, got, want);
        fail();
    }
}

/* ---- one node -------------------------------------------------------------------------------- */

struct node_case {
    int32_t vocab;
    uint64_t p[MAX_VOCAB];
    uint64_t q[MAX_VOCAB];
    int32_t child[MAX_VOCAB]; /* [n_child], when not drawn */
    int32_t n_child;
    bool drawn;
};

/* One run: what token comes out; *hit as in node.h. */
static int32_t run_node(int32_t *hit, const struct node_case *c, const eagle_draws *draws)
{
    uint64_t p[MAX_VOCAB];
    uint64_t q[MAX_VOCAB];
    eagle_wide left[MAX_VOCAB];
    int32_t child[EG_MAX_DRAWN];

    memcpy(p, c->p, sizeof p);
    memcpy(q, c->q, sizeof q);
    if (!c->drawn) {
        return eg_verify_node(hit, p, c->vocab, c->child, c->n_child, 7, draws);
    }
    int32_t n = eg_draw_children(child, q, c->vocab, c->n_child, 7, 0, draws);

    assert_memory_equal(q, c->q, sizeof q);
    eg_drawn_node node = {
        .vocab = c->vocab, .p = p, .q = q, .left = left, .child = child, .n_child = n, .pos = 7};

    return eg_verify_drawn(hit, &node, draws);
}

/* Enumerates a node, asserts that its law is p, and gives the probability of acceptance. */
static void check_node(mpq_t accepted, const struct node_case *c)
{
    struct odometer all = {0};
    mpq_t mass[MAX_VOCAB];
    mpq_t weight;

    mpq_init(weight);
    for (int32_t i = 0; i < c->vocab; i++) {
        mpq_init(mass[i]);
    }
    mpq_set_ui(accepted, 0, 1);
    do {
        eagle_draws draws = odometer_draws(&all);
        int32_t hit = -2;
        int32_t token = run_node(&hit, c, &draws);

        run_weight(weight, &all);
        mpq_add(mass[token], mass[token], weight);
        if (hit >= 0) {
            mpq_add(accepted, accepted, weight);
        } else {
            assert_int_equal(hit, -1);
        }
    } while (odometer_next(&all));
    for (int32_t i = 0; i < c->vocab; i++) {
        set_share(weight, c->p, c->vocab, i);
        assert_equal(mass[i], weight, "token", i);
        mpq_clear(mass[i]);
    }
    mpq_clear(weight);
}

static void assert_acceptance(const struct node_case *c, unsigned long num, unsigned long den)
{
    mpq_t accepted;
    mpq_t want;

    mpq_inits(accepted, want, NULL);
    check_node(accepted, c);
    mpq_set_ui(want, num, den);
    mpq_canonicalize(want);
    assert_equal(accepted, want, "acceptance with children", c->n_child);
    mpq_clears(accepted, want, NULL);
}

static void top_k_node_keeps_the_law_5_3_2(void **state)
{
    (void)state;
    const struct node_case c = {.vocab = 3, .p = {5, 3, 2}, .child = {1, 0}, .n_child = 2};

    assert_acceptance(&c, 8, 10);
}

static void two_draws_of_6_3_1_keep_5_3_2_and_accept_37_of_40(void **state)
{
    (void)state;
    const struct node_case c = {
        .vocab = 3, .p = {5, 3, 2}, .q = {6, 3, 1}, .n_child = 2, .drawn = true};

    assert_acceptance(&c, 37, 40);
}

static void draws_of_4_3_2_1_keep_1_2_3_4_with_the_published_acceptance(void **state)
{
    (void)state;
    struct node_case c = {.vocab = 4, .p = {1, 2, 3, 4}, .q = {4, 3, 2, 1}, .drawn = true};

    c.n_child = 1;
    assert_acceptance(&c, 3, 5);
    c.n_child = 2;
    assert_acceptance(&c, 107, 140);
    c.n_child = 3;
    assert_acceptance(&c, 14117, 16800);
}

static void equal_laws_accept_the_first_child_always(void **state)
{
    (void)state;
    struct node_case c = {.vocab = 3, .p = {5, 0, 3}, .q = {10, 0, 6}, .drawn = true};

    for (c.n_child = 1; c.n_child <= EG_MAX_DRAWN; c.n_child++) {
        assert_acceptance(&c, 1, 1);
    }
}

static void laws_without_a_common_token_accept_nothing(void **state)
{
    (void)state;
    struct node_case c = {.vocab = 4, .p = {5, 0, 3, 0}, .q = {0, 2, 0, 6}, .drawn = true};

    for (c.n_child = 1; c.n_child <= EG_MAX_DRAWN; c.n_child++) {
        assert_acceptance(&c, 0, 1);
    }
}

/* Sums of 2^63 and 2^64 - 1, four refusals: the residuals need all their 319 bits. */
static void the_widest_laws_fit(void **state)
{
    (void)state;
    struct node_case c = {
        .vocab = 6, .p = {1, 1, 1, 1, (UINT64_C(1) << 63) - 5, 1}, .n_child = 4, .drawn = true};
    mpq_t accepted;

    mpq_init(accepted);
    for (int32_t light = 0; light < 6; light++) {
        for (int32_t i = 0; i < 6; i++) {
            c.q[i] = i == light ? 0 : UINT64_MAX / 5; /* 5 divides 2^64 - 1 */
        }
        check_node(accepted, &c);
    }
    mpq_clear(accepted);
}

/* Small numbers, numbers as wide as real laws have them, and zeros; never all zero. */
static void random_weights(uint64_t *w, int32_t vocab)
{
    uint32_t kind = below(3);

    do {
        for (int32_t i = 0; i < vocab; i++) {
            w[i] = below(4) == 0 ? 0
                   : kind == 0   ? below(6)
                   : kind == 1   ? 1 + below(1000)
                                 : 1 + (mix(rng_state++) >> 19);
        }
        w[below((uint32_t)vocab)] += below(3);
    } while (w[0] + w[1] + w[2] + w[vocab - 1] + w[vocab / 2] == 0);
}

static void shuffle(int32_t *order, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t j = (int32_t)below((uint32_t)i + 1);

        order[i] = order[j];
        order[j] = i;
    }
}

static void random_top_k_nodes_keep_their_laws(void **state)
{
    (void)state;
    mpq_t accepted;

    mpq_init(accepted);
    for (int i = 0; i < 400; i++) {
        struct node_case c = {.vocab = 3 + (int32_t)below(4)};

        random_weights(c.p, c.vocab);
        shuffle(c.child, c.vocab);
        c.n_child = (int32_t)below((uint32_t)c.vocab + 1);
        check_node(accepted, &c);
    }
    mpq_clear(accepted);
}

static void random_drawn_nodes_keep_their_laws(void **state)
{
    (void)state;
    mpq_t accepted;

    mpq_init(accepted);
    for (int i = 0; i < 200; i++) {
        struct node_case c = {.vocab = 3 + (int32_t)below(i < 160 ? 3 : 4), .drawn = true};

        random_weights(c.p, c.vocab);
        random_weights(c.q, c.vocab);
        c.n_child = 1 + (int32_t)below(EG_MAX_DRAWN);
        check_node(accepted, &c);
    }
    mpq_clear(accepted);
}

/* ---- whole trees ----------------------------------------------------------------------------- */

/* A language model whose laws depend on the whole string, and a drafter likewise. */
struct toy {
    uint64_t seed;
    int32_t vocab;
    eagle_sampling sampling; /* of the target                       */
    eagle_sampling draft;    /* temperature and filters of the draft */
};

static struct toy random_toy(int32_t vocab, eagle_verify_mode mode)
{
    struct toy toy = {.seed = mix(rng_state++), .vocab = vocab};

    eagle_sampling_defaults(&toy.sampling);
    toy.sampling.mode = mode;
    toy.sampling.temperature = below(2) == 0 ? 1.0f : 0.7f;
    toy.sampling.top_k = (int32_t)below((uint32_t)vocab);
    if (below(2) == 0) {
        toy.sampling.top_p = (eagle_decimal){.num = 50 + below(50), .places = 2};
    }
    toy.sampling.min_p = (eagle_decimal){.num = below(2), .places = 1};
    toy.draft = toy.sampling;
    toy.draft.top_k = (int32_t)below((uint32_t)vocab + 1); /* need not fit the target's */
    toy.draft.temperature = 1.3f;
    return toy;
}

/* Logits after the string, multiples of 1/2 so that ties happen. */
static void toy_logits(float *logits, const struct toy *toy, const int32_t *string, int32_t n,
                       uint64_t who)
{
    uint64_t h = mix(toy->seed ^ who);

    for (int32_t i = 0; i < n; i++) {
        h = mix(h ^ (uint64_t)(string[i] + 1));
    }
    for (int32_t i = 0; i < toy->vocab; i++) {
        logits[i] = (float)(mix(h ^ (uint64_t)i << 8) % 11) / 2.0f - 3.0f;
    }
}

/* Number of a string among all, shorter ones first; and how many have up to n tokens. */
static int32_t string_number(const int32_t *string, int32_t n, int32_t vocab)
{
    int32_t number = 0;

    for (int32_t i = 0; i < n; i++) {
        number = number * vocab + 1 + string[i];
    }
    return number;
}

/* weight x the chance that plain sampling goes on from string[0..n) to each string of `length`
 * tokens, added to mass[]. */
static void complete(mpq_t *mass, const struct toy *toy, int32_t *string, int32_t n, int32_t length,
                     const mpq_t weight)
{
    if (n >= length) {
        mpq_t *to = &mass[string_number(string, length, toy->vocab)];

        mpq_add(*to, *to, weight);
        return;
    }
    float logits[MAX_VOCAB];
    uint64_t w[MAX_VOCAB];
    int32_t order[MAX_VOCAB];
    mpq_t share;

    mpq_init(share);
    toy_logits(logits, toy, string, n, 0);
    eg_law_make(w, order, logits, toy->vocab, &toy->sampling);
    for (int32_t i = 0; i < toy->vocab; i++) {
        if (w[i] > 0) {
            set_share(share, w, toy->vocab, i);
            mpq_mul(share, share, weight);
            string[n] = i;
            complete(mass, toy, string, n + 1, length, share);
        }
    }
    mpq_clear(share);
}

/* A tree, its rows, and the laws its children were drawn from. */
struct round {
    struct toy toy;
    eagle_tree *tree;
    eagle_rows rows;
    float logits[MAX_NODES][MAX_VOCAB];
    uint64_t law[MAX_NODES][MAX_VOCAB];
    float packed[MAX_NODES * MAX_VOCAB];
    eagle_path *path;
};

static struct round *round_create(const struct toy *toy)
{
    struct round *r = test_calloc(1, sizeof *r);

    r->toy = *toy;
    assert_int_equal(eagle_tree_create(&r->tree, MAX_NODES, NULL), EAGLE_OK);
    assert_int_equal(eagle_path_create(&r->path, MAX_NODES, toy->vocab, toy->sampling.mode, NULL),
                     EAGLE_OK);
    eagle_tree_reset(r->tree, 0, 100);
    return r;
}

static void round_free(struct round *r)
{
    eagle_path_free(r->path);
    eagle_tree_free(r->tree);
    test_free(r);
}

/* The string of tokens below the root that ends at `node`. */
static int32_t node_string(int32_t *string, const eagle_tree *tree, int32_t node)
{
    int32_t path[MAX_NODES];
    int32_t n = eg_tree_path(path, tree, node);

    for (int32_t d = 1; d < n; d++) {
        string[d - 1] = tree->token[path[d]];
    }
    return n - 1;
}

/* The target's pass: logits of all nodes. */
static void score(struct round *r)
{
    int32_t string[MAX_NODES];

    for (int32_t i = 0; i < r->tree->n_nodes; i++) {
        int32_t n = node_string(string, r->tree, i);

        toy_logits(&r->packed[i * r->toy.vocab], &r->toy, string, n, 0);
    }
    r->rows = (eagle_rows){.n = r->tree->n_nodes, .vocab = r->toy.vocab, .logits = r->packed};
}

/* Draws the children of a static shape, parents before children. */
static void draw_tree(struct round *r, const eagle_shape *shape, const eagle_draws *draws)
{
    int32_t place[MAX_NODES]; /* of shape node i in the tree, -1: not drawn */
    int32_t order[MAX_VOCAB];
    int32_t token[EG_MAX_DRAWN];
    int32_t string[MAX_NODES];

    eagle_tree_reset(r->tree, 0, 100);
    place[0] = 0;
    for (int32_t first = 1; first <= eagle_shape_nodes(shape);) {
        int32_t parent = eagle_shape_parent(shape, first);
        int32_t k = 0;

        while (first + k <= eagle_shape_nodes(shape) &&
               eagle_shape_parent(shape, first + k) == parent) {
            place[first + k++] = -1;
        }
        int32_t node = place[parent];

        if (node >= 0) {
            int32_t n = node_string(string, r->tree, node);

            toy_logits(r->logits[node], &r->toy, string, n, 1);
            eg_law_make(r->law[node], order, r->logits[node], r->toy.vocab, &r->toy.draft);
            n = eg_draw_children(token, r->law[node], r->toy.vocab, k, 101 + n, node, draws);
            for (int32_t c = 0; c < n; c++) {
                place[first + c] = eagle_tree_add(r->tree, node, token[c], 0.0f);
                assert_true(place[first + c] > 0);
            }
            r->tree->law[node] = r->law[node];
        }
        first += k;
    }
}

/* Enumerates the round and asserts that its strings, completed by plain draws, have plain
 * sampling's law. Without a shape the tree is the one at hand. */
static void check_round(struct round *r, const eagle_shape *shape, int32_t length)
{
    struct odometer all = {0};
    int32_t string[MAX_NODES] = {0};
    int32_t n_strings = 1;
    mpq_t got[MAX_STRINGS];
    mpq_t want[MAX_STRINGS];
    mpq_t weight;

    mpq_init(weight);
    for (int32_t l = 0; l < length; l++) {
        n_strings = n_strings * r->toy.vocab + 1;
    }
    assert_true(n_strings <= MAX_STRINGS);
    for (int32_t i = 0; i < n_strings; i++) {
        mpq_inits(got[i], want[i], NULL);
    }
    do {
        eagle_draws draws = odometer_draws(&all);

        if (shape != NULL) {
            draw_tree(r, shape, &draws);
            score(r);
        }
        assert_int_equal(eagle_verify(r->path, r->tree, &r->rows, &r->toy.sampling, &draws, NULL),
                         EAGLE_OK);
        run_weight(weight, &all);
        for (int32_t i = 0; i < r->path->n; i++) {
            string[i] = r->path->token[i];
        }
        complete(got, &r->toy, string, r->path->n, length, weight);
    } while (odometer_next(&all));

    mpq_set_ui(weight, 1, 1);
    complete(want, &r->toy, string, 0, length, weight);
    for (int32_t i = 0; i < n_strings; i++) {
        assert_equal(got[i], want[i], "string", i);
        mpq_clears(got[i], want[i], NULL);
    }
    mpq_clear(weight);
}

/* A random tree of up to 10 nodes below the root, depth <= 3, <= 4 siblings, some of its last nodes
 * not to be walked. */
static void random_tree(eagle_tree *tree, int32_t vocab)
{
    int32_t nodes = (int32_t)below(11);
    int32_t siblings[MAX_NODES] = {0};

    eagle_tree_reset(tree, 0, 100);
    for (int32_t i = 0; i < nodes; i++) {
        int32_t parent = (int32_t)below((uint32_t)tree->n_nodes);
        int32_t token = (int32_t)below((uint32_t)vocab);

        if (tree->depth[parent] < 3 && siblings[parent] < 4 &&
            eagle_tree_add(tree, parent, token, -1.0f) > 0) {
            siblings[parent]++;
        }
    }
    if (below(3) == 0) {
        tree->n_verify = 1 + (int32_t)below((uint32_t)tree->n_nodes);
    }
}

static void random_top_k_trees(eagle_verify_mode mode)
{
    for (int i = 0; i < 150; i++) {
        struct toy toy = random_toy(3 + i % 3 + (i % 15 == 14), mode);
        struct round *r = round_create(&toy);

        random_tree(r->tree, toy.vocab);
        score(r);
        check_round(r, NULL, 4);
        round_free(r);
    }
}

static void rejection_keeps_the_law_of_random_top_k_trees(void **state)
{
    (void)state;
    random_top_k_trees(EAGLE_VERIFY_REJECTION);
}

static void coupled_keeps_the_law_of_random_top_k_trees(void **state)
{
    (void)state;
    random_top_k_trees(EAGLE_VERIFY_COUPLED);
}

/* Shapes by ranks, laid end to end. */
static void drawn_shape(const int32_t *ranks, const int32_t *length, int32_t n, int32_t vocab,
                        int rounds)
{
    eagle_shape *shape;

    assert_int_equal(eagle_shape_create(&shape, ranks, length, n, NULL), EAGLE_OK);
    for (int i = 0; i < rounds; i++) {
        struct toy toy = random_toy(vocab, EAGLE_VERIFY_REJECTION);
        struct round *r = round_create(&toy);

        check_round(r, shape, eagle_shape_depth(shape) + 1);
        round_free(r);
    }
    eagle_shape_free(shape);
}

static void rejection_keeps_the_law_of_four_drawn_siblings(void **state)
{
    (void)state;
    const int32_t ranks[] = {0, 1, 2, 3};
    const int32_t length[] = {1, 1, 1, 1};

    drawn_shape(ranks, length, 4, 5, 30);
    drawn_shape(ranks, length, 4, 6, 10);
}

static void rejection_keeps_the_law_of_a_drawn_chain(void **state)
{
    (void)state;
    const int32_t ranks[] = {0, 0, 0, 0, 0, 0};
    const int32_t length[] = {1, 2, 3};

    drawn_shape(ranks, length, 3, 4, 40);
}

static void rejection_keeps_the_law_of_a_drawn_tree(void **state)
{
    (void)state;
    const int32_t ranks[] = {0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1};
    const int32_t length[] = {1, 1, 2, 2, 2, 3, 3};

    drawn_shape(ranks, length, 7, 3, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(top_k_node_keeps_the_law_5_3_2),
        cmocka_unit_test(two_draws_of_6_3_1_keep_5_3_2_and_accept_37_of_40),
        cmocka_unit_test(draws_of_4_3_2_1_keep_1_2_3_4_with_the_published_acceptance),
        cmocka_unit_test(equal_laws_accept_the_first_child_always),
        cmocka_unit_test(laws_without_a_common_token_accept_nothing),
        cmocka_unit_test(the_widest_laws_fit),
        cmocka_unit_test(random_top_k_nodes_keep_their_laws),
        cmocka_unit_test(random_drawn_nodes_keep_their_laws),
        cmocka_unit_test(rejection_keeps_the_law_of_random_top_k_trees),
        cmocka_unit_test(coupled_keeps_the_law_of_random_top_k_trees),
        cmocka_unit_test(rejection_keeps_the_law_of_four_drawn_siblings),
        cmocka_unit_test(rejection_keeps_the_law_of_a_drawn_chain),
        cmocka_unit_test(rejection_keeps_the_law_of_a_drawn_tree),
    };

    start_rng();
    return cmocka_run_group_tests_name("enumeration", tests, NULL, NULL);
}

#else

static void enumeration_needs_gmp(void **state)
{
    (void)state;
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(enumeration_needs_gmp)};

    return cmocka_run_group_tests_name("enumeration", tests, NULL, NULL);
}

#endif
