/* SPDX-License-Identifier: MIT */
/* model_alone.c - whole generations on networks made in memory, without a test framework, for
 * machines that are emulated: speculative equals plain in every bit, and the last line, a digest of
 * all logits, is the same on every machine. */
#include "support/lib_toy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_TOKENS 32
#define N_PROMPT 6

static int failed;

static void must(eagle_status st, const eagle_error *err)
{
    if (st != EAGLE_OK) {
        printf("not ok: %s\n", err->message);
        exit(EXIT_FAILURE);
    }
}

/* Adds the logits behind each of 32 tokens to `sha`; writes the tokens. */
static void generate(eagle_sha256 *sha, int32_t token[N_TOKENS], const toy *t,
                     const eagle_drafter *drafter, const eagle_session_options *opt,
                     const int32_t *prompt)
{
    eagle_session *s = NULL;
    eagle_error err;
    const eagle_path *path;
    int32_t n = 0;

    must(eagle_session_create(&s, toy_model(t), drafter, opt, &err), &err);
    must(eagle_session_feed(NULL, s, prompt, N_PROMPT, &err), &err);
    while (n < N_TOKENS) {
        must(eagle_session_step(&path, s, &err), &err);
        const eagle_rows *rows = eagle_session_rows(s);

        for (int32_t i = 0; i < path->n && n < N_TOKENS; i++) {
            token[n++] = path->token[i];
            eagle_sha256_floats(sha, rows->logits + (size_t)path->row[i] * (size_t)rows->vocab,
                                (size_t)rows->vocab);
        }
    }
    eagle_session_free(s);
}

/* Plain on one thread in portable C, then with each drafter on the best instruction set. */
static void compare(eagle_sha256 *all, const toy *t, const eagle_sampling *sampling, int which)
{
    eagle_drafter *drafters[4] = {NULL};
    eagle_shape *shape = NULL;
    eagle_session_options opt;
    eagle_error err;
    int32_t prompt[N_PROMPT];
    int32_t plain[N_TOKENS];
    int32_t got[N_TOKENS];
    char digest[2][65];
    eagle_sha256 sha;

    for (int i = 0; i < N_PROMPT; i++) {
        prompt[i] = (which * 11 + i * 7 + 1) % 40;
    }
    must(eagle_shape_named(&shape, "mc_sim_7b_63", &err), &err);
    must(eagle_drafter_dynamic(&drafters[1], toy_head(t), 5, 4, 7, &err), &err);
    must(eagle_drafter_static(&drafters[2], toy_head(t), shape, false, &err), &err);
    must(eagle_drafter_fuzz(&drafters[3], 5, 20, 40, EAGLE_FUZZ_RANDOM, NULL, &err), &err);
    eagle_session_defaults(&opt);
    opt.ctx = 64;
    opt.threads = 1;
    opt.isa = EAGLE_ISA_PORTABLE;
    opt.sampling = *sampling;
    eagle_sha256_init(&sha);
    generate(&sha, plain, t, NULL, &opt, prompt);
    eagle_sha256_hex(digest[0], &sha);
    eagle_sha256_update(all, digest[0], 64);
    opt.isa = EAGLE_ISA_AUTO;
    for (int d = 0; d < 4; d++) {
        opt.threads = 1 + d % 2;
        eagle_sha256_init(&sha);
        generate(&sha, got, t, drafters[d], &opt, prompt);
        eagle_sha256_hex(digest[1], &sha);
        if (memcmp(plain, got, sizeof plain) != 0 || strcmp(digest[0], digest[1]) != 0) {
            printf("not ok: prompt %d, drafter %d differs from plain decoding\n", which, d);
            failed = 1;
        }
        eagle_drafter_free(drafters[d]);
    }
    eagle_shape_free(shape);
}

int main(void)
{
    eagle_sampling greedy;
    eagle_sampling warm;
    eagle_sha256 all;
    char hex[65];

    eagle_sampling_defaults(&greedy);
    warm = greedy;
    warm.temperature = 1.0f;
    warm.mode = EAGLE_VERIFY_COUPLED;
    must(eagle_decimal_parse(&warm.top_p, "0.9", NULL), &(eagle_error){0});
    eagle_sha256_init(&all);
    for (int dtype = 0; dtype < 3; dtype++) {
        static const eagle_dtype dtypes[] = {EAGLE_F32, EAGLE_BF16, EAGLE_F16};
        toy *t = toy_create(&(toy_options){.seed = 77,
                                           .dim = 64,
                                           .n_layers = 3,
                                           .n_heads = 8,
                                           .n_kv_heads = 4,
                                           .ffn_dim = 172,
                                           .biases = dtype == 1,
                                           .dtype = dtypes[dtype]});

        for (int which = 0; which < 2; which++) {
            compare(&all, t, &greedy, which);
            compare(&all, t, &warm, which);
        }
        toy_free(t);
    }
    eagle_sha256_hex(hex, &all);
    printf("ok %s: 2 prompts x %d tokens x {f32, bf16, f16} x {greedy, coupled} x 4 drafters\n",
           eagle_isa_name(eagle_isa_best()), N_TOKENS);
    printf("digest %s\n", hex);
    return failed;
}
