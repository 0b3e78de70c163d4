/* SPDX-License-Identifier: MIT */
/* prove_matrix.h - what `eagle prove` runs when it is told nothing else: modes, children, trees and
 * temperatures, all small enough to be run through on a network of some 16 tokens. */
#ifndef EG_CLI_PROVE_MATRIX_H
#define EG_CLI_PROVE_MATRIX_H

#include "cli/prove_report.h"

typedef struct {
    eagle_verify_mode mode;
    float temperature;
    int32_t top_k;
    const char *top_p;
    const char *min_p;
    bool drawn;
    eg_tree_choice tree;    /* shape: rank paths, "0,1,0.0" */
    int32_t length;         /* of texts */
    int32_t program_length; /* 0: no program */
} eg_prove_row;

/* Row i, or NULL past the last one. */
const eg_prove_row *eg_prove_row_at(int32_t i);

/* A drafter of the row's tree. */
eagle_status eg_prove_drafter(eagle_drafter **out, const eg_prove_row *row, const eagle_head *head,
                              eagle_error *err);

#endif
