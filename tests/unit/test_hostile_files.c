/* SPDX-License-Identifier: MIT */
/* test_hostile_files.c - malformed models, heads, tokenizers and tree files give one clear line and
 * the right exit code. The files are in testdata/bad, made by tests/support/make_bad.c. */
#include "eagle/drafter.h"
#include "eagle/files.h"
#include "eagle/tokenizer.h"
#include "formats/formats.h"
#include "support/lib_hostile.h"
#include "support/lib_scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static eagle_status read_config(const char *dir, eagle_error *err)
{
    eagle_config config;

    return eg_config_read_target(&config, dir, err);
}

static eagle_status read_tensors(const char *dir, eagle_error *err)
{
    eg_tensors tensors;
    eagle_status st = eg_tensors_open(&tensors, dir, err);

    eg_tensors_close(&tensors);
    return st;
}

static eagle_status read_model(const char *dir, eagle_error *err)
{
    eagle_model *model = NULL;
    eagle_status st = eagle_model_open(&model, dir, err);

    eagle_model_free(model);
    return st;
}

/* With `scan`, the weights are looked at too. */
static eagle_status read_pair(const char *dir, bool scan, eagle_error *err)
{
    eagle_model *model = NULL;
    eagle_head *head = NULL;
    uint64_t n_bytes = 0;
    eagle_status st = eagle_model_open(&model, HOSTILE_BASE, err);

    if (st == EAGLE_OK) {
        st = eagle_head_open(&head, model, dir, err);
    }
    if (st == EAGLE_OK && scan) {
        st = eagle_model_scan(&n_bytes, model, head, true, 1, err);
    }
    eagle_head_free(head);
    eagle_model_free(model);
    return st;
}

static eagle_status read_head(const char *dir, eagle_error *err)
{
    return read_pair(dir, false, err);
}

static eagle_status scan_head(const char *dir, eagle_error *err)
{
    return read_pair(dir, true, err);
}

static eagle_status scan_model(const char *dir, eagle_error *err)
{
    eagle_model *model = NULL;
    uint64_t n_bytes = 0;
    eagle_status st = eagle_model_open(&model, dir, err);

    if (st == EAGLE_OK) {
        st = eagle_model_scan(&n_bytes, model, NULL, true, 1, err);
    }
    eagle_model_free(model);
    return st;
}

static eagle_status read_tree(const char *dir, eagle_error *err)
{
    char path[SCRATCH_PATH];
    eagle_shape *shape = NULL;

    scratch_join(path, dir, "tree.json");
    eagle_status st = eagle_shape_read(&shape, path, err);

    eagle_shape_free(shape);
    return st;
}

static eagle_status read_rounds(const char *dir, eagle_error *err)
{
    char path[SCRATCH_PATH];
    eagle_rounds *rounds = NULL;

    scratch_join(path, dir, "rounds.json");
    eagle_status st = eagle_rounds_read(&rounds, path, err);

    eagle_rounds_free(rounds);
    return st;
}

static eagle_status read_tokenizer(const char *dir, eagle_error *err)
{
    eagle_tokenizer *tokenizer = NULL;
    eagle_status st = eagle_tokenizer_open(&tokenizer, dir, err);

    eagle_tokenizer_free(tokenizer);
    return st;
}

/* All directories of a stage; at least `least`, so that a lost list does not pass. */
static void run(const char *stage, const char *base, hostile_reader *read, int least)
{
    int failed = 0;
    int n = hostile_run(&failed, stage, base, read);

    assert_int_equal(failed, 0);
    assert_in_range(n, least, 1000);
}

static void the_base_that_is_broken_is_whole(void **state)
{
    eagle_error err = {0};

    (void)state;
    if (scan_head(HOSTILE_HEAD, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
}

static void malformed_configurations_are_refused(void **state)
{
    (void)state;
    run("config", HOSTILE_BASE, read_config, 60);
}

static void malformed_tensor_files_are_refused(void **state)
{
    (void)state;
    run("tensors", HOSTILE_BASE, read_tensors, 60);
}

static void weights_that_do_not_fit_their_configuration_are_refused(void **state)
{
    (void)state;
    run("model", HOSTILE_BASE, read_model, 10);
}

static void heads_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    run("head", HOSTILE_HEAD, read_head, 10);
}

static void a_scan_names_the_weights_that_are_not_finite(void **state)
{
    (void)state;
    run("scan", HOSTILE_BASE, scan_model, 3);
    run("head-scan", HOSTILE_HEAD, scan_head, 1);
}

static void malformed_trees_are_refused(void **state)
{
    (void)state;
    run("tree", HOSTILE_BASE, read_tree, 10);
    run("rounds", HOSTILE_BASE, read_rounds, 14);
}

static void malformed_tokenizers_are_refused(void **state)
{
    (void)state;
#ifdef EG_HAVE_TEXT
    run("tokenizer", HOSTILE_BASE, read_tokenizer, 45);
#else
    (void)read_tokenizer;
    skip(); /* without PCRE2 and utf8proc there is none */
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_base_that_is_broken_is_whole),
        cmocka_unit_test(malformed_configurations_are_refused),
        cmocka_unit_test(malformed_tensor_files_are_refused),
        cmocka_unit_test(weights_that_do_not_fit_their_configuration_are_refused),
        cmocka_unit_test(heads_that_do_not_fit_are_refused),
        cmocka_unit_test(a_scan_names_the_weights_that_are_not_finite),
        cmocka_unit_test(malformed_trees_are_refused),
        cmocka_unit_test(malformed_tokenizers_are_refused),
    };

    return cmocka_run_group_tests_name("hostile_files", tests, NULL, NULL);
}
