/* SPDX-License-Identifier: MIT */
/* eval_json.c - an evaluation as the document "eagle.eval/1", in vLLM's names where it has one. */
#include "cli/document.h"
#include "cli/eval_report.h"
#include "cli/generation.h"
#include "cli/messages.h"

double eg_eval_rate(const eagle_evaluation *e, int32_t d, bool plain)
{
    double tokens = 0.0;
    double seconds = 0.0;

    for (int32_t i = 0; i < eagle_evaluation_count(e); i++) {
        const eagle_evaluated_prompt *p = eagle_evaluation_at(e, d, i);

        /* The prompt's passes give the first token. */
        tokens += (plain ? p->n_plain : p->n_output) - 1;
        seconds += plain ? p->plain_s : p->spec_s;
    }
    return eg_rate(tokens, seconds);
}

static json_t *interval_json(eagle_interval i)
{
    return json_pack("{s:f, s:f, s:f}", "mean", i.mean, "low", i.low, "high", i.high);
}

/* Equal to plain decoding, different, or null where that is not judged. */
static json_t *judgement(const eagle_evaluation *e, bool equal)
{
    return eagle_evaluation_judged(e) ? json_boolean(equal) : json_null();
}

static json_t *prompt_json(const eg_eval_report *r, int32_t d, int32_t i)
{
    const eagle_evaluated_prompt *p = eagle_evaluation_at(r->e, d, i);
    const eagle_round_counts counts = {.rounds = p->rounds, .accepted = p->accepted};

    return json_pack(
        "{s:i, s:I, s:I, s:I, s:f, s:o, s:o, s:f, s:o}", "n_output", p->n_output, "num_spec_steps",
        (json_int_t)p->rounds, "num_draft_tokens", (json_int_t)p->drafted,
        "num_accepted_draft_tokens", (json_int_t)p->accepted, "mean_acceptance_length",
        eagle_acceptance_length(&counts), "identical", judgement(r->e, p->equal),
        "first_difference", p->equal ? json_null() : json_integer(p->first_difference), "decode_s",
        p->spec_s, "plain_decode_s", r->opt->no_plain ? json_null() : json_real(p->plain_s));
}

/* Of the rounds that asked for a child at depth 1, 2, ... the share that accepted one. */
static json_t *depths_json(const eagle_round_counts *counts)
{
    json_t *list = json_array();
    int bad = 0;

    for (int32_t d = 1; d <= counts->depth; d++) {
        int64_t reached = 0;
        int64_t accepted = 0;

        eagle_counts_at_depth(&reached, &accepted, counts, d);
        bad |= json_array_append_new(
            list, reached > 0 ? json_real((double)accepted / (double)reached) : json_null());
    }
    if (bad != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static eagle_status drafter_json(json_t **out, const eg_eval_report *r, int32_t d, eagle_error *err)
{
    const eg_contender *it = &r->contenders->item[d];
    const eagle_round_counts *counts = eagle_evaluation_counts(r->e, d);
    json_t *prompts = NULL;
    eagle_interval tau = {0};
    eagle_interval speedup = {0};
    eagle_status st = eagle_evaluation_acceptance(&tau, r->e, d, err);
    int bad = 0;

    *out = NULL;
    if (st == EAGLE_OK) {
        st = eagle_evaluation_speedup(&speedup, r->e, d, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    prompts = json_array();
    for (int32_t i = 0; i < eagle_evaluation_count(r->e); i++) {
        bad |= json_array_append_new(prompts, prompt_json(r, d, i));
    }
    *out = json_pack(
        "{s:s, s:s, s:o, s:{s:o, s:o, s:o}, s:{s:f, s:o, s:o}, s:o}", "head", it->head, "tree",
        it->tree, "identical", judgement(r->e, eagle_evaluation_differences(r->e, d) == 0),
        "metrics", "speculative_decoding", eg_json_speculation(counts),
        "mean_acceptance_length_interval", interval_json(tau), "accept_rate_where_asked",
        depths_json(counts), "timings", "decode_tokens_per_s", eg_eval_rate(r->e, d, false),
        "plain_tokens_per_s",
        r->opt->no_plain ? json_null() : json_real(eg_eval_rate(r->e, d, true)), "speedup",
        r->opt->no_plain ? json_null() : interval_json(speedup), "prompts", prompts);
    if (*out == NULL || bad != 0) {
        json_decref(*out);
        *out = NULL;
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the JSON document");
    }
    return EAGLE_OK;
}

/* Tree by tree, the head of -H less that of --against. */
static eagle_status difference_json(json_t **out, const eg_eval_report *r, int32_t t,
                                    eagle_error *err)
{
    const eg_contenders *c = r->contenders;
    eagle_interval less = {0};
    eagle_status st = eagle_evaluation_difference(&less, r->e, t, c->n_trees + t, err);

    *out = NULL;
    if (st == EAGLE_OK) {
        *out = json_pack("{s:s, s:s, s:s, s:o}", "tree", c->item[t].tree, "head", c->item[t].head,
                         "less", c->item[c->n_trees + t].head, "mean_acceptance_length",
                         interval_json(less));
    }
    return st;
}

typedef eagle_status item_json(json_t **out, const eg_eval_report *r, int32_t i, eagle_error *err);

static eagle_status list_json(json_t **out, item_json *item, int32_t n, const eg_eval_report *r,
                              eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    *out = json_array();
    for (int32_t i = 0; st == EAGLE_OK && i < n; i++) {
        json_t *one = NULL;

        st = item(&one, r, i, err);
        if (st == EAGLE_OK && json_array_append_new(*out, one) != 0) {
            st = eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the JSON document");
        }
    }
    return st;
}

eagle_status eg_eval_json(eg_sink *sink, const eg_eval_report *r, eagle_error *err)
{
    const eg_contenders *c = r->contenders;
    const int32_t n = eagle_evaluation_count(r->e);
    json_t *drafters = NULL;
    json_t *differences = NULL;
    json_t *settings = NULL;
    json_t *doc = NULL;
    eagle_status st = list_json(&drafters, drafter_json, c->n, r, err);

    if (st == EAGLE_OK) {
        st = list_json(&differences, difference_json, c->n - c->n_trees, r, err);
    }
    if (st == EAGLE_OK) {
        settings = eg_json_settings(r->engine, r->opt);
        json_object_del(settings, "tree"); /* each drafter has its own */
        doc =
            json_pack("{s:s, s:{s:i, s:i, s:b, s:O, s:O}, s:O}", "schema", "eagle.eval/1", "result",
                      "n_prompts", n, "n_asked", r->n_asked, "interrupted", n < r->n_asked,
                      "drafters", drafters, "differences", differences, "settings", settings);
        st = doc != NULL ? eg_sink_json(sink, doc, err)
                         : eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the JSON document");
    }
    json_decref(doc);
    json_decref(settings);
    json_decref(differences);
    json_decref(drafters);
    return st;
}
