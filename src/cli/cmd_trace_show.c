/* SPDX-License-Identifier: MIT */
/* cmd_trace_show.c - a trace as text: what it is of, then each round as a tree. */
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/text.h"
#include "cli/trace_view.h"

#include <inttypes.h>
#include <math.h>

/* What is being printed, and how it went. */
typedef struct {
    eg_trace_viewer viewer;
    eg_sink sink;
} job;

/* ---- what it is of ------------------------------------------------------------------------- */

/* "" of a manifest in words. */
static const char *said(char out[EG_FOREIGN_TEXT], const char *text)
{
    return eg_foreign_text(out, text[0] != '\0' ? text : "unknown");
}

static eagle_status print_header(job *j, eagle_error *err)
{
    const eagle_trace_manifest *m = eagle_trace_info(j->viewer.trace);
    const eagle_trace_tokens *s = eagle_trace_sequence(j->viewer.trace);
    char t[12][EG_FOREIGN_TEXT];
    char text[2000];

    snprintf(text, sizeof text,
             "trace of %s %s, level %d%s, vocabulary %d, contract %s, dtype %s\n"
             "sampling: temperature %s, top-k %d, top-p %s, min-p %s, verification %s, seed %s\n"
             "drafting: tree %s, children %s\n"
             "%d round%s, %d token%s after a prompt of %d, finish: %s\n",
             said(t[0], m->producer), eg_foreign_text(t[1], m->producer_version), m->level,
             m->digest ? ", digests" : "", m->vocab, said(t[2], m->contract), said(t[3], m->dtype),
             said(t[4], m->temperature), m->top_k, said(t[5], m->top_p), said(t[6], m->min_p),
             said(t[7], m->verify), said(t[8], m->seed),
             eg_foreign_text(t[9], m->tree[0] != '\0' ? m->tree : "none"),
             eg_foreign_text(t[10], m->children[0] != '\0' ? m->children : "none"), m->rounds,
             m->rounds == 1 ? "" : "s", s->n - s->n_prompt, s->n - s->n_prompt == 1 ? "" : "s",
             s->n_prompt, said(t[11], m->finish));
    return eg_sink_text(&j->sink, text, err);
}

/* ---- tokens, where there are no trees ------------------------------------------------------ */

static const char *source_name(int32_t source)
{
    return source == EAGLE_TRACE_UNKNOWN ? "unknown"
           : source == EAGLE_TRACE_PROMPT
               ? "prompt"
               : eagle_source_name((eagle_source)(source - EAGLE_TRACE_ACCEPTED));
}

static eagle_status print_tokens(job *j, eagle_error *err)
{
    const eagle_trace_tokens *s = eagle_trace_sequence(j->viewer.trace);
    eagle_status st = EAGLE_OK;

    for (int32_t i = 0; st == EAGLE_OK && i < s->n; i++) {
        const int32_t output = i - s->n_prompt;
        char token[EG_TOKEN_TEXT];
        char round[32] = "";
        char logprob[32] = "";
        char line[300];

        if (output >= 0 && s->round != NULL) {
            snprintf(round, sizeof round, "  round %d", s->round[i]);
        }
        if (output >= 0 && s->logprob != NULL) {
            snprintf(logprob, sizeof logprob, "  %.4f", (double)s->logprob[output]);
        }
        snprintf(line, sizeof line, "%5d  %-8s%s%s  %s\n", i, source_name(s->source[i]), round,
                 logprob, eg_token_text(token, j->viewer.tokenizer, s->token[i]));
        st = eg_sink_text(&j->sink, line, err);
    }
    return st;
}

/* ---- draws --------------------------------------------------------------------------------- */

static double real_of(const eagle_wide *w)
{
    double x = 0.0;

    for (int i = 4; i >= 0; i--) {
        x = ldexp(x, 64) + (double)w->limb[i];
    }
    return x;
}

static eagle_status print_draw(job *j, const eagle_trace_draws *d, int32_t i, eagle_error *err)
{
    char answer[EG_TOKEN_TEXT + 16];
    char share[48] = "";
    char coin[48] = "";
    char token[EG_TOKEN_TEXT];
    char line[400];

    if (d->kind[i] == 0) {
        snprintf(answer, sizeof answer, "picked %s",
                 eg_token_text(token, j->viewer.tokenizer, d->answer[i]));
    } else {
        snprintf(answer, sizeof answer, "%s", d->answer[i] != 0 ? "yes" : "no");
    }
    if (d->num != NULL) {
        const double den = real_of(&d->den[i]);

        snprintf(share, sizeof share, ", probability %.6f",
                 den > 0.0 ? real_of(&d->num[i]) / den : NAN);
    }
    if (d->coin != NULL) {
        snprintf(coin, sizeof coin, ", coin %.6f", d->coin[i]);
    }
    snprintf(line, sizeof line, "  draw %-8s position %d, index %d: %s%s%s\n",
             eagle_draw_purpose_name((eagle_draw_purpose)d->purpose[i]), d->pos[i], d->index[i],
             answer, share, coin);
    return eg_sink_text(&j->sink, line, err);
}

/* ---- rounds -------------------------------------------------------------------------------- */

static eagle_status print_round(job *j, int32_t r, eagle_error *err)
{
    const eagle_trace_round *round = eagle_trace_round_at(j->viewer.trace, r);
    eg_round_view view;
    char token[EG_TOKEN_TEXT];
    char line[200];
    eagle_status st = eg_trace_viewer_round(&view, &j->viewer, r, err);

    if (st != EAGLE_OK) {
        return st;
    }
    snprintf(line, sizeof line, "round %d%s: root %s at position %d, %d drafted\n", r,
             r == 0 ? ", of the prompt" : "",
             eg_token_text(token, j->viewer.tokenizer, view.tree->token[0]), view.tree->pos,
             view.tree->n_verify - 1);
    st = eg_sink_text(&j->sink, line, err);
    st = st == EAGLE_OK ? eg_round_print_tree(&view, &j->sink, err) : st;
    for (int32_t i = 0; st == EAGLE_OK && i < round->draws.n; i++) {
        st = print_draw(j, &round->draws, i, err);
    }
    st = st == EAGLE_OK ? eg_round_print_emitted(&view, &j->sink, err) : st;
    if (st == EAGLE_OK && round->n_taken < round->n_path) {
        snprintf(line, sizeof line, "  of which the output ends with the first %d\n",
                 round->n_taken);
        st = eg_sink_text(&j->sink, line, err);
    }
    return st;
}

static eagle_status show(job *j, const eg_options *opt, eagle_error *err)
{
    const eagle_trace_manifest *m = eagle_trace_info(j->viewer.trace);
    const bool given = EG_GIVEN(opt, EG_OPT_TRACE_ROUNDS);
    const int32_t first = given ? opt->trace.rounds.min : m->first_round;
    const int32_t end = given ? opt->trace.rounds.max + 1 : m->end_round;
    eagle_status st = print_header(j, err);

    if (st == EAGLE_OK && m->level < 2 && !given) {
        return print_tokens(j, err);
    }
    for (int32_t r = first; st == EAGLE_OK && r < end; r++) {
        st = print_round(j, r, err);
    }
    return st;
}

eagle_status eg_cmd_trace_show(const eg_options *opt, eagle_error *err)
{
    job j = {0};
    eagle_status st = eg_trace_viewer_open(&j.viewer, opt, err);

    st = st == EAGLE_OK ? eg_sink_open(&j.sink, NULL, err) : st;
    st = st == EAGLE_OK ? show(&j, opt, err) : st;
    st = st == EAGLE_OK ? eg_sink_commit(&j.sink, err) : st;
    eg_sink_close(&j.sink);
    eg_trace_viewer_close(&j.viewer);
    return st;
}
