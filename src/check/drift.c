/* SPDX-License-Identifier: MIT */
/* drift.c - how far the states of the layers have come from ours, from the first layer to the last.
 *
 * Unlike operations.c this compares what has piled up, so that it works with the few sites of a
 * trace of level 3 too; the figures of each site are drift_sums.c's. Where a row's logits are wrong
 * it says from which layer and site on the row was. */
#include "check/judge.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    eg_judge *j;
    const eg_claim_round *round;
    int32_t r;
    float *theirs; /* [widest] */
    int32_t widest;
    /* the first site, in the order of the pass, at which each node was off */
    eagle_check_divergence *off;  /* [n_nodes] */
    eagle_check_divergence worst; /* the largest error as a share of what is allowed */
    double share;
    int64_t rows;
    int64_t off_rows; /* above what is allowed                  */
    int64_t failed;   /* beyond what rounding can be at all      */
    int32_t node;     /* the first one that fails in the round, or -1 */
} watch;

/* |theirs - ours| / |ours|. */
static double relative(const float *theirs, const float *ours, int32_t n)
{
    double difference = 0.0;
    double size = 0.0;

    for (int32_t i = 0; i < n; i++) {
        const double d = (double)theirs[i] - (double)ours[i];

        difference += d * d;
        size += (double)ours[i] * (double)ours[i];
    }
    return difference == 0.0 ? 0.0 : sqrt(difference / size); /* NaN where theirs has one */
}

/* A row at a site: is it off, and the furthest? */
static void keep(watch *w, int32_t i, const eagle_check_divergence *at, eagle_site site)
{
    const double share = isfinite(at->error) ? at->error / at->allowed : INFINITY;

    if (share > 1.0) {
        w->off_rows++;
        if (share > EG_NO_ROUNDING) {
            w->failed++;
            w->node = w->node < 0 || i < w->node ? i : w->node;
        }
        if (!w->off[i].found) {
            w->off[i] = *at;
            snprintf(w->off[i].site, sizeof w->off[i].site, "%s", eagle_site_name(site));
        }
    }
    if (share > w->share) {
        w->share = share;
        w->worst = *at;
        snprintf(w->worst.site, sizeof w->worst.site, "%s", eagle_site_name(site));
    }
}

static void see(void *ctx, eagle_site site, int32_t layer, int32_t n_rows, int32_t dim,
                const float *data, int32_t stride)
{
    watch *w = ctx;
    const eg_judge *j = w->j;
    const eg_claim_site *recorded = eg_claim_find(w->round->site, w->round->n_sites, site, layer);
    const bool end = site == EAGLE_SITE_FEATURE;
    const double allowed = eg_state_bound(j, end ? j->config->n_layers : layer + 1);

    if (recorded == NULL || recorded->tensor->shape[1] != dim || dim > w->widest ||
        recorded->tensor->shape[0] < n_rows) {
        return;
    }
    for (int32_t i = 0; i < n_rows && i < w->round->n_nodes; i++) {
        const float *ours = data + (size_t)i * (size_t)stride;

        eg_tensor_row(w->theirs, recorded->tensor, i);
        const double error = relative(w->theirs, ours, dim);

        eg_drift_add(j->drift, site, layer, j->dtype, w->theirs, ours, dim);
        w->rows++;
        keep(w, i,
             &(eagle_check_divergence){.found = true,
                                       .run = j->run,
                                       .round = w->r,
                                       .node = i,
                                       .pos = w->round->pos[i],
                                       .layer = end ? -1 : layer,
                                       .token = -1,
                                       .our_token = -1,
                                       .error = error,
                                       .allowed = allowed},
             site);
    }
}

/* The row that diverges first: from where on? */
static void locate(const watch *w)
{
    eagle_check_divergence *first = &w->j->report->first;

    if (first->found && first->run == w->j->run && first->round == w->r && first->node >= 0 &&
        first->node < w->round->n_nodes && first->layer < 0 && first->site[0] == '\0') {
        const eagle_check_divergence *off = &w->off[first->node];

        if (off->found) {
            first->layer = off->layer;
            snprintf(first->site, sizeof first->site, "%s", off->site);
        }
    }
}

/* The first row of the round that fails is a divergence of its own, unless an earlier one is
 * known. */
static void tell(const watch *w)
{
    if (!w->j->control && w->node >= 0) {
        eg_diverges(w->j->report, &w->off[w->node]);
    }
}

static eagle_status watch_round(watch *w, eagle_error *err)
{
    eg_ours *ours = w->j->ours;
    const eagle_probe probe = {.see = see, .ctx = w};

    w->off = eg_alloc((size_t)w->round->n_nodes, sizeof *w->off);
    if (w->off == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %d nodes", w->round->n_nodes);
    }
    w->node = -1;
    ours->forward.pass.probe = &probe;
    eagle_status st =
        eg_ours_tree(ours, w->round, eg_claim_root(w->j->claim, w->r), &(eg_view){0}, err);

    ours->forward.pass.probe = NULL;
    if (st == EAGLE_OK) {
        locate(w);
        tell(w);
    }
    free(w->off);
    w->off = NULL;
    return st;
}

/* The line, over all runs; and the first row that is off, where nothing else was. */
static void conclude(const watch *w)
{
    eg_judge *j = w->j;
    eagle_check_line *line = eg_line(j->report, "layers");
    const eagle_check_divergence *d = &w->worst;
    char layer[24] = "";

    if (d->layer >= 0) {
        snprintf(layer, sizeof layer, "layer %d, ", d->layer);
    }
    line->n_judged += w->rows;
    line->n_different += w->off_rows;
    eg_worsen(line, EAGLE_CHECK_PASS);
    if (w->off_rows > 0) {
        /* Sharp attention multiplies errors: networks with random weights pass the bound. */
        eg_problem(
            line, w->failed > 0 ? EAGLE_CHECK_FAIL : EAGLE_CHECK_INCONCLUSIVE,
            "%s: round %d, node %d, position %d, %s%s: the row differs by %.3g of its length, "
            "rounding %s %.3g",
            j->claim->name, d->round + j->claim->first_round, d->node, d->pos, layer, d->site,
            d->error, w->failed > 0 ? "allows" : "is expected to make", d->allowed);
        line->n_failed += w->off_rows - (w->failed > 0); /* counted, whatever they are called */
    }
    eg_say(line, "%lld rows of sites, %lld off; the worst%s%s%s, by %.3g of what rounding allows",
           (long long)line->n_judged, (long long)line->n_failed, w->share > 0.0 ? ", " : "",
           w->share > 0.0 ? layer : "", w->share > 0.0 ? d->site : "", w->share);
}

eagle_status eg_judge_drift(eg_judge *j, eagle_error *err)
{
    const eagle_config *c = j->config;
    const int32_t heads = c->n_heads * c->head_dim;
    watch w = {.j = j, .widest = c->ffn_dim > c->dim ? c->ffn_dim : c->dim};
    eagle_status st = EAGLE_OK;

    w.widest = heads > w.widest ? heads : w.widest;
    w.theirs = eg_alloc((size_t)w.widest, sizeof *w.theirs);
    if (w.theirs == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a row");
    }
    for (int32_t r = 0; st == EAGLE_OK && r < j->claim->n_rounds; r++) {
        if (!eg_goes_on(j)) {
            st = eg_fail(err, EAGLE_EINCONCLUSIVE, "interrupted");
        } else if (j->claim->round[r].n_sites > 0 && j->walkable[r]) {
            w.r = r;
            w.round = &j->claim->round[r];
            st = eg_drift_make(j->drift, c->n_layers, err);
            st = st == EAGLE_OK ? watch_round(&w, err) : st;
        }
    }
    if (st == EAGLE_OK && w.rows > 0) {
        conclude(&w);
    }
    free(w.theirs);
    return st;
}
