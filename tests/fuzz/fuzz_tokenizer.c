/* SPDX-License-Identifier: MIT */
/* fuzz_tokenizer.c - arbitrary bytes as tokenizer.json; one that opens must take a text apart and
 * put it together. */
#include "eagle/tokenizer.h"
#include "fuzz/fuzz.h"
#include "support/lib_scratch.h"

#include <stdlib.h>
#include <string.h>

static void use(const eagle_tokenizer *t)
{
    static const char text[] = "abcd ab  \xc3\xa9\xe2\x96\x81<s>\xff\n12";
    const eagle_encode_options opt = {.add_special = true, .parse_special = true};
    eagle_error err = {0};
    int32_t *ids = NULL;
    size_t n = 0;
    char *back = NULL;
    size_t size = 0;
    eagle_status st = eagle_tokenizer_encode(&ids, &n, t, text, strlen(text), &opt, &err);

    fuzz_check_error(st != EAGLE_OK, err.message);
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= eagle_tokenizer_vocab(t)) {
            abort();
        }
    }
    if (st == EAGLE_OK) {
        st = eagle_tokenizer_decode(&back, &size, t, ids, n, &err);
        fuzz_check_error(st != EAGLE_OK, err.message);
    }
    free(back);
    free(ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    eagle_error err = {0};
    eagle_tokenizer *t = NULL;

    scratch_write(fuzz_dir(), "tokenizer.json", data, size);

    eagle_status st = eagle_tokenizer_open(&t, fuzz_dir(), &err);

    fuzz_check_error(st != EAGLE_OK, err.message);
    if (st == EAGLE_OK) {
        use(t);
    }
    eagle_tokenizer_free(t);
    return 0;
}
