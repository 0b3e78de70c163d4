/* SPDX-License-Identifier: MIT */
/* pretokenize.c - cuts a text into the words that BPE sees one by one.
 *
 * Each step takes the pieces of the step before it. A cut only moves boundaries; the other
 * steps write a new text beside the old one and change places with it. */
#include "base/error.h"
#include "tokenizer/parts.h"

#include <stdlib.h>
#include <string.h>

static eagle_status no_memory(const eg_cutting *cutting, eagle_error *err)
{
    return eg_fail(err, EAGLE_ENOMEM, "no memory to cut a text of %zu bytes", cutting->text.size);
}

void eg_cutting_free(eg_cutting *cutting)
{
    free(cutting->text.data);
    free(cutting->next_text.data);
    free(cutting->pieces.piece);
    free(cutting->next_pieces.piece);
}

/* Adds a piece unless it is empty. */
static bool add_piece(eg_pieces *pieces, size_t begin, size_t end, size_t lead)
{
    if (begin == end) {
        return true;
    }
    if (pieces->n == pieces->cap) {
        size_t cap = pieces->cap < 64 ? 64 : 2 * pieces->cap;
        eg_piece *grown =
            cap > SIZE_MAX / sizeof *grown ? NULL : realloc(pieces->piece, cap * sizeof *grown);

        if (grown == NULL) {
            return false;
        }
        pieces->piece = grown;
        pieces->cap = cap;
    }
    pieces->piece[pieces->n++] = (eg_piece){.begin = begin, .end = end, .lead = lead};
    return true;
}

/* ---- finding matches ------------------------------------------------------------------------- */

static bool matches(const eg_pre_step *step, uint32_t code)
{
    switch (step->at) {
    case EG_MATCH_NUMERIC: return eg_is_numeric(code);
    case EG_MATCH_PUNCTUATION: return eg_is_punctuation(code);
    case EG_MATCH_SPACE: return eg_is_space(code);
    case EG_MATCH_CHAR: return code == step->code;
    default: return false;
    }
}

/* 0: space, 1: word, 2: neither. */
static int word_class(uint32_t code)
{
    return eg_is_space(code) ? 0 : (eg_is_word(code) ? 1 : 2);
}

/* The next match of a class of characters: one character, or one run for EG_MATCH_WORDS. */
static bool next_of_class(size_t *begin, size_t *end, eg_search *search, const eg_pre_step *step)
{
    while (search->from < search->size) {
        uint32_t code;
        size_t at = search->from;
        size_t length = eg_utf8_next(&code, search->text + at, search->size - at);
        int kind = step->at == EG_MATCH_WORDS ? word_class(code) : 0;

        search->from += length;
        if (kind == 0 && !matches(step, code)) {
            continue;
        }
        while (kind != 0 && search->from < search->size) {
            length = eg_utf8_next(&code, search->text + search->from, search->size - search->from);
            if (word_class(code) != kind) {
                break;
            }
            search->from += length;
        }
        *begin = at;
        *end = search->from;
        return true;
    }
    return false;
}

static eagle_status next_match(bool *found, size_t *begin, size_t *end, eg_search *search,
                               const eg_pre_step *step, eg_matcher *matcher, eagle_error *err)
{
    if (step->at == EG_MATCH_REGEX) {
        return eg_regex_next(found, begin, end, search, step->regex, matcher, err);
    }
    *found = next_of_class(begin, end, search, step);
    return EAGLE_OK;
}

/* ---- cutting --------------------------------------------------------------------------------- */

/* One piece being cut into smaller ones. The latest part is held back: the next may join it. */
typedef struct {
    eg_pieces *out;
    const eg_piece *piece;
    eg_behaviour behaviour;
    bool last_match; /* was the latest part a match? */
    bool holds;
    size_t begin; /* of the part held back, in the piece */
    size_t end;
} cutter;

static bool release(cutter *c)
{
    size_t lead = c->piece->lead > c->begin ? c->piece->lead - c->begin : 0;

    if (!c->holds) {
        return true;
    }
    c->holds = false;
    return add_piece(c->out, c->piece->begin + c->begin, c->piece->begin + c->end,
                     lead < c->end - c->begin ? lead : c->end - c->begin);
}

/* Takes the next part of the piece, a match or what lies between two. */
static bool take(cutter *c, size_t begin, size_t end, bool match)
{
    bool join = (c->behaviour == EG_CONTIGUOUS && match == c->last_match) ||
                (c->behaviour == EG_MERGED_WITH_PREVIOUS && match && !c->last_match) ||
                (c->behaviour == EG_MERGED_WITH_NEXT && !match && c->last_match);

    c->last_match = match;
    if (c->behaviour == EG_REMOVED && match) {
        return release(c);
    }
    if (c->holds && join) {
        c->end = end;
        return true;
    }
    if (!release(c)) {
        return false;
    }
    c->holds = true;
    c->begin = begin;
    c->end = end;
    return true;
}

static eagle_status cut_piece(eg_cutting *cutting, const eg_piece *piece, const eg_pre_step *step,
                              eg_matcher *matcher, eagle_error *err)
{
    eg_search search = {.text = cutting->text.data + piece->begin,
                        .size = piece->end - piece->begin};
    cutter c = {.out = &cutting->next_pieces, .piece = piece, .behaviour = step->behaviour};
    size_t done = 0;

    for (;;) {
        bool found;
        size_t begin = 0, end = 0;
        eagle_status st = next_match(&found, &begin, &end, &search, step, matcher, err);

        if (st != EAGLE_OK) {
            return st;
        }
        if (!found) {
            break;
        }
        if ((done < begin && !take(&c, done, begin, step->invert)) ||
            !take(&c, begin, end, !step->invert)) {
            return no_memory(cutting, err);
        }
        done = end;
    }
    if ((done < search.size && !take(&c, done, search.size, step->invert)) || !release(&c)) {
        return no_memory(cutting, err);
    }
    return EAGLE_OK;
}

static eagle_status cut(eg_cutting *cutting, const eg_pre_step *step, eg_matcher *matcher,
                        eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    for (size_t i = 0; i < cutting->pieces.n && st == EAGLE_OK; i++) {
        st = cut_piece(cutting, &cutting->pieces.piece[i], step, matcher, err);
    }
    return st;
}

/* ---- rewriting ------------------------------------------------------------------------------- */

/* GPT-2's alphabet: the printable characters of Latin-1 stand for themselves, the other 68
 * bytes, in rising order, for U+0100 and up. */
static bool stands_for_itself(uint32_t code)
{
    return (code >= 0x21 && code <= 0x7e) || (code >= 0xa1 && code <= 0xac) ||
           (code >= 0xae && code <= 0xff);
}

uint32_t eg_byte_char(unsigned char byte)
{
    if (stands_for_itself(byte)) {
        return byte;
    }
    if (byte <= 0x20) {
        return 0x100u + byte; /* 00 .. 20 are the first 33 */
    }
    return byte <= 0xa0 ? 0x100u + 33 + (byte - 0x7fu) : 0x143; /* 7F .. A0, AD */
}

int eg_char_byte(uint32_t code)
{
    if (code < 0x100) {
        return stands_for_itself(code) ? (int)code : -1;
    }
    if (code <= 0x120) {
        return (int)(code - 0x100);
    }
    return code <= 0x142 ? (int)(code - 0x121 + 0x7f) : (code == 0x143 ? 0xad : -1);
}

/* One character of the old text, as the step writes it. */
static bool write_char(eg_text *out, const eg_pre_step *step, const char *bytes, size_t length)
{
    if (step->kind == EG_PRE_SPACES && bytes[0] == ' ') {
        return eg_text_add(out, step->content, strlen(step->content));
    }
    if (step->kind != EG_PRE_BYTES) {
        return eg_text_add(out, bytes, length);
    }
    for (size_t i = 0; i < length; i++) {
        if (!eg_text_add_char(out, eg_byte_char((unsigned char)bytes[i]))) {
            return false;
        }
    }
    return true;
}

static bool needs_prefix(const eg_pre_step *step, const eg_piece *piece, const char *text)
{
    size_t size = strlen(step->content);

    return step->kind == EG_PRE_PREFIX && !(step->first_only && piece->lead == 0) &&
           (piece->end - piece->begin < size || memcmp(text, step->content, size) != 0);
}

/* PREFIX, SPACES, BYTES. */
static bool rewrite(eg_cutting *cutting, const eg_pre_step *step)
{
    eg_text *out = &cutting->next_text;

    for (size_t i = 0; i < cutting->pieces.n; i++) {
        const eg_piece *piece = &cutting->pieces.piece[i];
        const char *text = cutting->text.data + piece->begin;
        size_t size = piece->end - piece->begin;
        size_t begin = out->size;
        size_t lead = 0;

        if (needs_prefix(step, piece, text) &&
            !eg_text_add(out, step->content, strlen(step->content))) {
            return false;
        }
        for (size_t at = 0; at < size;) {
            uint32_t code;
            size_t length = eg_utf8_next(&code, text + at, size - at);

            if (!write_char(out, step, text + at, length)) {
                return false;
            }
            lead = at < piece->lead ? out->size - begin : lead;
            at += length;
        }
        if (!add_piece(&cutting->next_pieces, begin, out->size, lead)) {
            return false;
        }
    }
    return true;
}

eagle_status eg_pretokenize(eg_cutting *cutting, size_t lead, const eg_pre_step *step,
                            int32_t n_steps, eg_matcher *matcher, eagle_error *err)
{
    cutting->pieces.n = 0;
    if (!add_piece(&cutting->pieces, 0, cutting->text.size, lead)) {
        return no_memory(cutting, err);
    }
    for (int32_t i = 0; i < n_steps; i++) {
        cutting->next_pieces.n = 0;
        if (step[i].kind == EG_PRE_CUT) {
            eagle_status st = cut(cutting, &step[i], matcher, err);

            if (st != EAGLE_OK) {
                return st;
            }
        } else {
            cutting->next_text.size = 0;
            if (!rewrite(cutting, &step[i])) {
                return no_memory(cutting, err);
            }
            eg_text text = cutting->text;

            cutting->text = cutting->next_text;
            cutting->next_text = text;
        }
        eg_pieces pieces = cutting->pieces;

        cutting->pieces = cutting->next_pieces;
        cutting->next_pieces = pieces;
    }
    return EAGLE_OK;
}
