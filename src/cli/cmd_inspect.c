/* SPDX-License-Identifier: MIT */
/* cmd_inspect.c - what was understood of a model and its head, whether they fit, and the memory
 * that a session would take. */
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/messages.h"
#include "cli/sink.h"
#include "cli/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Sums over the tensors of a model or head. */
typedef struct {
    int32_t n;
    int64_t parameters;
    uint64_t bytes;
    char dtypes[64]; /* "F32" or "BF16, F32" */
} census;

static census take_census(const eg_engine *e, bool head)
{
    census c = {0};
    bool seen[EAGLE_BOOL + 1] = {false};
    const eagle_tensor *t = NULL;

    while ((t = head ? eagle_head_tensor(e->head, c.n) : eagle_model_tensor(e->model, c.n)) !=
           NULL) {
        size_t width = eagle_dtype_size(t->dtype);

        c.n++;
        c.bytes += t->size;
        c.parameters += (int64_t)(t->size / (width > 0 ? width : 1));
        if (!seen[t->dtype]) {
            size_t used = strlen(c.dtypes);

            seen[t->dtype] = true;
            snprintf(c.dtypes + used, sizeof c.dtypes - used, "%s%s", used > 0 ? ", " : "",
                     eagle_dtype_name(t->dtype));
        }
    }
    return c;
}

static const char *rope_name(const eagle_rope *rope)
{
    static const char *const name[] = {"default", "linear", "llama3"};

    return name[rope->kind];
}

/* ---- text ------------------------------------------------------------------------------------ */

static void print_census(const census *c)
{
    char bytes[EG_BYTES_TEXT];

    printf("  tensors     %d, %" PRId64 " parameters, %s, %s\n", c->n, c->parameters, c->dtypes,
           eg_cli_bytes(bytes, c->bytes));
}

static void print_shape(const eagle_config *c)
{
    printf("  shape       dim %d, %d layer%s, %d heads of %d, %d KV heads, ffn %d, vocabulary %d\n",
           c->dim, c->n_layers, c->n_layers == 1 ? "" : "s", c->n_heads, c->head_dim, c->n_kv_heads,
           c->ffn_dim, c->vocab);
}

static void print_rope(const eagle_config *c)
{
    printf("  positions   %d, RoPE %s, theta %g", c->context, rope_name(&c->rope), c->rope.theta);
    if (c->rope.kind != EAGLE_ROPE_DEFAULT) {
        printf(", factor %g", c->rope.factor);
    }
    if (c->rope.kind == EAGLE_ROPE_LLAMA3) {
        printf(", low %g, high %g, from %d", c->rope.low_freq_factor, c->rope.high_freq_factor,
               c->rope.original_context);
    }
    printf("\n");
}

static void print_tokenizer(const eg_engine *e, int32_t vocab)
{
    if (e->tokenizer != NULL) {
        printf("  tokenizer   %d ids%s\n", eagle_tokenizer_vocab(e->tokenizer),
               eagle_tokenizer_vocab(e->tokenizer) > vocab ? ", MORE THAN THE MODEL HAS" : "");
    } else if (e->no_tokenizer.code != EAGLE_OK) {
        printf("  tokenizer   UNUSABLE, token ids only: %s\n", e->no_tokenizer.message);
    } else {
        printf("  tokenizer   none: token ids only\n");
    }
}

static void print_model(const eg_engine *e, const eg_options *opt)
{
    const eagle_config *c = eagle_model_config(e->model);
    census sum = take_census(e, false);

    printf("model %s\n", opt->model);
    print_shape(c);
    print_rope(c);
    printf("  norm        RMS, epsilon %g\n", (double)c->rms_eps);
    printf("  LM head     %s\n", c->tied ? "the embedding" : "its own");
    printf("  biases      %s\n", c->attention_bias ? (c->mlp_bias ? "attention, MLP" : "attention")
                                                   : (c->mlp_bias ? "MLP" : "none"));
    printf("  ends with  ");
    for (int32_t i = 0; i < c->n_end; i++) {
        printf(" %d", c->end[i]);
    }
    printf("%s\n", c->n_end == 0 ? " nothing: only -n ends a text" : "");
    print_tokenizer(e, c->vocab);
    print_census(&sum);
}

static void print_head(const eg_engine *e, const eg_options *opt)
{
    const eagle_config *c = eagle_head_config(e->head);
    census sum = take_census(e, true);

    printf("head %s\n", opt->head);
    print_shape(c);
    printf("  RoPE        %s, theta %g%s\n", rope_name(&c->rope), c->rope.theta,
           c->theta_given ? "" : " (the file gives none)");
    printf("  biases      fc %s, q k v %s\n", c->fc_bias ? "yes" : "no",
           c->qkv_bias ? "yes" : "no");
    printf("  embedding   %s\n", eagle_head_own_embedding(e->head) ? "its own" : "the model's");
    print_census(&sum);
    printf("  fits        yes\n");
}

static void print_bill(const eg_engine *e, const eagle_session_options *how,
                       const eagle_memory_bill *bill)
{
    char t[6][EG_BYTES_TEXT];
    uint64_t available = eagle_memory_available();

    printf("memory for -c %d, tree %s\n", how->ctx, eg_engine_tree(e));
    printf("  weights     %s, mapped\n", eg_cli_bytes(t[0], bill->weights));
    printf("  KV cache    %s\n", eg_cli_bytes(t[1], bill->target_kv));
    if (e->head != NULL) {
        printf("  head's KV   %s\n", eg_cli_bytes(t[2], bill->head_kv));
    }
    printf("  work        %s\n", eg_cli_bytes(t[3], bill->work));
    printf("  together    %s", eg_cli_bytes(t[4], eg_bill_total(bill)));
    if (available > 0) {
        printf(" of %s that are free%s", eg_cli_bytes(t[5], available),
               eg_bill_total(bill) > available ? ": TOO MUCH" : "");
    }
    printf("\n");
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *census_json(const census *c)
{
    return json_pack("{s:i, s:I, s:I, s:s}", "tensors", c->n, "parameters",
                     (json_int_t)c->parameters, "bytes", (json_int_t)c->bytes, "dtypes", c->dtypes);
}

static json_t *shape_json(const eagle_config *c)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:{s:s, s:f, s:f}}", "dim",
                     c->dim, "n_layers", c->n_layers, "n_heads", c->n_heads, "n_kv_heads",
                     c->n_kv_heads, "head_dim", c->head_dim, "ffn_dim", c->ffn_dim, "vocab",
                     c->vocab, "context", c->context, "rms_eps", (double)c->rms_eps, "rope", "kind",
                     rope_name(&c->rope), "theta", c->rope.theta, "factor", c->rope.factor);
}

static json_t *model_json(const eg_engine *e)
{
    const eagle_config *c = eagle_model_config(e->model);
    census sum = take_census(e, false);
    const char *why = e->no_tokenizer.message;
    json_t *end = json_array();
    int bad = 0;

    for (int32_t i = 0; i < c->n_end; i++) {
        bad |= json_array_append_new(end, json_integer(c->end[i]));
    }
    if (bad != 0) {
        json_decref(end);
        return NULL;
    }
    return json_pack(
        "{s:o, s:b, s:b, s:b, s:o, s:o, s:o, s:o}", "shape", shape_json(c), "tied", c->tied,
        "attention_bias", c->attention_bias, "mlp_bias", c->mlp_bias, "end", end, "tokenizer_ids",
        e->tokenizer != NULL ? json_integer(eagle_tokenizer_vocab(e->tokenizer)) : json_null(),
        "tokenizer_error",
        e->no_tokenizer.code != EAGLE_OK ? eg_json_text(why, strlen(why)) : json_null(), "weights",
        census_json(&sum));
}

static json_t *head_json(const eg_engine *e)
{
    const eagle_config *c = NULL;
    census sum;

    if (e->head == NULL) {
        return json_null();
    }
    c = eagle_head_config(e->head);
    sum = take_census(e, true);
    return json_pack("{s:o, s:b, s:b, s:b, s:b, s:o}", "shape", shape_json(c), "fc_bias",
                     c->fc_bias, "qkv_bias", c->qkv_bias, "own_embedding",
                     eagle_head_own_embedding(e->head), "fits", 1, "weights", census_json(&sum));
}

static eagle_status print_json(const eg_engine *e, const eagle_session_options *how,
                               const eagle_memory_bill *bill, uint64_t scanned, eagle_error *err)
{
    eg_sink sink;
    eagle_status st = EAGLE_OK;
    json_t *doc =
        json_pack("{s:s, s:o, s:o, s:{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I}, s:o}", "schema",
                  "eagle.inspect/1", "model", model_json(e), "head", head_json(e), "memory", "ctx",
                  how->ctx, "tree", eg_engine_tree(e), "weights", (json_int_t)bill->weights,
                  "target_kv", (json_int_t)bill->target_kv, "head_kv", (json_int_t)bill->head_kv,
                  "work", (json_int_t)bill->work, "total", (json_int_t)eg_bill_total(bill),
                  "available", (json_int_t)eagle_memory_available(), "scanned_bytes",
                  scanned > 0 ? json_integer((json_int_t)scanned) : json_null());

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

/* MODEL [HEAD] may stand behind -m and -H or without them. */
static eagle_status place_arguments(eg_options *opt, eagle_error *err)
{
    int32_t i = 0;

    if (opt->model == NULL && i < opt->n_args) {
        opt->model = opt->args[i++];
    }
    if (opt->head == NULL && i < opt->n_args) {
        opt->head = opt->args[i++];
    }
    if (i < opt->n_args) {
        return eg_cli_fail(err, EAGLE_EINVAL, "inspect: unexpected argument '%s'", opt->args[i]);
    }
    return EAGLE_OK;
}

static eagle_status scan(uint64_t *n_bytes, const eg_engine *e, const eg_options *opt,
                         eagle_error *err)
{
    int32_t threads = EG_GIVEN(opt, EG_OPT_THREADS) ? opt->threads : eagle_cpu_count();
    double start = eagle_clock();
    char bytes[EG_BYTES_TEXT];
    eg_progress progress;
    eagle_status st = EAGLE_OK;

    eg_progress_start(&progress, opt->quiet);
    progress.next = progress.terminal ? start : progress.next;
    eg_progress_update(&progress, "reading all weights", 0, 0);
    st = eagle_model_scan(n_bytes, e->model, e->head, true, threads, err);
    eg_progress_clear(&progress);
    if (st == EAGLE_OK && opt->format == EG_FORMAT_TEXT) {
        printf("scan\n  all finite  %s read in %.2f s\n", eg_cli_bytes(bytes, *n_bytes),
               eagle_clock() - start);
    }
    return st;
}

eagle_status eg_cmd_inspect(const eg_options *options, eagle_error *err)
{
    eg_options opt = *options;
    eg_engine e = {0};
    eagle_session_options how;
    eagle_memory_bill bill;
    uint64_t scanned = 0;
    bool json = opt.format == EG_FORMAT_JSON;
    eagle_status st = place_arguments(&opt, err);

    if (st == EAGLE_OK) {
        st = eg_engine_check(&opt, err);
    }
    if (st == EAGLE_OK) {
        st = eg_engine_open(&e, &opt, true, err);
    }
    if (st == EAGLE_OK) {
        eg_engine_warn_ctx(&e, &opt);
        eg_engine_plan(&how, &e, &opt, eg_engine_own_ctx(&e, &opt), 0);
        st = eagle_session_bill(&bill, e.model, e.drafter, &how, err);
    }
    if (st == EAGLE_OK && !json) {
        print_model(&e, &opt);
        if (e.head != NULL) {
            print_head(&e, &opt);
        }
        print_bill(&e, &how, &bill);
    }
    if (st == EAGLE_OK && opt.scan) {
        st = scan(&scanned, &e, &opt, err);
    }
    if (st == EAGLE_OK && json) {
        st = print_json(&e, &how, &bill, scanned, err);
    }
    eg_engine_close(&e);
    return st;
}
