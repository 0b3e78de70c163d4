/* SPDX-License-Identifier: MIT */
/* samples_check.c - a file of continuations, judged from end to end. */
#include "base/error.h"
#include "check/samples.h"

#include <string.h>

/* The shortest list of the likeliest: a backend that adds the drawn token to its list does so only
 * when it is not there, and an outcome must not decide into which bins it falls. 0: there are
 * none. */
static eagle_status shortest_list(int32_t *n, const eagle_responses *responses, eagle_error *err)
{
    *n = INT32_MAX;
    for (int32_t i = 0; i < eagle_responses_count(responses); i++) {
        const eagle_response *r = eagle_responses_at(responses, i);

        if (r->n_output > 0 && r->top_begin == NULL) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "continuation on line %d: no log-probabilities of the likeliest tokens "
                           "by id (top_logprobs); vLLM: \"logprobs\" with "
                           "\"return_tokens_as_token_ids\": true",
                           r->line);
        }
        for (int32_t j = 0; j < r->n_output; j++) {
            const int32_t size = r->top_begin[j + 1] - r->top_begin[j];

            *n = size < *n ? size : *n;
        }
    }
    if (*n < 1) {
        return eg_fail(err, EAGLE_EFORMAT, "an output token without likeliest tokens beside it");
    }
    return EAGLE_OK;
}

static eagle_status add_recorded(eagle_samples *s, const eagle_responses *responses, int32_t n_top,
                                 eagle_samples_progress *progress, void *ctx, eagle_error *err)
{
    const int32_t count = eagle_responses_count(responses);
    eagle_status st = EAGLE_OK;

    for (int32_t i = 0; st == EAGLE_OK && i < count; i++) {
        const eagle_response *r = eagle_responses_at(responses, i);

        for (int32_t j = 0; st == EAGLE_OK && j < r->n_output; j++) {
            const eagle_drawn d = {.token = r->output[j],
                                   .response = i,
                                   .index = j,
                                   .source = r->source != NULL ? (int32_t)r->source[j] : -1};

            st = eagle_samples_add_recorded(s, r->top_token + r->top_begin[j],
                                            r->top_logprob + r->top_begin[j], n_top, &d, err);
        }
        if (st == EAGLE_OK && progress != NULL && !progress(ctx, i + 1, count)) {
            break;
        }
    }
    return st;
}

/* True when both have the same continuations: a control draws anew. */
static bool same(const eagle_responses *a, const eagle_responses *b)
{
    const int32_t n = eagle_responses_count(a);
    bool equal = n == eagle_responses_count(b);

    for (int32_t i = 0; equal && i < n; i++) {
        const eagle_response *x = eagle_responses_at(a, i);
        const eagle_response *y = eagle_responses_at(b, i);

        equal = x->n_prompt == y->n_prompt && x->n_output == y->n_output &&
                memcmp(x->prompt, y->prompt, (size_t)x->n_prompt * sizeof *x->prompt) == 0 &&
                memcmp(x->output, y->output, (size_t)x->n_output * sizeof *x->output) == 0;
    }
    return equal;
}

/* One more than the largest id: without a model nobody says how many there are. */
static int32_t vocab_of(const eagle_responses *responses)
{
    int32_t most = 0;

    for (int32_t i = 0; i < eagle_responses_count(responses); i++) {
        const eagle_response *r = eagle_responses_at(responses, i);

        for (int32_t j = 0; j < r->n_output; j++) {
            most = r->output[j] > most ? r->output[j] : most;
        }
        for (int32_t j = 0; r->top_begin != NULL && j < r->top_begin[r->n_output]; j++) {
            most = r->top_token[j] > most ? r->top_token[j] : most;
        }
    }
    return most < INT32_MAX ? most + 1 : most;
}

/* One file's continuations into a judge of their own. */
static eagle_status judge(eagle_samples **out, const eagle_responses *responses,
                          const eagle_samples_task *task, const eagle_samples_options *opt,
                          eagle_samples_progress *progress, void *ctx, eagle_error *err)
{
    int32_t n_top = 0;
    eagle_status st = EAGLE_OK;

    if (opt->null == EAGLE_NULL_SAMPLER) {
        st = shortest_list(&n_top, responses, err);
    } else if (task->model == NULL || task->session == NULL) {
        st = eg_fail(err, EAGLE_EINVAL, "the model null needs a model");
    }
    if (st == EAGLE_OK) {
        const int32_t vocab =
            task->model != NULL ? eagle_model_config(task->model)->vocab : vocab_of(responses);

        st = eagle_samples_create(out, vocab, opt, err);
    }
    if (st == EAGLE_OK && opt->null == EAGLE_NULL_SAMPLER) {
        st = add_recorded(*out, responses, n_top, progress, ctx, err);
    } else if (st == EAGLE_OK) {
        st = eg_samples_score(*out, task->model, responses, task->session, progress, ctx, err);
    }
    return st;
}

eagle_status eagle_samples_check(eagle_samples_verdict *out, const eagle_samples_task *task,
                                 const eagle_samples_options *opt, eagle_samples_progress *progress,
                                 void *ctx, eagle_error *err)
{
    eagle_samples *s = NULL;
    eagle_samples *control = NULL;
    eagle_status st = EAGLE_OK;

    *out = (eagle_samples_verdict){0};
    if (task->control != NULL && opt->sampling.temperature > 0.0f &&
        same(task->responses, task->control)) {
        return eg_fail(err, EAGLE_EINVAL,
                       "the control has the same continuations: it needs draws of its own");
    }
    st = judge(&s, task->responses, task, opt, progress, ctx, err);
    if (st == EAGLE_OK && task->control != NULL) {
        st = judge(&control, task->control, task, opt, progress, ctx, err);
    }
    if (st == EAGLE_OK) {
        st = control != NULL ? eagle_samples_compare(out, s, control, err)
                             : eagle_samples_judge(out, s, err);
    }
    eagle_samples_free(control);
    eagle_samples_free(s);
    return st;
}
