/* SPDX-License-Identifier: MIT */
/* fuzz.h - what the fuzz targets share. A target gives arbitrary bytes to one reader; it must
 * return, free all it made, and never touch memory that is not its own: the sanitizers watch.
 *
 * The targets run under libFuzzer, or with standalone.c where a compiler lacks it. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* This process's directory, made at the first call and removed at exit. */
const char *fuzz_dir(void);

/* Ends the program when something failed without a message of one line. */
void fuzz_check_error(int failed, const char *message);

#endif
