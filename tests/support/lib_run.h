/* SPDX-License-Identifier: MIT */
/* lib_run.h - whole generations through the public interface, for comparing. */
#ifndef EAGLE_TESTS_LIB_RUN_H
#define EAGLE_TESTS_LIB_RUN_H

#include "eagle/eagle.h"

/* What came out: exactly `n` tokens, or fewer when the context or an end token stopped it. */
typedef struct {
    int32_t *token; /* [n] */
    int32_t n;
    int32_t rounds;   /* target passes after the first token          */
    int32_t accepted; /* drafted tokens accepted, before the cut      */
    int32_t drafted;
    char digest[65]; /* of the logits rows that decided the tokens   */
    char state[65];  /* the session's hash at the end                */
} run_result;

/* What to run. */
typedef struct {
    const eagle_model *model;
    const eagle_drafter *drafter;  /* NULL: plain */
    eagle_session_options options; /* ctx, chunk, threads, isa, sampling, seed */
    const int32_t *prompt;
    int32_t n_prompt;
    int32_t n;     /* tokens wanted                       */
    bool stop_end; /* stop at the model's end tokens      */
} run_plan;

/* Ends the test (assert) on any error. Free result.token. */
run_result run_generate(const run_plan *plan);
void run_free(run_result *result);

/* Fails the test unless both have the same tokens and the same digest of logits. */
void run_assert_same(const run_result *a, const run_result *b);

/* Defaults for tests: one thread, context for prompt and output. */
run_plan run_plan_for(const eagle_model *model, const eagle_drafter *drafter, const int32_t *prompt,
                      int32_t n_prompt, int32_t n);

/* A probe cannot spoil rounding from inside a pass: LLVM's OpenMP runtime puts back at a region's
 * end how its threads rounded before, and valgrind rounds to nearest always (valgrind.sh). */
bool run_rounding_is_fixed(void);

#endif
