/* SPDX-License-Identifier: MIT */
/* train_judge.h - how good a head is while it learns: the acceptance length of its present weights,
 * measured with the engine itself on prompts whose texts it does not learn. */
#ifndef EG_CLI_TRAIN_JUDGE_H
#define EG_CLI_TRAIN_JUDGE_H

#include "cli/prompts.h"
#include "cli/train_run.h"

typedef struct {
    const eg_options *opt;
    const eagle_model *model;
    eg_prompts read;      /* of --eval-prompts                         */
    eagle_prompt *prompt; /* [n] those, or beginnings of texts held out */
    int32_t n;            /* 0: there is nothing to judge on            */
    eagle_shape *shape;   /* of a static tree                           */
} eg_judge;

/* Takes the prompts of --eval-prompts, or the beginnings of the texts held out (NULL: none).
 * Release with eg_judge_close(), also after a failure. */
eagle_status eg_judge_open(eg_judge *out, const eg_options *opt, const eagle_model *model,
                           const eagle_tokenizer *tokenizer, const eagle_corpus *held_out,
                           eagle_error *err);
void eg_judge_close(eg_judge *j);

/* Bytes that a measurement needs, for a trainer's weights. */
eagle_status eg_judge_bill(uint64_t *out, const eg_judge *j, const eagle_trainer *trainer,
                           eagle_error *err);

/* What eg_train_run.judge is, with an eg_judge as judge_ctx. */
eagle_status eg_judge_measure(eagle_interval *out, bool *whole, eg_train_run *t, eagle_error *err);

#endif
