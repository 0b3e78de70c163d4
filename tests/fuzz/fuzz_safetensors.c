/* SPDX-License-Identifier: MIT */
/* fuzz_safetensors.c - arbitrary bytes as model.safetensors.
 *
 * An input that begins with '{' is a header up to its first NUL, and data behind it: the fuzzer
 * need not guess the eight bytes of its length. */
#include "formats/formats.h"
#include "fuzz/fuzz.h"
#include "support/lib_scratch.h"

#include <string.h>

/* Reads every byte that a tensor claims; the sanitizer objects to one that is not there. */
static unsigned read_all(const eg_tensors *t)
{
    unsigned sum = 0;

    for (int32_t i = 0; i < t->n; i++) {
        const unsigned char *data = t->tensor[i].data;

        for (size_t j = 0; j < t->tensor[i].size; j++) {
            sum += data[j];
        }
        sum += (unsigned)strlen(t->tensor[i].name);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static volatile unsigned seen;
    eagle_error err = {0};
    eg_tensors t;

    if (size > 0 && data[0] == '{') {
        const unsigned char *end = memchr(data, 0, size);
        size_t length = end != NULL ? (size_t)(end - data) : size;
        char header[65536];

        if (length >= sizeof header) {
            return 0;
        }
        memcpy(header, data, length);
        header[length] = '\0';
        scratch_tensors(fuzz_dir(), "model.safetensors", header, data + length, size - length);
    } else {
        scratch_write(fuzz_dir(), "model.safetensors", data, size);
    }
    eagle_status st = eg_tensors_open(&t, fuzz_dir(), &err);

    fuzz_check_error(st != EAGLE_OK, err.message);
    if (st == EAGLE_OK) {
        seen = read_all(&t);
        (void)seen;
    }
    eg_tensors_close(&t);
    return 0;
}
