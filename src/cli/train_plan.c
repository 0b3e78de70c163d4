/* SPDX-License-Identifier: MIT */
/* train_plan.c - --dry-run: what a training would be, hold and take, without leaving a trace. */
#include "cli/messages.h"
#include "cli/train_log.h"
#include "cli/train_run.h"

#include <inttypes.h>

#define TIMED_STEPS   3
#define TIMED_SECONDS 10.0 /* no further step after so many */

static void print_texts(const char *name, const eagle_corpus *corpus)
{
    if (corpus != NULL) {
        printf("%s%" PRId32 " documents, %" PRId64 " tokens\n", name, eagle_corpus_count(corpus),
               eagle_corpus_tokens(corpus));
    }
}

static void print_network(const eg_train_run *t)
{
    const eagle_config *c = eagle_trainer_config(t->trainer);

    printf(
        "%s     width %d, layers %d, heads %d (%d for keys and values), MLP %d, vocabulary %d%s\n",
        t->opt->model != NULL ? "head  " : "target", c->dim, c->n_layers, c->n_heads, c->n_kv_heads,
        c->ffn_dim, c->vocab, c->tied ? ", tied" : "");
    printf("parameters %" PRIu64 "\n", t->bill.parameters);
}

static void print_memory(const eg_train_run *t)
{
    const eagle_train_bill *bill = &t->bill;
    char text[8][EG_BYTES_TEXT];

    printf("memory     %s: weights with gradients and moments %s, activations %s, "
           "the target's part %s, texts %s, judging %s, the program before %s",
           eg_cli_bytes(text[0], eg_train_run_memory(t)), eg_cli_bytes(text[1], bill->weights),
           eg_cli_bytes(text[2], bill->activations), eg_cli_bytes(text[3], bill->frozen),
           eg_cli_bytes(text[4], bill->texts), eg_cli_bytes(text[5], t->judging),
           eg_cli_bytes(text[6], t->before));
    if (t->writing.work > 0) {
        printf("; before, for the target to write texts, %s",
               eg_cli_bytes(text[7], eagle_writing_bill_total(&t->writing)));
    }
    printf("\n");
}

/* A few steps, whose weights nobody keeps. */
static eagle_status print_time(eg_train_run *t, eagle_error *err)
{
    const double begun = eagle_clock();
    eagle_train_report report = {0};
    char a_step[EG_DURATION_TEXT];
    char all[EG_DURATION_TEXT];
    double seconds = 0.0;
    eagle_status st = EAGLE_OK;

    do {
        st = eagle_trainer_step(&report, t->trainer, err);
        seconds = eagle_clock() - begun;
    } while (st == EAGLE_OK && report.step < t->opt->train.steps && report.step < TIMED_STEPS &&
             seconds < TIMED_SECONDS);
    if (st != EAGLE_OK) {
        return st;
    }
    seconds /= (double)report.step;
    printf("time       about %s for %" PRId64 " steps: one takes %s here (%" PRId64
           " timed), without validation\n",
           eg_duration(all, seconds * (double)t->opt->train.steps), t->opt->train.steps,
           eg_duration(a_step, seconds), report.step);
    return EAGLE_OK;
}

eagle_status eg_train_run_plan(eg_train_run *t, eagle_error *err)
{
    const eagle_train_options *o = &t->opt->train;
    eagle_status st = EAGLE_OK;

    print_network(t);
    if (t->opt->data.self_generate > 0) {
        printf("texts      %" PRId64
               " tokens that the target writes from beginnings of those given\n",
               t->opt->data.self_generate);
    } else {
        print_texts("texts      ", t->texts->learned);
    }
    print_texts("held out   ", t->texts->held_out);
    printf("steps      %" PRId64 " of %d tokens: each token about %.1f times\n", o->steps,
           (int)o->batch,
           (double)o->steps * (double)o->batch /
               (double)(t->opt->data.self_generate > 0 ? t->opt->data.self_generate
                                                       : eagle_corpus_tokens(t->texts->learned)));
    print_memory(t);
    st = print_time(t, err);
    if (st != EAGLE_OK) {
        return st;
    }
    printf("sample\n");
    return eg_texts_show(t->texts->learned, t->tokenizer, o->length, err);
}
