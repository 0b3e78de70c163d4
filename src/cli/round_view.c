/* SPDX-License-Identifier: MIT */
/* round_view.c - one round for people. */
#include "cli/round_view.h"

#include "cli/text.h"

#include <math.h>

/* ---- what happened ------------------------------------------------------------------------- */

/* Place in the path of the token that was decided at `node`, or -1: the walk did not get there. */
static int32_t decided_at(const eg_round_view *v, int32_t node)
{
    for (int32_t i = 0; i < v->n_path; i++) {
        if (v->path_row[i] == node) {
            return i;
        }
    }
    return -1;
}

eg_fate eg_round_fate(const eg_round_view *v, int32_t node)
{
    if (node == 0) {
        return EG_FATE_ROOT;
    }
    const int32_t decided = decided_at(v, v->tree->parent[node]);
    const int32_t chosen = decided < 0 ? -1 : v->path_node[decided]; /* a sibling, or -1 */

    if (node >= v->tree->n_verify) {
        return EG_FATE_NOT_WALKED;
    }
    if (decided < 0) {
        return EG_FATE_NOT_REACHED;
    }
    if (chosen == node) {
        return EG_FATE_ACCEPTED;
    }
    /* The other modes draw the target's token first, and ask then who has it. */
    return v->mode == EAGLE_VERIFY_REJECTION && chosen > 0 && node > chosen ? EG_FATE_NOT_TRIED
                                                                            : EG_FATE_REFUSED;
}

const char *eg_round_reason(char out[EG_REASON_TEXT], const eg_round_view *v, int32_t node)
{
    static const char *const yes[] = {"accepted: the arg max", "accepted: the target drew it",
                                      "accepted: won its draw"};
    static const char *const other[] = {[EG_FATE_ROOT] = "root",
                                        [EG_FATE_ACCEPTED] = "accepted",
                                        [EG_FATE_REFUSED] = "refused",
                                        [EG_FATE_NOT_TRIED] = "not tried: a sibling was accepted",
                                        [EG_FATE_NOT_REACHED] = "not reached",
                                        [EG_FATE_NOT_WALKED] = "not walked"};
    const eg_fate fate = eg_round_fate(v, node);
    char token[EG_TOKEN_TEXT];

    if (fate == EG_FATE_ACCEPTED && v->mode != EG_MODE_OTHER) {
        snprintf(out, EG_REASON_TEXT, "%s", yes[v->mode]);
    } else if (fate == EG_FATE_REFUSED && v->mode == EAGLE_VERIFY_REJECTION) {
        snprintf(out, EG_REASON_TEXT, "refused: lost its draw");
    } else if (fate == EG_FATE_REFUSED && v->mode != EG_MODE_OTHER) {
        const int32_t drawn = v->path_token[decided_at(v, v->tree->parent[node])];

        snprintf(out, EG_REASON_TEXT, "refused: the %s %s",
                 v->mode == EAGLE_VERIFY_GREEDY ? "arg max is" : "target drew",
                 eg_token_text(token, v->tokenizer, drawn));
    } else {
        snprintf(out, EG_REASON_TEXT, "%s", other[fate]);
    }
    return out;
}

eagle_source eg_round_source(const eg_round_view *v, int32_t i)
{
    if (v->path_node[i] >= 0) {
        return EAGLE_SOURCE_ACCEPTED;
    }
    if (eagle_tree_next_child(v->tree, v->path_row[i], 0) >= 0) {
        return EAGLE_SOURCE_RESIDUAL;
    }
    return v->path_row[i] > 0 ? EAGLE_SOURCE_BONUS : EAGLE_SOURCE_PLAIN;
}

/* ---- probabilities ------------------------------------------------------------------------- */

double eg_round_target(const eg_round_view *v, int32_t node, int32_t token)
{
    if (v->logits == NULL) {
        return NAN;
    }
    const float *l = v->logits + (size_t)node * (size_t)v->vocab;
    const double t = v->temperature > 0.0f ? (double)v->temperature : 1.0;
    double most = (double)l[0];
    double sum = 0.0;

    for (int32_t i = 1; i < v->vocab; i++) {
        most = (double)l[i] > most ? (double)l[i] : most;
    }
    for (int32_t i = 0; i < v->vocab; i++) {
        sum += exp(((double)l[i] - most) / t);
    }
    return exp(((double)l[token] - most) / t) / sum;
}

double eg_round_draft(const eg_round_view *v, int32_t node)
{
    if (!v->scores || node == 0) {
        return NAN;
    }
    return exp((double)v->tree->score[node] - (double)v->tree->score[v->tree->parent[node]]);
}

/* ---- lines --------------------------------------------------------------------------------- */

int32_t eg_text_width(const char *text)
{
    int32_t n = 0;

    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return n;
}

#define TREE_COLUMN 34 /* where the probabilities begin */

/* "0.1234", or what stands for a number that is not known. */
static const char *number(char out[16], double p)
{
    if (isnan(p)) {
        return "   -  ";
    }
    snprintf(out, 16, "%.4f", p);
    return out;
}

static eagle_status print_node(const eg_round_view *v, eg_sink *sink, int32_t node,
                               eagle_error *err)
{
    const eagle_tree *tree = v->tree;
    const int32_t deep = tree->depth[node] < 20 ? 2 * tree->depth[node] : 40;
    char token[EG_TOKEN_TEXT];
    char probability[2][16];
    char why[EG_REASON_TEXT];
    char line[400];

    eg_token_text(token, v->tokenizer, tree->token[node]);
    const int32_t used = deep + 5 + eg_text_width(token);

    snprintf(line, sizeof line, "%*s%3d  %s%*s draft %s  target %s  %s\n", deep, "", node, token,
             used < TREE_COLUMN ? TREE_COLUMN - used : 1, "",
             number(probability[0], eg_round_draft(v, node)),
             number(probability[1], eg_round_target(v, tree->parent[node], tree->token[node])),
             eg_round_reason(why, v, node));
    return eg_sink_text(sink, line, err);
}

/* Prints the nodes below `node`, depth first, children in their order. A tree's parents come before
 * their children, and a chain may be deep: the way back up is by the parents. */
eagle_status eg_round_print_tree(const eg_round_view *v, eg_sink *sink, eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    int32_t at = 0;    /* whose children are looked at */
    int32_t after = 0; /* the last of them that was printed, 0: none */

    while (st == EAGLE_OK && at >= 0) {
        const int32_t child = eagle_tree_next_child(v->tree, at, after);

        if (child > 0) {
            st = print_node(v, sink, child, err);
            at = child;
            after = 0;
        } else {
            after = at;
            at = v->tree->parent[at];
        }
    }
    return st;
}

eagle_status eg_round_print_emitted(const eg_round_view *v, eg_sink *sink, eagle_error *err)
{
    eagle_status st = eg_sink_text(sink, "  emits", err);

    for (int32_t i = 0; st == EAGLE_OK && i < v->n_path; i++) {
        char token[EG_TOKEN_TEXT];
        char item[160];

        snprintf(item, sizeof item, " %s %s%s",
                 eg_token_text(token, v->tokenizer, v->path_token[i]),
                 eagle_source_name(eg_round_source(v, i)), i + 1 < v->n_path ? "," : "\n");
        st = eg_sink_text(sink, item, err);
    }
    return st;
}
