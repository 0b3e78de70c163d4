/* SPDX-License-Identifier: MIT */
/* sink.c - stdout, or a file that is replaced whole. */
#include "cli/sink.h"

#include "cli/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static eagle_status failed(const eg_sink *sink, eagle_error *err)
{
    if (errno == EPIPE) {
        return eg_cli_fail(err, EAGLE_EWRITE, "%s", "");
    }
    return eg_cli_fail(err, EAGLE_EWRITE, "%s: %s", sink->path, strerror(errno));
}

/* Opens a new file beside the path, under a name that nobody has; the system applies the umask. */
static FILE *open_beside(char *name, size_t size, const char *path)
{
    FILE *file = NULL;
    int fd = -1;

    for (int i = 0; fd < 0 && i < 1000 && (i == 0 || errno == EEXIST); i++) {
        snprintf(name, size, "%s.%ld-%d", path, (long)getpid(), i);
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    if (fd >= 0) {
        file = fdopen(fd, "wb");
        if (file == NULL) {
            close(fd);
            unlink(name);
        }
    }
    return file;
}

eagle_status eg_sink_open(eg_sink *out, const char *path, eagle_error *err)
{
    struct stat info;

    *out = (eg_sink){.path = path};
    if (path == NULL) {
        *out = (eg_sink){.file = stdout, .path = "stdout", .terminal = isatty(STDOUT_FILENO) != 0};
        return EAGLE_OK;
    }
    if (lstat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        out->file = fopen(path, "wb");
    } else {
        const size_t size = strlen(path) + 32; /* a dot, two numbers */

        out->temporary = malloc(size);
        if (out->temporary == NULL) {
            return eg_cli_fail(err, EAGLE_ENOMEM, "%s: no memory", path);
        }
        out->file = open_beside(out->temporary, size, path);
    }
    if (out->file == NULL) {
        eagle_status st = failed(out, err);

        free(out->temporary);
        out->temporary = NULL;
        return st;
    }
    return EAGLE_OK;
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
    if (fsync(fileno(sink->file)) != 0) {
        return failed(sink, err);
    }
    if (fclose(sink->file) != 0) {
        sink->file = NULL;
        return failed(sink, err);
    }
    sink->file = NULL;
    if (rename(sink->temporary, sink->path) != 0) {
        return failed(sink, err);
    }
    free(sink->temporary);
    sink->temporary = NULL;
    return EAGLE_OK;
}

void eg_sink_close(eg_sink *sink)
{
    if (sink->file != NULL && sink->file != stdout) {
        fclose(sink->file);
    }
    if (sink->temporary != NULL) {
        unlink(sink->temporary);
        free(sink->temporary);
    }
    *sink = (eg_sink){0};
}
