/* SPDX-License-Identifier: MIT */
/* example.c - a run of three rounds, written by eagle_trace.h: one of the prefill, one whose tree was half
 * right, one without a tree.
 *
 *   cc -std=c99 -o example example.c && ./example LEVEL FILE && eagle trace show FILE */
#include "eagle_trace.h"

#define VOCAB 6

int main(int argc, char **argv)
{
    static const int32_t prompt[] = {1, 4, 2};

    /* The prefill: the row of the last prompt token gives token 3. */
    static const int32_t root[] = {2};
    static const int32_t alone[] = {-1};
    static const float row[VOCAB] = {0, 1, 2, 3, 0, 1};
    static const int32_t first[] = {3};
    static const float first_logprob[] = {-0.5625f};
    static const int32_t plain[] = {4};

    /* 3 - 5 - 0 and 3 - 1: 5 is accepted, 0 is not, 2 comes in its place. */
    static const int32_t token[] = {3, 5, 1, 0};
    static const int32_t parent[] = {-1, 0, 0, 1};
    static const float score[] = {0, -0.5f, -1.5f, -0.75f};
    static const float rows[4 * VOCAB] = {0, 0, 0, 0, 0, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 1};
    static const int32_t second[] = {5, 2};
    static const float second_logprob[] = {-0.0625f, -0.03125f};
    static const int32_t sources[] = {1, 2};

    const eagle_emit_tree trees[] = {{1, root, alone, NULL, row, EAGLE_EMIT_F32},
                                     {4, token, parent, score, rows, EAGLE_EMIT_F32},
                                     {1, second + 1, alone, NULL, row, EAGLE_EMIT_F32}};
    const char *manifest = "\"producer\":{\"name\":\"example\",\"version\":\"1\"},\"dtype\":\"f32\","
                           "\"verify\":\"greedy\",\"children\":\"topk\",\"tree\":\"by hand\","
                           "\"sampling\":{\"temperature\":\"0\",\"top_k\":0,\"top_p\":\"1\","
                           "\"min_p\":\"0\"}";
    eagle_emit e;
    int error;

    if (argc != 3) {
        fprintf(stderr, "usage: example LEVEL FILE\n");
        return 2;
    }
    eagle_emit_begin(&e, atoi(argv[1]), VOCAB, prompt, 3, manifest);
    eagle_emit_round(&e, first, 1, plain, first_logprob, &trees[0]);
    eagle_emit_round(&e, second, 2, sources, second_logprob, &trees[1]);
    eagle_emit_round(&e, first, 1, plain, first_logprob, &trees[2]);
    error = eagle_emit_end(&e, argv[2], "length");
    eagle_emit_free(&e);
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", argv[2], strerror(error));
    }
    return error != 0;
}
