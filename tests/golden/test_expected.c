/* SPDX-License-Identifier: MIT */
/* test_expected.c - plain greedy decoding of real networks against an independent float32 pass
 * (numpy, PyTorch): $EAGLE_DATA/models/<name>/expected.json. */
#include "support/lib_data.h"
#include "support/lib_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Cases that hang on a smaller gap between the two best logits may fall either way: both passes
 * round, in other orders. */
#define CLEAR_GAP 1e-3

/* Both sides round every operation of 5 to 24 layers in float32. */
#define LOGIT_BOUND 1e-4

static void check_logits(const eagle_model *model, const json_t *prompt, const json_t *expected)
{
    const int32_t vocab = eagle_model_config(model)->vocab;
    eagle_session_options opt;
    eagle_session *s = NULL;
    eagle_rows rows;
    int32_t n;
    int32_t *ids = data_ids(&n, prompt);
    double worst = 0.0;

    eagle_session_defaults(&opt);
    opt.max_nodes = n;
    assert_int_equal(eagle_session_create(&s, model, NULL, &opt, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(&rows, s, ids, n, NULL), EAGLE_OK);
    assert_int_equal(json_array_size(expected), (size_t)vocab);
    for (int32_t i = 0; i < vocab; i++) {
        const double ours = (double)rows.logits[(size_t)(n - 1) * (size_t)vocab + (size_t)i];
        const double off = fabs(ours - json_number_value(json_array_get(expected, (size_t)i)));

        worst = off > worst ? off : worst;
    }
    eagle_session_free(s);
    free(ids);
    if (!(worst <= LOGIT_BOUND)) {
        fail_msg("logits after the prompt are off by %g", worst);
    }
}

static void check_case(const eagle_model *model, const json_t *one)
{
    int32_t n_prompt;
    int32_t n_wanted;
    int32_t *prompt = data_ids(&n_prompt, json_object_get(one, "prompt_ids"));
    int32_t *wanted = data_ids(&n_wanted, json_object_get(one, "greedy_ids"));
    /* A stop id, where one was met, is not among the ids. */
    run_plan plan = run_plan_for(model, NULL, prompt, n_prompt, n_wanted);
    run_result got = run_generate(&plan);

    assert_int_equal(got.n, n_wanted);
    assert_memory_equal(got.token, wanted, (size_t)n_wanted * sizeof *wanted);
    run_free(&got);
    free(wanted);
    free(prompt);
    check_logits(model, json_object_get(one, "prompt_ids"),
                 json_object_get(one, "logits_after_prompt"));
}

static void check_model(const char *name)
{
    char file[256];
    char dir[512];
    eagle_model *model = NULL;
    eagle_error err = {0};
    int checked = 0;

    snprintf(file, sizeof file, "models/%s/expected.json", name);
    json_t *doc = data_json(file);

    snprintf(file, sizeof file, "models/%s", name);
    if (doc == NULL || !data_path(dir, file)) {
        skip();
    }
    if (eagle_model_open(&model, dir, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    const json_t *cases = json_object_get(doc, "cases");

    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);

        if (json_number_value(json_object_get(one, "smallest_top2_gap")) > CLEAR_GAP) {
            check_case(model, one);
            checked++;
        }
    }
    assert_true(checked > 0);
    printf("count: %s: %d of %zu cases clear, ids equal, logits within %g\n", name, checked,
           json_array_size(cases), LOGIT_BOUND);
    eagle_model_free(model);
    json_decref(doc);
}

static void stories260k_writes_what_numpy_writes(void **state)
{
    (void)state;
    check_model("stories260K");
}

static void stories260k_bf16_writes_what_numpy_writes(void **state)
{
    (void)state;
    check_model("stories260K-bf16");
}

static void babyllama_writes_what_numpy_writes(void **state)
{
    (void)state;
    check_model("babyllama-tok361");
}

static void babyllama_bf16_writes_what_numpy_writes(void **state)
{
    (void)state;
    check_model("babyllama-tok361-bf16");
}

static void stories_27m_writes_what_pytorch_writes(void **state)
{
    (void)state;
    check_model("stories-27m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stories260k_writes_what_numpy_writes),
        cmocka_unit_test(stories260k_bf16_writes_what_numpy_writes),
        cmocka_unit_test(babyllama_writes_what_numpy_writes),
        cmocka_unit_test(babyllama_bf16_writes_what_numpy_writes),
        cmocka_unit_test(stories_27m_writes_what_pytorch_writes),
    };

    return cmocka_run_group_tests_name("expected", tests, NULL, NULL);
}
