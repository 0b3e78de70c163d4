/* SPDX-License-Identifier: MIT */
/* record_probe.c - which tensor a row belongs to that the probe shows.
 *
 * A feed runs the target over a chunk, then the head over the same tokens. A round runs the head
 * (the draft), the target (its score) and the head again (the refresh, in the commit). So what a
 * pass of the head is for is known by whether the target has been run. Chunks are rows of one
 * tensor: nothing depends on their size. */
#include "trace/recorder.h"

bool eg_recorder_wants(const eagle_recorder *r)
{
    const int32_t round = r->round < 0 ? 0 : r->round;

    return r->opt.level >= 2 && round >= r->opt.first_round && round < r->opt.end_round;
}

static bool wants_site(const eagle_recorder *r, eagle_site site, int32_t layer, bool head)
{
    if (!head && site == EAGLE_SITE_LOGITS) {
        return true;
    }
    const bool layered = eg_trace_layer_of(site, 0) == 0 && !head;

    return r->opt.level >= 3 && (r->opt.sites & (1u << site)) != 0 &&
           (!layered || (layer >= r->opt.first_layer && layer < r->opt.end_layer));
}

/* Keeps count of the head's passes in a draft: each ends with its logits, and the first one, of the
 * root, has nothing else. */
static void count_pass(eagle_recorder *r, eagle_site site)
{
    if (!r->in_pass) {
        r->pass++;
    }
    r->in_pass = site != EAGLE_SITE_HEAD_LOGITS;
}

/* The tensor's key and all its rows. */
static void place(eg_trace_key *key, int64_t *rows, const eagle_recorder *r, bool head)
{
    const int32_t n_prompt = r->g->prompt.n;

    key->round = r->round < 0 ? 0 : r->round;
    if (r->round < 0) {
        key->part = head ? EG_PART_PROMPT_REFRESH : EG_PART_PROMPT;
        *rows = head ? n_prompt - 1 : n_prompt;
    } else if (!head) {
        key->part = EG_PART_TARGET;
    } else if (!r->scored) {
        key->part = EG_PART_DRAFT;
        key->pass = r->pass;
    } else {
        key->part = EG_PART_REFRESH;
        *rows = eagle_session_path(r->g->session)->n;
    }
}

void eg_recorder_see(void *ctx, eagle_site site, int32_t layer, int32_t n_rows, int32_t dim,
                     const float *data, int32_t stride)
{
    eagle_recorder *r = ctx;
    const bool head = layer < 0 || site >= EAGLE_SITE_HEAD_FUSED;
    eg_recorded form = {.dtype = EAGLE_F32, .rank = 2};
    int64_t rows = n_rows;

    if (!r->active) {
        return;
    }
    if (r->round >= 0 && head && !r->scored) {
        count_pass(r, site);
    }
    r->scored = r->scored || (r->round >= 0 && !head);
    if (!eg_recorder_wants(r) || !wants_site(r, site, layer, head)) {
        return;
    }
    place(&form.key, &rows, r, head);
    form.key.layer = head ? 0 : eg_trace_layer_of(site, layer);
    form.key.item = (int32_t)site;
    form.shape[0] = rows;
    form.shape[1] = dim;
    if (stride == dim) {
        eg_recorder_add(r, &form, data, (size_t)n_rows * (size_t)dim * sizeof *data);
        return;
    }
    for (int32_t i = 0; i < n_rows; i++) {
        eg_recorder_add(r, &form, data + (size_t)i * (size_t)stride, (size_t)dim * sizeof *data);
    }
}
