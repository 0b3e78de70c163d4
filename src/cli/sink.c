/* SPDX-License-Identifier: MIT */
/* sink.c - stdout, or a file that is replaced whole. */
#define _GNU_SOURCE /* O_TMPFILE, of Linux */

#include "cli/sink.h"

#include "cli/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef O_TMPFILE
#define O_TMPFILE 0 /* a folder cannot be opened for writing: there are no files without names */
#endif

static eagle_status failed(const eg_sink *sink, eagle_error *err)
{
    if (errno == EPIPE) {
        return eg_cli_fail(err, EAGLE_EWRITE, "%s", "");
    }
    return eg_cli_fail(err, EAGLE_EWRITE, "%s: %s", sink->path, strerror(errno));
}

#define NAME_ROOM 32 /* behind a path: a dot, two numbers */

static void nth_name(const eg_sink *sink, int i)
{
    snprintf(sink->temporary, strlen(sink->target) + NAME_ROOM, "%s.%ld-%d", sink->target,
             (long)getpid(), i);
}

/* What linkat() calls an open file. */
static const char *link_of(char text[NAME_ROOM], int fd)
{
    snprintf(text, NAME_ROOM, "/proc/self/fd/%d", fd);
    return text;
}

/* A file in the path's folder that has no name yet, but can get one; -1: not here. */
static int open_unnamed(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = folder != NULL ? open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666) : -1;
    char text[NAME_ROOM];

    free(folder);
    if (fd >= 0 && access(link_of(text, fd), F_OK) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Opens a new file beside the path, if it must have a name under one that nobody has; the system
 * applies the umask. */
static FILE *open_beside(eg_sink *sink)
{
    FILE *file = NULL;
    int fd = open_unnamed(sink->target);

    sink->named = fd < 0;
    for (int i = 0; fd < 0 && i < 1000 && (i == 0 || errno == EEXIST); i++) {
        nth_name(sink, i);
        fd = open(sink->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    if (fd >= 0) {
        file = fdopen(fd, "wb");
        if (file == NULL) {
            close(fd);
            if (sink->named) {
                unlink(sink->temporary);
            }
        }
    }
    return file;
}

/* Sees to it that the file has its temporary name. */
static bool give_name(eg_sink *sink)
{
    char text[NAME_ROOM];

    for (int i = 0; !sink->named && i < 1000 && (i == 0 || errno == EEXIST); i++) {
        nth_name(sink, i);
        sink->named = linkat(AT_FDCWD, link_of(text, fileno(sink->file)), AT_FDCWD, sink->temporary,
                             AT_SYMLINK_FOLLOW) == 0;
    }
    return sink->named;
}

/* A file to replace: where a link leads, and with the mode of what it takes the place of. */
static eagle_status open_file(eg_sink *out, const struct stat *old, eagle_error *err)
{
    struct stat info;

    out->target = old != NULL ? realpath(out->path, NULL) : strdup(out->path);
    if (out->target == NULL && errno != ENOMEM) {
        return failed(out, err);
    }
    out->temporary = out->target != NULL ? malloc(strlen(out->target) + NAME_ROOM) : NULL;
    if (out->temporary == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "%s: no memory", out->path);
    }
    nth_name(out, 0);
    if (lstat(out->temporary, &info) != 0 && errno != ENOENT) {
        return failed(out, err); /* such as a name that is too long: said before the work */
    }
    out->file = open_beside(out);
    if (out->file == NULL || (old != NULL && fchmod(fileno(out->file), old->st_mode & 0777) != 0)) {
        return failed(out, err);
    }
    return EAGLE_OK;
}

eagle_status eg_sink_open(eg_sink *out, const char *path, eagle_error *err)
{
    struct stat info;
    eagle_status st = EAGLE_OK;

    *out = (eg_sink){.path = path};
    if (path == NULL) {
        *out = (eg_sink){.file = stdout, .path = "stdout", .terminal = isatty(STDOUT_FILENO) != 0};
        return EAGLE_OK;
    }
    const bool there = stat(path, &info) == 0;

    if (there && !S_ISREG(info.st_mode)) {
        out->file = fopen(path, "wb");
        st = out->file != NULL ? EAGLE_OK : failed(out, err);
    } else {
        st = open_file(out, there ? &info : NULL, err);
    }
    if (st != EAGLE_OK) {
        eg_sink_close(out);
    }
    return st;
}

eagle_status eg_sink_write(eg_sink *sink, const void *data, size_t size, eagle_error *err)
{
    if (fwrite(data, 1, size, sink->file) != size) {
        return failed(sink, err);
    }
    return EAGLE_OK;
}

eagle_status eg_sink_text(eg_sink *sink, const char *text, eagle_error *err)
{
    return eg_sink_write(sink, text, strlen(text), err);
}

eagle_status eg_sink_flush(eg_sink *sink, eagle_error *err)
{
    return fflush(sink->file) == 0 && ferror(sink->file) == 0 ? EAGLE_OK : failed(sink, err);
}

eagle_status eg_sink_json(eg_sink *sink, const json_t *doc, eagle_error *err)
{
    char *text = json_dumps(doc, JSON_REAL_PRECISION(9)); /* 9 digits keep a float32 exactly */
    eagle_status st = EAGLE_OK;

    if (text == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the JSON document");
    }
    st = eg_sink_text(sink, text, err);
    if (st == EAGLE_OK) {
        st = eg_sink_text(sink, "\n", err);
    }
    free(text);
    return st;
}

eagle_status eg_sink_commit(eg_sink *sink, eagle_error *err)
{
    eagle_status st = eg_sink_flush(sink, err);

    if (st != EAGLE_OK || sink->temporary == NULL) {
        return st;
    }
    if (fsync(fileno(sink->file)) != 0 || !give_name(sink)) {
        return failed(sink, err);
    }
    if (fclose(sink->file) != 0) {
        sink->file = NULL;
        return failed(sink, err);
    }
    sink->file = NULL;
    if (rename(sink->temporary, sink->target) != 0) {
        return failed(sink, err);
    }
    free(sink->temporary);
    sink->temporary = NULL; /* nothing to take away any more */
    return EAGLE_OK;
}

void eg_sink_close(eg_sink *sink)
{
    if (sink->file != NULL && sink->file != stdout) {
        fclose(sink->file);
    }
    if (sink->temporary != NULL) {
        if (sink->named) {
            unlink(sink->temporary);
        }
        free(sink->temporary);
    }
    free(sink->target);
    *sink = (eg_sink){0};
}
