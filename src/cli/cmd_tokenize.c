/* SPDX-License-Identifier: MIT */
/* cmd_tokenize.c - text to token ids on one line, and back. */
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/messages.h"
#include "cli/prompts.h"
#include "cli/sink.h"

#include <stdlib.h>
#include <string.h>

/* The words behind the options, joined by blanks. */
static eagle_status join(char **data, size_t *size, const eg_options *opt, eagle_error *err)
{
    size_t need = 1;

    for (int32_t i = 0; i < opt->n_args; i++) {
        need += strlen(opt->args[i]) + 1;
    }
    *data = malloc(need);
    if (*data == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the text");
    }
    (*data)[0] = '\0';
    for (int32_t i = 0; i < opt->n_args; i++) {
        strcat(*data, opt->args[i]);
        strcat(*data, i + 1 < opt->n_args ? " " : "");
    }
    *size = strlen(*data);
    return EAGLE_OK;
}

/* The input: words, -p, --prompt-ids, -f, or stdin. */
static eagle_status input(char **data, size_t *size, const eg_options *opt, eagle_error *err)
{
    const char *given = opt->prompt != NULL ? opt->prompt : opt->prompt_ids;

    if (given != NULL) {
        *data = malloc(strlen(given) + 1);
        if (*data == NULL) {
            return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the text");
        }
        strcpy(*data, given);
        *size = strlen(given);
        return EAGLE_OK;
    }
    if (opt->n_args > 0) {
        return join(data, size, opt, err);
    }
    return eg_read_all(data, size, opt->file != NULL ? opt->file : "-", err);
}

static eagle_status encode(eg_sink *out, const eagle_tokenizer *tokenizer, const eg_options *opt,
                           const char *data, size_t size, eagle_error *err)
{
    eagle_encode_options how = {.add_special = !opt->no_special,
                                .parse_special = opt->parse_special};
    int32_t *ids = NULL;
    size_t n = 0;
    eagle_status st = eagle_tokenizer_encode(&ids, &n, tokenizer, data, size, &how, err);

    for (size_t i = 0; st == EAGLE_OK && i < n; i++) {
        char number[16];

        snprintf(number, sizeof number, i > 0 ? " %d" : "%d", ids[i]);
        st = eg_sink_text(out, number, err);
    }
    free(ids);
    return st;
}

/* Ids that were typed may be mistyped: one without a text is told, unlike one that a model gave. */
static eagle_status check_ids(const eagle_tokenizer *tokenizer, const int32_t *ids, int32_t n,
                              eagle_error *err)
{
    for (int32_t i = 0; i < n; i++) {
        if (eagle_tokenizer_token(tokenizer, ids[i]) == NULL) {
            return eg_cli_fail(err, EAGLE_EINVAL, "token %d is not in the vocabulary of %d", ids[i],
                               eagle_tokenizer_vocab(tokenizer));
        }
    }
    return EAGLE_OK;
}

static eagle_status decode(eg_sink *out, const eagle_tokenizer *tokenizer, const char *data,
                           size_t size, eagle_error *err)
{
    int32_t *ids = NULL;
    int32_t n = 0;
    char *text = NULL;
    size_t length = 0;
    eagle_status st = eg_ids_parse(&ids, &n, data, size, "tokenize -d", err);

    st = st == EAGLE_OK ? check_ids(tokenizer, ids, n, err) : st;
    if (st == EAGLE_OK) {
        st = eagle_tokenizer_decode(&text, &length, tokenizer, ids, (size_t)n, err);
    }
    if (st == EAGLE_OK) {
        st = eg_sink_write(out, text, length, err);
    }
    free(text);
    free(ids);
    return st;
}

static eagle_status check(const eg_options *opt, eagle_error *err)
{
    int32_t sources =
        (opt->prompt != NULL) + (opt->file != NULL) + (opt->prompt_ids != NULL) + (opt->n_args > 0);

    if (opt->model == NULL) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs a directory with tokenizer.json: -m DIR");
    }
    if (sources > 1) {
        return eg_cli_fail(err, EAGLE_EINVAL, "the text is given twice");
    }
    if (opt->prompt_ids != NULL && !opt->decode) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--prompt-ids: only -d turns ids into text");
    }
    return EAGLE_OK;
}

eagle_status eg_cmd_tokenize(const eg_options *opt, eagle_error *err)
{
    eagle_tokenizer *tokenizer = NULL;
    eg_sink out = {0};
    char *data = NULL;
    size_t size = 0;
    eagle_status st = check(opt, err);

    if (st == EAGLE_OK) {
        st = eagle_tokenizer_open(&tokenizer, opt->model, err);
    }
    if (st == EAGLE_OK) {
        st = input(&data, &size, opt, err);
    }
    if (st == EAGLE_OK) {
        st = eg_sink_open(&out, NULL, err);
    }
    if (st == EAGLE_OK) {
        st = opt->decode ? decode(&out, tokenizer, data, size, err)
                         : encode(&out, tokenizer, opt, data, size, err);
    }
    if (st == EAGLE_OK) {
        st = eg_sink_text(&out, "\n", err);
    }
    if (st == EAGLE_OK) {
        st = eg_sink_commit(&out, err);
    }
    eg_sink_close(&out);
    free(data);
    eagle_tokenizer_free(tokenizer);
    return st;
}
