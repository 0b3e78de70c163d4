/* SPDX-License-Identifier: MIT */
/* explain.c - each round as a tree, as it happens. */
#include "cli/explain.h"

#include "cli/messages.h"
#include "cli/round_view.h"
#include "cli/text.h"

#include <inttypes.h>

/* One round being printed. */
typedef struct {
    eg_explain *x;
    const eagle_tree *tree;
    const eagle_path *path;
    int32_t pos; /* of the root */
} view;

static eagle_status print_round(const view *v, const eagle_session *s, bool first, eagle_error *err)
{
    const eagle_rows *rows = eagle_session_rows(s);
    const eagle_sampling *sampling = eagle_session_sampling(s);
    const eg_engine *e = v->x->engine;
    const eg_round_view round = {.tree = v->tree,
                                 .logits = rows->logits,
                                 .vocab = rows->vocab,
                                 .n_path = v->path->n,
                                 .path_token = v->path->token,
                                 .path_node = v->path->node,
                                 .path_row = v->path->row,
                                 .temperature = sampling->temperature,
                                 .mode = (int32_t)sampling->mode,
                                 .scores = e->head != NULL && e->rounds == NULL,
                                 .tokenizer = e->tokenizer};
    char token[EG_TOKEN_TEXT];
    char line[200];
    eagle_status st = EAGLE_OK;

    if (first) {
        snprintf(line, sizeof line, "prompt: %d token%s\n", v->pos + 1, v->pos == 0 ? "" : "s");
    } else {
        snprintf(line, sizeof line, "round %d: root %s at position %d, %d drafted\n",
                 v->x->n_rounds, eg_token_text(token, e->tokenizer, v->tree->token[0]), v->pos,
                 v->tree->n_verify - 1);
    }
    st = eg_sink_text(v->x->sink, line, err);
    if (st == EAGLE_OK && !first) {
        st = eg_round_print_tree(&round, v->x->sink, err);
    }
    return st == EAGLE_OK ? eg_round_print_emitted(&round, v->x->sink, err) : st;
}

/* root, tokens, parents (0 = root), scores, accepted (node numbers), next_root */
static eagle_status add_data(const view *v, eagle_error *err)
{
    json_t *round = json_object();
    json_t *tokens = json_array();
    json_t *parents = json_array();
    json_t *scores = json_array();
    json_t *accepted = json_array();
    int bad = 0;

    for (int32_t i = 1; i < v->tree->n_verify; i++) {
        bad |= json_array_append_new(tokens, json_integer(v->tree->token[i]));
        bad |= json_array_append_new(parents, json_integer(v->tree->parent[i]));
        bad |= json_array_append_new(scores, json_real((double)v->tree->score[i]));
    }
    for (int32_t i = 0; i + 1 < v->path->n; i++) {
        bad |= json_array_append_new(accepted, json_integer(v->path->node[i]));
    }
    bad |= json_object_set_new(round, "root", json_integer(v->tree->token[0]));
    bad |= json_object_set_new(round, "tokens", tokens);
    bad |= json_object_set_new(round, "parents", parents);
    bad |= json_object_set_new(round, "scores", scores);
    bad |= json_object_set_new(round, "accepted", accepted);
    bad |= json_object_set_new(round, "next_root", json_integer(v->path->token[v->path->n - 1]));
    bad |= json_array_append_new(v->x->rounds, round);
    return bad == 0 ? EAGLE_OK : eg_cli_fail(err, EAGLE_ENOMEM, "no memory to keep the rounds");
}

eagle_status eg_explain_round(eg_explain *x, const eagle_session *s, const eagle_path *path,
                              bool first, eagle_error *err)
{
    view v = {.x = x, .tree = eagle_session_tree(s), .path = path};
    eagle_status st = EAGLE_OK;

    v.pos = eagle_session_length(s) - path->n - 1; /* the emitted tokens are in already */
    x->n_rounds += first ? 0 : 1;
    if (x->sink != NULL) {
        st = print_round(&v, s, first, err);
    }
    if (st == EAGLE_OK && x->rounds != NULL && !first) {
        st = add_data(&v, err);
    }
    return st;
}
