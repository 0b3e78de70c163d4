/* SPDX-License-Identifier: MIT */
/* acceptance.c - how many drafted tokens a round accepts, by the exact law of that number.
 *
 * The law needs no simulation. Let p_v be the target's law after node v. Under any lossless rule
 * that accepts a child with its share of p_v that is left (coupled: the target draws, and the walk
 * goes on when it drew a child; rejection with children that were chosen without chance: a child is
 * accepted with its weight over what is left, and a refused one gives up its weight), the
 * probability that child c is the accepted one is p_v(c), in whatever order the children are tried:
 * the chance of coming to c is 1 less the weights of those before it, which is what its own weight
 * is divided by. So the number E(v) of nodes that are accepted below v has mean sum_c p_v(c) (1 +
 * E(c)), and a node is accepted with the product of p along its path. Children that were drawn from
 * a law q are accepted by p and q (docs/5-verification.md); where q was recorded that is computed,
 * too.
 *
 * p is made of the run's own logits where these were recorded, so that rounding in the target plays
 * no part, and of ours else. At temperature 0 nothing is left to chance: tokens that tie, or lie
 * within rounding where the logits are ours, are taken as the run took them.
 *
 * Too few accepted tokens cost time and not correctness: draft-diff. Too many are a wrong
 * output. */
#include "check/acceptance.h"
#include "check/judge.h"

#include "base/alloc.h"
#include "sample/law.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    eg_judge *j;
    const eg_claim_round *round;
    double *chance;  /* [nodes]      */
    double *scratch; /* [2, nodes]   */
    double *of;      /* [nodes] of the children of one node */
    int32_t *token;  /* [nodes] likewise                    */
    int32_t *number; /* [nodes]                             */
    double *p;       /* [vocab]      */
    double *q;       /* [vocab]      */
    const char *why; /* the round cannot be judged */
} bench;

/* ---- the path ------------------------------------------------------------------------------ */

/* The walked child of a node that has this token, or -1. */
static int32_t child_of(const eg_claim_round *round, int32_t node, int32_t token)
{
    for (int32_t i = node + 1; i < round->n_verify; i++) {
        if (round->parent[i] == node && round->token[i] == token) {
            return i;
        }
    }
    return -1;
}

/* How many nodes were accepted; -1 when the path is none, which is the structure's affair. */
static int32_t accepted_of(const eg_claim_round *round)
{
    int32_t at = 0;
    int32_t n = 0;

    for (int32_t i = 0; i < round->n_path && round->path_node[i] != -1; i++, n++) {
        const int32_t node = round->path_node[i];

        if (node < 1 || node >= round->n_verify || round->parent[node] != at) {
            return -1;
        }
        at = node;
    }
    return n < round->n_path - 1 ? -1 : n;
}

/* The output ended within this round, as it seems: its last token is a node that would have been
 * accepted. */
static bool is_cut(const eg_claim *c, int32_t r)
{
    const eg_claim_round *round = &c->round[r];
    const int32_t last = round->n_path - 1;

    return r == c->n_rounds - 1 &&
           (round->path_node[last] > 0 ||
            child_of(round, round->path_row[last], round->path_token[last]) > 0);
}

/* ---- one node ------------------------------------------------------------------------------ */

/* The row of a node: theirs, or ours of the pass that was made; NULL: it is no law. */
static const float *row_of(const bench *b, int32_t node)
{
    const eg_judge *j = b->j;
    const float *row = j->row;

    if (b->round->logits != NULL) {
        eg_tensor_row(j->row, b->round->logits, node);
    } else {
        row = eg_ours_logits(j->ours, node);
    }
    return row != NULL && isfinite(eg_log_sum(row, j->config->vocab)) ? row : NULL;
}

/* Children of a node that differ. */
static int32_t children_of(bench *b, int32_t node)
{
    int32_t n = 0;

    for (int32_t i = node + 1; i < b->round->n_verify; i++) {
        if (b->round->parent[i] == node && child_of(b->round, node, b->round->token[i]) == i) {
            b->token[n] = b->round->token[i];
            b->number[n++] = i;
        }
    }
    return n;
}

/* The law that the children of a node were drawn from, into b->q; false: it was not recorded, or is
 * not looked at. */
static bool draft_law(bench *b, int32_t node)
{
    const eg_judge *j = b->j;
    const eg_claim_round *round = b->round;
    const uint64_t *law = j->own_rule && round->law != NULL ? round->law[node] : NULL;
    double sum = 0.0;

    if (j->sampling.mode != EAGLE_VERIFY_REJECTION ||
        (!j->own_rule && j->rule.name == EG_RULE_SGLANG) || (law == NULL && round->prob == NULL)) {
        return false;
    }
    if (law == NULL) {
        eg_tensor_row(j->row, round->prob, node);
    }
    for (int32_t v = 0; v < j->config->vocab; v++) {
        b->q[v] = law != NULL ? (double)law[v] : (double)j->row[v];
        sum += b->q[v];
    }
    for (int32_t v = 0; v < j->config->vocab; v++) {
        b->q[v] /= sum;
    }
    return true;
}

/* May it be that children were drawn from a law that nobody wrote down? */
static bool hidden_law(const eg_judge *j)
{
    return j->sampling.mode == EAGLE_VERIFY_REJECTION && !j->claim->likeliest &&
           (j->own_rule || j->rule.name != EG_RULE_SGLANG);
}

static void chances_of(bench *b, int32_t node, int32_t n_child)
{
    const eg_judge *j = b->j;
    const int32_t vocab = j->config->vocab;
    const float *row = row_of(b, node);
    double sum = 0.0;

    if (row == NULL) {
        b->why = "a row of logits is not finite";
        return;
    }
    eg_law_make(j->law, j->order, row, vocab, &j->sampling);
    for (int32_t v = 0; v < vocab; v++) {
        sum += (double)j->law[v];
    }
    for (int32_t v = 0; v < vocab; v++) {
        b->p[v] = (double)j->law[v] / sum;
    }
    if (draft_law(b, node)) { /* j->row is not needed any more */
        if (!eg_acceptance_drawn(b->of, b->p, b->q, vocab, b->token, n_child)) {
            b->why = "a draft law that cannot have given its children";
        }
    } else if (hidden_law(j)) {
        b->why = "neither the draft's law nor children \"topk\" was recorded";
    } else {
        for (int32_t c = 0; c < n_child; c++) {
            b->of[c] = b->p[b->token[c]];
        }
    }
    for (int32_t c = 0; b->why == NULL && c < n_child; c++) {
        b->chance[b->number[c]] = b->of[c];
    }
}

/* ---- one round ----------------------------------------------------------------------------- */

/* At temperature 0: marks the nodes that must be accepted, and returns their number. */
static int32_t walk_greedily(bench *b)
{
    const eg_judge *j = b->j;
    const eg_claim_round *round = b->round;
    int32_t node = 0;
    int32_t n = 0;

    for (;;) {
        const float *row = row_of(b, node);

        if (row == NULL) {
            b->why = "a row of logits is not finite";
            return n;
        }
        int32_t token = eg_law_best(row, j->config->vocab);
        const double may = round->logits != NULL ? 0.0 : 2.0 * j->slack * eg_row_bound(j, row);

        if (n < round->n_path && round->path_row[n] == node &&
            (double)row[token] - (double)row[round->path_token[n]] <= may) {
            token = round->path_token[n];
        }
        node = child_of(round, node, token);
        if (node < 0) {
            return n;
        }
        b->chance[node] = 1.0;
        n++;
    }
}

static void judge_certain(bench *b, int32_t r, int32_t accepted)
{
    const eg_judge *j = b->j;
    eg_acceptance *a = j->acceptance;
    const int32_t must = walk_greedily(b);

    if (b->why != NULL) {
        return;
    }
    a->certain++;
    a->fewer += accepted < must;
    a->more += accepted > must;
    if (accepted != must) {
        eg_problem(eg_line(j->report, "acceptance"),
                   accepted < must ? EAGLE_CHECK_DRAFT_DIFF : EAGLE_CHECK_FAIL,
                   "%s: round %d: %d drafted tokens accepted, %d are the target's own%s",
                   j->claim->name, r + j->claim->first_round, accepted, must,
                   accepted < must ? ": draft efficiency is lost, the output is not concerned"
                                   : "");
    }
}

static eagle_status judge_round(bench *b, int32_t r, int32_t accepted, eagle_error *err)
{
    eg_judge *j = b->j;
    const int32_t root = eg_claim_root(j->claim, r);
    eagle_status st = EAGLE_OK;

    b->round = &j->claim->round[r];
    b->why = is_cut(j->claim, r) ? "the output ends within it"
             : j->claim->lossy   ? "the run says that it changes the law"
             : !j->rule_known    ? "its rule is not known"
                                 : NULL;
    for (int32_t i = 0; i < b->round->n_verify; i++) {
        b->chance[i] = 0.0;
    }
    if (b->why == NULL && b->round->logits == NULL) {
        if (root < 1 || root >= j->claim->n) {
            b->why = "it lies beyond the tokens";
        } else {
            st = eg_ours_tree(j->ours, b->round, root, &(eg_view){0}, err);
        }
    }
    if (st == EAGLE_OK && b->why == NULL && j->sampling.mode == EAGLE_VERIFY_GREEDY) {
        judge_certain(b, r, accepted);
    }
    for (int32_t i = 0; st == EAGLE_OK && b->why == NULL &&
                        j->sampling.mode != EAGLE_VERIFY_GREEDY && i < b->round->n_verify;
         i++) {
        const int32_t n = children_of(b, i);

        if (n > 0) {
            chances_of(b, i, n);
        }
    }
    if (st == EAGLE_OK && b->why == NULL) {
        eg_acceptance_add(j->acceptance, b->round, b->chance, b->scratch, accepted);
    } else if (st == EAGLE_OK) {
        j->acceptance->left_out++;
        j->acceptance->why = j->acceptance->why == NULL ? b->why : j->acceptance->why;
    }
    return st;
}

/* ---- a run --------------------------------------------------------------------------------- */

static eagle_status make(bench *b, size_t nodes, eagle_error *err)
{
    const size_t vocab = (size_t)b->j->config->vocab;

    b->chance = eg_alloc(nodes, sizeof *b->chance);
    b->scratch = eg_alloc(2 * nodes, sizeof *b->scratch);
    b->of = eg_alloc(nodes, sizeof *b->of);
    b->token = eg_alloc(nodes, sizeof *b->token);
    b->number = eg_alloc(nodes, sizeof *b->number);
    b->p = eg_alloc(vocab, sizeof *b->p);
    b->q = eg_alloc(vocab, sizeof *b->q);
    return b->chance != NULL && b->scratch != NULL && b->of != NULL && b->token != NULL &&
                   b->number != NULL && b->p != NULL && b->q != NULL
               ? EAGLE_OK
               : eg_fail(err, EAGLE_ENOMEM, "no memory for the acceptance of trees of %d nodes",
                         (int)nodes);
}

eagle_status eg_judge_acceptance(eg_judge *j, eagle_error *err)
{
    bench b = {.j = j};
    int32_t nodes = 1;

    for (int32_t r = 0; r < j->claim->n_rounds; r++) {
        nodes = j->claim->round[r].n_verify > nodes ? j->claim->round[r].n_verify : nodes;
    }
    if (nodes == 1 || j->control) {
        return EAGLE_OK; /* nothing drafted */
    }
    eagle_status st = make(&b, (size_t)nodes, err);

    for (int32_t r = 0; st == EAGLE_OK && r < j->claim->n_rounds; r++) {
        const eg_claim_round *round = &j->claim->round[r];
        const int32_t accepted = accepted_of(round);

        if (!eg_goes_on(j)) {
            st = eg_fail(err, EAGLE_EINCONCLUSIVE, "interrupted");
        } else if (j->walkable[r] && round->n_verify > 1 && accepted >= 0) {
            st = judge_round(&b, r, accepted, err);
        }
    }
    free(b.q);
    free(b.p);
    free(b.number);
    free(b.token);
    free(b.of);
    free(b.scratch);
    free(b.chance);
    return st;
}
