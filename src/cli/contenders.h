/* SPDX-License-Identifier: MIT */
/* contenders.h - what one evaluation compares: each of its heads with each of its trees. */
#ifndef EG_CLI_CONTENDERS_H
#define EG_CLI_CONTENDERS_H

#include "cli/engine.h"

typedef struct {
    const char *head; /* its directory                                     */
    const char *tree; /* as it was given, or as the drafter describes it   */
    eagle_drafter *drafter;
} eg_contender;

/* Contender h x n_trees + t has head h, that of -H or that of --against, and tree t. */
typedef struct {
    eg_contender *item; /* [n] */
    int32_t n;
    int32_t n_trees;
    eagle_head *against; /* NULL: there is one head */
    char *names;         /* of the trees            */
} eg_contenders;

/* Makes the drafters of --trees, or of --spec-tree and its like, for the engine's head and that of
 * --against. EAGLE_EINVAL names the tree that cannot be understood. Free with eg_contenders_free(),
 * also after a failure, and before the engine. */
eagle_status eg_contenders_open(eg_contenders *out, const eg_engine *e, const eg_options *opt,
                                eagle_error *err);
void eg_contenders_free(eg_contenders *c);

#endif
