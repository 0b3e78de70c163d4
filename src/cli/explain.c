/* SPDX-License-Identifier: MIT */
/* explain.c - each round as a tree.
 *
 * Probabilities are for reading: the target's is softmax(logits / temperature) before any filter
 * (temperature 1 where decoding is greedy), the draft's that of a child under its parent. What
 * decides is exact and elsewhere (docs/5-verification.md). */
#include "cli/explain.h"

#include "cli/messages.h"
#include "cli/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* One round being printed. */
typedef struct {
    eg_explain *x;
    const eagle_tree *tree;
    const eagle_rows *rows;
    const eagle_path *path;
    const eagle_sampling *sampling;
    int32_t pos; /* of the root */
} view;

/* Place in the path of the token that was decided at `node`, or -1: the walk did not get there. */
static int32_t decided_at(const view *v, int32_t node)
{
    for (int32_t i = 0; i < v->path->n; i++) {
        if (v->path->row[i] == node) {
            return i;
        }
    }
    return -1;
}

/* softmax(row of `node` / T)[token] */
static double target_probability(const view *v, int32_t node, int32_t token)
{
    const float *l = v->rows->logits + (size_t)node * (size_t)v->rows->vocab;
    double t = v->sampling->temperature > 0.0f ? (double)v->sampling->temperature : 1.0;
    double most = (double)l[0];
    double sum = 0.0;

    for (int32_t i = 1; i < v->rows->vocab; i++) {
        most = (double)l[i] > most ? (double)l[i] : most;
    }
    for (int32_t i = 0; i < v->rows->vocab; i++) {
        sum += exp(((double)l[i] - most) / t);
    }
    return exp(((double)l[token] - most) / t) / sum;
}

/* Why `node` was accepted or not, as text after its probabilities. */
static void reason(char *out, size_t size, const view *v, int32_t node)
{
    static const char *const yes[] = {"accepted: the arg max", "accepted: the target drew it",
                                      "accepted: won its draw"};
    int32_t decided = decided_at(v, v->tree->parent[node]);
    eagle_verify_mode mode = v->sampling->mode;
    char token[EG_TOKEN_TEXT];
    int32_t chosen = 0;

    if (decided < 0) {
        snprintf(out, size, "not reached");
        return;
    }
    chosen = v->path->node[decided]; /* the accepted sibling, or -1 */
    if (chosen == node) {
        snprintf(out, size, "%s", yes[mode]);
    } else if (mode == EAGLE_VERIFY_REJECTION) {
        snprintf(out, size, "%s",
                 chosen > 0 && node > chosen ? "not tried: a sibling was accepted"
                                             : "refused: lost its draw");
    } else {
        snprintf(out, size, "refused: the %s %s",
                 mode == EAGLE_VERIFY_GREEDY ? "arg max is" : "target drew",
                 eg_token_text(token, v->x->engine->tokenizer, v->path->token[decided]));
    }
}

/* Characters of a token's text, for columns: UTF-8's continuation bytes take no place. */
static int32_t width(const char *text)
{
    int32_t n = 0;

    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return n;
}

#define TREE_COLUMN 34 /* where the probabilities begin */

static eagle_status print_node(const view *v, int32_t node, eagle_error *err)
{
    const eagle_tree *tree = v->tree;
    int32_t parent = tree->parent[node];
    int32_t indent = 2 * tree->depth[node];
    int32_t used = 0;
    char token[EG_TOKEN_TEXT];
    char draft[16] = "   -  "; /* recorded trees carry no scores */
    char why[160];
    char line[400];

    if (v->x->engine->head != NULL && v->x->engine->rounds == NULL) {
        snprintf(draft, sizeof draft, "%.4f",
                 exp((double)tree->score[node] - (double)tree->score[parent]));
    }
    reason(why, sizeof why, v, node);
    indent = indent < 40 ? indent : 40;
    eg_token_text(token, v->x->engine->tokenizer, tree->token[node]);
    used = indent + 5 + width(token);
    snprintf(line, sizeof line, "%*s%3d  %s%*s draft %s  target %.4f  %s\n", indent, "", node,
             token, used < TREE_COLUMN ? TREE_COLUMN - used : 1, "", draft,
             target_probability(v, parent, tree->token[node]), why);
    return eg_sink_text(v->x->sink, line, err);
}

/* Prints the nodes below `node`, depth first, children in their order. */
static eagle_status print_below(const view *v, int32_t node, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    for (int32_t child = eagle_tree_next_child(v->tree, node, 0); st == EAGLE_OK && child > 0;
         child = eagle_tree_next_child(v->tree, node, child)) {
        st = print_node(v, child, err);
        if (st == EAGLE_OK) {
            st = print_below(v, child, err);
        }
    }
    return st;
}

static eagle_status print_emitted(const view *v, eagle_error *err)
{
    static const char *const source[] = {"accepted", "residual", "bonus", "plain"};
    eagle_status st = eg_sink_text(v->x->sink, "  emits", err);

    for (int32_t i = 0; st == EAGLE_OK && i < v->path->n; i++) {
        char token[EG_TOKEN_TEXT];
        char item[160];

        snprintf(item, sizeof item, " %s %s%s",
                 eg_token_text(token, v->x->engine->tokenizer, v->path->token[i]),
                 source[v->path->source[i]], i + 1 < v->path->n ? "," : "\n");
        st = eg_sink_text(v->x->sink, item, err);
    }
    return st;
}

static eagle_status print_round(const view *v, bool first, eagle_error *err)
{
    char token[EG_TOKEN_TEXT];
    char line[200];
    eagle_status st = EAGLE_OK;

    if (first) {
        snprintf(line, sizeof line, "prompt: %d token%s\n", v->pos + 1, v->pos == 0 ? "" : "s");
    } else {
        snprintf(line, sizeof line, "round %d: root %s at position %d, %d drafted\n",
                 v->x->n_rounds, eg_token_text(token, v->x->engine->tokenizer, v->tree->token[0]),
                 v->pos, v->tree->n_verify - 1);
    }
    st = eg_sink_text(v->x->sink, line, err);
    if (st == EAGLE_OK && !first) {
        st = print_below(v, 0, err);
    }
    return st == EAGLE_OK ? print_emitted(v, err) : st;
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
    view v = {.x = x,
              .tree = eagle_session_tree(s),
              .rows = eagle_session_rows(s),
              .path = path,
              .sampling = eagle_session_sampling(s)};
    eagle_status st = EAGLE_OK;

    v.pos = eagle_session_length(s) - path->n - 1; /* the emitted tokens are in already */
    x->n_rounds += first ? 0 : 1;
    if (x->sink != NULL) {
        st = print_round(&v, first, err);
    }
    if (st == EAGLE_OK && x->rounds != NULL && !first) {
        st = add_data(&v, err);
    }
    return st;
}
