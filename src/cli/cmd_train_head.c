/* SPDX-License-Identifier: MIT */
/* cmd_train_head.c - a FeatExtrapolator for a target, from texts, from texts that the target writes
 * itself, or from stored features. */
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/messages.h"
#include "cli/train_judge.h"
#include "cli/train_run.h"

#include <stdlib.h>
#include <unistd.h>

#define SELF_GENERATED "self-generated.jsonl"

/* Everything that one run of the command owns. */
typedef struct {
    const eg_options *opt;
    eagle_model *model;
    eagle_tokenizer *tokenizer; /* NULL: the texts are ids */
    eagle_head *start;          /* of --init               */
    eagle_features *features;   /* of --features           */
    eagle_config shape;         /* of a new head           */
    eg_train_texts texts;
    eg_judge judge;
    eg_train_run training;
} job;

static eagle_status check(const eg_options *opt, eagle_error *err)
{
    eagle_status st = eg_train_run_check(opt, err);

    if (st == EAGLE_OK && opt->model == NULL) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs a model: -m DIR");
    }
    if (st == EAGLE_OK && opt->data.features != NULL && opt->data.self_generate > 0) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--features and --self-generate: give only one");
    }
    if (st == EAGLE_OK && opt->init != NULL && EG_GIVEN(opt, EG_OPT_FFN)) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--ffn and --init: give only one");
    }
    return st;
}

static eagle_status open_model(job *j, eagle_error *err)
{
    const eg_options *opt = j->opt;
    eagle_status st = eagle_model_open(&j->model, opt->model, err);

    if (st == EAGLE_OK) {
        st = eg_tokenizer_find(&j->tokenizer, opt->model, err);
    }
    if (st == EAGLE_EUNSUPPORTED && !eg_texts_are_plain(opt)) { /* its files may hold ids */
        eg_cli_note(opt->quiet, "note: going on with token ids: %s", err->message);
        *err = (eagle_error){0};
        st = EAGLE_OK;
    }
    if (st == EAGLE_OK && opt->init != NULL) {
        st = eagle_head_open(&j->start, j->model, opt->init, err);
    } else if (st == EAGLE_OK) {
        eagle_trainer_head_shape(&j->shape, j->model);
        j->shape.ffn_dim = opt->net.ffn > 0 ? opt->net.ffn : j->shape.ffn_dim;
    }
    return st;
}

/* Reads --data as texts of the model. */
static eagle_status read_data(eagle_corpus **out, const job *j, eagle_error *err)
{
    const eagle_config *c = eagle_model_config(j->model);

    return eg_corpus_from(out, j->opt, j->tokenizer, c->vocab, c->n_end > 0 ? c->end[0] : -1, err);
}

/* Stored features come with their texts; those of --data are then all held out. */
static eagle_status open_features(job *j, eagle_error *err)
{
    eagle_status st =
        eagle_features_open(&j->features, &j->texts.learned, j->opt->data.features, j->model, err);

    if (st == EAGLE_OK && j->opt->data.file.n > 0) {
        st = read_data(&j->texts.held_out, j, err);
    }
    return st;
}

/* The texts that the target writes, or has written for this training: without a checkpoint that
 * knows their digest, a file with their name is not believed. */
static eagle_status own_texts(job *j, const char *path, eagle_error *err)
{
    const eg_options *opt = j->opt;
    eg_train_run *t = &j->training;
    eagle_status st = EAGLE_OK;

    if (t->found && access(path, F_OK) == 0) {
        return eg_texts_read(&j->texts, j->model, path, err);
    }
    st = eg_texts_bill(&t->writing, j->model, opt, err);
    if (st == EAGLE_OK) {
        st = eg_train_run_afford(t, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    return opt->dry_run ? eg_texts_for_plan(&j->texts, j->model, opt, err)
                        : eg_texts_write(&j->texts, j->model, opt, path, err);
}

static eagle_status read_texts(job *j, eagle_error *err)
{
    const eg_options *opt = j->opt;
    char *path = NULL;
    eagle_status st = EAGLE_OK;

    if (opt->data.features != NULL) {
        return open_features(j, err);
    }
    st = read_data(&j->texts.learned, j, err);
    if (st == EAGLE_OK) {
        st = eg_texts_split(&j->texts, opt, err);
    }
    if (st != EAGLE_OK || opt->data.self_generate == 0) {
        return st;
    }
    if (opt->dry_run || opt->data.self_save != NULL) {
        return own_texts(j, opt->data.self_save, err);
    }
    st = eg_train_run_path(&path, opt->out, SELF_GENERATED, err);
    if (st == EAGLE_OK) {
        st = own_texts(j, path, err);
    }
    free(path);
    return st;
}

static eagle_train_options settings_for(const job *j)
{
    eagle_train_options o = eg_train_run_settings(j->opt);

    o.length = eg_texts_length(j->opt, j->model);
    return o;
}

static eagle_status make_trainer(job *j, eagle_error *err)
{
    const eagle_train_options settings = settings_for(j);
    const eagle_head_task task = {.model = j->model,
                                  .config = j->start == NULL ? &j->shape : NULL,
                                  .start = j->start,
                                  .corpus = j->texts.learned,
                                  .features = j->features};
    eg_train_run *t = &j->training;
    eagle_status st = eagle_trainer_head(&t->trainer, &t->bill, &task, &settings, err);

    if (st == EAGLE_OK) {
        if (t->bill.texts < t->writing.texts) { /* room that grew with them; a plan's are fewer */
            t->bill.texts = t->writing.texts;
        }
        st = eg_train_run_afford(t, err);
    }
    return st == EAGLE_OK ? eagle_trainer_head(&t->trainer, NULL, &task, &settings, err) : st;
}

/* Prepares the measurement of acceptance, where there are prompts for it. */
static eagle_status make_judge(job *j, eagle_error *err)
{
    eg_train_run *t = &j->training;
    eagle_status st =
        eg_judge_open(&j->judge, j->opt, j->model, j->tokenizer, j->texts.held_out, err);

    if (st != EAGLE_OK) {
        return st;
    }
    if (j->judge.n == 0) {
        eg_cli_note(j->opt->quiet, "note: no text is held out and no --eval-prompts: acceptance is "
                                   "not measured, the last weights are kept");
        return EAGLE_OK;
    }
    t->judge = eg_judge_measure;
    t->judge_ctx = &j->judge;
    st = eg_judge_bill(&t->judging, &j->judge, t->trainer, err);
    return st == EAGLE_OK ? eg_train_run_afford(t, err) : st;
}

static eagle_status start(job *j, eagle_error *err)
{
    eagle_status st = open_model(j, err);

    if (st == EAGLE_OK) {
        st = read_texts(j, err);
    }
    if (st == EAGLE_OK) {
        j->training.tokenizer = j->tokenizer;
        st = make_trainer(j, err);
    }
    return st == EAGLE_OK ? make_judge(j, err) : st;
}

eagle_status eg_cmd_train_head(const eg_options *opt, eagle_error *err)
{
    job j = {.opt = opt};
    eagle_status st = check(opt, err);

    j.training = (eg_train_run){.opt = opt, .texts = &j.texts};
    if (st == EAGLE_OK && !opt->dry_run) {
        st = eg_train_run_directory(opt, err);
    }
    if (st == EAGLE_OK && !opt->dry_run) {
        st = eg_train_run_find(&j.training, err);
    }
    if (st == EAGLE_OK) {
        st = start(&j, err);
    }
    if (st == EAGLE_OK) {
        st = opt->dry_run ? eg_train_run_plan(&j.training, err)
                          : eg_train_run_start(&j.training, err);
    }
    eg_train_run_close(&j.training);
    eg_judge_close(&j.judge);
    eg_train_texts_free(&j.texts);
    eagle_features_free(j.features);
    eagle_head_free(j.start);
    eagle_tokenizer_free(j.tokenizer);
    eagle_model_free(j.model);
    return st;
}
