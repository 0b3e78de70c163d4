/* SPDX-License-Identifier: MIT */
/* cmd_bench.c - reports of what bench.c measured. */
#include "cli/bench.h"
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/sink.h"

#include <inttypes.h>
#include <stdlib.h>

/* What the figures come to. Rates are per second, of the median; ranges from the 10th to the 90th
 * percentile of the time. */
typedef struct {
    eagle_spread time[EG_M_COUNT];
    eagle_spread share;             /* of the bandwidth that plain decoding reaches */
    eagle_spread v[EG_BENCH_TREES]; /* V(n): the time of a tree by that of one node */
    double fast_over_exact;         /* time of a prompt                            */
    double plain_over_spec;         /* time of a token                             */
    double tau;
    double others; /* mean share of the CPUs that others took */
    uint64_t peak;
} figures;

static figures summarise(const eg_bench *b)
{
    figures f = {.tau = b->spec_rounds > 0 ? (double)b->spec_tokens / (double)b->spec_rounds : 1.0,
                 .peak = eg_peak_memory()};
    const double bytes = (double)b->token_bytes / (double)b->scan_bytes;

    for (int32_t i = 0; i < EG_M_COUNT; i++) {
        f.time[i] = eg_bench_spread(b, i);
    }
    f.share = eg_bench_ratio(b, EG_M_SCAN, EG_M_DECODE);
    f.share.median *= bytes;
    f.share.low *= bytes;
    f.share.high *= bytes;
    for (int32_t i = 0; i < EG_BENCH_TREES; i++) {
        f.v[i] = eg_bench_ratio(b, EG_M_VERIFY + i, EG_M_VERIFY);
    }
    f.fast_over_exact = eg_bench_ratio(b, EG_M_PROMPT_FAST, EG_M_PROMPT).median;
    f.plain_over_spec = eg_bench_ratio(b, EG_M_ROUNDS_PLAIN, EG_M_ROUNDS_SPEC).median;
    for (int32_t r = 0; r < b->n_repeats; r++) {
        f.others += b->others[r] / b->n_repeats;
    }
    return f;
}

static bool quiet(const eg_bench *b)
{
    return 2 * b->n_quiet >= b->n_repeats;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* `n` per second: median and range. */
static void print_rate(const char *name, eagle_spread t, double n, const char *unit)
{
    printf("%-14s %10.2f %s  [%.2f .. %.2f]", name, n / t.median, unit, n / t.high, n / t.low);
}

static void print_verify(const figures *f)
{
    printf("\nverify: score, verify and commit of a tree of n nodes\n"
           "   n         ms  [10 %% .. 90 %%]       V(n)  [10 %% .. 90 %%]\n");
    for (int32_t i = 0; i < EG_BENCH_TREES; i++) {
        eagle_spread t = f->time[EG_M_VERIFY + i];
        eagle_spread v = f->v[i];

        printf("%4d %10.3f  [%.3f .. %.3f]  %.2f  [%.2f .. %.2f]\n", eg_bench_tree[i],
               1e3 * t.median, 1e3 * t.low, 1e3 * t.high, v.median, v.low, v.high);
    }
    printf("\n");
}

static void print_text(const eg_bench *b, const figures *f)
{
    eagle_session_options how = b->engine->how;
    char bytes[2][EG_BYTES_TEXT];

    printf("%s\n%s, isa %s, %d threads, %s, context %d, %d repeats (%d quiet)\n\n", b->opt->model,
           eagle_cpu_name(), eg_engine_isa(&how), eg_engine_threads(&how), eagle_contract(), b->ctx,
           b->n_repeats, b->n_quiet);
    print_rate("bandwidth", f->time[EG_M_SCAN], (double)b->scan_bytes / 1e9, "GB/s");
    printf("\n");
    print_rate("decode", f->time[EG_M_DECODE], 1.0, "tokens/s");
    printf("  %.1f %% of the bandwidth  [%.1f .. %.1f]\n", 100.0 * f->share.median,
           100.0 * f->share.low, 100.0 * f->share.high);
    print_verify(f);
    print_rate("prompt exact", f->time[EG_M_PROMPT], b->ctx, "tokens/s");
    printf("\n");
    if (b->fast != NULL) {
        print_rate("prompt fast", f->time[EG_M_PROMPT_FAST], b->ctx, "tokens/s");
        printf("  OpenBLAS, not canonical; exact is %.2f of it\n", f->fast_over_exact);
    }
    if (b->spec != NULL) {
        print_rate("rounds plain", f->time[EG_M_ROUNDS_PLAIN], 1.0, "tokens/s");
        printf("\n");
        print_rate("rounds head", f->time[EG_M_ROUNDS_SPEC], 1.0, "tokens/s");
        printf("  %s: %.2f times, mean acceptance length %.3f\n", eg_engine_tree(b->engine),
               f->plain_over_spec, f->tau);
    }
    printf("\npeak memory %s; the bill of all sessions is %s\n", eg_cli_bytes(bytes[0], f->peak),
           eg_cli_bytes(bytes[1], b->bill));
    printf("other processes took %.1f %% of the CPUs: %s\n", 100.0 * f->others,
           quiet(b) ? "quiet" : "NOT QUIET, these figures are not to be trusted");
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *spread_json(eagle_spread t)
{
    return json_pack("{s:f, s:f, s:f}", "median_s", t.median, "p10_s", t.low, "p90_s", t.high);
}

static json_t *verify_json(const figures *f)
{
    json_t *list = json_array();
    int bad = 0;

    for (int32_t i = 0; i < EG_BENCH_TREES; i++) {
        eagle_spread t = f->time[EG_M_VERIFY + i];

        bad |=
            json_array_append_new(list, json_pack("{s:i, s:o, s:f}", "n", eg_bench_tree[i], "time",
                                                  spread_json(t), "ratio", f->v[i].median));
    }
    if (bad != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *machine_json(const eg_bench *b, const figures *f)
{
    eagle_session_options how = b->engine->how;

    return json_pack("{s:s, s:s, s:i, s:s, s:i, s:i, s:f, s:b}", "cpu", eagle_cpu_name(), "isa",
                     eg_engine_isa(&how), "threads", eg_engine_threads(&how), "contract",
                     eagle_contract(), "repeats", b->n_repeats, "quiet_repeats", b->n_quiet,
                     "others_share", f->others, "quiet", quiet(b));
}

static json_t *rounds_json(const eg_bench *b, const figures *f)
{
    if (b->spec == NULL) {
        return json_null();
    }
    return json_pack("{s:s, s:o, s:o, s:f, s:f}", "tree", eg_engine_tree(b->engine),
                     "plain_per_token", spread_json(f->time[EG_M_ROUNDS_PLAIN]),
                     "speculative_per_token", spread_json(f->time[EG_M_ROUNDS_SPEC]), "speedup",
                     f->plain_over_spec, "mean_acceptance_length", f->tau);
}

static eagle_status print_json(const eg_bench *b, const figures *f, eagle_error *err)
{
    eg_sink sink;
    eagle_status st = EAGLE_OK;
    json_t *doc = json_pack(
        "{s:s, s:o, s:i, s:{s:I, s:o, s:f}, s:{s:I, s:o, s:f, s:f}, s:o, s:{s:i, s:o, s:o}, s:o, "
        "s:{s:I, s:I}}",
        "schema", "eagle.bench/1", "machine", machine_json(b, f), "ctx", b->ctx, "bandwidth",
        "bytes", (json_int_t)b->scan_bytes, "time", spread_json(f->time[EG_M_SCAN]), "bytes_per_s",
        (double)b->scan_bytes / f->time[EG_M_SCAN].median, "decode", "bytes_per_token",
        (json_int_t)b->token_bytes, "time", spread_json(f->time[EG_M_DECODE]), "tokens_per_s",
        1.0 / f->time[EG_M_DECODE].median, "share_of_bandwidth", f->share.median, "verify",
        verify_json(f), "prompt", "tokens", b->ctx, "exact", spread_json(f->time[EG_M_PROMPT]),
        "fast", b->fast != NULL ? spread_json(f->time[EG_M_PROMPT_FAST]) : json_null(), "rounds",
        rounds_json(b, f), "memory", "peak", (json_int_t)f->peak, "bill", (json_int_t)b->bill);

    if (doc == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the JSON document");
    }
    st = eg_sink_open(&sink, NULL, err);
    if (st == EAGLE_OK) {
        st = eg_sink_json(&sink, doc, err);
    }
    json_decref(doc);
    return st;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* The prompt of the whole rounds: what was given, else BOS, or token 0 where there is none. */
static eagle_status read_prompt(eg_prompts *out, const eg_engine *e, const eg_options *opt,
                                eagle_error *err)
{
    const eagle_config *config = eagle_model_config(e->model);

    if (opt->prompt != NULL || opt->prompt_ids != NULL) {
        return eg_prompts_read(out, opt, e->tokenizer, config->vocab, err);
    }
    *out = (eg_prompts){.item = calloc(1, sizeof *out->item), .n = 1};
    if (out->item == NULL || (out->item[0].ids = malloc(sizeof(int32_t))) == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the prompt");
    }
    out->item[0].ids[0] = config->bos >= 0 ? config->bos : 0;
    out->item[0].n = 1;
    return EAGLE_OK;
}

eagle_status eg_cmd_bench(const eg_options *options, eagle_error *err)
{
    eg_options own = *options;
    const eg_options *opt = &own;
    eg_bench *b = calloc(1, sizeof *b); /* its samples are too large for a stack */
    eg_engine e = {0};
    eg_prompts prompts = {0};
    eagle_status st = eg_prompts_check(opt, err);

    if (b == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the measurements");
    }
    if (st == EAGLE_OK && opt->max_tokens == 0) {
        st = eg_cli_fail(err, EAGLE_EINVAL, "--max-tokens 0: a rate needs a token at least");
    }
    if (st == EAGLE_OK) {
        st = eg_engine_check(opt, err);
    }
    if (st == EAGLE_OK) {
        st = eg_engine_open(&e, opt, true, err);
    }
    if (st == EAGLE_OK) {
        eg_engine_warn_ctx(&e, opt);
    }
    if (st == EAGLE_OK) {
        st = read_prompt(&prompts, &e, opt, err);
    }
    if (!EG_GIVEN(opt, EG_OPT_CHUNK)) {
        own.chunk = 512; /* a prompt in one pass: OpenBLAS is at its best */
    }
    if (st == EAGLE_OK) {
        eg_engine_plan(&e.how, &e, opt, 1, 0); /* for its threads and instruction set */
        e.how.chunk = opt->chunk;
        st = eg_bench_open(b, &e, opt, &prompts.item[0], err);
    }
    if (st == EAGLE_OK) {
        st = eg_bench_run(b, err);
    }
    if (st == EAGLE_OK) {
        figures f = summarise(b);

        if (opt->format == EG_FORMAT_JSON) {
            st = print_json(b, &f, err);
        } else {
            print_text(b, &f);
        }
    }
    eg_bench_close(b);
    free(b);
    eg_prompts_free(&prompts);
    eg_engine_close(&e);
    return st;
}
