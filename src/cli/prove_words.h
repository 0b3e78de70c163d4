/* SPDX-License-Identifier: MIT */
/* prove_words.h - a refutation in plain words. */
#ifndef EG_CLI_PROVE_WORDS_H
#define EG_CLI_PROVE_WORDS_H

#include "cli/prove_report.h"

/* The shortest difference of the first level that has one: what should come how often, what does,
 * and how it comes about. Nothing when there is none. */
void eg_prove_words(FILE *out, const eg_prove_case *c);

#endif
