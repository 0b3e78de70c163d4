/* SPDX-License-Identifier: MIT */
/* prove_json.c - the certificate "eagle.prove/1": the same bytes on every machine, so that it has
 * neither times nor names of machines. Fractions are strings. */
#include "cli/document.h"
#include "cli/messages.h"
#include "cli/prove_report.h"

#include <stdlib.h>

static json_t *fraction_json(const char *fraction, double value)
{
    return json_pack("{s:s, s:f}", "fraction", fraction, "value", value);
}

static json_t *difference_json(const eagle_prove_difference *d)
{
    return d == NULL
               ? json_null()
               : json_pack("{s:o, s:o, s:o, s:o}", "context", eg_json_ids(d->context, d->n_context),
                           "string", eg_json_ids(d->string, d->n_string), "rounds",
                           fraction_json(d->got, d->got_value), "plain",
                           fraction_json(d->want, d->want_value));
}

static json_t *step_json(const eagle_prove_step *s)
{
    return json_pack("{s:s, s:i, s:i, s:o, s:b, s:o}", "purpose",
                     eagle_draw_purpose_name(s->key.purpose), "position", s->key.pos, "index",
                     s->key.index, "answer",
                     s->accept ? json_boolean(s->answer) : json_integer(s->answer), "asked_before",
                     s->repeated, "share", fraction_json(s->share, s->share_value));
}

static json_t *steps_json(const eagle_prove_result *r)
{
    json_t *list = json_array();
    int bad = 0;

    for (int32_t i = 0; i < r->n_steps; i++) {
        bad |= json_array_append_new(list, step_json(&r->step[i]));
    }
    if (bad != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *result_json(const eg_prove_case *c, const eagle_prove_result *r)
{
    return json_pack(
        "{s:s, s:s?, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:o, s:o, s:o, s:o, "
        "s:o, s:o}",
        "verdict", eg_prove_level_verdict(c, r->verdict), "reason", r->reason, "counts", "runs",
        (json_int_t)r->runs, "contexts", (json_int_t)r->contexts, "trees", (json_int_t)r->trees,
        "strings", (json_int_t)r->strings, "compared", (json_int_t)r->compared, "rows",
        (json_int_t)r->rows, "states", (json_int_t)r->states, "outside_support",
        (json_int_t)r->outside, "keys_asked_twice_in_a_round", (json_int_t)r->repeated,
        "keys_asked_again_later", (json_int_t)r->returning, "total_variation",
        fraction_json(r->tv, r->tv_value), "total_variation_of_one_token",
        fraction_json(r->marginal, r->marginal_value), "largest_outside_support",
        fraction_json(r->outside_largest, r->outside_value), "worst", difference_json(r->worst),
        "shortest", difference_json(r->shortest), "run", steps_json(r));
}

static json_t *levels_json(const eg_prove_case *c)
{
    json_t *levels = json_object();
    int bad = 0;

    for (int level = 0; level < EAGLE_PROVE_LEVELS; level++) {
        const eagle_prove_result *r = eagle_proof_result(c->proof, (eagle_prove_level)level);

        if (r->asked) {
            bad |= json_object_set_new(levels, eagle_prove_level_name((eagle_prove_level)level),
                                       result_json(c, r));
        }
    }
    if (bad != 0) {
        json_decref(levels);
        return NULL;
    }
    return levels;
}

static json_t *sampling_json(const eagle_sampling *s)
{
    char temperature[32];
    char top_p[EAGLE_DECIMAL_TEXT];
    char min_p[EAGLE_DECIMAL_TEXT];

    /* As it was written: a few digits, where they are the float. */
    snprintf(temperature, sizeof temperature, "%g", (double)s->temperature);
    if (strtof(temperature, NULL) != s->temperature) {
        snprintf(temperature, sizeof temperature, "%.9g", (double)s->temperature);
    }
    return json_pack("{s:s, s:s, s:i, s:s, s:s}", "verification", eagle_verify_mode_name(s->mode),
                     "temperature", temperature, "top_k", s->top_k, "top_p",
                     eagle_decimal_text(top_p, s->top_p), "min_p",
                     eagle_decimal_text(min_p, s->min_p));
}

static json_t *case_json(const eg_prove_case *c)
{
    const eagle_drafter *d = c->task.drafter;
    json_t *doc = json_pack(
        "{s:s?, s:s?, s:o, s:s?, s:s?, s:b, s:i, s:i, s:I, s:b}", "rule",
        c->verifier != NULL ? eagle_verifier_describe(c->verifier) : NULL, "rule_sha256",
        c->verifier != NULL ? eagle_verifier_digest(c->verifier) : NULL, "sampling",
        sampling_json(&c->task.sampling), "tree", d != NULL ? eagle_drafter_describe(d) : NULL,
        "shape", c->tree.shape, "drawn_children", d != NULL && eagle_drafter_drawn(d), "length",
        c->how.length, "program_length",
        c->how.program_length > 0 ? c->how.program_length : c->how.length, "limit",
        (json_int_t)c->how.limit, "ignore_end", c->task.ignore_end);

    if (doc == NULL || c->proof == NULL) {
        return doc;
    }
    const eagle_prompt context = eagle_proof_context(c->proof);
    double mean = 0.0;
    const char *tokens = eagle_proof_tokens_per_round(c->proof, &mean);
    json_t *found = json_pack(
        "{s:o, s:o, s:o, s:f, s:s}", "context", eg_json_ids(context.token, context.n), "levels",
        levels_json(c), "tokens_per_round",
        tokens[0] != '\0' ? fraction_json(tokens, mean) : json_null(), "distance_to_real_softmax",
        eagle_proof_softmax_distance(c->proof), "verdict", eg_prove_case_verdict(c));

    if (found == NULL || json_object_update(doc, found) != 0) {
        json_decref(doc);
        doc = NULL;
    }
    json_decref(found);
    return doc;
}

eagle_status eg_prove_json(eg_sink *sink, const eg_prove_report *r, eagle_error *err)
{
    json_t *proofs = json_array();
    int bad = 0;

    for (int32_t i = 0; i < r->n; i++) {
        bad |= json_array_append_new(proofs, case_json(&r->item[i]));
    }
    json_t *doc =
        json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s, s:O, s:s}", "schema", "eagle.prove/1", "version",
                  eagle_version(), "contract", eagle_contract(), "model_sha256", r->model_digest,
                  "head_sha256", r->head_digest[0] != '\0' ? r->head_digest : NULL, "assumption",
                  "the words of Philox4x32-10 are independent and uniform", "proofs", proofs,
                  "verdict", eg_prove_verdict_text(r));
    eagle_status st = doc != NULL && bad == 0
                          ? eg_sink_json(sink, doc, err)
                          : eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the JSON document");

    json_decref(doc);
    json_decref(proofs);
    return st;
}
