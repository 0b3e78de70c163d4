/* SPDX-License-Identifier: MIT */
/* prove_report.h - what was proven, as text or as a certificate. */
#ifndef EG_CLI_PROVE_REPORT_H
#define EG_CLI_PROVE_REPORT_H

#include "cli/engine.h"
#include "cli/sink.h"

/* One configuration of drafting, sampling and verification. */
typedef struct {
    eg_tree_choice tree;
    eagle_verifier *verifier; /* NULL: the shipped verification */
    eagle_drafter *drafter;   /* NULL: plain decoding */
    eagle_prove_task task;
    eagle_prove_options how;
    eagle_proof *proof; /* NULL until it ran */
} eg_prove_case;

typedef struct {
    const eg_options *opt;
    const eg_engine *engine;
    const eg_prove_case *item; /* [n] */
    int32_t n;
    char model_digest[65];
    char head_digest[65]; /* "": no head */
} eg_prove_report;

/* EAGLE_EWRITE, EAGLE_ENOMEM. */
eagle_status eg_prove_text(eg_sink *sink, const eg_prove_report *r, eagle_error *err);
eagle_status eg_prove_json(eg_sink *sink, const eg_prove_report *r, eagle_error *err);

/* The worst verdict of all cases that ran. */
eagle_verdict eg_prove_verdict(const eg_prove_report *r);

/* The same as a word; and of one case, or one level of it. MEASURED: a rule in floating point,
 * whose distance is computed and says nothing of its worth. */
const char *eg_prove_verdict_text(const eg_prove_report *r);
const char *eg_prove_case_verdict(const eg_prove_case *c);
const char *eg_prove_level_verdict(const eg_prove_case *c, eagle_verdict verdict);

/* Was a part of the case not run? */
bool eg_prove_is_bound(const eg_prove_case *c);

/* One line that says what a case is: mode, law, tree. */
void eg_prove_case_text(FILE *out, const eg_prove_case *c);

#endif
