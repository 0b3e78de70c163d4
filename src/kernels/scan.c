/* SPDX-License-Identifier: MIT */
/* scan.c - reading weights once. */
#include "kernels/scan.h"

#include <string.h>

#define STREAMS 4 /* per thread: more than one keeps more misses of one core in flight */

/* 64 bits from anywhere: tensors are aligned to their elements only. */
static uint64_t word_at(const unsigned char *data)
{
    uint64_t word;

    memcpy(&word, data, sizeof word);
    return word;
}

static uint64_t scan_part(const unsigned char *data, size_t size)
{
    const size_t stream = size / STREAMS / 64 * 64;
    const unsigned char *a = data;
    const unsigned char *b = a + stream;
    const unsigned char *c = b + stream;
    const unsigned char *d = c + stream;
    uint64_t sum[STREAMS] = {0};

    for (size_t at = 0; at < stream; at += sizeof(uint64_t)) {
        sum[0] += word_at(a + at);
        sum[1] += word_at(b + at);
        sum[2] += word_at(c + at);
        sum[3] += word_at(d + at);
    }
    for (size_t at = STREAMS * stream; at < size; at++) {
        sum[0] += data[at];
    }
    return sum[0] + sum[1] + sum[2] + sum[3];
}

uint64_t eg_scan_bytes(const void *data, size_t size, int threads)
{
    const unsigned char *bytes = data;
    const size_t share = size / (size_t)threads / 64 * 64;
    uint64_t total = 0;

#pragma omp parallel for num_threads(threads) reduction(+ : total)
    for (int t = 0; t < threads; t++) {
        const size_t begin = (size_t)t * share;
        const size_t end = t == threads - 1 ? size : begin + share;

        total += scan_part(bytes + begin, end - begin); /* integers: exact in any order */
    }
    return total;
}

/* The exponent field is all ones. */
static size_t bad16(const uint16_t *x, size_t n, uint16_t exponent)
{
    size_t bad = 0;

    for (size_t i = 0; i < n; i++) {
        bad += (x[i] & exponent) == exponent;
    }
    return bad;
}

static size_t bad32(const uint32_t *x, size_t n)
{
    size_t bad = 0;

    for (size_t i = 0; i < n; i++) {
        bad += (x[i] & 0x7f800000u) == 0x7f800000u;
    }
    return bad;
}

size_t eg_scan_not_finite(const void *data, eagle_dtype dtype, size_t n, int threads)
{
    size_t bad = 0;

#pragma omp parallel for num_threads(threads) reduction(+ : bad)
    for (int t = 0; t < threads; t++) {
        const size_t begin = n * (size_t)t / (size_t)threads;
        const size_t count = n * ((size_t)t + 1) / (size_t)threads - begin;

        switch (dtype) {
        case EAGLE_F32: bad += bad32((const uint32_t *)data + begin, count); break;
        case EAGLE_F16: bad += bad16((const uint16_t *)data + begin, count, 0x7c00u); break;
        case EAGLE_BF16: bad += bad16((const uint16_t *)data + begin, count, 0x7f80u); break;
        default: break;
        }
    }
    return bad;
}
