/* SPDX-License-Identifier: MIT */
/* vector.c - small loops over one row: sum, finiteness, arg max, top-k, and attention's scale. */
#include "kernels/order.h"

#include <assert.h>
#include <math.h>

void eg_add(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] += x[i];
    }
}

int eg_all_finite(const float *x, size_t n)
{
    const uint32_t exponent = 0x7f800000u; /* all ones: infinity or NaN */
    uint32_t bad = 0;

    for (size_t i = 0; i < n; i++) {
        bad |= (eg_bits_of_float(x[i]) & exponent) == exponent;
    }
    return bad == 0;
}

float eg_attention_scale(size_t head_dim)
{
    /* IEEE 754 defines every bit of a square root and of a quotient. */
    return (float)(1.0 / sqrt((double)head_dim));
}

size_t eg_argmax(const float *x, size_t n)
{
    size_t best = 0;

    assert(n > 0);
    for (size_t i = 1; i < n; i++) {
        if (x[i] > x[best]) {
            best = i;
        }
    }
    return best;
}

/* The order of candidates: does a come before b? */
static int before(const float *x, int32_t a, int32_t b)
{
    return x[a] > x[b] || (x[a] == x[b] && a < b);
}

/* Restores the heap heap[0..n) below `root`, whose top is the last candidate in order. */
static void sift_down(int32_t *heap, const float *x, size_t n, size_t root)
{
    int32_t moved = heap[root];

    for (size_t child = 2 * root + 1; child < n; child = 2 * root + 1) {
        if (child + 1 < n && before(x, heap[child], heap[child + 1])) {
            child++;
        }
        if (!before(x, moved, heap[child])) {
            break;
        }
        heap[root] = heap[child];
        root = child;
    }
    heap[root] = moved;
}

/* A heap of the best k so far, the worst of them on top: most elements lose one comparison
 * and are gone. Taking the worst off k times leaves the candidates in order. */
void eg_topk(int32_t *index, const float *x, size_t n, size_t k)
{
    assert(k >= 1 && k <= n && n <= INT32_MAX);
    for (size_t i = 0; i < k; i++) {
        index[i] = (int32_t)i;
    }
    for (size_t root = k / 2; root-- > 0;) {
        sift_down(index, x, k, root);
    }
    for (size_t i = k; i < n; i++) {
        if (x[i] > x[index[0]]) { /* an equal one comes later in order, so it stays out */
            index[0] = (int32_t)i;
            sift_down(index, x, k, 0);
        }
    }
    for (size_t left = k - 1; left > 0; left--) {
        int32_t worst = index[0];

        index[0] = index[left];
        index[left] = worst;
        sift_down(index, x, left, 0);
    }
}
