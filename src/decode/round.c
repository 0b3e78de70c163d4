/* SPDX-License-Identifier: MIT */
/* round.c - one round: draft, score, verify, commit. */
#include "base/error.h"
#include "decode/state.h"
#include "tree/tree.h"

#include <string.h>

/* ---- draft ------------------------------------------------------------------------------- */

eagle_status eagle_session_draft(const eagle_tree **tree, eagle_session *s,
                                 const eagle_draws *draws, eagle_error *err)
{
    const int32_t root = s->n_token - 1;
    eagle_status st = EAGLE_OK;

    *tree = s->tree;
    s->scored = NULL;
    if (s->n_token == 0) {
        return eg_fail(err, EAGLE_EINVAL, "nothing was fed: there is no token to go on from");
    }
    if (root >= s->opt.ctx) {
        return eg_fail(err, EAGLE_ELIMIT, "the context of %d positions is full", s->opt.ctx);
    }
    eagle_tree_reset(s->tree, s->token[root], root);
    if (eg_session_pending(s) || s->drafting == NULL) {
        return EAGLE_OK; /* the last row of a feed is verified alone */
    }
    const eg_draft_input input = {.token = s->token,
                                  .n = s->n_token,
                                  .max_depth = s->opt.ctx - 1 - root,
                                  .sampling = &s->opt.sampling,
                                  .draws = draws};

    st = s->drafts->propose(s->drafting, s->tree, &input, err);
    if (st != EAGLE_OK) {
        eagle_tree_reset(s->tree, s->token[root], root);
    }
    return st;
}

/* ---- score ------------------------------------------------------------------------------- */

static eagle_status check_tree(const eagle_session *s, const eagle_tree *tree, eagle_error *err)
{
    const int32_t root = s->n_token - 1;
    eagle_status st = eagle_tree_check(tree, s->model->target.config.vocab, err);

    if (st != EAGLE_OK) {
        return st;
    }
    if (root < 0 || tree->pos != root || tree->token[0] != s->token[root]) {
        return eg_fail(err, EAGLE_EFIT,
                       "the tree's root is token %d at position %d, not the session's last token",
                       tree->token[0], tree->pos);
    }
    if (tree->n_nodes > s->opt.max_nodes) {
        return eg_fail(err, EAGLE_ELIMIT, "a tree of %d nodes: the session has room for %d",
                       tree->n_nodes, s->opt.max_nodes);
    }
    if (eg_session_pending(s) && tree->n_nodes > 1) {
        return eg_fail(err, EAGLE_EINVAL, "after a feed the tree is its root alone");
    }
    for (int32_t i = 0; i < tree->n_nodes; i++) {
        if (tree->depth[i] >= s->opt.ctx - root) {
            return eg_fail(err, EAGLE_ELIMIT, "node %d lies beyond the context of %d positions", i,
                           s->opt.ctx);
        }
    }
    return EAGLE_OK;
}

/* A row per node: the committed slots, then its path. Node i has slot n_kv + i. */
static eagle_status set_up(eagle_session *s, const eagle_tree *tree, eagle_error *err)
{
    int32_t used = 0;

    for (int32_t i = 0; i < tree->n_nodes; i++) {
        if (tree->depth[i] + 1 > s->slot_cap - used) {
            return eg_fail(err, EAGLE_ELIMIT, "a tree of %d nodes is too deep", tree->n_nodes);
        }
        int32_t *path = s->slot + used;
        const int32_t n = eg_tree_path(path, tree, i);

        for (int32_t d = 0; d < n; d++) {
            path[d] += s->n_kv;
        }
        s->row[i] = (eg_row){.token = tree->token[i],
                             .pos = tree->pos + tree->depth[i],
                             .n_run = s->n_kv,
                             .path = path,
                             .n_path = n,
                             .wants_logits = true};
        used += n;
    }
    return EAGLE_OK;
}

eagle_status eagle_session_score(eagle_rows *rows, eagle_session *s, const eagle_tree *tree,
                                 eagle_error *err)
{
    const eagle_config *c = &s->model->target.config;
    const bool pending = eg_session_pending(s);

    *rows = (eagle_rows){0};
    s->rows = (eagle_rows){0};
    s->scored = NULL;
    eagle_status st = check_tree(s, tree, err);

    if (st == EAGLE_OK && pending) {
        st = eg_forward_logits(&s->forward, s->pending, err);
    } else if (st == EAGLE_OK) {
        st = set_up(s, tree, err);
        if (st == EAGLE_OK) {
            st = eg_forward_run(&s->forward, s->row, tree->n_nodes, false, err);
        }
    }
    if (st != EAGLE_OK) {
        return st;
    }
    s->rows = (eagle_rows){.n = tree->n_nodes,
                           .vocab = c->vocab,
                           .dim = c->dim,
                           .logits = s->forward.pass.logits,
                           .features = pending ? s->pending : s->forward.feature,
                           .fault = s->forward.pass.fault,
                           .n_layers = s->model->target.config.n_layers};
    s->scored = tree;
    *rows = s->rows;
    return EAGLE_OK;
}

/* ---- commit ------------------------------------------------------------------------------ */

/* Is `path` a path of the scored tree, and every row on it finite? */
static eagle_status check_path(const eagle_session *s, const eagle_path *path, eagle_error *err)
{
    const eagle_tree *tree = s->scored;
    int32_t at = 0;

    if (tree == NULL) {
        return eg_fail(err, EAGLE_EINVAL, "nothing was scored: there is no round to commit");
    }
    for (int32_t i = 0; i < path->n; i++) {
        const bool last = i == path->n - 1;
        const int32_t node = path->node[i];

        eagle_status st = eg_session_check_row(s, at, tree->pos + tree->depth[at], err);

        if (st != EAGLE_OK) {
            return st;
        }
        if (path->token[i] < 0 || path->token[i] >= s->rows.vocab) {
            return eg_fail(err, EAGLE_EINVAL, "token %d: the vocabulary has %d", path->token[i],
                           s->rows.vocab);
        }
        if (last ? node != -1
                 : node < 1 || node >= tree->n_nodes || tree->parent[node] != at ||
                       tree->token[node] != path->token[i]) {
            return eg_fail(err, EAGLE_EINVAL, "entry %d of the path is not a child of node %d", i,
                           at);
        }
        at = node;
    }
    return path->n > 0 ? EAGLE_OK : eg_fail(err, EAGLE_EINVAL, "an empty path: nothing to commit");
}

/* Features of the root and the accepted nodes, side by side. */
static const float *gather(eagle_session *s, const eagle_path *path)
{
    const size_t dim = (size_t)s->rows.dim;

    for (int32_t i = 0; i < path->n; i++) {
        const int32_t node = i == 0 ? 0 : path->node[i - 1];

        memcpy(s->committed + (size_t)i * dim, s->rows.features + (size_t)node * dim,
               dim * sizeof(float));
    }
    return s->committed;
}

/* Their KV rows, to the places that follow the committed ones. A node's number is at least its
 * depth, so that no move overwrites a row that is still to be moved. */
static void move_rows(eagle_session *s, const eagle_path *path)
{
    for (int32_t i = 0; i < path->n - 1; i++) {
        eg_kvcache_move(&s->forward.kv, s->n_kv + 1 + i, s->n_kv + path->node[i]);
    }
    s->n_kv += path->n;
}

eagle_status eagle_session_commit(eagle_session *s, const eagle_path *path, eagle_error *err)
{
    eagle_status st = check_path(s, path, err);

    if (st == EAGLE_OK && s->drafting != NULL && s->drafts->observe != NULL) {
        st = s->drafts->observe(s->drafting, path->token, gather(s, path), path->n, false, err);
        if (st != EAGLE_OK) {
            eg_session_forget(s, s->n_token);
        }
    }
    if (st != EAGLE_OK) {
        return st;
    }
    if (!eg_session_pending(s)) {
        move_rows(s, path);
    }
    memcpy(s->token + s->n_token, path->token, (size_t)path->n * sizeof *path->token);
    s->n_token += path->n;
    s->scored = NULL;
    return EAGLE_OK;
}

/* ---- all four ---------------------------------------------------------------------------- */

eagle_status eagle_session_step(const eagle_path **path, eagle_session *s, eagle_error *err)
{
    const eagle_tree *tree;
    eagle_rows rows;
    eagle_status st = eagle_session_draft(&tree, s, &s->draws, err);

    *path = s->path;
    s->path->n = 0;
    if (st == EAGLE_OK) {
        st = eagle_session_score(&rows, s, tree, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_verify(s->path, tree, &rows, &s->opt.sampling, &s->draws, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_session_commit(s, s->path, err);
    }
    return st;
}
