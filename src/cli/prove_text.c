/* SPDX-License-Identifier: MIT */
/* prove_text.c - a proof for people. */
#include "cli/messages.h"
#include "cli/prove_rule.h"
#include "cli/prove_words.h"
#include "cli/text.h"

#include <inttypes.h>
#include <string.h>

#define SHOWN 60 /* characters of a fraction; longer ones are in the JSON certificate */

/* The rules of a table are all there for their distances, those that mean to be lossy too. */
static bool is_table(const eg_prove_report *r)
{
    return r->opt->rule != NULL && strcmp(r->opt->rule, "all") == 0;
}

/* The worst of two. */
static eagle_verdict worse(eagle_verdict a, eagle_verdict b)
{
    static const int rank[] = {[EAGLE_VERDICT_PROVEN] = 0,
                               [EAGLE_VERDICT_BOUND] = 1,
                               [EAGLE_VERDICT_LOSSY] = 2,
                               [EAGLE_VERDICT_REFUTED] = 3};

    return rank[a] > rank[b] ? a : b;
}

/* Of a case's levels; with `distances`, one that is complete and LOSSY is no verdict. */
static eagle_verdict worst_level(const eg_prove_case *c, bool distances)
{
    eagle_verdict worst = EAGLE_VERDICT_PROVEN;

    if (c->proof == NULL || !distances) {
        return c->proof == NULL ? EAGLE_VERDICT_BOUND : eagle_proof_verdict(c->proof);
    }
    for (int level = 0; level < EAGLE_PROVE_LEVELS; level++) {
        const eagle_prove_result *r = eagle_proof_result(c->proof, (eagle_prove_level)level);

        if (r->asked && r->verdict != EAGLE_VERDICT_LOSSY) {
            worst = worse(worst, r->verdict);
        }
    }
    return worst;
}

const char *eg_prove_level_verdict(const eg_prove_case *c, eagle_verdict verdict)
{
    return eg_prove_rule_measured(c) && verdict != EAGLE_VERDICT_BOUND
               ? "MEASURED"
               : eagle_verdict_name(verdict);
}

const char *eg_prove_case_verdict(const eg_prove_case *c)
{
    return eg_prove_level_verdict(c, worst_level(c, eg_prove_rule_measured(c)));
}

bool eg_prove_is_bound(const eg_prove_case *c)
{
    return worst_level(c, true) == EAGLE_VERDICT_BOUND;
}

eagle_verdict eg_prove_verdict(const eg_prove_report *r)
{
    eagle_verdict worst = r->n > 0 ? EAGLE_VERDICT_PROVEN : EAGLE_VERDICT_BOUND;

    for (int32_t i = 0; i < r->n; i++) {
        const eg_prove_case *c = &r->item[i];

        worst = worse(worst, worst_level(c, is_table(r) || eg_prove_rule_measured(c)));
    }
    return worst;
}

const char *eg_prove_verdict_text(const eg_prove_report *r)
{
    const eagle_verdict v = eg_prove_verdict(r);
    const bool measured = r->n > 0 && (is_table(r) || eg_prove_rule_measured(&r->item[0]));

    return v == EAGLE_VERDICT_PROVEN && measured ? "MEASURED" : eagle_verdict_name(v);
}

/* "3/4 (0.75)"; of a long fraction the value alone. */
static void print_fraction(FILE *out, const char *fraction, double value)
{
    if (strchr(fraction, '/') == NULL) {
        fprintf(out, "%s", fraction);
    } else if (strlen(fraction) <= SHOWN) {
        fprintf(out, "%s (%.10g)", fraction, value);
    } else {
        fprintf(out, "%.10g (a fraction of %zu digits)", value, strlen(fraction) - 1);
    }
}

static void print_tokens(FILE *out, const int32_t *token, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        fprintf(out, "%s%" PRId32, i > 0 ? " " : "", token[i]);
    }
}

/* "rejection, T=0.7 top-p=0.9, top-k children, dynamic L3 K3 N7, 3 tokens" */
void eg_prove_case_text(FILE *out, const eg_prove_case *c)
{
    const eagle_sampling *s = &c->task.sampling;
    const eagle_drafter *d = c->task.drafter;
    char text[EAGLE_DECIMAL_TEXT];

    fprintf(out, "%s, T=%g", eagle_verify_mode_name(s->mode), (double)s->temperature);
    if (s->top_k > 0) {
        fprintf(out, " top-k=%" PRId32, s->top_k);
    }
    if (s->top_p.num != 1 || s->top_p.places != 0) {
        fprintf(out, " top-p=%s", eagle_decimal_text(text, s->top_p));
    }
    if (s->min_p.num != 0) {
        fprintf(out, " min-p=%s", eagle_decimal_text(text, s->min_p));
    }
    fprintf(out, ", %s", d != NULL ? eagle_drafter_describe(d) : "no drafter");
    if (c->tree.shape != NULL) {
        fprintf(out, " (%s)", c->tree.shape);
    }
    fprintf(out, ", %" PRId32 " tokens\n", c->how.length);
}

static void print_step(FILE *out, const eagle_prove_step *s)
{

    fprintf(out, "      %-8s position %" PRId32 " index %" PRId32 ": ",
            eagle_draw_purpose_name(s->key.purpose), s->key.pos, s->key.index);
    if (s->accept) {
        fprintf(out, "%s, ", s->answer != 0 ? "yes" : "no");
    } else {
        fprintf(out, "token %" PRId32 ", ", s->answer);
    }
    print_fraction(out, s->share, s->share_value);
    fprintf(out, "%s\n", s->repeated ? "  (asked before)" : "");
}

static void print_difference(FILE *out, const char *what, const eagle_prove_difference *d)
{
    fprintf(out, "    %s: after ", what);
    print_tokens(out, d->context, d->n_context);
    fprintf(out, ": ");
    print_tokens(out, d->string, d->n_string);
    fprintf(out, "\n      rounds ");
    print_fraction(out, d->got, d->got_value);
    fprintf(out, "\n      plain  ");
    print_fraction(out, d->want, d->want_value);
    fprintf(out, "\n");
}

/* What a level counted, in its own words. */
static void print_counts(FILE *out, eagle_prove_level level, const eagle_prove_result *r)
{
    switch (level) {
    case EAGLE_PROVE_PRIMITIVES:
        fprintf(out, "%" PRId64 " sums, %" PRId64 " rows of words and bits", r->strings,
                r->compared);
        break;
    case EAGLE_PROVE_NODE:
        fprintf(out, "%" PRId64 " nodes, %" PRId64 " probabilities, %" PRId64 " runs", r->strings,
                r->compared, r->runs);
        break;
    case EAGLE_PROVE_ROUND:
        fprintf(out, "%" PRId64 " contexts, %" PRId64 " strings, %" PRId64 " runs", r->contexts,
                r->strings, r->runs);
        break;
    case EAGLE_PROVE_CONTINUATION:
        fprintf(out, "%" PRId64 " texts, %" PRId64 " contexts, %" PRId64 " runs", r->strings,
                r->contexts, r->runs);
        break;
    case EAGLE_PROVE_PROGRAM:
        fprintf(out, "%" PRId64 " texts, %" PRId64 " runs, %" PRId64 " keys asked again later",
                r->strings, r->runs, r->returning);
        break;
    case EAGLE_PROVE_STATE:
        fprintf(out, "%" PRId64 " states, %" PRId64 " rows of logits, %" PRId64 " bits", r->states,
                r->rows, r->compared);
        break;
    case EAGLE_PROVE_LEVELS: break;
    }
}

static void print_level(FILE *out, const eg_prove_case *c, eagle_prove_level level,
                        const eagle_prove_result *r, bool verbose)
{
    const bool law = level != EAGLE_PROVE_PRIMITIVES && level != EAGLE_PROVE_STATE;
    const bool brief = c->verifier != NULL && !verbose;

    fprintf(out, "  %-13s %-8s ", eagle_prove_level_name(level),
            eg_prove_level_verdict(c, r->verdict));
    if (law && (r->verdict == EAGLE_VERDICT_PROVEN || r->worst != NULL)) {
        fprintf(out, r->reason != NULL ? "TV at least " : "TV ");
        print_fraction(out, r->tv, r->tv_value);
        fprintf(out, ", ");
    }
    print_counts(out, level, r);
    fprintf(out, "\n");
    if (r->reason != NULL) {
        fprintf(out, "    %s\n", r->reason);
    }
    if (r->outside > 0) {
        fprintf(out, "    %" PRId64 " strings outside the plain support, the likeliest ",
                r->outside);
        print_fraction(out, r->outside_largest, r->outside_value);
        fprintf(out, "\n");
    }
    if (eg_prove_rule_measured(c) || brief) {
        return; /* the distance is what was wanted, or words follow */
    }
    if (r->worst != NULL && law &&
        (level == EAGLE_PROVE_CONTINUATION || level == EAGLE_PROVE_PROGRAM)) {
        fprintf(out, "    TV of one token's law alone: ");
        print_fraction(out, r->marginal, r->marginal_value);
        fprintf(out, "\n");
    }
    if (r->worst != NULL) {
        print_difference(out, "worst", r->worst);
    }
    if (r->shortest != NULL) {
        print_difference(out, "shortest", r->shortest);
    }
    if (r->n_steps > 0) {
        fprintf(out, "    a run that leads there:\n");
    }
    for (int32_t i = 0; i < r->n_steps; i++) {
        print_step(out, &r->step[i]);
    }
}

static void print_proof(FILE *out, const eg_prove_case *c, bool verbose)
{
    const eagle_prompt context = eagle_proof_context(c->proof);
    int64_t outside = 0;
    int64_t repeated = 0;
    double mean = 0.0;
    const char *tokens = eagle_proof_tokens_per_round(c->proof, &mean);

    fprintf(out, "  context       ");
    print_tokens(out, context.token, context.n);
    fprintf(out, "\n");
    for (int level = 0; level < EAGLE_PROVE_LEVELS; level++) {
        const eagle_prove_result *r = eagle_proof_result(c->proof, (eagle_prove_level)level);

        if (r->asked) {
            print_level(out, c, (eagle_prove_level)level, r, verbose);
            outside += r->outside;
            repeated += r->repeated;
        }
    }
    fprintf(out, "  support       %" PRId64 " strings outside it\n", outside);
    fprintf(out, "  keys          %" PRId64 " asked twice within a round\n", repeated);
    if (tokens[0] != '\0') {
        fprintf(out, "  tokens/round  ");
        print_fraction(out, tokens, mean);
        fprintf(out, "\n");
    }
    fprintf(out, "  real softmax  within %.2g\n", eagle_proof_softmax_distance(c->proof));
    fprintf(out, "  %s\n", eg_prove_case_verdict(c));
    if (c->verifier != NULL && !eagle_verifier_rounds(c->verifier)) {
        eg_prove_words(out, c);
    }
}

/* "rule my.so: eagle_rule_node, sha256:..." */
static void print_rule(FILE *out, const eagle_verifier *v)
{
    const char *digest = eagle_verifier_digest(v);

    fprintf(out, "rule %s%s%s\n", eagle_verifier_describe(v), digest != NULL ? ", sha256:" : "",
            digest != NULL ? digest : "");
}

eagle_status eg_prove_text(eg_sink *sink, const eg_prove_report *r, eagle_error *err)
{
    FILE *out = sink->file;

    fprintf(out, "prove: %s%s%s\n", r->opt->model, r->opt->head != NULL ? " + " : "",
            r->opt->head != NULL ? r->opt->head : "");
    fprintf(out, "contract %s\nmodel sha256:%s\n", eagle_contract(), r->model_digest);
    if (r->head_digest[0] != '\0') {
        fprintf(out, "head sha256:%s\n", r->head_digest);
    }
    fprintf(out, "assumed: the words of Philox4x32-10 are independent and uniform\n");
    const bool table = is_table(r);

    if (table) {
        eg_prove_rule_table(out, r);
    }
    for (int32_t i = 0; !table && i < r->n; i++) {
        fprintf(out, "\n");
        if (r->item[i].verifier != NULL) {
            print_rule(out, r->item[i].verifier);
        }
        eg_prove_case_text(out, &r->item[i]);
        if (r->item[i].proof != NULL) {
            print_proof(out, &r->item[i], r->opt->verbose);
        } else {
            fprintf(out, "  not run\n");
        }
    }
    fprintf(out, "\nVERDICT %s\n", eg_prove_verdict_text(r));
    return eg_sink_flush(sink, err);
}
