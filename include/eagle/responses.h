/* SPDX-License-Identifier: MIT */
/* responses.h - what another implementation answered: token ids, and what it said of their
 * probabilities, read from files.
 *
 * A file is one JSON document, a list of them, or JSON lines. A document is one of
 *
 *   {"prompt_ids": [..], "output_ids": [..]}   and, if known, source, logprobs, top_logprobs
 *                                              (docs/trace-format.md, last section)
 *   what `eagle generate --format json` prints
 *   a response of vLLM (completions and chat), SGLang (/generate, completions and chat) or
 *   llama-server (/completion, completions and chat), with token ids
 *   {"prompt_ids": [..], "response": ..}       for a response that lacks the prompt's ids
 *
 * docs/commands.md says how to ask each server for ids.
 *
 * Responses are immutable once read: any number of threads may look at them. What
 * eagle_responses_at() returns, with all its arrays, belongs to them. */
#ifndef EAGLE_RESPONSES_H
#define EAGLE_RESPONSES_H

#include "eagle/status.h"
#include "eagle/verify.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One continuation. A view: whoever made it owns the arrays. */
typedef struct {
    const int32_t *prompt; /* [n_prompt], n_prompt >= 1                                      */
    int32_t n_prompt;
    const int32_t *output; /* [n_output], with the end token that stopped it, if it was given */
    int32_t n_output;
    const eagle_source *source; /* [n_output]; NULL: not said                                */
    /* Natural logarithms, -INFINITY for a probability of 0 (vLLM writes -9999 for it, llama-server
     * the lowest float). Whether they are taken before or after temperature and filters is the
     * backend's affair. */
    const double *logprob; /* [n_output] of the tokens, NaN where not said; NULL: none said  */
    /* Entries [top_begin[i], top_begin[i + 1]) are the likeliest at output i, by (logprob
     * descending, the output's own token last, id ascending): a backend may add the token that was
     * drawn to its list. */
    const int32_t *top_begin;  /* [n_output + 1]; NULL: none said                            */
    const int32_t *top_token;  /* [top_begin[n_output]]                                      */
    const double *top_logprob; /* the same                                                   */
    const char *shape;         /* whose words these were: "eagle", "OpenAI", "SGLang", ...    */
    int32_t line;              /* of the file, on which its document begins; 0: no file      */
    bool has_sampling;         /* documents of `eagle generate` say how they were sampled    */
    eagle_sampling sampling;
} eagle_response;

typedef struct eagle_responses eagle_responses; /* opaque */

/* Reads a file. Ids have to be in [0, vocab); vocab 0: any.
 *
 * EAGLE_EREAD; EAGLE_EFORMAT, naming file and line, for what is malformed, has no ids, or has no
 * continuation at all; EAGLE_ELIMIT for a continuation of more than 2^24 tokens; EAGLE_ENOMEM. Free
 * with eagle_responses_free(), which accepts NULL. */
EAGLE_API eagle_status eagle_responses_read(eagle_responses **out, const char *path, int32_t vocab,
                                            eagle_error *err);
EAGLE_API void eagle_responses_free(eagle_responses *responses);

/* Continuation i, 0 <= i < count, which is 1 at least. */
EAGLE_API int32_t eagle_responses_count(const eagle_responses *responses);
EAGLE_API const eagle_response *eagle_responses_at(const eagle_responses *responses, int32_t i);

#ifdef __cplusplus
}
#endif
#endif
