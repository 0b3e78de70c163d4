/* SPDX-License-Identifier: MIT */
/* corpus_jsonl.c - JSON lines to documents: texts, conversations, ids.
 *
 * A conversation becomes text by one fixed template, Vicuna's:
 *
 *   SYSTEM USER: QUESTION ASSISTANT: ANSWER<end>USER: QUESTION ASSISTANT: ANSWER<end>
 *
 * <end> is the end token, so each question with its answer is a text of its own to the
 * tokenizer. The answer begins where the tokens of both leave those of the question alone: so the
 * context is what a prompt that ends with "ASSISTANT:" gives. */
#include "base/characters.h"
#include "base/error.h"
#include "formats/json.h"
#include "train/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line as an object, with a name for messages. */
typedef struct {
    eg_reading *r;
    const json_t *json;
    char where[300];
} json_line;

/* ---- texts and ids --------------------------------------------------------------------------- */

static eagle_status read_text(json_line *l, const json_t *text, eagle_error *err)
{
    eg_reading *r = l->r;
    int32_t *ids;
    size_t n;
    eagle_status st = eg_reading_encode(&ids, &n, r, json_string_value(text),
                                        json_string_length(text), r->opt->add_special, err);

    st = st == EAGLE_OK ? eg_reading_append(r, ids, n, true, err) : st;
    st = st == EAGLE_OK ? eg_reading_end(r, err) : st;
    free(ids);
    return st;
}

static eagle_status read_ids(json_line *l, const json_t *ids, eagle_error *err)
{
    const json_t *learn = json_object_get(l->json, "learn");
    const size_t n = json_array_size(ids);
    eagle_status st = EAGLE_OK;

    if (learn != NULL && (!json_is_array(learn) || json_array_size(learn) != n)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: \"learn\" is %s, must be a list of %zu", l->where,
                       eg_json_describe(learn).text, n);
    }
    for (size_t i = 0; st == EAGLE_OK && i < n; i++) {
        const json_t *id = json_array_get(ids, i);
        const json_t *flag = json_array_get(learn, i);
        const json_int_t value = json_is_integer(id) ? json_integer_value(id) : -1;
        const json_int_t wanted = flag == NULL ? 1 : json_integer_value(flag);

        if (value < 0 || value > INT32_MAX) {
            return eg_fail(err, EAGLE_EFORMAT, "%s: ids[%zu] is %s, must be a token id", l->where,
                           i, eg_json_describe(id).text);
        }
        if ((flag != NULL && !json_is_integer(flag)) || wanted < 0 || wanted > 1) {
            return eg_fail(err, EAGLE_EFORMAT, "%s: learn[%zu] is %s, must be 0 or 1", l->where, i,
                           eg_json_describe(flag).text);
        }
        st = eg_reading_append(l->r, &(int32_t){(int32_t)value}, 1, wanted == 1, err);
    }
    return st;
}

/* ---- conversations --------------------------------------------------------------------------- */

typedef enum { SYSTEM, USER, ASSISTANT } role;

/* How the two forms of a conversation call things. */
typedef struct {
    const char *list; /* key of the messages */
    const char *from; /* key of the role     */
    const char *text; /* key of the words    */
    const char *role[3];
} conversation_form;

static const conversation_form forms[] = {
    {"conversations", "from", "value", {"system", "human", "gpt"}},
    {"messages", "role", "content", {"system", "user", "assistant"}},
};

/* One message of a conversation. */
static eagle_status read_message(role *who, const json_t **text, const json_line *l,
                                 const conversation_form *form, const json_t *message, size_t i,
                                 eagle_error *err)
{
    const json_t *from = json_object_get(message, form->from);

    *text = json_object_get(message, form->text);
    if (!json_is_string(from) || !json_is_string(*text)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: %s[%zu] needs \"%s\" and \"%s\", both strings",
                       l->where, form->list, i, form->from, form->text);
    }
    for (role k = SYSTEM; k <= ASSISTANT; k++) {
        if (strcmp(json_string_value(from), form->role[k]) == 0) {
            *who = k;
            return EAGLE_OK;
        }
    }
    return eg_fail(err, EAGLE_EFORMAT, "%s: %s[%zu]: \"%s\" is \"%.40s\", must be %s, %s or %s",
                   l->where, form->list, i, form->from, json_string_value(from), form->role[SYSTEM],
                   form->role[USER], form->role[ASSISTANT]);
}

/* Appends `label`, and a message behind a blank; a blank before them when there is text. */
static eagle_status add(eg_text *text, const char *label, const json_t *message, eagle_error *err)
{
    const size_t length = message != NULL ? json_string_length(message) : 0;
    bool whole = text->size == 0 || eg_text_add(text, " ", 1);

    whole = whole && eg_text_add(text, label, strlen(label));
    if (length > 0) {
        whole = whole && (label[0] == '\0' || eg_text_add(text, " ", 1)) &&
                eg_text_add(text, json_string_value(message), length);
    }
    return whole ? EAGLE_OK : eg_fail(err, EAGLE_ENOMEM, "no memory for a conversation");
}

/* Appends question and answer: text[0 .. n_question) is context, the rest to be learned. */
static eagle_status append_answer(eg_reading *r, const eg_text *text, size_t n_question,
                                  eagle_error *err)
{
    const bool special = r->opt->add_special && eg_corpus_open_length(r->corpus) == 0;
    int32_t *question = NULL;
    int32_t *ids = NULL;
    size_t n_context = 0; /* tokens that both have */
    size_t n;
    size_t most;
    eagle_status st = eg_reading_encode(&question, &most, r, text->data, n_question, special, err);

    if (st == EAGLE_OK) {
        st = eg_reading_encode(&ids, &n, r, text->data, text->size, special, err);
    }
    if (st != EAGLE_OK) {
        goto done;
    }
    while (n_context < n && n_context < most && ids[n_context] == question[n_context]) {
        n_context++;
    }
    st = eg_reading_append(r, ids, n_context, false, err);
    if (st == EAGLE_OK) {
        st = eg_reading_append(r, ids + n_context, n - n_context, true, err);
    }
    if (st == EAGLE_OK) {
        st = eg_reading_end(r, err);
    }

done:
    free(ids);
    free(question);
    return st;
}

/* What comes after the last answer teaches nothing and is left out. */
static eagle_status read_conversation(json_line *l, const conversation_form *form,
                                      const json_t *list, eagle_error *err)
{
    static const char *const label[] = {"", "USER:", "ASSISTANT:"};
    eg_text text = {0};
    eagle_status st = EAGLE_OK;

    if (l->r->opt->end < 0) {
        return eg_fail(err, EAGLE_EINVAL, "%s: a conversation, which needs an end token", l->where);
    }
    for (size_t i = 0; st == EAGLE_OK && i < json_array_size(list); i++) {
        const json_t *words;
        role who = SYSTEM;

        st = read_message(&who, &words, l, form, json_array_get(list, i), i, err);
        if (st == EAGLE_OK && who != ASSISTANT) {
            st = add(&text, label[who], words, err);
        } else if (st == EAGLE_OK) {
            st = add(&text, label[who], NULL, err);
            const size_t n_question = text.size;

            if (st == EAGLE_OK && json_string_length(words) > 0) {
                st = add(&text, "", words, err);
            }
            st = st == EAGLE_OK ? append_answer(l->r, &text, n_question, err) : st;
            text.size = 0;
        }
    }
    free(text.data);
    return st;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* EAGLE_EFORMAT unless the object has exactly one of the keys, of its type. */
static eagle_status read_object(json_line *l, eagle_error *err)
{
    const json_t *object = l->json;
    const json_t *text = json_object_get(object, "text");
    const json_t *ids = json_object_get(object, "ids");
    const json_t *list[2];
    int n = (text != NULL) + (ids != NULL);

    for (int k = 0; k < 2; k++) {
        list[k] = json_object_get(object, forms[k].list);
        n += list[k] != NULL;
    }
    if (n == 1 && json_is_string(text)) {
        return read_text(l, text, err);
    }
    if (n == 1 && json_is_array(ids)) {
        return read_ids(l, ids, err);
    }
    for (int k = 0; k < 2; k++) {
        if (n == 1 && json_is_array(list[k])) {
            return read_conversation(l, &forms[k], list[k], err);
        }
    }
    return eg_fail(err, EAGLE_EFORMAT,
                   "%s: needs one of \"text\", a string, or \"conversations\", \"messages\" or "
                   "\"ids\", a list",
                   l->where);
}

static eagle_status read_line(eg_reading *r, const char *line, size_t length, eagle_error *err)
{
    json_t *json;
    eagle_status st = eg_json_parse_line(&json, r->path, r->line, line, length, err);

    if (st != EAGLE_OK) {
        return st;
    }
    json_line l = {.r = r, .json = json};

    snprintf(l.where, sizeof l.where, "%.260s, line %zu", r->path, r->line);
    st = read_object(&l, err);
    st = st == EAGLE_OK ? eg_corpus_close(r->corpus, err) : st;
    json_decref(json);
    return st;
}

eagle_status eg_reading_jsonl(eg_reading *r, const char *data, size_t size, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    r->line = 1;
    for (size_t at = 0; st == EAGLE_OK && at < size; r->line++) {
        const size_t length = eg_line_length(data, size, at);

        if (!eg_is_blank(data + at, length)) {
            st = read_line(r, data + at, length, err);
        }
        at += length + 1;
    }
    return st;
}
