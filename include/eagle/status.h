/* SPDX-License-Identifier: MIT */
/* status.h - how every fallible call reports: a status, and a record with one clear line.
 *
 * A function that can fail returns eagle_status, EAGLE_OK being 0, and takes an
 * eagle_error as its last parameter. NULL is allowed there. The message names the
 * file, the tensor or the key, what was found and what was needed. */
#ifndef EAGLE_STATUS_H
#define EAGLE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(EAGLE_BUILD_SHARED) && defined(__GNUC__)
#define EAGLE_API __attribute__((visibility("default")))
#else
#define EAGLE_API
#endif

/* Statuses in groups of one exit code each:
 *
 *   exit  meaning
 *    0    done; a verification passed
 *    1    a verification failed
 *    2    usage
 *    3    input that is missing, malformed or not supported
 *    4    parts that do not fit each other
 *    5    limits: memory, context, disk full, a failed write
 *    6    NaN or infinity, or an unfit floating-point environment
 *    7    inconclusive or only bounded; never a pass
 *    8    near-tie only
 *    9    lossy by configuration
 *   70    internal error: a bug of ours
 *  130, 143  ended by SIGINT, SIGTERM */
typedef enum {
    EAGLE_OK = 0,
    EAGLE_EFAILED,       /* 1: a verification failed                      */
    EAGLE_EINVAL,        /* 2: an argument or option is wrong             */
    EAGLE_EREAD,         /* 3: a file is missing or cannot be read        */
    EAGLE_EFORMAT,       /* 3: malformed input                            */
    EAGLE_EUNSUPPORTED,  /* 3: well-formed, but not understood here       */
    EAGLE_EFIT,          /* 4: parts that do not belong together          */
    EAGLE_ENOMEM,        /* 5: an allocation failed                       */
    EAGLE_ELIMIT,        /* 5: context or another limit exceeded          */
    EAGLE_EWRITE,        /* 5: output could not be written                */
    EAGLE_ENUMERIC,      /* 6: NaN, infinity, unfit floating point        */
    EAGLE_EINCONCLUSIVE, /* 7: the evidence does not suffice              */
    EAGLE_ENEARTIE,      /* 8: differences, all of them near-ties         */
    EAGLE_ELOSSY,        /* 9: lossy by configuration                     */
    EAGLE_EINTERNAL      /* 70: a bug of ours                             */
} eagle_status;

/* One failure. `message` is one line without a newline. */
typedef struct {
    eagle_status code;
    char message[512];
} eagle_error;

/* The exit code of a status, by the table above. */
EAGLE_API int eagle_exit_code(eagle_status status);

/* A short name such as "malformed input". Never NULL. */
EAGLE_API const char *eagle_status_name(eagle_status status);

#ifdef __cplusplus
}
#endif
#endif
