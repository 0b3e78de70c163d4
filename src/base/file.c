/* SPDX-License-Identifier: MIT */
/* file.c - whole files: read, mapped, or replaced in one piece. */
#include "base/file.h"

#include "base/alloc.h"
#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Reads all of `file`, and closes it. */
static eagle_status read_and_close(eg_bytes *out, FILE *file, const char *path, size_t max,
                                   eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    unsigned char *data = NULL;
    size_t size = 0;
    size_t cap = 0;

    for (;;) {
        if (size == cap) { /* grows with what was read, not with what a file claims */
            cap = cap == 0 ? (size_t)1 << 16 : 2 * cap;
            cap =
                cap > max ? max + 1 : cap; /* one spare byte tells "exactly max" from "too long" */
            unsigned char *grown = realloc(data, cap);

            if (grown == NULL) {
                st = eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %zu bytes", path, cap);
                goto done;
            }
            data = grown;
        }
        size_t got = fread(data + size, 1, cap - size, file);

        size += got;
        if (size > max) {
            st = eg_fail(err, EAGLE_EFORMAT, "%s: longer than the %zu bytes allowed", path, max);
            goto done;
        }
        if (got == 0) {
            break;
        }
    }
    if (ferror(file)) {
        st = eg_fail(err, EAGLE_EREAD, "%s: read failed after %zu bytes: %s", path, size,
                     strerror(errno));
        goto done;
    }
    *out = (eg_bytes){.data = data, .size = size};
    data = NULL; /* now owned by *out */

done:
    free(data);
    fclose(file);
    return st;
}

eagle_status eg_bytes_read_file(eg_bytes *out, const char *path, size_t max, eagle_error *err)
{
    FILE *file = fopen(path, "rb");

    *out = (eg_bytes){0};
    if (file == NULL) {
        return eg_fail(err, EAGLE_EREAD, "%s: %s", path, strerror(errno));
    }
    return read_and_close(out, file, path, max, err);
}

/* Opens a regular file. O_NONBLOCK: to open a pipe waits for its writer, which need not come. */
static eagle_status open_regular(int *fd, struct stat *info, const char *path, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0 || fstat(*fd, info) != 0) {
        st = eg_fail(err, EAGLE_EREAD, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(info->st_mode)) {
        st = eg_fail(err, EAGLE_EREAD, "%s: not a regular file", path);
    }
    if (st != EAGLE_OK && *fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    return st;
}

eagle_status eg_bytes_read_regular(eg_bytes *out, const char *path, size_t max, eagle_error *err)
{
    struct stat info;
    int fd;

    *out = (eg_bytes){0};

    eagle_status st = open_regular(&fd, &info, path, err);

    if (st != EAGLE_OK) {
        return st;
    }
    FILE *file = fdopen(fd, "rb");

    if (file == NULL) {
        st = eg_fail(err, EAGLE_EREAD, "%s: %s", path, strerror(errno));
        close(fd);
        return st;
    }
    return read_and_close(out, file, path, max, err);
}

eagle_status eg_map_open(eg_map *out, const char *path, eagle_error *err)
{
    struct stat info;
    int fd;

    *out = (eg_map){0};

    eagle_status st = open_regular(&fd, &info, path, err);

    if (st != EAGLE_OK) {
        return st;
    }
    if ((uintmax_t)info.st_size > SIZE_MAX) {
        st = eg_fail(err, EAGLE_ELIMIT, "%s: too large to map", path);
        goto done;
    }
    if (info.st_size > 0) {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

        if (data == MAP_FAILED) {
            st = eg_fail(err, EAGLE_ENOMEM, "%s: cannot map %jd bytes: %s", path,
                         (intmax_t)info.st_size, strerror(errno));
            goto done;
        }
        *out = (eg_map){.data = data, .size = (size_t)info.st_size};
    }

done:
    close(fd);
    return st;
}

void eg_map_close(eg_map *map)
{
    if (map->data != NULL) {
        munmap((void *)(uintptr_t)map->data, map->size);
    }
    *map = (eg_map){0};
}

void eg_map_advise(const eg_map *map)
{
    if (map->data != NULL) {
        /* Advice only: a system that cannot follow it is as right, and slower. */
        (void)posix_madvise((void *)(uintptr_t)map->data, map->size, POSIX_MADV_WILLNEED);
    }
}

char *eg_path_join(const char *dir, const char *name)
{
    size_t dir_size = strlen(dir);
    size_t size = dir_size + strlen(name) + 2;
    char *path = malloc(size);

    if (path != NULL) {
        bool slash = dir_size > 0 && dir[dir_size - 1] == '/';

        snprintf(path, size, "%s%s%s", dir, slash ? "" : "/", name);
    }
    return path;
}

/* ---- temporary names --------------------------------------------------------------------- */

/* A new file is PATH.PID-WORD-N.unfinished, locked as long as it has that name. A process that is
 * killed leaves its file without a lock, and the next one that writes PATH removes it. WORD tells
 * processes apart that have one number, as all first ones of containers have. */
#define TEMPORARY ".unfinished"
#define DIGITS    "0123456789"

static pthread_once_t begun = PTHREAD_ONCE_INIT;
static uint64_t word; /* of this process: nanoseconds on the clock when it first needed one */

static void choose_word(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    word = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What the temporary names of this process have between PATH. and N: a child that a process forks
 * has its word, but not its number. */
typedef struct {
    char text[48];
} mark;

static mark own_mark(void)
{
    mark own;

    pthread_once(&begun, choose_word);
    snprintf(own.text, sizeof own.text, "%ld-%" PRIx64 "-", (long)getpid(), word);
    return own;
}

/* False when another process holds the lock, or the file system has no locks. */
static bool lock(int fd, bool wait)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int result;

    do {
        result = fcntl(fd, wait ? F_SETLKW : F_SETLK, &whole);
    } while (result != 0 && errno == EINTR);
    return result == 0;
}

/* Creates a file of a name that nobody has, as public as any other new file: the system applies the
 * umask, which only a process, not a library, may look at. */
static int create_beside(char *name, size_t size, const char *path)
{
    const mark own = own_mark();
    int fd = -1;

    for (int i = 0; fd < 0 && i < 1000 && (i == 0 || errno == EEXIST); i++) {
        struct stat info;

        snprintf(name, size, "%s.%s%d" TEMPORARY, path, own.text, i);
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        /* Another process may have taken it for a leftover before it was locked. */
        if (fd >= 0 && lock(fd, true) && fstat(fd, &info) == 0 && info.st_nlink == 0) {
            close(fd);
            fd = -1;
            errno = EEXIST;
        }
    }
    return fd;
}

/* Behind the characters of `set` at the beginning of `text` and one `end`; NULL when they are not
 * there. */
static const char *behind(const char *text, const char *set, char end)
{
    const size_t n = text != NULL ? strspn(text, set) : 0;

    return n > 0 && text[n] == end ? text + n + 1 : NULL;
}

/* Whether `name` is a temporary one for `base`, of another process. Our own may be another
 * thread's, and a lock does not tell threads apart. */
static bool is_temporary(const char *name, const char *base)
{
    const size_t size = strlen(base);
    const mark own = own_mark();

    if (strncmp(name, base, size) != 0 || name[size] != '.') {
        return false;
    }
    const char *begin = name + size + 1;
    const char *number = behind(behind(begin, DIGITS, '-'), DIGITS "abcdef", '-');
    const char *end = behind(number, DIGITS, TEMPORARY[0]);

    return end != NULL && strcmp(end, &TEMPORARY[1]) == 0 &&
           strncmp(begin, own.text, strlen(own.text)) != 0;
}

/* Removes a regular file that nobody holds a lock of. Between opening and locking its owner may
 * have given it its true name, and the temporary one to another file. */
static void remove_unlocked(int folder, const char *name)
{
    const int fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat locked;
    struct stat named;

    if (fd < 0) {
        return;
    }
    if (fstat(fd, &locked) == 0 && S_ISREG(locked.st_mode) && lock(fd, false) &&
        fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && locked.st_dev == named.st_dev &&
        locked.st_ino == named.st_ino) {
        unlinkat(folder, name, 0);
    }
    close(fd);
}

/* Removes what killed processes left of `path`, as far as that is possible: nobody depends on it.
 * `room` has space for the path. */
static void remove_leftovers(char *room, size_t size, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;

    snprintf(room, size, "%.*s.", (int)(base - path), path); /* DIR/. or . */

    DIR *dir = opendir(room);

    if (dir == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (is_temporary(entry->d_name, base)) {
            remove_unlocked(dirfd(dir), entry->d_name);
        }
    }
    closedir(dir);
}

eagle_status eg_output_open(eg_output *out, const char *path, eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    const size_t size = strlen(path) + 64; /* a dot, a mark, a number, TEMPORARY */
    struct stat info;
    int fd = -1;

    *out = (eg_output){0};
    out->path = eg_strdup(path);
    out->temporary = malloc(size);
    if (out->path == NULL || out->temporary == NULL) {
        free(out->temporary); /* no name yet, and no file */
        out->temporary = NULL;
        st = eg_fail(err, EAGLE_ENOMEM, "%s: no memory for its name", path);
        goto done;
    }
    if (lstat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        free(out->temporary); /* a device, a pipe or a link: written to, never replaced */
        out->temporary = NULL;
        out->file = fopen(path, "wb");
        if (out->file == NULL) {
            st = eg_fail(err, EAGLE_EWRITE, "%s: cannot create: %s", path, strerror(errno));
        }
        goto done;
    }
    remove_leftovers(out->temporary, size, path);
    fd = create_beside(out->temporary, size, path);
    if (fd < 0) {
        free(out->temporary); /* there is no such file to remove */
        out->temporary = NULL;
        st = eg_fail(err, EAGLE_EWRITE, "%s: cannot create: %s", path, strerror(errno));
        goto done;
    }
    out->file = fdopen(fd, "wb");
    if (out->file == NULL) {
        st = eg_fail(err, EAGLE_EWRITE, "%s: %s", path, strerror(errno));
        goto done;
    }
    fd = -1;

done:
    if (st != EAGLE_OK) {
        eg_output_close(out); /* before the lock goes with `fd` */
    }
    if (fd >= 0) {
        close(fd);
    }
    return st;
}

/* Removes the temporary file: before its lock goes, since then the name may be another's. */
static void remove_temporary(eg_output *out)
{
    if (out->temporary != NULL) {
        unlink(out->temporary);
    }
    free(out->temporary);
    out->temporary = NULL;
}

eagle_status eg_output_commit(eg_output *out, eagle_error *err)
{
    const bool beside = out->temporary != NULL;
    bool failed = ferror(out->file) != 0; /* in a write before: why is no longer known */
    int why = 0;

    if (fflush(out->file) != 0 ||
        (!failed && beside &&
         (fsync(fileno(out->file)) != 0 || rename(out->temporary, out->path) != 0))) {
        failed = true;
        why = errno;
    }
    if (failed) {
        remove_temporary(out);
    }
    /* Renamed before, because closing gives up the lock; what is on the disk can no longer fail. */
    if (fclose(out->file) != 0 && !beside && !failed) {
        failed = true;
        why = errno;
    }
    out->file = NULL;
    if (failed) {
        return eg_fail(err, EAGLE_EWRITE, "%s: write failed%s%s", out->path, why != 0 ? ": " : "",
                       why != 0 ? strerror(why) : "");
    }
    free(out->temporary);
    out->temporary = NULL;
    return EAGLE_OK;
}

void eg_output_close(eg_output *out)
{
    remove_temporary(out);
    if (out->file != NULL) {
        fclose(out->file);
    }
    free(out->path);
    *out = (eg_output){0};
}
