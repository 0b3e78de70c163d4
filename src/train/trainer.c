/* SPDX-License-Identifier: MIT */
/* trainer.c - a training is made: all its memory is laid out once, or only counted.
 *
 * The same functions make a trainer and its bill. When the arenas count, nothing is allocated, the
 * networks are NULL, and what they would hold stands in the arenas' sums. */
#include "train/trainer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/fpguard.h"
#include "base/team.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "train/documents.h"
#include "train/features.h"
#include "train/operations.h"

#include <stdlib.h>
#include <string.h>

static uint64_t arena_bytes(const eg_arena *arena)
{
    uint64_t sum = 0;

    for (int i = 0; i < EG_N_PURPOSES; i++) {
        sum += arena->bytes[i];
    }
    return sum;
}

uint64_t eagle_train_bill_total(const eagle_train_bill *bill)
{
    return bill->weights + bill->activations + bill->frozen + bill->texts;
}

/* ---- what must hold before memory is planned ------------------------------------------------ */

static eagle_status check_corpus(const eagle_corpus *corpus, int32_t vocab, int32_t batch,
                                 eagle_error *err)
{
    const int64_t n = eagle_corpus_tokens(corpus);

    if (n < batch) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "the texts have %lld tokens, fewer than the %d of one step: more text or a "
                       "smaller batch",
                       (long long)n, (int)batch);
    }
    return eg_corpus_check(corpus, vocab, err);
}

/* Checks everything that both kinds have in common. */
static eagle_status check(const eagle_config *config, const eagle_corpus *corpus,
                          const eagle_train_options *opt, bool heads, eagle_error *err)
{
    const char *fault = eg_fpguard_fault();
    eagle_status st = eg_train_check(opt, heads, err);

    if (st == EAGLE_OK) {
        st = eg_config_check(config, err);
    }
    if (st == EAGLE_OK) {
        st = check_corpus(corpus, config->vocab, opt->batch, err);
    }
    if (st == EAGLE_OK && opt->length > config->context) {
        return eg_fail(err, EAGLE_EINVAL, "length %d: the network is made for %d positions",
                       (int)opt->length, (int)config->context);
    }
    if (st == EAGLE_OK && fault != NULL) {
        return eg_fail(err, EAGLE_ENUMERIC, "floating point is not fit for training: %s", fault);
    }
    return st;
}

/* ---- making --------------------------------------------------------------------------------- */

/* An empty trainer whose arenas count when there is a bill to make. */
static eagle_status begin(eagle_trainer **out, const eagle_corpus *corpus,
                          const eagle_train_options *opt, bool count_only, eagle_error *err)
{
    eagle_trainer *t = eg_alloc(1, sizeof *t);

    *out = t;
    if (t == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a trainer");
    }
    t->opt = *opt;
    t->opt.threads = opt->threads > 0 ? opt->threads : eagle_cpu_count();
    t->corpus = corpus;
    t->arena.count_only = count_only;
    t->frozen.count_only = count_only;
    t->order.count_only = count_only;
    t->room = (eg_batch_room){.rows = (size_t)opt->batch,
                              .sequences = (size_t)opt->batch / 2, /* of two tokens or more */
                              .length = (size_t)opt->length};
    t->how = (eg_adamw_options){.lr = opt->lr,
                                .beta1 = opt->beta1,
                                .beta2 = opt->beta2,
                                .eps = opt->eps,
                                .weight_decay = opt->weight_decay,
                                .clip_value = opt->clip_value,
                                .clip_norm = opt->clip_norm,
                                .warmup = opt->warmup,
                                .steps = opt->steps,
                                .schedule = opt->schedule,
                                .lr_floor = opt->lr_floor};
    const eagle_status st = eg_team_check(t->opt.threads, err); /* OpenBLAS would wait for them */

    if (st == EAGLE_OK) {
        eg_train_threads(t->opt.threads); /* each has scratch of its own in what follows */
    }
    return st;
}

/* Optimizer and feeder: what every training has, for n elements of parameters. */
static void make_rest(eagle_trainer *t, size_t n)
{
    eg_adamw_make(&t->adamw, n, &t->arena);
    t->feeder = eg_feeder_make(&t->order, t->corpus, &t->room, t->opt.seed, 0);
}

/* Describes the weights as named tensors. */
static eagle_status view_weights(eagle_trainer *t, eagle_error *err)
{
    const eg_parameters *p = &t->net->params;

    t->tensor = eg_alloc((size_t)p->n_tensors, sizeof *t->tensor);
    if (t->tensor == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %d tensor descriptions",
                       (int)p->n_tensors);
    }
    for (int32_t i = 0; i < p->n_tensors; i++) {
        const eg_parameter *one = &p->tensor[i];

        t->tensor[i] = (eagle_tensor){.name = one->name,
                                      .dtype = EAGLE_F32,
                                      .rank = one->rank,
                                      .shape = {(int64_t)one->rows, (int64_t)one->cols},
                                      .data = p->value + one->at,
                                      .size = one->rows * one->cols * sizeof *p->value};
    }
    return EAGLE_OK;
}

/* What the model's tensors take, mapped as they are while a head is trained. */
static uint64_t model_bytes(const eagle_model *model)
{
    uint64_t sum = 0;

    for (int32_t i = 0; model != NULL && eagle_model_tensor(model, i) != NULL; i++) {
        sum += eagle_model_tensor(model, i)->size;
    }
    return sum;
}

static void write_bill(eagle_train_bill *bill, const eagle_trainer *t, const eg_size *size)
{
    const uint64_t document = sizeof(int64_t);
    const uint64_t token = sizeof(int32_t) + sizeof(uint8_t);
    const uint64_t *bytes = t->arena.bytes;

    *bill = (eagle_train_bill){
        .parameters = size->parameters,
        .weights = bytes[EG_FOR_WEIGHTS],
        .activations = bytes[EG_FOR_ACTIVATIONS] + bytes[EG_FOR_WORK],
        .frozen = bytes[EG_FOR_FROZEN] + arena_bytes(&t->frozen) + model_bytes(t->model),
        .texts = arena_bytes(&t->order) + (uint64_t)eagle_corpus_tokens(t->corpus) * token +
                 (uint64_t)eagle_corpus_count(t->corpus) * document};
}

/* The end of both ways to a trainer: the bill alone, or the trainer with its first weights. */
static eagle_status finish(eagle_trainer *t, eagle_train_bill *bill, const eg_size *size,
                           eagle_error *err)
{
    if (bill != NULL) {
        write_bill(bill, t, size);
        return EAGLE_OK;
    }
    if (t->arena.failed || t->frozen.failed || t->order.failed) {
        eagle_train_bill need;

        write_bill(&need, t, size);
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a training of %llu bytes",
                       (unsigned long long)eagle_train_bill_total(&need));
    }
    eagle_corpus_hash(t->texts, t->corpus);
    if (t->model != NULL) {
        eg_target_digest(t->target, t->model);
    }
    return view_weights(t, err);
}

eagle_status eagle_trainer_target(eagle_trainer **out, eagle_train_bill *bill,
                                  const eagle_target_task *task, const eagle_train_options *opt,
                                  eagle_error *err)
{
    const eagle_config *start = task->start != NULL ? eagle_model_config(task->start) : NULL;
    const eagle_config *config = task->config != NULL ? task->config : start;
    eg_target_net *net = NULL;
    eagle_trainer *t = NULL;

    *out = NULL;
    eagle_status st = check(config, task->corpus, opt, false, err);

    if (st == EAGLE_OK) {
        st = begin(&t, task->corpus, opt, bill != NULL, err);
    }
    if (st != EAGLE_OK) {
        goto done;
    }
    const eg_size size = eg_target_net_size(config);

    net = eg_target_net_make(&t->arena, config, &t->room, false);
    make_rest(t, size.n);
    t->net = net != NULL ? eg_target_net_network(net) : NULL;
    st = finish(t, bill, &size, err);
    if (st != EAGLE_OK || bill != NULL) {
        goto done;
    }
    if (task->start == NULL) {
        eg_target_net_init(net, opt->seed);
    } else {
        st = eg_target_net_load(net, task->start, err);
    }
    if (st == EAGLE_OK) {
        *out = t;
        t = NULL;
    }

done:
    eagle_trainer_free(t);
    return st;
}

void eagle_trainer_head_shape(eagle_config *out, const eagle_model *model)
{
    *out = *eagle_model_config(model);
    out->n_layers = 1;
    out->tied = false;
    out->attention_bias = false;
    out->mlp_bias = false;
    out->fc_bias = false;
    out->qkv_bias = false;
    out->theta_given = true;
}

/* What a head's training has beside: the target's features and the noise on them. */
static void make_teacher(eagle_trainer *t, const eagle_head_task *task)
{
    const size_t n = t->room.rows * (size_t)eagle_model_config(task->model)->dim;

    t->model = task->model;
    t->features = task->features;
    t->teacher = eg_target_net_make(&t->frozen, eagle_model_config(task->model), &t->room, true);
    t->feature = eg_arena_take(&t->frozen, EG_FOR_WORK, n, sizeof *t->feature);
    if (t->opt.noise > 0.0 || t->opt.own_features > 0.0) {
        t->noise = eg_arena_take(&t->frozen, EG_FOR_WORK, n, sizeof *t->noise);
    }
}

/* Whether a head reads the target's embedding, or a copy that was rounded to the head's type. */
static bool shares_embedding(const eagle_head *head, const eagle_model *model)
{
    enum { SOME = 256 };
    const eg_matrix *own = &head->embed;
    const eg_matrix *target = &model->target.embed;
    const size_t n = (size_t)own->rows * (size_t)own->cols;
    float a[SOME];
    float b[SOME];
    float rounded[SOME]; /* or numbers of half the size */

    for (size_t i = 0; head->own_embedding && i < n; i += SOME) {
        const size_t some = n - i < SOME ? n - i : SOME;

        eg_widen(a, (const char *)own->data + i * eagle_dtype_size(own->dtype), own->dtype, some);
        eg_widen(b, (const char *)target->data + i * eagle_dtype_size(target->dtype), target->dtype,
                 some);
        eg_narrow(rounded, b, own->dtype, some);
        eg_widen(b, rounded, own->dtype, some);
        if (memcmp(a, b, some * sizeof *a) != 0) {
            return false;
        }
    }
    return true;
}

static eagle_status check_head(const eagle_head_task *task, const eagle_config *config,
                               eagle_error *err)
{
    const eagle_config *target = eagle_model_config(task->model);

    if (config->dim != target->dim || config->vocab != target->vocab) {
        return eg_fail(err, EAGLE_EFIT,
                       "a head of width %d and vocabulary %d for a target of width %d and "
                       "vocabulary %d",
                       (int)config->dim, (int)config->vocab, (int)target->dim, (int)target->vocab);
    }
    if (task->start != NULL && !shares_embedding(task->start, task->model)) {
        return eg_fail(err, EAGLE_EFIT,
                       "the head to start from has an embedding that is not the "
                       "target's, which alone goes with what is trained");
    }
    return EAGLE_OK;
}

eagle_status eagle_trainer_head(eagle_trainer **out, eagle_train_bill *bill,
                                const eagle_head_task *task, const eagle_train_options *opt,
                                eagle_error *err)
{
    const eg_head_objective objective = {.feature_weight = opt->feature_weight,
                                         .token_weight = opt->token_weight};
    eagle_config config;
    eg_head_net *net = NULL;
    eagle_trainer *t = NULL;

    *out = NULL;
    eagle_trainer_head_shape(&config, task->model);
    if (task->config != NULL) {
        config = *task->config;
    } else if (task->start != NULL) {
        config = *eagle_head_config(task->start);
    }
    eagle_status st = check(&config, task->corpus, opt, true, err);

    if (st == EAGLE_OK) {
        st = check_head(task, &config, err);
    }
    if (st == EAGLE_OK) {
        st = begin(&t, task->corpus, opt, bill != NULL, err);
    }
    if (st != EAGLE_OK) {
        goto done;
    }
    const eg_size size = eg_head_net_size(&config);

    net = eg_head_net_make(&t->arena, &config, task->model, &objective, &t->room);
    make_teacher(t, task);
    make_rest(t, size.n);
    t->net = net != NULL ? eg_head_net_network(net) : NULL;
    t->head = net;
    st = finish(t, bill, &size, err);
    if (st != EAGLE_OK || bill != NULL) {
        goto done;
    }
    st = eg_target_net_load(t->teacher, task->model, err);
    if (st == EAGLE_OK && task->start != NULL) {
        st = eg_head_net_load(net, task->start, err);
    } else if (st == EAGLE_OK) {
        eg_head_net_init(net, opt->seed);
    }
    if (st == EAGLE_OK) {
        *out = t;
        t = NULL;
    }

done:
    eagle_trainer_free(t);
    return st;
}

void eagle_trainer_free(eagle_trainer *t)
{
    if (t != NULL) {
        eg_arena_free(&t->arena);
        eg_arena_free(&t->frozen);
        eg_arena_free(&t->order);
        free(t->tensor);
        free(t->memo);
        free(t);
    }
}

/* ---- looking at ----------------------------------------------------------------------------- */

int64_t eagle_trainer_steps(const eagle_trainer *t)
{
    return t->step;
}

void eagle_trainer_tensors(const eagle_tensor **tensors, int32_t *n, const eagle_trainer *t)
{
    *tensors = t->tensor;
    *n = t->net->params.n_tensors;
}

const eagle_config *eagle_trainer_config(const eagle_trainer *t)
{
    return &t->net->config;
}
