/* SPDX-License-Identifier: MIT */
/* fuzz_trace.c - arbitrary bytes as a trace, and everything that opens is walked along.
 *
 * An input that begins with '{' is a header up to its first NUL, and data behind it: the fuzzer
 * need not guess the eight bytes of its length. */
#include "eagle/trace.h"
#include "fuzz/fuzz.h"
#include "support/lib_scratch.h"

#include <stdlib.h>
#include <string.h>

#define MOST_HEADER 65536

/* Reads every byte that a tensor claims; the sanitizer objects to one that is not there. */
static unsigned read_tensors(const eagle_trace *trace)
{
    const eagle_tensor *t;
    unsigned sum = 0;

    for (int32_t i = 0; (t = eagle_trace_tensor_at(trace, i)) != NULL; i++) {
        const unsigned char *data = t->data;

        for (size_t j = 0; j < t->size; j++) {
            sum += data[j];
        }
        if (eagle_trace_tensor(trace, t->name) != t) {
            abort();
        }
    }
    return sum;
}

/* Goes down the path and through the draws as a reader would. */
static unsigned walk(const eagle_trace_round *r, int32_t vocab)
{
    unsigned sum = 0;
    int32_t at = 0;

    for (int32_t i = 0; i < r->n_path; i++) {
        float logit;

        if (r->path_row[i] != at || at < 0 || at >= r->tree.n_nodes) {
            abort();
        }
        if (r->logits != NULL) {
            const int64_t place = (int64_t)at * vocab + r->path_token[i];

            eagle_trace_floats(&logit, r->logits, place, 1);
            sum += logit > 0.0f;
        }
        sum += r->tree.law != NULL && r->tree.law[at] != NULL && r->tree.law[at][vocab - 1] > 0;
        at = r->path_node[i];
    }
    for (int32_t i = 0; i < r->draws.n; i++) {
        sum += (unsigned)r->draws.answer[i];
        sum += r->draws.num != NULL && r->draws.num[i].limb[4] > 0;
        sum += r->draws.coin != NULL && r->draws.coin[i] > 0.5;
    }
    return sum;
}

static unsigned read_all(const eagle_trace *trace)
{
    const eagle_trace_tokens *s = eagle_trace_sequence(trace);
    const int32_t vocab = eagle_trace_info(trace)->vocab;
    eagle_trace_comparison same;
    eagle_sampling sampling;
    eagle_error err = {0};
    unsigned sum = read_tensors(trace);

    for (int32_t i = 0; i < s->n; i++) {
        if (s->token[i] < 0 || s->token[i] >= vocab) {
            abort();
        }
        sum += s->round != NULL && s->round[i] > 0;
    }
    for (int32_t r = eagle_trace_info(trace)->first_round; eagle_trace_round_at(trace, r) != NULL;
         r++) {
        sum += walk(eagle_trace_round_at(trace, r), vocab);
    }
    fuzz_check_error(eagle_trace_sampling(&sampling, trace, &err) != EAGLE_OK, err.message);
    eagle_trace_compare(&same, trace, trace);
    if (same.different != 0) {
        abort();
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static volatile unsigned seen;
    char path[SCRATCH_PATH];
    eagle_error err = {0};
    eagle_trace *trace = NULL;

    if (size > 0 && data[0] == '{') {
        const unsigned char *end = memchr(data, 0, size);
        const size_t length = end != NULL ? (size_t)(end - data) : size;
        char header[MOST_HEADER];

        if (length >= sizeof header) {
            return 0;
        }
        memcpy(header, data, length);
        header[length] = '\0';
        scratch_tensors(fuzz_dir(), "f.trace", header, data + length, size - length);
    } else {
        scratch_write(fuzz_dir(), "f.trace", data, size);
    }
    scratch_join(path, fuzz_dir(), "f.trace");
    const eagle_status st = eagle_trace_open(&trace, path, &err);

    fuzz_check_error(st != EAGLE_OK, err.message);
    if (st == EAGLE_OK) {
        seen = read_all(trace);
        (void)seen;
    }
    eagle_trace_free(trace);
    return 0;
}
