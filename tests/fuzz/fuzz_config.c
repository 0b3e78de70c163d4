/* SPDX-License-Identifier: MIT */
/* fuzz_config.c - arbitrary bytes as config.json of a target and of a head, and as
 * generation_config.json. What is understood must keep the promises of model.h. */
#include "formats/formats.h"
#include "fuzz/fuzz.h"
#include "support/lib_scratch.h"

#include <math.h>
#include <stdlib.h>

static void promise(int kept)
{
    if (!kept) {
        abort();
    }
}

static void check(const eagle_config *c)
{
    promise(c->dim > 0 && c->n_layers > 0 && c->n_heads > 0 && c->n_kv_heads > 0);
    promise(c->head_dim > 0 && c->head_dim % 2 == 0 && c->ffn_dim > 0);
    promise(c->n_heads % c->n_kv_heads == 0);
    promise(c->vocab > 0 && c->vocab <= 1 << 18 && c->context > 0 && c->context <= 1 << 24);
    promise(c->rms_eps > 0.0f && isfinite(c->rms_eps));
    promise(c->rope.theta >= 1.0 && isfinite(c->rope.theta) && c->rope.factor >= 1.0);
    promise(c->rope.kind != EAGLE_ROPE_LLAMA3 ||
            (c->rope.high_freq_factor > c->rope.low_freq_factor && c->rope.low_freq_factor > 0.0 &&
             c->rope.original_context > 0));
    promise(c->bos >= -1 && c->bos < c->vocab);
    promise(c->n_end >= 0 && c->n_end <= EAGLE_MAX_END);
    for (int32_t i = 0; i < c->n_end; i++) {
        promise(c->end[i] >= 0 && c->end[i] < c->vocab);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *dir = fuzz_dir();
    eagle_error err = {0};
    eagle_config config;

    scratch_write(dir, "config.json", data, size);
    scratch_write(dir, "generation_config.json", data, size);

    eagle_status st = eg_config_read_target(&config, dir, &err);

    fuzz_check_error(st != EAGLE_OK, err.message);
    if (st == EAGLE_OK) {
        check(&config);
    }
    st = eg_config_read_head(&config, dir, &err);
    fuzz_check_error(st != EAGLE_OK, err.message);
    if (st == EAGLE_OK) {
        check(&config);
    }
    return 0;
}
