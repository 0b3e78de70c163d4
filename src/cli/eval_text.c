/* SPDX-License-Identifier: MIT */
/* eval_text.c - an evaluation as tables: figures, depths, prompts, one head against the other. */
#include "cli/eval_report.h"

#include <inttypes.h>
#include <string.h>

static void print_title(FILE *out, const eg_eval_report *r)
{
    const eagle_evaluation *e = r->e;
    const int32_t n = eagle_evaluation_count(e);
    int64_t tokens = 0;

    for (int32_t i = 0; i < n; i++) {
        tokens += eagle_evaluation_at(e, 0, i)->n_output;
    }
    fprintf(out, "%" PRId32, n);
    if (n < r->n_asked) {
        fprintf(out, " of %" PRId32, r->n_asked);
    }
    fprintf(out, " prompts, %" PRId64 " tokens, verification %s", tokens,
            eagle_verify_mode_name(r->engine->how.sampling.mode));
    if (r->opt->temperature > 0.0f) {
        fprintf(out, ", temperature %g", (double)r->opt->temperature);
    }
    fprintf(out, ", math %s, seed %" PRIu64 "\n", eg_math_name(r->engine->how.math), r->opt->seed);
    if (!r->opt->no_plain) {
        fprintf(out, "plain decoding %.1f tokens/s\n", eg_eval_rate(e, 0, true));
        if (!eagle_evaluation_judged(e)) {
            fprintf(out, "rejection draws other tokens than plain decoding, by the same law: "
                         "equality is not judged\n");
        }
    }
}

/* Columns that the widest tree takes. */
static int tree_width(const eg_eval_report *r)
{
    size_t widest = 0;

    for (int32_t i = 0; i < r->contenders->n; i++) {
        const size_t size = strlen(r->contenders->item[i].tree);

        widest = size > widest ? size : widest;
    }
    return (int)widest;
}

/* "1  dynamic L5 K4 N7" */
static void print_tree(FILE *out, const eg_eval_report *r, int32_t d)
{
    fprintf(out, "%2" PRId32 "  %-*s", d + 1, tree_width(r), r->contenders->item[d].tree);
}

/* "4.282 [3.936 .. 4.740]" */
static void print_interval(FILE *out, eagle_interval i)
{
    fprintf(out, "  %7.3f [%.3f .. %.3f]", i.mean, i.low, i.high);
}

/* How the output compares with plain decoding. */
static void print_equality(FILE *out, const eg_eval_report *r, int32_t d)
{
    const int32_t differ = eagle_evaluation_differences(r->e, d);

    if (!eagle_evaluation_judged(r->e)) {
        return;
    }
    if (differ == 0) {
        fprintf(out, "  identical");
    } else {
        fprintf(out, "  DIFFERENT on %" PRId32 " prompts", differ);
    }
}

static eagle_status print_figures(FILE *out, const eg_eval_report *r, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    for (int32_t d = 0; st == EAGLE_OK && d < r->contenders->n; d++) {
        eagle_interval tau = {0};
        eagle_interval speedup = {0};

        st = eagle_evaluation_acceptance(&tau, r->e, d, err);
        if (st == EAGLE_OK) {
            st = eagle_evaluation_speedup(&speedup, r->e, d, err);
        }
        if (d % r->contenders->n_trees == 0) {
            fprintf(out, "\nhead %s\n%*s  acceptance length          tokens/s%s\n",
                    r->contenders->item[d].head, tree_width(r) + 4, "",
                    r->opt->no_plain ? "" : "  times plain");
        }
        print_tree(out, r, d);
        print_interval(out, tau);
        fprintf(out, "  %9.1f", eg_eval_rate(r->e, d, false));
        if (!r->opt->no_plain) {
            print_interval(out, speedup);
        }
        print_equality(out, r, d);
        fprintf(out, "\n");
    }
    return st;
}

/* Where the tree has a depth that was never asked for, there is nothing to say. */
static void print_depths(FILE *out, const eg_eval_report *r)
{
    fprintf(out, "\naccepted at depth 1, 2, ... of the rounds that asked for a child there\n");
    for (int32_t d = 0; d < r->contenders->n; d++) {
        const eagle_round_counts *counts = eagle_evaluation_counts(r->e, d);

        print_tree(out, r, d);
        for (int32_t depth = 1; depth <= counts->depth; depth++) {
            int64_t reached = 0;
            int64_t accepted = 0;

            eagle_counts_at_depth(&reached, &accepted, counts, depth);
            if (reached > 0) {
                fprintf(out, "  %.3f", (double)accepted / (double)reached);
            }
        }
        fprintf(out, "\n");
    }
}

static double tau_of(const eagle_evaluated_prompt *p)
{
    return eagle_acceptance_length(
        &(eagle_round_counts){.rounds = p->rounds, .accepted = p->accepted});
}

static void print_prompts(FILE *out, const eg_eval_report *r)
{
    fprintf(out, "\nacceptance length by prompt\nprompt  tokens");
    for (int32_t d = 0; d < r->contenders->n; d++) {
        fprintf(out, "  %6" PRId32, d + 1);
    }
    for (int32_t i = 0; i < eagle_evaluation_count(r->e); i++) {
        fprintf(out, "\n%6" PRId32 "  %6" PRId32, i + 1, eagle_evaluation_at(r->e, 0, i)->n_output);
        for (int32_t d = 0; d < r->contenders->n; d++) {
            const eagle_evaluated_prompt *p = eagle_evaluation_at(r->e, d, i);

            fprintf(out, "  %6.3f", tau_of(p));
            if (!p->equal) {
                fprintf(out, " differs from token %" PRId32, p->first_difference + 1);
            }
        }
    }
    fprintf(out, "\n");
}

/* The first head less the second, tree by tree. */
static eagle_status print_differences(FILE *out, const eg_eval_report *r, eagle_error *err)
{
    const eg_contenders *c = r->contenders;
    eagle_status st = EAGLE_OK;

    fprintf(out, "\nacceptance length of the first head less that of the second, same prompts\n");
    for (int32_t t = 0; st == EAGLE_OK && t < c->n_trees; t++) {
        eagle_interval less = {0};

        st = eagle_evaluation_difference(&less, r->e, t, c->n_trees + t, err);
        print_tree(out, r, t);
        fprintf(out, "  %+.3f [%+.3f .. %+.3f]  %s\n", less.mean, less.low, less.high,
                less.low > 0.0    ? "the first is higher"
                : less.high < 0.0 ? "the second is higher"
                                  : "these prompts do not tell them apart");
    }
    return st;
}

eagle_status eg_eval_text(eg_sink *sink, const eg_eval_report *r, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    print_title(sink->file, r);
    st = print_figures(sink->file, r, err);
    if (st == EAGLE_OK && r->contenders->n > r->contenders->n_trees) {
        st = print_differences(sink->file, r, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    print_depths(sink->file, r);
    print_prompts(sink->file, r);
    return eg_sink_flush(sink, err);
}
