/* SPDX-License-Identifier: MIT */
/* prove_rule.h - another rule than the shipped one under proof: --verifier and --rule. */
#ifndef EG_CLI_PROVE_RULE_H
#define EG_CLI_PROVE_RULE_H

#include "cli/options.h"
#include "cli/prove_matrix.h"

/* Is there one? EAGLE_EINVAL when there are two, a detail of --rule without it, no head, or a level
 * among those named that does not look at a rule. */
eagle_status eg_prove_rule_check(bool *out, const eg_options *opt, unsigned levels,
                                 eagle_error *err);

/* Rule i of the options, 0 <= i < count; --rule all has several. Loads --verifier. */
int32_t eg_prove_rule_count(const eg_options *opt);
eagle_status eg_prove_rule_open(eagle_verifier **out, const eg_options *opt, int32_t i,
                                eagle_error *err);

/* Row i of what a rule is tried on when the options do not say it, or NULL past the last one. */
const eg_prove_row *eg_prove_rule_row(const eg_options *opt, const eagle_verifier *v, int32_t i);

/* Puts the case's verifier into its task, for the calling thread. One of one's own is watched: when
 * it crashes, or does not come back, stderr says so, and the program ends with exit code 1. Levels
 * that do not look at a rule are taken out. */
void eg_prove_rule_use(eg_prove_case *c, const eg_options *opt);

/* The sampling that a rule is proven with unless --verify says otherwise: rejection. EAGLE_EINVAL
 * at temperature 0, where there is nothing to draw. */
eagle_status eg_prove_rule_mode(eagle_sampling *sampling, const eg_options *opt, eagle_error *err);

/* What is known of a case: that it is measured, which says nothing of its worth, or its verdict. */
bool eg_prove_rule_measured(const eg_prove_case *c);

/* The distances of --rule all as a table, one line for each case. */
void eg_prove_rule_table(FILE *out, const eg_prove_report *r);

#endif
