/* SPDX-License-Identifier: MIT */
/* lib_kernels.c - compares the kernels of a table with the portable definitions, bit for bit.
 *
 * Every input buffer ends where an unreadable page begins: a kernel that looks one element too far
 * dies here. */
#include "support/lib_kernels.h"

#include "kernels/order.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- inputs ---------------------------------------------------------------------------------- */

/* splitmix64: a fixed sequence. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* What values a buffer holds. */
typedef enum {
    PLAIN,     /* in (-1, 1)                                               */
    TINY,      /* about 2^-75: products underflow, to zeros of either sign */
    SPECIAL,   /* one in four: 0, -0, a subnormal, an infinity             */
    LEAST,     /* 2^-149 to 2^-146                                         */
    UNDERFLOWS /* negative, so small that times LEAST it is -0             */
} flavour;

static uint32_t random_bits(uint64_t *state, flavour f)
{
    static const uint32_t special[] = {0, 0x80000000u, 1, 0x807fffffu, 0x7f800000u, 0xff800000u};
    const uint64_t r = next_random(state);
    const uint32_t sign = (uint32_t)(r >> 63) << 31;
    const uint32_t fraction = (uint32_t)(r >> 20) & 0x7fffffu;
    const uint32_t down = (uint32_t)(r & 3);

    if (f == SPECIAL && (r >> 4 & 3) == 0) {
        return special[(r >> 8) % (sizeof special / sizeof special[0])];
    }
    if (f == LEAST) {
        return 1 + (uint32_t)(r & 7);
    }
    if (f == UNDERFLOWS) {
        return 0x80000000u | 100u << 23 | fraction;
    }
    return sign | ((f == TINY ? 52u : 126u) - down) << 23 | fraction;
}

/* ---- buffers that end at an unreadable page -------------------------------------------------- */

typedef struct {
    unsigned char *map;
    size_t map_size;
    void *data;
} guarded;

static guarded guarded_make(size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    guarded g = {.map_size = (size / page + 2) * page};

    g.map = mmap(NULL, g.map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED || mprotect(g.map + g.map_size - page, page, PROT_NONE) != 0) {
        perror("mmap");
        exit(1);
    }
    g.data = g.map + g.map_size - page - size;
    return g;
}

static void guarded_free(guarded *g)
{
    munmap(g->map, g->map_size);
}

/* n floats, or the bits of n numbers of another dtype. */
static guarded random_numbers(uint64_t *state, size_t n, eagle_dtype dtype, flavour f)
{
    guarded g = guarded_make(n * (dtype == EAGLE_F32 ? sizeof(uint32_t) : sizeof(uint16_t)));
    uint32_t *word = g.data;
    uint16_t *half = g.data;

    for (size_t i = 0; i < n; i++) {
        uint32_t bits = random_bits(state, f);

        switch (dtype) {
        case EAGLE_F32: word[i] = bits; break;
        case EAGLE_BF16: half[i] = (uint16_t)(bits >> 16); break;
        default: /* binary16: sign, 5 exponent bits, fraction; a quarter of them subnormal */
            half[i] = (uint16_t)(bits >> 16 & 0x8000u) | (uint16_t)(bits & 0x3ffu);
            half[i] |= f == PLAIN ? (uint16_t)((11 + (bits >> 10 & 3)) << 10) : 0;
            half[i] |= f == SPECIAL ? (uint16_t)((bits >> 10 & 31) << 10) : 0;
            break;
        }
    }
    return g;
}

/* ---- comparison ------------------------------------------------------------------------------ */

/* Equal bits, or a NaN on both sides. */
static bool same(float a, float b)
{
    return eg_bits_of_float(a) == eg_bits_of_float(b) || (isnan(a) && isnan(b));
}

static bool all_same(const char *what, const float *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!same(got[i], want[i])) {
            fprintf(stderr, "%s, output %zu of %zu: got %a, expected %a\n", what, i, n,
                    (double)got[i], (double)want[i]);
            return false;
        }
    }
    return true;
}

static const eg_kernels *portable(void)
{
    return eg_kernels_for(EAGLE_ISA_PORTABLE);
}

/* ---- matrix products ------------------------------------------------------------------------- */

typedef struct {
    eagle_dtype dtype;
    size_t n_rows;
    size_t n_tokens;
    size_t dim;
    size_t x_gap;    /* floats between vectors    */
    size_t y_gap;    /* floats after each y       */
    flavour flavour; /* LEAST: weights that underflow */
    size_t w_gap;    /* elements after the weights: where they begin in memory */
} product;

static const char *product_name(char *text, size_t size, const product *p)
{
    snprintf(text, size,
             "matmul dtype %d, %zu rows, %zu tokens, dim %zu, gaps %zu %zu %zu, flavour %d",
             (int)p->dtype, p->n_rows, p->n_tokens, p->dim, p->x_gap, p->y_gap, p->w_gap,
             (int)p->flavour);
    return text;
}

/* The product by both tables, with room and without, and each row of the batch alone. Gaps must
 * stay as they were. */
static bool product_agrees(const eg_kernels *k, const product *p)
{
    uint64_t state = p->dim * 1000 + p->n_tokens;
    const size_t x_stride = p->dim + p->x_gap;
    const size_t y_stride = p->n_rows + p->y_gap;
    const size_t n_x = p->n_tokens == 0 ? 0 : (p->n_tokens - 1) * x_stride + p->dim;
    const size_t n_y = p->n_tokens * y_stride;
    guarded w = random_numbers(&state, p->n_rows * p->dim + p->w_gap, p->dtype,
                               p->flavour == LEAST ? UNDERFLOWS : p->flavour);
    guarded x = random_numbers(&state, n_x, EAGLE_F32, p->flavour);
    float *got = calloc(n_y + 1, sizeof *got);
    float *want = calloc(n_y + 1, sizeof *want);
    guarded room = guarded_make(EG_MATMUL_ROOM * sizeof(float));
    eg_vectors all = {
        .data = x.data, .n = p->n_tokens, .dim = p->dim, .stride = x_stride, .room = room.data};
    char text[160];
    bool ok;

    eg_kernels_matmul(k, p->dtype)(got, y_stride, w.data, p->n_rows, &all);
    eg_kernels_matmul(portable(), p->dtype)(want, y_stride, w.data, p->n_rows, &all);
    ok = all_same(product_name(text, sizeof text, p), got, want, n_y);
    all.room = NULL;
    eg_kernels_matmul(k, p->dtype)(got, y_stride, w.data, p->n_rows, &all);
    ok = ok && all_same("without room", got, want, n_y);
    for (size_t t = 0; t < p->n_tokens && ok && p->n_tokens > 1; t++) {
        const eg_vectors one = {
            .data = (const float *)x.data + t * x_stride, .n = 1, .dim = p->dim, .stride = p->dim};

        eg_kernels_matmul(k, p->dtype)(want + t * y_stride, 1, w.data, p->n_rows, &one);
    }
    ok = ok && all_same("a row alone", got, want, n_y);
    guarded_free(&w);
    guarded_free(&x);
    guarded_free(&room);
    free(got);
    free(want);
    return ok;
}

static const eagle_dtype dtypes[] = {EAGLE_F32, EAGLE_F16, EAGLE_BF16};
#define N_DTYPES (sizeof dtypes / sizeof dtypes[0])

static bool short_products(const eg_kernels *k)
{
    bool ok = true;

    for (size_t d = 0; d < N_DTYPES; d++) {
        for (size_t dim = 0; dim <= 4 * EG_LANES && ok; dim++) {
            for (size_t n = 1; n <= 8 && ok; n++) {
                ok = product_agrees(
                    k, &(product){dtypes[d], 1 + (dim + n) % 9, n, dim, dim % 3, n % 2, PLAIN, 0});
            }
        }
    }
    return ok;
}

static bool odd_values(const eg_kernels *k)
{
    bool ok = true;

    for (size_t d = 0; d < N_DTYPES; d++) {
        for (size_t dim = 1; dim <= 3 * EG_LANES && ok; dim++) {
            for (size_t n = 1; n <= 13 && ok; n += 3) {
                ok = product_agrees(k, &(product){dtypes[d], 5, n, dim, 0, 0, TINY, 0}) &&
                     product_agrees(k, &(product){dtypes[d], 5, n, dim, 0, 0, SPECIAL, 0}) &&
                     product_agrees(k, &(product){dtypes[d], 5, n, dim, 0, 0, LEAST, 0});
            }
        }
    }
    return ok;
}

/* The numbers of tokens around every way of walking, and pieces of k with and without a rest. */
static bool long_products(const eg_kernels *k)
{
    static const size_t dims[] = {511, 512, 513, 1024, 1031, 2048, 2500};
    static const size_t tokens[] = {1, 2, 7, 8, 12, 13, 31, 33};
    bool ok = true;

    for (size_t d = 0; d < N_DTYPES; d++) {
        for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++) {
            for (size_t t = 0; t < sizeof tokens / sizeof tokens[0] && ok; t++) {
                ok =
                    product_agrees(k, &(product){dtypes[d], 6, tokens[t], dims[i], 1, 0, PLAIN, 0});
            }
        }
    }
    return ok;
}

/* Weights that begin anywhere, in a file as it is mapped; what stands before a row is not the
 * row's: the values that betray it are infinities. */
static bool anywhere(const eg_kernels *k)
{
    static const size_t dims[] = {16, 48, 256, 2048};
    bool ok = true;

    for (size_t d = 0; d < N_DTYPES; d++) {
        for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++) {
            for (size_t gap = 1; gap <= EG_LANES && ok; gap++) {
                const size_t n = 1 + gap % 7;

                ok = product_agrees(k, &(product){dtypes[d], 8, n, dims[i], 0, 0, SPECIAL, gap}) &&
                     product_agrees(k, &(product){dtypes[d], 8, n, dims[i], 0, 0, LEAST, gap}) &&
                     product_agrees(k, &(product){dtypes[d], 8, n, dims[i], 3, 0, PLAIN, gap});
            }
        }
    }
    return ok;
}

/* Several groups of rows and several pieces of k; rows that are left over; a second block of
 * rows. */
static bool groups(const eg_kernels *k)
{
    static const size_t shapes[][2] = {
        {11, 1031}, {13, 2500}, {23, 1031}, {135, 513}, {70, 2100}}; /* rows, dim */
    static const size_t tokens[] = {2, 3, 4, 5, 8, 24, 25, 48, 49};
    bool ok = true;

    for (size_t d = 0; d < N_DTYPES; d++) {
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            for (size_t t = 0; t < sizeof tokens / sizeof tokens[0] && ok; t++) {
                ok = product_agrees(k, &(product){dtypes[d], shapes[i][0], tokens[t], shapes[i][1],
                                                  1, 0, PLAIN, 0});
            }
        }
    }
    return ok;
}

/* Vectors that just fill the room, and do not: as many tokens, and as long a k, as are taken at
 * once; a second block of rows whose lanes wait. */
static bool rooms(const eg_kernels *k)
{
    static const size_t shapes[][3] = {{7, 48, 4096},   {7, 49, 4112},  {7, 48, 4128},
                                       {7, 17, 5632},   {7, 16, 12320}, {7, 17, 12352},
                                       {200, 16, 12352}}; /* rows, tokens, dim */
    bool ok = true;

    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (size_t gap = 0; gap < 2 && ok; gap++) {
            ok = product_agrees(k, &(product){EAGLE_F32, shapes[i][0], shapes[i][1], shapes[i][2],
                                              0, 0, PLAIN, 5 * gap});
        }
    }
    return ok;
}

static bool batches(const eg_kernels *k)
{
    bool ok = true;

    for (size_t d = 0; d < N_DTYPES; d++) {
        for (size_t n = 1; n <= 64 && ok; n++) {
            ok = product_agrees(k, &(product){dtypes[d], 1 + n, n, 75, 5, 3, PLAIN, 0});
        }
        ok = ok && product_agrees(k, &(product){dtypes[d], 75, 40, 1040, 0, 0, PLAIN, 0});
    }
    return ok;
}

static bool no_rows(const eg_kernels *k)
{
    return product_agrees(k, &(product){EAGLE_F32, 0, 3, 20, 0, 2, PLAIN, 0}) &&
           product_agrees(k, &(product){EAGLE_F32, 3, 0, 20, 0, 2, PLAIN, 0});
}

/* ---- vectors --------------------------------------------------------------------------------- */

typedef void unary_fn(const eg_kernels *k, float *y, const float *a, const float *b, size_t n);

static void run_norm(const eg_kernels *k, float *y, const float *a, const float *b, size_t n)
{
    k->rmsnorm(y, a, b, 1e-5f, n);
}

static void run_rope(const eg_kernels *k, float *y, const float *a, const float *b, size_t n)
{
    memcpy(y, a, n / 2 * 2 * sizeof *y);
    k->rope(y, b, b + n / 2, n / 2 * 2);
}

static void run_silu(const eg_kernels *k, float *y, const float *a, const float *b, size_t n)
{
    k->silu_mul(y, a, b, n);
}

static void run_exp(const eg_kernels *k, float *y, const float *a, const float *b, size_t n)
{
    (void)b;
    k->exp(y, a, n);
}

static void run_sum_exp(const eg_kernels *k, float *y, const float *a, const float *b, size_t n)
{
    if (n > 0) {
        y[0] = k->sum_exp(a, b[0], n);
    }
}

static bool vectors_agree(const eg_kernels *k, const char *name, unary_fn *run)
{
    static const flavour flavours[] = {PLAIN, TINY, SPECIAL};
    bool ok = true;

    for (size_t n = 0; n <= 200 && ok; n += n < 70 ? 1 : 13) {
        for (size_t f = 0; f < 3 && ok; f++) {
            uint64_t state = n + f;
            guarded a = random_numbers(&state, n, EAGLE_F32, flavours[f]);
            guarded b = random_numbers(&state, n, EAGLE_F32, flavours[f]);
            guarded y = random_numbers(&state, n, EAGLE_F32, PLAIN);
            float want[200] = {0};

            memcpy(want, y.data, n * sizeof *want);
            run(k, y.data, a.data, b.data, n);
            run(portable(), want, a.data, b.data, n);
            ok = all_same(name, y.data, want, n);
            guarded_free(&a);
            guarded_free(&b);
            guarded_free(&y);
        }
    }
    return ok;
}

static bool norms(const eg_kernels *k)
{
    return vectors_agree(k, "rmsnorm", run_norm);
}

static bool ropes(const eg_kernels *k)
{
    return vectors_agree(k, "rope", run_rope);
}

static bool activations(const eg_kernels *k)
{
    return vectors_agree(k, "silu_mul", run_silu) && vectors_agree(k, "exp", run_exp) &&
           vectors_agree(k, "sum_exp", run_sum_exp);
}

/* ---- attention ------------------------------------------------------------------------------- */

#define CAP       90
#define MAX_HEADS 9
#define MAX_DIM   130

/* A row that attends to n_run slots from `first` on, and to a path of n_path slots with neighbours
 * and jumps. */
static bool attention_agrees(const eg_kernels *k, size_t head_dim, size_t n_q, size_t n_run,
                             size_t n_path, flavour f)
{
    static const int32_t path[] = {70, 71, 72, 75, 80, 81, 83, 89, 40, 41, 42, 43, 44,
                                   45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57};
    uint64_t state = head_dim * 100 + n_run;
    guarded q = random_numbers(&state, n_q * head_dim, EAGLE_F32, f);
    guarded keys = random_numbers(&state, CAP * head_dim, EAGLE_F32, f);
    guarded values = random_numbers(&state, CAP * head_dim, EAGLE_F32, f);
    const eg_keys slots = {.k = keys.data,
                           .v = values.data,
                           .head_dim = head_dim,
                           .scale = eg_attention_scale(head_dim),
                           .first = 3,
                           .n_run = n_run,
                           .path = path,
                           .n_path = n_path};
    float got[MAX_HEADS * MAX_DIM];
    float want[MAX_HEADS * MAX_DIM];
    guarded scratch = guarded_make(n_q * (n_run + n_path) * sizeof(float));
    char text[120];
    bool ok;

    k->attend(got, q.data, n_q, &slots, scratch.data);
    portable()->attend(want, q.data, n_q, &slots, scratch.data);
    snprintf(text, sizeof text, "attend head_dim %zu, %zu heads, %zu + %zu slots, flavour %d",
             head_dim, n_q, n_run, n_path, (int)f);
    ok = all_same(text, got, want, n_q * head_dim);
    guarded_free(&q);
    guarded_free(&keys);
    guarded_free(&values);
    guarded_free(&scratch);
    return ok;
}

static bool attention(const eg_kernels *k)
{
    static const size_t head_dims[] = {2, 8, 16, 24, 48, 64, 67, 80, 128, 130};
    static const size_t runs[] = {0, 1, 5, 16, 33, 66};
    bool ok = true;

    for (size_t d = 0; d < sizeof head_dims / sizeof head_dims[0]; d++) {
        for (size_t r = 0; r < sizeof runs / sizeof runs[0]; r++) {
            for (size_t n_q = 1; n_q <= MAX_HEADS && ok; n_q++) {
                size_t n_path = runs[r] == 0 ? 1 + n_q % 8 : n_q == 5 ? 26 : n_q % 9;

                ok = attention_agrees(k, head_dims[d], n_q, runs[r], n_path, PLAIN) &&
                     attention_agrees(k, head_dims[d], n_q, runs[r], n_path, TINY) &&
                     attention_agrees(k, head_dims[d], n_q, runs[r], n_path, SPECIAL);
            }
        }
    }
    return ok;
}

/* ---- all ------------------------------------------------------------------------------------- */

const kernel_check kernel_checks[] = {
    {"products of 0 to 64 elements equal the definition", short_products},
    {"products of zeros, negative zeros, subnormals and infinities equal the definition",
     odd_values},
    {"products cut into pieces equal the definition", long_products},
    {"products of many rows equal the definition", groups},
    {"products of weights that begin anywhere equal the definition", anywhere},
    {"products that fill the room equal the definition", rooms},
    {"rows of batches of 1 to 64 equal the row alone", batches},
    {"a product of no rows or no tokens writes nothing", no_rows},
    {"RMSNorm equals the definition", norms},
    {"RoPE equals the definition", ropes},
    {"exp, its sum and the SiLU gate equal the definition", activations},
    {"attention over runs and paths equals the definition", attention},
};
const size_t n_kernel_checks = sizeof kernel_checks / sizeof kernel_checks[0];

static void hash_floats(uint64_t *hash, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = eg_bits_of_float(x[i]);

        for (int byte = 0; byte < 4; byte++) {
            *hash = (*hash ^ (bits >> 8 * byte & 0xff)) * 0x100000001b3u;
        }
    }
}

uint64_t kernel_hash(const eg_kernels *k)
{
    static const int32_t path[] = {70, 71, 72, 75, 80, 81, 83, 89, 40, 41, 42, 43, 44,
                                   45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57};
    enum { ROWS = 37, TOKENS = 19, DIM = 600, HEAD_DIM = 48, HEADS = 5 };
    static float y[TOKENS * DIM];
    static float scratch[HEADS * CAP];
    uint64_t hash = 0xcbf29ce484222325u;
    uint64_t state = 1;
    guarded x = random_numbers(&state, TOKENS * DIM, EAGLE_F32, PLAIN);
    guarded v = random_numbers(&state, CAP * HEAD_DIM, EAGLE_F32, PLAIN);
    const eg_vectors all = {.data = x.data, .n = TOKENS, .dim = DIM, .stride = DIM};
    const eg_keys slots = {v.data, v.data, HEAD_DIM, eg_attention_scale(HEAD_DIM), 0, 60, path, 8};

    for (size_t d = 0; d < N_DTYPES; d++) {
        guarded w = random_numbers(&state, ROWS * DIM, dtypes[d], PLAIN);

        eg_kernels_matmul(k, dtypes[d])(y, ROWS, w.data, ROWS, &all);
        hash_floats(&hash, y, TOKENS * ROWS);
        guarded_free(&w);
    }
    k->rmsnorm(y, x.data, v.data, 1e-6f, DIM);
    hash_floats(&hash, y, DIM);
    run_rope(k, y, x.data, v.data, HEAD_DIM);
    hash_floats(&hash, y, HEAD_DIM);
    run_silu(k, y, x.data, v.data, DIM);
    hash_floats(&hash, y, DIM);
    k->attend(y, x.data, HEADS, &slots, scratch);
    hash_floats(&hash, y, HEADS * HEAD_DIM);
    guarded_free(&x);
    guarded_free(&v);
    return hash;
}
