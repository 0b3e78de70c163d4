/* SPDX-License-Identifier: MIT */
/* sha256.c - SHA-256 as FIPS 180-4 defines it, with the standard's letters. */
#include "eagle/runtime.h"

#include <string.h>

/* First 32 bits of the fractional parts of the cube roots of the first 64 primes (4.2.2). */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotr(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* One block (6.2.2). */
static void compress(uint32_t H[8], const unsigned char M[64])
{
    uint32_t W[64];
    uint32_t v[8]; /* a b c d e f g h */

    for (int t = 0; t < 16; t++) {
        const unsigned char *m = M + 4 * t;

        W[t] = (uint32_t)m[0] << 24 | (uint32_t)m[1] << 16 | (uint32_t)m[2] << 8 | m[3];
    }
    for (int t = 16; t < 64; t++) {
        uint32_t s0 = rotr(W[t - 15], 7) ^ rotr(W[t - 15], 18) ^ W[t - 15] >> 3;
        uint32_t s1 = rotr(W[t - 2], 17) ^ rotr(W[t - 2], 19) ^ W[t - 2] >> 10;

        W[t] = s1 + W[t - 7] + s0 + W[t - 16];
    }
    memcpy(v, H, sizeof v);
    for (int t = 0; t < 64; t++) {
        uint32_t S1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
        uint32_t ch = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t T1 = v[7] + S1 + ch + K[t] + W[t];
        uint32_t S0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
        uint32_t maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);

        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += T1;
        v[0] = T1 + S0 + maj;
    }
    for (int i = 0; i < 8; i++) {
        H[i] += v[i];
    }
}

void eagle_sha256_init(eagle_sha256 *sha)
{
    /* First 32 bits of the fractional parts of the square roots of the first 8 primes (5.3.3). */
    static const uint32_t H0[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    *sha = (eagle_sha256){0};
    memcpy(sha->state, H0, sizeof H0);
}

void eagle_sha256_update(eagle_sha256 *sha, const void *data, size_t size)
{
    const unsigned char *bytes = data;

    while (size > 0) {
        size_t used = (size_t)(sha->n_bytes % 64);
        size_t take = size < 64 - used ? size : 64 - used;

        memcpy(sha->block + used, bytes, take);
        sha->n_bytes += take;
        bytes += take;
        size -= take;
        if (used + take == 64) {
            compress(sha->state, sha->block);
        }
    }
}

void eagle_sha256_floats(eagle_sha256 *sha, const float *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t u;

        memcpy(&u, &data[i], sizeof u);

        unsigned char bytes[4] = {(unsigned char)u, (unsigned char)(u >> 8),
                                  (unsigned char)(u >> 16), (unsigned char)(u >> 24)};

        eagle_sha256_update(sha, bytes, sizeof bytes);
    }
}

void eagle_sha256_hex(char hex[65], eagle_sha256 *sha)
{
    static const char digits[] = "0123456789abcdef";
    static const unsigned char pad[64] = {0x80};
    uint64_t n_bits = sha->n_bytes * 8;
    unsigned char length[8];

    for (int i = 0; i < 8; i++) {
        length[i] = (unsigned char)(n_bits >> (56 - 8 * i));
    }
    /* A one bit, zeros up to 56 bytes modulo 64, then the length (5.1.1). */
    eagle_sha256_update(sha, pad, 1 + (size_t)((119 - sha->n_bytes % 64) % 64));
    eagle_sha256_update(sha, length, sizeof length);
    for (int i = 0; i < 64; i++) {
        hex[i] = digits[sha->state[i / 8] >> (28 - 4 * (i % 8)) & 15u];
    }
    hex[64] = '\0';
}
