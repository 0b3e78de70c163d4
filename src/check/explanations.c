/* SPDX-License-Identifier: MIT */
/* explanations.c - what the first divergence looks like: hypotheses, each computed and compared.
 *
 * A hypothesis says what a row would have been if something were wrong: another position, another
 * mask, another row, a key and value left over. Our target computes that row; the nearest one to
 * what was recorded is the diagnosis, if it is as near as rounding. */
#include "check/judge.h"

#include "base/alloc.h"
#include "kernels/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The row that is to be explained, and what is known of it. */
typedef struct {
    eg_judge *j;
    eg_claim_round round; /* a tree of one node where the run has none    */
    int32_t r;            /* its number, or -1                            */
    int32_t root;         /* position of its root                         */
    int32_t node;         /* the row that differs                         */
    float *theirs;        /* [vocab], or NULL: only the token is known    */
    int32_t token;        /* that it decided, or -1                       */
    float *plain;         /* [n_nodes, vocab] our rows as they should be  */
    double allowed;
    /* storage of a tree of one node */
    int32_t one_token;
    int32_t one_parent;
    int32_t one_depth;
} riddle;

/* How far a row of ours is from what was recorded. */
static double distance(const riddle *k, const float *ours)
{
    const int32_t vocab = k->j->config->vocab;

    if (ours == NULL) {
        return INFINITY;
    }
    if (k->theirs != NULL) {
        eg_row_difference d;

        eg_row_compare(&d, k->theirs, ours, vocab);
        return d.n_finite > 0 ? d.error : INFINITY;
    }
    return ((double)ours[eg_argmax(ours, (size_t)vocab)] - (double)ours[k->token]) / 2.0;
}

/* The largest difference of all recorded rows of the round from those of the last pass. */
static double whole(const riddle *k)
{
    double most = 0.0;

    for (int32_t i = 0; k->theirs != NULL && i < k->round.n_nodes; i++) {
        const float *ours = eg_ours_logits(k->j->ours, i);
        eg_row_difference d;

        if (ours != NULL) {
            eg_tensor_row(k->j->row, k->round.logits, i);
            eg_row_compare(&d, k->j->row, ours, k->j->config->vocab);
            most = d.bad ? INFINITY : d.error > most ? d.error : most;
        }
    }
    return k->theirs != NULL ? most : INFINITY;
}

/* Computes the whole tree in a view, and keeps how near the row comes. */
static eagle_status try_view(riddle *k, const char *what, const eg_view *view, eagle_error *err)
{
    eagle_status st = eg_ours_tree(k->j->ours, &k->round, k->root, view, err);

    if (st == EAGLE_OK) {
        eg_fit_add(k->j->report, what, distance(k, eg_ours_logits(k->j->ours, k->node)), whole(k));
    }
    return st;
}

/* ---- positions and masks ------------------------------------------------------------------ */

static eagle_status try_views(riddle *k, eagle_error *err)
{
    static const struct {
        const char *what;
        eg_view view;
        bool tree; /* only where there is more than the root */
    } list[] = {
        {"positions + 1", {.shift_root = 1, .shift = 1}, false},
        {"positions - 1", {.shift_root = -1, .shift = -1}, false},
        {"positions of the drafted nodes + 1", {.shift = 1}, true},
        {"positions of the drafted nodes - 1", {.shift = -1}, true},
        {"the siblings before it are visible", {.sees = EG_SEES_ELDER}, true},
        {"all siblings are visible", {.sees = EG_SEES_SIBLINGS}, true},
        {"all earlier nodes are visible", {.sees = EG_SEES_EARLIER}, true},
        {"the root is missing", {.sees = EG_SEES_NO_ROOT}, true},
        {"the parent is missing", {.sees = EG_SEES_NO_PARENT}, true},
        {"the last committed row is missing", {.shorter = 1}, false},
    };
    eagle_status st = EAGLE_OK;

    for (size_t i = 0; st == EAGLE_OK && i < sizeof list / sizeof list[0]; i++) {
        if (!list[i].tree || k->round.n_nodes > 1) {
            st = try_view(k, list[i].what, &list[i].view, err);
        }
    }
    return st;
}

/* ---- other rows --------------------------------------------------------------------------- */

static void try_rows(const riddle *k)
{
    const size_t vocab = (size_t)k->j->config->vocab;

    for (int32_t i = 0; i < k->round.n_nodes; i++) {
        char what[80];

        if (i == k->node) {
            continue;
        }
        snprintf(what, sizeof what, "our row of node %d%s", i,
                 i == k->round.parent[k->node] ? ", its parent"
                 : i == k->node + 1            ? ", the next"
                 : i == k->node - 1            ? ", the one before"
                                               : "");
        if (i == k->round.parent[k->node] || i == k->node + 1 || i == k->node - 1 ||
            k->round.n_nodes <= 16) {
            eg_fit_add(k->j->report, what, distance(k, k->plain + (size_t)i * vocab), INFINITY);
        }
    }
}

/* Rows of the sequence beside it: of a run whose trees are unknown, or across a round's border. */
static eagle_status try_neighbours(riddle *k, eagle_error *err)
{
    const eg_claim *c = k->j->claim;
    const int32_t pos = k->root + k->round.depth[k->node];
    eagle_status st = EAGLE_OK;

    for (int32_t step = -1; st == EAGLE_OK && step <= 1; step += 2) {
        const int32_t at = pos + step;

        if (at < 0 || at >= c->n || (k->node > 0 && step < 0)) {
            continue;
        }
        const int32_t parent = -1;
        const int32_t depth = 0;
        const eg_claim_round one = {.n_nodes = 1,
                                    .n_verify = 1,
                                    .token = &c->token[at],
                                    .parent = &parent,
                                    .depth = &depth};

        st = eg_ours_tree(k->j->ours, &one, at, &(eg_view){0}, err);
        if (st == EAGLE_OK) {
            eg_fit_add(k->j->report,
                       step < 0 ? "our row of the token before it"
                                : "our row of the token after it",
                       distance(k, eg_ours_logits(k->j->ours, 0)), INFINITY);
        }
    }
    return st;
}

/* Where the run's logits are ours and only its choice is not: which of its own rows would have
 * chosen so? */
static void try_their_rows(const riddle *k)
{
    const int32_t vocab = k->j->config->vocab;
    float *row = k->j->row;

    for (int32_t i = 0; i < k->round.n_nodes; i++) {
        char what[80];

        eg_tensor_row(row, k->round.logits, i);
        const float best = row[eg_argmax(row, (size_t)vocab)];

        snprintf(what, sizeof what, "the arg max of the run's own row of node %d%s", i,
                 i == k->node                    ? ", as it should be"
                 : i == k->round.parent[k->node] ? ", the parent"
                 : k->round.parent[i] == k->node ? ", a child"
                                                 : "");
        eg_fit_add(k->j->report, what, (double)best - (double)row[k->token], INFINITY);
    }
}

/* Is the token another than the largest of the run's own row? */
static bool chose_otherwise(const riddle *k)
{
    return k->theirs != NULL && k->token >= 0 && k->j->sampling.temperature == 0.0f &&
           k->theirs[eg_argmax(k->theirs, (size_t)k->j->config->vocab)] > k->theirs[k->token];
}

/* ---- keys and values left over ------------------------------------------------------------- */

/* The row, while committed slot `pos` holds that of a node of the round before. */
static eagle_status try_stale(riddle *k, const eg_claim_round *before, int32_t pos, int32_t node,
                              eagle_error *err)
{
    eg_ours *ours = k->j->ours;
    const int32_t spare = eg_ours_slot(ours, 2, 0);
    char what[96];

    snprintf(what, sizeof what, "stale KV at position %d: rejected node %d (token %d) of round %d",
             pos, node, before->token[node], k->r - 1 + k->j->claim->first_round);
    eg_kvcache_move(&ours->forward.kv, spare, pos);
    eg_kvcache_move(&ours->forward.kv, pos, eg_ours_slot(ours, 1, node));
    eagle_status st = try_view(k, what, &(eg_view){0}, err);

    eg_kvcache_move(&ours->forward.kv, pos, spare);
    return st;
}

/* The row, while the accepted path's slots hold the first nodes of the tree: nothing was moved. */
static eagle_status try_unmoved(riddle *k, const eg_claim_round *before, int32_t root,
                                eagle_error *err)
{
    eg_ours *ours = k->j->ours;
    const int32_t n = before->n_path - 1;
    eagle_status st = EAGLE_OK;

    /* What is overwritten is computed again: the tree's first nodes lie in area 1. */
    for (int32_t i = 1; i <= n && i < before->n_nodes; i++) {
        eg_kvcache_move(&ours->forward.kv, root + i, eg_ours_slot(ours, 1, i));
    }
    st = try_view(k, "KV rows of the accepted path were not moved", &(eg_view){0}, err);

    const eg_view again = {.area = 1};

    if (st == EAGLE_OK) {
        st = eg_ours_tree(ours, before, root, &again, err);
    }
    for (int32_t i = 0; st == EAGLE_OK && i < n; i++) {
        eg_kvcache_move(&ours->forward.kv, root + 1 + i,
                        eg_ours_slot(ours, 1, before->path_node[i]));
    }
    return st;
}

/* The row, while a refused node of the round before is still in the cache behind the accepted ones:
 * the next one in order, or the next one down. Its keys and values lie in area 1. */
static eagle_status try_not_cropped(riddle *k, const eg_claim_round *before, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    for (int32_t n = 1; st == EAGLE_OK && n < before->n_nodes; n++) {
        const eg_view view = {.extra = eg_ours_slot(k->j->ours, 1, n)};
        bool accepted = false;
        char what[96];

        for (int32_t i = 0; i < before->n_path; i++) {
            accepted = accepted || before->path_node[i] == n;
        }
        if (accepted || (n != before->n_path && before->depth[n] != before->n_path)) {
            continue;
        }
        snprintf(what, sizeof what, "rejected node %d (token %d) of round %d is still in the cache",
                 n, before->token[n], k->r - 1 + k->j->claim->first_round);
        st = try_view(k, what, &view, err);
    }
    return st;
}

static eagle_status try_left_over(riddle *k, eagle_error *err)
{
    const eg_claim *c = k->j->claim;

    if (k->r < 1 || !k->j->walkable[k->r - 1]) {
        return EAGLE_OK;
    }
    const eg_claim_round *before = &c->round[k->r - 1];
    const int32_t root = eg_claim_root(c, k->r - 1);
    const eg_view other = {.area = 1};
    eagle_status st = EAGLE_OK;
    bool moved = false;

    if (before->n_nodes == 1) {
        return EAGLE_OK;
    }
    st = eg_ours_tree(k->j->ours, before, root, &other, err);
    if (st == EAGLE_OK) {
        st = try_not_cropped(k, before, err);
    }
    for (int32_t i = 0; st == EAGLE_OK && i < before->n_path - 1; i++) {
        const int32_t accepted = before->path_node[i];

        moved = moved || accepted != i + 1;
        for (int32_t n = 1; st == EAGLE_OK && n < before->n_nodes; n++) {
            if (n != accepted && before->depth[n] == i + 1) {
                st = try_stale(k, before, root + 1 + i, n, err);
            }
        }
    }
    return st == EAGLE_OK && moved ? try_unmoved(k, before, root, err) : st;
}

/* ---- the riddle ---------------------------------------------------------------------------- */

/* The round of the divergence, or a tree of one node at its position. */
static void find_round(riddle *k, const eagle_check_divergence *d)
{
    const eg_claim *c = k->j->claim;

    if (d->round >= 0 && d->node >= 0 && k->j->walkable[d->round]) {
        k->round = c->round[d->round];
        k->r = d->round;
        k->root = eg_claim_root(c, d->round);
        k->node = d->node;
        return;
    }
    k->one_token = c->token[d->pos];
    k->one_parent = -1;
    k->one_depth = 0;
    k->round = (eg_claim_round){.n_nodes = 1,
                                .n_verify = 1,
                                .token = &k->one_token,
                                .parent = &k->one_parent,
                                .depth = &k->one_depth};
    k->r = -1;
    k->root = d->pos;
    k->node = 0;
}

static eagle_status prepare(riddle *k, const eagle_check_divergence *d, eagle_error *err)
{
    const size_t vocab = (size_t)k->j->config->vocab;

    find_round(k, d);
    k->token = d->token;
    k->plain = eg_alloc((size_t)k->round.n_nodes * vocab, sizeof *k->plain);
    if (k->round.logits != NULL) {
        k->theirs = eg_alloc(vocab, sizeof *k->theirs);
    }
    if (k->plain == NULL || (k->round.logits != NULL && k->theirs == NULL)) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for the rows of %d nodes", k->round.n_nodes);
    }
    if (k->theirs != NULL) {
        eg_tensor_row(k->theirs, k->round.logits, k->node);
    }
    eagle_status st = eg_ours_tree(k->j->ours, &k->round, k->root, &(eg_view){0}, err);

    if (st == EAGLE_OK) {
        memcpy(k->plain, k->j->ours->forward.pass.logits,
               (size_t)k->round.n_nodes * vocab * sizeof(float));
        k->allowed = eg_row_bound(k->j, k->plain + (size_t)k->node * vocab);
    }
    return st;
}

/* The token ids from the root to the node. */
static void write_path(const riddle *k, eagle_check_divergence *d)
{
    int32_t chain[32];
    int32_t n = 0;
    size_t used = 0;

    for (int32_t i = k->node; i >= 0 && n < 32; i = k->round.parent[i]) {
        chain[n++] = i;
    }
    while (n-- > 0 && used + 16 < sizeof d->path) {
        used += (size_t)snprintf(d->path + used, sizeof d->path - used, "%s%d", used > 0 ? " " : "",
                                 k->round.token[chain[n]]);
    }
}

static eagle_status try_all(riddle *k, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    if (chose_otherwise(k)) {
        try_their_rows(k);
        k->allowed = 0.0;
        return EAGLE_OK;
    }
    if (distance(k, k->plain + (size_t)k->node * (size_t)k->j->config->vocab) <= k->allowed) {
        return EAGLE_OK; /* the row is right: what is wrong is no matter of the network */
    }
    st = try_views(k, err);
    if (st == EAGLE_OK) {
        try_rows(k);
        st = try_neighbours(k, err);
    }
    return st == EAGLE_OK ? try_left_over(k, err) : st;
}

eagle_status eg_explain(eg_judge *j, eagle_error *err)
{
    eagle_check_divergence *d = &j->report->first;
    const bool in_tree = d->round >= 0 && d->node >= 0 && j->walkable[d->round];
    riddle k = {.j = j};
    eagle_status st = EAGLE_OK;

    if (!in_tree && (d->pos < 0 || d->pos >= j->claim->n)) {
        return EAGLE_OK;
    }
    st = prepare(&k, d, err);
    if (st == EAGLE_OK && j->report->n_fits == 0 && (k.theirs != NULL || k.token >= 0)) {
        st = try_all(&k, err);
        eg_fit_settle(j->report, k.allowed);
    }
    if (st == EAGLE_OK) {
        write_path(&k, d);
    }
    d->round += d->round >= 0 ? j->claim->first_round : 0; /* from here on for readers */
    free(k.plain);
    free(k.theirs);
    return st;
}
