/* SPDX-License-Identifier: MIT */
/* fuzz_index.c - arbitrary bytes as the index of two shards. */
#include "formats/formats.h"
#include "fuzz/fuzz.h"
#include "support/lib_scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int shards;
    const char *dir = fuzz_dir();
    eagle_error err = {0};
    eg_tensors t;

    if (!shards) {
        scratch_tensors(dir, "s1",
                        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", "x", 1);
        scratch_tensors(dir, "s2",
                        "{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", "y", 1);
        shards = 1;
    }
    scratch_write(dir, "model.safetensors.index.json", data, size);

    eagle_status st = eg_tensors_open(&t, dir, &err);

    fuzz_check_error(st != EAGLE_OK, err.message);
    eg_tensors_close(&t);
    return 0;
}
