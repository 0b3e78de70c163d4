/* SPDX-License-Identifier: MIT */
/* drift.c - how far the states of the layers have come from ours, from the first layer to the last.
 *
 * Unlike operations.c this compares what has piled up, so that it works with the few sites of a trace
 * of level 3 too. It judges nothing by itself: where a row's logits are wrong it says from which
 * layer and site on the row was. */
#include "check/budget.h"
#include "check/judge.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* As SAFETY of noise.c; lengths of rows have no largest element to allow for. */
#define SAFETY 4.0

typedef struct {
    eg_judge *j;
    const eg_claim_round *round;
    int32_t r;
    float *theirs; /* [widest] */
    int32_t widest;
    /* the first site, in the order of the pass, at which each node was off */
    eagle_check_divergence *off; /* [n_nodes] */
    double last;                 /* relative error after the last layer, the largest */
    int64_t rows;
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
    return difference == 0.0 ? 0.0 : sqrt(difference / size);
}

/* See noise.c: 12 operations a layer, each with a relative error of u, add up like a random walk. */
static double may_be(const eg_judge *j, int32_t layers)
{
    const eagle_config *c = j->config;
    const double n = (double)(c->ffn_dim > c->dim ? c->ffn_dim : c->dim);

    return SAFETY * (eg_half_ulp(j->dtype) + 0x1p-24 * sqrt(n)) * sqrt((12.0 * layers + 4.0) / 3.0);
}

static void see(void *ctx, eagle_site site, int32_t layer, int32_t n_rows, int32_t dim,
                const float *data, int32_t stride)
{
    watch *w = ctx;
    const eg_judge *j = w->j;
    const eg_claim_site *recorded = eg_claim_find(w->round->site, w->round->n_sites, site, layer);
    const bool end = site == EAGLE_SITE_FEATURE;
    const double allowed = may_be(j, end ? j->config->n_layers : layer + 1);

    if (recorded == NULL || recorded->tensor->shape[1] != dim || dim > w->widest ||
        recorded->tensor->shape[0] < n_rows) {
        return;
    }
    for (int32_t i = 0; i < n_rows && i < w->round->n_nodes; i++) {
        const float *ours = data + (size_t)i * (size_t)stride;

        eg_tensor_row(w->theirs, recorded->tensor, i);
        const double error = relative(w->theirs, ours, dim);

        w->rows++;
        w->last = end && error > w->last ? error : w->last;
        if (!(error <= allowed) && !w->off[i].found) {
            w->off[i] = (eagle_check_divergence){
                .found = true, .layer = layer, .error = error, .allowed = allowed};
            snprintf(w->off[i].site, sizeof w->off[i].site, "%s", eagle_site_name(site));
        }
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

static eagle_status watch_round(watch *w, eagle_error *err)
{
    eg_ours *ours = w->j->ours;
    const eagle_probe probe = {.see = see, .ctx = w};

    w->off = eg_alloc((size_t)w->round->n_nodes, sizeof *w->off);
    if (w->off == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %d nodes", w->round->n_nodes);
    }
    ours->forward.pass.probe = &probe;
    eagle_status st =
        eg_ours_tree(ours, w->round, eg_claim_root(w->j->claim, w->r), &(eg_view){0}, err);

    ours->forward.pass.probe = NULL;
    if (st == EAGLE_OK) {
        locate(w);
    }
    free(w->off);
    w->off = NULL;
    return st;
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
        if (j->claim->round[r].n_sites > 0 && j->walkable[r]) {
            w.r = r;
            w.round = &j->claim->round[r];
            st = watch_round(&w, err);
        }
    }
    if (w.rows > 0) {
        eagle_check_line *line = eg_line(j->report, "layers");

        line->n_judged += w.rows;
        eg_worsen(line, EAGLE_CHECK_PASS);
        eg_say(line,
               "%lld rows of sites; after the last layer a row differs by %.3g of its length "
               "at most, rounding makes about %.3g",
               (long long)line->n_judged, w.last, may_be(j, c->n_layers) / SAFETY);
    }
    free(w.theirs);
    return st;
}
