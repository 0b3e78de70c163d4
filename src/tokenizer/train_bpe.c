/* SPDX-License-Identifier: MIT */
/* train_bpe.c - from text files to a byte-level BPE tokenizer.
 *
 * The text is cut into words exactly as it will be cut when it is encoded, so that a token never
 * crosses the border of a word. Only the different words are kept. */
#include "base/characters.h"
#include "base/error.h"
#include "base/file.h"
#include "tokenizer/learn.h"

#include <stdlib.h>
#include <string.h>

/* Documents are cut into words by parts of about this size. */
#define PART_BYTES ((size_t)64 << 10)

/* One call of eagle_tokenizer_train(). */
typedef struct {
    const eagle_tokenizer_options *opt;
    eg_pre_step words_of; /* ByteLevel's cut; its other step, the alphabet, only changes spelling */
    eg_matcher *matcher;
    eg_cutting cutting;
    eg_dict words; /* -> eg_word_count */
} training;

void eagle_tokenizer_defaults(eagle_tokenizer_options *out)
{
    static const char *const special[] = {"<|endoftext|>"};

    *out = (eagle_tokenizer_options){.vocab = 2048,
                                     .min_frequency = 2,
                                     .special = special,
                                     .n_special = 1,
                                     .separator = special[0]};
}

/* ---- words ----------------------------------------------------------------------------------- */

/* Cuts a text into words: t->cutting.pieces of t->cutting.text. */
static eagle_status cut(training *t, const char *text, size_t size, eagle_error *err)
{
    t->cutting.text.size = 0;
    if (!eg_text_add_lossy(&t->cutting.text, text, size)) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory to cut a text of %zu bytes", size);
    }
    return eg_pretokenize(&t->cutting, 0, &t->words_of, 1, t->matcher, err);
}

static eagle_status count_words(training *t, const char *text, size_t size, eagle_error *err)
{
    eagle_status st = cut(t, text, size, err);
    const eg_pieces *pieces = &t->cutting.pieces;

    for (size_t i = 0; i < pieces->n && st == EAGLE_OK; i++) {
        const eg_piece *piece = &pieces->piece[i];
        uint32_t number;

        if (!eg_dict_add(&number, &t->words, t->cutting.text.data + piece->begin,
                         piece->end - piece->begin)) {
            return eg_fail(err, EAGLE_ENOMEM, "no memory for %u different words",
                           (unsigned)t->words.n);
        }
        ((eg_word_count *)t->words.value)[number]++;
    }
    return st;
}

/* A place in text[0 .. size), at about PART_BYTES if there is one, where the words end whatever
 * comes next: between a printable ASCII character and a blank or line feed. The expression looks
 * ahead only inside white space, and no word goes on behind it. */
static size_t end_of_part(const char *text, size_t size)
{
    for (size_t from = 0, part = PART_BYTES; part < size; from = part, part *= 2) {
        for (size_t at = part; at > from; at--) {
            if ((text[at] == ' ' || text[at] == '\n') && text[at - 1] > ' ' &&
                text[at - 1] < 0x7f) {
                return at;
            }
        }
    }
    return size;
}

static eagle_status count_document(training *t, const char *text, size_t size, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    while (size > 0 && st == EAGLE_OK) {
        const size_t part = end_of_part(text, size);

        st = count_words(t, text, part, err);
        text += part;
        size -= part;
    }
    return st;
}

/* ---- files ----------------------------------------------------------------------------------- */

static eagle_status count_documents(training *t, const char *text, size_t size, eagle_error *err)
{
    size_t begin = 0; /* of the document */
    eagle_status st = EAGLE_OK;

    for (size_t at = 0; at < size && st == EAGLE_OK;) {
        const size_t length = eg_line_length(text, size, at);
        const size_t next = at + length < size ? at + length + 1 : size;

        if (eg_is_separator(text + at, length, t->opt->separator)) {
            st = count_document(t, text + begin, at - begin, err);
            begin = next;
        }
        at = next;
    }
    return st == EAGLE_OK ? count_document(t, text + begin, size - begin, err) : st;
}

static eagle_status count_file(training *t, const char *path, eagle_error *err)
{
    eg_map map;

    if (eg_ends_with(path, ".jsonl") || eg_ends_with(path, ".ids")) {
        return eg_fail(err, EAGLE_EUNSUPPORTED,
                       "%s: a tokenizer is learned from plain text, not from .jsonl or .ids", path);
    }
    eagle_status st = eg_map_open(&map, path, err);

    if (st == EAGLE_OK && map.size > 0) {
        st = count_documents(t, (const char *)map.data, map.size, err);
    }
    eg_map_close(&map);
    return st;
}

/* ---- options --------------------------------------------------------------------------------- */

/* True when `text` could be a token that is learned: the bytes that it spells in GPT-2's alphabet
 * are (part of) one word. */
static eagle_status could_be_learned(bool *yes, training *t, const char *text, eagle_error *err)
{
    const size_t size = strlen(text);
    eg_text bytes = {0};
    eagle_status st = EAGLE_OK;
    bool broken = false;

    *yes = false;
    for (size_t at = 0; at < size;) {
        uint32_t code;

        at += eg_utf8_next(&code, text + at, size - at);
        const int byte = eg_char_byte(code);
        const char one = (char)byte;

        if (byte < 0) {
            goto done; /* not in the alphabet */
        }
        if (!eg_text_add(&bytes, &one, 1)) {
            st = eg_fail(err, EAGLE_ENOMEM, "no memory for a special token");
            goto done;
        }
    }
    for (size_t at = 0; at < bytes.size;) {
        uint32_t code;

        at += eg_utf8_next(&code, bytes.data + at, bytes.size - at);
        broken = broken || code == EG_UTF8_BAD || code == EG_UTF8_CUT;
    }
    st = cut(t, bytes.data, bytes.size, err);
    *yes = broken || t->cutting.pieces.n == 1;

done:
    free(bytes.data);
    return st;
}

static eagle_status check_special(training *t, int32_t i, eagle_error *err)
{
    const char *text = t->opt->special[i];
    const size_t size = strlen(text);
    bool learned;

    if (size == 0 || size > EG_MAX_ADDED_SIZE) {
        return eg_fail(err, EAGLE_EINVAL, "special token %d has %zu bytes, must have 1 to %d",
                       (int)i, size, EG_MAX_ADDED_SIZE);
    }
    for (size_t at = 0; at < size;) {
        uint32_t code;

        at += eg_utf8_next(&code, text + at, size - at);
        if (code == EG_UTF8_BAD || code == EG_UTF8_CUT) {
            return eg_fail(err, EAGLE_EINVAL, "special token %d is not UTF-8", (int)i);
        }
    }
    for (int32_t k = 0; k < i; k++) {
        if (strcmp(text, t->opt->special[k]) == 0) {
            return eg_fail(err, EAGLE_EINVAL, "special tokens %d and %d are both \"%s\"", (int)k,
                           (int)i, text);
        }
    }
    eagle_status st = could_be_learned(&learned, t, text, err);

    if (st == EAGLE_OK && learned) {
        return eg_fail(err, EAGLE_EINVAL,
                       "special token \"%s\" could be a word of a text, which would then become "
                       "this token: choose one like <|name|>",
                       text);
    }
    return st;
}

static eagle_status check_options(const eagle_tokenizer_options *opt, eagle_error *err)
{
    if (opt->n_special < 0 || opt->n_special > EG_MAX_IDS - 256 || opt->vocab > EG_MAX_IDS ||
        opt->vocab < 256 + opt->n_special) {
        return eg_fail(err, EAGLE_EINVAL,
                       "a vocabulary of %d: must be from %d, which is 256 bytes and the special "
                       "tokens, to %d",
                       (int)opt->vocab, 256 + (int)opt->n_special, EG_MAX_IDS);
    }
    if (opt->bos < -1 || opt->bos >= opt->n_special || opt->eos < -1 ||
        opt->eos >= opt->n_special) {
        return eg_fail(err, EAGLE_EINVAL, "bos %d and eos %d: must be below %d, or -1",
                       (int)opt->bos, (int)opt->eos, (int)opt->n_special);
    }
    return EAGLE_OK;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static eagle_status begin(training *t, eagle_error *err)
{
    eagle_status st = check_options(t->opt, err);

    if (st == EAGLE_OK) {
        st = eg_regex_compile(&t->words_of.regex, EG_GPT2_WORDS, false, "ByteLevel", err);
    }
    if (st == EAGLE_OK) {
        t->matcher = eg_matcher_create();
        st = t->matcher != NULL ? EAGLE_OK : eg_fail(err, EAGLE_ENOMEM, "no memory for a matcher");
    }
    for (int32_t i = 0; i < t->opt->n_special && st == EAGLE_OK; i++) {
        st = check_special(t, i, err);
    }
    return st;
}

eagle_status eagle_tokenizer_train(const char *dir, const char *const *paths, int32_t n_paths,
                                   const eagle_tokenizer_options *opt, eagle_error *err)
{
    training t = {.opt = opt,
                  .words_of = {.kind = EG_PRE_CUT, .at = EG_MATCH_REGEX, .behaviour = EG_ISOLATED},
                  .words.value_size = sizeof(eg_word_count)};
    eg_merges merges = {0};
    eagle_status st = begin(&t, err);

    for (int32_t i = 0; i < n_paths && st == EAGLE_OK; i++) {
        st = count_file(&t, paths[i], err);
    }
    if (st == EAGLE_OK && t.words.n == 0) {
        st = eg_fail(err, EAGLE_EFORMAT, "%s: no text to learn a tokenizer from",
                     n_paths > 0 ? paths[0] : "no file");
    }
    st = st == EAGLE_OK ? eg_learn(&merges, &t.words, opt, err) : st;
    st = st == EAGLE_OK ? eg_write_tokenizer(dir, &merges, opt, err) : st;
    free(merges.pair);
    eg_dict_free(&t.words);
    eg_cutting_free(&t.cutting);
    eg_matcher_free(t.matcher);
    eg_regex_free(t.words_of.regex);
    return st;
}
