/* SPDX-License-Identifier: MIT */
/* contenders.c - heads times trees. */
#include "cli/contenders.h"

#include "cli/messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "L,K,N", three numbers above zero; false for anything else. */
static bool is_dynamic(eg_tree_choice *out, const char *text)
{
    int end = 0;

    return strspn(text, "0123456789,") == strlen(text) &&
           sscanf(text, "%9d,%9d,%9d%n", &out->depth, &out->topk, &out->nodes, &end) == 3 &&
           text[end] == '\0';
}

static eagle_status create(eg_contenders *c, const eg_engine *e, const eg_options *opt,
                           const eg_tree_choice *tree, int32_t t, eagle_error *err)
{
    const eagle_head *heads[] = {e->head, c->against};
    const char *dirs[] = {opt->head, opt->against};
    eagle_status st = EAGLE_OK;

    for (int32_t h = 0; st == EAGLE_OK && h < 2 && heads[h] != NULL; h++) {
        eg_contender *it = &c->item[h * c->n_trees + t];

        st = eg_tree_drafter(&it->drafter, heads[h], tree, opt->children == EG_CHILDREN_DRAWN, err);
        if (st == EAGLE_OK) {
            it->head = dirs[h];
            it->tree = tree->shape != NULL ? tree->shape : eagle_drafter_describe(it->drafter);
            c->n++;
        }
    }
    return st;
}

/* The trees of --trees, cut apart at the semicolons. */
static eagle_status create_list(eg_contenders *c, const eg_engine *e, const eg_options *opt,
                                eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    char *at = c->names;

    for (int32_t t = 0; st == EAGLE_OK && t < c->n_trees; t++) {
        char *name = at;
        eg_tree_choice tree = {0};

        at += strcspn(at, ";");
        if (t + 1 < c->n_trees) {
            *at++ = '\0';
        }
        if (name[0] == '\0') {
            return eg_cli_fail(err, EAGLE_EINVAL, "--trees %s: tree %d is empty", opt->trees,
                               t + 1);
        }
        if (!is_dynamic(&tree, name)) {
            tree.shape = name;
        }
        st = create(c, e, opt, &tree, t, err);
    }
    return st;
}

eagle_status eg_contenders_open(eg_contenders *out, const eg_engine *e, const eg_options *opt,
                                eagle_error *err)
{
    const eg_tree_choice one = eg_tree_of(opt);
    const char *list = opt->trees != NULL ? opt->trees : "";
    eagle_status st = EAGLE_OK;

    *out = (eg_contenders){.n_trees = 1, .names = malloc(strlen(list) + 1)};
    for (const char *c = list; *c != '\0'; c++) {
        out->n_trees += *c == ';';
    }
    out->item = calloc(2 * (size_t)out->n_trees, sizeof *out->item);
    if (out->names == NULL || out->item == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for %d trees", out->n_trees);
    }
    strcpy(out->names, list);
    if (opt->against != NULL) {
        st = eagle_head_open(&out->against, e->model, opt->against, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    return opt->trees != NULL ? create_list(out, e, opt, err) : create(out, e, opt, &one, 0, err);
}

void eg_contenders_free(eg_contenders *c)
{
    for (int32_t i = 0; c->item != NULL && i < 2 * c->n_trees; i++) {
        eagle_drafter_free(c->item[i].drafter);
    }
    free(c->item);
    free(c->names);
    eagle_head_free(c->against);
    *c = (eg_contenders){0};
}
