/* SPDX-License-Identifier: MIT */
/* claim.c - whether a claim can be judged at all, and where its tokens were decided. */
#include "check/claim.h"

#include "base/error.h"
#include "kernels/kernels.h"

#include <stdlib.h>

#define MAX_POSITIONS (1 << 24) /* as of a session */

void eg_tensor_row(float *out, const eagle_tensor *tensor, int64_t row)
{
    const size_t dim = (size_t)tensor->shape[1];
    const char *data = tensor->data;

    eg_widen(out, data + (size_t)row * dim * eagle_dtype_size(tensor->dtype), tensor->dtype, dim);
}

const eg_claim_site *eg_claim_find(const eg_claim_site *site, int32_t n, eagle_site which,
                                   int32_t layer)
{
    for (int32_t i = 0; i < n; i++) {
        if (site[i].site == which && site[i].layer == layer) {
            return &site[i];
        }
    }
    return NULL;
}

void eg_claim_free(eg_claim *claim)
{
    if (claim != NULL) {
        eg_arena_free(&claim->arena);
    }
    free(claim);
}

/* ---- can it be judged? ----------------------------------------------------------------- */

static bool in_range(int32_t value, int32_t low, int32_t end)
{
    return value >= low && value < end;
}

static eagle_status check_sizes(const eg_claim *c, const eagle_config *config, eagle_error *err)
{
    if (c->vocab != 0 && c->vocab != config->vocab) {
        return eg_fail(err, EAGLE_EFIT, "%s: a vocabulary of %d, the target has %d", c->name,
                       c->vocab, config->vocab);
    }
    if ((c->dim != 0 && c->dim != config->dim) ||
        (c->layers != 0 && c->layers != config->n_layers)) {
        return eg_fail(err, EAGLE_EFIT, "%s: %d layers of width %d, the target has %d of width %d",
                       c->name, c->layers, c->dim, config->n_layers, config->dim);
    }
    if (c->n_prompt < 1 || c->n < c->n_prompt) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: a prompt of %d tokens, %d in all", c->name,
                       c->n_prompt, c->n);
    }
    if (c->n > MAX_POSITIONS) {
        return eg_fail(err, EAGLE_ELIMIT, "%s: %d tokens, at most %d have positions", c->name, c->n,
                       MAX_POSITIONS);
    }
    for (int32_t i = 0; i < c->n; i++) {
        if (!in_range(c->token[i], 0, config->vocab)) {
            return eg_fail(err, EAGLE_EFIT, "%s: token %d at position %d, the vocabulary has %d",
                           c->name, c->token[i], i, config->vocab);
        }
    }
    return EAGLE_OK;
}

static eagle_status check_round(const eg_claim *c, int32_t r, int32_t vocab, eagle_error *err)
{
    const eg_claim_round *round = &c->round[r];

    if (!in_range(round->n_nodes, 1, EAGLE_MAX_NODES + 2) ||
        !in_range(round->n_verify, 1, round->n_nodes + 1) ||
        !in_range(round->n_path, 1, round->n_nodes + 1)) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: round %d has %d nodes, %d to be walked, a path of %d", c->name, r,
                       round->n_nodes, round->n_verify, round->n_path);
    }
    if (round->n_draws > 16 * round->n_nodes + 64) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: round %d: %d draws for %d nodes", c->name, r,
                       round->n_draws, round->n_nodes);
    }
    for (int32_t i = 0; i < round->n_nodes; i++) {
        if (!in_range(round->token[i], 0, vocab) ||
            !in_range(round->parent[i], -1, round->n_nodes)) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: round %d, node %d: token %d of %d, parent %d of %d nodes", c->name,
                           r, i, round->token[i], vocab, round->parent[i], round->n_nodes);
        }
    }
    for (int32_t i = 0; i < round->n_path; i++) {
        if (!in_range(round->path_token[i], 0, vocab) ||
            !in_range(round->path_node[i], -1, round->n_nodes) ||
            !in_range(round->path_row[i], 0, round->n_nodes)) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: round %d, entry %d of the path: token %d, node %d, row %d", c->name,
                           r, i, round->path_token[i], round->path_node[i], round->path_row[i]);
        }
    }
    return EAGLE_OK;
}

eagle_status eg_claim_check(const eg_claim *claim, const eagle_config *config, eagle_error *err)
{
    eagle_status st = check_sizes(claim, config, err);
    const int64_t n_top = (int64_t)claim->n_top * (claim->n - claim->n_prompt);

    for (int64_t i = 0; st == EAGLE_OK && i < n_top; i++) {
        if (!in_range(claim->top_token[i], -1, config->vocab)) {
            st = eg_fail(err, EAGLE_EFIT, "%s: token %d among the most likely, of %d", claim->name,
                         claim->top_token[i], config->vocab);
        }
    }
    for (int32_t r = 0; st == EAGLE_OK && r < claim->n_rounds; r++) {
        st = check_round(claim, r, config->vocab, err);
    }
    return st;
}

/* ---- places ---------------------------------------------------------------------------- */

int32_t eg_claim_root(const eg_claim *claim, int32_t r)
{
    const int32_t first = claim->round[r].first;

    return first >= 1 && first <= claim->n ? first - 1 : claim->n;
}

bool eg_claim_place(eg_place *out, const eg_claim *claim, int32_t pos)
{
    int32_t low = 0;
    int32_t high = claim->n_rounds; /* rounds are in order of their positions */

    while (low < high) {
        const int32_t r = low + (high - low) / 2;
        const eg_claim_round *round = &claim->round[r];

        if (pos < round->first) {
            high = r;
        } else if ((int64_t)pos - round->first >= round->n_path) {
            low = r + 1;
        } else {
            *out = (eg_place){.round = r, .step = pos - round->first};
            return true;
        }
    }
    return false;
}
