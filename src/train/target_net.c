/* SPDX-License-Identifier: MIT */
/* target_net.c - a Llama-architecture target in training: cross entropy of the next token.
 *
 *   x[0] = embed(t)     x[l + 1] = layer l (x[l])     f = norm(x[L])     logits = LMhead(f)
 *
 * The loss is the mean over the learned rows i of -log softmax(logits[i])[t[i + 1]]. */
#include "train/layer_net.h"
#include "train/network.h"

#include "model/model.h"

#include <math.h>
#include <stdio.h>

struct eg_target_net {
    eg_network network;  /* first: a pointer to it points to the whole */
    eg_dense embed;      /* [vocab, dim] the table                     */
    eg_layer_net *layer; /* [n_layers]                                */
    eg_norm norm;
    eg_dense lm_head; /* [vocab, dim]; the table itself when tied */

    eg_layer_work work;
    eg_real **x;       /* [n_layers + 1] of [rows, dim]; all the same when there is no way back */
    eg_real *inv;      /* [rows] of the final norm                            */
    eg_real *feature;  /* [rows, dim]; this line and those below only to learn */
    eg_real *d;        /* [rows, dim] dL/dx of the layer at hand              */
    eg_real *dfeature; /* [rows, dim]                                        */
    eg_real *logits;   /* [EG_LOSS_ROWS, vocab]                              */
    double *row;       /* [EG_LOSS_ROWS] scratch of the loss                 */
    int32_t *label;    /* [rows] the token to be learned, or -1              */
};

eg_network *eg_target_net_network(eg_target_net *net)
{
    return &net->network;
}

/* ---- laying out -------------------------------------------------------------------------- */

/* Names all parameters, in the order of the pass. `layer` is NULL while an arena only counts. */
static void name_all(eg_target_net *net)
{
    const eagle_config *c = &net->network.config;
    eg_parameters *p = &net->network.params;
    const size_t vocab = (size_t)c->vocab;
    const size_t dim = (size_t)c->dim;
    const eg_layer_parts parts = {.qkv_bias = c->attention_bias,
                                  .o_bias = c->attention_bias,
                                  .mlp_bias = c->mlp_bias,
                                  .attn_norm = true};

    net->embed = eg_parameters_dense(p, "model.", "embed_tokens", vocab, dim, false);
    for (int32_t i = 0; i < c->n_layers; i++) {
        eg_layer_net uncounted;
        char prefix[EG_NAME_MAX];

        snprintf(prefix, sizeof prefix, "model.layers.%d.", i);
        eg_layer_net_name(net->layer != NULL ? &net->layer[i] : &uncounted, p, c, parts, prefix);
    }
    net->norm = eg_parameters_norm(p, "model.", "norm", dim, c->rms_eps);
    net->lm_head = c->tied ? net->embed : eg_parameters_dense(p, "", "lm_head", vocab, dim, false);
}

eg_size eg_target_net_size(const eagle_config *config)
{
    eg_target_net net = {.network = {.config = *config}};

    name_all(&net);
    return eg_parameters_size(&net.network.params);
}

static eg_real *take(eg_arena *arena, size_t n)
{
    return eg_arena_reals(arena, EG_FOR_ACTIVATIONS, n);
}

/* The layers' activations: of each, or of one that all use in turn. */
static void take_layers(eg_target_net *net, const eg_batch_room *room, bool learn, eg_arena *arena)
{
    const eagle_config *c = &net->network.config;
    const size_t n_x = (size_t)c->n_layers + 1;
    eg_layer_kept kept = {0};
    eg_real *x = NULL;

    net->x = eg_arena_take(arena, EG_FOR_ACTIVATIONS, n_x, sizeof *net->x);
    for (size_t i = 0; i < n_x; i++) {
        if (i == 0 || learn) {
            x = take(arena, room->rows * (size_t)c->dim);
        }
        if (i + 1 < n_x && (i == 0 || learn)) {
            eg_layer_kept_make(&kept, c, room->rows, arena);
        }
        if (net->x != NULL) {
            net->x[i] = x;
        }
        if (net->layer != NULL && i + 1 < n_x) {
            net->layer[i].kept = kept;
        }
    }
    eg_layer_work_make(&net->work, c, room, learn, arena);
}

static void take_loss(eg_target_net *net, const eg_batch_room *room, eg_arena *arena)
{
    const size_t vocab = (size_t)net->network.config.vocab;
    const size_t dim = (size_t)net->network.config.dim;

    net->feature = take(arena, room->rows * dim);
    net->d = take(arena, room->rows * dim);
    net->dfeature = take(arena, room->rows * dim);
    net->logits = take(arena, EG_LOSS_ROWS * vocab);
    net->row = eg_arena_take(arena, EG_FOR_ACTIVATIONS, EG_LOSS_ROWS, sizeof *net->row);
    net->label = eg_arena_take(arena, EG_FOR_ACTIVATIONS, room->rows, sizeof *net->label);
}

static void pass(eg_loss *out, eg_network *network, const eg_batch *batch, bool learn);

eg_target_net *eg_target_net_make(eg_arena *arena, const eagle_config *config,
                                  const eg_batch_room *room, bool forward_only)
{
    eg_target_net net = {.network = {.kind = "target", .config = *config}};
    eg_target_net *out = eg_arena_take(arena, EG_FOR_WEIGHTS, 1, sizeof *out);

    net.layer = eg_arena_take(arena, EG_FOR_WEIGHTS, (size_t)config->n_layers, sizeof *net.layer);
    name_all(&net);
    eg_parameters_reserve(&net.network.params, !forward_only, arena);
    name_all(&net);
    take_layers(&net, room, !forward_only, arena);
    net.inv = take(arena, room->rows);
    if (!forward_only) {
        net.network.pass = pass;
        take_loss(&net, room, arena);
    }
    if (arena->count_only || arena->failed) {
        return NULL;
    }
    *out = net;
    return out;
}

/* ---- first values ------------------------------------------------------------------------ */

void eg_target_net_init(eg_target_net *net, uint64_t seed)
{
    eg_parameters_init(&net->network.params, net->network.config.n_layers, seed);
}

static const eagle_tensor *tensor_of(const void *model, int32_t i)
{
    return eagle_model_tensor(model, i);
}

eagle_status eg_target_net_load(eg_target_net *net, const eagle_model *model, eagle_error *err)
{
    return eg_parameters_load(&net->network.params, tensor_of, model, err);
}

/* ---- forward and back -------------------------------------------------------------------- */

static void forward(eg_real *feature, eg_target_net *net, const eg_batch *batch)
{
    const size_t dim = net->norm.dim;
    const int32_t n_layers = net->network.config.n_layers;

    eg_fwd_embed(net->x[0], dim, net->embed.w, batch->token, batch->n, dim);
    for (int32_t i = 0; i < n_layers; i++) {
        eg_layer_forward(net->x[i + 1], &net->layer[i], &net->work, net->x[i], batch);
    }
    eg_fwd_norm(feature, net->inv, &net->norm, net->x[n_layers], batch->n);
}

void eg_target_net_features(eg_real *feature, eg_target_net *net, const eg_batch *batch)
{
    forward(feature, net, batch);
}

/* From dL/dfeature, which the loss left in net->dfeature, to the gradients of all below it. */
static void backward(eg_target_net *net, const eg_batch *batch)
{
    const int32_t n_layers = net->network.config.n_layers;

    eg_clear(net->d, batch->n * net->norm.dim);
    eg_bwd_norm(net->d, &net->norm, net->dfeature, net->x[n_layers], net->inv, batch->n);
    for (int32_t i = n_layers - 1; i >= 0; i--) {
        eg_layer_backward(net->d, &net->layer[i], &net->work, net->x[i], batch);
    }
    eg_bwd_embed(net->embed.dw, net->embed.out, net->d, batch->token, batch->n, net->norm.dim);
}

/* label[i] = the token that row i learns, or -1. Returns how many rows learn. */
static int64_t find_labels(int32_t *label, const eg_batch *batch)
{
    int64_t n = 0;

    for (size_t s = 0; s < batch->n_sequences; s++) {
        const int32_t last = batch->start[s + 1] - 1;

        for (int32_t i = batch->start[s]; i <= last; i++) {
            const bool learns = i < last && batch->learn[i + 1] != 0;

            label[i] = learns ? batch->token[i + 1] : -1;
            n += learns;
        }
    }
    return n;
}

/* logits = LMhead(f); L = sum of -log softmax(logits)[label] x scale: adds to dfeature and to the
 * LM head's gradient, a block of rows at a time, so that the logits never stand there as a
 * whole. */
static void lm_loss(eg_tally *tally, eg_target_net *net, size_t n, eg_real scale, bool learn)
{
    const size_t dim = net->norm.dim;

    for (size_t i = 0; i < n; i += EG_LOSS_ROWS) {
        const size_t some = n - i < EG_LOSS_ROWS ? n - i : EG_LOSS_ROWS;
        const eg_real *feature = net->feature + i * dim;

        eg_fwd_dense(net->logits, &net->lm_head, feature, some);
        eg_loss_tokens(tally, net->logits, net->label + i, some, net->lm_head.out,
                       learn ? scale : 0, net->row);
        if (learn) {
            eg_bwd_dense(net->dfeature + i * dim, &net->lm_head, net->logits, feature, some);
        }
    }
}

static void pass(eg_loss *out, eg_network *network, const eg_batch *batch, bool learn)
{
    eg_target_net *net = (eg_target_net *)network;
    const int64_t n_learned = find_labels(net->label, batch);
    eg_tally tally = {0};

    *out = (eg_loss){.n_learned = n_learned};
    if (n_learned == 0) {
        return;
    }
    forward(net->feature, net, batch);
    if (learn) {
        eg_clear(net->dfeature, batch->n * net->norm.dim);
    }
    lm_loss(&tally, net, batch->n, (eg_real)(1.0 / (double)n_learned), learn);
    if (learn) {
        backward(net, batch);
    }
    out->tokens = tally.sum / (double)n_learned;
    out->total = out->tokens;
    out->n_right = tally.n_right;
}
