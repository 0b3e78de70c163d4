/* SPDX-License-Identifier: MIT */
/* fuzz_responses.c - arbitrary bytes as responses of other implementations. */
#include "eagle/responses.h"
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
    eagle_responses_free(responses);
    return 0;
}
