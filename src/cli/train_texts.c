/* SPDX-License-Identifier: MIT */
/* train_texts.c - the texts of a training. */
#include "cli/train_texts.h"

#include "cli/messages.h"
#include "cli/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- reading ----------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *tail)
{
    size_t size = strlen(text);
    size_t tail_size = strlen(tail);

    return size >= tail_size && strcmp(text + size - tail_size, tail) == 0;
}

bool eg_texts_are_plain(const eg_options *opt)
{
    for (int32_t i = 0; opt->data.format == EAGLE_CORPUS_AUTO && i < opt->data.file.n; i++) {
        if (ends_with(opt->data.file.item[i], ".jsonl") ||
            ends_with(opt->data.file.item[i], ".ids")) {
            return false;
        }
    }
    return opt->data.format == EAGLE_CORPUS_AUTO || opt->data.format == EAGLE_CORPUS_TEXT;
}

eagle_status eg_corpus_from(eagle_corpus **out, const eg_options *opt,
                            const eagle_tokenizer *tokenizer, int32_t vocab, int32_t end,
                            eagle_error *err)
{
    eagle_corpus_options how;

    *out = NULL;
    if (opt->data.file.n == 0) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs texts to learn from: --data FILE");
    }
    eagle_corpus_defaults(&how);
    how.format = (eagle_corpus_format)opt->data.format;
    how.separator = opt->data.separator;
    how.add_special = !opt->no_special;
    how.end = end;
    return eagle_corpus_read(out, opt->data.file.item, opt->data.file.n, tokenizer, vocab, &how,
                             err);
}

eagle_status eg_texts_split(eg_train_texts *texts, const eg_options *opt, eagle_error *err)
{
    if (opt->data.held_out == 0.0) {
        return EAGLE_OK;
    }
    if (eagle_corpus_count(texts->learned) < 2) {
        eg_cli_note(opt->quiet, "note: one document alone: nothing is held out to validate on");
        return EAGLE_OK;
    }
    return eagle_corpus_split(&texts->held_out, texts->learned, opt->data.held_out, err);
}

void eg_train_texts_free(eg_train_texts *texts)
{
    eagle_corpus_free(texts->learned);
    eagle_corpus_free(texts->held_out);
    *texts = (eg_train_texts){0};
}

int32_t eg_texts_length(const eg_options *opt, const eagle_model *model)
{
    const int32_t context = eagle_model_config(model)->context;
    const bool asked = EG_GIVEN(opt, EG_OPT_LENGTH) || EG_GIVEN(opt, EG_OPT_FEATURE_LENGTH);

    return !asked && opt->train.length > context ? context : opt->train.length;
}

/* ---- text that the target writes --------------------------------------------------------- */

/* A signal ends the program at once: what is written so far is of no use. */
static bool show_writing(void *ctx, int64_t done, int64_t of)
{
    eg_progress_update(ctx, "writing texts, token", done, of);
    return true;
}

static eagle_writing_options writing_options(const eagle_model *model, const eg_options *opt)
{
    eagle_writing_options how;

    eagle_writing_defaults(&how);
    how.tokens = opt->data.self_generate;
    how.length = eg_texts_length(opt, model);
    how.prompt_min = opt->data.self_prompt.min;
    how.prompt_max = opt->data.self_prompt.max;
    how.temperature = opt->data.self_temps.item;
    how.n_temperatures = opt->data.self_temps.n;
    how.seed = opt->seed;
    how.threads = EG_GIVEN(opt, EG_OPT_THREADS) ? opt->threads : 0;
    return how;
}

eagle_status eg_texts_bill(eagle_writing_bill *out, const eagle_model *model, const eg_options *opt,
                           eagle_error *err)
{
    const eagle_writing_options how = writing_options(model, opt);

    return eagle_corpus_write_bill(out, model, &how, err);
}

/* Puts a corpus in the place of texts->learned. */
static void replace(eg_train_texts *texts, eagle_corpus *own)
{
    eagle_corpus_free(texts->learned);
    texts->learned = own;
}

static eagle_status write_own(eagle_corpus **out, int64_t tokens, const eg_train_texts *texts,
                              const eagle_model *model, const eg_options *opt, eagle_error *err)
{
    eagle_writing_options how = writing_options(model, opt);
    eg_progress progress;

    how.tokens = tokens;
    eg_progress_start(&progress, opt->quiet);

    eagle_status st =
        eagle_corpus_write(out, model, texts->learned, &how, show_writing, &progress, err);

    eg_progress_clear(&progress);
    return st;
}

eagle_status eg_texts_write(eg_train_texts *texts, const eagle_model *model, const eg_options *opt,
                            const char *path, eagle_error *err)
{
    eagle_corpus *own = NULL;
    eagle_status st = write_own(&own, opt->data.self_generate, texts, model, opt, err);

    if (st == EAGLE_OK) {
        replace(texts, own);
        st = eagle_corpus_save(own, path, err);
    }
    return st;
}

eagle_status eg_texts_read(eg_train_texts *texts, const eagle_model *model, const char *path,
                           eagle_error *err)
{
    eagle_corpus *own = NULL;
    eagle_corpus_options how;

    eagle_corpus_defaults(&how);
    how.format = EAGLE_CORPUS_JSONL;

    eagle_status st =
        eagle_corpus_read(&own, &path, 1, NULL, eagle_model_config(model)->vocab, &how, err);

    if (st == EAGLE_OK) {
        replace(texts, own);
    }
    return st;
}

eagle_status eg_texts_for_plan(eg_train_texts *texts, const eagle_model *model,
                               const eg_options *opt, eagle_error *err)
{
    const int64_t step = opt->train.batch;
    const int64_t all = opt->data.self_generate;
    eagle_corpus *own = NULL;

    if (eagle_corpus_tokens(texts->learned) >= step) {
        return EAGLE_OK;
    }
    eagle_status st = write_own(&own, all < step ? all : step, texts, model, opt, err);

    if (st == EAGLE_OK) {
        replace(texts, own);
    }
    return st;
}

/* ---- looking at -------------------------------------------------------------------------- */

eagle_status eg_texts_bytes(int64_t *out, const eagle_corpus *corpus,
                            const eagle_tokenizer *tokenizer, eagle_error *err)
{
    *out = 0;
    for (int32_t i = 0; tokenizer != NULL && i < eagle_corpus_count(corpus); i++) {
        const eagle_document d = eagle_corpus_at(corpus, i);

        /* A run of learned tokens, and the text that it adds to what stands before. */
        for (int32_t from = 1; from < d.n;) {
            int32_t to = from;
            char *text[2] = {NULL, NULL};
            size_t size[2] = {0, 0};

            while (to < d.n && d.learn[to] == d.learn[from]) {
                to++;
            }
            eagle_status st =
                eagle_tokenizer_decode(&text[0], &size[0], tokenizer, d.token, (size_t)from, err);

            if (st == EAGLE_OK) {
                st =
                    eagle_tokenizer_decode(&text[1], &size[1], tokenizer, d.token, (size_t)to, err);
            }
            free(text[0]);
            free(text[1]);
            if (st != EAGLE_OK) {
                return st;
            }
            *out += d.learn[from] != 0 ? (int64_t)size[1] - (int64_t)size[0] : 0;
            from = to;
        }
    }
    return EAGLE_OK;
}

/* How context is set apart. */
typedef struct {
    const char *begin;
    const char *end;
} marks;

static marks choose_marks(void)
{
    const char *no_color = getenv("NO_COLOR");
    const bool dim = isatty(STDOUT_FILENO) != 0 && (no_color == NULL || no_color[0] == '\0');

    return dim ? (marks){"\033[2m", "\033[0m"} : (marks){"[", "]"};
}

static eagle_status show_token(eagle_text_stream *stream, int32_t token, bool first,
                               eagle_error *err)
{
    const char *piece = NULL;
    size_t size = 0;

    if (stream == NULL) {
        printf(first ? "%d" : " %d", (int)token);
        return EAGLE_OK;
    }
    eagle_status st = eagle_text_stream_push(stream, token, &piece, &size, err);

    if (st == EAGLE_OK) {
        fwrite(piece, 1, size, stdout);
    }
    return st;
}

eagle_status eg_texts_show(const eagle_corpus *corpus, const eagle_tokenizer *tokenizer, int32_t n,
                           eagle_error *err)
{
    const eagle_document d = eagle_corpus_at(corpus, 0);
    const marks mark = choose_marks();
    eagle_text_stream *stream = NULL;
    bool context = false; /* the mark is open */
    eagle_status st = EAGLE_OK;

    if (tokenizer != NULL) {
        st = eagle_text_stream_create(&stream, tokenizer, NULL, 0, err);
    }
    for (int32_t i = 0; st == EAGLE_OK && i < d.n && i < n; i++) {
        if (context != (d.learn[i] == 0)) {
            context = !context;
            fputs(context ? mark.begin : mark.end, stdout);
        }
        st = show_token(stream, d.token[i], i == 0, err);
    }
    printf("%s\n", context ? mark.end : "");
    eagle_text_stream_free(stream);
    return st;
}
