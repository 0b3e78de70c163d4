/* SPDX-License-Identifier: MIT */
/* verifier.c - see eagle/verifier.h. */
#include "eagle/verifier.h"

#include "base/alloc.h"
#include "base/error.h"
#include "eagle/runtime.h"
#include "prove/float_walk.h"
#include "sample/law.h"
#include "verify/walk.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct eagle_verifier {
    void *object; /* NULL: a rule in floating point */
    eagle_verify_fn *walk;
    eagle_node_rule_fn *node;
    eagle_drawn_rule_fn *drawn;
    eg_float_rule rule;
    char *description;
    char digest[65]; /* of the object; "": none */
};

/* An eagle_verify_fn has no place for a context. */
static _Thread_local const eagle_verifier *in_use;
static _Thread_local eagle_verifier_call last_call;

const eagle_verifier_call *eagle_verifier_last_call(void)
{
    return &last_call;
}

/* ---- loading --------------------------------------------------------------------------------- */

/* The object's function of that name, or NULL, at *fn. ISO C knows no cast for it; POSIX has the
 * sizes equal. */
static bool find(void *fn, void *object, const char *name)
{
    void *symbol = dlsym(object, name);

    memcpy(fn, &symbol, sizeof symbol);
    return symbol != NULL;
}

static eagle_status find_rules(eagle_verifier *v, const char *file, eagle_error *err)
{
    const bool walk = find(&v->walk, v->object, "eagle_rule_walk");
    const bool node = find(&v->node, v->object, "eagle_rule_node");
    const bool drawn = find(&v->drawn, v->object, "eagle_rule_drawn");

    if (walk ? node || drawn : !node && !drawn) {
        return eg_fail(err, EAGLE_EUNSUPPORTED,
                       "%s: exports %s: needed is eagle_rule_walk, or eagle_rule_node, or "
                       "eagle_rule_drawn, or the last two",
                       file, walk ? "eagle_rule_walk and another rule" : "no rule");
    }
    return EAGLE_OK;
}

/* printf into a new string; NULL without memory. */
static char *describe(const char *a, const char *b, const char *c)
{
    const size_t size = strlen(a) + strlen(b) + strlen(c) + 1;
    char *text = eg_alloc(size, 1);

    if (text != NULL) {
        snprintf(text, size, "%s%s%s", a, b, c);
    }
    return text;
}

static eagle_status no_memory(eagle_error *err)
{
    return eg_fail(err, EAGLE_ENOMEM, "no memory for a rule");
}

/* SHA-256 of a file. */
static eagle_status hash_file(char hex[65], const char *file, eagle_error *err)
{
    unsigned char block[4096];
    eagle_sha256 sha;
    FILE *f = fopen(file, "rb");
    size_t n = 0;

    if (f == NULL) {
        return eg_fail(err, EAGLE_EREAD, "%s: cannot be read", file);
    }
    eagle_sha256_init(&sha);
    while ((n = fread(block, 1, sizeof block, f)) > 0) {
        eagle_sha256_update(&sha, block, n);
    }
    const bool failed = ferror(f) != 0;

    fclose(f);
    eagle_sha256_hex(hex, &sha);
    return failed ? eg_fail(err, EAGLE_EREAD, "%s: cannot be read", file) : EAGLE_OK;
}

static eagle_status load(eagle_verifier *v, const char *file, eagle_error *err)
{
    char *here = strchr(file, '/') == NULL ? describe("./", file, "") : eg_strdup(file);

    if (here == NULL) {
        return no_memory(err);
    }
    v->object = dlopen(here, RTLD_NOW | RTLD_LOCAL);
    free(here);
    if (v->object == NULL) {
        return eg_fail(err, EAGLE_EREAD, "%s", dlerror());
    }
    eagle_status st = find_rules(v, file, err);

    if (st == EAGLE_OK) {
        st = hash_file(v->digest, file, err);
    }
    if (st == EAGLE_OK) {
        v->description = describe(file,
                                  v->walk != NULL   ? ": eagle_rule_walk"
                                  : v->node != NULL ? ": eagle_rule_node"
                                                    : ": eagle_rule_drawn",
                                  v->node != NULL && v->drawn != NULL ? ", eagle_rule_drawn" : "");
        st = v->description != NULL ? EAGLE_OK : no_memory(err);
    }
    return st;
}

eagle_status eagle_verifier_open(eagle_verifier **out, const char *file, eagle_error *err)
{
    eagle_verifier *v = eg_alloc(1, sizeof *v);

    *out = NULL;
    if (v == NULL) {
        return no_memory(err);
    }
    eagle_status st = load(v, file, err);

    if (st != EAGLE_OK) {
        eagle_verifier_close(v);
        return st;
    }
    *out = v;
    return EAGLE_OK;
}

void eagle_verifier_close(eagle_verifier *v)
{
    if (v == NULL) {
        return;
    }
    if (in_use == v) {
        in_use = NULL;
    }
    if (v->object != NULL) {
        dlclose(v->object);
    }
    free(v->description);
    free(v);
}

/* ---- rules in floating point ----------------------------------------------------------------- */

eagle_status eagle_float_rule_named(eagle_float_rule *out, const char *name, eagle_error *err)
{
    eg_float_rule rule;

    if (!eg_float_rule_named(&rule, name)) {
        return eg_fail(err, EAGLE_EINVAL,
                       "no rule '%s': plain, safeailab, transformers, sglang-target-only, typical",
                       name);
    }
    *out = (eagle_float_rule){.name = eg_float_rule_text(rule.name),
                              .bits = rule.bits,
                              .or_equal = rule.or_equal,
                              .wide = rule.wide,
                              .threshold_single = rule.threshold_single,
                              .threshold_sum = rule.threshold_sum,
                              .typical_epsilon = rule.typical_epsilon,
                              .typical_delta = rule.typical_delta};
    return EAGLE_OK;
}

static char *describe_rule(const eagle_float_rule *rule)
{
    char detail[160];

    if (strcmp(rule->name, "typical") == 0) {
        snprintf(detail, sizeof detail, ", float32, %d bits, epsilon %g, delta %g", (int)rule->bits,
                 rule->typical_epsilon, rule->typical_delta);
    } else {
        int n = snprintf(detail, sizeof detail, ", float%d, %d bits, %s", rule->wide ? 64 : 32,
                         (int)rule->bits, rule->or_equal ? "<=" : "<");

        if (rule->threshold_single < 1.0 || rule->threshold_sum < 1.0) {
            snprintf(detail + n, sizeof detail - (size_t)n, ", thresholds %g, %g",
                     rule->threshold_single, rule->threshold_sum);
        }
    }
    return describe(rule->name, detail, "");
}

/* In (0, high]; not NaN. */
static bool in_range(double x, double high)
{
    return x > 0.0 && x <= high;
}

eagle_status eagle_verifier_of_rule(eagle_verifier **out, const eagle_float_rule *rule,
                                    eagle_error *err)
{
    eg_float_rule own;

    *out = NULL;
    if (!eg_float_rule_named(&own, rule->name)) {
        return eg_fail(err, EAGLE_EINVAL, "no rule '%s'", rule->name);
    }
    const bool typical = own.name == EG_RULE_TYPICAL;

    if (rule->bits < 1 || rule->bits > 53 || !in_range(rule->threshold_single, 1.0) ||
        !in_range(rule->threshold_sum, 1.0) ||
        (typical &&
         (!in_range(rule->typical_epsilon, 1.0) || !in_range(rule->typical_delta, 1.0)))) {
        return eg_fail(err, EAGLE_EINVAL,
                       "%s: coins of 1 to 53 bits, thresholds above 0 and at most 1", rule->name);
    }
    eagle_verifier *v = eg_alloc(1, sizeof *v);

    if (v == NULL) {
        return no_memory(err);
    }
    v->rule = (eg_float_rule){.name = own.name,
                              .wide = rule->wide,
                              .or_equal = rule->or_equal,
                              .bits = rule->bits,
                              .threshold_single = rule->threshold_single,
                              .threshold_sum = rule->threshold_sum,
                              .typical_epsilon = rule->typical_epsilon,
                              .typical_delta = rule->typical_delta};
    v->description = describe_rule(rule);
    if (v->description == NULL) {
        eagle_verifier_close(v);
        return no_memory(err);
    }
    *out = v;
    return EAGLE_OK;
}

const char *eagle_verifier_describe(const eagle_verifier *v)
{
    return v->description;
}

const char *eagle_verifier_digest(const eagle_verifier *v)
{
    return v->object != NULL ? v->digest : NULL;
}

bool eagle_verifier_takes(const eagle_verifier *v, bool drawn)
{
    if (v->object == NULL) { /* SGLang does not look at q, typical acceptance neither */
        return !drawn || v->rule.name == EG_RULE_PLAIN || v->rule.name == EG_RULE_SAFEAILAB ||
               v->rule.name == EG_RULE_TRANSFORMERS;
    }
    return v->walk != NULL || (drawn ? v->drawn != NULL : v->node != NULL);
}

bool eagle_verifier_chains(const eagle_verifier *v)
{
    return v->object == NULL && v->rule.name == EG_RULE_TRANSFORMERS;
}

bool eagle_verifier_rounds(const eagle_verifier *v)
{
    return v->object == NULL;
}

bool eagle_verifier_lossy(const eagle_verifier *v)
{
    return v->object == NULL && (v->rule.name == EG_RULE_TYPICAL ||
                                 v->rule.threshold_single < 1.0 || v->rule.threshold_sum < 1.0);
}

void eagle_law_weights(uint64_t *w, int32_t *order, const float *logits, int32_t vocab,
                       const eagle_sampling *sampling)
{
    eg_law_make(w, order, logits, vocab, sampling);
}

/* ---- a walk by a rule of one node ------------------------------------------------------------ */

/* Asks the rule. What it is asked stands in last_call. */
static eagle_status ask(int32_t *token, int32_t *hit, const eagle_verifier *v, const eg_walk *walk,
                        eagle_error *err)
{
    eg_space *space = walk->space;
    const int32_t vocab = walk->rows->vocab;
    const int32_t node = last_call.node;
    const uint64_t *law =
        walk->tree->law != NULL && last_call.n_child > 0 ? walk->tree->law[node] : NULL;

    if (law != NULL ? v->drawn == NULL : v->node == NULL && last_call.n_child > 0) {
        return eg_fail(err, EAGLE_EFIT, "tree node %d: its children were %s, and %s has no %s",
                       node, law != NULL ? "drawn" : "chosen without chance", v->description,
                       law != NULL ? "eagle_rule_drawn" : "eagle_rule_node");
    }
    last_call.busy = true;
    if (law != NULL) {
        *token = v->drawn(hit,
                          &(eagle_drawn_node){.vocab = vocab,
                                              .p = space->p,
                                              .q = law,
                                              .left = space->left,
                                              .child = space->child,
                                              .n_child = last_call.n_child,
                                              .pos = last_call.pos},
                          walk->draws);
    } else if (v->node != NULL) {
        *token = v->node(hit, space->p, vocab, space->child, last_call.n_child, last_call.pos,
                         walk->draws);
    } else { /* a leaf, and a rule for drawn children alone */
        *token = walk->draws->pick(walk->draws->ctx,
                                   (eagle_draw_key){EAGLE_DRAW_TARGET, last_call.pos, 0}, space->p,
                                   vocab);
        *hit = -1;
    }
    last_call.busy = false;
    return EAGLE_OK;
}

static eagle_status check_answer(int32_t token, int32_t hit, int32_t vocab, eagle_error *err)
{
    if (hit < -1 || hit >= last_call.n_child) {
        return eg_fail(err, EAGLE_EFAILED,
                       "the rule accepted child %d of %d at tree node %d, position %d", hit,
                       last_call.n_child, last_call.node, last_call.pos);
    }
    if (token < 0 || token >= vocab) {
        return eg_fail(err, EAGLE_EFAILED,
                       "the rule returned token %d at tree node %d, position %d: the vocabulary "
                       "has %d",
                       token, last_call.node, last_call.pos, vocab);
    }
    if (hit >= 0 && last_call.child[hit] != token) {
        return eg_fail(err, EAGLE_EFAILED,
                       "the rule returned token %d and accepted child %d, which is token %d, at "
                       "tree node %d, position %d",
                       token, hit, last_call.child[hit], last_call.node, last_call.pos);
    }
    return EAGLE_OK;
}

/* One step at `node`: the token goes to the path. *next is the accepted child's node, or -1. */
static eagle_status step(eagle_path *path, int32_t *next, const eagle_verifier *v,
                         const eg_walk *walk, int32_t node, eagle_error *err)
{
    const int32_t vocab = walk->rows->vocab;
    const float *logits = eg_walk_logits(walk, node);
    int32_t token = -1;
    int32_t hit = -2;

    for (int32_t i = 0; i < vocab; i++) {
        if (!isfinite(logits[i])) {
            return eg_fail(err, EAGLE_ENUMERIC, "tree node %d: logit %d is %g", node, i,
                           (double)logits[i]);
        }
    }
    last_call = (eagle_verifier_call){
        .node = node,
        .pos = eg_walk_pos(walk, node),
        .n_child = eg_walk_children(walk->space->child, walk->space->number, walk->tree, node),
        .child = walk->space->child};
    eg_law_make(walk->space->p, walk->space->order, logits, vocab, walk->sampling);
    eagle_status st = ask(&token, &hit, v, walk, err);

    if (st == EAGLE_OK) {
        st = check_answer(token, hit, vocab, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    *next = hit >= 0 ? walk->space->number[hit] : -1;
    path->token[path->n] = token;
    path->node[path->n] = *next;
    path->row[path->n] = node;
    path->source[path->n] = hit >= 0                ? EAGLE_SOURCE_ACCEPTED
                            : last_call.n_child > 0 ? EAGLE_SOURCE_RESIDUAL
                            : node > 0              ? EAGLE_SOURCE_BONUS
                                                    : EAGLE_SOURCE_PLAIN;
    path->n++;
    return EAGLE_OK;
}

static eagle_status walk_by_node(eagle_path *path, const eagle_verifier *v, const eagle_tree *tree,
                                 const eagle_rows *rows, const eagle_sampling *sampling,
                                 const eagle_draws *draws, eagle_error *err)
{
    const eg_walk walk = {
        .tree = tree, .rows = rows, .sampling = sampling, .draws = draws, .space = path->space};
    int32_t node = 0;
    eagle_status st = EAGLE_OK;

    while (st == EAGLE_OK && node >= 0) {
        st = step(path, &node, v, &walk, node, err);
    }
    path->n = st == EAGLE_OK ? path->n : 0;
    return st;
}

/* ---- as a function --------------------------------------------------------------------------- */

static eagle_status check_fit(const eagle_path *path, const eagle_tree *tree,
                              const eagle_rows *rows, const eagle_sampling *sampling,
                              eagle_error *err)
{
    const eg_space *space = path->space;

    if (in_use == NULL || space->mode != EAGLE_VERIFY_REJECTION ||
        sampling->mode != EAGLE_VERIFY_REJECTION || space->vocab != rows->vocab ||
        tree->n_verify > path->cap || tree->n_verify > rows->n) {
        return eg_fail(err, EAGLE_EINVAL,
                       "a rule of one node, and one in floating point, is walked in rejection "
                       "mode, at a temperature above 0");
    }
    return eagle_tree_check(tree, rows->vocab, err);
}

static eagle_status verify_by_rule(eagle_path *path, const eagle_tree *tree, const eagle_rows *rows,
                                   const eagle_sampling *sampling, const eagle_draws *draws,
                                   eagle_error *err)
{
    path->n = 0;
    if (in_use != NULL && in_use->walk != NULL) {
        last_call = (eagle_verifier_call){.busy = true, .pos = tree->pos + 1};
        const eagle_status st = in_use->walk(path, tree, rows, sampling, draws, err);

        last_call.busy = false;
        return st;
    }
    eagle_status st = check_fit(path, tree, rows, sampling, err);

    if (st != EAGLE_OK) {
        return st;
    }
    if (in_use->object != NULL) {
        return walk_by_node(path, in_use, tree, rows, sampling, draws, err);
    }
    st = eg_float_verify(path, &in_use->rule, tree, rows, sampling, draws, err);
    if (st == EAGLE_EFIT) { /* the tree was chosen for the rule: no fault of the rule */
        st = EAGLE_EINVAL;
        if (err != NULL) {
            err->code = st;
        }
    }
    return st;
}

eagle_verify_fn *eagle_verifier_use(const eagle_verifier *v)
{
    in_use = v;
    return verify_by_rule;
}
