/* SPDX-License-Identifier: MIT */
/* lib_run.c - whole generations through the public interface. */
#include "support/lib_run.h"

#include <fenv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void ok(eagle_status st, const eagle_error *err)
{
    if (st != EAGLE_OK) {
        fail_msg("%s: %s", eagle_status_name(st), err->message);
    }
}

run_plan run_plan_for(const eagle_model *model, const eagle_drafter *drafter, const int32_t *prompt,
                      int32_t n_prompt, int32_t n)
{
    run_plan plan = {
        .model = model, .drafter = drafter, .prompt = prompt, .n_prompt = n_prompt, .n = n};

    eagle_session_defaults(&plan.options);
    plan.options.threads = 1;
    plan.options.ctx = n_prompt + n + (drafter != NULL ? eagle_drafter_max_nodes(drafter) : 0);
    if (plan.options.ctx > eagle_model_config(model)->context) {
        plan.options.ctx = eagle_model_config(model)->context;
    }
    return plan;
}

run_result run_generate(const run_plan *plan)
{
    const eagle_prompt prompt = {.token = plan->prompt, .n = plan->n_prompt};
    run_result out = {0};
    eagle_session *s = NULL;
    eagle_generation g;
    eagle_error err = {0};

    ok(eagle_session_create(&s, plan->model, plan->drafter, &plan->options, &err), &err);
    ok(eagle_generation_start(&g, s, &prompt, plan->n, !plan->stop_end, &err), &err);
    while (g.finish == EAGLE_FINISH_NOT_YET) {
        ok(eagle_generation_next(&g, &err), &err);
        while (eagle_generation_take(&g)) {
        }
    }
    out = (run_result){.token = g.token,
                       .n = g.n,
                       .rounds = (int32_t)g.counts.rounds,
                       .accepted = (int32_t)g.counts.accepted,
                       .drafted = (int32_t)g.counts.drafted};
    g.token = NULL; /* now the caller's */
    eagle_generation_digest(out.digest, &g);
    eagle_session_hash(out.state, s);
    eagle_generation_free(&g);
    eagle_session_free(s);
    return out;
}

void run_free(run_result *result)
{
    free(result->token);
    *result = (run_result){0};
}

void run_assert_same(const run_result *a, const run_result *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->token, b->token, (size_t)a->n * sizeof *a->token);
    assert_string_equal(a->digest, b->digest);
}

bool run_rounding_is_fixed(void)
{
#pragma omp parallel num_threads(1)
    fesetround(FE_UPWARD);

    const int after = fegetround();

    fesetround(FE_TONEAREST);
    return after == FE_TONEAREST || getenv("EAGLE_VALGRIND") != NULL;
}
