/* SPDX-License-Identifier: MIT */
/* draft.c - the draft side: are a tree's scores those of the head?
 *
 * A score is the log-probability of the path from the root under the head's laws. Our head is led
 * along the same paths, from the true features of the same tokens. What differs here costs
 * acceptance and never the output, so that it has a verdict of its own; hypotheses about the head's
 * inputs say what it looks like. */
#include "check/judge.h"

#include "base/alloc.h"
#include "head/extrapolator.h"
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How slot i of the head is made: which token, which feature. */
typedef enum {
    INPUT_RIGHT,    /* token i + 1, the target's feature i                              */
    INPUT_OWN,      /* of accepted tokens the head's own feature, kept after the round  */
    INPUT_OWN_LAST, /* only of those of the round before                                */
    INPUT_LATE,     /* feature i - 1                                                    */
    INPUT_EARLY,    /* feature i + 1                                                    */
    INPUT_TOKEN,    /* token i: not shifted by one                                      */
    INPUT_UNNORMED, /* features before the final norm                                   */
    INPUT_COUNT
} input;

static const char *const input_name[INPUT_COUNT] = {
    [INPUT_RIGHT] = "as it should be",
    [INPUT_OWN] = "the head fed with its own features after acceptance",
    [INPUT_OWN_LAST] = "the head fed with its own features of the round before",
    [INPUT_LATE] = "features one position late",
    [INPUT_EARLY] = "features one position early",
    [INPUT_TOKEN] = "tokens not shifted by one",
    [INPUT_UNNORMED] = "features without the final norm",
};

typedef struct {
    eg_judge *j;
    const eagle_head *head;
    eg_arena arena;
    eg_extrapolation e;
    float *feature;  /* [n, dim] the target's, of the run's tokens */
    float *unnormed; /* [n, dim]                                   */
    float *own;      /* [dim]                                      */
    bool *accepted;  /* [n] the token at this position was drafted */
    double *score;   /* [nodes] ours                               */
    int32_t *slot;   /* [nodes] tree slot of a node, or -1         */
    int32_t *token;  /* [nodes] of one expansion; likewise:        */
    int32_t *hang;
    int32_t *number;
    int32_t at; /* rows of the feeding seen so far */
    double worst;
} bench;

/* ---- features ------------------------------------------------------------------------------ */

static void see(void *ctx, eagle_site site, int32_t layer, int32_t n_rows, int32_t dim,
                const float *data, int32_t stride)
{
    bench *b = ctx;
    float *to = site == EAGLE_SITE_FEATURE                                            ? b->feature
                : site == EAGLE_SITE_RESID_MLP && layer == b->j->config->n_layers - 1 ? b->unnormed
                                                                                      : NULL;

    for (int32_t i = 0; to != NULL && i < n_rows && b->at + i < b->j->claim->n; i++) {
        memcpy(to + (size_t)(b->at + i) * (size_t)dim, data + (size_t)i * (size_t)stride,
               (size_t)dim * sizeof *to);
    }
    b->at += site == EAGLE_SITE_FEATURE ? n_rows : 0;
}

static bool nothing(void *ctx, int32_t pos, const float *logits)
{
    (void)ctx;
    (void)pos;
    (void)logits;
    return true;
}

static eagle_status take_features(bench *b, eagle_error *err)
{
    const eagle_probe probe = {.see = see, .ctx = b};

    b->j->ours->forward.pass.probe = &probe;
    eagle_status st = eg_ours_feed(b->j->ours, b->j->claim, b->j->claim->n, nothing, NULL, err);

    b->j->ours->forward.pass.probe = NULL;
    return st;
}

/* ---- the head's state ------------------------------------------------------------------------ */

/* The feature that slot i reads. */
static const float *feature_of(bench *b, input how, int32_t i, int32_t last_root, int32_t root)
{
    const size_t dim = (size_t)b->j->config->dim;
    int32_t at = i;

    if (i > 0 && b->accepted[i + 1] &&
        (how == INPUT_OWN || (how == INPUT_OWN_LAST && i >= last_root))) {
        memcpy(b->own, b->e.out + (size_t)(i - 1) * dim, dim * sizeof *b->own);
        return b->own;
    }
    at -= how == INPUT_LATE && i > 0;
    at += how == INPUT_EARLY && i + 1 < root;
    return (how == INPUT_UNNORMED ? b->unnormed : b->feature) + (size_t)at * dim;
}

/* Slots [0, root): those that are there already stay. */
static eagle_status make_slots(bench *b, input how, int32_t last_root, int32_t root,
                               eagle_error *err)
{
    const int32_t *token = b->j->claim->token;
    eagle_status st = EAGLE_OK;

    eg_extrapolation_prune(&b->e);
    for (int32_t i = b->e.n_stable; st == EAGLE_OK && i < root; i++) {
        const int32_t *one = &token[how == INPUT_TOKEN ? i : i + 1];

        st = eg_extrapolation_refresh(&b->e, one, feature_of(b, how, i, last_root, root), 1, false,
                                      err);
    }
    return st;
}

/* Scores of the children of a node whose draft logits these are. */
static void score_children(bench *b, const eg_claim_round *round, int32_t node, const float *logits)
{
    const double sum = eg_log_sum(logits, b->j->config->vocab);

    for (int32_t i = node + 1; i < round->n_nodes; i++) {
        if (round->parent[i] == node) {
            b->score[i] = b->score[node] + (double)logits[round->token[i]] - sum;
        }
    }
}

static bool has_children(const eg_claim_round *round, int32_t node)
{
    bool any = false;

    for (int32_t i = node + 1; !any && i < round->n_nodes; i++) {
        any = round->parent[i] == node;
    }
    return any;
}

/* Runs the head over the nodes of one depth that have children; *n receives their number. */
static eagle_status expand(bench *b, const eg_claim_round *round, int32_t depth, int32_t *n,
                           eagle_error *err)
{
    const size_t vocab = (size_t)b->j->config->vocab;
    const float *logits = NULL;
    int32_t first = 0;

    *n = 0;
    for (int32_t i = 1; i < round->n_nodes; i++) {
        if (round->depth[i] == depth && has_children(round, i)) {
            b->token[*n] = round->token[i];
            b->hang[*n] = depth == 1 ? -1 : b->slot[round->parent[i]];
            b->number[(*n)++] = i;
        }
    }
    if (*n == 0) {
        return EAGLE_OK;
    }
    eagle_status st = eg_extrapolation_expand(&first, &logits, &b->e, b->token, b->hang, *n, err);

    for (int32_t k = 0; st == EAGLE_OK && k < *n; k++) {
        b->slot[b->number[k]] = first + k;
        score_children(b, round, b->number[k], logits + (size_t)k * vocab);
    }
    return st;
}

/* Our scores of a round's nodes, from slots made in this way. */
static eagle_status score(bench *b, int32_t r, input how, eagle_error *err)
{
    const eg_claim *c = b->j->claim;
    const eg_claim_round *round = &c->round[r];
    const int32_t root = eg_claim_root(c, r);
    const int32_t last_root = r > 0 ? eg_claim_root(c, r - 1) : root;
    const float *logits = NULL;
    int32_t n = 1;
    eagle_status st = make_slots(b, how, last_root, root, err);

    if (st == EAGLE_OK) {
        st = eg_extrapolation_root(&logits, &b->e, err);
    }
    if (st == EAGLE_OK) {
        b->score[0] = 0.0;
        score_children(b, round, 0, logits);
    }
    for (int32_t depth = 1; st == EAGLE_OK && n > 0; depth++) {
        st = expand(b, round, depth, &n, err);
    }
    return st;
}

/* The largest difference of a round's scores from ours, and its node. */
static double largest(const bench *b, const eg_claim_round *round, int32_t *node)
{
    double most = 0.0;

    *node = 1;
    for (int32_t i = 1; i < round->n_nodes; i++) {
        const double d = fabs((double)round->score[i] - b->score[i]) / round->depth[i];

        if (!(d <= most)) {
            most = d;
            *node = i;
        }
    }
    return most;
}

/* ---- judging --------------------------------------------------------------------------------- */

/* What rounding may make of a score, by level: log-probabilities err by twice what logits do, and
 * the head's logits are made by the target's LM head from features of the target's size. */
static double allowed(bench *b)
{
    return 2.0 * eg_row_bound(b->j, b->e.pass.logits);
}

/* Tries the hypotheses on a round; the nearest one in words. */
static eagle_status explain(bench *b, int32_t r, double bound, char *words, size_t size,
                            eagle_error *err)
{
    double best = INFINITY;
    eagle_status st = EAGLE_OK;

    for (int32_t how = INPUT_OWN; st == EAGLE_OK && how < INPUT_COUNT; how++) {
        int32_t node;

        eg_extrapolation_rewind(&b->e, 0);
        st = score(b, r, (input)how, err);
        const double d = st == EAGLE_OK ? largest(b, &b->j->claim->round[r], &node) : INFINITY;

        if (d < best) {
            best = d;
            snprintf(words, size, "%s (difference %.3g, %s)", input_name[how], d,
                     d <= bound ? "fits" : "does not fit");
        }
    }
    eg_extrapolation_rewind(&b->e, 0);
    return st;
}

static eagle_status judge_round(bench *b, int32_t r, eagle_error *err)
{
    const eg_claim_round *round = &b->j->claim->round[r];
    eagle_check_line *line = eg_line(b->j->report, "draft");
    eagle_status st = score(b, r, INPUT_RIGHT, err);

    if (st != EAGLE_OK) {
        return st;
    }
    const double bound = allowed(b);
    int32_t node;
    const double d = largest(b, round, &node);

    line->n_judged += round->n_nodes - 1;
    b->worst = d > b->worst ? d : b->worst;
    eg_worsen(line, EAGLE_CHECK_PASS);
    if (d <= bound) {
        return EAGLE_OK;
    }
    const double ours = b->score[node];
    char words[200] = "";

    line->n_different++;
    if (line->detail[0] == '\0') {
        st = explain(b, r, bound, words, sizeof words, err);
    }
    eg_problem(line, EAGLE_CHECK_DRAFT_DIFF,
               "%s: round %d, node %d: score %.6g, our head's is %.6g; nearest explanation: %s",
               b->j->claim->name, r + b->j->claim->first_round, node, (double)round->score[node],
               ours, words);
    return st;
}

static bool judgeable(const eg_judge *j, int32_t r)
{
    const eg_claim_round *round = &j->claim->round[r];
    const int32_t root = eg_claim_root(j->claim, r);

    return round->score != NULL && round->n_nodes > 1 && j->walkable[r] && root >= 1 &&
           root < j->claim->n;
}

static eagle_status make(bench *b, eagle_error *err)
{
    const eg_judge *j = b->j;
    const eg_ours *ours = j->ours;
    const eg_compute compute = ours->forward.pass.compute;
    const size_t n = (size_t)j->claim->n;
    const size_t dim = (size_t)j->config->dim;
    const size_t nodes = (size_t)ours->tree;
    eg_extrapolation_room room = {.stable = ours->ctx,
                                  .tree = ours->tree,
                                  .depth = 1,
                                  .rows = ours->rows,
                                  .logits = ours->tree};

    for (int32_t r = 0; r < j->claim->n_rounds; r++) {
        for (int32_t i = 0; j->walkable[r] && i < j->claim->round[r].n_nodes; i++) {
            const int32_t depth = j->claim->round[r].depth[i];

            room.depth = depth > room.depth ? depth : room.depth;
        }
    }
    eg_extrapolation_make(&b->e, b->head, &compute, &room, &b->arena);
    b->feature = eg_arena_floats(&b->arena, n * dim);
    b->unnormed = eg_arena_floats(&b->arena, n * dim);
    b->own = eg_arena_floats(&b->arena, dim);
    b->accepted = eg_arena_take(&b->arena, EG_FOR_WORK, n + 1, sizeof *b->accepted);
    b->score = eg_arena_take(&b->arena, EG_FOR_WORK, nodes, sizeof *b->score);
    b->slot = eg_arena_take(&b->arena, EG_FOR_WORK, nodes, sizeof *b->slot);
    b->token = eg_arena_take(&b->arena, EG_FOR_WORK, nodes, sizeof *b->token);
    b->hang = eg_arena_take(&b->arena, EG_FOR_WORK, nodes, sizeof *b->hang);
    b->number = eg_arena_take(&b->arena, EG_FOR_WORK, nodes, sizeof *b->number);
    return b->arena.failed ? eg_fail(err, EAGLE_ENOMEM, "no memory to judge drafts") : EAGLE_OK;
}

static void mark_accepted(bench *b)
{
    const eg_claim *c = b->j->claim;

    for (int32_t pos = c->n_prompt; pos < c->n; pos++) {
        eg_place at;

        b->accepted[pos] = eg_claim_place(&at, c, pos) && c->round[at.round].path_node[at.step] > 0;
    }
}

eagle_status eg_judge_draft(eg_judge *j, eagle_error *err)
{
    bench b = {.j = j, .head = j->opt->head};
    bool any = false;

    for (int32_t r = 0; r < j->claim->n_rounds; r++) {
        any = any || judgeable(j, r);
    }
    if (b.head == NULL || !any) {
        return EAGLE_OK;
    }
    eagle_status st = make(&b, err);

    if (st == EAGLE_OK) {
        st = take_features(&b, err);
    }
    if (st == EAGLE_OK) {
        mark_accepted(&b);
    }
    for (int32_t r = 0; st == EAGLE_OK && r < j->claim->n_rounds; r++) {
        if (!eg_goes_on(j)) {
            st = eg_fail(err, EAGLE_EINCONCLUSIVE, "interrupted");
        } else if (judgeable(j, r)) {
            st = judge_round(&b, r, err);
        }
    }
    const eagle_check_line *line = eg_line(j->report, "draft");

    if (st == EAGLE_OK) {
        eg_say(eg_line(j->report, "draft"),
               "%lld nodes; scores differ by %.3g a level at most, in %lld rounds by more than "
               "rounding allows",
               (long long)line->n_judged, b.worst, (long long)line->n_different);
    }
    eg_arena_free(&b.arena);
    return st;
}
