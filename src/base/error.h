/* SPDX-License-Identifier: MIT */
/* error.h - filling the caller's error record. */
#ifndef EG_BASE_ERROR_H
#define EG_BASE_ERROR_H

#include "eagle/status.h"

#include <stdint.h>

#if defined(__GNUC__)
#define EG_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define EG_PRINTF(fmt, args)
#endif

/* Fills *err (NULL allowed) with `code` and a formatted line, control characters made visible,
 * and returns `code`. */
eagle_status eg_fail(eagle_error *err, eagle_status code, const char *fmt, ...) EG_PRINTF(3, 4);

/* Where a row stopped being finite, by eagle_rows.fault: "the output of layer 3", or "the final
 * norm or the logits". Returns `text`. */
#define EG_FAULT_TEXT 48
const char *eg_fault_text(char text[EG_FAULT_TEXT], int32_t fault, int32_t n_layers);

#endif
