/* SPDX-License-Identifier: MIT */
/* make_gradients.c - loss, gradients, and the losses of ten AdamW steps of a target, or of a head
 * for it: what crosscheck_train.py compares with PyTorch.
 *
 *   make_gradients OUT BATCH_DIR MODEL_DIR [HEAD_DIR]
 *
 * BATCH_DIR/model.safetensors holds "token" I32 [n], "start" I32 [n_sequences + 1], "learn" U8 [n]
 * and, for a head, "noise" F32 [n, dim]. OUT gets "losses" F64 [10], "parts" F64 [2] (tokens,
 * features) of the first pass, and "grad.NAME" F32 of every parameter. */
#include "eagle/eagle.h"
#include "formats/formats.h"
#include "train/adamw.h"
#include "train/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS       10
#define MAX_TENSORS 512

/* As in crosscheck_train.py; so much decay that ten steps show it. */
static const eg_adamw_options optimizer = {.lr = 1e-3,
                                           .beta1 = 0.9,
                                           .beta2 = 0.95,
                                           .eps = 1e-8,
                                           .weight_decay = 0.5,
                                           .clip_value = 0.05,
                                           .clip_norm = 0.5,
                                           .warmup = 3,
                                           .steps = STEPS,
                                           .schedule = EAGLE_SCHEDULE_LINEAR,
                                           .lr_floor = 0.1};

static const eg_head_objective objective = {.feature_weight = 1.0, .token_weight = 0.1};

static void die(const char *what)
{
    fprintf(stderr, "make_gradients: %s\n", what);
    exit(EXIT_FAILURE);
}

static void must(eagle_status st, const eagle_error *err)
{
    if (st != EAGLE_OK) {
        die(err->message);
    }
}

static const eagle_tensor *find(const eg_tensors *in, const char *name)
{
    for (int32_t i = 0; i < in->n; i++) {
        if (strcmp(in->tensor[i].name, name) == 0) {
            return &in->tensor[i];
        }
    }
    die("a tensor of the batch is missing");
    return NULL;
}

static eg_batch read_batch(eg_batch_room *room, const eg_tensors *in, bool head)
{
    const eagle_tensor *token = find(in, "token");
    const eagle_tensor *start = find(in, "start");
    const eg_batch batch = {.n = (size_t)token->shape[0],
                            .n_sequences = (size_t)start->shape[0] - 1,
                            .start = start->data,
                            .token = token->data,
                            .learn = find(in, "learn")->data,
                            .noise = head ? find(in, "noise")->data : NULL};

    *room = (eg_batch_room){.rows = batch.n, .sequences = batch.n_sequences, .length = batch.n};
    return batch;
}

/* The target, its features in `batch`, and the head on them. */
static eg_network *make_head(eg_arena *arena, eg_batch *batch, const eg_batch_room *room,
                             const eagle_model *model, const eagle_head *head)
{
    const eagle_config *c = eagle_model_config(model);
    eg_target_net *teacher = eg_target_net_make(arena, c, room, true);
    eg_real *feature = eg_arena_reals(arena, EG_FOR_FROZEN, batch->n * (size_t)c->dim);
    eg_head_net *net = eg_head_net_make(arena, eagle_head_config(head), model, &objective, room);
    eagle_error err;

    if (teacher == NULL || feature == NULL || net == NULL) {
        die("no memory");
    }
    must(eg_target_net_load(teacher, model, &err), &err);
    must(eg_head_net_load(net, head, &err), &err);
    eg_target_net_features(feature, teacher, batch);
    batch->feature = feature;
    return eg_head_net_network(net);
}

static eg_network *make_target(eg_arena *arena, const eg_batch_room *room, const eagle_model *model)
{
    eg_target_net *net = eg_target_net_make(arena, eagle_model_config(model), room, false);
    eagle_error err;

    if (net == NULL) {
        die("no memory");
    }
    must(eg_target_net_load(net, model, &err), &err);
    return eg_target_net_network(net);
}

/* The gradients as they stand, copied: the steps go on. Returns how many tensors there are. */
static int32_t copy_gradients(eagle_tensor *out, eg_arena *arena, const eg_parameters *p)
{
    if (p->n_tensors + 2 > MAX_TENSORS) {
        die("too many tensors");
    }
    for (int32_t i = 0; i < p->n_tensors; i++) {
        const eg_parameter *t = &p->tensor[i];
        const size_t n = t->rows * t->cols;
        char *name = eg_arena_take(arena, EG_FOR_WORK, EG_NAME_MAX + 8, 1);
        float *copy = eg_arena_floats(arena, n);

        if (name == NULL || copy == NULL) {
            die("no memory");
        }
        snprintf(name, EG_NAME_MAX + 8, "grad.%s", t->name);
        memcpy(copy, p->grad + t->at, n * sizeof *copy);
        out[i] = (eagle_tensor){.name = name,
                                .dtype = EAGLE_F32,
                                .rank = t->rank,
                                .shape = {(int64_t)t->rows, (int64_t)t->cols},
                                .data = copy,
                                .size = n * sizeof *copy};
    }
    return p->n_tensors;
}

static void run(const char *path, eg_network *net, const eg_batch *batch, eg_arena *arena)
{
    static eagle_tensor out[MAX_TENSORS];
    double losses[STEPS];
    double parts[2];
    int32_t n = 0;
    eg_adamw state;
    eagle_error err;

    eg_adamw_make(&state, net->params.n, arena);
    if (arena->failed) {
        die("no memory");
    }
    for (int t = 1; t <= STEPS; t++) {
        eg_loss loss;

        net->pass(&loss, net, batch, true);
        losses[t - 1] = loss.total;
        if (t == 1) {
            parts[0] = loss.tokens;
            parts[1] = loss.features;
            n = copy_gradients(out, arena, &net->params);
        }
        (void)eg_adamw_step(&net->params, &state, &optimizer, t);
    }
    out[n++] = (eagle_tensor){.name = "losses",
                              .dtype = EAGLE_F64,
                              .rank = 1,
                              .shape = {STEPS},
                              .data = losses,
                              .size = sizeof losses};
    out[n++] = (eagle_tensor){.name = "parts",
                              .dtype = EAGLE_F64,
                              .rank = 1,
                              .shape = {2},
                              .data = parts,
                              .size = sizeof parts};
    must(eagle_tensors_write(path, out, n, NULL, &err), &err);
}

int main(int argc, char **argv)
{
    const bool with_head = argc == 5;
    eg_arena arena = {0};
    eagle_model *model = NULL;
    eagle_head *head = NULL;
    eg_tensors in;
    eg_batch_room room;
    eagle_error err;

    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: make_gradients OUT BATCH_DIR MODEL_DIR [HEAD_DIR]\n");
        return 2;
    }
    must(eg_tensors_open(&in, argv[2], &err), &err);
    must(eagle_model_open(&model, argv[3], &err), &err);
    if (with_head) {
        must(eagle_head_open(&head, model, argv[4], &err), &err);
    }
    eg_train_threads(1);

    eg_batch batch = read_batch(&room, &in, with_head);
    eg_network *net = with_head ? make_head(&arena, &batch, &room, model, head)
                                : make_target(&arena, &room, model);

    run(argv[1], net, &batch, &arena);
    eagle_head_free(head);
    eagle_model_free(model);
    eg_tensors_close(&in);
    eg_arena_free(&arena);
    return 0;
}
