/* SPDX-License-Identifier: MIT */
/* load_steps.c - normalizer, pre-tokenizer, post-processor and decoder of a tokenizer file.
 * Each is one component or a Sequence of them; what is not known is refused by name. */
#include "base/alloc.h"
#include "base/error.h"
#include "tokenizer/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How deep a Sequence may lie in Sequences. */
#define MAX_DEPTH 8

/* Loads one component that is not a Sequence. */
typedef eagle_status load_one(eagle_tokenizer *t, const eg_node *node, eagle_error *err);

/* Loads `node`: by `one`, or, for a Sequence, each item of its list `key`. */
static eagle_status load_all(eagle_tokenizer *t, const eg_node *node, const char *key, int depth,
                             load_one *one, eagle_error *err)
{
    eagle_status st = eg_node_need_object(node, err);

    if (st != EAGLE_OK) {
        return st;
    }
    if (!eg_node_is(node, "type", "Sequence")) {
        return one(t, node, err);
    }
    eg_node list = eg_node_at(node, key);

    st = eg_node_need_list(&list, err);
    if (st == EAGLE_OK && depth == MAX_DEPTH) {
        return eg_fail(err, EAGLE_ELIMIT, "%s: %s: a Sequence inside %d others", node->file,
                       node->name, MAX_DEPTH);
    }
    for (size_t i = 0; i < json_array_size(list.value) && st == EAGLE_OK; i++) {
        eg_node item = eg_node_item(&list, i);

        st = load_all(t, &item, key, depth + 1, one, err);
    }
    return st;
}

static eagle_status unknown_type(const eg_node *node, const char *known, eagle_error *err)
{
    eg_node type = eg_node_at(node, "type");

    return json_is_string(type.value) ? eg_node_refuse(&type, known, err)
                                      : eg_node_wrong(&type, "the name of a component", err);
}

static eagle_status too_many(const eg_node *node, eagle_error *err)
{
    return eg_fail(err, EAGLE_ELIMIT, "%s: %s: more than %d steps", node->file, node->name,
                   EG_MAX_STEPS);
}

static eagle_status copy_string(char **out, const eg_node *node, const char *key, eagle_error *err)
{
    const char *text = NULL;
    eagle_status st = eg_node_string(&text, node, key, true, err);

    if (st == EAGLE_OK) {
        *out = eg_strdup(text);
        st = *out != NULL ? EAGLE_OK : eg_node_no_memory(node, err);
    }
    return st;
}

static eagle_status compile(eg_regex **out, const eg_node *node, const char *pattern, bool literal,
                            eagle_error *err)
{
    char where[400];

    snprintf(where, sizeof where, "%.200s: %s", node->file, node->name);
    return eg_regex_compile(out, pattern, literal, where, err);
}

/* "pattern": {"String": text} or {"Regex": expression}. */
static eagle_status load_pattern(eg_regex **out, const eg_node *node, eagle_error *err)
{
    eg_node pattern = eg_node_at(node, "pattern");
    bool literal = json_object_get(pattern.value, "String") != NULL;
    const char *text = NULL;

    if (!json_is_object(pattern.value) || json_object_size(pattern.value) != 1) {
        return eg_node_wrong(&pattern, "{\"String\": ...} or {\"Regex\": ...}", err);
    }
    eagle_status st = eg_node_string(&text, &pattern, literal ? "String" : "Regex", true, err);

    return st == EAGLE_OK ? compile(out, &pattern, text, literal, err) : st;
}

/* ---- normalizer ------------------------------------------------------------------------------ */

static eagle_status normalizer(eagle_tokenizer *t, const eg_node *node, eagle_error *err)
{
    eg_normal_step *step = &t->normal[t->n_normal];
    eagle_status st;

    if (t->n_normal == EG_MAX_STEPS) {
        return too_many(node, err);
    }
    t->n_normal++; /* from here on freed with the tokenizer */
    if (eg_node_is(node, "type", "NFC")) {
        step->kind = EG_NFC;
        return EAGLE_OK;
    }
    if (eg_node_is(node, "type", "Prepend")) {
        step->kind = EG_PREPEND;
        return copy_string(&step->content, node, "prepend", err);
    }
    if (eg_node_is(node, "type", "Replace")) {
        step->kind = EG_REPLACE;
        st = copy_string(&step->content, node, "content", err);
        return st == EAGLE_OK ? load_pattern(&step->regex, node, err) : st;
    }
    return unknown_type(node, "NFC, Prepend, Replace, Sequence", err);
}

eagle_status eg_load_normalizer(eagle_tokenizer *t, const eg_node *node, eagle_error *err)
{
    t->normal = eg_alloc(EG_MAX_STEPS, sizeof t->normal[0]);
    if (t->normal == NULL) {
        return eg_node_no_memory(node, err);
    }
    return node->value == NULL ? EAGLE_OK : load_all(t, node, "normalizers", 0, normalizer, err);
}

/* ---- pre-tokenizer --------------------------------------------------------------------------- */

static eagle_status load_behaviour(eg_behaviour *out, const eg_node *node, bool need,
                                   eagle_error *err)
{
    static const char *const names[] = {[EG_REMOVED] = "Removed",
                                        [EG_ISOLATED] = "Isolated",
                                        [EG_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
                                        [EG_MERGED_WITH_NEXT] = "MergedWithNext",
                                        [EG_CONTIGUOUS] = "Contiguous"};
    eg_node behaviour = eg_node_at(node, "behavior");

    if (behaviour.value == NULL && !need) {
        return EAGLE_OK;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (eg_node_is(node, "behavior", names[i])) {
            *out = (eg_behaviour)i;
            return EAGLE_OK;
        }
    }
    return eg_node_wrong(
        &behaviour, "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous", err);
}

static eagle_status byte_level(eagle_tokenizer *t, const eg_node *node, eagle_error *err)
{
    bool prefix = false;
    bool use_regex = true;
    eagle_status st = eg_node_bool(&prefix, node, "add_prefix_space", true, err);

    st = st == EAGLE_OK ? eg_node_bool(&use_regex, node, "use_regex", false, err) : st;
    if (st == EAGLE_OK && prefix) {
        t->pre[t->n_pre++] = (eg_pre_step){.kind = EG_PRE_PREFIX, .content = " "};
    }
    if (st == EAGLE_OK && use_regex) {
        eg_pre_step *step = &t->pre[t->n_pre++];

        *step = (eg_pre_step){.kind = EG_PRE_CUT, .at = EG_MATCH_REGEX, .behaviour = EG_ISOLATED};
        st = compile(&step->regex, node, EG_GPT2_WORDS, false, err);
    }
    t->pre[t->n_pre++] = (eg_pre_step){.kind = EG_PRE_BYTES};
    return st;
}

/* "prepend_scheme", or its older form "add_prefix_space". */
static eagle_status load_scheme(bool *prepend, bool *first_only, const eg_node *node,
                                eagle_error *err)
{
    eg_node scheme = eg_node_at(node, "prepend_scheme");
    bool add = true;
    eagle_status st = eg_node_bool(&add, node, "add_prefix_space", false, err);

    *first_only = eg_node_is(node, "prepend_scheme", "first");
    *prepend = *first_only || scheme.value == NULL || eg_node_is(node, "prepend_scheme", "always");
    if (st == EAGLE_OK && !*prepend && !eg_node_is(node, "prepend_scheme", "never")) {
        return eg_node_wrong(&scheme, "always, first or never", err);
    }
    if (st == EAGLE_OK && !add) {
        if (scheme.value != NULL && *prepend) {
            return eg_node_wrong(&scheme, "never, add_prefix_space being false", err);
        }
        *prepend = false;
    }
    return st;
}

static eagle_status metaspace(eagle_tokenizer *t, const eg_node *node, eagle_error *err)
{
    eg_pre_step step = {.at = EG_MATCH_CHAR, .behaviour = EG_MERGED_WITH_NEXT};
    bool split = true;
    bool prepend = true;
    eagle_status st = eg_node_char(&step.code, node, "replacement", true, err);

    st = st == EAGLE_OK ? load_scheme(&prepend, &step.first_only, node, err) : st;
    st = st == EAGLE_OK ? eg_node_bool(&split, node, "split", false, err) : st;
    if (st != EAGLE_OK) {
        return st;
    }
    eg_utf8_put(step.content, step.code);
    step.kind = EG_PRE_SPACES;
    t->pre[t->n_pre++] = step;
    if (prepend) {
        step.kind = EG_PRE_PREFIX;
        t->pre[t->n_pre++] = step;
    }
    if (split) {
        step.kind = EG_PRE_CUT;
        t->pre[t->n_pre++] = step;
    }
    return EAGLE_OK;
}

/* The pre-tokenizers that only cut. */
static eagle_status cut(eagle_tokenizer *t, const eg_node *node, eagle_error *err)
{
    eg_pre_step *step = &t->pre[t->n_pre++];
    bool individual = false;
    eagle_status st;

    *step = (eg_pre_step){.kind = EG_PRE_CUT, .behaviour = EG_REMOVED};
    if (eg_node_is(node, "type", "Split")) {
        step->at = EG_MATCH_REGEX;
        st = load_behaviour(&step->behaviour, node, true, err);
        st = st == EAGLE_OK ? eg_node_bool(&step->invert, node, "invert", true, err) : st;
        return st == EAGLE_OK ? load_pattern(&step->regex, node, err) : st;
    }
    if (eg_node_is(node, "type", "Digits")) {
        step->at = EG_MATCH_NUMERIC;
        st = eg_node_bool(&individual, node, "individual_digits", true, err);
        step->behaviour = individual ? EG_ISOLATED : EG_CONTIGUOUS;
        return st;
    }
    if (eg_node_is(node, "type", "Punctuation")) {
        step->at = EG_MATCH_PUNCTUATION;
        step->behaviour = EG_ISOLATED;
        return load_behaviour(&step->behaviour, node, false, err);
    }
    if (eg_node_is(node, "type", "WhitespaceSplit")) {
        step->at = EG_MATCH_SPACE;
        return EAGLE_OK;
    }
    if (eg_node_is(node, "type", "Whitespace")) {
        step->at = EG_MATCH_WORDS;
        step->invert = true;
        return EAGLE_OK;
    }
    return unknown_type(node,
                        "ByteLevel, Digits, Metaspace, Punctuation, Sequence, Split, Whitespace, "
                        "WhitespaceSplit",
                        err);
}

static eagle_status pretokenizer(eagle_tokenizer *t, const eg_node *node, eagle_error *err)
{
    if (t->n_pre + 3 > EG_MAX_STEPS) { /* the most that one component becomes */
        return too_many(node, err);
    }
    if (eg_node_is(node, "type", "ByteLevel")) {
        return byte_level(t, node, err);
    }
    return eg_node_is(node, "type", "Metaspace") ? metaspace(t, node, err) : cut(t, node, err);
}

eagle_status eg_load_pretokenizer(eagle_tokenizer *t, const eg_node *node, eagle_error *err)
{
    t->pre = eg_alloc(EG_MAX_STEPS, sizeof t->pre[0]);
    if (t->pre == NULL) {
        return eg_node_no_memory(node, err);
    }
    return node->value == NULL ? EAGLE_OK
                               : load_all(t, node, "pretokenizers", 0, pretokenizer, err);
}

/* ---- post-processor -------------------------------------------------------------------------- */

static eagle_status add_to_template(eagle_tokenizer *t, int32_t id, const eg_node *node,
                                    eagle_error *err)
{
    return eg_ids_add(&t->template, id) ? EAGLE_OK : eg_node_no_memory(node, err);
}

/* The ids of a special token that a template names. */
static eagle_status template_token(eagle_tokenizer *t, const eg_node *processor,
                                   const eg_node *piece, eagle_error *err)
{
    eg_node tokens = eg_node_at(processor, "special_tokens");
    eg_node name = eg_node_at(piece, "id");

    if (!json_is_string(name.value)) {
        return eg_node_wrong(&name, "a string", err);
    }
    eg_node token = eg_node_at(&tokens, json_string_value(name.value));

    if (!json_is_object(token.value)) {
        return eg_node_wrong(&name, "a key of special_tokens", err);
    }
    eg_node ids = eg_node_at(&token, "ids");
    eagle_status st = eg_node_need_list(&ids, err);

    for (size_t i = 0; i < json_array_size(ids.value) && st == EAGLE_OK; i++) {
        eg_node id = eg_node_item(&ids, i);
        json_int_t value = json_is_integer(id.value) ? json_integer_value(id.value) : -1;

        if (value < 0 || value >= t->n_ids || t->token[value].text == NULL) {
            return eg_node_wrong(&id, "the id of a token", err);
        }
        st = add_to_template(t, (int32_t)value, &id, err);
    }
    return st;
}

static eagle_status template(eagle_tokenizer *t, const eg_node *node, eagle_error *err)
{
    eg_node single = eg_node_at(node, "single");
    eagle_status st = eg_node_need_list(&single, err);

    if (st == EAGLE_OK && json_array_size(single.value) > EG_MAX_STEPS) {
        return too_many(&single, err);
    }
    for (size_t i = 0; i < json_array_size(single.value) && st == EAGLE_OK; i++) {
        eg_node item = eg_node_item(&single, i);
        eg_node text = eg_node_at(&item, "Sequence");
        eg_node token = eg_node_at(&item, "SpecialToken");

        if (json_is_object(token.value)) {
            st = template_token(t, node, &token, err);
        } else if (!json_is_object(text.value)) {
            st = eg_node_wrong(&item, "{\"Sequence\": ...} or {\"SpecialToken\": ...}", err);
        } else if (!eg_node_is(&text, "id", "A")) {
            eg_node id = eg_node_at(&text, "id");

            st = eg_node_wrong(&id, "\"A\", the only text there is", err);
        } else {
            st = add_to_template(t, EG_TEMPLATE_TEXT, &item, err);
        }
    }
    t->has_template = true;
    return st;
}

static eagle_status postprocessor(eagle_tokenizer *t, const eg_node *node, eagle_error *err)
{
    if (eg_node_is(node, "type", "ByteLevel")) {
        return EAGLE_OK; /* it moves offsets, which nobody sees here */
    }
    if (!eg_node_is(node, "type", "TemplateProcessing")) {
        return unknown_type(node, "ByteLevel, Sequence, TemplateProcessing", err);
    }
    if (t->has_template) {
        return eg_fail(err, EAGLE_EUNSUPPORTED, "%s: %s: a second TemplateProcessing", node->file,
                       node->name);
    }
    return template(t, node, err);
}

eagle_status eg_load_template(eagle_tokenizer *t, const eg_node *node, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    if (node->value != NULL) {
        st = load_all(t, node, "processors", 0, postprocessor, err);
    }
    if (st == EAGLE_OK && !t->has_template) {
        st = add_to_template(t, EG_TEMPLATE_TEXT, node, err);
    }
    return st;
}

/* ---- decoder --------------------------------------------------------------------------------- */

static eagle_status strip(eg_decode_step *step, const eg_node *node, eagle_error *err)
{
    eagle_status st = eg_node_char(&step->code, node, "content", true, err);

    step->kind = EG_DECODE_STRIP;
    st = st == EAGLE_OK ? eg_node_int(&step->start, node, "start", INT32_MAX, true, err) : st;
    return st == EAGLE_OK ? eg_node_int(&step->stop, node, "stop", INT32_MAX - 1, true, err) : st;
}

static eagle_status decoder(eagle_tokenizer *t, const eg_node *node, eagle_error *err)
{
    eg_decode_step *step = &t->decode[t->n_decode];
    bool first_only;
    eagle_status st;

    if (t->n_decode == EG_MAX_STEPS) {
        return too_many(node, err);
    }
    t->n_decode++;
    if (eg_node_is(node, "type", "ByteLevel")) {
        step->kind = EG_DECODE_BYTES;
        return EAGLE_OK;
    }
    if (eg_node_is(node, "type", "ByteFallback")) {
        step->kind = EG_DECODE_BYTE_FALLBACK;
        return EAGLE_OK;
    }
    if (eg_node_is(node, "type", "Fuse")) {
        step->kind = EG_DECODE_FUSE;
        return EAGLE_OK;
    }
    if (eg_node_is(node, "type", "Strip")) {
        return strip(step, node, err);
    }
    if (eg_node_is(node, "type", "Replace")) {
        step->kind = EG_DECODE_REPLACE;
        st = copy_string(&step->content, node, "content", err);
        return st == EAGLE_OK ? load_pattern(&step->regex, node, err) : st;
    }
    if (eg_node_is(node, "type", "Metaspace")) {
        step->kind = EG_DECODE_METASPACE;
        st = eg_node_char(&step->code, node, "replacement", true, err);
        return st == EAGLE_OK ? load_scheme(&step->drop_first, &first_only, node, err) : st;
    }
    return unknown_type(node, "ByteFallback, ByteLevel, Fuse, Metaspace, Replace, Sequence, Strip",
                        err);
}

eagle_status eg_load_decoder(eagle_tokenizer *t, const eg_node *node, eagle_error *err)
{
    t->decode = eg_alloc(EG_MAX_STEPS, sizeof t->decode[0]);
    if (t->decode == NULL) {
        return eg_node_no_memory(node, err);
    }
    if (node->value == NULL) {
        t->decode[t->n_decode++].kind = EG_DECODE_JOIN;
        return EAGLE_OK;
    }
    return load_all(t, node, "decoders", 0, decoder, err);
}
