/* SPDX-License-Identifier: MIT */
/* lib_hostile.h - runs a reader over the malformed directories of testdata/bad (make_bad.c). */
#ifndef TESTS_LIB_HOSTILE_H
#define TESTS_LIB_HOSTILE_H

#include "eagle/status.h"

#define HOSTILE_BASE "testdata/bad/base"
#define HOSTILE_HEAD "testdata/bad/head"

/* Reads the directory `dir`; what it made, it frees. */
typedef eagle_status hostile_reader(const char *dir, eagle_error *err);

/* Assembles every directory of `stage` from `base` and its defect, and reads it: the reader must
 * fail with the expected exit code and one line that holds the expected piece. Returns how
 * many there were; adds those that were read wrongly to *failed, and prints them. */
int hostile_run(int *failed, const char *stage, const char *base, hostile_reader *read);

#endif
