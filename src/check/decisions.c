/* SPDX-License-Identifier: MIT */
/* decisions.c - the accept decisions once more: the run's own trees, logits and draws in, the path
 * out, under the rule that the run names. Arithmetic of the network plays no part, so that what
 * differs here is the rule or its use.
 *
 * Our own modes are eagle_verify() itself: greedy asks no draws; above temperature 0 draws are the
 * recorded ones, or the seed's. Rules in floating point are prove/float_rules.h. */
#include "check/decisions.h"

#include "base/alloc.h"
#include "kernels/kernels.h"
#include "sample/law.h"
#include "sample/wide.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- recorded answers --------------------------------------------------------------------- */

static const eg_claim_draw *find(eg_replay *p, bool accept, eagle_draw_key key)
{
    for (int32_t i = 0; i < p->round->n_draws; i++) {
        const eg_claim_draw *d = &p->round->draw[i];

        if (d->accept == accept && d->purpose == (int32_t)key.purpose && d->pos == key.pos &&
            d->index == key.index) {
            return d;
        }
    }
    if (p->missing[0] == '\0') {
        snprintf(p->missing, sizeof p->missing,
                 "no draw is recorded for purpose %d, position %d, index %d", (int)key.purpose,
                 key.pos, key.index);
    }
    return NULL;
}

static bool same(const eagle_wide *a, const eagle_wide *b)
{
    return !eg_wide_less(a, b) && !eg_wide_less(b, a);
}

static void compare_weights(eg_replay *p, const eg_claim_draw *d, const eagle_wide *num,
                            const eagle_wide *den)
{
    if (p->round->weighed && (!same(&d->num, num) || !same(&d->den, den)) &&
        p->missing[0] == '\0') {
        snprintf(p->missing, sizeof p->missing,
                 "purpose %d, position %d, index %d: other weights than its logits give",
                 d->purpose, d->pos, d->index);
    }
}

static int32_t pick_wide(void *ctx, eagle_draw_key key, const eagle_wide *w, int32_t n)
{
    eg_replay *p = ctx;
    const eg_claim_draw *d = find(p, false, key);
    eagle_wide sum = eg_wide_from(0);
    int32_t any = 0;

    for (int32_t i = 0; i < n; i++) {
        eg_wide_add(&sum, &w[i]);
        any = eg_wide_is_zero(&w[any]) ? i : any;
    }
    if (d == NULL || d->answer < 0 || d->answer >= n) {
        return any;
    }
    compare_weights(p, d, &w[d->answer], &sum);
    return d->answer;
}

static int32_t pick(void *ctx, eagle_draw_key key, const uint64_t *w, int32_t n)
{
    eg_replay *p = ctx;
    const eg_claim_draw *d = find(p, false, key);
    uint64_t sum = 0;
    int32_t any = 0;

    for (int32_t i = 0; i < n; i++) {
        sum += w[i];
        any = w[any] == 0 ? i : any;
    }
    if (d == NULL || d->answer < 0 || d->answer >= n) {
        return any;
    }
    const eagle_wide num = eg_wide_from(w[d->answer]);
    const eagle_wide den = eg_wide_from(sum);

    compare_weights(p, d, &num, &den);
    return d->answer;
}

static bool accept_wide(void *ctx, eagle_draw_key key, const eagle_wide *num, const eagle_wide *den)
{
    eg_replay *p = ctx;
    const eg_claim_draw *d = find(p, true, key);

    if (d != NULL) {
        compare_weights(p, d, num, den);
    }
    return d != NULL && d->answer == 1;
}

static bool accept(void *ctx, eagle_draw_key key, uint64_t num, uint64_t den)
{
    const eagle_wide wide_num = eg_wide_from(num);
    const eagle_wide wide_den = eg_wide_from(den);

    return accept_wide(ctx, key, &wide_num, &wide_den);
}

/* ---- one round ---------------------------------------------------------------------------- */

int32_t eg_replay_other(const eagle_path *path, const eg_claim_round *round)
{
    for (int32_t i = 0; i < path->n || i < round->n_path; i++) {
        if (i >= path->n || i >= round->n_path || path->node[i] != round->path_node[i] ||
            (path->token[i] >= 0 && path->token[i] != round->path_token[i])) {
            return i;
        }
    }
    return -1;
}

static eagle_tree tree_of(const eg_claim_round *round)
{
    /* Views are not written to: eagle_verify() and the rules take a const tree. */
    return (eagle_tree){.n_nodes = round->n_nodes,
                        .n_verify = round->n_verify,
                        .cap = round->n_nodes,
                        .pos = round->first - 1,
                        .token = (int32_t *)(uintptr_t)round->token,
                        .parent = (int32_t *)(uintptr_t)round->parent,
                        .depth = (int32_t *)(uintptr_t)round->depth,
                        .score = (float *)(uintptr_t)round->score,
                        .law = round->law};
}

static void read_logits(eg_replay *p)
{
    const size_t vocab = (size_t)p->j->config->vocab;

    for (int32_t i = 0; i < p->round->n_nodes; i++) {
        const int32_t parent = p->round->parent[i];
        const int32_t from = p->parents_row && parent >= 0 ? parent : i;

        eg_tensor_row(p->logits + (size_t)i * vocab, p->round->logits, from);
    }
}

/* Ours, in integers. False when eagle_verify() does not take the tree, which is the structure's
 * affair. */
static bool replay_own(eg_replay *p, const eagle_tree *tree)
{
    const eg_judge *j = p->j;
    const eagle_rows rows = {
        .n = p->round->n_nodes, .vocab = j->config->vocab, .logits = p->logits};
    const eagle_draws recorded = {.pick = pick,
                                  .accept = accept,
                                  .pick_wide = pick_wide,
                                  .accept_wide = accept_wide,
                                  .ctx = p};
    eagle_error why;

    const eagle_status st = eagle_verify(p->path, tree, &rows, &p->sampling,
                                         p->round->n_draws > 0 ? &recorded : &p->seeded, &why);

    if (st != EAGLE_OK) {
        snprintf(p->missing, sizeof p->missing, "%.110s", why.message);
    }
    return st != EAGLE_EFORMAT;
}

/* Does the token that a greedy run took share the largest logit? Another than the lowest id is no
 * wrong choice then. */
static bool is_tied(const eg_replay *p, int32_t step)
{
    const size_t vocab = (size_t)p->j->config->vocab;

    if (step >= p->round->n_path) {
        return false;
    }
    const float *row = p->logits + (size_t)p->round->path_row[step] * vocab;

    return row[p->round->path_token[step]] == row[eg_argmax(row, vocab)];
}

/* Replays round r. */
static eagle_status replay_round(eg_replayed *out, eg_replay *p, int32_t r, eagle_error *err)
{
    p->round = &p->j->claim->round[r];
    p->missing[0] = '\0';
    p->path->n = 0;
    *out = (eg_replayed){.step = -1, .sound = true};
    const eagle_tree tree = tree_of(p->round);

    read_logits(p);
    if (!p->j->own_rule) {
        return eg_replay_float(out, p, &tree, err);
    }
    out->sound = replay_own(p, &tree);
    out->step = eg_replay_other(p->path, p->round);
    if (p->sampling.mode == EAGLE_VERIFY_GREEDY && p->missing[0] == '\0') {
        out->near = out->step >= 0 && is_tied(p, out->step);
    }
    return EAGLE_OK;
}

/* ---- a run -------------------------------------------------------------------------------- */

/* Can round r be replayed? */
static bool replayable(const eg_judge *j, int32_t r)
{
    const eg_claim_round *round = &j->claim->round[r];

    if (round->logits == NULL || !j->walkable[r] || !j->rule_known) {
        return false;
    }
    if (!j->own_rule) {
        return round->coin != NULL && j->sampling.temperature > 0.0f;
    }
    return j->sampling.mode == EAGLE_VERIFY_GREEDY || round->n_draws > 0 ||
           (j->claim->has_seed && j->claim->contract[0] != '\0');
}

/* Of a run of ours whose seed is known, the recorded draws must be the seed's: the same path comes
 * of them. */
static void audit_seed(eg_replay *p, int32_t r)
{
    eg_judge *j = p->j;
    const eg_claim_round *round = p->round;
    const eagle_tree tree = tree_of(round);
    const eagle_rows rows = {.n = round->n_nodes, .vocab = j->config->vocab, .logits = p->logits};
    eagle_error why;

    if (round->n_draws == 0 || !j->claim->has_seed || j->claim->contract[0] == '\0') {
        return;
    }
    if (eagle_verify(p->path, &tree, &rows, &p->sampling, &p->seeded, &why) == EAGLE_OK &&
        eg_replay_other(p->path, round) >= 0) {
        eg_problem(eg_line(j->report, "draws"), EAGLE_CHECK_FAIL,
                   "%s: round %d: the recorded draws are not those of seed %llu", j->claim->name,
                   r + j->claim->first_round, (unsigned long long)j->claim->seed);
    }
}

static void tell(eg_replay *p, int32_t r, int32_t step, bool near)
{
    eg_judge *j = p->j;
    const eg_claim_round *round = p->round;
    eagle_check_line *line = eg_line(j->report, "decisions");
    const int32_t at = step >= 0 && step < round->n_path ? step : round->n_path - 1;
    const int32_t node = round->path_row[at];
    char theirs[48];
    char ours[48];

    snprintf(theirs, sizeof theirs, "node %d, token %d", round->path_node[at],
             round->path_token[at]);
    snprintf(ours, sizeof ours, at < p->path->n ? "node %d, token %d" : "nothing",
             at < p->path->n ? p->path->node[at] : 0, at < p->path->n ? p->path->token[at] : 0);
    line->n_different++;
    if (step < 0 && near) {
        eg_problem(line, EAGLE_CHECK_NEAR_TIE,
                   "%s: round %d: as its rule, but for a coin within rounding of its threshold",
                   j->claim->name, r + j->claim->first_round);
        return;
    }
    eg_problem(line, near ? EAGLE_CHECK_NEAR_TIE : EAGLE_CHECK_FAIL,
               "%s: round %d, at node %d: the run took %s, its rule takes %s%s%s", j->claim->name,
               r + j->claim->first_round, node, theirs, ours, p->missing[0] != '\0' ? "; " : "",
               p->missing);
    if (!near && !j->control) {
        eg_diverges(j->report, &(eagle_check_divergence){
                                   .run = j->run,
                                   .round = r,
                                   .node = node,
                                   .pos = round->pos[node],
                                   .layer = -1,
                                   .site = "decision",
                                   .token = round->path_token[at],
                                   .our_token = at < p->path->n ? p->path->token[at] : -1});
    }
}

/* Were the round's answers made by coins, or by a seed? Bare ones are taken as they are. */
static bool chance_seen(const eg_judge *j)
{
    return !j->own_rule || (j->claim->has_seed && j->claim->contract[0] != '\0');
}

static void count(eg_judge *j, const eg_claim_round *round, const eg_replayed *out)
{
    const eg_claim *c = j->claim;
    const int64_t end = (int64_t)round->first + round->n_path;
    const int64_t from = round->first > c->n_prompt ? round->first : c->n_prompt;

    j->rounds.replayed += !out->open;
    j->rounds.open += out->open;
    j->rounds.bare += !out->open && !chance_seen(j);
    if (!out->open) {
        j->rounds.tokens += (end < c->n ? end : c->n) - from;
    }
}

/* Rounds that differ under p->sampling; `say`: tells of them. */
static eagle_status replay_run(int64_t *differ, eg_replay *p, bool say, eagle_error *err)
{
    eg_judge *j = p->j;
    eagle_check_line *line = eg_line(j->report, "decisions");
    eagle_status st = EAGLE_OK;

    *differ = 0;
    for (int32_t r = 0; st == EAGLE_OK && r < j->claim->n_rounds; r++) {
        eg_replayed out;

        if (!eg_goes_on(j)) {
            return eg_fail(err, EAGLE_EINCONCLUSIVE, "interrupted");
        }
        if (!replayable(j, r)) {
            continue;
        }
        st = replay_round(&out, p, r, err);
        if (st != EAGLE_OK || !out.sound) {
            continue;
        }
        const bool other = out.step >= 0 || p->missing[0] != '\0';

        *differ += other && !out.near;
        if (!say) {
            continue;
        }
        line->n_judged += !out.open || other;
        eg_worsen(line, EAGLE_CHECK_PASS);
        count(j, p->round, &out);
        if (other || out.near) {
            tell(p, r, out.step, out.near);
        } else if (j->own_rule) {
            audit_seed(p, r);
        }
    }
    return st;
}

/* A drawn run is judged when every token of it was: by the seed (tokens.c), or here, by chance that
 * was written down. */
static void judge_extent(eg_judge *j)
{
    const eg_claim *c = j->claim;
    const int32_t n_out = c->n - c->n_prompt;
    eagle_check_line *line = eg_line(j->report, "decisions");

    if (j->sampling.temperature <= 0.0f || j->tokens_judged) {
        return;
    }
    if (j->rounds.replayed + j->rounds.open == 0) {
        eg_problem(eg_line(j->report, "tokens"), EAGLE_CHECK_INCONCLUSIVE,
                   "%s: its tokens are drawn, and neither coins nor a seed of ours say how: "
                   "check-samples judges many runs",
                   c->name);
    } else if (!j->joined || j->rounds.tokens < n_out) {
        eg_problem(
            line, EAGLE_CHECK_INCONCLUSIVE,
            "%s: %d of its %d rounds could be replayed, with %d of %d tokens: logits or draws of "
            "the others were not recorded",
            c->name, j->rounds.replayed, c->n_rounds, j->rounds.tokens, n_out);
    } else if (j->rounds.bare > 0) {
        eg_problem(line, EAGLE_CHECK_INCONCLUSIVE,
                   "%s: %d rounds are consistent with their own recorded answers; that chance gave "
                   "these answers nobody has seen, without coins or a seed of ours: check-samples "
                   "judges many runs",
                   c->name, j->rounds.bare);
    }
}

/* ---- hypotheses ----------------------------------------------------------------------------- */

static eagle_status try_sampling(eg_replay *p, const char *what, const eagle_sampling *sampling,
                                 bool parents_row, eagle_error *err)
{
    int64_t differ = 0;

    if (memcmp(sampling, &p->j->sampling, sizeof *sampling) == 0 && !parents_row) {
        return EAGLE_OK; /* not another sampling than the run's */
    }
    p->sampling = *sampling;
    p->parents_row = parents_row;
    eagle_status st = replay_run(&differ, p, false, err);
    const int64_t of = eg_line(p->j->report, "decisions")->n_judged;

    if (st == EAGLE_OK && of > 0) {
        eg_fit_add(p->j->report, what, (double)differ / (double)of, INFINITY);
    }
    return st;
}

/* Shares of the rounds that another sampling leaves unexplained. */
static eagle_status explain(eg_replay *p, eagle_error *err)
{
    const eagle_sampling *as_said = &p->j->sampling;
    eagle_sampling s[6];
    static const char *const what[6] = {"temperature not applied", "temperature applied twice",
                                        "top-k not applied",       "top-p not applied",
                                        "min-p not applied",       "no filter applied"};
    eagle_status st = EAGLE_OK;

    for (int32_t i = 0; i < 6; i++) {
        s[i] = *as_said;
    }
    s[0].temperature = 1.0f;
    s[1].temperature = as_said->temperature * as_said->temperature;
    s[2].top_k = 0;
    s[3].top_p = (eagle_decimal){1, 0};
    s[4].min_p = (eagle_decimal){0, 0};
    s[5].top_k = 0;
    s[5].top_p = s[3].top_p;
    s[5].min_p = s[4].min_p;
    for (int32_t i = 0; st == EAGLE_OK && i < 6; i++) {
        bool tried = false; /* one filter alone: none applied is that one not applied */

        for (int32_t k = 0; k < i; k++) {
            tried = tried || memcmp(&s[k], &s[i], sizeof s[i]) == 0;
        }
        st = tried ? EAGLE_OK : try_sampling(p, what[i], &s[i], false, err);
    }
    return st == EAGLE_OK
               ? try_sampling(p, "each node judged by its parent's row", as_said, true, err)
               : st;
}

/* ---- all ---------------------------------------------------------------------------------- */

static void free_room(eg_replay *p)
{
    eagle_path_free(p->path);
    free(p->moved);
    free(p->coin);
    free(p->key);
    free(p->left);
    free(p->bonus);
    free(p->q);
    free(p->p);
    free(p->logits);
}

static eagle_status make_room(eg_replay *p, eagle_error *err)
{
    const eg_judge *j = p->j;
    const size_t vocab = (size_t)j->config->vocab;
    int32_t draws = 0;

    for (int32_t r = 0; r < j->claim->n_rounds; r++) {
        const eg_claim_round *round = &j->claim->round[r];

        p->cap = round->n_nodes > p->cap ? round->n_nodes : p->cap;
        draws = round->n_draws > draws ? round->n_draws : draws;
    }
    const size_t n = (size_t)p->cap * vocab;
    const size_t n_float = j->own_rule ? 0 : n;

    p->logits = eg_alloc(n, sizeof *p->logits);
    p->p = eg_alloc(n_float, sizeof *p->p);
    p->q = eg_alloc(n_float, sizeof *p->q);
    p->bonus = eg_alloc(n_float, sizeof *p->bonus);
    p->left = eg_alloc(j->own_rule ? 0 : 2 * vocab, sizeof *p->left);
    p->key = eg_alloc((size_t)draws, sizeof *p->key);
    p->coin = eg_alloc((size_t)draws, sizeof *p->coin);
    p->moved = eg_alloc((size_t)draws, sizeof *p->moved);
    if (p->logits == NULL || p->p == NULL || p->q == NULL || p->bonus == NULL || p->left == NULL ||
        p->key == NULL || p->coin == NULL || p->moved == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory to replay trees of %d nodes", p->cap);
    }
    return eagle_path_create(&p->path, p->cap, j->config->vocab,
                             j->own_rule ? j->sampling.mode : EAGLE_VERIFY_REJECTION, err);
}

eagle_status eg_judge_replay(eg_judge *j, eagle_error *err)
{
    eg_replay p = {.j = j, .sampling = j->sampling, .philox = {.seed = j->claim->seed}};
    int64_t differ = 0;
    bool any = false;

    for (int32_t r = 0; r < j->claim->n_rounds; r++) {
        any = any || replayable(j, r);
    }
    if (!any) {
        judge_extent(j);
        return EAGLE_OK;
    }
    p.seeded = eagle_philox_draws(&p.philox);
    eagle_status st = make_room(&p, err);

    if (st == EAGLE_OK) {
        st = replay_run(&differ, &p, true, err);
    }
    const eagle_check_divergence *first = &j->report->first;

    if (st == EAGLE_OK && differ > 0 && !j->control && j->sampling.temperature > 0.0f &&
        first->run == j->run && strcmp(first->site, "decision") == 0) {
        st = explain(&p, err);
        eg_fit_settle(j->report, 0.0);
    }
    free_room(&p);
    if (st == EAGLE_OK) {
        judge_extent(j);
    }
    return st;
}
