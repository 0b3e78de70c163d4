/* SPDX-License-Identifier: MIT */
/* lib_lesson.c - trainings of tiny networks. */
#include "support/lib_lesson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

eagle_corpus *lesson_corpus(const char *dir, int32_t n_documents, uint64_t seed)
{
    char path[SCRATCH_PATH];
    const char *paths[] = {path};
    eagle_corpus *corpus = NULL;
    eagle_error err = {0};

    scratch_join(path, dir, "texts.ids");
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (int32_t d = 0; d < n_documents; d++) {
        uint32_t token = (uint32_t)(toy_random(&seed) % LESSON_VOCAB);

        for (int32_t i = 0; i < 20; i++) {
            fprintf(file, "%u ", token);
            token = toy_random(&seed) % 8 == 0 ? (uint32_t)(toy_random(&seed) % LESSON_VOCAB)
                                               : (5 * token + 1) % LESSON_VOCAB;
        }
        fprintf(file, "\n");
    }
    fclose(file);

    eagle_corpus_options how;

    eagle_corpus_defaults(&how);
    if (eagle_corpus_read(&corpus, paths, 1, NULL, LESSON_VOCAB, &how, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    return corpus;
}

void lesson_begin(lesson *l, bool head)
{
    const toy_options shape = {.dim = 16,
                               .n_layers = 1,
                               .n_heads = 2,
                               .n_kv_heads = 1,
                               .ffn_dim = 24,
                               .vocab = LESSON_VOCAB};

    memset(l, 0, sizeof *l);
    scratch_create(l->dir);
    l->corpus = lesson_corpus(l->dir, 40, 1);
    l->target = toy_create(&shape);
    l->config = *toy_config(l->target, false);
    l->head = head;
    if (head) {
        eagle_train_defaults_head(&l->opt);
    } else {
        eagle_train_defaults_target(&l->opt);
    }
    l->opt.steps = LESSON_STEPS;
    l->opt.warmup = 2;
    l->opt.batch = 64;
    l->opt.length = 16;
    l->opt.threads = 1;
    l->opt.seed = 3;
}

void lesson_end(lesson *l)
{
    eagle_corpus_free(l->corpus);
    toy_free(l->target);
    scratch_remove(l->dir);
}

eagle_status lesson_try(eagle_trainer **out, eagle_train_bill *bill, const lesson *l,
                        eagle_error *err)
{
    const eagle_target_task target = {.config = &l->config, .corpus = l->corpus};
    const eagle_head_task head = {.model = toy_model(l->target), .corpus = l->corpus};

    return l->head ? eagle_trainer_head(out, bill, &head, &l->opt, err)
                   : eagle_trainer_target(out, bill, &target, &l->opt, err);
}

eagle_trainer *lesson_make(const lesson *l)
{
    eagle_trainer *t = NULL;
    eagle_error err = {0};

    if (lesson_try(&t, NULL, l, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    return t;
}

eagle_train_report lesson_run(eagle_trainer *t, int64_t last)
{
    eagle_train_report report = {0};
    eagle_error err = {0};

    while (eagle_trainer_steps(t) < last) {
        if (eagle_trainer_step(&report, t, &err) != EAGLE_OK) {
            fail_msg("%s", err.message);
        }
    }
    return report;
}

lesson_digest lesson_weights(const eagle_trainer *t)
{
    const eagle_tensor *tensor = NULL;
    int32_t n = 0;
    eagle_sha256 sha;
    lesson_digest out;

    eagle_trainer_tensors(&tensor, &n, t);
    eagle_sha256_init(&sha);
    for (int32_t i = 0; i < n; i++) {
        eagle_sha256_update(&sha, tensor[i].name, strlen(tensor[i].name));
        eagle_sha256_update(&sha, tensor[i].data, tensor[i].size);
    }
    eagle_sha256_hex(out.hex, &sha);
    return out;
}

void lesson_assert_same(const lesson_digest *a, const lesson_digest *b)
{
    assert_string_equal(a->hex, b->hex);
}

void lesson_assert_fails(eagle_status expected, eagle_status st, const eagle_error *err,
                         const char *word)
{
    if (st != expected || strstr(err->message, word) == NULL) {
        fail_msg("got %s: \"%s\", expected %s and \"%s\"", eagle_status_name(st), err->message,
                 eagle_status_name(expected), word);
    }
}

void lesson_save(const eagle_trainer *t, const char *memo, const char *path)
{
    eagle_error err = {0};

    if (eagle_trainer_save(t, memo, path, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
}
