/* SPDX-License-Identifier: MIT */
/* lib_lesson.h - trainings of tiny networks on made-up texts, in milliseconds. Whatever fails
 * fails the test. */
#ifndef EAGLE_TESTS_LIB_LESSON_H
#define EAGLE_TESTS_LIB_LESSON_H

#include "eagle/eagle.h"
#include "support/lib_scratch.h"
#include "support/lib_toy.h"

#include <stdbool.h>

enum { LESSON_VOCAB = 12, LESSON_STEPS = 6 };

/* What is trained: a target, or a head for the toy's target. A test may change it between
 * lesson_begin() and lesson_make(). */
typedef struct {
    char dir[SCRATCH_PATH];
    eagle_corpus *corpus;
    eagle_config config;
    toy *target;
    bool head;
    eagle_train_options opt;
} lesson;

/* 40 documents of 20 tokens, 6 steps of 64 of them with one thread. */
void lesson_begin(lesson *l, bool head);
void lesson_end(lesson *l);

/* Documents in which token t is followed by 5 t + 1, but for every eighth, which is drawn anew. */
eagle_corpus *lesson_corpus(const char *dir, int32_t n_documents, uint64_t seed);

eagle_status lesson_try(eagle_trainer **out, eagle_train_bill *bill, const lesson *l,
                        eagle_error *err);
eagle_trainer *lesson_make(const lesson *l);

/* Steps until `last` are done; returns the last one's report. */
eagle_train_report lesson_run(eagle_trainer *t, int64_t last);

void lesson_save(const eagle_trainer *t, const char *memo, const char *path);

/* SHA-256 of all weights with their names. */
typedef struct {
    char hex[65];
} lesson_digest;
lesson_digest lesson_weights(const eagle_trainer *t);
void lesson_assert_same(const lesson_digest *a, const lesson_digest *b);

/* The status, and a word of the message. */
void lesson_assert_fails(eagle_status expected, eagle_status st, const eagle_error *err,
                         const char *word);

#endif
