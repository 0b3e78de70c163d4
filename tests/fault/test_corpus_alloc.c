/* SPDX-License-Identifier: MIT */
/* test_corpus_alloc.c - every allocation of reading, cutting, writing texts and of storing features
 * failed in turn: EAGLE_ENOMEM, nothing given back, nothing left behind. */
#include "fault/fault.h"
#include "support/lib_scratch.h"
#include "support/lib_toy.h"

#include "eagle/eagle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char dir[SCRATCH_PATH];
static char path[5][SCRATCH_PATH]; /* text, JSON lines, ids, features, saved */
static eagle_tokenizer *tokenizer;
static toy *network;
static eagle_corpus *texts;

/* ---- reading --------------------------------------------------------------------------------- */

static const char *const jsonl[] = {
    "{\"text\":\"ab\"}",
    "{\"messages\":[{\"role\":\"user\",\"content\":\"ab\"},"
    "{\"role\":\"assistant\",\"content\":\"a long answer, so that the text has to grow more than "
    "once: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]}",
    "{\"ids\":[1,2,3],\"learn\":[0,1,1]}",
};

/* One token a letter, unknown ones included. */
static const char tokenizer_file[] =
    "{\"model\":{\"type\":\"BPE\",\"unk_token\":\"b\",\"vocab\":{\"a\":1,\"b\":2},\"merges\":[]}}";

static void write_inputs(void)
{
    FILE *file;

    for (int i = 0; i < 5; i++) {
        static const char *const name[] = {"a.txt", "b.jsonl", "c.ids", "d", "e"};

        scratch_join(path[i], dir, name[i]);
    }
    scratch_text(dir, "a.txt", "ab ba\n<|endoftext|>\nbb\n");
    file = fopen(path[1], "w");
    assert_non_null(file);
    fprintf(file, "%s\n%s\n%s\n", jsonl[0], jsonl[1], jsonl[2]);
    fclose(file);
    file = fopen(path[2], "w");
    assert_non_null(file);
    for (int i = 0; i < 100; i++) { /* so that all arrays grow */
        for (int j = 0; j < 30; j++) {
            fprintf(file, "%d ", (i * j) % 40);
        }
        fprintf(file, "\n");
    }
    fclose(file);
}

static eagle_status read_all(eagle_error *err)
{
    const char *const paths[] = {path[0], path[1], path[2]};
    const bool text = tokenizer != NULL;
    eagle_corpus_options opt;
    eagle_corpus *corpus;

    eagle_corpus_defaults(&opt);
    opt.end = text ? 3 : -1;
    const eagle_status st = eagle_corpus_read(&corpus, text ? paths : paths + 2, text ? 3 : 1,
                                              tokenizer, 40, &opt, err);

    assert_true((corpus != NULL) == (st == EAGLE_OK));
    eagle_corpus_free(corpus);
    return st;
}

static void reading_without_memory_fails_cleanly(void **state)
{
    (void)state;
    fault_each_in_turn("reading texts", read_all);
}

/* ---- the corpus ------------------------------------------------------------------------------ */

static eagle_status save(eagle_error *err)
{
    return eagle_corpus_save(texts, path[4], err);
}

/* A division that fails leaves the corpus whole: so all of them can be tried on one. */
static eagle_status divide(eagle_error *err)
{
    const int64_t before = eagle_corpus_tokens(texts);
    eagle_corpus *held = NULL;
    char was[65];
    char is[65];

    eagle_corpus_hash(was, texts);
    const eagle_status st = eagle_corpus_split(&held, texts, 0.9, err);

    if (st == EAGLE_OK) { /* made again: it is needed whole */
        const eagle_corpus_options opt = {.end = -1};

        fault_disarm();
        assert_int_equal(eagle_corpus_tokens(texts) + eagle_corpus_tokens(held), before);
        eagle_corpus_free(texts);
        assert_int_equal(
            eagle_corpus_read(&texts, &(const char *){path[2]}, 1, NULL, 40, &opt, NULL), EAGLE_OK);
    }
    eagle_corpus_hash(is, texts);
    assert_string_equal(was, is);
    assert_true((held != NULL) == (st == EAGLE_OK));
    eagle_corpus_free(held);
    return st;
}

static void dividing_and_saving_without_memory_fail_cleanly(void **state)
{
    const long live = fault_live();
    eagle_error err;
    long i = 1;

    (void)state;
    fault_each_in_turn("saving a corpus", save);
    /* The attempt that succeeds makes a new corpus, so the counting is done here. */
    for (;; i++) {
        fault_arm(i);
        const eagle_status st = divide(&err);

        fault_disarm();
        assert_int_equal(fault_live(), live);
        if (st == EAGLE_OK) {
            break;
        }
        assert_int_equal(st, EAGLE_ENOMEM);
    }
    assert_true(i > 3);
    printf("count: %ld allocations of dividing a corpus failed in turn\n", i - 1);
}

/* ---- writing --------------------------------------------------------------------------------- */

static eagle_status write_texts(eagle_error *err)
{
    eagle_writing_options opt;
    eagle_corpus *corpus;

    eagle_writing_defaults(&opt);
    opt.tokens = 100;
    opt.length = 8;
    opt.sequences = 66; /* more than the first room for documents */
    opt.threads = 1;
    const eagle_status st =
        eagle_corpus_write(&corpus, toy_model(network), texts, &opt, NULL, NULL, err);

    assert_true((corpus != NULL) == (st == EAGLE_OK));
    eagle_corpus_free(corpus);
    return st;
}

static void writing_without_memory_fails_cleanly(void **state)
{
    (void)state;
    fault_each_in_turn("writing texts", write_texts);
}

/* ---- features -------------------------------------------------------------------------------- */

static eagle_status write_features(eagle_error *err)
{
    const eagle_features_options opt = {.length = 20, .dtype = EAGLE_F16, .threads = 1};

    return eagle_features_write(path[3], toy_model(network), texts, &opt, NULL, NULL, err);
}

static eagle_status open_features(eagle_error *err)
{
    eagle_features *features;
    eagle_corpus *corpus;
    const eagle_status st =
        eagle_features_open(&features, &corpus, path[3], toy_model(network), err);

    assert_true((features != NULL) == (st == EAGLE_OK));
    assert_true((corpus != NULL) == (st == EAGLE_OK));
    eagle_features_free(features);
    eagle_corpus_free(corpus);
    return st;
}

static void storing_features_without_memory_fails_cleanly(void **state)
{
    (void)state;
    fault_each_in_turn("computing features", write_features);
    fault_each_in_turn("opening features", open_features);
}

static int set_up(void **state)
{
    const eagle_corpus_options opt = {.end = -1};
    eagle_status st;

    (void)state;
    scratch_create(dir);
    scratch_text(dir, "tokenizer.json", tokenizer_file);
    write_inputs();
    st = eagle_tokenizer_open(&tokenizer, dir, NULL);
    if (st != EAGLE_OK && st != EAGLE_EUNSUPPORTED) { /* built without it: ids alone */
        return 1;
    }
    network = toy_create(&(toy_options){.seed = 1});
    return eagle_corpus_read(&texts, &(const char *){path[2]}, 1, NULL, 40, &opt, NULL) != EAGLE_OK;
}

static int tear_down(void **state)
{
    (void)state;
    eagle_corpus_free(texts);
    toy_free(network);
    eagle_tokenizer_free(tokenizer);
    scratch_remove(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_without_memory_fails_cleanly),
        cmocka_unit_test(dividing_and_saving_without_memory_fail_cleanly),
        cmocka_unit_test(writing_without_memory_fails_cleanly),
        cmocka_unit_test(storing_features_without_memory_fails_cleanly),
    };

    return cmocka_run_group_tests_name("corpus without memory", tests, set_up, tear_down);
}
