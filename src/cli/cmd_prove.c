/* SPDX-License-Identifier: MIT */
/* cmd_prove.c - runs proofs: the one that the options describe, or a matrix of them. */
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/progress.h"
#include "cli/prompts.h"
#include "cli/prove_matrix.h"
#include "cli/prove_rule.h"
#include "cli/rule_guard.h"
#include "cli/signals.h"

#include <stdlib.h>
#include <string.h>

/* Everything that one run of the command owns. */
typedef struct {
    const eg_options *opt;
    eg_engine engine;
    eg_prompts prompts;
    eg_prove_case *item; /* [n] */
    int32_t n;
    int32_t at; /* the case that runs */
    unsigned levels;
    char model_digest[65];
    char head_digest[65]; /* "": no head */
    eg_progress progress;
    eg_sink sink;
} job;

/* Does the command line say what to prove? */
static bool is_told(const eg_options *opt)
{
    static const int32_t says[] = {EG_OPT_TEMP,         EG_OPT_TOP_K,      EG_OPT_TOP_P,
                                   EG_OPT_MIN_P,        EG_OPT_VERIFY,     EG_OPT_SPEC_DEPTH,
                                   EG_OPT_SPEC_TOPK,    EG_OPT_SPEC_NODES, EG_OPT_SPEC_TREE,
                                   EG_OPT_SPEC_CHILDREN};

    for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
        if (EG_GIVEN(opt, says[i])) {
            return true;
        }
    }
    return opt->head == NULL;
}

/* "node,round" */
static eagle_status read_levels(unsigned *out, const char *list, eagle_error *err)
{
    *out = 0;
    while (*list != '\0') {
        const size_t size = strcspn(list, ",");
        char name[32] = "";
        eagle_prove_level level;

        if (size < sizeof name) {
            memcpy(name, list, size);
        }
        eagle_status st = eagle_prove_level_parse(&level, name, err);

        if (st != EAGLE_OK) {
            return st;
        }
        *out |= 1U << level;
        list += size + (list[size] == ',');
    }
    return *out != 0 ? EAGLE_OK : eg_cli_fail(err, EAGLE_EINVAL, "--level: no level is named");
}

/* ---- cases ----------------------------------------------------------------------------------- */

static void fill_options(const job *j, eagle_prove_options *how)
{
    eagle_prove_defaults(how);
    how->levels = j->levels;
    how->length = j->opt->max_tokens;
    how->limit = j->opt->limit;
    how->threads = EG_GIVEN(j->opt, EG_OPT_THREADS) ? j->opt->threads : 1;
    how->isa = j->opt->isa;
}

static void fill_task(const job *j, eagle_prove_task *task, const eagle_drafter *drafter)
{
    *task = (eagle_prove_task){
        .model = j->engine.model, .drafter = drafter, .ignore_end = j->opt->ignore_eos};
    if (j->prompts.n > 0) {
        task->context = (eagle_prompt){.token = j->prompts.item[0].ids, .n = j->prompts.item[0].n};
    }
}

static eagle_status one_case(job *j, eg_prove_case *item, eagle_error *err)
{
    eagle_session_options how;

    eg_engine_plan(&how, &j->engine, j->opt, 1, 0);
    fill_options(j, &item->how);
    fill_task(j, &item->task, j->engine.drafter);
    item->task.sampling = how.sampling;
    item->tree.shape = j->opt->spec_tree;
    return item->verifier != NULL ? eg_prove_rule_mode(&item->task.sampling, j->opt, err)
                                  : EAGLE_OK;
}

static eagle_status row_case(job *j, eg_prove_case *item, const eg_prove_row *row, eagle_error *err)
{
    eagle_sampling *s = &item->task.sampling;
    eagle_status st = eg_prove_drafter(&item->drafter, row, j->engine.head, err);

    item->tree = row->tree;
    fill_options(j, &item->how);
    fill_task(j, &item->task, item->drafter);
    eagle_sampling_defaults(s);
    s->mode = row->mode;
    s->temperature = row->temperature;
    s->top_k = row->top_k;
    if (!EG_GIVEN(j->opt, EG_OPT_PROVE_LENGTH)) {
        item->how.length = row->length;
        item->how.program_length = row->program_length;
    }
    if (item != j->item) { /* one time is enough for what needs no model */
        item->how.levels &= ~(1U << EAGLE_PROVE_PRIMITIVES);
    }
    if (st == EAGLE_OK) {
        st = eagle_decimal_parse(&s->top_p, row->top_p, err);
    }
    return st == EAGLE_OK ? eagle_decimal_parse(&s->min_p, row->min_p, err) : st;
}

/* Room for a case more; NULL without memory. */
static eg_prove_case *add_case(job *j, eagle_error *err)
{
    eg_prove_case *item = realloc(j->item, (size_t)(j->n + 1) * sizeof *item);

    if (item == NULL) {
        eg_cli_fail(err, EAGLE_ENOMEM, "no memory for %d proofs", j->n + 1);
        return NULL;
    }
    j->item = item;
    item[j->n] = (eg_prove_case){0};
    return &item[j->n++];
}

/* Forgets the last case when none of the levels that are wanted is of it. */
static void drop_empty(job *j)
{
    eg_prove_case *last = &j->item[j->n - 1];

    if (last->how.levels == 0) {
        eagle_drafter_free(last->drafter);
        eagle_verifier_close(last->verifier);
        j->n--;
    }
}

static eagle_status matrix_cases(job *j, eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    const eg_prove_row *row;

    for (int32_t i = 0; st == EAGLE_OK && (row = eg_prove_row_at(i)) != NULL; i++) {
        eg_prove_case *item = add_case(j, err);

        st = item != NULL ? row_case(j, item, row, err) : EAGLE_ENOMEM;
        if (st == EAGLE_OK) {
            drop_empty(j);
        }
    }
    return st;
}

/* The r-th rule of the options, as the options say (row NULL) or on a row. */
static eagle_status rule_case(job *j, int32_t r, const eg_prove_row *row, eagle_error *err)
{
    eg_prove_case *item = add_case(j, err);

    if (item == NULL) {
        return EAGLE_ENOMEM;
    }
    eagle_status st = eg_prove_rule_open(&item->verifier, j->opt, r, err);

    if (st == EAGLE_OK) {
        st = row != NULL ? row_case(j, item, row, err) : one_case(j, item, err);
    }
    return st;
}

/* On every row, every rule that fits it. */
static eagle_status rule_cases(job *j, bool told, eagle_error *err)
{
    const int32_t n = eg_prove_rule_count(j->opt);
    eagle_status st = EAGLE_OK;
    bool any = true;

    for (int32_t i = 0; st == EAGLE_OK && any; i++) {
        any = false;
        for (int32_t r = 0; st == EAGLE_OK && r < n; r++) {
            eagle_verifier *v = NULL;

            st = eg_prove_rule_open(&v, j->opt, r, err);
            const eg_prove_row *row =
                st == EAGLE_OK && !told ? eg_prove_rule_row(j->opt, v, i) : NULL;

            eagle_verifier_close(v);
            if (st == EAGLE_OK && (row != NULL || (told && i == 0))) {
                any = true;
                st = rule_case(j, r, row, err);
            }
        }
    }
    return st;
}

static eagle_status make_cases(job *j, eagle_error *err)
{
    const bool told = is_told(j->opt);
    bool ruled = false;
    eagle_status st = eg_prove_rule_check(&ruled, j->opt, j->levels, err);

    if (st != EAGLE_OK || ruled) {
        return st == EAGLE_OK ? rule_cases(j, told, err) : st;
    }
    if (!told) {
        return matrix_cases(j, err);
    }
    eg_prove_case *item = add_case(j, err);

    return item != NULL ? one_case(j, item, err) : EAGLE_ENOMEM;
}

/* ---- running --------------------------------------------------------------------------------- */

static bool go_on(void *ctx, eagle_prove_level level, int64_t runs)
{
    job *j = ctx;
    char what[96];

    snprintf(what, sizeof what, "proof %d of %d, %s: runs", j->at + 1, j->n,
             eagle_prove_level_name(level));
    eg_progress_update(&j->progress, what, runs, 0);
    return eg_signals_caught() == 0;
}

/* Forgets the cases from `from` on. */
static void drop_cases(job *j, int32_t from)
{
    for (int32_t i = from; i < j->n; i++) {
        eagle_proof_free(j->item[i].proof);
        eagle_drafter_free(j->item[i].drafter);
        eagle_verifier_close(j->item[i].verifier);
    }
    j->n = from < j->n ? from : j->n;
}

static eagle_status run(job *j, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    eg_signals_hold(); /* from here on Ctrl-C keeps what is complete */
    eg_progress_start(&j->progress, j->opt->quiet);
    for (j->at = 0; st == EAGLE_OK && j->at < j->n && eg_signals_caught() == 0; j->at++) {
        eg_prove_case *item = &j->item[j->at];

        if (item->verifier != NULL) {
            eg_prove_rule_use(item, j->opt);
        }
        st = eagle_prove(&item->proof, &item->task, &item->how, go_on, j, err);
        if (st == EAGLE_OK && j->opt->verifier != NULL &&
            eagle_proof_verdict(item->proof) == EAGLE_VERDICT_REFUTED) {
            drop_cases(j, j->at + 1); /* one counterexample is enough */
        }
    }
    eg_progress_clear(&j->progress);
    if (eg_signals_caught() != 0) { /* main() has the exit code */
        eg_cli_note(false, "interrupted: what was not proven by then is BOUND");
    }
    return st;
}

static eagle_status start(job *j, eagle_error *err)
{
    eagle_status st = eg_engine_check(j->opt, err);

    j->levels = (1U << EAGLE_PROVE_LEVELS) - 1;
    if (st == EAGLE_OK && j->opt->level != NULL) {
        st = read_levels(&j->levels, j->opt->level, err);
    }
    if (st == EAGLE_OK) {
        st = eg_engine_open(&j->engine, j->opt, true, err);
    }
    if (st == EAGLE_OK && (j->opt->prompt != NULL || j->opt->prompt_ids != NULL)) {
        st = eg_prompts_read(&j->prompts, j->opt, j->engine.tokenizer,
                             eagle_model_config(j->engine.model)->vocab, err);
    }
    if (st == EAGLE_OK) {
        st = make_cases(j, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_model_digest(j->model_digest, j->engine.model, err);
    }
    if (st == EAGLE_OK && j->engine.head != NULL) {
        st = eagle_head_digest(j->head_digest, j->engine.head, err);
    }
    return st == EAGLE_OK ? eg_sink_open(&j->sink, j->opt->output, err) : st;
}

static eagle_status report(job *j, eagle_error *err)
{
    eg_prove_report r = {.opt = j->opt, .engine = &j->engine, .item = j->item, .n = j->n};

    memcpy(r.model_digest, j->model_digest, sizeof r.model_digest);
    memcpy(r.head_digest, j->head_digest, sizeof r.head_digest);
    eagle_status st = j->opt->format == EG_FORMAT_JSON ? eg_prove_json(&j->sink, &r, err)
                                                       : eg_prove_text(&j->sink, &r, err);

    if (st == EAGLE_OK) {
        st = eg_sink_commit(&j->sink, err);
    }
    /* The report has said everything: no line on stderr. */
    return st == EAGLE_OK && eg_signals_caught() == 0 ? eagle_verdict_status(eg_prove_verdict(&r))
                                                      : st;
}

static eagle_status prove(const eg_options *opt, eagle_error *err)
{
    job j = {.opt = opt};

    eg_fraction_guard();
    eagle_status st = start(&j, err);

    if (st == EAGLE_OK) {
        st = run(&j, err);
    }
    if (st == EAGLE_OK) {
        st = report(&j, err);
    }
    eg_sink_close(&j.sink);
    drop_cases(&j, 0);
    free(j.item);
    eg_prompts_free(&j.prompts);
    eg_engine_close(&j.engine);
    return st;
}

eagle_status eg_cmd_prove(const eg_options *opt, eagle_error *err)
{
    return opt->verifier != NULL ? eg_rule_apart(prove, opt, err) : prove(opt, err);
}
