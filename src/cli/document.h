/* SPDX-License-Identifier: MIT */
/* document.h - what generate reports: the JSON document and the closing line. */
#ifndef EG_CLI_DOCUMENT_H
#define EG_CLI_DOCUMENT_H

#include "cli/generation.h"

/* The document "eagle.generate/1" of one prompt. `rounds` may be NULL. EAGLE_ENOMEM. */
eagle_status eg_document(json_t **out, const eg_engine *e, const eg_options *opt,
                         const eagle_generation *g, const eg_prompt *prompt, const eg_text *text,
                         json_t *rounds);

/* Adds what --certify found so far. EAGLE_ENOMEM. */
eagle_status eg_document_certified(json_t *doc, const eagle_certified *found);

/* What all prompts of a command gave. */
typedef struct {
    int32_t n;         /* tokens                                           */
    int32_t n_decoded; /* of them, by rounds after the prefill             */
    double decode_s;
    int64_t rounds;
    int64_t accepted;
} eg_total;
void eg_total_add(eg_total *total, const eagle_generation *g);

/* The closing line on stderr. */
void eg_closing_line(const eg_engine *e, const eg_total *total, const eg_options *opt);

/* "speculative_decoding" with vLLM's names. accept_rate_at_depth[d - 1] is the share of rounds
 * whose path reached depth d. NULL without memory, as all below. */
json_t *eg_json_speculation(const eagle_round_counts *counts);

/* What a result depends on, and, of no influence on it, threads and instruction set. */
json_t *eg_json_settings(const eg_engine *e, const eg_options *opt);

/* A list of token ids. */
json_t *eg_json_ids(const int32_t *id, int32_t n);

#endif
