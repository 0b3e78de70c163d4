/* SPDX-License-Identifier: MIT */
/* normalize.c - what happens to a text before it is cut: NFC, Prepend, Replace.
 *
 * `lead` is carried along: how many bytes at the front stem from the input's first
 * character. What is put in takes the origin of what stood before it, as the reference has
 * it. */
#include "base/error.h"
#include "tokenizer/parts.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static eagle_status no_memory(size_t size, eagle_error *err)
{
    return eg_fail(err, EAGLE_ENOMEM, "no memory to normalize a text of %zu bytes", size);
}

/* ---- NFC ------------------------------------------------------------------------------------- */

static int combining_class(utf8proc_int32_t code)
{
    return utf8proc_get_property(code)->combining_class;
}

/* Sorts a run of combining marks by their class, stably. A counting sort: utf8proc's own
 * exchanges neighbours, which is quadratic in the length of a run. */
static void order_marks(utf8proc_int32_t *mark, utf8proc_int32_t *scratch, size_t n)
{
    size_t place[257] = {0};

    for (size_t i = 0; i < n; i++) {
        place[combining_class(mark[i]) + 1]++;
    }
    for (int c = 0; c < 256; c++) {
        place[c + 1] += place[c];
    }
    for (size_t i = 0; i < n; i++) {
        scratch[place[combining_class(mark[i])]++] = mark[i];
    }
    memcpy(mark, scratch, n * sizeof mark[0]);
}

/* Sorts the marks after each starter. */
static void order_canonically(utf8proc_int32_t *code, utf8proc_int32_t *scratch, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t end = i;
        bool sorted = true;

        while (end < n && combining_class(code[end]) != 0) {
            sorted = sorted &&
                     (end == i || combining_class(code[end - 1]) <= combining_class(code[end]));
            end++;
        }
        if (!sorted) {
            order_marks(code + i, scratch, end - i);
        }
        i = end; /* a starter, or the end */
    }
}

/* Decomposes text[0 .. size) into `code`, at most `cap` of them; returns how many there are. */
static size_t decompose(utf8proc_int32_t *code, size_t cap, const char *text, size_t size)
{
    size_t n = 0;

    for (size_t at = 0; at < size;) {
        uint32_t c;
        int last_class = 0;

        at += eg_utf8_next(&c, text + at, size - at);
        /* A negative room would mean an error; too little gives the number needed. */
        utf8proc_ssize_t made = utf8proc_decompose_char(
            (utf8proc_int32_t)c, n < cap ? code + n : NULL,
            n < cap ? (utf8proc_ssize_t)(cap - n) : 0, UTF8PROC_DECOMPOSE, &last_class);

        n += made > 0 ? (size_t)made : 0;
    }
    return n;
}

/* Adds NFC(text) to *out. */
static eagle_status add_nfc(eg_text *out, const char *text, size_t size, eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    size_t n = decompose(NULL, 0, text, size);
    utf8proc_int32_t *code = calloc(n + 1, 2 * sizeof *code); /* codes, then scratch */

    if (code == NULL) {
        return no_memory(size, err);
    }
    decompose(code, n, text, size);
    order_canonically(code, code + n, n);

    utf8proc_ssize_t composed =
        utf8proc_normalize_utf32(code, (utf8proc_ssize_t)n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);

    for (utf8proc_ssize_t i = 0; i < composed; i++) {
        if (!eg_text_add_char(out, (uint32_t)code[i])) {
            st = no_memory(size, err);
            break;
        }
    }
    free(code);
    return st;
}

static bool is_ascii(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

static eagle_status compose(eg_text *out, eg_normal_text *in, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    if (is_ascii(in->text.data, in->text.size)) {
        return eg_text_add(out, in->text.data, in->text.size) ? EAGLE_OK
                                                              : no_memory(in->text.size, err);
    }
    if (in->lead > 0) {
        st = add_nfc(out, in->text.data, in->lead, err);
        in->lead = out->size;
        out->size = 0;
    }
    st = st == EAGLE_OK ? add_nfc(out, in->text.data, in->text.size, err) : st;
    /* A mark from behind the lead may have joined its last character. */
    while (in->lead > 0 && in->lead < out->size && is_continuation(out->data[in->lead])) {
        in->lead++;
    }
    return st;
}

/* ---- Prepend and Replace --------------------------------------------------------------------- */

static eagle_status prepend(eg_text *out, eg_normal_text *in, const char *content, eagle_error *err)
{
    size_t size = strlen(content);

    if (!eg_text_add(out, content, size) || !eg_text_add(out, in->text.data, in->text.size)) {
        return no_memory(in->text.size, err);
    }
    in->lead += in->lead > 0 ? size : 0;
    return EAGLE_OK;
}

static eagle_status replace(eg_text *out, eg_normal_text *in, const eg_normal_step *step,
                            eg_matcher *matcher, eagle_error *err)
{
    eg_search search = {.text = in->text.data, .size = in->text.size};
    size_t size = strlen(step->content);
    size_t lead = in->lead;
    size_t copied = 0;

    for (;;) {
        bool found;
        size_t begin = 0, end = 0;
        eagle_status st = eg_regex_next(&found, &begin, &end, &search, step->regex, matcher, err);

        if (st != EAGLE_OK) {
            return st;
        }
        if (!found) {
            break;
        }
        if (!eg_text_add(out, in->text.data + copied, begin - copied) ||
            !eg_text_add(out, step->content, size)) {
            return no_memory(in->text.size, err);
        }
        copied = end;
        if (in->lead > 0 && end <= in->lead) {
            lead = lead + size - (end - begin);
        } else if (begin < in->lead) {
            lead -= in->lead - begin;
        }
    }
    if (!eg_text_add(out, in->text.data + copied, in->text.size - copied)) {
        return no_memory(in->text.size, err);
    }
    in->lead = lead;
    return EAGLE_OK;
}

eagle_status eg_normalize(eg_normal_text *text, eg_text *spare, const eg_normal_step *step,
                          int32_t n_steps, eg_matcher *matcher, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    for (int32_t i = 0; i < n_steps && st == EAGLE_OK && text->text.size > 0; i++) {
        spare->size = 0;
        switch (step[i].kind) {
        case EG_NFC: st = compose(spare, text, err); break;
        case EG_PREPEND: st = prepend(spare, text, step[i].content, err); break;
        case EG_REPLACE: st = replace(spare, text, &step[i], matcher, err); break;
        }
        eg_text swap = text->text;

        text->text = *spare;
        *spare = swap;
    }
    return st;
}
