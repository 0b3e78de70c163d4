/* SPDX-License-Identifier: MIT */
/* train_run.h - what the training commands share: the plan, the loop, its log, its checkpoints. */
#ifndef EG_CLI_TRAIN_RUN_H
#define EG_CLI_TRAIN_RUN_H

#include "cli/options.h"
#include "cli/progress.h"
#include "cli/train_texts.h"

#include <stdio.h>

/* The best weights so far, and how far the judging is: what a checkpoint remembers beside the
 * trainer's own state. */
typedef struct {
    int64_t judged; /* the last step that was judged; 0: none       */
    int64_t step;   /* that of the best weights; 0: none            */
    double length;  /* their acceptance length                      */
} eg_best;

typedef struct eg_train_run eg_train_run;

struct eg_train_run {
    const eg_options *opt;
    const eagle_tokenizer *tokenizer; /* NULL: the texts are ids                              */
    const eg_train_texts *texts;
    eagle_trainer *trainer;
    eagle_train_bill bill;
    eagle_writing_bill
        writing;      /* of the target's own texts, before the trainer is made; zeros: none */
    uint64_t judging; /* bytes that `judge` needs for a while               */
    bool asked;       /* whether it was asked what it may need; then:                */
    uint64_t before;  /* bytes that the program held before                          */
    uint64_t limit;   /* bytes that it may need, 0: not known                        */

    /* Measures the acceptance length of the present weights; *whole is false when a signal cut it
     * short. NULL: the last weights are those that count. */
    eagle_status (*judge)(eagle_interval *out, bool *whole, eg_train_run *t, eagle_error *err);
    void *judge_ctx;

    char *checkpoint; /* its file                              */
    bool found;       /* it was there when the program started */
    FILE *log;
    eg_progress progress;
    eg_best best;
    eagle_train_report last;       /* the last step    */
    eagle_train_report validation; /* the last one     */
    int64_t held_out_bytes;        /* of text; 0: ids, or a head */
    int64_t first_step;            /* of this run      */
    double begun;                  /* the clock then   */
    double paused;                 /* seconds of them that no step took */
};

/* EAGLE_EINVAL for options that the loop needs or that do not fit each other. Needs no file. */
eagle_status eg_train_run_check(const eg_options *opt, eagle_error *err);

/* The settings of the trainer: the command's, with seed and threads; where --warmup was not given,
 * no more than a tenth of a short training. */
eagle_train_options eg_train_run_settings(const eg_options *opt);

/* Makes the directory --out, unless it is there. EAGLE_EWRITE. */
eagle_status eg_train_run_directory(const eg_options *opt, eagle_error *err);

/* "DIR/NAME", to be freed; EAGLE_ENOMEM. */
eagle_status eg_train_run_path(char **out, const char *dir, const char *name, eagle_error *err);

/* Bytes of the whole process, by plan. */
uint64_t eg_train_run_memory(const eg_train_run *t);

/* EAGLE_ELIMIT when bill and judging, or before them the writing of texts, are more than
 * --max-memory, or than what was free at the first call, which is before anything of them is
 * made. */
eagle_status eg_train_run_afford(eg_train_run *t, eagle_error *err);

/* Looks for the checkpoint, before anything costs time or replaces a file: EAGLE_EINVAL when there
 * is one without --resume, EAGLE_EFIT when the target wrote its texts in another way. */
eagle_status eg_train_run_find(eg_train_run *t, eagle_error *err);

/* Goes on from that checkpoint, if it was there, and trains to the end, or until a signal comes;
 * saves, judges, logs, and writes the result to --out. */
eagle_status eg_train_run_start(eg_train_run *t, eagle_error *err);

/* --dry-run: prints the plan with a few steps timed, and one sample. */
eagle_status eg_train_run_plan(eg_train_run *t, eagle_error *err);

/* Releases what this file made, the trainer included. */
void eg_train_run_close(eg_train_run *t);

#endif
