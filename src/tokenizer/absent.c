/* SPDX-License-Identifier: MIT */
/* absent.c - the tokenizer's calls where its libraries were not found: each fails and says so.
 * The Makefile compiles either this file or all others of the folder. */
#include "base/error.h"
#include "eagle/tokenizer.h"

static eagle_status absent(eagle_error *err)
{
    return eg_fail(err, EAGLE_EUNSUPPORTED,
                   "built without tokenizer (needs libpcre2-dev and libutf8proc-dev)");
}

eagle_status eagle_tokenizer_open(eagle_tokenizer **out, const char *dir, eagle_error *err)
{
    (void)dir;
    *out = NULL;
    return absent(err);
}

void eagle_tokenizer_free(eagle_tokenizer *t)
{
    (void)t;
}

int32_t eagle_tokenizer_vocab(const eagle_tokenizer *t)
{
    (void)t;
    return 0;
}

const char *eagle_tokenizer_token(const eagle_tokenizer *t, int32_t id)
{
    (void)t;
    (void)id;
    return NULL;
}

int32_t eagle_tokenizer_id(const eagle_tokenizer *t, const char *token)
{
    (void)t;
    (void)token;
    return -1;
}

bool eagle_tokenizer_is_special(const eagle_tokenizer *t, int32_t id)
{
    (void)t;
    (void)id;
    return false;
}

eagle_status eagle_tokenizer_encode(int32_t **ids, size_t *n, const eagle_tokenizer *t,
                                    const char *text, size_t size, const eagle_encode_options *opt,
                                    eagle_error *err)
{
    (void)t;
    (void)text;
    (void)size;
    (void)opt;
    *ids = NULL;
    *n = 0;
    return absent(err);
}

eagle_status eagle_tokenizer_decode(char **text, size_t *size, const eagle_tokenizer *t,
                                    const int32_t *ids, size_t n, eagle_error *err)
{
    (void)t;
    (void)ids;
    (void)n;
    *text = NULL;
    *size = 0;
    return absent(err);
}

eagle_status eagle_text_stream_create(eagle_text_stream **out, const eagle_tokenizer *t,
                                      const int32_t *prompt, size_t n_prompt, eagle_error *err)
{
    (void)t;
    (void)prompt;
    (void)n_prompt;
    *out = NULL;
    return absent(err);
}

eagle_status eagle_text_stream_push(eagle_text_stream *stream, int32_t id, const char **piece,
                                    size_t *size, eagle_error *err)
{
    (void)stream;
    (void)id;
    *piece = "";
    *size = 0;
    return absent(err);
}

eagle_status eagle_text_stream_flush(eagle_text_stream *stream, const char **piece, size_t *size,
                                     eagle_error *err)
{
    (void)stream;
    *piece = "";
    *size = 0;
    return absent(err);
}

void eagle_text_stream_free(eagle_text_stream *stream)
{
    (void)stream;
}

void eagle_tokenizer_defaults(eagle_tokenizer_options *out)
{
    *out = (eagle_tokenizer_options){0};
}

eagle_status eagle_tokenizer_train(const char *dir, const char *const *paths, int32_t n_paths,
                                   const eagle_tokenizer_options *opt, eagle_error *err)
{
    (void)dir;
    (void)paths;
    (void)n_paths;
    (void)opt;
    return absent(err);
}
