/* SPDX-License-Identifier: MIT */
/* messages.c - failures as one line, notes on stderr. */
#include "cli/messages.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* One line stays one line, and a file's name cannot move the cursor. */
static void make_visible(char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < ' ' || c == 0x7f) {
            *text = '?';
        }
    }
}

eagle_status eg_cli_fail(eagle_error *err, eagle_status code, const char *fmt, ...)
{
    if (err != NULL) {
        va_list args;

        va_start(args, fmt);
        vsnprintf(err->message, sizeof err->message, fmt, args);
        va_end(args);
        make_visible(err->message);
        err->code = code;
    }
    return code;
}

eagle_status eg_cli_name(eagle_error *err, eagle_status code, const char *name)
{
    eagle_error said = {0};

    if (err != NULL) {
        said = *err;
    }
    return eg_cli_fail(err, code, "%s: %s", name, said.message);
}

void eg_cli_note(bool quiet, const char *fmt, ...)
{
    char line[512];
    va_list args;

    if (quiet) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    make_visible(line);
    fprintf(stderr, "%s\n", line);
}

const char *eg_cli_bytes(char text[EG_BYTES_TEXT], uint64_t n)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)n;
    size_t u = 0;

    while (value >= 1024.0 && u + 1 < sizeof unit / sizeof unit[0]) {
        value /= 1024.0;
        u++;
    }
    snprintf(text, EG_BYTES_TEXT, u == 0 ? "%.0f %s" : "%.1f %s", value, unit[u]);
    return text;
}
