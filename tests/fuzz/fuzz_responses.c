/* SPDX-License-Identifier: MIT */
/* fuzz_responses.c - arbitrary bytes as responses of other implementations, judged by what they
 * recorded. */
#include "eagle/responses.h"
#include "eagle/samples.h"
#include "fuzz/fuzz.h"
#include "support/lib_scratch.h"

#include <math.h>
#include <stdlib.h>

enum { VOCAB = 16 };

static void promise(int kept)
{
    if (!kept) {
        abort();
    }
}

static void check(const eagle_response *r)
{
    promise(r->n_prompt >= 1 && r->n_output >= 0);
    for (int32_t i = 0; i < r->n_prompt; i++) {
        promise(r->prompt[i] >= 0 && r->prompt[i] < VOCAB);
    }
    for (int32_t i = 0; i < r->n_output; i++) {
        promise(r->output[i] >= 0 && r->output[i] < VOCAB);
        promise(r->logprob == NULL || !(r->logprob[i] > 0.0));
        promise(r->source == NULL || r->source[i] <= EAGLE_SOURCE_PLAIN);
        promise(r->top_begin == NULL || r->top_begin[i] <= r->top_begin[i + 1]);
    }
    for (int32_t j = 0; r->top_begin != NULL && j < r->top_begin[r->n_output]; j++) {
        promise(r->top_token[j] >= 0 && r->top_token[j] < VOCAB && r->top_logprob[j] <= 0.0);
    }
}

/* By the law that stands beside the tokens, as if drawn from it, and through filters. */
static void judge(const eagle_responses *responses)
{
    static const eagle_sampling how[3] = {
        {.temperature = 1.0f, .top_p = {.num = 1}},
        {.temperature = 0.5f, .top_k = 2, .top_p = {.num = 9, .places = 1}},
        {.temperature = 1.0f, .top_p = {.num = 5, .places = 1}, .min_p = {.num = 1, .places = 1}}};
    const eagle_samples_task task = {.responses = responses};

    for (int i = 0; i < 3; i++) {
        eagle_samples_options opt;
        eagle_samples_verdict v;
        eagle_error err = {0};

        eagle_samples_defaults(&opt);
        opt.null = EAGLE_NULL_SAMPLER;
        opt.sampling = how[i];
        const eagle_status st = eagle_samples_check(&v, &task, &opt, NULL, NULL, &err);

        fuzz_check_error(st != EAGLE_OK, err.message);
        for (int32_t t = 0; t < v.n_test; t++) {
            promise(v.test[t].p >= 0.0 && v.test[t].p <= 1.0);
        }
        eagle_samples_verdict_free(&v);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[SCRATCH_PATH];
    eagle_error err = {0};
    eagle_responses *responses = NULL;

    scratch_write(fuzz_dir(), "f.json", data, size);
    scratch_join(path, fuzz_dir(), "f.json");

    const eagle_status st = eagle_responses_read(&responses, path, VOCAB, &err);

    fuzz_check_error(st != EAGLE_OK, err.message);
    for (int32_t i = 0; st == EAGLE_OK && i < eagle_responses_count(responses); i++) {
        check(eagle_responses_at(responses, i));
    }
    if (st == EAGLE_OK) {
        judge(responses);
    }
    eagle_responses_free(responses);
    return 0;
}
