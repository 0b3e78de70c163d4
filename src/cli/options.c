/* SPDX-License-Identifier: MIT */
/* options.c - reads a command line by the table of option_table.c. */
#include "cli/options.h"

#include "cli/messages.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- values --------------------------------------------------------------------------- */

/* Digits only: strtoull alone would take signs, blanks and hexadecimal. */
static bool read_digits(uint64_t *out, const char *text, const char **end)
{
    char *stop = NULL;

    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    *out = strtoull(text, &stop, 10);
    *end = stop;
    return errno == 0;
}

static bool read_whole(int32_t *out, const char *text, int32_t low, int32_t high)
{
    uint64_t value = 0;
    const char *end = NULL;

    if (!read_digits(&value, text, &end) || *end != '\0' || value < (uint64_t)low ||
        value > (uint64_t)high) {
        return false;
    }
    *out = (int32_t)value;
    return true;
}

static bool read_long(int64_t *out, const char *text, int64_t low)
{
    uint64_t value = 0;
    const char *end = NULL;

    if (!read_digits(&value, text, &end) || *end != '\0' || value > INT64_MAX ||
        (int64_t)value < low) {
        return false;
    }
    *out = (int64_t)value;
    return true;
}

static bool read_range(eg_range *out, const char *text, int32_t low)
{
    uint64_t min = 0;
    const char *end = NULL;

    if (!read_digits(&min, text, &end) || *end != ',' || min < (uint64_t)low || min > INT32_MAX ||
        !read_whole(&out->max, end + 1, (int32_t)min, INT32_MAX)) {
        return false;
    }
    out->min = (int32_t)min;
    return true;
}

/* "3..7", or "3" for 3..3. */
static bool read_span(eg_range *out, const char *text)
{
    uint64_t first = 0;
    const char *end = NULL;

    if (!read_digits(&first, text, &end) || first > INT32_MAX - 1) {
        return false;
    }
    out->min = (int32_t)first;
    out->max = (int32_t)first;
    return *end == '\0' ||
           (strncmp(end, "..", 2) == 0 && read_whole(&out->max, end + 2, out->min, INT32_MAX - 1));
}

/* strtof and strtod would take blanks, hexadecimal, "nan" and "inf". */
static bool plain_number(const char *text)
{
    return strspn(text, "0123456789.eE+-") == strlen(text) && text[0] != '\0';
}

static bool read_real(float *out, const char *text)
{
    char *end = NULL;
    float value = strtof(text, &end);

    if (!plain_number(text) || *end != '\0' || !isfinite(value) || value < 0.0f) {
        return false;
    }
    *out = value;
    return true;
}

static bool read_double(double *out, const eg_option *o, const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (!plain_number(text) || *end != '\0' || !isfinite(value) || value < 0.0 ||
        (o->low == 1 && value == 0.0) || (o->high == 1 && value >= 1.0)) {
        return false;
    }
    *out = value;
    return true;
}

static bool read_reals(eg_reals *out, const char *text)
{
    eg_reals list = {0};

    for (;; text++) {
        char one[32];
        size_t size = strcspn(text, ",");

        if (list.n == EG_MAX_REALS || size >= sizeof one) {
            return false;
        }
        memcpy(one, text, size);
        one[size] = '\0';
        if (!read_real(&list.item[list.n++], one)) {
            return false;
        }
        text += size;
        if (*text == '\0') {
            break;
        }
    }
    *out = list;
    return true;
}

/* 4096, 512M, 4G: powers of 1024. */
static bool read_bytes(uint64_t *out, const char *text)
{
    static const char letters[] = "KMGT";
    const char *end = NULL;
    uint64_t value = 0;
    unsigned shift = 0;

    if (!read_digits(&value, text, &end)) {
        return false;
    }
    if (*end != '\0') {
        const char *letter = strchr(letters, *end);

        if (letter == NULL || end[1] != '\0') {
            return false;
        }
        shift = 10u * (unsigned)(letter - letters + 1);
    }
    if (value == 0 || value > UINT64_MAX >> shift) {
        return false;
    }
    *out = value << shift;
    return true;
}

static eagle_status read_seed(uint64_t *out, const char *text, eagle_error *err)
{
    const char *end = NULL;
    FILE *source = NULL;
    size_t got = 0;

    if (strcmp(text, "random") != 0) {
        if (!read_digits(out, text, &end) || *end != '\0') {
            return eg_cli_fail(err, EAGLE_EINVAL,
                               "--seed %s: needs a whole number below 2^64, or random", text);
        }
        return EAGLE_OK;
    }
    source = fopen("/dev/urandom", "rb");
    if (source != NULL) {
        got = fread(out, sizeof *out, 1, source);
        fclose(source);
    }
    if (got != 1) {
        return eg_cli_fail(err, EAGLE_EREAD, "/dev/urandom: cannot be read for --seed random");
    }
    return EAGLE_OK;
}

/* The place of `text` among the names of "a|b|c", or -1. */
static int32_t choice(const char *names, const char *text)
{
    size_t size = strlen(text);
    int32_t place = 0;

    for (const char *name = names; size > 0; place++) {
        size_t length = strcspn(name, "|");

        if (length == size && strncmp(name, text, size) == 0) {
            return place;
        }
        if (name[length] == '\0') {
            break;
        }
        name += length + 1;
    }
    return -1;
}

static eagle_status read_decimal(eagle_decimal *out, const eg_option *o, const char *text,
                                 eagle_error *err)
{
    eagle_decimal value = {0};

    if (eagle_decimal_parse(&value, text, NULL) != EAGLE_OK || (o->low == 1 && value.num == 0)) {
        return eg_cli_fail(err, EAGLE_EINVAL,
                           "--%s %s: needs a decimal in %s0,1], with at most 18 places", o->name,
                           text, o->low == 1 ? "(" : "[");
    }
    *out = value;
    return EAGLE_OK;
}

static eagle_status read_texts(eg_texts *out, const eg_option *o, const char *text,
                               eagle_error *err)
{
    if (text[0] == '\0') {
        return eg_cli_fail(err, EAGLE_EINVAL, "--%s: needs a text that is not empty", o->name);
    }
    if (out->n == o->high) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--%s: given more than %d times", o->name, o->high);
    }
    out->item[out->n++] = text;
    return EAGLE_OK;
}

static const struct {
    const char *name;
    eagle_dtype dtype;
} dtypes[] = {{"f32", EAGLE_F32}, {"f16", EAGLE_F16}, {"bf16", EAGLE_BF16}};

#define N_DTYPES (sizeof dtypes / sizeof dtypes[0])

static bool read_dtype(eagle_dtype *out, const eg_option *o, const char *text)
{
    for (size_t i = 0; choice(o->argument, text) >= 0 && i < N_DTYPES; i++) {
        if (strcmp(dtypes[i].name, text) == 0) {
            *out = dtypes[i].dtype;
            return true;
        }
    }
    return false;
}

/* What a value must be, for the message that it is not. */
static eagle_status refuse(const eg_option *o, const char *text, eagle_error *err)
{
    char need[96];

    switch (o->kind) {
    case EG_KIND_WHOLE:
        snprintf(need, sizeof need, "a whole number from %d to %d", o->low, o->high);
        break;
    case EG_KIND_LONG: snprintf(need, sizeof need, "a whole number, at least %d", o->low); break;
    case EG_KIND_RANGE:
        snprintf(need, sizeof need, "two whole numbers such as 4,32, from %d up", o->low);
        break;
    case EG_KIND_SPAN: snprintf(need, sizeof need, "a whole number, or two such as 3..7"); break;
    case EG_KIND_REALS:
        snprintf(need, sizeof need, "up to %d numbers, none negative, such as 0,0.7,1",
                 EG_MAX_REALS);
        break;
    case EG_KIND_DOUBLE:
        snprintf(need, sizeof need, "a number %s%s", o->low == 1 ? "above 0" : "from 0 up",
                 o->high == 1 ? ", below 1" : "");
        break;
    case EG_KIND_BYTES: snprintf(need, sizeof need, "a size above zero such as 512M or 4G"); break;
    case EG_KIND_CHOICE:
    case EG_KIND_DTYPE: snprintf(need, sizeof need, "%s", o->argument); break;
    default: snprintf(need, sizeof need, "a number from 0 to %.4g", (double)FLT_MAX); break;
    }
    return eg_cli_fail(err, EAGLE_EINVAL, "--%s %s: needs %s", o->name, text, need);
}

/* An empty text names no file and no directory. */
static eagle_status check_name(const eg_option *o, const char *text, eagle_error *err)
{
    const bool names = o->argument != NULL &&
                       (strncmp(o->argument, "FILE", 4) == 0 || strcmp(o->argument, "DIR") == 0);

    return text[0] != '\0' || !names
               ? EAGLE_OK
               : eg_cli_fail(err, EAGLE_EINVAL, "--%s: an empty name", o->name);
}

/* Writes the value of one option to its place. */
static eagle_status set(eg_options *opt, const eg_option *o, const char *text, eagle_error *err)
{
    void *place = (char *)opt + o->place;
    bool good = false;

    switch (o->kind) {
    case EG_KIND_FLAG: *(bool *)place = true; return EAGLE_OK;
    case EG_KIND_TEXT: *(const char **)place = text; return check_name(o, text, err);
    case EG_KIND_TEXTS: return read_texts(place, o, text, err);
    case EG_KIND_DECIMAL: return read_decimal(place, o, text, err);
    case EG_KIND_SEED: return read_seed(place, text, err);
    case EG_KIND_ISA:
        return eagle_isa_parse(place, text, err) == EAGLE_OK
                   ? EAGLE_OK
                   : eg_cli_name(err, EAGLE_EINVAL, "--isa");
    case EG_KIND_WHOLE: good = read_whole(place, text, o->low, o->high); break;
    case EG_KIND_LONG: good = read_long(place, text, o->low); break;
    case EG_KIND_RANGE: good = read_range(place, text, o->low); break;
    case EG_KIND_SPAN: good = read_span(place, text); break;
    case EG_KIND_REAL: good = read_real(place, text); break;
    case EG_KIND_DOUBLE: good = read_double(place, o, text); break;
    case EG_KIND_REALS: good = read_reals(place, text); break;
    case EG_KIND_BYTES: good = read_bytes(place, text); break;
    case EG_KIND_CHOICE:
        *(int32_t *)place = choice(o->argument, text);
        good = *(int32_t *)place >= 0;
        break;
    case EG_KIND_DTYPE: good = read_dtype(place, o, text); break;
    }
    return good ? EAGLE_OK : refuse(o, text, err);
}

const char *eg_option_value(char text[EG_VALUE_TEXT], const eg_options *opt, const eg_option *o)
{
    const void *place = (const char *)opt + o->place;
    const char *name = o->argument;

    text[0] = '\0';
    switch (o->kind) {
    case EG_KIND_WHOLE: snprintf(text, EG_VALUE_TEXT, "%" PRId32, *(const int32_t *)place); break;
    case EG_KIND_LONG: snprintf(text, EG_VALUE_TEXT, "%" PRId64, *(const int64_t *)place); break;
    case EG_KIND_DOUBLE: snprintf(text, EG_VALUE_TEXT, "%g", *(const double *)place); break;
    case EG_KIND_CHOICE:
        for (int32_t i = *(const int32_t *)place; i > 0; i--) {
            name = strchr(name, '|') + 1;
        }
        snprintf(text, EG_VALUE_TEXT, "%.*s", (int)strcspn(name, "|"), name);
        break;
    default: break;
    }
    return text;
}

/* ---- the command line ----------------------------------------------------------------- */

typedef struct {
    char **argv;
    int32_t argc;
    int32_t at;       /* the next word to read */
    unsigned command; /* EG_GENERATE, ...      */
} cursor;

/* The option of this name (letter 0) or letter that the command takes, or -1. */
static int32_t find(const cursor *c, const char *name, size_t size, char letter)
{
    for (int32_t i = 0; i < EG_OPT_COUNT; i++) {
        const eg_option *o = eg_option_at(i);
        bool same = letter != 0 ? o->letter == letter
                                : strlen(o->name) == size && strncmp(o->name, name, size) == 0;

        if (same && (o->commands & c->command) != 0) {
            return i;
        }
    }
    return -1;
}

/* Sets option i from `attached`, or from the next word when that is NULL. */
static eagle_status take(eg_options *opt, cursor *c, int32_t i, const char *attached,
                         eagle_error *err)
{
    const eg_option *o = eg_option_at(i);

    opt->given[i] = true;
    if (o->argument == NULL) {
        if (attached != NULL) {
            return eg_cli_fail(err, EAGLE_EINVAL, "--%s: takes no value", o->name);
        }
        return set(opt, o, NULL, err);
    }
    if (attached == NULL) {
        if (c->at == c->argc) {
            return eg_cli_fail(err, EAGLE_EINVAL, "--%s: needs a value: %s", o->name, o->argument);
        }
        attached = c->argv[c->at++];
    }
    return set(opt, o, attached, err);
}

/* --name, --name=value */
static eagle_status long_option(eg_options *opt, cursor *c, const char *word, eagle_error *err)
{
    size_t size = strcspn(word, "=");
    int32_t i = find(c, word, size, 0);

    if (i < 0) {
        return eg_cli_fail(err, EAGLE_EINVAL, "unknown option --%.*s", (int)size, word);
    }
    return take(opt, c, i, word[size] == '=' ? word + size + 1 : NULL, err);
}

/* -n 5, -n5, -qv */
static eagle_status letters(eg_options *opt, cursor *c, const char *word, eagle_error *err)
{
    for (; *word != '\0'; word++) {
        int32_t i = find(c, NULL, 0, *word);
        eagle_status st = EAGLE_OK;

        if (i < 0) {
            return eg_cli_fail(err, EAGLE_EINVAL, "unknown option -%c", *word);
        }
        if (eg_option_at(i)->argument != NULL) {
            return take(opt, c, i, word[1] != '\0' ? word + 1 : NULL, err);
        }
        st = take(opt, c, i, NULL, err);
        if (st != EAGLE_OK) {
            return st;
        }
    }
    return EAGLE_OK;
}

/* Rows that the command takes come last: two rows may share a place, with a default each. */
eagle_status eg_options_defaults(eg_options *opt, unsigned command, eagle_error *err)
{
    const eg_option *isa = eg_option_at(EG_OPT_ISA);
    const char *isa_name = getenv("EAGLE_ISA");

    *opt = (eg_options){.spec = -1, .verify = -1, .mark = -1};
    for (int32_t k = 0; k < 2 * EG_OPT_COUNT; k++) {
        const eg_option *o = eg_option_at(k % EG_OPT_COUNT);
        bool taken = (o->commands & command) != 0;

        if (o->fallback != NULL && taken == (k >= EG_OPT_COUNT)) {
            eagle_status st = set(opt, o, o->fallback, err);

            if (st != EAGLE_OK) {
                return st;
            }
        }
    }
    if (isa_name != NULL && isa_name[0] != '\0' && (isa->commands & command) != 0) {
        return eagle_isa_parse(&opt->isa, isa_name, err) == EAGLE_OK
                   ? EAGLE_OK
                   : eg_cli_name(err, EAGLE_EINVAL, "EAGLE_ISA");
    }
    return EAGLE_OK;
}

eagle_status eg_options_parse(eg_options *opt, char **argv, int32_t argc, unsigned command,
                              eagle_error *err)
{
    cursor c = {.argv = argv, .argc = argc, .command = command};
    eagle_status st = EAGLE_OK;
    bool ended = false; /* after "--" */

    opt->args = argv;
    while (st == EAGLE_OK && c.at < argc) {
        char *word = argv[c.at++];

        if (ended || word[0] != '-' || word[1] == '\0') {
            argv[opt->n_args++] = word; /* never beyond what was read */
        } else if (strcmp(word, "--") == 0) {
            ended = true;
        } else if (word[1] == '-') {
            st = long_option(opt, &c, word + 2, err);
        } else {
            st = letters(opt, &c, word + 1, err);
        }
    }
    return st;
}
