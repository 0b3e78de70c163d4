/* SPDX-License-Identifier: MIT */
/* regex.c - regular expressions of tokenizer files, on PCRE2. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/regex.h"

#include "base/error.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

/* Bounds on one match: a hostile expression ends in an error and not in an endless loop.
 * The real tokenizers stay within them on a megabyte of any one character. */
#define MATCH_STEPS   20000000u
#define HEAP_KIB      (256u * 1024u)
#define JIT_STACK_MIN ((size_t)32 << 10)
#define JIT_STACK_MAX ((size_t)64 << 20) /* address space; pages come as they are used */

struct eg_regex {
    pcre2_code *code;
    bool jit;
};

struct eg_matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

/* ^ and $ stand at every line, lines end with \n alone, classes are Unicode's: Ruby's rules. */
static eagle_status compile(eg_regex *regex, const char *text, size_t size, bool literal,
                            const char *where, eagle_error *err)
{
    uint32_t options = PCRE2_UTF | (literal ? PCRE2_LITERAL : PCRE2_UCP | PCRE2_MULTILINE);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    int why = 0;
    PCRE2_SIZE offset = 0;

    if (context == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for a regular expression", where);
    }
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_bsr(context, PCRE2_BSR_UNICODE);
    regex->code = pcre2_compile((PCRE2_SPTR)text, size, options, &why, &offset, context);
    pcre2_compile_context_free(context);
    if (regex->code == NULL) {
        PCRE2_UCHAR words[120] = "";

        pcre2_get_error_message(why, words, sizeof words);
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: not a regular expression that is understood, at byte %zu: %s", where,
                       (size_t)offset, (const char *)words);
    }
    regex->jit = pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE) == 0; /* else interpreted */
    return EAGLE_OK;
}

eagle_status eg_regex_compile(eg_regex **out, const char *pattern, bool literal, const char *where,
                              eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    eg_text translated = {0};
    eg_regex *regex = calloc(1, sizeof *regex);

    *out = NULL;
    if (regex == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for a regular expression", where);
    }
    if (literal) {
        st = compile(regex, pattern, strlen(pattern), true, where, err);
    } else {
        st = eg_regex_translate(&translated, pattern, where, err);
        if (st == EAGLE_OK) {
            st = compile(regex, translated.size > 0 ? translated.data : "", translated.size, false,
                         where, err);
        }
    }
    if (st == EAGLE_OK) {
        *out = regex;
        regex = NULL;
    }
    free(translated.data);
    eg_regex_free(regex);
    return st;
}

void eg_regex_free(eg_regex *regex)
{
    if (regex != NULL) {
        pcre2_code_free(regex->code);
        free(regex);
    }
}

eg_matcher *eg_matcher_create(void)
{
    eg_matcher *matcher = calloc(1, sizeof *matcher);

    if (matcher == NULL) {
        return NULL;
    }
    matcher->data = pcre2_match_data_create(1, NULL);
    matcher->context = pcre2_match_context_create(NULL);
    if (matcher->data == NULL || matcher->context == NULL) {
        eg_matcher_free(matcher);
        return NULL;
    }
    pcre2_set_match_limit(matcher->context, MATCH_STEPS);
    pcre2_set_heap_limit(matcher->context, HEAP_KIB);
    matcher->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    if (matcher->stack != NULL) { /* NULL too where PCRE2 was built without its compiler */
        pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
    }
    return matcher;
}

void eg_matcher_free(eg_matcher *matcher)
{
    if (matcher != NULL) {
        pcre2_jit_stack_free(matcher->stack);
        pcre2_match_context_free(matcher->context);
        pcre2_match_data_free(matcher->data);
        free(matcher);
    }
}

/* One match at or after `from`. The text was checked as UTF-8 once; a check per match would
 * make the whole quadratic. */
static int match(const eg_search *search, const eg_regex *regex, eg_matcher *matcher)
{
    PCRE2_SPTR text = (PCRE2_SPTR)search->text;
    int rc = PCRE2_ERROR_JIT_STACKLIMIT;

    if (regex->jit) {
        rc = pcre2_match(regex->code, text, search->size, search->from, PCRE2_NO_UTF_CHECK,
                         matcher->data, matcher->context);
    }
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) { /* the interpreter keeps its stack on the heap */
        rc = pcre2_match(regex->code, text, search->size, search->from,
                         PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, matcher->data, matcher->context);
    }
    return rc;
}

eagle_status eg_regex_next(bool *found, size_t *begin, size_t *end, eg_search *search,
                           const eg_regex *regex, eg_matcher *matcher, eagle_error *err)
{
    *found = false;
    while (!search->finished && search->from <= search->size) {
        int rc = match(search, regex, matcher);

        if (rc == PCRE2_ERROR_NOMATCH) {
            break;
        }
        if (rc < 0) {
            PCRE2_UCHAR words[120] = "";

            pcre2_get_error_message(rc, words, sizeof words);
            return eg_fail(err, rc == PCRE2_ERROR_NOMEMORY ? EAGLE_ENOMEM : EAGLE_ELIMIT,
                           "a regular expression of the tokenizer fails at byte %zu of a text: %s",
                           search->from, (const char *)words);
        }
        const PCRE2_SIZE *span = pcre2_get_ovector_pointer(matcher->data);

        *begin = span[0];
        *end = span[1];
        if (*begin == *end && search->any && search->last_end == *end) {
            uint32_t code; /* an empty match after a match: go on one character later */

            if (search->from == search->size) {
                break;
            }
            search->from +=
                eg_utf8_next(&code, search->text + search->from, search->size - search->from);
            continue;
        }
        search->from = *end;
        search->last_end = *end;
        search->any = true;
        *found = true;
        return EAGLE_OK;
    }
    search->finished = true;
    return EAGLE_OK;
}
