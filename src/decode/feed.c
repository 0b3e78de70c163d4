/* SPDX-License-Identifier: MIT */
/* feed.c - tokens that are given: feed, rewind, and the hash of the state. */
#include "base/error.h"
#include "decode/state.h"

#include <string.h>

/* Rows [begin, end) of the sequence: each attends to all before it. The last n_logits of them want
 * logits. */
static int32_t set_up(eagle_session *s, int32_t begin, int32_t end, int32_t n_logits)
{
    for (int32_t i = begin; i < end; i++) {
        s->row[i - begin] = (eg_row){
            .token = s->token[i], .pos = i, .n_run = i + 1, .wants_logits = i >= end - n_logits};
    }
    return end - begin;
}

eagle_status eg_session_check_row(const eagle_session *s, int32_t i, int32_t pos, eagle_error *err)
{
    const int32_t fault = s->forward.pass.fault[i];
    char text[EG_FAULT_TEXT];

    if (fault == 0) {
        return EAGLE_OK;
    }
    return eg_fail(err, EAGLE_ENUMERIC, "position %d: a NaN or an infinity in %s", pos,
                   eg_fault_text(text, fault, s->model->target.config.n_layers));
}

/* Tells the drafter of the pairs (token i + 1, feature i) that are new: the pending feature with
 * the first new token, then the rows of this pass but the last. */
static eagle_status tell(eagle_session *s, bool pending, int32_t begin, int32_t end,
                         eagle_error *err)
{
    const bool fast = s->opt.math == EAGLE_MATH_FAST;
    eagle_status st = EAGLE_OK;

    if (s->drafting == NULL || s->drafts->observe == NULL) {
        return EAGLE_OK;
    }
    if (pending) {
        st = s->drafts->observe(s->drafting, s->token + begin, s->pending, 1, fast, err);
    }
    if (st == EAGLE_OK && end - begin > 1) {
        st = s->drafts->observe(s->drafting, s->token + begin + 1, s->forward.feature,
                                end - begin - 1, fast, err);
    }
    if (st != EAGLE_OK) {
        eg_session_forget(s, s->n_token);
    }
    return st;
}

static eagle_status check_tokens(const eagle_session *s, const int32_t *token, int32_t n,
                                 bool wants_rows, eagle_error *err)
{
    const int32_t vocab = s->model->target.config.vocab;

    if (n < 1 || n > s->opt.chunk) {
        return eg_fail(err, EAGLE_EINVAL, "%d tokens in one feed: needs 1..%d", n, s->opt.chunk);
    }
    if (wants_rows && n > s->opt.max_nodes) {
        return eg_fail(err, EAGLE_EINVAL, "logits of %d rows: the session has room for %d", n,
                       s->opt.max_nodes);
    }
    if (n > s->opt.ctx - s->n_token) {
        return eg_fail(err, EAGLE_ELIMIT, "%d tokens do not fit into a context of %d",
                       s->n_token + n, s->opt.ctx);
    }
    for (int32_t i = 0; i < n; i++) {
        if (token[i] < 0 || token[i] >= vocab) {
            return eg_fail(err, EAGLE_EINVAL, "token %d at position %d: the vocabulary has %d",
                           token[i], s->n_token + i, vocab);
        }
    }
    return EAGLE_OK;
}

eagle_status eagle_session_feed(eagle_rows *rows, eagle_session *s, const int32_t *token, int32_t n,
                                eagle_error *err)
{
    const size_t dim = (size_t)s->model->target.config.dim;
    const bool pending = eg_session_pending(s);
    const int32_t begin = s->n_kv;
    const int32_t end = s->n_token + n;
    eagle_status st = check_tokens(s, token, n, rows != NULL, err);

    if (st != EAGLE_OK) {
        return st;
    }
    memcpy(s->token + s->n_token, token, (size_t)n * sizeof *token);
    s->scored = NULL;
    s->rows = (eagle_rows){0};
    const int32_t n_rows = set_up(s, begin, end, rows != NULL ? n : 0);

    st = eg_forward_run(&s->forward, s->row, n_rows, s->opt.math == EAGLE_MATH_FAST, err);
    for (int32_t i = 0; st == EAGLE_OK && i < n_rows; i++) { /* all of them are committed */
        st = eg_session_check_row(s, i, begin + i, err);
    }
    if (st == EAGLE_OK) {
        st = tell(s, pending, begin, end, err);
    }
    if (st != EAGLE_OK) {
        return st; /* n_token and n_kv have not moved: nothing was appended */
    }
    s->n_token = end;
    s->n_kv = end;
    memcpy(s->pending, s->forward.feature + (size_t)(n_rows - 1) * dim, dim * sizeof(float));
    if (rows != NULL) {
        *rows = (eagle_rows){.n = n,
                             .vocab = s->model->target.config.vocab,
                             .dim = (int32_t)dim,
                             .logits = s->forward.pass.logits,
                             .features = s->forward.feature + (size_t)(n_rows - n) * dim,
                             .fault = s->forward.pass.fault + (n_rows - n),
                             .n_layers = s->model->target.config.n_layers};
    }
    return EAGLE_OK;
}

eagle_status eagle_session_rewind(eagle_session *s, int32_t n, eagle_error *err)
{
    if (n < 0 || n > s->n_token) {
        return eg_fail(err, EAGLE_EINVAL, "rewind to %d of %d tokens", n, s->n_token);
    }
    s->scored = NULL;
    s->rows = (eagle_rows){0};
    if (n == s->n_token) {
        return EAGLE_OK; /* nothing to forget */
    }
    s->n_token = n;
    s->n_kv = n > 0 ? n - 1 : 0; /* the last token becomes the root */
    eg_session_forget(s, n);
    return EAGLE_OK;
}

void eagle_session_hash(char hex[65], const eagle_session *s)
{
    eagle_sha256 sha;

    eagle_sha256_init(&sha);
    for (int32_t i = 0; i < s->n_token; i++) {
        const uint32_t t = (uint32_t)s->token[i];
        const unsigned char bytes[4] = {(unsigned char)t, (unsigned char)(t >> 8),
                                        (unsigned char)(t >> 16), (unsigned char)(t >> 24)};

        eagle_sha256_update(&sha, bytes, sizeof bytes);
    }
    eg_kvcache_hash(&sha, &s->forward.kv, s->n_kv);
    if (eg_session_pending(s)) {
        eagle_sha256_floats(&sha, s->pending, (size_t)s->model->target.config.dim);
    }
    if (s->drafting != NULL && s->drafts->hash != NULL) {
        s->drafts->hash(&sha, s->drafting);
    }
    eagle_sha256_hex(hex, &sha);
}
