/* SPDX-License-Identifier: MIT */
/* regex.h - regular expressions of tokenizer files, on PCRE2.
 *
 * The files are written for Oniguruma with Ruby's syntax. regex_syntax.c rewrites what means
 * something else there, and refuses by name what PCRE2 cannot say. */
#ifndef EG_TOKENIZER_REGEX_H
#define EG_TOKENIZER_REGEX_H

#include "eagle/status.h"
#include "tokenizer/utf8.h"

typedef struct eg_regex eg_regex; /* immutable; threads may share it */

/* Compiles `pattern`: as an expression, or as the characters to find when `literal`. `where`
 * names file and key in errors. EAGLE_EFORMAT, EAGLE_EUNSUPPORTED, EAGLE_ENOMEM. */
eagle_status eg_regex_compile(eg_regex **out, const char *pattern, bool literal, const char *where,
                              eagle_error *err);
void eg_regex_free(eg_regex *regex);

/* Rewrites Ruby's syntax into PCRE2's. */
eagle_status eg_regex_translate(eg_text *out, const char *pattern, const char *where,
                                eagle_error *err);

/* What matching needs and may not be shared: one per encoding or stream. */
typedef struct eg_matcher eg_matcher;
eg_matcher *eg_matcher_create(void); /* NULL without memory */
void eg_matcher_free(eg_matcher *matcher);

/* A search through one text. Set text and size; the rest starts as zero. */
typedef struct {
    const char *text; /* valid UTF-8 */
    size_t size;
    size_t from;     /* where the search goes on                     */
    size_t last_end; /* where the last match ended, if any was found */
    bool any;
    bool finished;
} eg_search;

/* The next match, [*begin, *end); *found is false when there is none left. An empty match
 * directly after a match is passed over. EAGLE_ELIMIT when the expression takes too many
 * steps. */
eagle_status eg_regex_next(bool *found, size_t *begin, size_t *end, eg_search *search,
                           const eg_regex *regex, eg_matcher *matcher, eagle_error *err);

#endif
