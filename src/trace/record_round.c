/* SPDX-License-Identifier: MIT */
/* record_round.c - what can be read of a round when it is over: tree, laws, path, draws. */
#include "base/alloc.h"
#include "base/error.h"
#include "decode/state.h"
#include "trace/recorder.h"

#include <stdlib.h>

static void no_memory(eagle_recorder *r)
{
    r->status =
        eg_fail(&r->error, EAGLE_ENOMEM, "%s: no memory to record round %d", r->path, r->round);
}

/* Scores are of drafters that have a head; others give none. */
static bool has_scores(const eagle_session *s)
{
    return s->drafting != NULL && s->drafting->drafter->head != NULL;
}

static void put_laws(eagle_recorder *r, const eagle_tree *tree)
{
    const int32_t vocab = eagle_model_config(r->g->session->model)->vocab;
    const eg_recorded form = {.key = {.part = EG_PART_TREE, .round = r->round, .item = EG_TREE_LAW},
                              .dtype = EAGLE_I64,
                              .rank = 2,
                              .shape = {tree->n_nodes, vocab}};
    const size_t size = (size_t)vocab * sizeof(uint64_t);
    uint64_t *zeros = eg_alloc((size_t)vocab, sizeof *zeros);

    if (zeros == NULL) {
        no_memory(r);
    }
    for (int32_t i = 0; zeros != NULL && i < tree->n_nodes; i++) {
        eg_recorder_add(r, &form, tree->law[i] != NULL ? tree->law[i] : zeros, size);
    }
    free(zeros);
}

static void put_tree(eagle_recorder *r, const eagle_tree *tree)
{
    const int32_t n = tree->n_nodes;
    int32_t *pos = eg_alloc((size_t)n, sizeof *pos);

    if (pos == NULL) {
        no_memory(r);
        return;
    }
    for (int32_t i = 0; i < n; i++) {
        pos[i] = tree->pos + tree->depth[i];
    }
    eg_recorder_put(r, EG_PART_TREE, EG_TREE_TOKEN, EAGLE_I32, n, 0, tree->token);
    eg_recorder_put(r, EG_PART_TREE, EG_TREE_PARENT, EAGLE_I32, n, 0, tree->parent);
    eg_recorder_put(r, EG_PART_TREE, EG_TREE_DEPTH, EAGLE_I32, n, 0, tree->depth);
    eg_recorder_put(r, EG_PART_TREE, EG_TREE_POS, EAGLE_I32, n, 0, pos);
    eg_recorder_put(r, EG_PART_TREE, EG_TREE_VERIFY, EAGLE_I32, 1, 0, &tree->n_verify);
    free(pos);
    if (has_scores(r->g->session)) {
        eg_recorder_put(r, EG_PART_TREE, EG_TREE_SCORE, EAGLE_F32, n, 0, tree->score);
    }
    for (int32_t i = 0; tree->law != NULL && i < n; i++) {
        if (tree->law[i] != NULL) {
            put_laws(r, tree);
            break;
        }
    }
}

/* One column of the draws, as a tensor. */
static void put_draws(eagle_recorder *r)
{
    const int32_t n = r->n_draws;
    int32_t *number = eg_alloc(5 * (size_t)n, sizeof *number); /* [5, n] */
    eagle_wide *wide = eg_alloc(2 * (size_t)n, sizeof *wide);  /* [2, n] */

    if (number == NULL || wide == NULL) {
        no_memory(r);
        goto done;
    }
    for (int32_t i = 0; i < n; i++) {
        const eg_recorded_draw *d = &r->draw[i];
        const int32_t row[5] = {d->kind, (int32_t)d->key.purpose, d->key.pos, d->key.index,
                                d->answer};

        for (int32_t column = 0; column < 5; column++) {
            number[column * n + i] = row[column];
        }
        wide[i] = d->num;
        wide[n + i] = d->den;
    }
    for (int32_t column = 0; column < 5; column++) {
        eg_recorder_put(r, EG_PART_DRAW, EG_DRAW_KIND + column, EAGLE_I32, n, 0,
                        number + (size_t)column * (size_t)n);
    }
    eg_recorder_put(r, EG_PART_DRAW, EG_DRAW_NUM, EAGLE_I64, n, 5, wide);
    eg_recorder_put(r, EG_PART_DRAW, EG_DRAW_DEN, EAGLE_I64, n, 5, wide + n);

done:
    free(wide);
    free(number);
}

void eg_recorder_put_round(eagle_recorder *r)
{
    const eagle_path *path = r->g->path;

    put_tree(r, eagle_session_tree(r->g->session));
    eg_recorder_put(r, EG_PART_PATH, EG_PATH_TOKEN, EAGLE_I32, path->n, 0, path->token);
    eg_recorder_put(r, EG_PART_PATH, EG_PATH_NODE, EAGLE_I32, path->n, 0, path->node);
    eg_recorder_put(r, EG_PART_PATH, EG_PATH_ROW, EAGLE_I32, path->n, 0, path->row);
    if (r->opt.level >= 4) {
        put_draws(r);
    }
}
