/* SPDX-License-Identifier: MIT */
/* test_samples_alloc.c - every allocation of reading responses and of judging samples failed in
 * turn: EAGLE_ENOMEM, nothing given back, nothing left behind. */
#include "fault/fault.h"
#include "support/lib_scratch.h"
#include "support/lib_toy.h"

#include "eagle/eagle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static char dir[SCRATCH_PATH];

static toy *network;
static eagle_responses *drawn;
static eagle_responses *control;

static eagle_status read_shapes(eagle_error *err)
{
    static const char *const file[] = {"eagle.jsonl", "vllm-completions.json", "vllm-chat.json",
                                       "sglang-generate.json", "llama-completion.jsonl"};
    eagle_status st = EAGLE_OK;

    for (size_t i = 0; st == EAGLE_OK && i < sizeof file / sizeof file[0]; i++) {
        char path[SCRATCH_PATH];
        eagle_responses *responses;

        scratch_join(path, "testdata/responses", file[i]);
        st = eagle_responses_read(&responses, path, 16, err);
        assert_true((responses != NULL) == (st == EAGLE_OK));
        eagle_responses_free(responses);
    }
    return st;
}

static eagle_status check(const eagle_samples_task *task, const eagle_samples_options *opt,
                          eagle_error *err)
{
    eagle_samples_verdict v;
    const eagle_status st = eagle_samples_check(&v, task, opt, NULL, NULL, err);

    assert_true((v.test != NULL) == (st == EAGLE_OK));
    eagle_samples_verdict_free(&v);
    return st;
}

static eagle_status judge(eagle_error *err)
{
    eagle_samples_options opt;
    eagle_session_options how;

    eagle_samples_defaults(&opt);
    eagle_session_defaults(&how);
    how.ctx = 0;
    how.max_nodes = 9;
    how.threads = 1;
    const eagle_samples_task task = {
        .model = toy_model(network), .responses = drawn, .control = control, .session = &how};

    eagle_status st = check(&task, &opt, err);

    opt.null = EAGLE_NULL_SAMPLER;
    return st == EAGLE_OK ? check(&(eagle_samples_task){.responses = drawn}, &opt, err) : st;
}

static void reading_responses_without_memory_fails_cleanly(void **state)
{
    (void)state;
    fault_each_in_turn("reading responses", read_shapes);
}

static void judging_samples_without_memory_fails_cleanly(void **state)
{
    (void)state;
    fault_each_in_turn("judging samples", judge);
}

/* Ten continuations of forty tokens, enough for all arrays to grow, that depend on `shift`. */
static eagle_status write_and_read(eagle_responses **out, const char *name, int shift)
{
    char path[SCRATCH_PATH];
    FILE *file;

    scratch_join(path, dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 10; i++) {
        fprintf(file, "{\"prompt_ids\":[1],\"output_ids\":[%d", i % 3);
        for (int k = 1; k < 40; k++) {
            fprintf(file, ",%d", (i / 3 + k * k + shift) % 40);
        }
        fprintf(file, "],\"top_logprobs\":[");
        for (int k = 0; k < 40; k++) {
            fprintf(file, "%s{\"3\":-1,\"4\":-2}", k > 0 ? "," : "");
        }
        fprintf(file, "]}\n");
    }
    fclose(file);
    return eagle_responses_read(out, path, 40, NULL);
}

static int set_up(void **state)
{
    (void)state;
    scratch_create(dir);
    network = toy_create(&(toy_options){.seed = 2});
    if (write_and_read(&control, "control.jsonl", 1) != EAGLE_OK) {
        return -1;
    }
    return write_and_read(&drawn, "drawn.jsonl", 0) == EAGLE_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    eagle_responses_free(drawn);
    eagle_responses_free(control);
    toy_free(network);
    scratch_remove(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_responses_without_memory_fails_cleanly),
        cmocka_unit_test(judging_samples_without_memory_fails_cleanly),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
