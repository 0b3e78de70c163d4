/* SPDX-License-Identifier: MIT */
/* agree.c - every function of a kernel table on many lengths, against another table's. */
#include "selftest/agree.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* Largest vectors, and matrices of ROWS x DIM. */
enum { DIM = 80, ROWS = 19, TOKENS = 5, SLOTS = 40, BUFFER = 8192 };

/* Inputs, and the outputs of the two tables. */
typedef struct {
    uint64_t seed;
    float *x;       /* [BUFFER] */
    float *w;       /* [BUFFER] also read as 16-bit weights */
    float *y[2];    /* [BUFFER] */
    float *scratch; /* [BUFFER] */
} bench;

/* SplitMix64: good enough to choose inputs. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Mostly numbers of the sizes that networks hold; now and then a zero of either sign, a subnormal,
 * or something large. */
static float number(uint64_t *state)
{
    static const float odd[8] = {0.0f,      -0.0f,  0x1p-149f, -0x1.8p-130f,
                                 0x1p-126f, 100.0f, -88.8f,    3e4f};
    uint64_t z = next(state);

    if (z % 32 == 0) {
        return odd[z >> 32 & 7];
    }
    return (float)((int64_t)(z >> 24) - ((int64_t)1 << 39)) * 0x1p-38f; /* [-2, 2) */
}

static void fill(bench *b)
{
    for (int i = 0; i < BUFFER; i++) {
        b->x[i] = number(&b->seed);
        b->w[i] = number(&b->seed);
    }
    memset(b->y[0], 0, BUFFER * sizeof(float));
    memset(b->y[1], 0, BUFFER * sizeof(float));
}

static bool same(const bench *b)
{
    for (int i = 0; i < BUFFER; i++) {
        float p = b->y[0][i];
        float q = b->y[1][i];

        if (memcmp(&p, &q, sizeof p) != 0 && !(p != p && q != q)) {
            return false;
        }
    }
    return true;
}

/* 16-bit weights from arbitrary bits, exponents kept small enough that no sum overflows. */
static void fill_halves(bench *b, uint16_t mask, uint16_t set)
{
    uint16_t *half = (uint16_t *)(void *)b->w;

    for (int i = 0; i < ROWS * DIM; i++) {
        half[i] = (uint16_t)((next(&b->seed) & mask) | set);
    }
}

static bool matmuls_agree(bench *b, eg_matmul_fn *const f[2], size_t dim)
{
    eg_vectors x = {.data = b->x + dim % 3, .n = 1 + dim % TOKENS, .dim = dim, .stride = DIM};

    for (int t = 0; t < 2; t++) {
        f[t](b->y[t], ROWS + 2, b->w, 1 + dim % ROWS, &x);
    }
    return same(b);
}

static const char *matmul_differs(bench *b, const eg_kernels *const k[2], size_t dim)
{
    if (!matmuls_agree(b, (eg_matmul_fn *const[2]){k[0]->matmul_f32, k[1]->matmul_f32}, dim)) {
        return "matmul_f32";
    }
    fill_halves(b, 0xbfff, 0); /* binary16 below 2, subnormals and zeros included */
    if (!matmuls_agree(b, (eg_matmul_fn *const[2]){k[0]->matmul_f16, k[1]->matmul_f16}, dim)) {
        return "matmul_f16";
    }
    fill_halves(b, 0x87ff, 0x3800); /* bfloat16 from 2^-15 to 2 */
    if (!matmuls_agree(b, (eg_matmul_fn *const[2]){k[0]->matmul_bf16, k[1]->matmul_bf16}, dim)) {
        return "matmul_bf16";
    }
    return NULL;
}

/* Functions of one vector of n floats. */
static const char *vector_differs(bench *b, const eg_kernels *const k[2], size_t n)
{
    for (int t = 0; t < 2; t++) {
        k[t]->rmsnorm(b->y[t], b->x + n % 5, b->w, 1e-5f, n);
    }
    if (!same(b)) {
        return "rmsnorm";
    }
    for (int t = 0; t < 2; t++) {
        memcpy(b->y[t], b->x, 2 * n * sizeof(float));
        k[t]->rope(b->y[t], b->w, b->w + n, 2 * n);
    }
    if (!same(b)) {
        return "rope";
    }
    for (int t = 0; t < 2; t++) {
        k[t]->silu_mul(b->y[t], b->x + n % 5, b->w, n);
    }
    if (!same(b)) {
        return "silu_mul";
    }
    for (int t = 0; t < 2; t++) {
        k[t]->exp(b->y[t], b->x + n % 7, n);
    }
    if (!same(b)) {
        return "exp";
    }
    for (int t = 0; t < 2; t++) {
        b->y[t][0] = k[t]->sum_exp(b->x + n % 7, 100.0f, n);
    }
    return same(b) ? NULL : "sum_exp";
}

/* A run of slots and a path that jumps and goes on. */
static const char *attend_differs(bench *b, const eg_kernels *const k[2], size_t n)
{
    static const int32_t path[4] = {33, 35, 36, 39};
    size_t head_dim = 4 * (1 + n % (DIM / 4));
    eg_keys keys = {.k = b->w,
                    .v = b->w + SLOTS * DIM,
                    .head_dim = head_dim,
                    .scale = eg_attention_scale(head_dim),
                    .first = n % 3,
                    .n_run = n % 30,
                    .path = path,
                    .n_path = 1 + n % 4};

    for (int t = 0; t < 2; t++) {
        k[t]->attend(b->y[t], b->x, 1 + n / 4 % 6, &keys, b->scratch);
    }
    return same(b) ? NULL : "attend";
}

static const char *compare(bench *b, const eg_kernels *const k[2])
{
    const char *differs = NULL;

    for (size_t n = 1; n <= DIM && differs == NULL; n++) {
        fill(b);
        differs = vector_differs(b, k, n);
        if (differs == NULL) {
            differs = attend_differs(b, k, n);
        }
        if (differs == NULL) {
            fill(b);
            differs = matmul_differs(b, k, n);
        }
    }
    return differs;
}

const char *eg_kernels_differ(const eg_kernels *a, const eg_kernels *b, uint64_t seed)
{
    const eg_kernels *const k[2] = {a, b};
    const char *differs = "out of memory";
    float *space = eg_alloc_aligned(5 * (size_t)BUFFER, sizeof *space);

    if (space != NULL) {
        bench on = {.seed = seed,
                    .x = space,
                    .w = space + BUFFER,
                    .y = {space + 2 * BUFFER, space + 3 * BUFFER},
                    .scratch = space + 4 * BUFFER};

        differs = compare(&on, k);
    }
    free(space);
    return differs;
}
