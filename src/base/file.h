/* SPDX-License-Identifier: MIT */
/* file.h - whole files: read, mapped, or replaced in one piece. */
#ifndef EG_BASE_FILE_H
#define EG_BASE_FILE_H

#include "eagle/status.h"

#include <stddef.h>
#include <stdio.h>

typedef struct {
    unsigned char *data;
    size_t size;
} eg_bytes;

/* Reads all of `path`, which may be a pipe, refusing more than `max` (< SIZE_MAX) bytes. Free
 * out->data. */
eagle_status eg_bytes_read_file(eg_bytes *out, const char *path, size_t max, eagle_error *err);

/* The same of a part of a directory: anything but a regular file is EAGLE_EREAD, and at once. */
eagle_status eg_bytes_read_regular(eg_bytes *out, const char *path, size_t max, eagle_error *err);

/* A regular file mapped read-only. */
typedef struct {
    const unsigned char *data; /* NULL for an empty file */
    size_t size;
} eg_map;

eagle_status eg_map_open(eg_map *out, const char *path, eagle_error *err);
void eg_map_close(eg_map *map);

/* Asks the system to have the whole mapping in huge pages and read ahead, where it can. */
void eg_map_advise(const eg_map *map);

/* "dir/name" into a new string; NULL without memory. Free with free(). */
char *eg_path_join(const char *dir, const char *name);

/* A file written under a temporary name beside `path` and renamed when complete. What a killed
 * process left under such a name is removed by the next that opens the same `path`, whatever their
 * numbers; two at once, processes or threads, do not meet. What is there and is no regular file,
 * such as a device or a link, is written to as it is. */
typedef struct {
    FILE *file;
    char *path;
    char *temporary; /* NULL: `file` is `path` itself, or nothing is left to remove */
} eg_output;

/* Opens; then write to out->file. EAGLE_EWRITE, EAGLE_ENOMEM. */
eagle_status eg_output_open(eg_output *out, const char *path, eagle_error *err);
/* Flushes to the disk and renames; on any failure a regular `path` stays as it was, and
 * what was written is removed. */
eagle_status eg_output_commit(eg_output *out, eagle_error *err);
/* Removes what was written, unless it was committed. */
void eg_output_close(eg_output *out);

#endif
