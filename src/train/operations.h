/* SPDX-License-Identifier: MIT */
/* operations.h - what a network is made of: each forward function beside its backward twin.
 *
 * Activations are rows: [n, dim], row-major. For a loss L, `dx` stands for dL/dx and has the
 * shape of x. A forward function eg_fwd_... overwrites its output; its twin eg_bwd_... takes what
 * the forward read and wrote, and dL/d(output), and always adds (+=) to the gradients it is
 * given, since a value that is used twice gets the sum of both.
 *
 * Each call runs its own parallel loop over the threads of eg_train_threads(). Threads split
 * outputs; where rows must be added up, they are cut at places that do not depend on the
 * number of threads. So all but the matrix products give the same bits with any number
 * of threads; the products are OpenBLAS's, whose bits depend on threads and core type.
 *
 * Buffers do not overlap unless it is said. Nothing here fails or allocates. */
#ifndef EG_TRAIN_OPERATIONS_H
#define EG_TRAIN_OPERATIONS_H

#include "kernels/real.h"
#include "train/batch.h"

#include <stddef.h>
#include <stdint.h>

/* Threads of all calls that follow, OpenBLAS's included; 1 to 64. At first there is one. */
void eg_train_threads(int n);
int eg_train_n_threads(void);

/* ---- matrix products ----------------------------------------------------------------- */

/* A matrix with its gradient. y = x w^T (+ bias). */
typedef struct {
    size_t out;
    size_t in;
    const eg_real *w;    /* [out, in]                   */
    const eg_real *bias; /* [out]; NULL: none           */
    eg_real *dw;         /* [out, in]; NULL: frozen     */
    eg_real *dbias;      /* [out]; NULL: none or frozen */
} eg_dense;

/* y [n, out], x [n, in]. */
void eg_fwd_dense(eg_real *y, const eg_dense *m, const eg_real *x, size_t n);

/* dx [n, in] += dy w, unless dx is NULL; dw += dy^T x; dbias += sum of the rows of dy. */
void eg_bwd_dense(eg_real *dx, const eg_dense *m, const eg_real *dy, const eg_real *x, size_t n);

/* ---- embedding ----------------------------------------------------------------------- */

/* y[i] = table[token[i]]; y rows are `stride` >= dim apart. */
void eg_fwd_embed(eg_real *y, size_t stride, const eg_real *table, const int32_t *token, size_t n,
                  size_t dim);

/* dtable[token[i]] += dy[i], for a table [vocab, dim]. */
void eg_bwd_embed(eg_real *dtable, size_t vocab, const eg_real *dy, const int32_t *token, size_t n,
                  size_t dim);

/* ---- RMSNorm ------------------------------------------------------------------------- */

typedef struct {
    size_t dim;
    eg_real eps;
    const eg_real *w; /* [dim]               */
    eg_real *dw;      /* [dim]; NULL: frozen */
} eg_norm;

/* y = x * inv * w, inv = 1 / sqrt(mean(x^2) + eps), kept for the way back. x, y [n, dim],
 * inv [n]. */
void eg_fwd_norm(eg_real *y, eg_real *inv, const eg_norm *norm, const eg_real *x, size_t n);
void eg_bwd_norm(eg_real *dx, const eg_norm *norm, const eg_real *dy, const eg_real *x,
                 const eg_real *inv, size_t n);

/* ---- rotary positions ---------------------------------------------------------------- */

/* cos and sin of position x frequency, for positions 0 .. length - 1. */
typedef struct {
    size_t head_dim;
    const eg_real *cos; /* [length, head_dim / 2] */
    const eg_real *sin; /* [length, head_dim / 2] */
} eg_rotation;

/* Rotates each of n_heads heads of each row, in place: pairs (j, j + head_dim / 2). x [n, n_heads,
 * head_dim]. A rotation's transpose is its inverse: the way back rotates dx, in place too, by the
 * negative angle, which turns the gradient of the rotated rows into that of the rows before. */
void eg_fwd_rope(eg_real *x, const eg_rotation *r, size_t n_heads, const eg_batch *batch);
void eg_bwd_rope(eg_real *dx, const eg_rotation *r, size_t n_heads, const eg_batch *batch);

/* ---- attention ----------------------------------------------------------------------- */

typedef struct {
    size_t n_heads;
    size_t n_kv_heads; /* divides n_heads: head h reads h / (n_heads / n_kv_heads) */
    size_t head_dim;
    eg_real *scratch; /* [eg_attention_scratch()] */
} eg_attention;

/* eg_real's of scratch that both ways need, with the threads set when it is asked. */
size_t eg_attention_scratch(const eg_attention *a, const eg_batch_room *room);

/* The inputs of both ways, after rotation. */
typedef struct {
    const eg_real *q; /* [n, n_heads, head_dim]    */
    const eg_real *k; /* [n, n_kv_heads, head_dim] */
    const eg_real *v; /* [n, n_kv_heads, head_dim] */
} eg_qkv;
typedef struct {
    eg_real *q;
    eg_real *k;
    eg_real *v;
} eg_dqkv;

/* out = softmax(q k^T / sqrt(head_dim)) v within each sequence, causal. out [n, n_heads, head_dim];
 * lse [n, n_heads] receives the logarithm of each row's sum of exponentials, from which the way
 * back makes the probabilities again. */
void eg_fwd_attention(eg_real *out, eg_real *lse, const eg_attention *a, const eg_qkv *x,
                      const eg_batch *batch);

/* What the forward call gave, and its gradient. */
typedef struct {
    const eg_real *out;
    const eg_real *lse;
    const eg_real *dout;
} eg_attended;
void eg_bwd_attention(const eg_dqkv *dx, const eg_attention *a, const eg_qkv *x,
                      const eg_attended *y, const eg_batch *batch);

/* ---- gate ---------------------------------------------------------------------------- */

/* y = silu(gate) * up, n elements. */
void eg_fwd_gate(eg_real *y, const eg_real *gate, const eg_real *up, size_t n);
void eg_bwd_gate(eg_real *dgate, eg_real *dup, const eg_real *dy, const eg_real *gate,
                 const eg_real *up, size_t n);

/* y += x, n elements. */
void eg_accumulate(eg_real *y, const eg_real *x, size_t n);

/* ---- losses -------------------------------------------------------------------------- */

/* What a loss function adds up over rows, in double and in the order of rows. */
typedef struct {
    double sum;      /* of the loss                                          */
    int64_t n_rows;  /* rows that count                                      */
    int64_t n_right; /* of them, rows whose largest logit is the wanted one  */
} eg_tally;

/* Cross entropy: loss of row i is -log softmax(logits[i])[label[i]]; a row with label -1 does not
 * count. logits [n, vocab] become their gradient, `scale` x d(sum)/d(logits) (0 in rows that do not
 * count), unless scale is 0: then they may hold anything afterwards. row [n] is scratch. */
void eg_loss_tokens(eg_tally *tally, eg_real *logits, const int32_t *label, size_t n, size_t vocab,
                    eg_real scale, double *row);

/* Soft cross entropy: loss of row i is -sum_t softmax(teacher[i])[t] log softmax(logits[i])[t]; a
 * row counts when count[i] is not 0. teacher may hold anything afterwards; logits as above. */
void eg_loss_law(eg_tally *tally, eg_real *logits, eg_real *teacher, const uint8_t *count, size_t n,
                 size_t vocab, eg_real scale, double *row);

/* Smooth L1 (beta 1): loss of row i is the mean over dim of 0.5 d^2 where |d| < 1, else |d| - 0.5,
 * d = x - y. dx [n, dim] += scale x d(sum)/dx, unless dx is NULL. n_right is left alone. */
void eg_loss_features(eg_tally *tally, eg_real *dx, const eg_real *x, const eg_real *y,
                      const uint8_t *count, size_t n, size_t dim, eg_real scale, double *row);

#endif
