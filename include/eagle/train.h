/* SPDX-License-Identifier: MIT */
/* train.h - training of a target or of a FeatExtrapolator, one step per call.
 *
 * The same seed, threads and BLAS core type give the same bits; a training that is saved, ended and
 * resumed gives the same bits as one that went on. Training needs OpenBLAS
 * (eagle_part_at() tells): without it creation is EAGLE_EUNSUPPORTED. */
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
    int32_t threads;   /* 0: the CPUs this process may use                           */

    /* Heads only. */
    double feature_weight; /* of smooth L1 on features                                 */
    double token_weight;   /* of soft cross entropy through the frozen LM head         */
    double noise;          /* features are read with uniform noise of +- this          */
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
    uint64_t texts;       /* bytes: the corpus                               */
} eagle_train_bill;

EAGLE_API uint64_t eagle_train_bill_total(const eagle_train_bill *bill);

/* A target of `config`, from random weights. The corpus is borrowed. EAGLE_EINVAL (an option out of
 * range), EAGLE_EFORMAT (the corpus is shorter than one batch), EAGLE_ENOMEM. With `bill`, nothing is
 * made but the bill, and *out is NULL. */
EAGLE_API eagle_status eagle_trainer_target(eagle_trainer **out, eagle_train_bill *bill,
                                            const eagle_config *config, const eagle_corpus *corpus,
                                            const eagle_train_options *opt, eagle_error *err);

/* An EAGLE-1 head for `model`, from random weights or from those of `start` (NULL: none).
 * `features` (NULL: computed on the fly) belong to the corpus that came with them. All are borrowed. */
typedef struct {
    const eagle_model *model;
    const eagle_config *config; /* of the head; NULL: one layer in the target's shape */
    const eagle_head *start;
    const eagle_corpus *corpus;
    const eagle_features *features;
} eagle_head_task;
EAGLE_API eagle_status eagle_trainer_head(eagle_trainer **out, eagle_train_bill *bill,
                                          const eagle_head_task *task,
                                          const eagle_train_options *opt, eagle_error *err);
EAGLE_API void eagle_trainer_free(eagle_trainer *trainer);

typedef struct {
    int64_t step;        /* steps done                                          */
    double epoch;        /* passes over the corpus, with fraction               */
    int64_t tokens;      /* rows seen so far                                    */
    double loss;         /* what is minimised                                   */
    double token_loss;   /* per learned token, nats                         */
    double feature_loss; /* heads                                           */
    double right;        /* share of rows whose first choice is the wanted one  */
    double grad_norm;
    double lr;
} eagle_train_report;

/* One optimizer step. EAGLE_ENUMERIC when loss or gradient is not finite: the weights are then those
 * before the step. Never allocates. */
EAGLE_API eagle_status eagle_trainer_step(eagle_train_report *out, eagle_trainer *trainer,
                                          eagle_error *err);

/* The loss over another corpus, without learning from it. Only the loss fields of *out are set. */
EAGLE_API eagle_status eagle_trainer_validate(eagle_train_report *out, eagle_trainer *trainer,
                                              const eagle_corpus *corpus, eagle_error *err);

/* The whole state - weights, moments, step, place in the texts, options, threads, BLAS core type, digest
 * of the corpus - as one file, written whole or not at all. EAGLE_EWRITE leaves an old file intact. */
EAGLE_API eagle_status eagle_trainer_save(const eagle_trainer *trainer, const char *path,
                                          eagle_error *err);

/* Restores a state that a trainer of the same task saved. EAGLE_EFIT names the option, shape or text that
 * differs; *note, if not NULL, receives a warning (owned by the trainer) when threads or core type differ,
 * so that bits will; else NULL. */
EAGLE_API eagle_status eagle_trainer_resume(eagle_trainer *trainer, const char **note,
                                            const char *path, eagle_error *err);

/* The present weights, as a model or head is made of: views of float32 tensors that change with the
 * next step. *tensors [*n] is the trainer's own. */
EAGLE_API void eagle_trainer_tensors(const eagle_tensor **tensors, int32_t *n,
                                     const eagle_trainer *trainer);
EAGLE_API const eagle_config *eagle_trainer_config(const eagle_trainer *trainer);

/* Writes config.json and model.safetensors (and generation_config.json for a target) to a directory,
 * which is made if need be, in the published layout, as `dtype` F32, F16 or BF16 (rounded to nearest
 * even). A head carries a copy of the target's embedding when `own_embedding`, as published heads do. */
EAGLE_API eagle_status eagle_trainer_export(const eagle_trainer *trainer, const char *dir,
                                            eagle_dtype dtype, bool own_embedding,
                                            eagle_error *err);

#ifdef __cplusplus
}
#endif
#endif
