/* SPDX-License-Identifier: MIT */
/* spool.c - bytes that wait on the disk. */
#include "trace/spool.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 65536

eagle_status eg_spool_open(eg_spool *out, const char *path, eagle_error *err)
{
    static const char suffix[] = ".data";
    char *name = malloc(strlen(path) + sizeof suffix);

    *out = (eg_spool){0};
    if (name == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for its name", path);
    }
    strcpy(name, path);
    strcat(name, suffix);
    eagle_status st = eg_output_open(&out->file, name, err);

    if (st == EAGLE_OK && out->file.temporary == NULL) {
        st = eg_fail(err, EAGLE_EWRITE, "%s: is no regular file", name);
    }
    if (st == EAGLE_OK) {
        out->back = fopen(out->file.temporary, "rb");
        if (out->back == NULL) {
            st = eg_fail(err, EAGLE_EWRITE, "%s: %s", out->file.temporary, strerror(errno));
        }
    }
    free(name);
    return st;
}

void eg_spool_close(eg_spool *spool)
{
    if (spool->back != NULL) {
        fclose(spool->back);
    }
    eg_output_close(&spool->file);
    *spool = (eg_spool){0};
}

uint64_t eg_spool_reserve(eg_spool *spool, uint64_t size)
{
    const uint64_t at = spool->size;

    spool->size += size;
    return at;
}

eagle_status eg_spool_write(eg_spool *spool, uint64_t at, const void *data, size_t size,
                            eagle_error *err)
{
    const unsigned char *from = data;
    const int fd = fileno(spool->file.file);

    while (size > 0) {
        const ssize_t n = pwrite(fd, from, size, (off_t)at);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return eg_fail(err, EAGLE_EWRITE, "%s: write failed: %s", spool->file.path,
                           strerror(n < 0 ? errno : ENOSPC));
        }
        from += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return EAGLE_OK;
}

eagle_status eg_spool_copy(FILE *to, eg_spool *spool, uint64_t at, uint64_t size, eagle_error *err)
{
    unsigned char block[BLOCK];

    if (fseeko(spool->back, (off_t)at, SEEK_SET) != 0) {
        return eg_fail(err, EAGLE_EWRITE, "%s: %s", spool->file.path, strerror(errno));
    }
    while (size > 0) {
        const size_t n = size < BLOCK ? (size_t)size : BLOCK;

        if (fread(block, 1, n, spool->back) != n) {
            return eg_fail(err, EAGLE_EWRITE, "%s: what was written cannot be read back",
                           spool->file.path);
        }
        if (fwrite(block, 1, n, to) != n) {
            return eg_fail(err, EAGLE_EWRITE, "%s: write failed: %s", spool->file.path,
                           strerror(errno));
        }
        size -= n;
    }
    return EAGLE_OK;
}
