/* SPDX-License-Identifier: MIT */
/* test_eagle1.c - EAGLE-1 and EAGLE-2 rounds of real heads against float64 PyTorch without caches:
 * $EAGLE_DATA/golden/eagle1-*.json. */
#include "support/lib_data.h"
#include "support/lib_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Rounds whose scores or logits lie closer than this may be decided by rounding. */
#define CLEAR_GAP 1e-4

typedef struct {
    json_t *doc;
    eagle_model *model;
    eagle_head *head;
    const char *name;
    int rounds;
    int clear;
    int cases;
} golden;

/* False when the data is not there. */
static bool open_golden(golden *g, const char *name)
{
    char file[256];
    char model[512];
    char head[512];
    eagle_error err = {0};

    *g = (golden){.name = name};
    snprintf(file, sizeof file, "golden/eagle1-%s.json", name);
    g->doc = data_json(file);
    snprintf(file, sizeof file, "models/%s", name);
    if (g->doc == NULL || !data_path(model, file)) {
        return false;
    }
    snprintf(file, sizeof file, "heads/%s-eagle1", name);
    if (!data_path(head, file)) {
        return false;
    }
    if (eagle_model_open(&g->model, model, &err) != EAGLE_OK ||
        eagle_head_open(&g->head, g->model, head, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    return true;
}

static void close_golden(golden *g)
{
    eagle_head_free(g->head);
    eagle_model_free(g->model);
    json_decref(g->doc);
}

/* The drafter that a case's "tree" names: "static-25" or "dynamic-L6-K10-N59". */
static eagle_drafter *drafter_of(const golden *g, const char *tree)
{
    eagle_drafter *drafter = NULL;
    int levels;
    int width;
    int nodes;

    if (sscanf(tree, "dynamic-L%d-K%d-N%d", &levels, &width, &nodes) == 3) {
        assert_int_equal(eagle_drafter_dynamic(&drafter, g->head, levels, width, nodes, NULL),
                         EAGLE_OK);
    } else {
        eagle_shape *shape = NULL;

        assert_string_equal(tree, "static-25");
        assert_int_equal(eagle_shape_named(&shape, "mc_sim_7b_63", NULL), EAGLE_OK);
        assert_int_equal(eagle_drafter_static(&drafter, g->head, shape, false, NULL), EAGLE_OK);
        eagle_shape_free(shape);
    }
    return drafter;
}

/* A session that has read the prompt and emitted the first token. */
static eagle_session *begin(const golden *g, const eagle_drafter *drafter, const json_t *one)
{
    eagle_session_options opt;
    eagle_session *s = NULL;
    const eagle_path *path;
    int32_t n;
    int32_t *prompt = data_ids(&n, json_object_get(one, "prompt_ids"));

    eagle_session_defaults(&opt);
    opt.ctx = eagle_model_config(g->model)->context;
    opt.threads = 1;
    assert_int_equal(eagle_session_create(&s, g->model, drafter, &opt, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(NULL, s, prompt, n, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    free(prompt);
    return s;
}

static void assert_ids(const json_t *array, const int32_t *got, int32_t n, const char *what)
{
    int32_t n_wanted;
    int32_t *wanted = data_ids(&n_wanted, array);

    if (n_wanted != n || memcmp(wanted, got, (size_t)n * sizeof *got) != 0) {
        free(wanted);
        fail_msg("%s differ", what);
    }
    free(wanted);
}

static bool clear(const json_t *round)
{
    return json_number_value(json_object_get(round, "draft_min_gap")) > CLEAR_GAP &&
           json_number_value(json_object_get(round, "target_min_gap")) > CLEAR_GAP;
}

/* One round: the same root; where it is clear, the same tree and the same accepted nodes. */
static void check_round(golden *g, eagle_session *s, const json_t *round)
{
    const int32_t length = eagle_session_length(s);
    const eagle_path *path;

    assert_int_equal(eagle_session_tokens(s)[length - 1],
                     json_integer_value(json_object_get(round, "root")));
    assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    g->rounds++;
    if (!clear(round)) {
        return;
    }
    const eagle_tree *tree = eagle_session_tree(s);

    g->clear++;
    assert_ids(json_object_get(round, "tokens"), tree->token + 1, tree->n_nodes - 1, "tokens");
    assert_ids(json_object_get(round, "parents"), tree->parent + 1, tree->n_nodes - 1, "parents");
    assert_ids(json_object_get(round, "accepted"), path->node, path->n - 1, "accepted nodes");
    assert_int_equal(path->token[path->n - 1],
                     json_integer_value(json_object_get(round, "next_root")));
}

/* All rounds of a case, and the output that they make. */
static void check_case(golden *g, const json_t *one, const eagle_drafter *drafter)
{
    const json_t *rounds = json_object_get(one, "rounds");
    const int32_t n_prompt = (int32_t)json_array_size(json_object_get(one, "prompt_ids"));
    const int32_t n = (int32_t)json_array_size(json_object_get(one, "output_ids"));
    eagle_session *s = begin(g, drafter, one);

    for (size_t r = 0; r < json_array_size(rounds); r++) {
        assert_true(eagle_session_length(s) - n_prompt < n); /* no round too many */
        check_round(g, s, json_array_get(rounds, r));
    }
    assert_true(eagle_session_length(s) - n_prompt >= n); /* and none too few */
    assert_ids(json_object_get(one, "output_ids"), eagle_session_tokens(s) + n_prompt, n, "ids");
    eagle_session_free(s);
    g->cases++;
}

static void check_drafts(const char *name)
{
    golden g;

    if (!open_golden(&g, name)) {
        skip();
    }
    const json_t *cases = json_object_get(g.doc, "cases");

    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        eagle_drafter *drafter = drafter_of(&g, json_string_value(json_object_get(one, "tree")));

        check_case(&g, one, drafter);
        eagle_drafter_free(drafter);
    }
    assert_true(g.clear > g.rounds / 2);
    printf("count: %s: %d cases, %d rounds, %d clear: same trees, same accepted nodes\n", name,
           g.cases, g.rounds, g.clear);
    close_golden(&g);
}

/* The recorded trees, proposed by the replay drafter, are accepted as recorded. */
static void check_replay(const char *name)
{
    golden g;

    if (!open_golden(&g, name)) {
        skip();
    }
    const json_t *cases = json_object_get(g.doc, "cases");

    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        char file[256];
        char path[512];
        char numbered[600];
        eagle_rounds *rounds = NULL;
        eagle_drafter *drafter = NULL;

        snprintf(file, sizeof file, "golden/eagle1-%s.json", name);
        assert_true(data_path(path, file));
        snprintf(numbered, sizeof numbered, "%s#%zu", path, i);
        assert_int_equal(eagle_rounds_read(&rounds, numbered, NULL), EAGLE_OK);
        assert_int_equal(eagle_drafter_replay(&drafter, rounds, NULL), EAGLE_OK);
        check_case(&g, one, drafter);
        eagle_drafter_free(drafter);
        eagle_rounds_free(rounds);
    }
    printf("count: %s: %d cases replayed, %d rounds\n", name, g.cases, g.rounds);
    close_golden(&g);
}

static void stories260k_drafts_what_pytorch_drafts(void **state)
{
    (void)state;
    check_drafts("stories260K");
}

static void babyllama_drafts_what_pytorch_drafts(void **state)
{
    (void)state;
    check_drafts("babyllama-tok361");
}

static void stories260k_accepts_recorded_trees(void **state)
{
    (void)state;
    check_replay("stories260K");
}

static void babyllama_accepts_recorded_trees(void **state)
{
    (void)state;
    check_replay("babyllama-tok361");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stories260k_drafts_what_pytorch_drafts),
        cmocka_unit_test(babyllama_drafts_what_pytorch_drafts),
        cmocka_unit_test(stories260k_accepts_recorded_trees),
        cmocka_unit_test(babyllama_accepts_recorded_trees),
    };

    return cmocka_run_group_tests_name("eagle1", tests, NULL, NULL);
}
