/* SPDX-License-Identifier: MIT */
/* tokenizer.c - opening a tokenizer, its tokens, and encoding. */
#include "eagle/tokenizer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "formats/formats.h"
#include "tokenizer/parts.h"

#include <stdlib.h>
#include <string.h>

/* The largest file: ten times what is known (Gemma 3: 33 MB). */
#define MAX_FILE_BYTES ((size_t)256 << 20)

eagle_status eagle_tokenizer_open(eagle_tokenizer **out, const char *dir, eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    char *path = eg_path_join(dir, "tokenizer.json");
    eagle_tokenizer *t = eg_alloc(1, sizeof *t);
    json_t *json = NULL;

    *out = NULL;
    if (path == NULL || t == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "%s: no memory for a tokenizer", dir);
        goto done;
    }
    st = eg_json_read(&json, path, MAX_FILE_BYTES, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    st = eg_load(t, json, path, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    *out = t;
    t = NULL;

done:
    json_decref(json);
    eagle_tokenizer_free(t);
    free(path);
    return st;
}

static void free_steps(eagle_tokenizer *t)
{
    for (int32_t i = 0; i < t->n_normal; i++) {
        free(t->normal[i].content);
        eg_regex_free(t->normal[i].regex);
    }
    for (int32_t i = 0; i < t->n_pre; i++) {
        eg_regex_free(t->pre[i].regex);
    }
    for (int32_t i = 0; i < t->n_decode; i++) {
        free(t->decode[i].content);
        eg_regex_free(t->decode[i].regex);
    }
    free(t->normal);
    free(t->pre);
    free(t->decode);
}

void eagle_tokenizer_free(eagle_tokenizer *t)
{
    if (t == NULL) {
        return;
    }
    free_steps(t);
    for (int32_t i = 0; i < t->n_added; i++) {
        free(t->added[i].made);
    }
    free(t->added);
    free(t->raw.token);
    free(t->normalized.token);
    eg_bpe_free(&t->bpe);
    free(t->template.id);
    free(t->token);
    free(t->texts);
    free(t);
}

int32_t eagle_tokenizer_vocab(const eagle_tokenizer *t)
{
    return t->n_ids;
}

const char *eagle_tokenizer_token(const eagle_tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->n_ids ? t->token[id].text : NULL;
}

int32_t eagle_tokenizer_id(const eagle_tokenizer *t, const char *token)
{
    size_t size = strlen(token);

    for (int32_t i = 0; i < t->n_added; i++) {
        if (t->added[i].content.size == size &&
            memcmp(t->added[i].content.data, token, size) == 0) {
            return t->added[i].id;
        }
    }
    return eg_bpe_find(&t->bpe, token, size);
}

bool eagle_tokenizer_is_special(const eagle_tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->n_ids && t->token[id].special;
}

/* ---- encoding -------------------------------------------------------------------------------- */

/* One call of eagle_tokenizer_encode(). */
typedef struct {
    const eagle_tokenizer *t;
    const eagle_encode_options *opt;
    eg_text text; /* the input, repaired */
    eg_normal_text normal;
    eg_text spare;
    eg_cutting cutting;
    eg_bpe_work work;
    eg_matcher *matcher;
    eg_ids ids; /* of the text, without what the template adds */
} encoding;

static eagle_status no_memory(const encoding *e, eagle_error *err)
{
    return eg_fail(err, EAGLE_ENOMEM, "no memory to tokenize %zu bytes", e->text.size);
}

/* Cuts a normalized text without added tokens into words, and those into tokens. */
static eagle_status encode_text(encoding *e, const char *text, size_t size, size_t lead,
                                eagle_error *err)
{
    eg_cutting *cutting = &e->cutting;

    cutting->text.size = 0;
    if (!eg_text_add(&cutting->text, text, size)) {
        return no_memory(e, err);
    }
    eagle_status st = eg_pretokenize(cutting, lead, e->t->pre, e->t->n_pre, e->matcher, err);

    for (size_t i = 0; i < cutting->pieces.n && st == EAGLE_OK; i++) {
        const eg_piece *piece = &cutting->pieces.piece[i];

        st = eg_bpe_encode(&e->ids, &e->work, &e->t->bpe, cutting->text.data + piece->begin,
                           piece->end - piece->begin, err);
    }
    return st;
}

/* Normalizes what lies between the added tokens of the raw text, and finds those that are to be
 * found after that. */
static eagle_status encode_raw(encoding *e, size_t begin, size_t end, eagle_error *err)
{
    eg_normal_text *normal = &e->normal;
    uint32_t code;

    normal->text.size = 0;
    normal->lead = begin == 0 ? eg_utf8_next(&code, e->text.data, e->text.size) : 0;
    if (!eg_text_add(&normal->text, e->text.data + begin, end - begin)) {
        return no_memory(e, err);
    }
    eagle_status st =
        eg_normalize(normal, &e->spare, e->t->normal, e->t->n_normal, e->matcher, err);
    eg_added_scan scan = {.set = &e->t->normalized,
                          .text = normal->text.data,
                          .size = normal->text.size,
                          .parse_special = e->opt->parse_special};
    eg_segment segment;

    while (st == EAGLE_OK && eg_added_next(&segment, &scan)) {
        size_t lead = normal->lead > segment.begin ? normal->lead - segment.begin : 0;
        size_t size = segment.end - segment.begin;

        if (segment.token == NULL) {
            st = encode_text(e, normal->text.data + segment.begin, size, lead < size ? lead : size,
                             err);
        } else if (!eg_ids_add(&e->ids, segment.token->id)) {
            st = no_memory(e, err);
        }
    }
    return st;
}

static eagle_status encode(encoding *e, eagle_error *err)
{
    eg_added_scan scan = {.set = &e->t->raw,
                          .text = e->text.data,
                          .size = e->text.size,
                          .parse_special = e->opt->parse_special};
    eg_segment segment;
    eagle_status st = EAGLE_OK;

    while (st == EAGLE_OK && eg_added_next(&segment, &scan)) {
        if (segment.token == NULL) {
            st = encode_raw(e, segment.begin, segment.end, err);
        } else if (!eg_ids_add(&e->ids, segment.token->id)) {
            st = no_memory(e, err);
        }
    }
    return st;
}

/* The text's ids among those of the template, as a new array. */
static eagle_status fill_template(eg_ids *out, const encoding *e, eagle_error *err)
{
    const eg_ids *template = &e->t->template;

    for (size_t i = 0; i < template->n; i++) {
        bool is_text = template->id[i] == EG_TEMPLATE_TEXT;
        const int32_t *id = is_text ? e->ids.id : &template->id[i];
        size_t n = is_text ? e->ids.n : (e->opt->add_special ? 1 : 0);

        for (size_t k = 0; k < n; k++) {
            if (!eg_ids_add(out, id[k])) {
                return no_memory(e, err);
            }
        }
    }
    return EAGLE_OK;
}

eagle_status eagle_tokenizer_encode(int32_t **ids, size_t *n, const eagle_tokenizer *t,
                                    const char *text, size_t size, const eagle_encode_options *opt,
                                    eagle_error *err)
{
    encoding e = {.t = t, .opt = opt, .matcher = eg_matcher_create()};
    eg_ids out = {0};
    eagle_status st = EAGLE_OK;

    *ids = NULL;
    *n = 0;
    if (e.matcher == NULL || !eg_text_add_lossy(&e.text, text, size)) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory to tokenize %zu bytes", size);
    }
    st = st == EAGLE_OK ? encode(&e, err) : st;
    st = st == EAGLE_OK ? fill_template(&out, &e, err) : st;
    if (st == EAGLE_OK) {
        *ids = out.id;
        *n = out.n;
        out.id = NULL;
    }
    free(out.id);
    free(e.ids.id);
    free(e.text.data);
    free(e.normal.text.data);
    free(e.spare.data);
    eg_cutting_free(&e.cutting);
    eg_bpe_work_free(&e.work);
    eg_matcher_free(e.matcher);
    return st;
}
