/* SPDX-License-Identifier: MIT */
/* ours.c - our rows of a claim's tokens and trees. */
#include "check/ours.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/fpguard.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

eagle_status eg_ours_make(eg_ours *out, const eagle_model *model, const eg_ours_room *for_what,
                          const eagle_check_options *opt, eagle_error *err)
{
    const int32_t ctx = for_what->ctx;
    const int32_t nodes = for_what->nodes;
    const eg_compute compute = {.kernels = eg_kernels_for(opt->isa),
                                .threads = opt->threads == 0 ? eagle_cpu_count() : opt->threads};
    const int32_t chunk = opt->chunk < ctx ? opt->chunk : ctx;
    const int32_t rows = chunk > nodes ? chunk : nodes;
    /* One slot beyond both areas: a place to keep a row whose slot is borrowed. */
    const eg_pass_room room = {.rows = rows, .logits = rows, .slots = ctx + 2 * nodes + 1};
    const char *unfit = eg_fpguard_fault();
    const eg_arena arena = {.count_only = for_what->count_only};

    *out = (eg_ours){
        .arena = arena, .target = &model->target, .rows = rows, .ctx = ctx, .tree = nodes};
    if (opt->chunk < 1 || compute.threads < 1 || compute.threads > EG_MAX_THREADS) {
        return eg_fail(err, EAGLE_EINVAL, "chunks of %d, %d threads: needs 1 or more, 1..%d",
                       opt->chunk, opt->threads, EG_MAX_THREADS);
    }
    if (compute.kernels == NULL) {
        return eg_fail(err, EAGLE_EINVAL, "instruction set %s is not usable here",
                       eagle_isa_name(opt->isa));
    }
    if (unfit != NULL) {
        return eg_fail(err, EAGLE_ENUMERIC, "unfit floating-point environment: %s", unfit);
    }
    eg_forward_make(&out->forward, &model->target, &compute, &room, &out->arena);
    out->row = eg_arena_take(&out->arena, EG_FOR_WORK, (size_t)rows, sizeof *out->row);
    if (out->arena.failed) {
        eg_ours_release(out);
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %d positions and trees of %d nodes", ctx,
                       nodes);
    }
    return EAGLE_OK;
}

void eg_ours_release(eg_ours *ours)
{
    eg_arena_free(&ours->arena);
    *ours = (eg_ours){0};
}

const float *eg_ours_logits(const eg_ours *ours, int32_t i)
{
    const size_t vocab = (size_t)ours->target->config.vocab;

    return ours->forward.pass.fault[i] == 0 ? ours->forward.pass.logits + (size_t)i * vocab : NULL;
}

eagle_status eg_ours_feed(eg_ours *ours, const eg_claim *claim, int32_t from, eg_row_seen *seen,
                          void *ctx, eagle_error *err)
{
    const size_t vocab = (size_t)ours->target->config.vocab;
    int32_t n = 0;

    for (int32_t begin = 0; begin < claim->n; begin += n) {
        const float *logits = ours->forward.pass.logits;

        n = claim->n - begin < ours->rows ? claim->n - begin : ours->rows;
        for (int32_t i = 0; i < n; i++) {
            ours->row[i] = (eg_row){.token = claim->token[begin + i],
                                    .pos = begin + i,
                                    .n_run = begin + i + 1,
                                    .wants_logits = begin + i >= from};
        }
        eagle_status st = eg_forward_run(&ours->forward, ours->row, n, false, err);

        if (st != EAGLE_OK) {
            return st;
        }
        for (int32_t i = 0; i < n; i++) {
            if (ours->forward.pass.fault[i] != 0) {
                return eg_fail(err, EAGLE_ENUMERIC, "%s: our row at position %d is not finite",
                               claim->name, begin + i);
            }
            if (ours->row[i].wants_logits) {
                if (!seen(ctx, begin + i, logits)) {
                    return eg_fail(err, EAGLE_EINCONCLUSIVE, "interrupted");
                }
                logits += vocab;
            }
        }
    }
    ours->n = claim->n;
    return EAGLE_OK;
}

/* ---- trees ------------------------------------------------------------------------------- */

bool eg_round_walkable(const eg_claim_round *round)
{
    bool ok = round->parent[0] == -1 && round->depth[0] == 0;

    for (int32_t i = 1; ok && i < round->n_nodes; i++) {
        const int32_t parent = round->parent[i];

        ok = parent >= 0 && parent < i && round->depth[i] == round->depth[parent] + 1;
    }
    return ok;
}

/* A list of slots that is written, or, without a place to write to, only counted. */
typedef struct {
    int32_t *slot;
    int32_t n;
} slots;

static void take(slots *list, int32_t slot)
{
    if (list->slot != NULL) {
        list->slot[list->n] = slot;
    }
    list->n++;
}

/* Is `a`, an ancestor of node i or the node itself, seen? */
static bool sees_ancestor(const eg_claim_round *round, int32_t i, int32_t a, eg_sees sees)
{
    return a == i || !((sees == EG_SEES_NO_ROOT && a == 0) ||
                       (sees == EG_SEES_NO_PARENT && a == round->parent[i]));
}

/* Slots that node i attends to in this view, its own last; returns their number. `slot` NULL counts
 * only. */
static int32_t list_slots(int32_t *slot, const eg_claim_round *round, int32_t i,
                          const eg_view *view, int32_t at)
{
    const eg_sees sees = view->sees;
    slots list = {.slot = slot};

    if (sees == EG_SEES_EARLIER) {
        for (int32_t a = 0; a <= i; a++) {
            take(&list, at + a);
        }
        return list.n;
    }
    take(&list, at + i); /* from the node up, then turned round */
    for (int32_t s = round->n_nodes - 1; s > 0; s--) {
        if (s != i && round->parent[s] == round->parent[i] &&
            (sees == EG_SEES_SIBLINGS || (sees == EG_SEES_ELDER && s < i))) {
            take(&list, at + s);
        }
    }
    for (int32_t a = round->parent[i]; a >= 0; a = round->parent[a]) {
        if (sees_ancestor(round, i, a, sees)) {
            take(&list, at + a);
        }
    }
    if (view->extra > 0) {
        take(&list, view->extra); /* the first, right behind the committed ones */
    }
    for (int32_t a = 0, b = list.n - 1; slot != NULL && a < b; a++, b--) {
        const int32_t keep = slot[a];

        slot[a] = slot[b];
        slot[b] = keep;
    }
    return list.n;
}

eagle_status eg_ours_tree(eg_ours *ours, const eg_claim_round *round, int32_t root,
                          const eg_view *view, eagle_error *err)
{
    const int32_t at = eg_ours_slot(ours, view->area, 0);
    const int32_t committed = root > view->shorter ? root - view->shorter : 0;
    size_t total = 0;

    for (int32_t i = 0; i < round->n_nodes; i++) {
        total += (size_t)list_slots(NULL, round, i, view, at);
    }
    int32_t *slot = eg_alloc(total, sizeof *slot);

    if (slot == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for the paths of %d nodes", round->n_nodes);
    }
    total = 0;
    for (int32_t i = 0; i < round->n_nodes; i++) {
        const int32_t shift = i == 0 ? view->shift_root : view->shift;
        const int32_t pos = root + round->depth[i] + shift;
        const int32_t n = list_slots(slot + total, round, i, view, at);

        ours->row[i] = (eg_row){.token = round->token[i],
                                .pos = pos > 0 ? pos : 0,
                                .n_run = committed,
                                .path = slot + total,
                                .n_path = n,
                                .wants_logits = true};
        total += (size_t)n;
    }
    eagle_status st = eg_forward_run(&ours->forward, ours->row, round->n_nodes, false, err);

    free(slot);
    return st;
}
