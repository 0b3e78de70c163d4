/* SPDX-License-Identifier: MIT */
/* head_net.c - EAGLE-1's FeatExtrapolator in training (Li et al. 2024a, section 4).
 *
 *   x[i] = fc [embed(t[i + 1]), f[i] + noise]     g[i + 1] = layer(x)[i]
 *
 * The layer has no input norm and nothing follows it: g[i + 1] predicts the target's next feature
 * f[i + 1], and the target's LM head turns both into laws. Over the learned rows, the loss is
 *
 *   L = v mean smoothL1(g[i + 1], f[i + 1])
 *     + p mean -sum_t softmax(LMhead(f[i + 1]))[t] log softmax(LMhead(g[i + 1]))[t]
 *
 * Embedding and LM head are the target's and stay as they are. In the arrays below, row i of
 * g stands for g[i + 1]. The last row of a sequence has no next token: it reads its own again,
 * no other row attends to it, and it does not count. */
#include "train/layer_net.h"
#include "train/network.h"

#include "model/model.h"

#include <stdio.h>

struct eg_head_net {
    eg_network network; /* first: a pointer to it points to the whole */
    eg_head_objective objective;
    eg_dense fc; /* [dim, 2 dim] columns of the embedding first, then feature */
    eg_layer_net layer;
    eg_real *table;   /* [vocab, dim] frozen embedding */
    eg_dense lm_head; /* [vocab, dim] frozen           */

    eg_layer_work work;
    eg_real *fused;   /* [rows, 2 dim] embedding and feature side by side */
    eg_real *x;       /* [rows, dim]                                      */
    eg_real *g;       /* [rows, dim]                                      */
    eg_real *d;       /* [rows, dim] dL/dg, then dL/dx                    */
    eg_real *logits;  /* [EG_LOSS_ROWS, vocab] of g                       */
    eg_real *teacher; /* [EG_LOSS_ROWS, vocab] of f                       */
    double *row;      /* [rows] scratch of the losses                     */
    int32_t *ahead;   /* [rows] t[i + 1]                                  */
    uint8_t *count;   /* [rows] 1: a row to be learned                    */
};

eg_network *eg_head_net_network(eg_head_net *net)
{
    return &net->network;
}

/* ---- laying out -------------------------------------------------------------------------- */

static void name_all(eg_head_net *net)
{
    const eagle_config *c = &net->network.config;
    eg_parameters *p = &net->network.params;
    const size_t dim = (size_t)c->dim;

    net->fc = eg_parameters_dense(p, "", "fc", dim, 2 * dim, c->fc_bias);
    eg_layer_net_name(&net->layer, p, c, (eg_layer_parts){.qkv_bias = c->qkv_bias}, "layers.0.");
}

eg_size eg_head_net_size(const eagle_config *config)
{
    eg_head_net net = {.network = {.config = *config}};

    name_all(&net);
    return eg_parameters_size(&net.network.params);
}

static eg_real *take(eg_arena *arena, size_t n)
{
    return eg_arena_reals(arena, EG_FOR_ACTIVATIONS, n);
}

/* A copy of one of the target's matrices. */
static eg_real *freeze(const eg_matrix *matrix, eg_arena *arena)
{
    const size_t n = (size_t)matrix->rows * (size_t)matrix->cols;
    eg_real *copy = eg_arena_reals(arena, EG_FOR_FROZEN, n);

    if (copy != NULL) {
        eg_widen_real(copy, matrix->data, matrix->dtype, n);
    }
    return copy;
}

static void take_activations(eg_head_net *net, const eg_batch_room *room, eg_arena *arena)
{
    const eagle_config *c = &net->network.config;
    const size_t rows = room->rows;
    const size_t dim = (size_t)c->dim;
    const size_t vocab = (size_t)c->vocab;

    net->fused = take(arena, rows * 2 * dim);
    net->x = take(arena, rows * dim);
    eg_layer_kept_make(&net->layer.kept, c, rows, arena);
    eg_layer_work_make(&net->work, c, room, true, arena);
    net->g = take(arena, rows * dim);
    net->d = take(arena, rows * dim);
    net->logits = take(arena, EG_LOSS_ROWS * vocab);
    net->teacher = take(arena, EG_LOSS_ROWS * vocab);
    net->row = eg_arena_take(arena, EG_FOR_ACTIVATIONS, rows, sizeof *net->row);
    net->ahead = eg_arena_take(arena, EG_FOR_ACTIVATIONS, rows, sizeof *net->ahead);
    net->count = eg_arena_take(arena, EG_FOR_ACTIVATIONS, rows, sizeof *net->count);
}

static void pass(eg_loss *out, eg_network *network, const eg_batch *batch, bool learn);

eg_head_net *eg_head_net_make(eg_arena *arena, const eagle_config *config, const eagle_model *model,
                              const eg_head_objective *objective, const eg_batch_room *room)
{
    eg_head_net net = {.network = {.kind = "eagle1", .config = *config, .pass = pass},
                       .objective = *objective};
    eg_head_net *out = eg_arena_take(arena, EG_FOR_WEIGHTS, 1, sizeof *out);

    name_all(&net);
    eg_parameters_reserve(&net.network.params, true, arena);
    name_all(&net);
    net.table = freeze(&model->target.embed, arena);
    net.lm_head = (eg_dense){.out = (size_t)config->vocab,
                             .in = (size_t)config->dim,
                             .w = freeze(&model->target.lm_head, arena)};
    take_activations(&net, room, arena);
    if (arena->count_only || arena->failed) {
        return NULL;
    }
    *out = net;
    return out;
}

/* ---- first values ------------------------------------------------------------------------ */

void eg_head_net_init(eg_head_net *net, uint64_t seed)
{
    eg_parameters *p = &net->network.params;
    const eg_parameter *fc = eg_parameters_find(p, "fc.weight");
    const size_t dim = net->fc.out;

    eg_parameters_init(p, 1, seed);
    for (size_t j = 0; j < dim; j++) {
        p->value[fc->at + j * 2 * dim + dim + j] += 1;
    }
}

static const eagle_tensor *tensor_of(const void *head, int32_t i)
{
    return eagle_head_tensor(head, i);
}

eagle_status eg_head_net_load(eg_head_net *net, const eagle_head *head, eagle_error *err)
{
    eagle_status st = eg_parameters_load(&net->network.params, tensor_of, head, err);

    if (st == EAGLE_OK && head->own_embedding) {
        eg_widen_real(net->table, head->embed.data, head->embed.dtype,
                      net->lm_head.out * net->lm_head.in);
    }
    return st;
}

/* ---- forward and back -------------------------------------------------------------------- */

/* ahead[i] = t[i + 1]; count[i] says whether row i is learned. Returns how many are. */
static int64_t look_ahead(eg_head_net *net, const eg_batch *batch)
{
    int64_t n = 0;

    for (size_t s = 0; s < batch->n_sequences; s++) {
        const int32_t last = batch->start[s + 1] - 1;

        for (int32_t i = batch->start[s]; i <= last; i++) {
            net->ahead[i] = batch->token[i < last ? i + 1 : i];
            net->count[i] = i < last && batch->learn[i] != 0;
            n += net->count[i];
        }
    }
    return n;
}

/* fused[i] = [embed(t[i + 1]), f[i] + noise[i]] */
static void fuse(eg_head_net *net, const eg_batch *batch)
{
    const size_t dim = net->fc.out;

    eg_fwd_embed(net->fused, 2 * dim, net->table, net->ahead, batch->n, dim);
#pragma omp parallel for num_threads(eg_train_n_threads())
    for (size_t i = 0; i < batch->n; i++) {
        eg_real *to = net->fused + i * 2 * dim + dim;
        const eg_real *feature = batch->feature + i * dim;

        for (size_t j = 0; j < dim; j++) {
            to[j] = batch->noise != NULL ? feature[j] + batch->noise[i * dim + j] : feature[j];
        }
    }
}

/* The second part of the loss, a block of rows at a time: adds p dL/dg to d. `next` is f one
 * row ahead. */
static void law_loss(eg_tally *tally, eg_head_net *net, const eg_real *next, size_t n,
                     eg_real scale)
{
    const size_t dim = net->fc.out;

    for (size_t i = 0; i < n; i += EG_LOSS_ROWS) {
        const size_t some = n - i < EG_LOSS_ROWS ? n - i : EG_LOSS_ROWS;
        const eg_real *g = net->g + i * dim;

        eg_fwd_dense(net->logits, &net->lm_head, g, some);
        eg_fwd_dense(net->teacher, &net->lm_head, next + i * dim, some);
        eg_loss_law(tally, net->logits, net->teacher, net->count + i, some, net->lm_head.out, scale,
                    net->row);
        if (scale != 0) {
            eg_bwd_dense(net->d + i * dim, &net->lm_head, net->logits, g, some);
        }
    }
}

static void forward(eg_head_net *net, const eg_batch *batch)
{
    fuse(net, batch);
    eg_fwd_dense(net->x, &net->fc, net->fused, batch->n);
    eg_layer_forward(net->g, &net->layer, &net->work, net->x, batch);
}

const eg_real *eg_head_net_predict(eg_head_net *net, const eg_batch *batch)
{
    (void)look_ahead(net, batch);
    forward(net, batch);
    return net->g;
}

static void pass(eg_loss *out, eg_network *network, const eg_batch *batch, bool learn)
{
    eg_head_net *net = (eg_head_net *)network;
    const eg_head_objective *o = &net->objective;
    const size_t n = batch->n;
    const size_t dim = net->fc.out;
    const int64_t n_learned = look_ahead(net, batch);
    const double each = n_learned > 0 ? 1.0 / (double)n_learned : 0.0;
    eg_tally features = {0};
    eg_tally tokens = {0};

    *out = (eg_loss){.n_learned = n_learned};
    if (n_learned == 0) {
        return;
    }
    forward(net, batch);
    if (learn) {
        eg_clear(net->d, n * dim);
    }
    /* Row i is compared with feature i + 1, so that the batch's last row is left out. */
    eg_loss_features(&features, learn ? net->d : NULL, net->g, batch->feature + dim, net->count,
                     n - 1, dim, (eg_real)(o->feature_weight * each), net->row);
    law_loss(&tokens, net, batch->feature + dim, n - 1,
             learn ? (eg_real)(o->token_weight * each) : 0);
    if (learn) {
        eg_layer_backward(net->d, &net->layer, &net->work, net->x, batch);
        eg_bwd_dense(NULL, &net->fc, net->d, net->fused, n);
    }
    out->features = features.sum * each;
    out->tokens = tokens.sum * each;
    out->total = o->feature_weight * out->features + o->token_weight * out->tokens;
    out->n_right = tokens.n_right;
}
