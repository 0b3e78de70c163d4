/* SPDX-License-Identifier: MIT */
/* round_view.h - one round for people: its tree with probabilities, what was accepted and why.
 *
 * Probabilities are for reading: the target's is softmax(logits / temperature) before any filter
 * (temperature 1 where decoding is greedy), the draft's that of a child under its parent. What
 * decides is exact and elsewhere (docs/5-verification.md). */
#ifndef EG_CLI_ROUND_VIEW_H
#define EG_CLI_ROUND_VIEW_H

#include "cli/sink.h"
#include "eagle/eagle.h"

/* A round that was made or read. All is borrowed. */
typedef struct {
    const eagle_tree *tree;
    const float *logits; /* [n_nodes, vocab]; NULL: not known                      */
    int32_t vocab;
    int32_t n_path; /* emitted tokens                                         */
    const int32_t *path_token;
    const int32_t *path_node;
    const int32_t *path_row;
    float temperature;
    int32_t mode;                     /* eagle_verify_mode, or EG_MODE_OTHER                    */
    bool scores;                      /* tree->score holds draft log-probabilities              */
    const eagle_tokenizer *tokenizer; /* NULL: tokens are numbers */
} eg_round_view;

#define EG_MODE_OTHER (-1)

/* What became of a node. */
typedef enum {
    EG_FATE_ROOT,
    EG_FATE_ACCEPTED,
    EG_FATE_REFUSED,
    EG_FATE_NOT_TRIED,   /* a sibling was accepted before it was its turn */
    EG_FATE_NOT_REACHED, /* the walk ended above it                       */
    EG_FATE_NOT_WALKED   /* computed only                                 */
} eg_fate;

eg_fate eg_round_fate(const eg_round_view *v, int32_t node);

/* The fate in words: "refused: lost its draw". */
#define EG_REASON_TEXT 160
const char *eg_round_reason(char out[EG_REASON_TEXT], const eg_round_view *v, int32_t node);

/* Probability of a node under its parent; NaN: not known. */
double eg_round_draft(const eg_round_view *v, int32_t node);
/* softmax(logits of `node` / temperature)[token]; NaN: not known. */
double eg_round_target(const eg_round_view *v, int32_t node, int32_t token);

/* Where token i of the path came from. */
eagle_source eg_round_source(const eg_round_view *v, int32_t i);

/* A line for each node below the root, and one for what was emitted. */
eagle_status eg_round_print_tree(const eg_round_view *v, eg_sink *sink, eagle_error *err);
eagle_status eg_round_print_emitted(const eg_round_view *v, eg_sink *sink, eagle_error *err);

/* Characters of a text, for columns: UTF-8's continuation bytes take no place. */
int32_t eg_text_width(const char *text);

#endif
