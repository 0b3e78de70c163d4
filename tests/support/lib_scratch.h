/* SPDX-License-Identifier: MIT */
/* lib_scratch.h - a directory of its own for a test, and quick ways to fill it. Failures end the
 * program: a test that cannot write its input has nothing to say. */
#ifndef TESTS_LIB_SCRATCH_H
#define TESTS_LIB_SCRATCH_H

#include <stddef.h>

#define SCRATCH_PATH 512

/* Makes a directory below $TMPDIR (else /tmp) and writes its name to `dir`. */
void scratch_create(char dir[SCRATCH_PATH]);

/* Removes the directory and the files in it (one level). */
void scratch_remove(const char *dir);

/* One for a whole group of tests, and what cmocka is given to make and remove it. */
extern char scratch_dir[SCRATCH_PATH];
int scratch_set_up(void **state);
int scratch_tear_down(void **state);

/* "dir/name". */
void scratch_join(char path[SCRATCH_PATH], const char *dir, const char *name);

/* Writes DIR/NAME. */
void scratch_write(const char *dir, const char *name, const void *data, size_t size);
void scratch_text(const char *dir, const char *name, const char *text);

/* Writes DIR/NAME as a safetensors file: `header` behind its length, then `size` bytes. */
void scratch_tensors(const char *dir, const char *name, const char *header, const void *data,
                     size_t size);

/* Copies every file of directory `from` (one level) into `dir`. */
void scratch_copy(const char *dir, const char *from);

/* $EAGLE_DATA/NAME; returns 0 when there is no such file. */
int scratch_find_data(char path[SCRATCH_PATH], const char *name);

#endif
