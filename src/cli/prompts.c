/* SPDX-License-Identifier: MIT */
/* prompts.c - where prompts come from. */
#include "cli/prompts.h"

#include "cli/messages.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT ((size_t)1 << 30) /* bytes of a list of ids */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool separates(char c)
{
    return c == ',' || blank(c);
}

static size_t skip_blanks(const char *text, size_t i, size_t size)
{
    while (i < size && blank(text[i])) {
        i++;
    }
    return i;
}

eagle_status eg_ids_parse(int32_t **ids, int32_t *n, const char *text, size_t size,
                          const char *what, eagle_error *err)
{
    int32_t *list = malloc((size / 2 + 1) * sizeof *list); /* an id and a separator: 2 bytes */
    size_t i = 0;
    bool comma = false; /* one was read: an id must follow */

    *ids = NULL;
    *n = 0;
    if (list == NULL || size > MAX_TEXT) {
        free(list);
        return eg_cli_fail(err, EAGLE_ENOMEM, "%s: no memory for its ids", what);
    }
    for (;;) {
        int64_t value = 0;
        size_t first = 0;

        i = skip_blanks(text, i, size);
        if (i == size && !comma) {
            break;
        }
        if (i == size || text[i] == ',') {
            free(list);
            return eg_cli_fail(err, EAGLE_EINVAL, "%s: element %d of the list is empty", what,
                               *n + 1);
        }
        for (first = i; i < size && text[i] >= '0' && text[i] <= '9' && value <= INT32_MAX; i++) {
            value = value * 10 + (text[i] - '0');
        }
        if (i == first || value > INT32_MAX || (i < size && !separates(text[i]))) {
            size_t end = first;

            while (end < size && end < first + 40 && !separates(text[end])) {
                end++;
            }
            free(list);
            return eg_cli_fail(err, EAGLE_EINVAL, "%s: '%.*s' is not a token id", what,
                               (int)(end - first), text + first);
        }
        list[(*n)++] = (int32_t)value;
        i = skip_blanks(text, i, size);
        comma = i < size && text[i] == ',';
        i += comma;
    }
    *ids = list;
    return EAGLE_OK;
}

/* ---- one prompt ----------------------------------------------------------------------- */

/* `bad` is the status of ids that are wrong: EAGLE_EINVAL on the command line. */
static eagle_status check_ids(const eg_prompt *p, int32_t vocab, const char *what, eagle_status bad,
                              eagle_error *err)
{
    if (p->n == 0) {
        return eg_cli_fail(err, bad,
                           "%s: an empty prompt, and nothing is added to it: nothing to "
                           "start from",
                           what);
    }
    for (int32_t i = 0; i < p->n; i++) {
        if (p->ids[i] < 0 || p->ids[i] >= vocab) {
            return eg_cli_fail(err, bad, "%s: token id %d, but the model's vocabulary has %d", what,
                               p->ids[i], vocab);
        }
    }
    return EAGLE_OK;
}

/* Ids that nobody typed: one too large says that model and tokenizer are of two kinds. */
static eagle_status check_encoded(const eg_prompt *p, const eg_options *opt,
                                  const eagle_tokenizer *tokenizer, int32_t vocab, eagle_error *err)
{
    for (int32_t i = 0; i < p->n; i++) {
        if (p->ids[i] >= vocab) {
            return eg_cli_fail(
                err, EAGLE_EFIT,
                "%s: tokenizer.json has %d ids and gives a prompt the id %d, but the "
                "model's vocabulary has %d",
                opt->model, eagle_tokenizer_vocab(tokenizer), p->ids[i], vocab);
        }
    }
    return EAGLE_OK;
}

static eagle_status encode(eg_prompt *out, const eg_options *opt, const eagle_tokenizer *tokenizer,
                           int32_t vocab, const char *text, size_t size, eagle_error *err)
{
    eagle_encode_options how = {.add_special = !opt->no_special,
                                .parse_special = opt->parse_special};
    size_t n = 0;
    eagle_status st = EAGLE_OK;

    if (tokenizer == NULL) {
        if (size == 0) {
            return eg_cli_fail(err, EAGLE_EINVAL,
                               "%s has no usable tokenizer.json, and without ids there is "
                               "nothing to start from",
                               opt->model);
        }
        return eg_cli_fail(err, EAGLE_EREAD,
                           "%s: no usable tokenizer.json, which a text needs; ids work without",
                           opt->model);
    }
    st = eagle_tokenizer_encode(&out->ids, &n, tokenizer, text, size, &how, err);
    if (st == EAGLE_OK && n > INT32_MAX) {
        return eg_cli_fail(err, EAGLE_ELIMIT, "a prompt of %zu tokens", n);
    }
    out->n = (int32_t)n;
    return st == EAGLE_OK ? check_encoded(out, opt, tokenizer, vocab, err) : st;
}

/* ---- JSON lines ----------------------------------------------------------------------- */

static eagle_status ids_of_json(eg_prompt *out, const json_t *list, const char *where,
                                eagle_error *err)
{
    size_t n = json_array_size(list);

    out->ids = malloc((n + 1) * sizeof *out->ids);
    if (out->ids == NULL || n > INT32_MAX) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "%s: no memory for %zu ids", where, n);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *id = json_array_get(list, i);
        json_int_t value = json_is_integer(id) ? json_integer_value(id) : -1;

        if (value < 0 || value > INT32_MAX) {
            return eg_cli_fail(err, EAGLE_EFORMAT, "%s: prompt_ids[%zu] is not a token id", where,
                               i);
        }
        out->ids[i] = (int32_t)value;
    }
    out->n = (int32_t)n;
    return EAGLE_OK;
}

/* What the lines of a file become. */
typedef struct {
    eg_prompts *to;
    const eg_options *opt;
    const eagle_tokenizer *tokenizer;
    int32_t vocab;
} lines;

/* A prompt more; NULL without memory. Room doubles as it fills. */
static eg_prompt *add(eg_prompts *to)
{
    if ((to->n & (to->n - 1)) == 0) {
        const size_t room = to->n == 0 ? 1 : 2 * (size_t)to->n;
        eg_prompt *larger = realloc(to->item, room * sizeof *larger);

        if (larger == NULL) {
            return NULL;
        }
        to->item = larger;
    }
    to->item[to->n] = (eg_prompt){0};
    return &to->item[to->n++];
}

/* One line: {"prompt": "..."} or {"prompt_ids": [...]}; other keys are left alone. */
static eagle_status take_line(void *ctx, const json_t *doc, const char *where, eagle_error *err)
{
    lines *l = ctx;
    const json_t *text = json_object_get(doc, "prompt");
    const json_t *ids = json_object_get(doc, "prompt_ids");
    eg_prompt *p = add(l->to);
    eagle_status st = EAGLE_OK;

    if (p == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "%s: no memory for its prompt", where);
    }
    if (json_is_array(ids) && text == NULL) {
        st = ids_of_json(p, ids, where, err);
    } else if (json_is_string(text) && ids == NULL) {
        st = encode(p, l->opt, l->tokenizer, l->vocab, json_string_value(text),
                    json_string_length(text), err);
    } else {
        st = eg_cli_fail(err, EAGLE_EFORMAT,
                         "%s: needs either \"prompt\", a string, or \"prompt_ids\", a list", where);
    }
    return st == EAGLE_OK ? check_ids(p, l->vocab, where, EAGLE_EFORMAT, err) : st;
}

static eagle_status read_lines(eg_prompts *out, const eg_options *opt,
                               const eagle_tokenizer *tokenizer, int32_t vocab, eagle_error *err)
{
    lines l = {.to = out, .opt = opt, .tokenizer = tokenizer, .vocab = vocab};
    eagle_status st = eg_jsonl_read(opt->prompts, take_line, &l, err);

    if (st == EAGLE_OK && out->n == 0) {
        st = eg_cli_fail(err, EAGLE_EFORMAT, "%s: no prompt in it", opt->prompts);
    }
    return st;
}

/* ---- the source ------------------------------------------------------------------------ */

eagle_status eg_prompts_check(const eg_options *opt, eagle_error *err)
{
    static const int32_t source[] = {EG_OPT_PROMPT, EG_OPT_FILE, EG_OPT_PROMPT_IDS, EG_OPT_PROMPTS};
    const char *first = NULL;

    for (size_t i = 0; i < sizeof source / sizeof source[0]; i++) {
        if (EG_GIVEN(opt, source[i])) {
            const char *name = eg_option_at(source[i])->name;

            if (first != NULL) {
                return eg_cli_fail(err, EAGLE_EINVAL, "--%s and --%s: give only one", first, name);
            }
            first = name;
        }
    }
    return EAGLE_OK;
}

/* The one prompt of -p, -f or --prompt-ids; without any, an empty text. */
static eagle_status read_one(eg_prompt *out, const eg_options *opt,
                             const eagle_tokenizer *tokenizer, int32_t vocab, eagle_error *err)
{
    char *data = NULL;
    size_t size = 0;
    eagle_status st = EAGLE_OK;

    if (opt->prompt_ids != NULL) {
        return eg_ids_parse(&out->ids, &out->n, opt->prompt_ids, strlen(opt->prompt_ids),
                            "--prompt-ids", err);
    }
    if (opt->file == NULL) {
        const char *text = opt->prompt != NULL ? opt->prompt : "";

        return encode(out, opt, tokenizer, vocab, text, strlen(text), err);
    }
    st = eg_read_all(&data, &size, opt->file, err);
    if (st == EAGLE_OK) {
        st = encode(out, opt, tokenizer, vocab, data, size, err);
    }
    free(data);
    return st;
}

eagle_status eg_prompts_read(eg_prompts *out, const eg_options *opt,
                             const eagle_tokenizer *tokenizer, int32_t vocab, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    *out = (eg_prompts){0};
    if (opt->prompts != NULL) {
        return read_lines(out, opt, tokenizer, vocab, err);
    }
    out->item = calloc(1, sizeof *out->item);
    if (out->item == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the prompt");
    }
    out->n = 1;
    st = read_one(&out->item[0], opt, tokenizer, vocab, err);
    if (st == EAGLE_OK) {
        st = check_ids(&out->item[0], vocab, opt->prompt_ids != NULL ? "--prompt-ids" : "prompt",
                       EAGLE_EINVAL, err);
    }
    return st;
}

void eg_prompts_free(eg_prompts *prompts)
{
    for (int32_t i = 0; i < prompts->n; i++) {
        free(prompts->item[i].ids);
    }
    free(prompts->item);
    *prompts = (eg_prompts){0};
}
