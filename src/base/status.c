/* SPDX-License-Identifier: MIT */
/* status.c - statuses, their exit codes, and error records. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    int exit_code;
    const char *name;
} statuses[] = {
    [EAGLE_OK] = {0, "ok"},
    [EAGLE_EFAILED] = {1, "verification failed"},
    [EAGLE_EINVAL] = {2, "invalid argument"},
    [EAGLE_EREAD] = {3, "cannot read"},
    [EAGLE_EFORMAT] = {3, "malformed input"},
    [EAGLE_EUNSUPPORTED] = {3, "not supported"},
    [EAGLE_EFIT] = {4, "parts do not fit"},
    [EAGLE_ENOMEM] = {5, "out of memory"},
    [EAGLE_ELIMIT] = {5, "limit exceeded"},
    [EAGLE_EWRITE] = {5, "cannot write"},
    [EAGLE_ENUMERIC] = {6, "not a finite number"},
    [EAGLE_EINCONCLUSIVE] = {7, "inconclusive"},
    [EAGLE_ENEARTIE] = {8, "near-tie"},
    [EAGLE_ELOSSY] = {9, "lossy"},
    [EAGLE_EINTERNAL] = {70, "internal error"},
};

int eagle_exit_code(eagle_status status)
{
    size_t i = (size_t)status;

    return i < sizeof statuses / sizeof statuses[0] ? statuses[i].exit_code
                                                    : statuses[EAGLE_EINTERNAL].exit_code;
}

const char *eagle_status_name(eagle_status status)
{
    size_t i = (size_t)status;

    return i < sizeof statuses / sizeof statuses[0] ? statuses[i].name : "unknown status";
}

eagle_status eg_fail(eagle_error *err, eagle_status code, const char *fmt, ...)
{
    if (err == NULL) {
        return code;
    }
    va_list args;

    va_start(args, fmt);
    vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    /* Names come from hostile files: one line, and nothing that steers a terminal. */
    for (char *c = err->message; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?';
        }
    }
    err->code = code;
    return code;
}

const char *eg_fault_text(char text[EG_FAULT_TEXT], int32_t fault, int32_t n_layers)
{
    if (n_layers > 0 && fault > n_layers) {
        snprintf(text, EG_FAULT_TEXT, "the final norm or the logits");
    } else {
        snprintf(text, EG_FAULT_TEXT, "the output of layer %d", fault - 1);
    }
    return text;
}
