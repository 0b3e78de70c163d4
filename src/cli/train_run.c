/* SPDX-License-Identifier: MIT */
/* train_run.c - the loop of the training commands.
 *
 * What a checkpoint holds and what stands in --out always belong together: the weights that were
 * judged best are written before the checkpoint that knows of them. So a training that was killed
 * at any moment goes on from its checkpoint and ends with the same files. */
#include "cli/train_run.h"

#include "cli/bench.h"
#include "cli/messages.h"
#include "cli/signals.h"
#include "cli/train_log.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not *.safetensors: some loaders take every such file of a directory for weights. */
#define CHECKPOINT "checkpoint.eagle"

/* Room for the way in which a target wrote its texts, whatever it is: words and three whole
 * numbers, at most 59 characters; a comma and at most 15 characters for each temperature. */
#define WRITING_TEXT (64 + 16 * EG_MAX_REALS)

/* ---- before ------------------------------------------------------------------------------ */

eagle_status eg_train_run_check(const eg_options *opt, eagle_error *err)
{
    if (opt->out == NULL && !opt->dry_run) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs a directory for the result: -o DIR");
    }
    if (opt->dry_run && opt->resume) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--dry-run and --resume: give only one");
    }
    return EAGLE_OK;
}

eagle_train_options eg_train_run_settings(const eg_options *opt)
{
    eagle_train_options o = opt->train;

    o.seed = opt->seed;
    o.threads = EG_GIVEN(opt, EG_OPT_THREADS) ? opt->threads : 0;
    if (!EG_GIVEN(opt, EG_OPT_WARMUP) && o.warmup > o.steps / 10) {
        o.warmup = o.steps / 10;
    }
    return o;
}

eagle_status eg_train_run_directory(const eg_options *opt, eagle_error *err)
{
    struct stat info;

    if (mkdir(opt->out, 0777) == 0) {
        return EAGLE_OK;
    }
    if (errno == EEXIST && stat(opt->out, &info) == 0 && S_ISDIR(info.st_mode)) {
        return EAGLE_OK;
    }
    return eg_cli_fail(err, EAGLE_EWRITE, "%s: cannot create: %s", opt->out, strerror(errno));
}

eagle_status eg_train_run_path(char **out, const char *dir, const char *name, eagle_error *err)
{
    const size_t size = strlen(dir) + strlen(name) + 2;

    *out = malloc(size);
    if (*out == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "%s: no memory for a file's name", dir);
    }
    snprintf(*out, size, "%s/%s", dir, name);
    return EAGLE_OK;
}

uint64_t eg_train_run_memory(const eg_train_run *t)
{
    const uint64_t learning = eagle_train_bill_total(&t->bill) + t->judging;
    const uint64_t writing = eagle_writing_bill_total(&t->writing);

    return t->before + (learning > writing ? learning : writing);
}

eagle_status eg_train_run_afford(eg_train_run *t, eagle_error *err)
{
    const bool told = EG_GIVEN(t->opt, EG_OPT_MAX_MEMORY);
    const char *what = told ? "--max-memory" : "what is free";
    const uint64_t need = eagle_train_bill_total(&t->bill) + t->judging;
    const uint64_t writing = eagle_writing_bill_total(&t->writing);
    char text[4][EG_BYTES_TEXT];

    if (!t->asked) { /* later, what is free lacks what this training holds */
        t->before = eg_peak_memory();
        t->limit = told ? t->opt->max_memory : eagle_memory_available();
        t->asked = true;
    }
    if (t->limit != 0 && writing > t->limit) {
        return eg_cli_fail(err, EAGLE_ELIMIT, "writing texts needs %s of memory, but %s is %s",
                           eg_cli_bytes(text[0], writing), what, eg_cli_bytes(text[1], t->limit));
    }
    if (t->limit == 0 || need <= t->limit) {
        return EAGLE_OK;
    }
    return eg_cli_fail(err, EAGLE_ELIMIT,
                       "needs %s of memory (weights %s, activations %s), but %s is %s; a smaller "
                       "--batch needs less",
                       eg_cli_bytes(text[0], need), eg_cli_bytes(text[1], t->bill.weights),
                       eg_cli_bytes(text[2], t->bill.activations), what,
                       eg_cli_bytes(text[3], t->limit));
}

/* ---- checkpoints ------------------------------------------------------------------------- */

/* How the target writes its texts, as far as the trainer does not know it. Nine digits tell any two
 * temperatures apart. */
static void describe_writing(char text[WRITING_TEXT], const eg_options *opt)
{
    const eg_data_options *data = &opt->data;
    size_t n = (size_t)snprintf(text, WRITING_TEXT, "%" PRId64 " tokens from %d,%d at",
                                data->self_generate, data->self_prompt.min, data->self_prompt.max);

    for (int32_t i = 0; i < data->self_temps.n; i++) {
        n += (size_t)snprintf(text + n, WRITING_TEXT - n, "%c%.9g", i == 0 ? ' ' : ',',
                              (double)data->self_temps.item[i]);
    }
}

/* The memo of a checkpoint; NULL without memory. */
static char *write_memo(const eg_train_run *t)
{
    const eg_best *best = &t->best;
    char *text = NULL;
    json_t *memo = json_pack("{s:I, s:I, s:f}", "judged", (json_int_t)best->judged, "step",
                             (json_int_t)best->step, "length", best->length);

    if (t->opt->data.self_generate > 0) {
        char writing[WRITING_TEXT];

        describe_writing(writing, t->opt);
        if (json_object_set_new(memo, "writing", json_string(writing)) != 0) {
            goto done; /* without it any other way would be gone on with */
        }
    }
    text = json_dumps(memo, JSON_COMPACT | JSON_REAL_PRECISION(17));

done:
    json_decref(memo);
    return text;
}

/* EAGLE_EFIT when the texts were written in another way than the options say now; a training on
 * other texts has none, and is told by their digest. */
static eagle_status check_writing(const eg_train_run *t, const char *found, eagle_error *err)
{
    char wanted[WRITING_TEXT];

    describe_writing(wanted, t->opt);
    if (t->opt->data.self_generate == 0 || found == NULL || strcmp(found, wanted) == 0) {
        return EAGLE_OK;
    }
    return eg_cli_fail(err, EAGLE_EFIT, "%s: the target wrote %s there, but is to write %s here",
                       t->checkpoint, found, wanted);
}

static eagle_status read_memo(eg_train_run *t, const char *memo, eagle_error *err)
{
    json_t *json = json_loads(memo != NULL ? memo : "", 0, NULL);
    json_int_t judged = 0;
    json_int_t step = 0;
    const char *writing = NULL;
    eagle_status st = EAGLE_OK;

    if (json_unpack(json, "{s:I, s:I, s:F, s?s}", "judged", &judged, "step", &step, "length",
                    &t->best.length, "writing", &writing) != 0 ||
        judged < 0 || step < 0) {
        st = eg_cli_fail(err, EAGLE_EFORMAT, "%s: its memo does not say what was best so far",
                         t->checkpoint);
    } else {
        t->best.judged = judged;
        t->best.step = step;
        st = check_writing(t, writing, err);
    }
    json_decref(json);
    return st;
}

/* Whether the checkpoint's texts are those that the options ask for: they take long to write. */
static eagle_status look_at_memo(eg_train_run *t, eagle_error *err)
{
    char *memo = NULL;
    eagle_status st = eagle_trainer_memo(&memo, t->checkpoint, err);

    if (st == EAGLE_OK) {
        st = read_memo(t, memo, err);
    }
    free(memo);
    return st;
}

static eagle_status save(eg_train_run *t, eagle_error *err)
{
    char *memo = write_memo(t);

    if (memo == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "%s: no memory to write it", t->checkpoint);
    }
    eagle_status st = eagle_trainer_save(t->trainer, memo, t->checkpoint, err);

    free(memo);
    return st;
}

/* The checkpoint's name: --checkpoint, or a file in --out. */
static eagle_status find_checkpoint(eg_train_run *t, eagle_error *err)
{
    if (t->opt->checkpoint == NULL) {
        return eg_train_run_path(&t->checkpoint, t->opt->out, CHECKPOINT, err);
    }
    t->checkpoint = strdup(t->opt->checkpoint);
    return t->checkpoint != NULL ? EAGLE_OK
                                 : eg_cli_fail(err, EAGLE_ENOMEM, "no memory for a file's name");
}

eagle_status eg_train_run_find(eg_train_run *t, eagle_error *err)
{
    const eg_options *opt = t->opt;
    eagle_status st = find_checkpoint(t, err);

    if (st != EAGLE_OK) {
        return st;
    }
    t->found = access(t->checkpoint, F_OK) == 0;
    if (t->found && !opt->resume) {
        return eg_cli_fail(err, EAGLE_EINVAL,
                           "%s: a training is kept there; --resume goes on with it, remove it to "
                           "begin anew",
                           t->checkpoint);
    }
    if (!t->found && opt->resume) {
        eg_cli_note(opt->quiet, "note: %s: no checkpoint yet, beginning with step 1",
                    t->checkpoint);
    }
    return t->found && opt->data.self_generate > 0 ? look_at_memo(t, err) : EAGLE_OK;
}

/* Goes on from the checkpoint that was found. */
static eagle_status resume(eg_train_run *t, eagle_error *err)
{
    eagle_resumed what = {0};
    eagle_status st = eagle_trainer_resume(&what, t->trainer, t->checkpoint, err);

    if (st == EAGLE_OK) {
        st = read_memo(t, what.memo, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    if (what.warning != NULL) {
        eg_cli_note(t->opt->quiet, "warning: %s", what.warning);
    }
    eg_cli_note(t->opt->quiet, "going on after step %" PRId64, eagle_trainer_steps(t->trainer));
    return EAGLE_OK;
}

/* ---- judging ----------------------------------------------------------------------------- */

static eagle_status export_weights(const eg_train_run *t, eagle_error *err)
{
    return eagle_trainer_export(t->trainer, t->opt->out, t->opt->dtype, t->opt->own_embedding, err);
}

/* Measures the acceptance length; the best weights so far go to --out. */
static eagle_status measure(eg_train_run *t, eagle_interval *out, bool *whole, eagle_error *err)
{
    eagle_status st = t->judge(out, whole, t, err);

    if (st != EAGLE_OK || !*whole) {
        return st;
    }
    if (t->best.step == 0 || out->mean > t->best.length) {
        st = export_weights(t, err);
        t->best.step = eagle_trainer_steps(t->trainer);
        t->best.length = out->mean;
    }
    return st;
}

/* Says how the weights of this step do on texts that they have not seen. */
static eagle_status judge(eg_train_run *t, eagle_error *err)
{
    const double begun = eagle_clock();
    eagle_interval length = {0};
    bool whole = true;
    eagle_status st = EAGLE_OK;

    if (t->texts->held_out != NULL) {
        st = eagle_trainer_validate(&t->validation, t->trainer, t->texts->held_out, err);
        t->validation.step = eagle_trainer_steps(t->trainer);
    }
    if (st == EAGLE_OK && t->judge != NULL) {
        st = measure(t, &length, &whole, err);
    }
    if (st == EAGLE_OK && whole) {
        t->best.judged = eagle_trainer_steps(t->trainer);
        eg_progress_clear(&t->progress);
        st = eg_train_log_judgement(t, t->judge != NULL ? &length : NULL, err);
    }
    t->paused += eagle_clock() - begun;
    return st;
}

/* ---- the loop ---------------------------------------------------------------------------- */

/* Whether something that is done every `every` steps is to be done after this one. */
static bool due(int64_t every, int64_t step)
{
    return step > 0 && every > 0 && step % every == 0;
}

static eagle_status one_step(eg_train_run *t, eagle_error *err)
{
    eagle_train_report report;
    eagle_status st = eagle_trainer_step(&report, t->trainer, err);

    if (st == EAGLE_OK) {
        t->last = report;
        st = eg_train_log_step(t, err);
    }
    return st;
}

/* Steps, until all are done or a signal comes. */
static eagle_status loop(eg_train_run *t, eagle_error *err)
{
    const eg_options *opt = t->opt;
    const int64_t last = opt->train.steps;
    eagle_status st = EAGLE_OK;

    for (;;) {
        const int64_t step = eagle_trainer_steps(t->trainer);

        if (eg_signals_caught() == 0 && t->best.judged != step &&
            (step == last || due(opt->eval_every, step))) {
            st = judge(t, err);
        }
        const bool stop = step == last || eg_signals_caught() != 0;

        if (st == EAGLE_OK && (stop || (step > t->first_step && due(opt->save_every, step)))) {
            st = save(t, err);
        }
        if (st != EAGLE_OK || stop) {
            return st;
        }
        st = one_step(t, err);
        if (st != EAGLE_OK) {
            return st;
        }
    }
}

eagle_status eg_train_run_start(eg_train_run *t, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    if (t->found) {
        st = resume(t, err);
    } else if (t->opt->data.self_generate > 0) {
        st = save(t, err); /* which knows the texts: they need not be written again */
    }
    t->first_step = eagle_trainer_steps(t->trainer);
    if (st == EAGLE_OK && t->texts->held_out != NULL && t->opt->model == NULL) {
        st = eg_texts_bytes(&t->held_out_bytes, t->texts->held_out, t->tokenizer, err);
    }
    if (st == EAGLE_OK) {
        st = eg_train_log_open(t, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    eg_signals_hold();
    eg_progress_start(&t->progress, t->opt->quiet);
    t->begun = eagle_clock();
    st = loop(t, err);
    eg_progress_clear(&t->progress);
    if (st == EAGLE_ENUMERIC && access(t->checkpoint, F_OK) == 0) {
        eg_cli_note(t->opt->quiet, "%s: the last state that was saved is intact", t->checkpoint);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    if (eagle_trainer_steps(t->trainer) < t->opt->train.steps || eg_signals_caught() != 0) {
        eg_cli_note(t->opt->quiet, "ended by a signal after step %" PRId64 "; --resume goes on",
                    eagle_trainer_steps(t->trainer));
        return EAGLE_OK;
    }
    if (t->judge == NULL) {
        st = export_weights(t, err);
    }
    if (st == EAGLE_OK) {
        eg_train_log_end(t);
    }
    return st;
}

void eg_train_run_close(eg_train_run *t)
{
    if (t->log != NULL) {
        fclose(t->log);
    }
    eagle_trainer_free(t->trainer);
    free(t->checkpoint);
}
