/* SPDX-License-Identifier: MIT */
/* digests.c - a trace that has digests of its tensors in place of their values.
 *
 * A digest tells one thing: whether all bits are ours. Where they are, the tensor passes, and with
 * all operations' tensors all operations; where they are not, nothing is known but that, and
 * whatever needs values is inconclusive. */
#include "check/judge.h"

#include "base/alloc.h"
#include "trace/trace_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    eg_judge *j;
    const eg_claim_site *digest; /* [n] of the pass at work             */
    int32_t n;
    int32_t round;     /* -1: the prompt's                    */
    int32_t rows;      /* of the pass, which may come in parts */
    eagle_sha256 *sha; /* [n] of ours                       */
    int32_t *seen;     /* [n] rows that are in it              */
} digesting;

static void see(void *ctx, eagle_site site, int32_t layer, int32_t n_rows, int32_t dim,
                const float *data, int32_t stride)
{
    digesting *g = ctx;

    for (int32_t i = 0; i < g->n; i++) {
        const int32_t left = g->rows - g->seen[i];
        const int32_t n = n_rows < left ? n_rows : left;

        if (g->digest[i].site != site ||
            (eg_site_of_a_layer(site) && g->digest[i].layer != layer)) {
            continue;
        }
        if (g->seen[i] == 0) {
            const int64_t shape[2] = {g->rows, dim};

            eg_trace_digest_begin(&g->sha[i], EAGLE_F32, 2, shape);
        }
        for (int32_t k = 0; k < n; k++) {
            eagle_sha256_update(&g->sha[i], data + (size_t)k * (size_t)stride,
                                (size_t)dim * sizeof *data);
        }
        g->seen[i] += n;
    }
}

/* Compares what was seen; keeps count, and the first that differs. */
static void compare(const digesting *g)
{
    eg_judge *j = g->j;
    eg_digests *kept = &j->report->digests;

    for (int32_t i = 0; i < g->n; i++) {
        const eg_claim_site *site = &g->digest[i];
        const bool logits = site->site == EAGLE_SITE_LOGITS;
        unsigned char ours[EG_DIGEST_BYTES];

        if (g->seen[i] != g->rows) {
            continue; /* a site that our passes do not show */
        }
        eg_trace_digest_end(ours, &g->sha[i]);
        const bool same = memcmp(ours, site->tensor->data, EG_DIGEST_BYTES) == 0;

        kept->n[logits]++;
        kept->same[logits] += same;
        kept->sites |= g->round >= 0 ? 1u << site->site : 0;
        if (!same && kept->first[logits][0] == '\0') {
            char where[40] = "the prompt";
            char layer[24] = "";

            if (g->round >= 0) {
                snprintf(where, sizeof where, "round %d", g->round + j->claim->first_round);
            }
            if (eg_site_of_a_layer(site->site)) {
                snprintf(layer, sizeof layer, ", layer %d", site->layer);
            }
            snprintf(kept->first[logits], sizeof kept->first[logits], "%.80s: %s%s, %s",
                     j->claim->name, where, layer, eagle_site_name(site->site));
        }
    }
}

static bool go_on(void *ctx, int32_t pos, const float *logits)
{
    (void)pos;
    (void)logits;
    return eg_goes_on(ctx);
}

/* One pass: the prompt's, with all tokens after it, or a round's. */
static eagle_status digest_pass(digesting *g, eagle_error *err)
{
    const eagle_probe probe = {.see = see, .ctx = g};
    const eg_claim *c = g->j->claim;
    eg_ours *ours = g->j->ours;
    eagle_status st = EAGLE_OK;

    g->sha = eg_alloc((size_t)g->n, sizeof *g->sha);
    g->seen = eg_alloc((size_t)g->n, sizeof *g->seen);
    if (g->sha == NULL || g->seen == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory for %d digests", g->n);
    } else {
        ours->forward.pass.probe = &probe;
        st = g->round < 0 ? eg_ours_feed(ours, c, c->n, go_on, g->j, err)
                          : eg_ours_tree(ours, &c->round[g->round], eg_claim_root(c, g->round),
                                         &(eg_view){0}, err);
        ours->forward.pass.probe = NULL;
    }
    if (st == EAGLE_OK) {
        compare(g);
    }
    free(g->seen);
    free(g->sha);
    return st;
}

eagle_status eg_judge_digests(eg_judge *j, eagle_error *err)
{
    const eg_claim *c = j->claim;
    eagle_status st = EAGLE_OK;

    if (!c->digest) {
        return EAGLE_OK;
    }
    j->report->digests.any = true;
    if (c->n_digests > 0) {
        st = digest_pass(
            &(digesting){
                .j = j, .digest = c->digests, .n = c->n_digests, .round = -1, .rows = c->n_prompt},
            err);
    }
    for (int32_t r = 0; st == EAGLE_OK && r < c->n_rounds; r++) {
        const eg_claim_round *round = &c->round[r];

        if (!eg_goes_on(j)) {
            return eg_fail(err, EAGLE_EINCONCLUSIVE, "interrupted");
        }
        if (round->n_digests > 0 && j->walkable[r]) {
            st = digest_pass(&(digesting){.j = j,
                                          .digest = round->digests,
                                          .n = round->n_digests,
                                          .round = r,
                                          .rows = round->n_nodes},
                             err);
        }
    }
    return st;
}

/* ---- the lines ------------------------------------------------------------------------------- */

/* Equal in every bit, or it is not known by how much they differ. */
static void conclude(eagle_check_report *report, const char *name, int64_t n, int64_t same,
                     const char *first)
{
    if (n == 0) {
        return;
    }
    eagle_check_line *line = eg_line(report, name);

    line->n_judged += n;
    line->n_different += n - same;
    eg_say(line, "digests only: %lld tensors, %lld equal to ours in every bit", (long long)n,
           (long long)same);
    eg_worsen(line, EAGLE_CHECK_PASS);
    if (same < n) {
        eg_problem(line, EAGLE_CHECK_INCONCLUSIVE,
                   "%s: the digest is not ours: bits differ, by how much takes the values: a trace "
                   "without --digest",
                   first);
    }
}

bool eg_digests_same_logits(const eagle_check_report *report)
{
    return report->digests.n[1] > 0 && report->digests.same[1] == report->digests.n[1];
}

void eg_digests_report(eagle_check_report *report)
{
    static const char *const needs[][2] = {
        {"draws", "digests only: questions and answers are not there"},
        {"logits", "digests only, and none of logits"},
        {"decisions", "digests only: to replay them takes logits and draws"},
        {"operations", "digests only: to compute one again takes its input"},
        {"draft", "digests only: to compare scores takes the scores"},
    };
    /* Each operation's result, as operations.c has them. */
    static const uint32_t all = (1u << (EAGLE_SITE_LOGITS + 1)) - 1u - (1u << EAGLE_SITE_LAYER_IN);
    const eg_digests *d = &report->digests;

    if (!d->any) {
        return;
    }
    conclude(report, "logits", d->n[1], d->same[1], d->first[1]);
    conclude(report, "layers", d->n[0], d->same[0], d->first[0]);
    if ((d->sites & all) == all) {
        conclude(report, "operations", d->n[0] + d->n[1], d->same[0] + d->same[1],
                 d->first[0][0] != '\0' ? d->first[0] : d->first[1]);
    }
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        eagle_check_line *line = eg_line(report, needs[i][0]);

        if (line->text[0] == '\0') {
            eg_say(line, "%s", needs[i][1]);
        }
    }
}
