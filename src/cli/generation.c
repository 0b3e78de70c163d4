/* SPDX-License-Identifier: MIT */
/* generation.c - one prompt's continuation, shown as it grows. */
#include "cli/generation.h"

#include "cli/signals.h"

double eg_rate(double n, double seconds)
{
    return n > 0.0 && seconds > 0.0 ? n / seconds : 0.0;
}

/* What one run passes around. */
typedef struct {
    eagle_generation *g;
    eg_listener *to;
} run;

/* Takes the round's tokens up to the end of the output. An end token has no text of its own, unless
 * the text is its ids. */
static eagle_status take(run *r, eagle_error *err)
{
    eagle_generation *g = r->g;
    const eagle_tree *tree = eagle_session_tree(g->session);
    eagle_status st = EAGLE_OK;

    while (st == EAGLE_OK && eagle_generation_take(g)) {
        const int32_t node = g->path->node[g->taken - 1];

        if (g->finish != EAGLE_FINISH_STOP || r->to->text->stream == NULL) {
            st = eg_text_push(r->to->text, g->token[g->n - 1], node > 0 ? tree->depth[node] : 0,
                              err);
        }
        if (r->to->text->stopped) {
            g->finish = EAGLE_FINISH_STOP;
        }
    }
    return st;
}

/* Shows the text so far; how far it is, where nobody sees it grow. */
static eagle_status show(run *r, bool all, eagle_error *err)
{
    eg_sink *sink = r->to->sink;
    eagle_status st = EAGLE_OK;

    if (sink == NULL || !sink->terminal) {
        eg_progress_update(r->to->progress, "token", r->g->n, r->g->cap);
    } else {
        eg_progress_clear(r->to->progress);
    }
    if (sink != NULL) {
        st = eg_text_show(r->to->text, sink, r->to->mark, all, err);
    }
    return st == EAGLE_OK && sink != NULL ? eg_sink_flush(sink, err) : st;
}

/* A chunk of the prompt, or a round with all that is said of it. */
static eagle_status next(run *r, eagle_error *err)
{
    eagle_generation *g = r->g;
    const bool prompt = g->n_fed < g->prompt.n;
    eagle_status st = eagle_generation_next(g, err);

    if (st != EAGLE_OK || prompt) {
        eg_progress_update(r->to->progress, "prompt", g->n_fed, g->prompt.n);
        return st;
    }
    if (r->to->explain != NULL) {
        eg_progress_clear(r->to->progress);
        st = eg_explain_round(r->to->explain, g->session, g->path, g->first, err);
    }
    if (st == EAGLE_OK && r->to->certifier != NULL) {
        st = eagle_certify_round(
            r->to->certifier, eagle_session_tree(g->session), eagle_session_rows(g->session),
            g->path, eagle_session_sampling(g->session), eagle_session_draws(g->session), err);
    }
    if (st == EAGLE_OK) {
        st = take(r, err);
    }
    return st == EAGLE_OK ? show(r, false, err) : st;
}

eagle_status eg_generation_run(eagle_generation *out, eg_engine *e, const eg_options *opt,
                               const eg_prompt *prompt, eg_listener *listener, eagle_error *err)
{
    run r = {.g = out, .to = listener};
    const eagle_prompt ids = {.token = prompt->ids, .n = prompt->n};
    eagle_status st =
        eagle_generation_start(out, e->session, &ids, opt->max_tokens, opt->ignore_eos, err);

    while (st == EAGLE_OK && out->finish == EAGLE_FINISH_NOT_YET) {
        if (eg_signals_caught() != 0) {
            out->finish = EAGLE_FINISH_INTERRUPTED;
        } else {
            st = next(&r, err);
        }
    }
    if (st == EAGLE_OK) {
        st = eg_text_finish(listener->text, err);
    }
    return st == EAGLE_OK ? show(&r, true, err) : st;
}
