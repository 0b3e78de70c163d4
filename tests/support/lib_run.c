/* SPDX-License-Identifier: MIT */
/* lib_run.c - whole generations through the public interface. */
#include "support/lib_run.h"

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

static bool is_end(const eagle_config *config, int32_t token)
{
    for (int32_t i = 0; i < config->n_end; i++) {
        if (config->end[i] == token) {
            return true;
        }
    }
    return false;
}

/* Takes a round's tokens up to what is wanted; false when the output has ended. */
static bool take(run_result *out, const run_plan *plan, const eagle_path *path,
                 const eagle_rows *rows, eagle_sha256 *sha)
{
    for (int32_t i = 0; i < path->n; i++) {
        if (out->n == plan->n) {
            return false;
        }
        out->token[out->n++] = path->token[i];
        eagle_sha256_floats(sha, rows->logits + (size_t)path->row[i] * (size_t)rows->vocab,
                            (size_t)rows->vocab);
        if (plan->stop_end && is_end(eagle_model_config(plan->model), path->token[i])) {
            return false;
        }
    }
    return out->n < plan->n;
}

run_result run_generate(const run_plan *plan)
{
    run_result out = {.token = calloc((size_t)plan->n + 1, sizeof(int32_t))};
    eagle_session *s = NULL;
    eagle_sha256 sha;
    eagle_error err = {0};

    ok(eagle_session_create(&s, plan->model, plan->drafter, &plan->options, &err), &err);
    const int32_t chunk =
        plan->options.chunk < plan->options.ctx ? plan->options.chunk : plan->options.ctx;

    for (int32_t done = 0; done < plan->n_prompt;) {
        const int32_t n = plan->n_prompt - done < chunk ? plan->n_prompt - done : chunk;

        ok(eagle_session_feed(NULL, s, plan->prompt + done, n, &err), &err);
        done += n;
    }
    eagle_sha256_init(&sha);
    for (bool more = true, first = true; more; first = false) {
        const eagle_path *path;

        if (eagle_session_length(s) > plan->options.ctx) {
            break; /* the context is full */
        }
        ok(eagle_session_step(&path, s, &err), &err);
        out.rounds += first ? 0 : 1;
        out.accepted += path->n - 1;
        out.drafted += eagle_session_tree(s)->n_verify - 1;
        more = take(&out, plan, path, eagle_session_rows(s), &sha);
    }
    eagle_sha256_hex(out.digest, &sha);
    eagle_session_hash(out.state, s);
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
