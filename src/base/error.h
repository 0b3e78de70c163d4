/* SPDX-License-Identifier: MIT */
/* error.h - filling the caller's error record. */
#ifndef EG_BASE_ERROR_H
#define EG_BASE_ERROR_H

#include "eagle/status.h"

#if defined(__GNUC__)
#define EG_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define EG_PRINTF(fmt, args)
#endif

/* Fills *err (NULL allowed) with `code` and a formatted line, control characters made visible,
 * and returns `code`. */
eagle_status eg_fail(eagle_error *err, eagle_status code, const char *fmt, ...) EG_PRINTF(3, 4);

#endif
