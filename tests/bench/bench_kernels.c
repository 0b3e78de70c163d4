/* SPDX-License-Identifier: MIT */
/* bench_kernels.c - what the matrix product costs, for 1 to 512 tokens: a matrix of 5632 x 2048
 * (one of TinyLlama's), taken in turn from a pool that no cache holds. Prints tables for
 * docs/performance.md.
 *
 *   bench_kernels [THREADS [ISA]]
 *
 * V(n) = time of n tokens / time of one, of the quickest of several runs: what other programs do to
 * a machine can only add. The median is printed beside it; on a quiet machine they agree. */
#include "base/alloc.h"
#include "eagle/runtime.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS       5632u
#define DIM        2048u
#define MAX_TOKENS 512u
#define POOL_BYTES (256u << 20)
#define MAX_RUNS   21

static const size_t token_counts[] = {1, 2, 4, 8, 16, 32, 60, 128, 512};
#define N_COUNTS (sizeof token_counts / sizeof token_counts[0])

typedef struct {
    char *pool; /* matrices, one after the other */
    size_t n_matrices;
    eagle_dtype dtype;
    float *x; /* [MAX_TOKENS, DIM]  */
    float *y; /* [MAX_TOKENS, ROWS] */
    float *scratch;
    float *rooms; /* [threads, EG_MATMUL_ROOM] */
    int threads;
} bench;

/* Uses matrix w once. */
typedef void run_fn(const bench *b, const void *kernel, const char *w, size_t n);

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

typedef struct {
    double best; /* seconds */
    double median;
} timing;

/* How long one use takes. */
static timing time_of(const bench *b, run_fn *run, const void *kernel, size_t n)
{
    const size_t bytes = ROWS * DIM * eagle_dtype_size(b->dtype);
    const size_t runs = n <= 32 ? MAX_RUNS : n <= 128 ? 9 : 5;
    double times[MAX_RUNS];

    for (size_t i = 0; i < runs; i++) {
        double start = seconds();

        run(b, kernel, b->pool + i % b->n_matrices * bytes, n);
        times[i] = seconds() - start;
    }
    qsort(times, runs, sizeof times[0], by_value);
    return (timing){times[0], times[runs / 2]};
}

static void run_kernel(const bench *b, const void *kernel, const char *w, size_t n)
{
    const eg_kernels *k = kernel;

#pragma omp parallel for num_threads(b->threads) schedule(static, 1)
    for (int i = 0; i < b->threads; i++) {
        const size_t grains = (ROWS + EG_MATMUL_GRAIN - 1) / EG_MATMUL_GRAIN;
        const size_t first = grains * (size_t)i / (size_t)b->threads * EG_MATMUL_GRAIN;
        const size_t last = grains * ((size_t)i + 1) / (size_t)b->threads * EG_MATMUL_GRAIN;
        const size_t end = last < ROWS ? last : ROWS;
        const eg_vectors x = {.data = b->x,
                              .n = n,
                              .dim = DIM,
                              .stride = DIM,
                              .room = b->rooms + (size_t)i * EG_MATMUL_ROOM};

        eg_kernels_matmul(k, b->dtype)(
            b->y + first, ROWS, w + first * DIM * eagle_dtype_size(b->dtype), end - first, &x);
    }
}

static void run_gemm(const bench *b, const void *kernel, const char *w, size_t n)
{
    (void)kernel;
    eg_gemm(b->y, ROWS, w, b->dtype, ROWS,
            &(eg_vectors){.data = b->x, .n = n, .dim = DIM, .stride = DIM}, b->scratch);
}

/* Reads every byte: what the memory gives. */
static void run_read(const bench *b, const void *kernel, const char *w, size_t n)
{
    const size_t words = ROWS * DIM * eagle_dtype_size(b->dtype) / sizeof(uint64_t);
    uint64_t *sink = (uint64_t *)b->y;

    (void)kernel;
    (void)n;
#pragma omp parallel for num_threads(b->threads) schedule(static, 1)
    for (int i = 0; i < b->threads; i++) {
        const uint64_t *word = (const uint64_t *)w;
        const size_t end = words * ((size_t)i + 1) / (size_t)b->threads / 8 * 8;
        uint64_t even = 0; /* two chains keep up with any memory */
        uint64_t odd = 0;

        for (size_t j = words * (size_t)i / (size_t)b->threads / 8 * 8; j < end; j += 8) {
            even |= word[j] | word[j + 2] | word[j + 4] | word[j + 6];
            odd |= word[j + 1] | word[j + 3] | word[j + 5] | word[j + 7];
        }
        sink[i] = even | odd;
    }
}

static void fill(bench *b)
{
    uint32_t r = 1;

    for (size_t i = 0; i < b->n_matrices * ROWS * DIM; i++) {
        float value;
        uint32_t bits;

        r = r * 1664525u + 1013904223u;
        value = (float)(r >> 8) * 0x1p-24f - 0.5f;
        memcpy(&bits, &value, sizeof bits);
        if (b->dtype == EAGLE_F32) {
            memcpy(b->pool + i * sizeof value, &value, sizeof value);
        } else {
            memcpy(b->pool + i * sizeof(uint16_t), &(uint16_t){(uint16_t)(bits >> 16)},
                   sizeof(uint16_t));
        }
        if (i < MAX_TOKENS * DIM) {
            b->x[i] = value;
        }
    }
    memset(b->y, 0, MAX_TOKENS * ROWS * sizeof *b->y);
}

static void print_table(const bench *b, const eg_kernels *kernels)
{
    const double gigabytes = (double)(ROWS * DIM * eagle_dtype_size(b->dtype)) * 1e-9;
    const double read = gigabytes / time_of(b, run_read, NULL, 0).best;
    double one = 0;

    printf("\n%s weights, %s, threads: %d; reading alone: %.1f GB/s\n\n",
           eagle_dtype_name(b->dtype), eagle_isa_name(kernels->isa), b->threads, read);
    printf("| n | ms | median | V(n) | GB/s | GFLOP/s | OpenBLAS ms | OpenBLAS / ours |\n");
    printf("|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < N_COUNTS; i++) {
        const size_t n = token_counts[i];
        const timing ours = time_of(b, run_kernel, kernels, n);
        const timing gemm = eg_gemm_available() ? time_of(b, run_gemm, NULL, n) : (timing){0, 0};
        const double flops = 2.0 * (double)n * ROWS * DIM;

        one = n == 1 ? ours.best : one;
        printf("| %zu | %.2f | %.2f | %.2f | %.1f | %.1f | %.2f | %.2f |\n", n, ours.best * 1e3,
               ours.median * 1e3, ours.best / one, gigabytes / ours.best, flops / ours.best * 1e-9,
               gemm.best * 1e3, gemm.best / ours.best);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    static const eagle_dtype dtypes[] = {EAGLE_F32, EAGLE_BF16};
    eagle_isa isa = EAGLE_ISA_AUTO;
    eagle_error err;
    bench b = {.threads = argc > 1 ? atoi(argv[1]) : 1};

    if (b.threads < 1 || b.threads > 64 ||
        (argc > 2 && eagle_isa_parse(&isa, argv[2], &err) != EAGLE_OK)) {
        fprintf(stderr, "usage: bench_kernels [THREADS [ISA]]\n");
        return 2;
    }
    b.pool = malloc(POOL_BYTES);
    b.x = malloc(MAX_TOKENS * DIM * sizeof *b.x);
    b.y = malloc(MAX_TOKENS * ROWS * sizeof *b.y);
    b.scratch = malloc(eg_gemm_scratch(DIM) * sizeof *b.scratch);
    b.rooms = eg_alloc_aligned((size_t)b.threads * EG_MATMUL_ROOM, sizeof *b.rooms);
    if (b.pool == NULL || b.x == NULL || b.y == NULL || b.scratch == NULL || b.rooms == NULL) {
        fprintf(stderr, "bench_kernels: no memory\n");
        return 5;
    }
    if (eg_gemm_available()) {
        eg_gemm_threads(b.threads);
    }
    printf("%s, matrix %u x %u\n", eagle_cpu_name(), ROWS, DIM);
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++) {
        b.dtype = dtypes[d];
        b.n_matrices = POOL_BYTES / (ROWS * DIM * eagle_dtype_size(b.dtype));
        fill(&b);
        print_table(&b, eg_kernels_for(isa));
    }
    free(b.scratch);
    free(b.rooms);
    free(b.y);
    free(b.x);
    free(b.pool);
    return 0;
}
