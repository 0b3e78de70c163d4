/* SPDX-License-Identifier: MIT */
/* bench.c - the measurements of `eagle bench`.
 *
 * One repeat measures everything once, in turn, so that a slow minute of the machine falls on all
 * alike. Short work is repeated inside a sample until the clock can tell. */
#include "cli/bench.h"

#include "cli/messages.h"

#include <stdlib.h>
#include <string.h>

const int32_t eg_bench_tree[EG_BENCH_TREES] = {1, 2, 4, 8, 16, 26, 32, 60};

#define MAX_NODES    60
#define DECODE_STEPS 16
#define SAMPLE_S     0.03 /* seconds that one sample lasts at least */
#define SAMPLE_MOST  200  /* or as many runs                        */

/* ---- setting up --------------------------------------------------------------------------- */

/* What a token of plain decoding behind `ctx` others reads: keys and values, and all weights, but
 * of an embedding that is not the LM head too a single row. */
static uint64_t bytes_per_token(const eagle_model *model, int32_t ctx)
{
    const eagle_config *config = eagle_model_config(model);
    const eagle_tensor *t = NULL;
    uint64_t kv_heads = (uint64_t)config->n_layers * (uint64_t)config->n_kv_heads;
    uint64_t bytes = 2 * kv_heads * (uint64_t)config->head_dim * (uint64_t)ctx * sizeof(float);

    for (int32_t i = 0; (t = eagle_model_tensor(model, i)) != NULL; i++) {
        if (config->tied || strcmp(t->name, "model.embed_tokens.weight") != 0) {
            bytes += t->size;
        }
    }
    return bytes;
}

static eagle_status create(eagle_session **out, eg_bench *b, const eagle_drafter *drafter,
                           const eagle_session_options *how, eagle_error *err)
{
    eagle_memory_bill bill;
    eagle_status st = eagle_session_bill(&bill, b->engine->model, drafter, how, err);

    if (st == EAGLE_OK) {
        uint64_t others = b->bill > 0 ? b->bill - bill.weights : 0; /* weights count once */

        st = eg_engine_afford(&bill, b->opt, others, err);
        b->bill = others + eg_bill_total(&bill);
    }
    return st == EAGLE_OK ? eagle_session_create(out, b->engine->model, drafter, how, err) : st;
}

static eagle_status create_sessions(eg_bench *b, eagle_error *err)
{
    const eagle_drafter *drafter = b->engine->drafter;
    int32_t tree = drafter != NULL ? eagle_drafter_max_nodes(drafter) + 1 : 1;
    int32_t room = tree > MAX_NODES ? tree : MAX_NODES;
    int64_t passes = (int64_t)b->ctx + MAX_NODES + DECODE_STEPS;
    int64_t rounds = drafter != NULL ? (int64_t)b->prompt->n + b->n_tokens + room : 0;
    int64_t most = passes > rounds ? passes : rounds; /* plain runs the same rounds */
    eagle_session_options how;
    uint64_t bill = 0;
    eagle_status st = EAGLE_OK;

    if (most > INT32_MAX) {
        return eg_cli_fail(err, EAGLE_ELIMIT, "a context of %lld positions, at most %d",
                           (long long)most, INT32_MAX);
    }
    eg_engine_plan(&how, b->engine, b->opt, (int32_t)most, MAX_NODES);
    how.math = EAGLE_MATH_EXACT;
    if (drafter != NULL) {
        eagle_session_options spec = how;

        spec.ctx = (int32_t)rounds;
        spec.chunk = how.chunk < spec.ctx ? how.chunk : spec.ctx;
        st = create(&b->spec, b, drafter, &spec, err);
    }
    if (st == EAGLE_OK) {
        st = create(&b->plain, b, NULL, &how, err);
    }
    bill = b->bill;
    how.math = EAGLE_MATH_FAST;
    if (st == EAGLE_OK && create(&b->fast, b, NULL, &how, err) != EAGLE_OK) {
        b->bill = bill; /* no OpenBLAS: nothing to compare with */
        *err = (eagle_error){0};
    }
    return st;
}

eagle_status eg_bench_open(eg_bench *b, eg_engine *e, const eg_options *opt,
                           const eg_prompt *prompt, eagle_error *err)
{
    int32_t vocab = eagle_model_config(e->model)->vocab;
    uint32_t state = 1;
    eagle_status st = EAGLE_OK;

    b->engine = e;
    b->opt = opt;
    b->prompt = prompt;
    b->ctx = eg_engine_own_ctx(e, opt);
    b->n_tokens = EG_GIVEN(opt, EG_OPT_MAX_TOKENS) ? opt->max_tokens : 64;
    b->token_bytes = bytes_per_token(e->model, b->ctx);
    st = create_sessions(b, err);
    if (st == EAGLE_OK) {
        st = eagle_tree_create(&b->tree, MAX_NODES, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_path_create(&b->path, MAX_NODES, vocab, EAGLE_VERIFY_GREEDY, err);
    }
    b->context = malloc((size_t)b->ctx * sizeof *b->context);
    if (st == EAGLE_OK && b->context == NULL) {
        st = eg_cli_fail(err, EAGLE_ENOMEM, "no memory for %d tokens", b->ctx);
    }
    for (int32_t i = 0; st == EAGLE_OK && i < b->ctx; i++) {
        state = state * 1664525u + 1013904223u; /* any ids will do: Numerical Recipes' generator */
        b->context[i] = (int32_t)((state >> 8) % (uint32_t)vocab);
    }
    return st;
}

void eg_bench_close(eg_bench *b)
{
    free(b->context);
    eagle_path_free(b->path);
    eagle_tree_free(b->tree);
    eagle_session_free(b->spec);
    eagle_session_free(b->fast);
    eagle_session_free(b->plain);
}

/* ---- one measurement ------------------------------------------------------------------------- */

/* Reads all weights, for at least `least` seconds; *took receives the time of one reading. */
static eagle_status measure_scan(double *took, eg_bench *b, double least, eagle_error *err)
{
    double start = eagle_clock();
    int32_t threads = eg_engine_threads(&(eagle_session_options){
        .threads = EG_GIVEN(b->opt, EG_OPT_THREADS) ? b->opt->threads : 0});
    int32_t n = 0;
    eagle_status st = EAGLE_OK;

    do {
        st = eagle_model_scan(&b->scan_bytes, b->engine->model, NULL, false, threads, err);
        n++;
        *took = (eagle_clock() - start) / n;
    } while (st == EAGLE_OK && eagle_clock() - start < least && n < SAMPLE_MOST);
    return st;
}

/* Feeds the context to an emptied session, in chunks. */
static eagle_status measure_prompt(double *took, eg_bench *b, eagle_session *s, eagle_error *err)
{
    double start = eagle_clock();
    int32_t chunk = b->opt->chunk;
    eagle_status st = eagle_session_rewind(s, 0, err);

    for (int32_t at = 0; st == EAGLE_OK && at < b->ctx;) {
        int32_t n = b->ctx - at < chunk ? b->ctx - at : chunk;

        st = eagle_session_feed(NULL, s, b->context + at, n, err);
        at += n;
    }
    *took = eagle_clock() - start;
    return st;
}

/* Plain decoding behind the context, and beside each token the bandwidth that it is measured by:
 * the memory of a shared host changes its pace within a second. */
static eagle_status measure_decode(double *scan, double *decode, eg_bench *b, eagle_error *err)
{
    const eagle_path *path = NULL;
    double reading = 0.0;
    double decoding = 0.0;
    eagle_status st = eagle_session_rewind(b->plain, b->ctx, err);

    if (st == EAGLE_OK) {
        st = eagle_session_step(&path, b->plain, err); /* its row may be there already */
    }
    for (int32_t i = 0; st == EAGLE_OK && i < DECODE_STEPS; i++) {
        double took = 0.0;

        st = measure_scan(&took, b, SAMPLE_S / DECODE_STEPS, err);
        reading += took;
        if (st == EAGLE_OK) {
            double start = eagle_clock();

            st = eagle_session_step(&path, b->plain, err);
            decoding += eagle_clock() - start;
        }
    }
    *scan = reading / DECODE_STEPS;
    *decode = decoding / DECODE_STEPS;
    return st;
}

/* A tree of n nodes below the session's root: three children a node, level by level. */
static void build_tree(eg_bench *b, const eagle_tree *root, int32_t n)
{
    int32_t vocab = eagle_model_config(b->engine->model)->vocab;
    int32_t width = vocab < 3 ? vocab : 3;

    eagle_tree_reset(b->tree, root->token[0], root->pos);
    for (int32_t i = 1; i < n; i++) {
        int32_t parent = (i - 1) / width;

        eagle_tree_add(b->tree, parent, (parent * 31 + (i - 1) % width) % vocab, (float)-i);
    }
}

/* Score, verify and commit of an own tree behind the context. The root is the context's last token
 * but one: the last one's row may be there already from the feed, and would cost nothing. */
static eagle_status measure_verify(double *took, eg_bench *b, int32_t n, eagle_error *err)
{
    double sum = 0.0;
    int32_t runs = 0;
    eagle_status st = EAGLE_OK;

    for (; st == EAGLE_OK && (runs == 0 || (sum < SAMPLE_S && runs < SAMPLE_MOST)); runs++) {
        eagle_sampling greedy;
        const eagle_tree *root = NULL;
        eagle_rows rows;
        double start = 0.0;

        eagle_sampling_defaults(&greedy);
        st = eagle_session_rewind(b->plain, b->ctx > 1 ? b->ctx - 1 : 1, err);
        if (st == EAGLE_OK) {
            st = eagle_session_draft(&root, b->plain, eagle_session_draws(b->plain), err);
        }
        if (st != EAGLE_OK) {
            break;
        }
        build_tree(b, root, n);
        start = eagle_clock();
        st = eagle_session_score(&rows, b->plain, b->tree, err);
        if (st == EAGLE_OK) {
            st = eagle_verify(b->path, b->tree, &rows, &greedy, NULL, err);
        }
        if (st == EAGLE_OK) {
            st = eagle_session_commit(b->plain, b->path, err);
        }
        sum += eagle_clock() - start;
    }
    *took = sum / runs;
    return st;
}

/* n tokens from the prompt and a round's end; the prompt itself, and the token that it gives, are
 * not timed. */
static eagle_status measure_rounds(double *took, eg_bench *b, eagle_session *s, int64_t *rounds,
                                   int64_t *tokens, eagle_error *err)
{
    const eagle_prompt prompt = {.token = b->prompt->ids, .n = b->prompt->n};
    eagle_generation g;
    eagle_status st = eagle_generation_start(&g, s, &prompt, b->n_tokens + 1, true, err);

    while (st == EAGLE_OK && g.finish == EAGLE_FINISH_NOT_YET) {
        st = eagle_generation_next(&g, err);
        while (st == EAGLE_OK && eagle_generation_take(&g)) {
        }
    }
    *rounds = g.counts.rounds;
    *tokens = g.counts.rounds + g.counts.accepted;
    *took = g.decode_s / (double)(*tokens > 0 ? *tokens : 1);
    eagle_generation_free(&g);
    return st;
}

/* ---- repeats --------------------------------------------------------------------------------- */

static eagle_status measure_all(eg_bench *b, int32_t r, eagle_error *err)
{
    int64_t rounds = 0;
    int64_t tokens = 0;
    eagle_status st = EAGLE_OK;

    if (b->fast != NULL) {
        st = measure_prompt(&b->sample[EG_M_PROMPT_FAST][r], b, b->fast, err);
    }
    if (st == EAGLE_OK) {
        st = measure_prompt(&b->sample[EG_M_PROMPT][r], b, b->plain, err);
    }
    for (int32_t i = 0; st == EAGLE_OK && i < EG_BENCH_TREES; i++) {
        st = measure_verify(&b->sample[EG_M_VERIFY + i][r], b, eg_bench_tree[i], err);
    }
    if (st == EAGLE_OK) {
        st = measure_decode(&b->sample[EG_M_SCAN][r], &b->sample[EG_M_DECODE][r], b, err);
    }
    if (st == EAGLE_OK && b->spec != NULL) {
        st = measure_rounds(&b->sample[EG_M_ROUNDS_PLAIN][r], b, b->plain, &rounds, &tokens, err);
    }
    if (st == EAGLE_OK && b->spec != NULL) {
        st = measure_rounds(&b->sample[EG_M_ROUNDS_SPEC][r], b, b->spec, &b->spec_rounds,
                            &b->spec_tokens, err);
    }
    return st;
}

eagle_status eg_bench_run(eg_bench *b, eagle_error *err)
{
    eg_progress progress;
    eagle_status st = EAGLE_OK;

    eg_progress_start(&progress, b->opt->quiet);
    while (st == EAGLE_OK && b->n_quiet < b->opt->repeat && b->n_repeats < 2 * b->opt->repeat) {
        int32_t r = b->n_repeats++;
        eg_load before = {0};
        eg_load after = {0};
        bool known = eg_load_read(&before);

        st = measure_all(b, r, err);
        if (known && eg_load_read(&after) && after.wall > before.wall) {
            double others = (after.busy - before.busy) - (after.own - before.own);
            double share = others / ((after.wall - before.wall) * after.n_cpus);

            b->others[r] = share > 0.0 ? share : 0.0; /* ticks are coarse */
        }
        b->n_quiet += b->others[r] <= EG_BENCH_QUIET;
        eg_progress_update(&progress, "repeat", b->n_repeats, 2 * (int64_t)b->opt->repeat);
    }
    eg_progress_clear(&progress);
    return st;
}

/* Of the repeats that count. */
static eagle_spread spread(const eg_bench *b, const double *over, const double *under)
{
    double taken[EG_BENCH_MAX];
    bool all = 2 * b->n_quiet < b->n_repeats;
    int32_t n = 0;

    for (int32_t r = 0; r < b->n_repeats; r++) {
        if (all || b->others[r] <= EG_BENCH_QUIET) {
            taken[n++] = over[r] / (under != NULL ? under[r] : 1.0);
        }
    }
    return eagle_spread_of(taken, n);
}

eagle_spread eg_bench_spread(const eg_bench *b, int32_t what)
{
    return spread(b, b->sample[what], NULL);
}

eagle_spread eg_bench_ratio(const eg_bench *b, int32_t over, int32_t under)
{
    return spread(b, b->sample[over], b->sample[under]);
}
