/* SPDX-License-Identifier: MIT */
/* write_file.c - a learned vocabulary as tokenizer.json, and the tokenizer_config.json by which
 * transformers knows the class and the special tokens. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "tokenizer/learn.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Each text stands in the file twice, in the vocabulary and in a merge, and the file must stay
 * below what eagle_tokenizer_open() reads. */
#define MAX_TEXT_BYTES ((size_t)64 << 20)

/* The texts of all tokens as the file has them. */
typedef struct {
    eg_text bytes; /* each with a NUL */
    size_t *begin; /* [n] of token i in `bytes` */
    int32_t n;
} texts;

static const char *text_of(const texts *t, int32_t id)
{
    return t->bytes.data + t->begin[id];
}

static bool add_text(texts *t, const char *text, size_t size)
{
    t->begin[t->n++] = t->bytes.size;
    return eg_text_add(&t->bytes, text, size) && eg_text_add(&t->bytes, "", 1);
}

/* The two texts of a pair with `between` between them, in *out. */
static bool join(eg_text *out, const texts *t, const eg_pair *pair, const char *between)
{
    const char *left = text_of(t, pair->left);
    const char *right = text_of(t, pair->right);

    out->size = 0;
    return eg_text_add(out, left, strlen(left)) && eg_text_add(out, between, strlen(between)) &&
           eg_text_add(out, right, strlen(right));
}

static eagle_status make_texts(texts *t, const eg_merges *merges,
                               const eagle_tokenizer_options *opt, eagle_error *err)
{
    const size_t n = (size_t)merges->first_made + (size_t)merges->n;
    eg_text made = {0};

    t->begin = eg_alloc(n, sizeof t->begin[0]);
    bool good = t->begin != NULL;

    for (int32_t i = 0; i < opt->n_special && good; i++) {
        good = add_text(t, opt->special[i], strlen(opt->special[i]));
    }
    for (uint32_t code = 0; code <= EG_LAST_BYTE_CHAR && good; code++) {
        char bytes[4];

        if (eg_char_byte(code) >= 0) {
            good = add_text(t, bytes, eg_utf8_put(bytes, code));
        }
    }
    for (int32_t i = 0; i < merges->n && good && t->bytes.size <= MAX_TEXT_BYTES; i++) {
        good = join(&made, t, &merges->pair[i], "") && add_text(t, made.data, made.size);
    }
    free(made.data);
    if (!good) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for the texts of %zu tokens", n);
    }
    if (t->bytes.size > MAX_TEXT_BYTES) {
        return eg_fail(err, EAGLE_ELIMIT,
                       "the first %d of %zu tokens have %zu bytes of text, all may have %zu: "
                       "the text repeats words that are very long",
                       (int)t->n, n, t->bytes.size, MAX_TEXT_BYTES);
    }
    return EAGLE_OK;
}

/* ---- the parts of the file: NULL without memory ---------------------------------------------- */

static json_t *make_model(const texts *t, const eg_merges *merges)
{
    json_t *vocab = json_object();
    json_t *list = json_array();
    eg_text line = {0};
    bool good = vocab != NULL && list != NULL;

    for (int32_t id = 0; id < t->n && good; id++) {
        good = json_object_set_new(vocab, text_of(t, id), json_integer(id)) == 0;
    }
    for (int32_t i = 0; i < merges->n && good; i++) {
        good = join(&line, t, &merges->pair[i], " ") && /* the alphabet has no blank */
               json_array_append_new(list, json_stringn(line.data, line.size)) == 0;
    }
    free(line.data);
    if (!good) {
        json_decref(vocab);
        json_decref(list);
        return NULL;
    }
    return json_pack("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout",
                     "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0,
                     "byte_fallback", 0, "ignore_merges", 0, "vocab", vocab, "merges", list);
}

static json_t *make_added(const eagle_tokenizer_options *opt)
{
    json_t *list = json_array();

    for (int32_t i = 0; i < opt->n_special && list != NULL; i++) {
        json_t *token = json_pack("{s:i, s:s, s:b, s:b, s:b, s:b, s:b}", "id", (int)i, "content",
                                  opt->special[i], "single_word", 0, "lstrip", 0, "rstrip", 0,
                                  "normalized", 0, "special", 1);

        if (json_array_append_new(list, token) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *make_byte_level(void)
{
    return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0,
                     "trim_offsets", 1, "use_regex", 1);
}

/* The BOS token before a text, and before each text of a pair; null without one. */
static json_t *make_template(const eagle_tokenizer_options *opt)
{
    const char *bos = opt->bos >= 0 ? opt->special[opt->bos] : NULL;

    if (bos == NULL) {
        return json_null();
    }
    return json_pack("{s:s, s:[{s:{s:s, s:i}}, {s:{s:s, s:i}}],"
                     " s:[{s:{s:s, s:i}}, {s:{s:s, s:i}}, {s:{s:s, s:i}}, {s:{s:s, s:i}}],"
                     " s:{s:{s:s, s:[i], s:[s]}}}",
                     "type", "TemplateProcessing",                      //
                     "single", "SpecialToken", "id", bos, "type_id", 0, //
                     "Sequence", "id", "A", "type_id", 0,               //
                     "pair", "SpecialToken", "id", bos, "type_id", 0,   //
                     "Sequence", "id", "A", "type_id", 0,               //
                     "SpecialToken", "id", bos, "type_id", 1,           //
                     "Sequence", "id", "B", "type_id", 1,               //
                     "special_tokens", bos, "id", bos, "ids", (int)opt->bos, "tokens", bos);
}

static json_t *make_tokenizer(const texts *t, const eg_merges *merges,
                              const eagle_tokenizer_options *opt)
{
    return json_pack("{s:s, s:n, s:n, s:o, s:n, s:o, s:o, s:o, s:o}", "version", "1.0",
                     "truncation", "padding", "added_tokens", make_added(opt), "normalizer",
                     "pre_tokenizer", make_byte_level(), "post_processor", make_template(opt),
                     "decoder", make_byte_level(), "model", make_model(t, merges));
}

static json_t *make_config(const eagle_tokenizer_options *opt)
{
    return json_pack("{s:s, s:s?, s:s?, s:b, s:b}", "tokenizer_class", "PreTrainedTokenizerFast",
                     "bos_token", opt->bos >= 0 ? opt->special[opt->bos] : NULL, "eos_token",
                     opt->eos >= 0 ? opt->special[opt->eos] : NULL, "add_prefix_space", 0,
                     "clean_up_tokenization_spaces", 0);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Opens DIR/NAME and writes `json`, whose reference it takes; it remains to be committed. */
static eagle_status write_json(eg_output *out, const char *dir, const char *name, json_t *json,
                               eagle_error *err)
{
    char *path = eg_path_join(dir, name);
    eagle_status st = EAGLE_OK;

    if (path == NULL || json == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %s", dir, name);
        goto done;
    }
    st = eg_output_open(out, path, err);
    if (st == EAGLE_OK &&
        (json_dumpf(json, out->file, JSON_INDENT(2)) != 0 || fputc('\n', out->file) == EOF)) {
        st = eg_fail(err, EAGLE_EWRITE, "%s: write failed: %s", path, strerror(errno));
    }

done:
    json_decref(json);
    free(path);
    return st;
}

eagle_status eg_write_tokenizer(const char *dir, const eg_merges *merges,
                                const eagle_tokenizer_options *opt, eagle_error *err)
{
    texts t = {0};
    eg_output tokenizer = {0};
    eg_output config = {0};
    eagle_status st = make_texts(&t, merges, opt, err);

    if (st == EAGLE_OK) {
        st = write_json(&tokenizer, dir, "tokenizer.json", make_tokenizer(&t, merges, opt), err);
    }
    if (st == EAGLE_OK) {
        st = write_json(&config, dir, "tokenizer_config.json", make_config(opt), err);
    }
    if (st == EAGLE_OK) { /* both are whole before either takes its place */
        st = eg_output_commit(&config, err);
    }
    if (st == EAGLE_OK) {
        st = eg_output_commit(&tokenizer, err);
    }
    eg_output_close(&config);
    eg_output_close(&tokenizer);
    free(t.begin);
    free(t.bytes.data);
    return st;
}
