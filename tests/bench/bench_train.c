/* SPDX-License-Identifier: MIT */
/* bench_train.c - what the operations of one training step cost, there and back: 4096 rows in
 * sequences of 256, a Llama layer of dimension 128, 8 heads of 16 over 4 KV heads, feed-forward net
 * 352, vocabulary 1024.
 *
 *   bench_train [THREADS [LAYERS]]
 *
 * Times are the quickest of several runs. Products are OpenBLAS's, the rest is ours. */
#include "train/operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    ROWS = 4096,
    LENGTH = 256,
    DIM = 128,
    HEADS = 8,
    KV_HEADS = 4,
    HEAD_DIM = 16,
    KV_DIM = KV_HEADS * HEAD_DIM,
    FFN = 352,
    VOCAB = 1024,
    RUNS = 7
};

/* Everything that the operations touch; contents are random and results are not looked at. */
typedef struct {
    eg_real *x, *y, *dx;            /* [ROWS, VOCAB]: any activation     */
    eg_real *q, *k, *v;             /* [ROWS, DIM]                       */
    eg_real *dq, *dk, *dv;          /* [ROWS, DIM]                       */
    eg_real *gate, *up;             /* [ROWS, FFN]                       */
    eg_real *dgate, *dup;           /* [ROWS, FFN]                       */
    eg_real *w, *dw;                /* [VOCAB, FFN]: any matrix          */
    eg_real *inv, *lse, *cos, *sin; /* [ROWS, DIM]                      */
    int32_t start[ROWS / LENGTH + 1];
    int32_t token[ROWS];
    double row[ROWS];
    eg_attention attention;
    eg_batch batch;
} arena;

static eg_real *numbers(size_t n)
{
    eg_real *x = malloc(n * sizeof *x);

    if (x == NULL) {
        perror("bench_train");
        exit(1);
    }
    for (size_t i = 0; i < n; i++) {
        x[i] = (eg_real)rand() / (eg_real)RAND_MAX - (eg_real)0.5;
    }
    return x;
}

static void fill(arena *a)
{
    const eg_batch_room room = {.rows = ROWS, .sequences = ROWS / LENGTH, .length = LENGTH};
    eg_real **wide[] = {&a->x, &a->y, &a->dx};
    eg_real **narrow[] = {&a->q,  &a->k,   &a->v,   &a->dq,  &a->dk,
                          &a->dv, &a->inv, &a->lse, &a->cos, &a->sin};
    eg_real **inner[] = {&a->gate, &a->up, &a->dgate, &a->dup};

    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        *wide[i] = numbers((size_t)ROWS * VOCAB);
    }
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++) {
        *narrow[i] = numbers((size_t)ROWS * DIM);
    }
    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
        *inner[i] = numbers((size_t)ROWS * FFN);
    }
    a->w = numbers((size_t)VOCAB * FFN);
    a->dw = numbers((size_t)VOCAB * FFN);
    for (int32_t i = 0; i < ROWS; i++) {
        a->start[i / LENGTH] = i / LENGTH * LENGTH;
        a->token[i] = rand() % VOCAB;
    }
    a->start[ROWS / LENGTH] = ROWS;
    a->batch = (eg_batch){.n = ROWS, .n_sequences = ROWS / LENGTH, .start = a->start};
    a->attention = (eg_attention){.n_heads = HEADS, .n_kv_heads = KV_HEADS, .head_dim = HEAD_DIM};
    a->attention.scratch = numbers(eg_attention_scratch(&a->attention, &room));
}

/* ---- the parts of a step ------------------------------------------------------------------- */

static void dense(arena *a, size_t out, size_t in)
{
    const eg_dense m = {.out = out, .in = in, .w = a->w, .dw = a->dw};

    eg_fwd_dense(a->y, &m, a->x, ROWS);
    eg_bwd_dense(a->dx, &m, a->y, a->x, ROWS);
}

static void products(arena *a)
{
    dense(a, DIM, DIM);
    dense(a, KV_DIM, DIM);
    dense(a, KV_DIM, DIM);
    dense(a, DIM, DIM);
    dense(a, FFN, DIM);
    dense(a, FFN, DIM);
    dense(a, DIM, FFN);
}

static void lm_head(arena *a)
{
    dense(a, VOCAB, DIM);
}

static void attention_forward(arena *a)
{
    eg_fwd_attention(a->y, a->lse, &a->attention, &(eg_qkv){a->q, a->k, a->v}, &a->batch);
}

static void attention_back(arena *a)
{
    eg_bwd_attention(&(eg_dqkv){a->dq, a->dk, a->dv}, &a->attention, &(eg_qkv){a->q, a->k, a->v},
                     &(eg_attended){a->y, a->lse, a->dx}, &a->batch);
}

static void norms(arena *a)
{
    const eg_norm norm = {.dim = DIM, .eps = (eg_real)1e-5, .w = a->w, .dw = a->dw};

    for (int i = 0; i < 2; i++) {
        eg_fwd_norm(a->y, a->inv, &norm, a->q, ROWS);
        eg_bwd_norm(a->dq, &norm, a->dx, a->q, a->inv, ROWS);
    }
}

static void rotations(arena *a)
{
    const eg_rotation r = {.head_dim = HEAD_DIM, .cos = a->cos, .sin = a->sin};

    eg_fwd_rope(a->q, &r, HEADS, &a->batch);
    eg_fwd_rope(a->k, &r, KV_HEADS, &a->batch);
    eg_bwd_rope(a->dq, &r, HEADS, &a->batch);
    eg_bwd_rope(a->dk, &r, KV_HEADS, &a->batch);
}

static void gates(arena *a)
{
    eg_fwd_gate(a->y, a->gate, a->up, (size_t)ROWS * FFN);
    eg_bwd_gate(a->dgate, a->dup, a->dx, a->gate, a->up, (size_t)ROWS * FFN);
}

static void residuals(arena *a)
{
    for (int i = 0; i < 4; i++) {
        eg_accumulate(a->x, a->dx, (size_t)ROWS * DIM);
    }
}

static void embedding(arena *a)
{
    eg_fwd_embed(a->y, DIM, a->w, a->token, ROWS, DIM);
    eg_bwd_embed(a->dw, VOCAB, a->y, a->token, ROWS, DIM);
}

static void loss_tokens(arena *a)
{
    eg_tally tally = {0};

    eg_loss_tokens(&tally, a->x, a->token, ROWS, VOCAB, (eg_real)1, a->row);
}

/* ---- timing -------------------------------------------------------------------------------- */

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct {
    const char *name;
    void (*run)(arena *a);
    int layers; /* 0: once a step */
    int is_product;
} part;

static double best_time(void (*run)(arena *a), arena *a)
{
    double best = 1e9;

    for (int i = 0; i < RUNS; i++) {
        const double begin = seconds();

        run(a);
        best = seconds() - begin < best ? seconds() - begin : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    static arena a;
    const int threads = argc > 1 ? atoi(argv[1]) : 2;
    const int layers = argc > 2 ? atoi(argv[2]) : 6;
    const part parts[] = {
        {"products of the layers", products, 1, 1},
        {"attention, forward", attention_forward, 1, 0},
        {"attention, back", attention_back, 1, 0},
        {"norms", norms, 1, 0},
        {"rotations", rotations, 1, 0},
        {"gates", gates, 1, 0},
        {"residual sums", residuals, 1, 0},
        {"embedding", embedding, 0, 0},
        {"product with the LM head", lm_head, 0, 1},
        {"cross entropy", loss_tokens, 0, 0},
    };
    double time[sizeof parts / sizeof parts[0]];
    double all = 0;
    double of_products = 0;

    eg_train_threads(threads);
    fill(&a);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        time[i] = best_time(parts[i].run, &a) * (parts[i].layers != 0 ? layers : 1);
        all += time[i];
        of_products += parts[i].is_product ? time[i] : 0;
    }
    printf("one step, %d layers, %d threads: %.1f ms, %.0f tokens/s\n", layers, threads, 1e3 * all,
           ROWS / all);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        printf("  %-26s %8.2f ms %5.1f %%\n", parts[i].name, 1e3 * time[i], 100 * time[i] / all);
    }
    printf("  products in all: %.1f %%\n", 100 * of_products / all);
    return 0;
}
