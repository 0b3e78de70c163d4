/* SPDX-License-Identifier: MIT */
/* fuzz_rounds.c - arbitrary bytes as recorded rounds, and as a static tree. */
#include "eagle/files.h"
#include "fuzz/fuzz.h"
#include "support/lib_scratch.h"

#include <stdlib.h>

/* Every node has a token, and a parent before it. */
static void check(const eagle_rounds *rounds)
{
    const int32_t *token;
    const int32_t *parent;
    int32_t root;

    for (int32_t r = 0; r < eagle_rounds_count(rounds); r++) {
        int32_t n = eagle_rounds_get(rounds, r, &root, &token, &parent);

        if (root < 0 || n < 0 || n > eagle_rounds_max_nodes(rounds)) {
            abort();
        }
        for (int32_t i = 0; i < n; i++) {
            if (token[i] < 0 || parent[i] < 0 || parent[i] > i) {
                abort();
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[SCRATCH_PATH];
    eagle_error err = {0};
    eagle_rounds *rounds = NULL;
    eagle_shape *shape = NULL;

    scratch_write(fuzz_dir(), "f.json", data, size);
    scratch_join(path, fuzz_dir(), "f.json");

    eagle_status st = eagle_rounds_read(&rounds, path, &err);

    fuzz_check_error(st != EAGLE_OK, err.message);
    if (st == EAGLE_OK) {
        check(rounds);
    }
    eagle_rounds_free(rounds);
    st = eagle_shape_read(&shape, path, &err);
    fuzz_check_error(st != EAGLE_OK, err.message);
    if (st == EAGLE_OK && eagle_shape_nodes(shape) < eagle_shape_depth(shape)) {
        abort();
    }
    eagle_shape_free(shape);
    return 0;
}
