/* SPDX-License-Identifier: MIT */
/* trace_names.c - the names of a trace's tensors. */
#include "trace/trace_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ITEMS 8

/* What follows the parts' prefixes. */
static const char *const items[][MOST_ITEMS] = {
    [EG_PART_TREE] = {[EG_TREE_TOKEN] = "tree.token",
                      [EG_TREE_PARENT] = "tree.parent",
                      [EG_TREE_DEPTH] = "tree.depth",
                      [EG_TREE_POS] = "tree.pos",
                      [EG_TREE_VERIFY] = "tree.verify",
                      [EG_TREE_SCORE] = "tree.score",
                      [EG_TREE_LAW] = "tree.law",
                      [EG_DRAFT_PROB] = "draft.prob"},
    [EG_PART_PATH] =
        {[EG_PATH_TOKEN] = "path.token", [EG_PATH_NODE] = "path.node", [EG_PATH_ROW] = "path.row"},
    [EG_PART_DRAW] = {[EG_DRAW_KIND] = "draw.kind",
                      [EG_DRAW_PURPOSE] = "draw.purpose",
                      [EG_DRAW_POS] = "draw.pos",
                      [EG_DRAW_INDEX] = "draw.index",
                      [EG_DRAW_ANSWER] = "draw.answer",
                      [EG_DRAW_NUM] = "draw.num",
                      [EG_DRAW_DEN] = "draw.den",
                      [EG_DRAW_COIN] = "draw.coin"},
    [EG_PART_SEQUENCE] = {[EG_SEQ_TOKEN] = "seq.token",
                          [EG_SEQ_SOURCE] = "seq.source",
                          [EG_SEQ_ROUND] = "seq.round",
                          [EG_SEQ_LOGPROB] = "seq.logprob",
                          [EG_SEQ_TOP_TOKEN] = "seq.top_token",
                          [EG_SEQ_TOP_LOGPROB] = "seq.top_logprob"},
};

bool eg_trace_is_site(const eg_trace_key *key)
{
    return key->part != EG_PART_TREE && key->part != EG_PART_PATH && key->part != EG_PART_DRAW &&
           key->part != EG_PART_SEQUENCE;
}

static bool of_head(eagle_site site)
{
    return site == EAGLE_SITE_HEAD_FUSED || site == EAGLE_SITE_HEAD_OUT ||
           site == EAGLE_SITE_HEAD_LOGITS;
}

static bool of_layer(eagle_site site)
{
    return site >= EAGLE_SITE_LAYER_IN && site <= EAGLE_SITE_RESID_MLP;
}

int32_t eg_trace_layer_of(eagle_site site, int32_t layer)
{
    if (of_layer(site)) {
        return layer;
    }
    return site == EAGLE_SITE_EMBED ? EG_LAYER_BEFORE : EG_LAYER_AFTER;
}

const char *eg_trace_item(const eg_trace_key *key)
{
    return eg_trace_is_site(key) ? eagle_site_name((eagle_site)key->item)
                                 : items[key->part][key->item];
}

eg_trace_name eg_trace_name_of(const eg_trace_key *key)
{
    const char *item = eg_trace_item(key);
    eg_trace_name name = {""};
    char layer[16] = "";

    if (of_layer((eagle_site)key->item)) {
        snprintf(layer, sizeof layer, "%" PRId32 "/", key->layer);
    }
    switch (key->part) {
    case EG_PART_SEQUENCE: snprintf(name.text, sizeof name.text, "%s", item); break;
    case EG_PART_PROMPT: snprintf(name.text, sizeof name.text, "prompt/%s%s", layer, item); break;
    case EG_PART_PROMPT_REFRESH:
        snprintf(name.text, sizeof name.text, "prompt/refresh/%s", item);
        break;
    case EG_PART_TARGET:
        snprintf(name.text, sizeof name.text, "round/%" PRId32 "/%s%s", key->round, layer, item);
        break;
    case EG_PART_DRAFT:
        snprintf(name.text, sizeof name.text, "round/%" PRId32 "/draft/%" PRId32 "/%s", key->round,
                 key->pass, item);
        break;
    case EG_PART_REFRESH:
        snprintf(name.text, sizeof name.text, "round/%" PRId32 "/refresh/%s", key->round, item);
        break;
    case EG_PART_TREE:
    case EG_PART_PATH:
    case EG_PART_DRAW:
        snprintf(name.text, sizeof name.text, "round/%" PRId32 "/%s", key->round, item);
        break;
    }
    return name;
}

/* ---- reading names ----------------------------------------------------------------------- */

/* "12/" at *at: its number, and *at moves behind it. */
static bool take_number(int32_t *out, const char **at)
{
    int64_t value = 0;
    const char *c = *at;

    for (; *c >= '0' && *c <= '9' && value <= INT32_MAX; c++) {
        value = 10 * value + (*c - '0');
    }
    if (c == *at || *c != '/' || value > INT32_MAX - 1) {
        return false;
    }
    *out = (int32_t)value;
    *at = c + 1;
    return true;
}

static bool take_word(const char **at, const char *word)
{
    const size_t size = strlen(word);

    if (strncmp(*at, word, size) != 0) {
        return false;
    }
    *at += size;
    return true;
}

static bool find_item(eg_trace_key *out, eg_trace_part part, const char *name)
{
    for (int32_t i = 0; i < MOST_ITEMS && items[part][i] != NULL; i++) {
        if (strcmp(items[part][i], name) == 0) {
            out->part = part;
            out->item = i;
            return true;
        }
    }
    return false;
}

/* A site's name; of the target with its layer, if it belongs to one. */
static bool find_site(eg_trace_key *out, eg_trace_part part, const char *name)
{
    const bool target = part == EG_PART_PROMPT || part == EG_PART_TARGET;
    const bool layered = target && take_number(&out->layer, &name);
    int32_t site = 0;

    while (site < EAGLE_SITE_COUNT && strcmp(eagle_site_name((eagle_site)site), name) != 0) {
        site++;
    }
    if (site == EAGLE_SITE_COUNT) {
        return false;
    }
    const bool right = target ? !of_head((eagle_site)site) && layered == of_layer((eagle_site)site)
                              : of_head((eagle_site)site) || of_layer((eagle_site)site);

    out->part = part;
    out->item = site;
    out->layer = target ? eg_trace_layer_of((eagle_site)site, out->layer) : 0;
    return right;
}

static bool parse(eg_trace_key *out, const char *name)
{
    if (take_word(&name, "prompt/")) {
        return take_word(&name, "refresh/") ? find_site(out, EG_PART_PROMPT_REFRESH, name)
                                            : find_site(out, EG_PART_PROMPT, name);
    }
    if (!take_word(&name, "round/")) {
        return find_item(out, EG_PART_SEQUENCE, name);
    }
    if (!take_number(&out->round, &name)) {
        return false;
    }
    if (take_word(&name, "draft/")) {
        return take_number(&out->pass, &name) && find_site(out, EG_PART_DRAFT, name);
    }
    if (take_word(&name, "refresh/")) {
        return find_site(out, EG_PART_REFRESH, name);
    }
    return find_item(out, EG_PART_TREE, name) || find_item(out, EG_PART_PATH, name) ||
           find_item(out, EG_PART_DRAW, name) || find_site(out, EG_PART_TARGET, name);
}

/* Numbers have one spelling: what is read must be what would be written. */
bool eg_trace_parse_name(eg_trace_key *out, const char *name)
{
    *out = (eg_trace_key){0};
    return parse(out, name) && strcmp(eg_trace_name_of(out).text, name) == 0;
}

/* ---- order and levels -------------------------------------------------------------------- */

static int compare(int32_t a, int32_t b)
{
    return (a > b) - (a < b);
}

/* 0: the prompt, 1: rounds, 2: the sequence. */
static int32_t stage(eg_trace_part part)
{
    return part == EG_PART_SEQUENCE ? 2 : part > EG_PART_PROMPT_REFRESH;
}

/* The head fuses its input before its layer. */
static int32_t place(const eg_trace_key *key)
{
    return eg_trace_is_site(key) && key->item == EAGLE_SITE_HEAD_FUSED ? -1 : key->item;
}

int eg_trace_compare(const eg_trace_key *a, const eg_trace_key *b)
{
    const int32_t key_a[] = {stage(a->part), a->round, (int32_t)a->part,
                             a->pass,        a->layer, place(a)};
    const int32_t key_b[] = {stage(b->part), b->round, (int32_t)b->part,
                             b->pass,        b->layer, place(b)};
    int order = 0;

    for (size_t i = 0; order == 0 && i < sizeof key_a / sizeof key_a[0]; i++) {
        order = compare(key_a[i], key_b[i]);
    }
    return order;
}

int32_t eg_trace_level_of(const eg_trace_key *key)
{
    switch (key->part) {
    case EG_PART_SEQUENCE: return key->item >= EG_SEQ_LOGPROB ? 1 : 0;
    case EG_PART_TREE:
    case EG_PART_PATH:
    case EG_PART_DRAW: return 2;
    case EG_PART_TARGET: return key->item == EAGLE_SITE_LOGITS ? 2 : 3;
    default: return 3;
    }
}

bool eg_trace_kept_in_digest(const eg_trace_key *key)
{
    return key->part == EG_PART_SEQUENCE || key->part == EG_PART_PATH ||
           (key->part == EG_PART_TREE && key->item <= EG_TREE_VERIFY);
}

/* ---- digests ------------------------------------------------------------------------------ */

void eg_trace_digest_begin(eagle_sha256 *sha, eagle_dtype dtype, int32_t rank, const int64_t *shape)
{
    char text[EAGLE_MAX_RANK * 24 + 16];
    int used = snprintf(text, sizeof text, "%s ", eagle_dtype_name(dtype));

    for (int32_t i = 0; i < rank; i++) {
        used += snprintf(text + used, sizeof text - (size_t)used, "%" PRId64 " ", shape[i]);
    }
    eagle_sha256_init(sha);
    eagle_sha256_update(sha, text, (size_t)used);
}

void eg_trace_digest_end(unsigned char bytes[EG_DIGEST_BYTES], eagle_sha256 *sha)
{
    char hex[65];

    eagle_sha256_hex(hex, sha);
    for (int i = 0; i < EG_DIGEST_BYTES; i++) {
        const char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

        bytes[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
}
