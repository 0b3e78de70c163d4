/* SPDX-License-Identifier: MIT */
/* explain.h - each round as a tree: what was drafted, what the target said, what was accepted and
 * why. As text, or as data for the JSON document. */
#ifndef EG_CLI_EXPLAIN_H
#define EG_CLI_EXPLAIN_H

#include "cli/engine.h"
#include "cli/sink.h"

typedef struct {
    const eg_engine *engine;
    eg_sink *sink;  /* text goes there as rounds happen; NULL: data only */
    json_t *rounds; /* an array; NULL: text only                         */
    int32_t n_rounds;
} eg_explain;

/* Explains the round that the session made last; `first`: the prefill, which drafts nothing. */
eagle_status eg_explain_round(eg_explain *x, const eagle_session *s, const eagle_path *path,
                              bool first, eagle_error *err);

#endif
