/* SPDX-License-Identifier: MIT */
/* document.c - the JSON document of generate, and its closing line. */
#include "cli/document.h"

#include "cli/messages.h"

#include <inttypes.h>
#include <stdio.h>

json_t *eg_json_ids(const int32_t *id, int32_t n)
{
    json_t *list = json_array();

    for (int32_t i = 0; i < n; i++) {
        if (json_array_append_new(list, json_integer(id[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *result(const eg_engine *e, const eagle_generation *g, const eg_prompt *prompt,
                      const eg_text *text)
{
    char digest[65];
    json_t *words =
        e->tokenizer != NULL ? eg_json_text(text->n > 0 ? text->bytes : "", text->n) : json_null();

    eagle_generation_digest(digest, g);
    return json_pack("{s:o, s:o, s:o, s:s, s:s}", "prompt_ids", eg_json_ids(prompt->ids, prompt->n),
                     "output_ids", eg_json_ids(g->token, g->n), "text", words, "finish_reason",
                     eagle_finish_name(g->finish), "logits_digest", digest);
}

json_t *eg_json_speculation(const eagle_round_counts *c)
{
    json_t *histogram = json_array();
    json_t *rate = json_array();
    int64_t reached = c->rounds;
    int bad = 0;

    for (int32_t i = 0; i <= c->depth && c->rounds > 0; i++) {
        bad |= json_array_append_new(histogram, json_integer(c->histogram[i]));
        reached -= c->histogram[i];
        if (i < c->depth) {
            bad |= json_array_append_new(rate, json_real((double)reached / (double)c->rounds));
        }
    }
    if (bad != 0) {
        json_decref(histogram);
        json_decref(rate);
        return NULL;
    }
    return json_pack("{s:I, s:I, s:I, s:f, s:o, s:o}", "num_spec_steps", (json_int_t)c->rounds,
                     "num_draft_tokens", (json_int_t)c->drafted, "num_accepted_draft_tokens",
                     (json_int_t)c->accepted, "mean_acceptance_length", eagle_acceptance_length(c),
                     "acceptance_histogram", histogram, "accept_rate_at_depth", rate);
}

/* The decimal of fewest digits that reads back as x, as the double next to it: 0.8, not
 * 0.800000012. */
static double shortest(float x)
{
    char text[32];

    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)x);
        if (strtof(text, NULL) == x) {
            break;
        }
    }
    return strtod(text, NULL);
}

json_t *eg_json_settings(const eg_engine *e, const eg_options *opt)
{
    const eagle_sampling *s = &e->how.sampling;
    char seed[24]; /* a string: few readers of JSON keep 64 bits */
    char top_p[EAGLE_DECIMAL_TEXT];
    char min_p[EAGLE_DECIMAL_TEXT];

    snprintf(seed, sizeof seed, "%" PRIu64, opt->seed);
    return json_pack("{s:s, s:s, s:s, s:f, s:i, s:s, s:s, s:b, s:s, s:s, s:s, s:i, s:s, s:i}",
                     "version", eagle_version(), "tree", eg_engine_tree(e), "verification",
                     eagle_verify_mode_name(s->mode), "temperature", shortest(s->temperature),
                     "top_k", (int)s->top_k, "top_p", eagle_decimal_text(top_p, s->top_p), "min_p",
                     eagle_decimal_text(min_p, s->min_p), "ignore_eos", opt->ignore_eos, "seed",
                     seed, "math", e->how.math == EAGLE_MATH_EXACT ? "exact" : "fast", "contract",
                     eagle_contract(), "ctx", e->how.ctx, "isa", eg_engine_isa(&e->how), "threads",
                     eg_engine_threads(&e->how));
}

static json_t *timings(const eg_engine *e, const eagle_generation *g)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "load_s", e->load_s, "prompt_s", g->prompt_s,
                     "decode_s", g->decode_s, "prompt_tokens_per_s",
                     eg_rate(g->prompt.n, g->prompt_s), "decode_tokens_per_s",
                     eg_rate(g->n_decoded, g->decode_s));
}

eagle_status eg_document(json_t **out, const eg_engine *e, const eg_options *opt,
                         const eagle_generation *g, const eg_prompt *prompt, const eg_text *text,
                         json_t *rounds)
{
    *out = json_pack("{s:s, s:o, s:{s:o}, s:o, s:o, s:O*}", "schema", "eagle.generate/1", "result",
                     result(e, g, prompt, text), "metrics", "speculative_decoding",
                     eg_json_speculation(&g->counts), "timings", timings(e, g), "settings",
                     eg_json_settings(e, opt), "rounds", rounds);
    return *out != NULL ? EAGLE_OK : EAGLE_ENOMEM;
}

eagle_status eg_document_certified(json_t *doc, const eagle_certified *found)
{
    json_t *certified = json_pack("{s:I, s:I, s:I, s:I}", "nodes", (json_int_t)found->nodes,
                                  "refuted", (json_int_t)found->refuted, "skipped",
                                  (json_int_t)found->skipped, "runs", (json_int_t)found->runs);

    return json_object_set_new(doc, "certified", certified) == 0 ? EAGLE_OK : EAGLE_ENOMEM;
}

void eg_total_add(eg_total *total, const eagle_generation *g)
{
    total->n += g->n;
    total->n_decoded += g->n_decoded;
    total->decode_s += g->decode_s;
    total->rounds += g->counts.rounds;
    total->accepted += g->counts.accepted;
}

void eg_closing_line(const eg_engine *e, const eg_total *total, const eg_options *opt)
{
    const eagle_round_counts counts = {.rounds = total->rounds, .accepted = total->accepted};

    eg_cli_note(opt->quiet,
                "%d tokens, %.1f tokens/s, mean acceptance length %.3f, %" PRId64
                " rounds, tree %s, verification %s, math %s, seed %" PRIu64,
                total->n, eg_rate(total->n_decoded, total->decode_s),
                eagle_acceptance_length(&counts), total->rounds, eg_engine_tree(e),
                eagle_verify_mode_name(e->how.sampling.mode), eg_math_name(e->how.math), opt->seed);
}
