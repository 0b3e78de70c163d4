/* SPDX-License-Identifier: MIT */
/* load_file.c - vocabulary, merges and added tokens of a tokenizer file. */
#include "base/alloc.h"
#include "base/error.h"
#include "tokenizer/parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- ids and texts --------------------------------------------------------------------------- */

/* Checks the id of one token and keeps the largest in *most. */
static eagle_status check_id(int32_t *most, const eg_node *id, eagle_error *err)
{
    if (!json_is_integer(id->value) || json_integer_value(id->value) < 0 ||
        json_integer_value(id->value) >= EG_MAX_IDS) {
        return eg_node_wrong(id, "an id from 0 to 16777215", err);
    }
    if (json_integer_value(id->value) > *most) {
        *most = (int32_t)json_integer_value(id->value);
    }
    return EAGLE_OK;
}

static eagle_status check_added(int32_t *most, size_t *bytes, const eg_node *token,
                                eagle_error *err)
{
    const char *content = NULL;
    eagle_status st = eg_node_need_object(token, err);
    eg_node id = eg_node_at(token, "id");

    st = st == EAGLE_OK ? check_id(most, &id, err) : st;
    st = st == EAGLE_OK ? eg_node_string(&content, token, "content", true, err) : st;
    if (st != EAGLE_OK) {
        return st;
    }
    if (content[0] == '\0' || strlen(content) > EG_MAX_ADDED_SIZE) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: %s.content has %zu bytes, must have 1 to %d",
                       token->file, token->name, strlen(content), EG_MAX_ADDED_SIZE);
    }
    *bytes += strlen(content) + 1;
    return EAGLE_OK;
}

/* Checks every id. *most is then the largest, *bytes what all texts take with their NULs. */
static eagle_status check_ids(int32_t *most, size_t *bytes, const eg_node *vocab,
                              const eg_node *added, eagle_error *err)
{
    const char *text;
    json_t *value;
    eagle_status st = eg_node_need_object(vocab, err);

    if (st == EAGLE_OK && added->value != NULL) {
        st = eg_node_need_list(added, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    json_object_foreach((json_t *)(uintptr_t)vocab->value, text, value)
    {
        /* Only an id that is wrong or larger than all before it needs a name for messages. */
        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
            json_integer_value(value) > *most) {
            eg_node id = eg_node_at(vocab, text);

            st = check_id(most, &id, err);
        }
        if (st != EAGLE_OK) {
            return st;
        }
        *bytes += strlen(text) + 1;
    }
    for (size_t i = 0; i < json_array_size(added->value) && st == EAGLE_OK; i++) {
        eg_node token = eg_node_item(added, i);

        st = check_added(most, bytes, &token, err);
    }
    return st;
}

/* Makes room for all tokens and their texts. */
static eagle_status make_room(eagle_tokenizer *t, const eg_node *vocab, const eg_node *added,
                              eagle_error *err)
{
    int32_t most = -1;
    size_t bytes = 1;
    eagle_status st = check_ids(&most, &bytes, vocab, added, err);

    if (st != EAGLE_OK) {
        return st;
    }
    if (most < 0) {
        return eg_node_wrong(vocab, "a vocabulary with tokens", err);
    }
    t->n_ids = most + 1;
    t->bpe.n_ids = t->n_ids;
    t->token = eg_alloc((size_t)t->n_ids, sizeof t->token[0]);
    t->added = eg_alloc(json_array_size(added->value), sizeof t->added[0]);
    t->bpe.entry = eg_alloc(json_object_size(vocab->value), sizeof t->bpe.entry[0]);
    t->texts = malloc(bytes);
    if (t->token == NULL || t->added == NULL || t->bpe.entry == NULL || t->texts == NULL) {
        return eg_node_no_memory(vocab, err);
    }
    t->n_added = (int32_t)json_array_size(added->value);
    return EAGLE_OK;
}

/* Copies a token's text behind the others. */
static eg_str keep_text(char **end, const char *text)
{
    eg_str kept = {.data = *end, .size = strlen(text)};

    memcpy(*end, text, kept.size + 1);
    *end += kept.size + 1;
    return kept;
}

static eagle_status two_of_one_id(const eg_node *where, int32_t id, const char *a, const char *b,
                                  eagle_error *err)
{
    return eg_fail(err, EAGLE_EFORMAT, "%s: %s: id %d is both \"%.60s\" and \"%.60s\"", where->file,
                   where->name, (int)id, a, b);
}

static eagle_status load_vocab(eagle_tokenizer *t, char **end, const eg_node *vocab,
                               eagle_error *err)
{
    const char *text;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)vocab->value, text, value)
    {
        int32_t id = (int32_t)json_integer_value(value);
        eg_str kept = keep_text(end, text);

        if (t->token[id].text != NULL) {
            return two_of_one_id(vocab, id, t->token[id].text, text, err);
        }
        t->token[id] = (eg_token){.text = kept.data, .shown = kept.data};
        t->bpe.entry[t->bpe.n_entries++] = (eg_entry){.text = kept, .id = id};
    }
    eg_bpe_index(&t->bpe);
    return EAGLE_OK;
}

/* ---- merges ---------------------------------------------------------------------------------- */

/* The id of `text`, -1 if it is not in the vocabulary. jansson's own table is the quickest
 * way. */
static int32_t vocab_id(const eg_node *vocab, const char *text)
{
    const json_t *id = json_object_get(vocab->value, text);

    return id != NULL ? (int32_t)json_integer_value(id) : -1;
}

/* The two halves of a merge, "a b" or ["a", "b"], each with a NUL in *both, one after the
 * other. Returns where the second begins; 0 when the merge is neither. */
static size_t split_merge(eg_text *both, const json_t *merge)
{
    const char *left = json_string_value(json_array_get(merge, 0));
    const char *right = json_string_value(json_array_get(merge, 1));
    size_t left_size;

    if (json_is_string(merge)) {
        left = json_string_value(merge);
        right = strchr(left, ' ');
        if (right == NULL || strchr(right + 1, ' ') != NULL) {
            return 0;
        }
        left_size = (size_t)(right++ - left);
    } else if (json_array_size(merge) == 2 && left != NULL && right != NULL) {
        left_size = strlen(left);
    } else {
        return 0;
    }
    both->size = 0;
    if (!eg_text_add(both, left, left_size) || !eg_text_add(both, "", 1) ||
        !eg_text_add(both, right, strlen(right) + 1)) {
        return 0;
    }
    return left_size + 1;
}

static eagle_status not_in_vocab(const eg_node *merges, size_t i, const char *text,
                                 eagle_error *err)
{
    return eg_fail(err, EAGLE_EFORMAT, "%s: %s[%zu]: \"%.80s\" is not in model.vocab", merges->file,
                   merges->name, i, text);
}

/* Reads merge i into *line. */
static eagle_status load_merge(eg_merge_line *line, eg_text *both, const eg_node *merges, size_t i,
                               const eg_node *vocab, eagle_error *err)
{
    size_t middle = split_merge(both, json_array_get(merges->value, i));

    if (middle == 0) {
        eg_node merge = eg_node_item(merges, i);

        return eg_node_wrong(&merge, "\"left right\" or [\"left\", \"right\"]", err);
    }
    if (middle == 1 || both->data[middle] == '\0') {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: %s[%zu] joins an empty text: it would make its own other half",
                       merges->file, merges->name, i);
    }
    line->left = vocab_id(vocab, both->data);
    if (line->left < 0) {
        return not_in_vocab(merges, i, both->data, err);
    }
    line->right = vocab_id(vocab, both->data + middle);
    if (line->right < 0) {
        return not_in_vocab(merges, i, both->data + middle, err);
    }
    memmove(both->data + middle - 1, both->data + middle, both->size - middle);
    line->made = vocab_id(vocab, both->data);
    return line->made < 0 ? not_in_vocab(merges, i, both->data, err) : EAGLE_OK;
}

/* A line of the older text files that lists of merges were taken from, and no merge. */
static bool is_version_line(const json_t *merge)
{
    return json_is_string(merge) && strncmp(json_string_value(merge), "#version", 8) == 0;
}

static eagle_status load_merges(eagle_tokenizer *t, const eg_node *merges, const eg_node *vocab,
                                eagle_error *err)
{
    eagle_status st = eg_node_need_list(merges, err);
    size_t count = json_array_size(merges->value);
    eg_text both = {0};
    uint32_t n = 0;
    eg_merge_line *line = NULL;

    if (st != EAGLE_OK) {
        return st;
    }
    if (count > EG_MAX_IDS) {
        return eg_fail(err, EAGLE_ELIMIT, "%s: %zu merges, at most %d are allowed", merges->file,
                       count, EG_MAX_IDS);
    }
    line = eg_alloc(count, sizeof *line);
    if (line == NULL || !eg_text_add(&both, "", 1)) {
        st = eg_node_no_memory(merges, err);
        goto done;
    }
    for (size_t i = 0; i < count && st == EAGLE_OK; i++) {
        if (!is_version_line(json_array_get(merges->value, i))) {
            line[n].rank = n;
            st = load_merge(&line[n++], &both, merges, i, vocab, err);
        }
    }
    st = st == EAGLE_OK ? eg_bpe_set_merges(&t->bpe, line, n, err) : st;

done:
    free(both.data);
    free(line);
    return st;
}

/* ---- model ----------------------------------------------------------------------------------- */

/* Options that change words before they are merged: only their absence is known. */
static eagle_status refuse_options(const eg_node *model, eagle_error *err)
{
    static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    eg_node dropout = eg_node_at(model, "dropout");

    if (dropout.value != NULL &&
        !(json_is_number(dropout.value) && json_number_value(dropout.value) == 0)) {
        return eg_node_refuse(&dropout, "null", err);
    }
    for (size_t i = 0; i < sizeof affixes / sizeof affixes[0]; i++) {
        eg_node affix = eg_node_at(model, affixes[i]);

        if (affix.value != NULL && !eg_node_is(model, affixes[i], "")) {
            return eg_node_refuse(&affix, "null", err);
        }
    }
    return EAGLE_OK;
}

static eagle_status load_options(eg_bpe *bpe, const eg_node *model, eagle_error *err)
{
    const char *unk = NULL;
    eagle_status st = refuse_options(model, err);

    st = st == EAGLE_OK ? eg_node_bool(&bpe->fuse_unk, model, "fuse_unk", false, err) : st;
    st =
        st == EAGLE_OK ? eg_node_bool(&bpe->byte_fallback, model, "byte_fallback", false, err) : st;
    st =
        st == EAGLE_OK ? eg_node_bool(&bpe->ignore_merges, model, "ignore_merges", false, err) : st;
    st = st == EAGLE_OK ? eg_node_string(&unk, model, "unk_token", false, err) : st;
    if (st != EAGLE_OK) {
        return st;
    }
    bpe->unk = unk != NULL ? eg_bpe_find(bpe, unk, strlen(unk)) : -1;
    if (unk != NULL && bpe->unk < 0) {
        eg_node name = eg_node_at(model, "unk_token");

        return eg_node_wrong(&name, "a token of model.vocab", err);
    }
    return EAGLE_OK;
}

static eagle_status load_model(eagle_tokenizer *t, char **end, const eg_node *model,
                               eagle_error *err)
{
    eg_node vocab = eg_node_at(model, "vocab");
    eg_node merges = eg_node_at(model, "merges");
    eagle_status st = load_vocab(t, end, &vocab, err);

    st = st == EAGLE_OK ? load_options(&t->bpe, model, err) : st;
    return st == EAGLE_OK ? load_merges(t, &merges, &vocab, err) : st;
}

/* ---- added tokens ---------------------------------------------------------------------------- */

/* Sets what is searched for and what is decoded: the token as the normalizer writes it. */
static eagle_status normalize_added(eagle_tokenizer *t, eg_added *token, eg_matcher *matcher,
                                    eagle_error *err)
{
    eg_normal_text normal = {0};
    eg_text spare = {0};
    eagle_status st = EAGLE_OK;

    if (!eg_text_add(&normal.text, token->content.data, token->content.size)) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory for an added token");
    }
    st = st == EAGLE_OK ? eg_normalize(&normal, &spare, t->normal, t->n_normal, matcher, err) : st;
    if (st == EAGLE_OK && !eg_text_add(&normal.text, "", 1)) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory for an added token");
    }
    if (st == EAGLE_OK) {
        token->made = normal.text.data;
        token->pattern = (eg_str){.data = token->made, .size = normal.text.size - 1};
        normal.text.data = NULL;
        t->token[token->id].shown = token->made;
    }
    free(normal.text.data);
    free(spare.data);
    return st;
}

/* Reads one added token. Its id and its text must agree with the vocabulary where they meet. */
static eagle_status load_one_added(eagle_tokenizer *t, eg_added *token, char **end,
                                   const eg_node *node, eagle_error *err)
{
    eagle_status st = eg_node_int(&token->id, node, "id", EG_MAX_IDS - 1, true, err);
    const char *content = NULL;

    st = st == EAGLE_OK ? eg_node_string(&content, node, "content", true, err) : st;
    st = st == EAGLE_OK ? eg_node_bool(&token->single_word, node, "single_word", false, err) : st;
    st = st == EAGLE_OK ? eg_node_bool(&token->lstrip, node, "lstrip", false, err) : st;
    st = st == EAGLE_OK ? eg_node_bool(&token->rstrip, node, "rstrip", false, err) : st;
    st = st == EAGLE_OK ? eg_node_bool(&token->normalized, node, "normalized", false, err) : st;
    st = st == EAGLE_OK ? eg_node_bool(&token->special, node, "special", false, err) : st;
    if (st != EAGLE_OK) {
        return st;
    }
    int32_t known = eg_bpe_find(&t->bpe, content, strlen(content));
    eg_token *entry = &t->token[token->id];

    if (known >= 0 && known != token->id) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: %s: \"%.60s\" has id %d, and %d in model.vocab",
                       node->file, node->name, content, (int)token->id, (int)known);
    }
    if (entry->text != NULL && strcmp(entry->text, content) != 0) {
        return two_of_one_id(node, token->id, entry->text, content, err);
    }
    token->content = keep_text(end, content);
    token->pattern = token->content;
    entry->text = token->content.data;
    entry->shown = token->content.data;
    entry->special = token->special;
    return EAGLE_OK;
}

static eagle_status load_added(eagle_tokenizer *t, char **end, const eg_node *added,
                               eagle_error *err)
{
    eg_matcher *matcher = eg_matcher_create();
    eagle_status st = matcher != NULL ? EAGLE_OK : eg_node_no_memory(added, err);

    for (int32_t i = 0; i < t->n_added && st == EAGLE_OK; i++) {
        eg_node node = eg_node_item(added, (size_t)i);

        st = load_one_added(t, &t->added[i], end, &node, err);
        if (st == EAGLE_OK && t->added[i].normalized && t->n_normal > 0) {
            st = normalize_added(t, &t->added[i], matcher, err);
        }
    }
    eg_matcher_free(matcher);
    st = st == EAGLE_OK ? eg_added_set_init(&t->raw, t->added, t->n_added, false, added->file, err)
                        : st;
    return st == EAGLE_OK
               ? eg_added_set_init(&t->normalized, t->added, t->n_added, true, added->file, err)
               : st;
}

/* ---- the whole file -------------------------------------------------------------------------- */

/* What the file may ask of the ids of a text that this library does not do. Padding to the
 * longest of a batch does nothing to a single text. */
static eagle_status refuse_shaping(const eg_node *root, eagle_error *err)
{
    eg_node version = eg_node_at(root, "version");
    eg_node truncation = eg_node_at(root, "truncation");
    eg_node padding = eg_node_at(root, "padding");

    if (version.value != NULL && !eg_node_is(root, "version", "1.0")) {
        return eg_node_refuse(&version, "\"1.0\"", err);
    }
    if (truncation.value != NULL) {
        return eg_node_refuse(&truncation, "null", err);
    }
    if (padding.value != NULL && (!eg_node_is(&padding, "strategy", "BatchLongest") ||
                                  eg_node_at(&padding, "pad_to_multiple_of").value != NULL)) {
        return eg_node_refuse(&padding, "null, or BatchLongest without pad_to_multiple_of", err);
    }
    return EAGLE_OK;
}

eagle_status eg_load(eagle_tokenizer *t, const json_t *json, const char *file, eagle_error *err)
{
    eg_node root = {.file = file, .value = json};
    eagle_status st = eg_node_need_object(&root, err);
    eg_node model = eg_node_at(&root, "model");
    eg_node vocab = eg_node_at(&model, "vocab");
    eg_node type = eg_node_at(&model, "type");
    eg_node added = eg_node_at(&root, "added_tokens");
    eg_node normalizer = eg_node_at(&root, "normalizer");
    eg_node pretokenizer = eg_node_at(&root, "pre_tokenizer");
    eg_node postprocessor = eg_node_at(&root, "post_processor");
    eg_node decoder = eg_node_at(&root, "decoder");

    st = st == EAGLE_OK ? refuse_shaping(&root, err) : st;
    st = st == EAGLE_OK ? eg_node_need_object(&model, err) : st;
    if (st == EAGLE_OK && !eg_node_is(&model, "type", "BPE")) {
        return json_is_string(type.value) ? eg_node_refuse(&type, "\"BPE\"", err)
                                          : eg_node_wrong(&type, "\"BPE\"", err);
    }
    st = st == EAGLE_OK ? make_room(t, &vocab, &added, err) : st;
    if (st != EAGLE_OK) {
        return st;
    }
    char *end = t->texts;

    st = load_model(t, &end, &model, err);
    st = st == EAGLE_OK ? eg_load_normalizer(t, &normalizer, err) : st;
    st = st == EAGLE_OK ? load_added(t, &end, &added, err) : st;
    st = st == EAGLE_OK ? eg_load_pretokenizer(t, &pretokenizer, err) : st;
    st = st == EAGLE_OK ? eg_load_template(t, &postprocessor, err) : st;
    return st == EAGLE_OK ? eg_load_decoder(t, &decoder, err) : st;
}
