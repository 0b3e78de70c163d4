/* SPDX-License-Identifier: MIT */
/* decode.c - from token texts to the text, piece by piece.
 *
 * The reference decodes a whole list of pieces, stage after stage. Here each stage takes
 * pieces as they come (put: some whole characters of the current piece; end: the piece is
 * complete; finish: there are no more) and passes on what nothing that follows can change.
 * So a stream and a whole text are the same computation. What a stage must hold back:
 *
 *   ByteLevel      the bytes of an incomplete character
 *   ByteFallback   a run of byte tokens: one bad byte turns the whole run into U+FFFD
 *   Strip          the characters that go if the piece ends here
 *   Replace        the piece: an expression may look at all of it */
#include "base/alloc.h"
#include "base/error.h"
#include "tokenizer/parts.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const eg_decode_step *step;
    eg_text piece;  /* the current piece, where the stage needs it whole          */
    eg_text bytes;  /* BYTES: an incomplete character. BYTE_FALLBACK: the run      */
    size_t n_ended; /* pieces that are complete                                    */
    bool begun;     /* something of the current piece has come                     */
    int32_t cut;    /* STRIP: characters taken at the start of the piece           */
    bool inside;    /* STRIP: the start is over                                    */
    int32_t held;   /* STRIP: characters that go if the piece ends now             */
} stage;

struct eg_decoding {
    stage *stages; /* [n] */
    int32_t n;
    eg_matcher *matcher;
    eg_text *out; /* during a call */
};

static eagle_status no_memory(eagle_error *err)
{
    return eg_fail(err, EAGLE_ENOMEM, "no memory to decode tokens");
}

static eagle_status put(eg_decoding *d, int32_t i, const char *text, size_t n, eagle_error *err);
static eagle_status end(eg_decoding *d, int32_t i, eagle_error *err);

/* A piece in one go. */
static eagle_status put_piece(eg_decoding *d, int32_t i, const char *text, size_t n,
                              eagle_error *err)
{
    eagle_status st = put(d, i, text, n, err);

    return st == EAGLE_OK ? end(d, i, err) : st;
}

/* ---- ByteLevel ------------------------------------------------------------------------------- */

/* Adds the bytes that a token stands for: itself if a character is not in the alphabet. */
static bool add_token_bytes(eg_text *bytes, const eg_text *token)
{
    size_t before = bytes->size;

    for (size_t at = 0; at < token->size;) {
        uint32_t code;
        size_t length = eg_utf8_next(&code, token->data + at, token->size - at);
        int byte = eg_char_byte(code);

        if (byte < 0) {
            bytes->size = before;
            return eg_text_add(bytes, token->data, token->size);
        }
        char c = (char)(unsigned char)byte;

        if (!eg_text_add(bytes, &c, 1)) {
            return false;
        }
        at += length;
    }
    return true;
}

/* Passes on all but an incomplete character at the end, or that too when `all`. */
static eagle_status pass_bytes(eg_decoding *d, int32_t i, bool all, eagle_error *err)
{
    stage *s = &d->stages[i];
    eg_text *bytes = &s->bytes;
    size_t keep = 0;

    for (size_t back = 1; !all && back <= 3 && back <= bytes->size; back++) {
        uint32_t code;

        eg_utf8_next(&code, bytes->data + bytes->size - back, back);
        if (code == EG_UTF8_CUT) {
            keep = back; /* a longer one would have more of the same character */
        }
    }
    size_t n = bytes->size - keep;

    s->piece.size = 0;
    if (!eg_text_add_lossy(&s->piece, bytes->data, n)) {
        return no_memory(err);
    }
    if (n > 0) {
        memmove(bytes->data, bytes->data + n, keep);
    }
    bytes->size = keep;
    eagle_status st = put(d, i + 1, s->piece.data, s->piece.size, err);

    s->piece.size = 0;
    return st;
}

static eagle_status end_bytes(eg_decoding *d, int32_t i, eagle_error *err)
{
    stage *s = &d->stages[i];

    if (!add_token_bytes(&s->bytes, &s->piece)) {
        return no_memory(err);
    }
    return pass_bytes(d, i, false, err);
}

/* ---- ByteFallback ---------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + 0x20 : c) : NULL;

    return found != NULL ? (int)(found - digits) : -1;
}

/* The byte of "<0x41>"; -1 for any other text. */
static int byte_of(const eg_text *token)
{
    if (token->size != 6 || memcmp(token->data, "<0x", 3) != 0 || token->data[5] != '>') {
        return -1;
    }
    int high = hex_digit(token->data[3]);
    int low = hex_digit(token->data[4]);

    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_utf8(const eg_text *bytes)
{
    for (size_t at = 0; at < bytes->size;) {
        uint32_t code;

        at += eg_utf8_next(&code, bytes->data + at, bytes->size - at);
        if (code == EG_UTF8_BAD || code == EG_UTF8_CUT) {
            return false;
        }
    }
    return true;
}

/* Ends a run of byte tokens: its text, or a U+FFFD for each of its bytes. */
static eagle_status flush_run(eg_decoding *d, int32_t i, eagle_error *err)
{
    eg_text *run = &d->stages[i].bytes;
    eagle_status st = EAGLE_OK;

    if (run->size == 0) {
        return EAGLE_OK;
    }
    if (is_utf8(run)) {
        st = put_piece(d, i + 1, run->data, run->size, err);
    } else {
        for (size_t k = 0; k < run->size && st == EAGLE_OK; k++) {
            st = put_piece(d, i + 1, "\xef\xbf\xbd", 3, err);
        }
    }
    run->size = 0;
    return st;
}

static eagle_status end_byte_fallback(eg_decoding *d, int32_t i, eagle_error *err)
{
    stage *s = &d->stages[i];
    int byte = byte_of(&s->piece);

    if (byte >= 0) {
        char c = (char)(unsigned char)byte;

        return eg_text_add(&s->bytes, &c, 1) ? EAGLE_OK : no_memory(err);
    }
    eagle_status st = flush_run(d, i, err);

    return st == EAGLE_OK ? put_piece(d, i + 1, s->piece.data, s->piece.size, err) : st;
}

/* ---- Strip ----------------------------------------------------------------------------------- */

/* Passes on `n` of the characters that were held back. */
static eagle_status release_held(eg_decoding *d, int32_t i, int32_t n, eagle_error *err)
{
    stage *s = &d->stages[i];
    char bytes[4];
    size_t length = eg_utf8_put(bytes, s->step->code);
    eagle_status st = EAGLE_OK;

    s->held -= n;
    while (n-- > 0 && st == EAGLE_OK) {
        st = put(d, i + 1, bytes, length, err);
    }
    return st;
}

static eagle_status put_strip(eg_decoding *d, int32_t i, const char *text, size_t n,
                              eagle_error *err)
{
    stage *s = &d->stages[i];
    eagle_status st = EAGLE_OK;

    for (size_t at = 0; at < n && st == EAGLE_OK;) {
        uint32_t code;
        size_t length = eg_utf8_next(&code, text + at, n - at);

        if (code != s->step->code) {
            s->inside = true;
            st = release_held(d, i, s->held, err);
            st = st == EAGLE_OK ? put(d, i + 1, text + at, length, err) : st;
        } else if (!s->inside && s->cut < s->step->start) {
            s->cut++;
        } else {
            s->inside = true;
            s->held++;
            st = s->held > s->step->stop ? release_held(d, i, 1, err) : EAGLE_OK;
        }
        at += length;
    }
    return st;
}

/* ---- Replace, Metaspace, no decoder ---------------------------------------------------------- */

static eagle_status end_replace(eg_decoding *d, int32_t i, eagle_error *err)
{
    stage *s = &d->stages[i];
    eg_search search = {.text = s->piece.size > 0 ? s->piece.data : "", .size = s->piece.size};
    const char *content = s->step->content;
    size_t done = 0;
    eagle_status st = EAGLE_OK;

    while (st == EAGLE_OK && search.size > 0) {
        bool found;
        size_t begin = 0, stop = 0;

        st = eg_regex_next(&found, &begin, &stop, &search, s->step->regex, d->matcher, err);
        if (st != EAGLE_OK || !found) {
            break;
        }
        st = put(d, i + 1, search.text + done, begin - done, err);
        st = st == EAGLE_OK ? put(d, i + 1, content, strlen(content), err) : st;
        done = stop;
    }
    st = st == EAGLE_OK ? put(d, i + 1, search.text + done, search.size - done, err) : st;
    return st == EAGLE_OK ? end(d, i + 1, err) : st;
}

static eagle_status put_metaspace(eg_decoding *d, int32_t i, const char *text, size_t n,
                                  eagle_error *err)
{
    stage *s = &d->stages[i];
    bool drop = s->n_ended == 0 && s->step->drop_first;
    eagle_status st = EAGLE_OK;
    size_t done = 0;

    for (size_t at = 0; at < n && st == EAGLE_OK;) {
        uint32_t code;
        size_t length = eg_utf8_next(&code, text + at, n - at);

        if (code == s->step->code) {
            st = put(d, i + 1, text + done, at - done, err);
            st = st == EAGLE_OK && !drop ? put(d, i + 1, " ", 1, err) : st;
            done = at + length;
        }
        at += length;
    }
    return st == EAGLE_OK ? put(d, i + 1, text + done, n - done, err) : st;
}

static eagle_status put_join(eg_decoding *d, int32_t i, const char *text, size_t n,
                             eagle_error *err)
{
    stage *s = &d->stages[i];
    eagle_status st = EAGLE_OK;

    if (!s->begun && s->n_ended > 0) {
        st = put(d, i + 1, " ", 1, err);
    }
    return st == EAGLE_OK ? put(d, i + 1, text, n, err) : st;
}

/* ---- all stages ------------------------------------------------------------------------------ */

/* Some characters of stage i's current piece; behind the last stage is the text. */
static eagle_status put(eg_decoding *d, int32_t i, const char *text, size_t n, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    if (i == d->n) {
        return eg_text_add(d->out, text, n) ? EAGLE_OK : no_memory(err);
    }
    text = n > 0 ? text : ""; /* an empty eg_text has no data */
    switch (d->stages[i].step->kind) {
    case EG_DECODE_BYTES:
    case EG_DECODE_BYTE_FALLBACK:
    case EG_DECODE_REPLACE:
        st = eg_text_add(&d->stages[i].piece, text, n) ? EAGLE_OK : no_memory(err);
        break;
    case EG_DECODE_FUSE: st = put(d, i + 1, text, n, err); break;
    case EG_DECODE_STRIP: st = put_strip(d, i, text, n, err); break;
    case EG_DECODE_METASPACE: st = put_metaspace(d, i, text, n, err); break;
    case EG_DECODE_JOIN: st = put_join(d, i, text, n, err); break;
    }
    d->stages[i].begun = true;
    return st;
}

/* The piece is complete. */
static eagle_status end(eg_decoding *d, int32_t i, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    if (i == d->n) {
        return EAGLE_OK;
    }
    stage *s = &d->stages[i];

    switch (s->step->kind) {
    case EG_DECODE_BYTES: st = end_bytes(d, i, err); break;
    case EG_DECODE_BYTE_FALLBACK: st = end_byte_fallback(d, i, err); break;
    case EG_DECODE_FUSE: break;
    case EG_DECODE_REPLACE: st = end_replace(d, i, err); break;
    case EG_DECODE_STRIP:
    case EG_DECODE_METASPACE:
    case EG_DECODE_JOIN: st = end(d, i + 1, err); break;
    }
    s->piece.size = 0;
    s->n_ended++;
    s->begun = false;
    s->inside = false;
    s->cut = 0;
    s->held = 0; /* what Strip still held is stripped */
    return st;
}

/* There are no more pieces: stages that made one piece of all, or hold a run, pass it on. */
static eagle_status finish(eg_decoding *d, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    for (int32_t i = 0; i < d->n && st == EAGLE_OK; i++) {
        switch (d->stages[i].step->kind) {
        case EG_DECODE_BYTES:
            st = pass_bytes(d, i, true, err);
            st = st == EAGLE_OK ? end(d, i + 1, err) : st;
            break;
        case EG_DECODE_BYTE_FALLBACK: st = flush_run(d, i, err); break;
        case EG_DECODE_FUSE: st = end(d, i + 1, err); break;
        default: break;
        }
    }
    return st;
}

eagle_status eg_decoding_create(eg_decoding **out, const eg_decode_step *step, int32_t n_steps,
                                eagle_error *err)
{
    eg_decoding *d = eg_alloc(1, sizeof *d);

    *out = NULL;
    if (d == NULL) {
        return no_memory(err);
    }
    d->stages = eg_alloc((size_t)n_steps, sizeof d->stages[0]);
    d->matcher = eg_matcher_create();
    if (d->stages == NULL || d->matcher == NULL) {
        eg_decoding_free(d);
        return no_memory(err);
    }
    d->n = n_steps;
    for (int32_t i = 0; i < n_steps; i++) {
        d->stages[i].step = &step[i];
    }
    *out = d;
    return EAGLE_OK;
}

void eg_decoding_free(eg_decoding *d)
{
    if (d != NULL) {
        for (int32_t i = 0; i < d->n; i++) {
            free(d->stages[i].piece.data);
            free(d->stages[i].bytes.data);
        }
        free(d->stages);
        eg_matcher_free(d->matcher);
        free(d);
    }
}

eagle_status eg_decoding_push(eg_text *out, eg_decoding *d, eg_str token, eagle_error *err)
{
    d->out = out;
    return put_piece(d, 0, token.data, token.size, err);
}

eagle_status eg_decoding_finish(eg_text *out, eg_decoding *d, eagle_error *err)
{
    d->out = out;
    return finish(d, err);
}
