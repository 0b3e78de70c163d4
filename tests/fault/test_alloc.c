/* SPDX-License-Identifier: MIT */
/* test_alloc.c - every allocation of every creation failed in turn; rounds that allocate nothing.
 *
 * A creation that runs out of memory reports EAGLE_ENOMEM (exit code 5), gives nothing
 * back and leaves no block behind, whichever of its allocations it was. */
#include "fault/fault.h"
#include "support/lib_scratch.h"
#include "support/lib_toy.h"

#include "eagle/eagle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* What the creations borrow: made once, before anything fails. */
static toy *net;
static eagle_shape *wide; /* three children of the root, one below the first */
static eagle_rounds *rounds;
static char target_dir[SCRATCH_PATH];
static char head_dir[SCRATCH_PATH];
static char real_dir[SCRATCH_PATH]; /* of a real model; empty when there is none */

/* ---- models and heads -------------------------------------------------------------------- */

static eagle_status create_model(eagle_error *err)
{
    int32_t n = 0;
    const eagle_tensor *tensors = toy_tensors(&n, net, false);
    eagle_model *model = NULL;
    const eagle_status st = eagle_model_create(&model, toy_config(net, false), tensors, n, err);

    eagle_model_free(model);
    return st;
}

static eagle_status create_head(eagle_error *err)
{
    int32_t n = 0;
    const eagle_tensor *tensors = toy_tensors(&n, net, true);
    eagle_head *head = NULL;
    const eagle_status st =
        eagle_head_create(&head, toy_model(net), toy_config(net, true), tensors, n, err);

    eagle_head_free(head);
    return st;
}

static eagle_status open_model(eagle_error *err)
{
    eagle_model *model = NULL;
    const eagle_status st = eagle_model_open(&model, target_dir, err);

    eagle_model_free(model);
    return st;
}

static eagle_status open_head(eagle_error *err)
{
    eagle_head *head = NULL;
    const eagle_status st = eagle_head_open(&head, toy_model(net), head_dir, err);

    eagle_head_free(head);
    return st;
}

static eagle_status open_tokenizer(eagle_error *err)
{
    eagle_tokenizer *tokenizer = NULL;
    const eagle_status st = eagle_tokenizer_open(&tokenizer, real_dir, err);

    eagle_tokenizer_free(tokenizer);
    return st;
}

static void models_and_heads_survive_every_failed_allocation(void **state)
{
    (void)state;
    fault_each_in_turn("eagle_model_create", create_model);
    fault_each_in_turn("eagle_head_create", create_head);
    fault_each_in_turn("eagle_model_open", open_model);
    fault_each_in_turn("eagle_head_open", open_head);
}

static void tokenizers_survive_failed_allocations(void **state)
{
    (void)state;
    if (real_dir[0] == '\0') {
        skip();
    }
    fault_each_in_turn("eagle_tokenizer_open", open_tokenizer);
}

/* ---- trees and drafters ------------------------------------------------------------------ */

static eagle_status make_shape(eagle_shape **out, eagle_error *err)
{
    static const int32_t ranks[] = {0, 1, 2, 0, 0};
    static const int32_t length[] = {1, 1, 1, 2};

    return eagle_shape_create(out, ranks, length, 4, err);
}

static eagle_status make_rounds(eagle_rounds **out, eagle_error *err)
{
    static const int32_t token[] = {3, 4, 5};
    static const int32_t parent[] = {0, 0, 1};
    eagle_status st = eagle_rounds_create(out, err);

    for (int i = 0; st == EAGLE_OK && i < 40; i++) { /* enough to grow more than once */
        st = eagle_rounds_add(*out, 7, token, parent, 3, err);
    }
    return st;
}

static eagle_status create_shape(eagle_error *err)
{
    eagle_shape *shape = NULL;
    const eagle_status st = make_shape(&shape, err);

    eagle_shape_free(shape);
    return st;
}

static eagle_status create_rounds(eagle_error *err)
{
    eagle_rounds *made = NULL;
    const eagle_status st = make_rounds(&made, err);

    eagle_rounds_free(made);
    return st;
}

static eagle_status create_tree(eagle_error *err)
{
    eagle_tree *tree = NULL;
    const eagle_status st = eagle_tree_create(&tree, 60, err);

    eagle_tree_free(tree);
    return st;
}

static eagle_status create_drafters(eagle_error *err)
{
    static const int32_t token[] = {1, 2, 3};
    const eagle_future future = {.token = token, .n = 3};
    eagle_drafter *drafter[4] = {NULL};
    eagle_status st = eagle_drafter_dynamic(&drafter[0], toy_head(net), 3, 4, 9, err);

    if (st == EAGLE_OK) {
        st = eagle_drafter_static(&drafter[1], toy_head(net), wide, true, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_drafter_replay(&drafter[2], rounds, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_drafter_fuzz(&drafter[3], 1, 9, 40, EAGLE_FUZZ_RIGHT, &future, err);
    }
    for (int i = 0; i < 4; i++) {
        eagle_drafter_free(drafter[i]);
    }
    return st;
}

static void trees_and_drafters_survive_every_failed_allocation(void **state)
{
    (void)state;
    fault_each_in_turn("eagle_tree_create", create_tree);
    fault_each_in_turn("eagle_shape_create", create_shape);
    fault_each_in_turn("eagle_rounds_add", create_rounds);
    fault_each_in_turn("four drafters", create_drafters);
}

/* ---- sessions ---------------------------------------------------------------------------- */

/* The drafter and the rule of the sessions that are being created. */
static const eagle_drafter *session_drafter;
static eagle_sampling session_sampling;

static eagle_status create_session(eagle_session **out, eagle_error *err)
{
    eagle_session_options opt;

    eagle_session_defaults(&opt);
    opt.ctx = 64;
    opt.chunk = 8;
    opt.threads = 2;
    opt.sampling = session_sampling;
    return eagle_session_create(out, toy_model(net), session_drafter, &opt, err);
}

static eagle_status create_and_free_session(eagle_error *err)
{
    eagle_session *session = NULL;
    const eagle_status st = create_session(&session, err);

    eagle_session_free(session);
    return st;
}

/* A prompt, rounds, a rewind, rounds: all within the memory that the session has. */
static void run_without_allocating(void)
{
    static const int32_t prompt[] = {1, 5, 9, 2, 7};
    const eagle_path *path;
    eagle_session *session = NULL;
    eagle_error err = {EAGLE_OK, ""};

    assert_int_equal(create_session(&session, &err), EAGLE_OK);
    fault_arm(0);
    eagle_status st = eagle_session_feed(NULL, session, prompt, 5, &err);

    for (int i = 0; st == EAGLE_OK && i < 6; i++) {
        st = eagle_session_step(&path, session, &err);
    }
    if (st == EAGLE_OK) {
        st = eagle_session_rewind(session, 3, &err);
    }
    if (st == EAGLE_OK) {
        st = eagle_session_feed(NULL, session, prompt, 2, &err);
    }
    for (int i = 0; st == EAGLE_OK && i < 6; i++) {
        st = eagle_session_step(&path, session, &err);
    }
    assert_int_equal(fault_disarm(), 0);
    assert_string_equal(err.message, "");
    assert_int_equal(st, EAGLE_OK);
    eagle_session_free(session);
}

/* Every kind of drafter that keeps a state, with a rule that fits it. */
static void with_each_session(void (*act)(const char *what))
{
    eagle_drafter *drafter = NULL;

    eagle_sampling_defaults(&session_sampling);
    session_drafter = NULL;
    act("a plain session");

    assert_int_equal(eagle_drafter_dynamic(&drafter, toy_head(net), 3, 4, 9, NULL), EAGLE_OK);
    session_drafter = drafter;
    act("a session with a dynamic tree");

    session_sampling.temperature = 0.8f;
    session_sampling.mode = EAGLE_VERIFY_COUPLED;
    assert_int_equal(eagle_decimal_parse(&session_sampling.top_p, "0.9", NULL), EAGLE_OK);
    act("a coupled session");
    eagle_drafter_free(drafter);

    assert_int_equal(eagle_drafter_static(&drafter, toy_head(net), wide, true, NULL), EAGLE_OK);
    session_drafter = drafter;
    session_sampling.mode = EAGLE_VERIFY_REJECTION;
    act("a session with drawn children");
    eagle_drafter_free(drafter);

    assert_int_equal(eagle_drafter_fuzz(&drafter, 1, 9, 40, EAGLE_FUZZ_RANDOM, NULL, NULL),
                     EAGLE_OK);
    session_drafter = drafter;
    act("a session with random trees");
    eagle_drafter_free(drafter);
}

static void fail_session(const char *what)
{
    fault_each_in_turn(what, create_and_free_session);
}

static void sessions_survive_every_failed_allocation(void **state)
{
    (void)state;
    with_each_session(fail_session);
}

static void run_session(const char *what)
{
    (void)what;
    run_without_allocating();
}

static void rounds_allocate_nothing(void **state)
{
    (void)state;
    with_each_session(run_session);
}

/* ---- set-up ------------------------------------------------------------------------------ */

/* A directory as Hugging Face has it. */
static void write_directory(char dir[SCRATCH_PATH], bool head)
{
    const eagle_config *c = toy_config(net, head);
    int32_t n = 0;
    const eagle_tensor *tensors = toy_tensors(&n, net, head);
    char path[SCRATCH_PATH];
    char config[1024];

    scratch_create(dir);
    scratch_join(path, dir, "model.safetensors");
    assert_int_equal(eagle_tensors_write(path, tensors, n, NULL, NULL), EAGLE_OK);
    snprintf(config, sizeof config,
             "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\","
             " \"hidden_act\": \"silu\", \"hidden_size\": %d, \"num_hidden_layers\": %d,"
             " \"num_attention_heads\": %d, \"num_key_value_heads\": %d, \"head_dim\": %d,"
             " \"intermediate_size\": %d, \"vocab_size\": %d, \"max_position_embeddings\": %d,"
             " \"rms_norm_eps\": 1e-5, \"rope_theta\": %g, \"tie_word_embeddings\": %s,"
             " \"bias\": %s, \"eos_token_id\": [2, 3]}",
             c->dim, c->n_layers, c->n_heads, c->n_kv_heads, c->head_dim, c->ffn_dim, c->vocab,
             c->context, c->rope.theta, c->tied ? "true" : "false", c->fc_bias ? "true" : "false");
    scratch_text(dir, "config.json", config);
}

static int set_up(void **state)
{
    char file[SCRATCH_PATH];

    (void)state;
    net = toy_create(&(toy_options){.seed = 11});
    write_directory(target_dir, false);
    write_directory(head_dir, true);
    if (scratch_find_data(file, "models/stories260K/tokenizer.json")) {
        assert_true(scratch_find_data(real_dir, "models/stories260K"));
    }
    return make_shape(&wide, NULL) != EAGLE_OK || make_rounds(&rounds, NULL) != EAGLE_OK;
}

static int tear_down(void **state)
{
    (void)state;
    eagle_rounds_free(rounds);
    eagle_shape_free(wide);
    scratch_remove(head_dir);
    scratch_remove(target_dir);
    toy_free(net);
    return fault_live() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_and_heads_survive_every_failed_allocation),
        cmocka_unit_test(tokenizers_survive_failed_allocations),
        cmocka_unit_test(trees_and_drafters_survive_every_failed_allocation),
        cmocka_unit_test(sessions_survive_every_failed_allocation),
        cmocka_unit_test(rounds_allocate_nothing),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
