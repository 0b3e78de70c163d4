/* SPDX-License-Identifier: MIT */
/* engine.c - from options to a session. */
#include "cli/engine.h"

#include "cli/messages.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- options that must fit each other -------------------------------------------------- */

/* The name of the second way of drafting that `opt` gives, through *first that of the first. */
static const char *second_way(const char **first, const eg_options *opt)
{
    static const struct {
        int32_t option;
        int32_t way; /* options of one way go together */
    } ways[] = {{EG_OPT_SPEC_DEPTH, 1}, {EG_OPT_SPEC_TOPK, 1},   {EG_OPT_SPEC_NODES, 1},
                {EG_OPT_SPEC_TREE, 2},  {EG_OPT_SPEC_ROUNDS, 3}, {EG_OPT_SPEC, 4},
                {EG_OPT_TREES, 5}};
    int32_t way = 0;

    *first = NULL;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (!EG_GIVEN(opt, ways[i].option) || ways[i].way == way) {
            continue;
        }
        if (way != 0) {
            return eg_option_at(ways[i].option)->name;
        }
        way = ways[i].way;
        *first = eg_option_at(ways[i].option)->name;
    }
    return NULL;
}

static void make_sampling(eagle_sampling *out, const eg_options *opt)
{
    eagle_sampling_defaults(out);
    out->temperature = opt->temperature;
    out->top_k = opt->top_k;
    out->top_p = opt->top_p;
    out->min_p = opt->min_p;
    if (EG_GIVEN(opt, EG_OPT_VERIFY)) {
        out->mode = (eagle_verify_mode)opt->verify;
    } else if (opt->temperature == 0.0f) {
        out->mode = EAGLE_VERIFY_GREEDY;
    } else {
        out->mode =
            opt->children == EG_CHILDREN_DRAWN ? EAGLE_VERIFY_REJECTION : EAGLE_VERIFY_COUPLED;
    }
}

eagle_status eg_engine_check(const eg_options *opt, eagle_error *err)
{
    const char *first = NULL;
    const char *second = second_way(&first, opt);
    bool drawn = opt->children == EG_CHILDREN_DRAWN;
    eagle_sampling sampling;

    if (opt->model == NULL) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs a model: -m DIR");
    }
    if (second != NULL) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--%s and --%s: give only one", first, second);
    }
    if (first != NULL && opt->head == NULL && opt->spec_rounds == NULL &&
        !EG_GIVEN(opt, EG_OPT_SPEC)) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--%s: needs a head: -H DIR", first);
    }
    if (drawn && ((opt->spec_tree == NULL && opt->trees == NULL) || opt->head == NULL)) {
        return eg_cli_fail(err, EAGLE_EINVAL,
                           "--spec-children drawn: needs a head and --spec-tree");
    }
    make_sampling(&sampling, opt);
    return eagle_sampling_check(&sampling, drawn, err);
}

/* ---- opening --------------------------------------------------------------------------- */

eagle_status eg_tokenizer_find(eagle_tokenizer **out, const char *dir, eagle_error *err)
{
    static const char name[] = "/tokenizer.json";
    char *path = malloc(strlen(dir) + sizeof name);
    bool there = false;

    *out = NULL;
    if (path == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "%s: no memory", dir);
    }
    strcpy(path, dir);
    strcat(path, name);
    there = access(path, F_OK) == 0;
    free(path);
    return there ? eagle_tokenizer_open(out, dir, err) : EAGLE_OK;
}

eg_tree_choice eg_tree_of(const eg_options *opt)
{
    return (eg_tree_choice){.shape = opt->spec_tree,
                            .depth = opt->spec_depth,
                            .topk = opt->spec_topk,
                            .nodes = opt->spec_nodes};
}

eagle_status eg_tree_drafter(eagle_drafter **out, const eagle_head *head,
                             const eg_tree_choice *tree, bool drawn, eagle_error *err)
{
    eagle_shape *shape = NULL;
    eagle_status st = EAGLE_OK;

    if (tree->shape == NULL) {
        return eagle_drafter_dynamic(out, head, tree->depth, tree->topk, tree->nodes, err);
    }
    if (eagle_shape_named(&shape, tree->shape, NULL) != EAGLE_OK) {
        st = eagle_shape_read(&shape, tree->shape, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_drafter_static(out, head, shape, drawn, err);
        st = st == EAGLE_OK ? st : eg_cli_name(err, st, tree->shape);
    }
    eagle_shape_free(shape);
    return st;
}

static eagle_status open_drafter(eg_engine *e, const eg_options *opt, eagle_error *err)
{
    const eg_tree_choice tree = eg_tree_of(opt);

    if (EG_GIVEN(opt, EG_OPT_SPEC)) {
        return EAGLE_OK;
    }
    if (opt->spec_rounds != NULL) {
        eagle_status st = eagle_rounds_read(&e->rounds, opt->spec_rounds, err);

        return st != EAGLE_OK ? st : eagle_drafter_replay(&e->drafter, e->rounds, err);
    }
    if (e->head == NULL) {
        return EAGLE_OK;
    }
    return eg_tree_drafter(&e->drafter, e->head, &tree, opt->children == EG_CHILDREN_DRAWN, err);
}

eagle_status eg_engine_open(eg_engine *out, const eg_options *opt, bool ids_suffice,
                            eagle_error *err)
{
    double start = eagle_clock();
    eg_progress progress;
    eagle_status st = EAGLE_OK;

    *out = (eg_engine){0};
    eg_progress_start(&progress, opt->quiet);
    progress.next = progress.terminal ? start : progress.next; /* one call: say so at once */
    eg_progress_update(&progress, "loading the model", 0, 0);
    st = eagle_model_open(&out->model, opt->model, err);
    if (st == EAGLE_OK && opt->head != NULL) {
        st = eagle_head_open(&out->head, out->model, opt->head, err);
    }
    if (st == EAGLE_OK) {
        st = eg_tokenizer_find(&out->tokenizer, opt->model, err);
        if (st == EAGLE_EUNSUPPORTED && ids_suffice) {
            eg_progress_clear(&progress);
            eg_cli_note(opt->quiet, "note: going on with token ids: %s", err->message);
            out->no_tokenizer = *err;
            *err = (eagle_error){0};
            st = EAGLE_OK;
        }
    }
    if (st == EAGLE_OK) {
        st = open_drafter(out, opt, err);
    }
    eg_progress_clear(&progress);
    out->load_s = eagle_clock() - start;
    return st;
}

/* ---- the session ----------------------------------------------------------------------- */

void eg_engine_plan(eagle_session_options *out, const eg_engine *e, const eg_options *opt,
                    int32_t ctx, int32_t rows)
{
    eagle_session_defaults(out);
    out->ctx = ctx;
    out->chunk = opt->chunk < ctx ? opt->chunk : ctx;
    out->threads = EG_GIVEN(opt, EG_OPT_THREADS) ? opt->threads : 0;
    out->isa = opt->isa;
    out->math = (eagle_math)opt->math;
    out->seed = opt->seed;
    out->max_nodes = e->drafter != NULL ? eagle_drafter_max_nodes(e->drafter) + 1 : 1;
    if (rows > out->max_nodes) {
        out->max_nodes = rows;
    }
    make_sampling(&out->sampling, opt);
}

uint64_t eg_bill_total(const eagle_memory_bill *bill)
{
    return bill->weights + bill->target_kv + bill->head_kv + bill->work;
}

eagle_status eg_engine_afford(const eagle_memory_bill *bill, const eg_options *opt, uint64_t extra,
                              eagle_error *err)
{
    uint64_t limit = EG_GIVEN(opt, EG_OPT_MAX_MEMORY) ? opt->max_memory : eagle_memory_available();
    uint64_t need = eg_bill_total(bill) + extra;
    char text[5][EG_BYTES_TEXT];

    if (limit == 0 || need <= limit) {
        return EAGLE_OK;
    }
    return eg_cli_fail(err, EAGLE_ELIMIT,
                       "needs %s of memory (weights %s, KV cache %s, work %s), but %s is %s; a "
                       "smaller -c needs less",
                       eg_cli_bytes(text[0], need), eg_cli_bytes(text[1], bill->weights),
                       eg_cli_bytes(text[2], bill->target_kv + bill->head_kv),
                       eg_cli_bytes(text[3], bill->work + extra),
                       EG_GIVEN(opt, EG_OPT_MAX_MEMORY) ? "--max-memory" : "what is free",
                       eg_cli_bytes(text[4], limit));
}

void eg_engine_tell(const eg_engine *e, const eg_options *opt)
{
    char text[EG_BYTES_TEXT];

    if (opt->verbose) {
        eg_cli_note(opt->quiet, "memory %s, context %d, threads %d, isa %s, loaded in %.2f s",
                    eg_cli_bytes(text, eg_bill_total(&e->bill)), e->how.ctx,
                    eg_engine_threads(&e->how), eg_engine_isa(&e->how), e->load_s);
    }
}

eagle_status eg_engine_start(eg_engine *e, const eg_options *opt, int32_t ctx, int32_t rows,
                             uint64_t extra, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    eg_engine_plan(&e->how, e, opt, ctx, rows);
    st = eagle_session_bill(&e->bill, e->model, e->drafter, &e->how, err);
    if (st == EAGLE_OK) {
        st = eg_engine_afford(&e->bill, opt, extra, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_session_create(&e->session, e->model, e->drafter, &e->how, err);
    }
    if (st == EAGLE_OK) {
        eg_engine_tell(e, opt);
    }
    return st;
}

void eg_engine_close(eg_engine *e)
{
    eagle_session_free(e->session);
    eagle_drafter_free(e->drafter);
    eagle_rounds_free(e->rounds);
    eagle_tokenizer_free(e->tokenizer);
    eagle_head_free(e->head);
    eagle_model_free(e->model);
    *e = (eg_engine){0};
}

void eg_engine_warn_ctx(const eg_engine *e, const eg_options *opt)
{
    int32_t most = eagle_model_config(e->model)->context;

    if (EG_GIVEN(opt, EG_OPT_CTX) && opt->ctx > most) {
        eg_cli_note(opt->quiet,
                    "warning: -c %d is beyond the %d positions that the model was made for",
                    opt->ctx, most);
    }
}

eagle_status eg_engine_ctx(int32_t *ctx, const eg_engine *e, const eg_options *opt,
                           int64_t n_prompt, int64_t n, eagle_error *err)
{
    int64_t most = eagle_model_config(e->model)->context;
    int64_t tree = e->drafter != NULL ? eagle_drafter_max_nodes(e->drafter) : 0;
    int64_t need = n_prompt + n + tree;

    if (EG_GIVEN(opt, EG_OPT_CTX)) {
        *ctx = opt->ctx;
        eg_engine_warn_ctx(e, opt);
    } else {
        *ctx = (int32_t)(need < most ? need : most);
    }
    if (n_prompt > *ctx) {
        eg_cli_fail(err, EAGLE_ELIMIT, "a prompt of %lld tokens, but the context has %d",
                    (long long)n_prompt, *ctx);
        return opt->prompts == NULL ? EAGLE_ELIMIT : eg_cli_name(err, EAGLE_ELIMIT, opt->prompts);
    }
    return EAGLE_OK;
}

int32_t eg_engine_own_ctx(const eg_engine *e, const eg_options *opt)
{
    const int32_t usual = 512;
    const int32_t most = eagle_model_config(e->model)->context;

    return EG_GIVEN(opt, EG_OPT_CTX) ? opt->ctx : most < usual ? most : usual;
}

/* ---- names ------------------------------------------------------------------------------ */

const char *eg_math_name(eagle_math math)
{
    return math == EAGLE_MATH_EXACT ? "exact" : "fast (not canonical)";
}

const char *eg_engine_tree(const eg_engine *e)
{
    return e->drafter != NULL ? eagle_drafter_describe(e->drafter) : "none";
}

int32_t eg_engine_threads(const eagle_session_options *how)
{
    return how->threads > 0 ? how->threads : eagle_cpu_count();
}

const char *eg_engine_isa(const eagle_session_options *how)
{
    return eagle_isa_name(how->isa == EAGLE_ISA_AUTO ? eagle_isa_best() : how->isa);
}
