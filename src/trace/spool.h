/* SPDX-License-Identifier: MIT */
/* spool.h - bytes that wait on the disk, beside the file that they will be part of. */
#ifndef EG_TRACE_SPOOL_H
#define EG_TRACE_SPOOL_H

#include "base/file.h"

#include <stdint.h>

typedef struct {
    eg_output file; /* never committed: closing removes it */
    FILE *back;     /* the same, for reading               */
    uint64_t size;
} eg_spool;

/* A spool beside `path`. EAGLE_EWRITE, EAGLE_ENOMEM. Call eg_spool_close() also after a failure. */
eagle_status eg_spool_open(eg_spool *out, const char *path, eagle_error *err);
void eg_spool_close(eg_spool *spool);

/* The place of `size` bytes that are still to be written. */
uint64_t eg_spool_reserve(eg_spool *spool, uint64_t size);

/* Writes at a place that was reserved. EAGLE_EWRITE. */
eagle_status eg_spool_write(eg_spool *spool, uint64_t at, const void *data, size_t size,
                            eagle_error *err);

/* Copies to another file. EAGLE_EWRITE. */
eagle_status eg_spool_copy(FILE *to, eg_spool *spool, uint64_t at, uint64_t size, eagle_error *err);

#endif
