/* SPDX-License-Identifier: MIT */
/* regex_syntax.c - Oniguruma's Ruby syntax, rewritten for PCRE2.
 *
 * Most of a pattern means the same to both. What does not:
 *
 *   written    means in Ruby                       becomes
 *   \s         White_Space                         \p{White_Space} (PCRE2's \s has U+180E too)
 *   \w \b      Alphabetic, M, Nd, Pc               that class, spelled out
 *   \h \v      hexadecimal digit, vertical tab     the same, spelled out
 *   \uHHHH     a code                              \x{HHHH}
 *   \p{Han}    Script=Han                          \p{sc:Han} (PCRE2 takes Script_Extensions)
 *   (?m:       a dot matches newlines              (?s:
 *   {,n}       0 to n                              {0,n}
 *
 * Refused, because PCRE2 would take it silently for something else: classes inside classes
 * and && in them, POSIX brackets, {n,m}+ and {n}?, (?i) that is not first in the pattern,
 * \K, \Q, \E, \N, \C. */
#include "tokenizer/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/error.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"

typedef struct {
    const char *pattern;
    const char *at;
    const char *where;
    eg_text *out;
    eagle_error *err;
} translation;

static eagle_status add(const translation *t, const char *text)
{
    if (!eg_text_add(t->out, text, strlen(text))) {
        return eg_fail(t->err, EAGLE_ENOMEM, "%s: no memory for a regular expression", t->where);
    }
    return EAGLE_OK;
}

/* Copies n bytes and steps over them. */
static eagle_status copy(translation *t, size_t n)
{
    if (!eg_text_add(t->out, t->at, n)) {
        return eg_fail(t->err, EAGLE_ENOMEM, "%s: no memory for a regular expression", t->where);
    }
    t->at += n;
    return EAGLE_OK;
}

static eagle_status refuse(const translation *t, const char *what)
{
    return eg_fail(t->err, EAGLE_EUNSUPPORTED,
                   "%s: %s in the regular expression (byte %td) is not supported", t->where, what,
                   t->at - t->pattern);
}

/* True when PCRE2 knows `name` as a script. */
static bool is_script(const char *name, size_t size)
{
    char pattern[64];
    int why;
    PCRE2_SIZE offset;

    if (size > 40 ||
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_ -") < size) {
        return false;
    }
    int n = snprintf(pattern, sizeof pattern, "\\p{sc:%.*s}", (int)size, name);
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern, (PCRE2_SIZE)n, PCRE2_UTF, &why, &offset, NULL);

    pcre2_code_free(code);
    return code != NULL;
}

/* \p{...}, \P{...}, \p{^...}. */
static eagle_status property(translation *t)
{
    const char *name = t->at + 3 + (t->at[2] == '{' && t->at[3] == '^');
    size_t size = strcspn(name, "}");

    if (t->at[2] != '{' || name[size] == '\0' || size <= 2 || !is_script(name, size)) {
        return copy(t, 2); /* a general category or a binary property: the same to both */
    }
    eagle_status st = copy(t, (size_t)(name - t->at));

    return st == EAGLE_OK ? add(t, "sc:") : st;
}

/* \uHHHH. */
static eagle_status unicode_escape(translation *t)
{
    char code[16];

    if (strspn(t->at + 2, "0123456789abcdefABCDEF") < 4) {
        return refuse(t, "\\u without four hexadecimal digits");
    }
    snprintf(code, sizeof code, "\\x{%.4s}", t->at + 2);
    t->at += 6;
    return add(t, code);
}

/* An escape that stands for other text outside and inside of a class; NULL: not there. */
static const struct {
    char letter;
    const char *outside;
    const char *inside;
} escapes[] = {
    {'s', "\\p{White_Space}", "\\p{White_Space}"},
    {'S', "\\P{White_Space}", "\\P{White_Space}"},
    {'w', "[" WORD "]", WORD},
    {'W', "[^" WORD "]", NULL},
    {'h', "[0-9a-fA-F]", "0-9a-fA-F"},
    {'H', "[^0-9a-fA-F]", NULL},
    {'v', "\\x0b", "\\x0b"},
    {'b', "(?:(?<=[" WORD "])(?![" WORD "])|(?<![" WORD "])(?=[" WORD "]))", "\\x08"},
    {'B', "(?:(?<=[" WORD "])(?=[" WORD "])|(?<![" WORD "])(?![" WORD "]))", NULL},
    {'K', NULL, NULL},
    {'Q', NULL, NULL},
    {'E', NULL, NULL},
    {'N', NULL, NULL},
    {'C', NULL, NULL},
    {'R', "\\R", NULL},
    {'X', "\\X", NULL},
};

static eagle_status escape(translation *t, bool in_class)
{
    char letter = t->at[1];

    if (letter == '\0') {
        return copy(t, 1); /* PCRE2 will say that nothing follows */
    }
    if (letter == 'p' || letter == 'P') {
        return property(t);
    }
    if (letter == 'u') {
        return unicode_escape(t);
    }
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        if (escapes[i].letter == letter) {
            const char *text = in_class ? escapes[i].inside : escapes[i].outside;
            char name[3] = {'\\', letter, '\0'};

            if (text == NULL) {
                return refuse(t, name);
            }
            t->at += 2;
            return add(t, text);
        }
    }
    return copy(t, 2);
}

/* A class, from [ to ]. */
static eagle_status class(translation *t)
{
    size_t head = t->at[1] == '^' ? 2 : 1;
    eagle_status st = copy(t, t->at[head] == ']' ? head + 1 : head);

    while (st == EAGLE_OK && *t->at != ']') {
        if (*t->at == '\0') {
            return EAGLE_OK; /* PCRE2 will say that it has no end */
        }
        if (*t->at == '[') {
            return refuse(t, "a class or POSIX bracket inside a class");
        }
        if (t->at[0] == '&' && t->at[1] == '&') {
            return refuse(t, "&& inside a class");
        }
        st = *t->at == '\\' ? escape(t, true) : copy(t, 1);
    }
    return st == EAGLE_OK ? copy(t, 1) : st;
}

/* What follows "(?": option letters have another meaning. */
static eagle_status group(translation *t)
{
    size_t letters = strspn(t->at + 2, "imx-");
    char after = t->at[2 + letters];

    if (letters == 0 || (after != ')' && after != ':')) {
        return copy(t, 1);
    }
    if (after == ')' && t->at != t->pattern) {
        return refuse(t, "an option such as (?i) that is not first");
    }
    eagle_status st = copy(t, 2);

    while (st == EAGLE_OK && letters-- > 0) {
        if (*t->at == 'm') {
            t->at++;
            st = add(t, "s");
        } else {
            st = copy(t, 1);
        }
    }
    return st == EAGLE_OK ? copy(t, 1) : st;
}

/* {n}, {n,}, {n,m} or {,m} after something; any other brace is itself. */
static eagle_status interval(translation *t)
{
    static const char digits[] = "0123456789";
    size_t low = strspn(t->at + 1, digits);
    bool comma = t->at[1 + low] == ',';
    size_t high = comma ? strspn(t->at + 2 + low, digits) : 0;
    size_t close = 1 + low + comma + high;

    if (t->at[close] != '}' || low + high == 0) {
        return copy(t, 1);
    }
    if (t->at[close + 1] == '+' || (!comma && t->at[close + 1] == '?')) {
        return refuse(t, "a quantifier after {}");
    }
    if (low == 0) {
        t->at++;
        close--;
        eagle_status st = add(t, "{0");

        return st == EAGLE_OK ? copy(t, close + 1) : st;
    }
    return copy(t, close + 1);
}

eagle_status eg_regex_translate(eg_text *out, const char *pattern, const char *where,
                                eagle_error *err)
{
    translation t = {.pattern = pattern, .at = pattern, .where = where, .out = out, .err = err};
    eagle_status st = EAGLE_OK;

    while (st == EAGLE_OK && *t.at != '\0') {
        switch (*t.at) {
        case '\\': st = escape(&t, false); break;
        case '[': st = class(&t); break;
        case '{': st = interval(&t); break;
        case '(': st = t.at[1] == '?' ? group(&t) : copy(&t, 1); break;
        default: st = copy(&t, 1); break;
        }
    }
    return st;
}
