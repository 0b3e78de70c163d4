/* SPDX-License-Identifier: MIT */
/* lib_scratch.c - a directory of its own for a test, and quick ways to fill it. */
#include "support/lib_scratch.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void die(const char *what, const char *path)
{
    fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    abort();
}

void scratch_create(char dir[SCRATCH_PATH])
{
    const char *parent = getenv("TMPDIR");

    scratch_join(dir, parent != NULL ? parent : "/tmp", "eagle-test-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        die("cannot make", dir);
    }
}

char scratch_dir[SCRATCH_PATH];

int scratch_set_up(void **state)
{
    (void)state;
    scratch_create(scratch_dir);
    return 0;
}

int scratch_tear_down(void **state)
{
    (void)state;
    scratch_remove(scratch_dir);
    return 0;
}

void scratch_join(char path[SCRATCH_PATH], const char *dir, const char *name)
{
    if (snprintf(path, SCRATCH_PATH, "%s/%s", dir, name) >= SCRATCH_PATH) {
        errno = ENAMETOOLONG;
        die("cannot name", dir);
    }
}

/* Calls visit(a, path, name) for each regular file of `dir`. */
static void each_file(const char *dir, void (*visit)(const char *, const char *, const char *),
                      const char *a)
{
    DIR *stream = opendir(dir);
    struct dirent *entry;
    struct stat info;
    char path[SCRATCH_PATH];

    if (stream == NULL) {
        die("cannot list", dir);
    }
    while ((entry = readdir(stream)) != NULL) {
        scratch_join(path, dir, entry->d_name);
        if (lstat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
            visit(a, path, entry->d_name);
        }
    }
    closedir(stream);
}

static void remove_one(const char *unused, const char *path, const char *name)
{
    (void)unused;
    (void)name;
    unlink(path);
}

void scratch_remove(const char *dir)
{
    each_file(dir, remove_one, NULL);
    if (rmdir(dir) != 0) {
        die("cannot remove", dir);
    }
}

void scratch_write(const char *dir, const char *name, const void *data, size_t size)
{
    char path[SCRATCH_PATH];

    scratch_join(path, dir, name);

    FILE *file = fopen(path, "wb");

    if (file == NULL || (size > 0 && fwrite(data, 1, size, file) != size) || fclose(file) != 0) {
        die("cannot write", path);
    }
}

void scratch_text(const char *dir, const char *name, const char *text)
{
    scratch_write(dir, name, text, strlen(text));
}

void scratch_tensors(const char *dir, const char *name, const char *header, const void *data,
                     size_t size)
{
    size_t length = strlen(header);
    unsigned char *bytes = malloc(8 + length + size);

    if (bytes == NULL) {
        die("no memory for", name);
    }
    for (size_t i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)((uint64_t)length >> (8 * i));
    }
    memcpy(bytes + 8, header, length);
    if (size > 0) {
        memcpy(bytes + 8 + length, data, size);
    }
    scratch_write(dir, name, bytes, 8 + length + size);
    free(bytes);
}

static void copy_one(const char *dir, const char *path, const char *name)
{
    static unsigned char data[1 << 20];
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        die("cannot read", path);
    }
    size_t size = fread(data, 1, sizeof data, file);

    if (size == sizeof data) {
        errno = EFBIG;
        die("cannot copy", path);
    }
    fclose(file);
    scratch_write(dir, name, data, size);
}

void scratch_copy(const char *dir, const char *from)
{
    each_file(from, copy_one, dir);
}

int scratch_find_data(char path[SCRATCH_PATH], const char *name)
{
    const char *data = getenv("EAGLE_DATA");

    scratch_join(path, data != NULL ? data : "../shared", name);
    return access(path, F_OK) == 0;
}
