/* SPDX-License-Identifier: MIT */
/* train.h - training of a target or of a FeatExtrapolator, one step per call.
 *
 * The same seed, threads and BLAS core type give the same bits; a training that is saved, ended and
 * resumed gives the same bits as one that went on. A trainer is used from one thread at a time, and
 * one at a time in a process: OpenBLAS and its number of threads belong to all of it. Without
 * OpenBLAS (eagle_part_at() tells) training is right, and slow. */
#ifndef EAGLE_TRAIN_H
#define EAGLE_TRAIN_H

#include "eagle/corpus.h"
#include "eagle/model.h"
#include "eagle/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eagle_trainer eagle_trainer; /* opaque */

typedef enum {
    EAGLE_SCHEDULE_CONSTANT,
    EAGLE_SCHEDULE_LINEAR,
    EAGLE_SCHEDULE_COSINE
} eagle_schedule;

typedef struct {
    int64_t steps;   /* optimizer steps in all                                     */
    int64_t warmup;  /* of them, with a rising learning rate                       */
    int32_t batch;   /* rows (tokens) of a step                                    */
    int32_t length;  /* most tokens of a sequence; longer documents are cut        */
    double lr;       /* highest learning rate                                      */
    double lr_floor; /* share of it at the end                                     */
    eagle_schedule schedule;
    double beta1;
    double beta2;
    double eps;
    double weight_decay;
    double clip_value; /* 0: off */
    double clip_norm;  /* 0: off */
    uint64_t seed;     /* first weights, order of the documents, noise               */
    int32_t threads;   /* 1 to 64; 0: the CPUs this process may use                  */

    /* Heads only. */
    double feature_weight; /* of smooth L1 on features                                 */
    double token_weight;   /* of soft cross entropy through the frozen LM head         */
    double noise;          /* features are read with uniform noise of +- this          */
    double own_features;   /* share of features that the head reads as it would have
                            * predicted them itself, as it does in a tree; 0: none     */
} eagle_train_options;

/* The published settings for a head (spec section 4.1), and usual ones for a target. */
EAGLE_API void eagle_train_defaults_head(eagle_train_options *out);
EAGLE_API void eagle_train_defaults_target(eagle_train_options *out);

/* What a training will hold in memory, and how many parameters it learns. */
typedef struct {
    uint64_t parameters;
    uint64_t weights;     /* bytes: parameters, gradients, two moments       */
    uint64_t activations; /* bytes: what a step keeps for its way back       */
    uint64_t frozen;      /* bytes: the target's part of a head's training   */
    uint64_t texts;       /* bytes: the corpus and its order                 */
} eagle_train_bill;

EAGLE_API uint64_t eagle_train_bill_total(const eagle_train_bill *bill);

/* A target of `config`, from random weights or from those of `start`. All are borrowed. */
typedef struct {
    const eagle_config *config; /* NULL: that of `start`   */
    const eagle_model *start;   /* NULL: random weights    */
    const eagle_corpus *corpus;
} eagle_target_task;

/* An EAGLE-1 head for `model`, from random weights or from those of `start`. `features` belong to
 * the corpus that came with them. All are borrowed. */
typedef struct {
    const eagle_model *model;
    const eagle_config *config; /* of the head; NULL: that of `start`, else
                                 * eagle_trainer_head_shape()                         */
    const eagle_head *start;    /* NULL: random weights; else a head that reads the
                                 * target's embedding                                 */
    const eagle_corpus *corpus;
    const eagle_features *features; /* NULL: computed on the fly                      */
} eagle_head_task;

/* The shape of a new head: one layer in the target's shape, without any bias. */
EAGLE_API void eagle_trainer_head_shape(eagle_config *out, const eagle_model *model);

/* EAGLE_EINVAL (an option out of range), EAGLE_EFORMAT (the corpus is shorter than one batch, or a
 * size of the configuration is out of range), EAGLE_EFIT (a token outside the vocabulary, parts
 * that do not belong together), EAGLE_ENUMERIC (an unfit floating-point environment), EAGLE_ENOMEM.
 * With `bill`, nothing is made but the bill, and *out is NULL. */
EAGLE_API eagle_status eagle_trainer_target(eagle_trainer **out, eagle_train_bill *bill,
                                            const eagle_target_task *task,
                                            const eagle_train_options *opt, eagle_error *err);
EAGLE_API eagle_status eagle_trainer_head(eagle_trainer **out, eagle_train_bill *bill,
                                          const eagle_head_task *task,
                                          const eagle_train_options *opt, eagle_error *err);
EAGLE_API void eagle_trainer_free(eagle_trainer *trainer);

typedef struct {
    int64_t step;        /* steps done                                          */
    double epoch;        /* passes over the corpus, with fraction               */
    int64_t tokens;      /* rows seen so far                                    */
    double loss;         /* what is minimised                                   */
    double token_loss;   /* per learned row, nats                               */
    double feature_loss; /* heads                                               */
    int64_t learned;     /* rows that counted                                   */
    double right;        /* share of them whose first choice is the wanted one  */
    double grad_norm;
    double lr;
} eagle_train_report;

/* One optimizer step. EAGLE_ENUMERIC when loss or gradient is not finite: everything is then as
 * before the step. EAGLE_EINVAL when all steps are done. Never allocates. */
EAGLE_API eagle_status eagle_trainer_step(eagle_train_report *out, eagle_trainer *trainer,
                                          eagle_error *err);

/* The loss over another corpus, each token once, without learning from it. Only loss, token_loss,
 * feature_loss, learned and right of *out are set. EAGLE_EFIT as above; EAGLE_ENUMERIC. */
EAGLE_API eagle_status eagle_trainer_validate(eagle_train_report *out, eagle_trainer *trainer,
                                              const eagle_corpus *corpus, eagle_error *err);

/* The whole state - weights, moments, step, place in the texts, options, threads, BLAS core type,
 * digest of the corpus - as one file, written whole or not at all. `memo` (NULL: none) is a line of
 * the caller's own that comes back. EAGLE_EWRITE leaves an old file intact; EAGLE_ENUMERIC when a
 * weight is not finite: such a state is not worth keeping. */
EAGLE_API eagle_status eagle_trainer_save(const eagle_trainer *trainer, const char *memo,
                                          const char *path, eagle_error *err);

/* What came with a state. Both texts are the trainer's, valid until the next resume. */
typedef struct {
    const char *warning; /* threads or core type differ, so that bits will; NULL: they do not */
    const char *memo;    /* NULL: none                                                        */
} eagle_resumed;

/* Restores a state that a trainer of the same task saved. EAGLE_EFIT names the option, shape or
 * text that differs; EAGLE_EREAD, EAGLE_EFORMAT, EAGLE_ENUMERIC (a number that is not finite).
 * After a failure the trainer is as before. */
EAGLE_API eagle_status eagle_trainer_resume(eagle_resumed *out, eagle_trainer *trainer,
                                            const char *path, eagle_error *err);

/* The memo alone of a saved state, before there is a trainer. *memo is to be freed with free();
 * NULL: none. EAGLE_EREAD, EAGLE_EFORMAT, EAGLE_EUNSUPPORTED for another version, EAGLE_ENOMEM. */
EAGLE_API eagle_status eagle_trainer_memo(char **memo, const char *path, eagle_error *err);

/* Steps done so far. */
EAGLE_API int64_t eagle_trainer_steps(const eagle_trainer *trainer);

/* The present weights, as a model or head is made of: views of float32 tensors that change with the
 * next step. *tensors [*n] is the trainer's own. */
EAGLE_API void eagle_trainer_tensors(const eagle_tensor **tensors, int32_t *n,
                                     const eagle_trainer *trainer);
EAGLE_API const eagle_config *eagle_trainer_config(const eagle_trainer *trainer);

/* Writes config.json and model.safetensors (and generation_config.json for a target) to a
 * directory, which is made if need be, in the published layout, as `dtype` F32, F16 or BF16
 * (rounded to nearest even; EAGLE_ENUMERIC where F16 cannot hold a weight). A head carries a copy
 * of the target's embedding when `own_embedding`, as published heads do, and always an fc.bias:
 * zeros where it has none, because some loaders leave a bias that is missing to chance. */
EAGLE_API eagle_status eagle_trainer_export(const eagle_trainer *trainer, const char *dir,
                                            eagle_dtype dtype, bool own_embedding,
                                            eagle_error *err);

#ifdef __cplusplus
}
#endif
#endif
