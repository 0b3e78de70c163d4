/* SPDX-License-Identifier: MIT */
/* generate.h - one prompt's continuation, from its first token to its end, and what is counted on
 * the way.
 *
 * The caller pulls, and may stop anywhere:
 *
 *     eagle_generation_start(&g, session, prompt, max_tokens, ignore_end, err)
 *     while (g.finish == EAGLE_FINISH_NOT_YET)
 *         eagle_generation_next(&g, err)           a chunk of the prompt, or a round
 *         while (eagle_generation_take(&g))        one of the round's tokens after the other
 *             ...
 *     eagle_generation_free(&g)
 *
 * The first round emits the first token. Output ends as soon as max_tokens or an end token are
 * out, inside an accepted path too, so that plain and speculative decoding give equal arrays; the
 * counts are of whole rounds. */
#ifndef EAGLE_GENERATE_H
#define EAGLE_GENERATE_H

#include "eagle/runtime.h"
#include "eagle/session.h"
#include "eagle/status.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const int32_t *token; /* [n] */
    int32_t n;
} eagle_prompt;

typedef enum {
    EAGLE_FINISH_NOT_YET,
    EAGLE_FINISH_LENGTH,     /* max_tokens, or the context is full           */
    EAGLE_FINISH_STOP,       /* an end token, or the caller found an end     */
    EAGLE_FINISH_INTERRUPTED /* the caller gave up                           */
} eagle_finish;

/* "length", "stop", "interrupted". */
EAGLE_API const char *eagle_finish_name(eagle_finish finish);

/* Rounds after the prefill. A round that accepted a nodes asked for a child at depth a + 1, unless
 * its last node was a leaf. */
typedef struct {
    int64_t rounds;     /* target passes                                                  */
    int64_t drafted;    /* nodes that were verified, roots aside                          */
    int64_t accepted;   /* of them                                                        */
    int32_t depth;      /* of the deepest node that was verified                          */
    int64_t *histogram; /* [depth + 1] rounds that accepted i nodes                       */
    int64_t *leaf;      /* [depth + 1] of them, those that ended at a leaf                */
} eagle_round_counts;

/* 1 + accepted / rounds: the papers' tau. 1 when there were no rounds. */
EAGLE_API double eagle_acceptance_length(const eagle_round_counts *counts);

/* Rounds in which the walk asked for a child at depth d >= 1, and of them those that found it. */
EAGLE_API void eagle_counts_at_depth(int64_t *reached, int64_t *accepted,
                                     const eagle_round_counts *counts, int32_t d);

/* To be read by the caller, who changes nothing but `finish`. */
typedef struct {
    int32_t *token; /* [n] output, with the end token that stopped it           */
    int32_t n;
    int32_t cap;
    eagle_finish finish;
    eagle_round_counts counts;
    double prompt_s;   /* seconds of the prompt's passes, first token included      */
    double decode_s;   /* of the rounds                                             */
    int32_t n_decoded; /* tokens that rounds after the prefill gave                 */
    int32_t n_fed;     /* tokens of the prompt                                      */

    const eagle_path *path; /* of the last round; its tokens before `taken` are out      */
    int32_t taken;
    bool first; /* that round was the prefill's                              */

    eagle_session *session;
    eagle_prompt prompt;
    bool ignore_end;
    eagle_sha256 sha;
} eagle_generation;

/* Begins afresh: the session forgets what it holds. Session and prompt (n >= 1) are borrowed.
 * EAGLE_ENOMEM; EAGLE_ELIMIT when the prompt is longer than the context. */
EAGLE_API eagle_status eagle_generation_start(eagle_generation *out, eagle_session *session,
                                              const eagle_prompt *prompt, int32_t max_tokens,
                                              bool ignore_end, eagle_error *err);

/* Feeds the next chunk of the prompt or, when all is fed, makes a round. Never allocates. Fails as
 * eagle_session_feed() and eagle_session_step(). */
EAGLE_API eagle_status eagle_generation_next(eagle_generation *g, eagle_error *err);

/* Takes the last round's next token into the output; false when there is none or the output has
 * ended. */
EAGLE_API bool eagle_generation_take(eagle_generation *g);

/* SHA-256 over the rows of logits that decided the output so far, one row per token, in order. */
EAGLE_API void eagle_generation_digest(char hex[65], const eagle_generation *g);

/* Also after a failed start. */
EAGLE_API void eagle_generation_free(eagle_generation *g);

#ifdef __cplusplus
}
#endif
#endif
