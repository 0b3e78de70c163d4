/* SPDX-License-Identifier: MIT */
/* train_judge.c - the acceptance length of weights that are still learning. */
#include "cli/train_judge.h"

#include "cli/messages.h"
#include "cli/signals.h"

#include <stdlib.h>

#define MAX_PROMPTS 32 /* taken from the texts held out      */
#define BEGINNING   16 /* tokens of a text that is no answer */

/* ---- prompts ----------------------------------------------------------------------------- */

/* The tokens of a document that make a prompt: a question, or the beginning of a text. */
static int32_t beginning(const eagle_document *d)
{
    int32_t n = 1;

    while (n < d->n && d->learn[n] == 0) {
        n++;
    }
    if (n > 1 || d->n <= BEGINNING) {
        return n;
    }
    return BEGINNING;
}

/* Takes the beginnings of documents, evenly spread. */
static void take_beginnings(eg_judge *j, const eagle_corpus *corpus)
{
    const int32_t all = eagle_corpus_count(corpus);

    j->n = all < MAX_PROMPTS ? all : MAX_PROMPTS;
    for (int32_t i = 0; i < j->n; i++) {
        const eagle_document d = eagle_corpus_at(corpus, (int32_t)((int64_t)i * all / j->n));

        j->prompt[i] = (eagle_prompt){.token = d.token, .n = beginning(&d)};
    }
}

static eagle_status read_prompts(eg_judge *j, const eagle_tokenizer *tokenizer, eagle_error *err)
{
    eg_options opt = *j->opt;

    opt.prompts = opt.eval_prompts;
    return eg_prompts_read(&j->read, &opt, tokenizer, eagle_model_config(j->model)->vocab, err);
}

/* The shape of --spec-tree, by its name or from its file. */
static eagle_status find_shape(eg_judge *j, eagle_error *err)
{
    const char *name = j->opt->spec_tree;

    if (name == NULL || eagle_shape_named(&j->shape, name, NULL) == EAGLE_OK) {
        return EAGLE_OK;
    }
    return eagle_shape_read(&j->shape, name, err);
}

eagle_status eg_judge_open(eg_judge *out, const eg_options *opt, const eagle_model *model,
                           const eagle_tokenizer *tokenizer, const eagle_corpus *held_out,
                           eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    size_t room = MAX_PROMPTS;

    *out = (eg_judge){.opt = opt, .model = model};
    st = find_shape(out, err);
    if (st == EAGLE_OK && opt->eval_prompts != NULL) {
        st = read_prompts(out, tokenizer, err);
        room = (size_t)out->read.n;
    }
    if (st != EAGLE_OK) {
        return st;
    }
    out->prompt = calloc(room > 0 ? room : 1, sizeof *out->prompt);
    if (out->prompt == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for %zu prompts", room);
    }
    if (opt->eval_prompts == NULL) {
        if (held_out != NULL) {
            take_beginnings(out, held_out);
        }
        return EAGLE_OK;
    }
    out->n = out->read.n;
    for (int32_t i = 0; i < out->n; i++) {
        out->prompt[i] = (eagle_prompt){.token = out->read.item[i].ids, .n = out->read.item[i].n};
    }
    return EAGLE_OK;
}

void eg_judge_close(eg_judge *j)
{
    eg_prompts_free(&j->read);
    eagle_shape_free(j->shape);
    free(j->prompt);
    *j = (eg_judge){0};
}

/* ---- measuring --------------------------------------------------------------------------- */

/* A head of the present weights and a drafter for it. */
typedef struct {
    eagle_head *head;
    eagle_drafter *drafter;
} candidate;

static void release(candidate *c)
{
    eagle_drafter_free(c->drafter);
    eagle_head_free(c->head);
}

static eagle_status make_candidate(candidate *out, const eg_judge *j, const eagle_trainer *trainer,
                                   eagle_error *err)
{
    const eg_options *opt = j->opt;
    const eagle_tensor *tensor = NULL;
    int32_t n = 0;
    eagle_status st = EAGLE_OK;

    *out = (candidate){0};
    eagle_trainer_tensors(&tensor, &n, trainer);
    st = eagle_head_create(&out->head, j->model, eagle_trainer_config(trainer), tensor, n, err);
    if (st != EAGLE_OK) {
        return st;
    }
    return j->shape != NULL ? eagle_drafter_static(&out->drafter, out->head, j->shape, false, err)
                            : eagle_drafter_dynamic(&out->drafter, out->head, opt->spec_depth,
                                                    opt->spec_topk, opt->spec_nodes, err);
}

/* What is run: greedily, without plain decoding, since only acceptance counts here. */
static void describe(eagle_evaluation_task *task, eagle_evaluation_options *how,
                     const eagle_drafter *const *drafter, const eg_judge *j)
{
    *task = (eagle_evaluation_task){.model = j->model,
                                    .drafter = drafter,
                                    .n_drafters = 1,
                                    .prompt = j->prompt,
                                    .n_prompts = j->n};
    eagle_evaluation_defaults(how);
    how->max_tokens = j->opt->eval_tokens;
    how->plain = false;
    how->session.threads = EG_GIVEN(j->opt, EG_OPT_THREADS) ? j->opt->threads : 0;
}

eagle_status eg_judge_bill(uint64_t *out, const eg_judge *j, const eagle_trainer *trainer,
                           eagle_error *err)
{
    eagle_evaluation_options how;
    eagle_evaluation_task task;
    eagle_memory_bill bill = {0};
    candidate c;
    int32_t ctx = 0;
    eagle_status st = make_candidate(&c, j, trainer, err);

    if (st == EAGLE_OK) {
        const eagle_drafter *const drafter[] = {c.drafter};

        describe(&task, &how, drafter, j);
        st = eagle_evaluation_bill(&bill, &ctx, &task, &how, err);
    }
    *out = bill.target_kv + bill.head_kv + bill.work; /* the weights are the training's */
    release(&c);
    return st;
}

static bool show(void *ctx, int32_t done, int32_t of)
{
    eg_progress_update(ctx, "measuring acceptance, prompt", done, of);
    return eg_signals_caught() == 0;
}

eagle_status eg_judge_measure(eagle_interval *out, bool *whole, eg_train_run *t, eagle_error *err)
{
    const eg_judge *j = t->judge_ctx;
    eagle_evaluation *e = NULL;
    eagle_evaluation_options how;
    eagle_evaluation_task task;
    candidate c;
    eagle_status st = make_candidate(&c, j, t->trainer, err);

    if (st == EAGLE_OK) {
        const eagle_drafter *const drafter[] = {c.drafter};

        describe(&task, &how, drafter, j);
        st = eagle_evaluate(&e, &task, &how, show, &t->progress, err);
    }
    if (st == EAGLE_OK) {
        *whole = eagle_evaluation_count(e) == j->n;
        st = eagle_evaluation_acceptance(out, e, 0, err);
    }
    eagle_evaluation_free(e);
    release(&c);
    return st;
}
