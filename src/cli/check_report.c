/* SPDX-License-Identifier: MIT */
/* check_report.c - a judgement for people, and for programs. */
#include "cli/check_report.h"

#include "cli/messages.h"
#include "cli/text.h"

#include <inttypes.h>
#include <math.h>

/* ---- text ----------------------------------------------------------------------------------- */

static void print_lines(FILE *out, const eagle_check_report *report)
{
    const eagle_check_line *line;

    for (int32_t i = 0; (line = eagle_check_line_at(report, i)) != NULL; i++) {
        fprintf(out, "%-17s  %-12s  %s\n", line->name, eagle_check_verdict_name(line->verdict),
                line->text);
        if (line->detail[0] != '\0') {
            fprintf(out, "%33s%s\n", "", line->detail);
        }
    }
}

/* Are the states ours at all sites, whose number is *sites? */
static bool same_states(int32_t *sites, const eagle_check_report *report)
{
    const eagle_check_drift *d;
    bool same = true;

    for (*sites = 0; (d = eagle_check_drift_at(report, *sites)) != NULL; ++*sites) {
        same = same && d->largest == 0.0 && d->not_finite == 0;
    }
    return same;
}

/* Each site at its worst layer. Buckets of ulps are joined here; all are in the JSON document. */
static void print_drifts(FILE *out, const eagle_check_report *report)
{
    static const struct {
        const char *name;
        int32_t end; /* the first bucket that is not of it */
    } column[] = {{"0", 1},   {"1", 2},    {"2", 3},        {"3-4", 4},
                  {"5-8", 5}, {"9-16", 6}, {"17-1024", 12}, {"more", EAGLE_CHECK_ULPS}};
    const eagle_check_drift *d;
    int32_t sites;

    if (same_states(&sites, report)) {
        if (sites > 0) {
            fprintf(out, "\nstates: equal to ours at all %" PRId32 " recorded sites\n", sites);
        }
        return;
    }
    fprintf(out,
            "\nstates      layer  largest   mean      NMSE      cosine      "
            "in ulps of their type, %% of values:\n%57s",
            "");
    for (size_t c = 0; c < sizeof column / sizeof column[0]; c++) {
        fprintf(out, " %7s", column[c].name);
    }
    fprintf(out, "\n");
    for (int32_t i = 0; (d = eagle_check_drift_at(report, i)) != NULL; i++) {
        int32_t bucket = 0;

        fprintf(out, "%-10s  ", d->site);
        if (d->layer >= 0) {
            fprintf(out, "%5" PRId32, d->layer);
        } else {
            fprintf(out, "%5s", "");
        }
        fprintf(out, "  %-8.3g  %-8.3g  %-8.2g  %-10.8f", d->largest, d->mean, d->nmse,
                d->cosine_least);
        for (size_t c = 0; c < sizeof column / sizeof column[0]; c++) {
            int64_t n = 0;

            for (; bucket < column[c].end; bucket++) {
                n += d->ulps[bucket];
            }
            fprintf(out, " %7.3g", 100.0 * (double)n / (double)d->values);
        }
        if (d->not_finite > 0) {
            fprintf(out, "  %" PRId64 " no numbers", d->not_finite);
        }
        fprintf(out, "\n");
    }
}

static void print_place(FILE *out, const eagle_check_divergence *d)
{
    fprintf(out, "\nfirst divergence: run %" PRId32, d->run + 1);
    if (d->round >= 0) {
        fprintf(out, ", round %" PRId32 ", node %" PRId32, d->round, d->node);
    }
    fprintf(out, ", position %" PRId32, d->pos);
    if (d->layer >= 0) {
        fprintf(out, ", layer %" PRId32, d->layer);
    }
    if (d->site[0] != '\0') {
        fprintf(out, ", %s", d->site);
    }
    fprintf(out, "\n");
    if (d->path[0] != '\0') {
        fprintf(out, "  tokens from the root: %s\n", d->path);
    }
}

static void print_first(FILE *out, const eg_check_report *r)
{
    const eagle_check_divergence *d = eagle_check_first(r->report);
    char theirs[EG_TOKEN_TEXT];
    char ours[EG_TOKEN_TEXT];

    print_place(out, d);
    if (d->error > 0.0) {
        fprintf(out, "  difference %.4g, rounding allows %.4g", d->error, d->allowed);
        if (d->ulps > 0.0) {
            fprintf(out, " (%.3g ulps)", d->ulps);
        }
        if (isfinite(d->value)) {
            fprintf(out, "; theirs %.9g, ours %.9g", d->value, d->our_value);
        }
        fprintf(out, "\n");
    }
    if (d->token >= 0) {
        fprintf(out, "  token %s", eg_token_text(theirs, r->engine->tokenizer, d->token));
        if (d->our_token >= 0 && d->our_token != d->token) {
            fprintf(out, " in place of %s, gap %.4g",
                    eg_token_text(ours, r->engine->tokenizer, d->our_token), d->gap);
        }
        fprintf(out, "\n");
    }
}

static void print_fits(FILE *out, const eagle_check_report *report)
{
    const eagle_check_fit *fit;

    const eagle_check_fit *nearest = eagle_check_fit_at(report, 0);
    int32_t n = 0;

    while (eagle_check_fit_at(report, n) != NULL) {
        n++;
    }
    if (nearest != NULL && !nearest->fits) {
        fprintf(out, "none of %" PRId32 " explanations fits; the nearest leaves %.3g: %s\n", n,
                nearest->distance, nearest->what);
        return;
    }
    for (int32_t i = 0; i < 3 && (fit = eagle_check_fit_at(report, i)) != NULL; i++) {
        fprintf(out, "%s %s: difference %.3g%s\n",
                i == 0 ? "nearest explanation:" : "                then:", fit->what, fit->distance,
                fit->fits ? ", fits" : ", does not fit");
    }
}

eagle_status eg_check_text(eg_sink *sink, const eg_check_report *r, eagle_error *err)
{
    const char *producer = eagle_claims_producer(r->claims);
    FILE *out = sink->file;

    fprintf(out, "%s: %" PRId32 " run%s%s%s, level %" PRId32 "\n\n", r->path,
            eagle_claims_count(r->claims), eagle_claims_count(r->claims) == 1 ? "" : "s",
            producer[0] != '\0' ? " by " : "", producer, eagle_claims_level(r->claims));
    print_lines(out, r->report);
    print_drifts(out, r->report);
    if (eagle_check_first(r->report)->found) {
        print_first(out, r);
        print_fits(out, r->report);
    }
    fprintf(out, "\nverdict %s\n", eagle_check_verdict_name(eagle_check_verdict_of(r->report)));
    return eg_sink_flush(sink, err);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

/* A number, null where it is none. */
static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *lines_json(const eagle_check_report *report)
{
    const eagle_check_line *line;
    json_t *list = json_array();
    int bad = 0;

    for (int32_t i = 0; (line = eagle_check_line_at(report, i)) != NULL; i++) {
        bad |= json_array_append_new(
            list, json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s}", "name", line->name, "verdict",
                            eagle_check_verdict_name(line->verdict), "n_judged",
                            (json_int_t)line->n_judged, "n_different",
                            (json_int_t)line->n_different, "n_failed", (json_int_t)line->n_failed,
                            "text", line->text, "detail", line->detail));
    }
    if (bad != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *first_json(const eagle_check_divergence *d)
{
    if (!d->found) {
        return json_null();
    }
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:s, s:s, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "run", d->run, "round", d->round, "node", d->node, "position", d->pos, "layer",
                     d->layer, "site", d->site, "path", d->path, "token", d->token, "our_token",
                     d->our_token, "gap", number(d->gap), "difference", number(d->error), "allowed",
                     number(d->allowed), "ulps", number(d->ulps), "value", number(d->value),
                     "our_value", number(d->our_value));
}

static json_t *fits_json(const eagle_check_report *report)
{
    const eagle_check_fit *fit;
    json_t *list = json_array();
    int bad = 0;

    for (int32_t i = 0; (fit = eagle_check_fit_at(report, i)) != NULL; i++) {
        bad |= json_array_append_new(list,
                                     json_pack("{s:s, s:o, s:o, s:b}", "what", fit->what,
                                               "difference", number(fit->distance), "of_the_round",
                                               number(fit->whole), "fits", fit->fits));
    }
    if (bad != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *operations_json(const eagle_check_report *report)
{
    const eagle_check_operation *o;
    json_t *list = json_array();
    int bad = 0;

    for (int32_t i = 0; (o = eagle_check_operation_at(report, i)) != NULL; i++) {
        bad |= json_array_append_new(
            list, json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "site", o->site, "rows",
                            (json_int_t)o->rows, "values", (json_int_t)o->values, "rms",
                            number(o->rms), "error_largest", number(o->error_largest),
                            "budget_share", number(o->budget_share), "least_shift",
                            number(o->least_shift), "least_share", number(o->least_share)));
    }
    if (bad != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *drifts_json(const eagle_check_report *report)
{
    const eagle_check_drift *d;
    json_t *list = json_array();
    int bad = 0;

    for (int32_t i = 0; (d = eagle_check_drift_at(report, i)) != NULL; i++) {
        json_t *ulps = json_array();

        for (int32_t k = 0; k < EAGLE_CHECK_ULPS; k++) {
            bad |= json_array_append_new(ulps, json_integer((json_int_t)d->ulps[k]));
        }
        bad |= json_array_append_new(
            list, json_pack("{s:s, s:i, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "site", d->site,
                            "layer", d->layer, "rows", (json_int_t)d->rows, "values",
                            (json_int_t)d->values, "not_finite", (json_int_t)d->not_finite,
                            "difference_largest", number(d->largest), "difference_mean",
                            number(d->mean), "nmse", number(d->nmse), "cosine_least",
                            number(d->cosine_least), "ulps", ulps));
    }
    if (bad != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *figures_json(const eagle_check_figures *f)
{
    if (f->rows == 0) {
        return json_null();
    }
    return json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "rows", (json_int_t)f->rows,
                     "difference_median", f->noise_median, "difference_largest", f->noise_largest,
                     "nmse", f->nmse, "cosine_least", f->cosine_least, "bound_median",
                     f->bound_median, "least_shift", f->least_shift, "least_share", f->least_share);
}

static json_t *acceptance_json(const eagle_check_acceptance *a)
{
    if (a->rounds == 0) {
        return json_null();
    }
    return json_pack("{s:I, s:I, s:f, s:f, s:f, s:o, s:f, s:o, s:o}", "rounds",
                     (json_int_t)a->rounds, "left_out", (json_int_t)a->left_out, "accepted",
                     a->accepted, "expected", a->expected, "deviation", a->deviation, "z",
                     number(a->z), "p", a->p, "least_loss", number(a->least_loss), "least_gain",
                     number(a->least_gain));
}

eagle_status eg_check_json(eg_sink *sink, const eg_check_report *r, eagle_error *err)
{
    const eagle_check_report *report = r->report;
    json_t *doc = json_pack(
        "{s:s, s:{s:s, s:i, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}, s:{s:s}}", "schema",
        "eagle.check/1", "result", "verdict",
        eagle_check_verdict_name(eagle_check_verdict_of(report)), "n_runs",
        eagle_claims_count(r->claims), "level", eagle_claims_level(r->claims), "producer",
        eagle_claims_producer(r->claims), "checks", lines_json(report), "first_divergence",
        first_json(eagle_check_first(report)), "explanations", fits_json(report), "logits",
        figures_json(eagle_check_figures_of(report)), "acceptance",
        acceptance_json(eagle_check_acceptance_of(report)), "operations", operations_json(report),
        "layers", drifts_json(report), "settings", "contract", eagle_contract());

    if (doc == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the JSON document");
    }
    eagle_status st = eg_sink_json(sink, doc, err);

    json_decref(doc);
    return st;
}
