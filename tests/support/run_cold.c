/* SPDX-License-Identifier: MIT */
/* run_cold.c - runs a command on a file of which nothing is in memory, and judges how many bytes
 * the command read from the disk.
 *
 *   run_cold MOST FILE COMMAND [ARGUMENT...]
 *
 * The bytes may be at most MOST times the size of FILE: the command may read FILE once, and little
 * else. They are those that the kernel accounts to the process when it asks the device for
 * them: read() and page faults alike, with what is read ahead.
 *
 * Exit: 0 it holds; 1 it does not; 2 usage; 77 cannot be judged here; else the command's own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOLDS = 0, FAILS = 1, USAGE = 2, NOT_HERE = 77 };

#define INBLOCK 512.0 /* bytes in one ru_inblock, whatever the device's blocks are */

static int not_here(const char *path, const char *what)
{
    printf("run_cold: %s: %s: cannot be judged here\n", path, what);
    return NOT_HERE;
}

/* How many bytes of the open file are in memory; -1 when the kernel does not tell. */
static double resident(int fd, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t pages = (size + page - 1) / page;
    unsigned char *in = malloc(pages);
    void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    double bytes = -1.0;

    if (in != NULL && map != MAP_FAILED && mincore(map, size, in) == 0) {
        bytes = 0.0;
        for (size_t i = 0; i < pages; i++) {
            bytes += (in[i] & 1) * (double)page;
        }
    }
    if (map != MAP_FAILED) {
        munmap(map, size);
    }
    free(in);
    return bytes;
}

/* Takes the file out of memory. Pages not yet written would stay, so they are written first. */
static int make_cold(size_t *size, const char *path)
{
    int fd = open(path, O_RDONLY);
    struct stat info;
    double left = -1.0;

    if (fd < 0 || fstat(fd, &info) != 0 || info.st_size == 0) {
        fprintf(stderr, "run_cold: %s: %s\n", path, fd < 0 ? strerror(errno) : "empty");
        return USAGE;
    }
    *size = (size_t)info.st_size;
    if (fsync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0) {
        left = resident(fd, *size);
    }
    close(fd);
    return left == 0.0 ? HOLDS : not_here(path, "its pages stay in memory");
}

/* Runs the command to its end; *bytes is what it and its children read from devices. */
static int run(double *bytes, char **argv)
{
    struct rusage used;
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        execvp(argv[0], argv);
        fprintf(stderr, "run_cold: %s: %s\n", argv[0], strerror(errno));
        _exit(USAGE);
    }
    if (child < 0 || waitpid(child, &status, 0) != child ||
        getrusage(RUSAGE_CHILDREN, &used) != 0) {
        fprintf(stderr, "run_cold: %s: %s\n", argv[0], strerror(errno));
        return USAGE;
    }
    *bytes = (double)used.ru_inblock * INBLOCK;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    const double most = argc > 3 ? strtod(argv[1], NULL) : 0.0;
    size_t size = 0;
    double bytes = 0.0;
    int code = USAGE;

    if (most <= 0.0) {
        fprintf(stderr, "usage: run_cold MOST FILE COMMAND [ARGUMENT...]\n");
        return USAGE;
    }
    code = make_cold(&size, argv[2]);
    if (code == HOLDS) {
        code = run(&bytes, argv + 3);
    }
    if (code != HOLDS) {
        return code;
    }
    if (bytes == 0.0) {
        return not_here(argv[2], "its file system does not count what is read");
    }
    printf("cold: %.1f MB read from the disk, %s has %.1f: ratio %.4f, at most %s\n", bytes / 1e6,
           argv[2], (double)size / 1e6, bytes / (double)size, argv[1]);
    return bytes <= most * (double)size ? HOLDS : FAILS;
}
