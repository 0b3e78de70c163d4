/* SPDX-License-Identifier: MIT */
/* make_tokenizer.c - learns a tokenizer, for scripts that compare it with another one.
 *
 *   make_tokenizer DIR VOCAB MIN_FREQUENCY FILE... */
#include "eagle/eagle.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    eagle_tokenizer_options opt;
    eagle_error err;

    if (argc < 5) {
        fprintf(stderr, "usage: make_tokenizer DIR VOCAB MIN_FREQUENCY FILE...\n");
        return 2;
    }
    eagle_tokenizer_defaults(&opt);
    opt.vocab = (int32_t)strtol(argv[2], NULL, 10);
    opt.min_frequency = strtol(argv[3], NULL, 10);
    eagle_status st = eagle_tokenizer_train(argv[1], (const char *const *)argv + 4,
                                            (int32_t)(argc - 4), &opt, &err);

    if (st != EAGLE_OK) {
        fprintf(stderr, "make_tokenizer: %s\n", err.message);
    }
    return eagle_exit_code(st);
}
