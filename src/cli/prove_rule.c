/* SPDX-License-Identifier: MIT */
/* prove_rule.c - see prove_rule.h. */
#include "cli/prove_rule.h"

#include "cli/messages.h"
#include "cli/rule_guard.h"

#include <string.h>

#define RULES   (1U << EAGLE_PROVE_NODE | 1U << EAGLE_PROVE_ROUND | 1U << EAGLE_PROVE_CONTINUATION)
#define WITHOUT (1U << EAGLE_PROVE_PRIMITIVES | 1U << EAGLE_PROVE_STATE)

/* Is there anything that a rule would decide? */
static eagle_status check_use(const eg_options *opt, unsigned levels, eagle_error *err)
{
    if (opt->head == NULL) {
        return eg_cli_fail(err, EAGLE_EINVAL,
                           "a rule needs a head: without a draft it has no child to decide on");
    }
    for (int i = 0; opt->level != NULL && i < EAGLE_PROVE_LEVELS; i++) {
        if ((levels & WITHOUT & 1U << i) != 0) {
            return eg_cli_fail(err, EAGLE_EINVAL, "--level %s: no rule plays a part in it",
                               eagle_prove_level_name((eagle_prove_level)i));
        }
    }
    return EAGLE_OK;
}

eagle_status eg_prove_rule_check(bool *out, const eg_options *opt, unsigned levels,
                                 eagle_error *err)
{
    static const int32_t details[] = {EG_OPT_RULE_BITS, EG_OPT_RULE_ACCEPT, EG_OPT_RULE_FLOAT,
                                      EG_OPT_RULE_THRESHOLD};
    const bool all = opt->rule != NULL && strcmp(opt->rule, "all") == 0;

    *out = opt->verifier != NULL || opt->rule != NULL;
    if (opt->verifier != NULL && opt->rule != NULL) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--verifier and --rule: give only one");
    }
    for (size_t i = 0; i < sizeof details / sizeof details[0]; i++) {
        if (EG_GIVEN(opt, details[i]) && (opt->rule == NULL || all)) {
            return eg_cli_fail(err, EAGLE_EINVAL, "--%s: needs --rule NAME",
                               eg_option_at(details[i])->name);
        }
    }
    return *out ? check_use(opt, levels, err) : EAGLE_OK;
}

/* ---- rules ----------------------------------------------------------------------------------- */

/* What --rule all tries: as published, and with the choices that the library below makes for it. */
static const struct {
    const char *name;
    int32_t bits; /* 0: all as published */
    bool or_equal;
    bool wide;
    double threshold; /* 0: as published */
} variants[] = {
    {"plain", 24, false, false, 0.0},
    {"plain", 24, true, false, 0.0},
    {"plain", 53, false, true, 0.0},
    {"plain", 53, true, true, 0.0},
    {"safeailab", 0, false, false, 0.0},
    {"safeailab", 53, false, true, 0.0},
    {"sglang-target-only", 0, false, false, 0.0},
    {"sglang-target-only", 24, false, false, 0.0},
    {"sglang-target-only", 53, false, true, 0.0},
    {"sglang-target-only", 0, false, false, 0.5},
    {"typical", 0, false, false, 0.0},
    {"transformers", 0, false, false, 0.0},
    {"transformers", 53, false, true, 0.0},
};

int32_t eg_prove_rule_count(const eg_options *opt)
{
    return opt->rule != NULL && strcmp(opt->rule, "all") == 0
               ? (int32_t)(sizeof variants / sizeof variants[0])
               : 1;
}

static eagle_status open_variant(eagle_verifier **out, int32_t i, eagle_error *err)
{
    eagle_float_rule rule;
    eagle_status st = eagle_float_rule_named(&rule, variants[i].name, err);

    if (st != EAGLE_OK) {
        return st;
    }
    if (variants[i].bits > 0) {
        rule.bits = variants[i].bits;
        rule.or_equal = variants[i].or_equal;
        rule.wide = variants[i].wide;
    }
    if (variants[i].threshold > 0.0) {
        rule.threshold_single = variants[i].threshold;
        rule.threshold_sum = variants[i].threshold;
    }
    return eagle_verifier_of_rule(out, &rule, err);
}

static eagle_status open_named(eagle_verifier **out, const eg_options *opt, eagle_error *err)
{
    eagle_float_rule rule;
    eagle_status st = eagle_float_rule_named(&rule, opt->rule, err);

    if (st != EAGLE_OK) {
        return st;
    }
    rule.bits = EG_GIVEN(opt, EG_OPT_RULE_BITS) ? opt->rule_bits : rule.bits;
    rule.or_equal = EG_GIVEN(opt, EG_OPT_RULE_ACCEPT) ? opt->rule_accept == 1 : rule.or_equal;
    rule.wide = EG_GIVEN(opt, EG_OPT_RULE_FLOAT) ? opt->rule_float == 1 : rule.wide;
    if (EG_GIVEN(opt, EG_OPT_RULE_THRESHOLD)) {
        if (strcmp(rule.name, "sglang-target-only") != 0) {
            return eg_cli_fail(err, EAGLE_EINVAL, "--rule-threshold: is of sglang-target-only");
        }
        rule.threshold_single = (double)opt->rule_threshold;
        rule.threshold_sum = (double)opt->rule_threshold;
    }
    return eagle_verifier_of_rule(out, &rule, err);
}

eagle_status eg_prove_rule_open(eagle_verifier **out, const eg_options *opt, int32_t i,
                                eagle_error *err)
{
    *out = NULL;
    if (opt->verifier != NULL) {
        return eagle_verifier_open(out, opt->verifier, err);
    }
    return eg_prove_rule_count(opt) > 1 ? open_variant(out, i, err) : open_named(out, opt, err);
}

/* ---- what they are tried on ------------------------------------------------------------------ */

/* Of a rule in floating point: every token possible; and some not, which are proposed
 * nevertheless. */
static const eg_prove_row float_rows[] = {
    {EAGLE_VERIFY_REJECTION, 1.0f, 0, "1", "0", false, {"0,1,0.0,0.1,1.0", 0, 0, 0}, 2, 0},
    {EAGLE_VERIFY_REJECTION, 1.0f, 2, "1", "0", false, {"5", 0, 0, 0}, 2, 0},
    {EAGLE_VERIFY_REJECTION, 0.7f, 3, "0.9", "0", false, {"0,1,2,3,0.0,0.1", 0, 0, 0}, 3, 0},
    {EAGLE_VERIFY_REJECTION, 1.0f, 3, "1", "0", true, {"0,0.0", 0, 0, 0}, 3, 0},
};

/* transformers: chains. */
static const eg_prove_row chain_rows[] = {
    {EAGLE_VERIFY_REJECTION, 1.0f, 0, "1", "0", false, {"0,0.0", 0, 0, 0}, 2, 0},
    {EAGLE_VERIFY_REJECTION, 1.0f, 3, "1", "0", true, {"0,0.0", 0, 0, 0}, 3, 0},
};

/* Of a rule of one's own, before the matrix: the smallest trees, so that what is wrong shows
 * there. */
static const eg_prove_row small_rows[] = {
    /* an unlikely child */
    {EAGLE_VERIFY_REJECTION, 1.0f, 2, "1", "0", false, {"5", 0, 0, 0}, 2, 0},
    {EAGLE_VERIFY_REJECTION, 1.0f, 0, "1", "0", false, {"0", 0, 0, 0}, 2, 0},
    {EAGLE_VERIFY_REJECTION, 1.0f, 0, "1", "0", false, {"0,1", 0, 0, 0}, 2, 0},
    {EAGLE_VERIFY_REJECTION, 1.0f, 2, "1", "0", false, {"0,1,2", 0, 0, 0}, 2, 0},
    {EAGLE_VERIFY_REJECTION, 1.0f, 3, "1", "0", true, {"0", 0, 0, 0}, 2, 0},
    {EAGLE_VERIFY_REJECTION, 1.0f, 3, "1", "0", true, {"0,1", 0, 0, 0}, 2, 0},
};
#define N_SMALL ((int32_t)(sizeof small_rows / sizeof small_rows[0]))

static const eg_prove_row *own_row(int32_t i)
{
    return i < N_SMALL ? &small_rows[i] : eg_prove_row_at(i - N_SMALL);
}

static const eg_prove_row *float_row(const eagle_verifier *v, int32_t i)
{
    const bool chain = eagle_verifier_chains(v);
    const size_t n =
        chain ? sizeof chain_rows / sizeof chain_rows[0] : sizeof float_rows / sizeof float_rows[0];

    if (i < 0 || (size_t)i >= n) {
        return NULL;
    }
    return chain ? &chain_rows[i] : &float_rows[i];
}

const eg_prove_row *eg_prove_rule_row(const eg_options *opt, const eagle_verifier *v, int32_t i)
{
    const eg_prove_row *row = NULL;
    int32_t at = 0;

    do { /* the i-th one that fits */
        row = opt->rule != NULL ? float_row(v, at++) : own_row(at++);
    } while (row != NULL && !(row->mode == EAGLE_VERIFY_REJECTION &&
                              eagle_verifier_takes(v, row->drawn) && i-- == 0));
    return row;
}

void eg_prove_rule_use(eg_prove_case *c, const eg_options *opt)
{
    eagle_verify_fn *rule = eagle_verifier_use(c->verifier);
    const bool rounds = eagle_verifier_rounds(c->verifier);

    c->task.verify = rounds ? rule : eg_rule_guard(rule, (unsigned)opt->rule_seconds);
    c->task.lossy = rounds;
    if (opt->level == NULL) {
        c->how.levels &= rounds ? RULES : RULES | 1U << EAGLE_PROVE_PROGRAM;
    }
}

eagle_status eg_prove_rule_mode(eagle_sampling *sampling, const eg_options *opt, eagle_error *err)
{
    if (sampling->temperature == 0.0f) {
        return eg_cli_fail(err, EAGLE_EINVAL,
                           "a rule is proven at a temperature above 0: give --temp");
    }
    if (!EG_GIVEN(opt, EG_OPT_VERIFY)) {
        sampling->mode = EAGLE_VERIFY_REJECTION;
    }
    return EAGLE_OK;
}

/* ---- what came out --------------------------------------------------------------------------- */

bool eg_prove_rule_measured(const eg_prove_case *c)
{
    return c->verifier != NULL && eagle_verifier_rounds(c->verifier) &&
           !eagle_verifier_lossy(c->verifier);
}

static void print_distance(FILE *out, const eg_prove_case *c, eagle_prove_level level)
{
    const eagle_prove_result *r = eagle_proof_result(c->proof, level);

    if (!r->asked) {
        fprintf(out, " %9s", "");
    } else if (strcmp(r->tv, "0") == 0) {
        fprintf(out, " %9s", "0");
    } else {
        fprintf(out, " %9.2e", r->tv_value);
    }
}

/* The likeliest token that plain sampling never emits, given its node. */
static void print_outside(FILE *out, const eg_prove_case *c)
{
    const eagle_prove_result *r = eagle_proof_result(c->proof, EAGLE_PROVE_NODE);

    if (!r->asked) {
        return;
    }
    if (strlen(r->outside_largest) <= 18) {
        fprintf(out, "  %s", r->outside_largest);
    } else {
        fprintf(out, "  %.2e", r->outside_value);
    }
}

void eg_prove_rule_table(FILE *out, const eg_prove_report *r)
{
    fprintf(out,
            "\nTotal variation distance from plain sampling, computed from exact fractions (all of "
            "them: --format json):\n");
    for (int32_t i = 0; i < r->n; i++) {
        const eg_prove_case *c = &r->item[i];

        if (i == 0 || c->tree.shape != r->item[i - 1].tree.shape ||
            c->task.sampling.top_k != r->item[i - 1].task.sampling.top_k) {
            fprintf(out, "\n");
            eg_prove_case_text(out, c);
            fprintf(out, "  %-62s %9s %9s %9s  %s\n", "", "node", "round", "text",
                    "outside the support");
        }
        fprintf(out, "  %-62s", eagle_verifier_describe(c->verifier));
        if (c->proof == NULL) {
            fprintf(out, " not run\n");
            continue;
        }
        print_distance(out, c, EAGLE_PROVE_NODE);
        print_distance(out, c, EAGLE_PROVE_ROUND);
        print_distance(out, c, EAGLE_PROVE_CONTINUATION);
        print_outside(out, c);
        fprintf(out, "%s%s\n", eagle_verifier_lossy(c->verifier) ? "  LOSSY" : "",
                eg_prove_is_bound(c) ? "  BOUND" : "");
    }
}
