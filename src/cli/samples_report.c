/* SPDX-License-Identifier: MIT */
/* samples_report.c - a verdict on samples: a line for each test, and what it means. */
#include "cli/samples_report.h"

#include "cli/messages.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

const char *eg_verdict_name(eagle_status status)
{
    switch (status) {
    case EAGLE_OK: return "PASS";
    case EAGLE_EFAILED: return "FAIL";
    case EAGLE_EINCONCLUSIVE: return "INCONCLUSIVE";
    case EAGLE_ENEARTIE: return "NEAR-TIE";
    default: return "?";
    }
}

/* ---- text ------------------------------------------------------------------------------------ */

static eagle_status line(eg_sink *sink, eagle_error *err, const char *fmt, ...) EG_CLI_PRINTF(3, 4);

static eagle_status line(eg_sink *sink, eagle_error *err, const char *fmt, ...)
{
    char text[400];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return eg_sink_text(sink, text, err);
}

static eagle_status print_support(eg_sink *sink, const eg_samples_report *r, eagle_error *err)
{
    const eagle_samples_verdict *v = r->verdict;
    const eagle_samples_outside *o = &v->outside;
    eagle_status st = line(sink, err, "%-4s  support      %" PRId64 " tokens that the law excludes",
                           v->n_outside == 0    ? "ok"
                           : r->control != NULL ? "note"
                                                : "FAIL",
                           v->n_outside);

    if (st == EAGLE_OK && v->n_boundary > 0) {
        st = line(sink, err, ", %" PRId64 " more at its edge, within delta", v->n_boundary);
    }
    if (st == EAGLE_OK && v->n_outside + v->n_boundary > 0) {
        st = line(sink, err,
                  "; first: line %" PRId32 ", output %" PRId32 ", token %" PRId32 ", margin %.3g",
                  eagle_responses_at(r->responses, o->response)->line, o->index, o->token,
                  o->margin);
    }
    return st == EAGLE_OK ? eg_sink_text(sink, "\n", err) : st;
}

static eagle_status print_test(eg_sink *sink, const eagle_samples_test *t, eagle_error *err)
{
    char figure[64];

    if (t->df > 0.0) {
        snprintf(figure, sizeof figure, "%.2f (%.0f df)", t->statistic, t->df);
    } else {
        snprintf(figure, sizeof figure, "%.4f", t->statistic);
    }
    return line(sink, err, "%-4s  %-11s  %-17s p %-9.2g of %-8.2g  %s\n", t->failed ? "FAIL" : "ok",
                t->name, figure, t->p, t->alpha, t->what);
}

/* What a pass does not say. At temperature 0 there is nothing: every token was compared. */
static eagle_status print_limits(eg_sink *sink, const eg_samples_report *r, eagle_error *err)
{
    if (r->opt->temperature == 0.0f) {
        return EAGLE_OK;
    }
    return line(sink, err,
                "not excluded: what cancels between contexts or lies inside a bin of u%s\n",
                r->verdict->rest > 0.0 ? ", or in the unlisted rest" : "");
}

static eagle_status print_power(eg_sink *sink, const eg_samples_report *r, eagle_error *err)
{
    const eagle_samples_verdict *v = r->verdict;
    const eg_samples_options *o = &r->opt->samples;
    const char *what = r->opt->temperature > 0.0f ? "a bias of u by TV" : "other tokens: a share";

    if (v->status == EAGLE_OK || v->status == EAGLE_ENEARTIE) {
        eagle_status st = line(sink, err, "%s > %.4g %% excluded with power %.4f at alpha %g\n",
                               what, 100.0 * o->tv, v->power, o->alpha);

        return st == EAGLE_OK ? print_limits(sink, r, err) : st;
    }
    if (v->status != EAGLE_EINCONCLUSIVE) {
        return EAGLE_OK;
    }
    if (v->rest > o->tv) {
        return line(
            sink, err,
            "the lists leave more unnamed than the %.4g %% that are to be excluded, however "
            "many tokens: ask the backend for longer ones\n",
            100.0 * o->tv);
    }
    if (v->needed == INT64_MAX) {
        return line(sink, err,
                    "a bias of %.4g %% cannot be told from delta %.4g %%, however many tokens\n",
                    100.0 * o->tv, 100.0 * o->delta);
    }
    return line(sink, err,
                "%s > %.4g %% would be found with power %.4f; power %g takes %" PRId64
                " tokens; these exclude %.4g %%\n",
                what, 100.0 * o->tv, v->power, o->power, v->needed, 100.0 * v->found);
}

eagle_status eg_samples_text(eg_sink *sink, const eg_samples_report *r, eagle_error *err)
{
    const eagle_samples_verdict *v = r->verdict;
    eagle_status st =
        line(sink, err,
             "%" PRId64 " tokens of %" PRId32 " continuations at %" PRId64 " contexts, %" PRId64
             " of them shared; null: the law of the %s\n",
             v->n_tokens, eagle_responses_count(r->responses), v->n_contexts, v->n_shared,
             r->opt->samples.null == EAGLE_NULL_MODEL ? "model" : "sampler");

    if (st == EAGLE_OK && r->control != NULL) {
        st = line(sink, err, "beside a control of %" PRId32 " continuations\n",
                  eagle_responses_count(r->control));
    }
    if (st == EAGLE_OK && r->interrupted) {
        st = line(sink, err, "interrupted: the rest was not judged\n");
    }
    if (st == EAGLE_OK && r->opt->samples.null == EAGLE_NULL_SAMPLER) {
        st = line(sink, err, "unlisted rest: %.4g %% of the law on average, one outcome\n",
                  100.0 * v->rest);
    }
    st = st == EAGLE_OK ? print_support(sink, r, err) : st;
    for (int32_t i = 0; st == EAGLE_OK && i < v->n_test; i++) {
        st = print_test(sink, &v->test[i], err);
    }
    if (st == EAGLE_OK && v->diagnosis[0] != '\0') {
        st = line(sink, err, "explained by: %s\n", v->diagnosis);
    }
    st = st == EAGLE_OK ? print_power(sink, r, err) : st;
    return st == EAGLE_OK ? line(sink, err, "VERDICT %s\n", eg_verdict_name(v->status)) : st;
}

/* ---- document -------------------------------------------------------------------------------- */

static json_t *test_json(const eagle_samples_test *t)
{
    return json_pack("{s:s, s:s, s:f, s:o, s:f, s:f, s:I, s:b}", "test", t->name, "of", t->what,
                     "statistic", t->statistic, "df", t->df > 0.0 ? json_real(t->df) : json_null(),
                     "p", t->p, "alpha", t->alpha, "n", (json_int_t)t->n, "failed", t->failed);
}

static json_t *outside_json(const eg_samples_report *r)
{
    const eagle_samples_verdict *v = r->verdict;
    const eagle_samples_outside *o = &v->outside;

    if (v->n_outside + v->n_boundary == 0) {
        return json_null();
    }
    return json_pack("{s:i, s:i, s:i, s:i, s:f}", "line",
                     eagle_responses_at(r->responses, o->response)->line, "continuation",
                     o->response, "output", o->index, "token", o->token, "margin", o->margin);
}

static json_t *settings_json(const eg_samples_report *r)
{
    const eg_options *opt = r->opt;
    const eg_samples_options *o = &opt->samples;
    char seed[24];

    snprintf(seed, sizeof seed, "%" PRIu64, opt->seed);
    return json_pack("{s:f, s:i, s:f, s:f, s:s, s:b, s:b, s:f, s:f, s:f, s:f, s:s, s:s}",
                     "temperature", (double)opt->temperature, "top_k", opt->top_k, "top_p",
                     eagle_decimal_value(opt->top_p), "min_p", eagle_decimal_value(opt->min_p),
                     "null", o->null == EAGLE_NULL_MODEL ? "model" : "sampler", "processed",
                     o->processed, "control", r->control != NULL, "delta", o->delta, "alpha",
                     o->alpha, "tv", o->tv, "power", o->power, "seed", seed, "contract",
                     eagle_contract());
}

eagle_status eg_samples_json(eg_sink *sink, const eg_samples_report *r, eagle_error *err)
{
    const eagle_samples_verdict *v = r->verdict;
    json_t *tests = json_array();
    json_t *doc = NULL;
    eagle_status st = EAGLE_OK;
    int bad = 0;

    for (int32_t i = 0; i < v->n_test; i++) {
        bad |= json_array_append_new(tests, test_json(&v->test[i]));
    }
    doc = json_pack(
        "{s:s, s:{s:s, s:b, s:I, s:i, s:I, s:I, s:I, s:I, s:o, s:o, s:s, s:f, s:f, s:f, s:o}, "
        "s:o}",
        "schema", "eagle.check-samples/1", "result", "verdict", eg_verdict_name(v->status),
        "interrupted", r->interrupted, "n_tokens", (json_int_t)v->n_tokens, "n_continuations",
        eagle_responses_count(r->responses), "n_contexts", (json_int_t)v->n_contexts,
        "n_shared_contexts", (json_int_t)v->n_shared, "n_outside", (json_int_t)v->n_outside,
        "n_boundary", (json_int_t)v->n_boundary, "outside", outside_json(r), "tests", tests,
        "diagnosis", v->diagnosis, "power", v->power, "excluded_tv_of_u", v->found, "unlisted_rest",
        v->rest, "tokens_needed",
        v->needed == INT64_MAX ? json_null() : json_integer((json_int_t)v->needed), "settings",
        settings_json(r));
    if (doc == NULL || bad != 0) {
        json_decref(doc);
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the JSON document");
    }
    st = eg_sink_json(sink, doc, err);
    json_decref(doc);
    return st;
}
