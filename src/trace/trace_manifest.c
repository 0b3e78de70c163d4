/* SPDX-License-Identifier: MIT */
/* trace_manifest.c - reads the JSON document that says what a trace is of. */
#include "base/error.h"
#include "formats/json.h"
#include "trace/trace_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LEVEL 4
#define DIGITS     "0123456789"

/* ---- the version ------------------------------------------------------------------------- */

/* "1.2": two numbers of at most four digits. */
static bool read_version(int *major, int *minor, const char *text)
{
    const size_t first = strspn(text, DIGITS);
    const size_t second = text[first] == '.' ? strspn(text + first + 1, DIGITS) : 0;

    if (first < 1 || first > 4 || second < 1 || second > 4 || text[first + 1 + second] != '\0') {
        return false;
    }
    *major = atoi(text);
    *minor = atoi(text + first + 1);
    return true;
}

static eagle_status check_version(eagle_trace *trace, const eg_json_object *m, eagle_error *err)
{
    const char *schema = "";
    const char *version = "";
    int major = 0;
    int minor = 0;
    eagle_status st = eg_json_get_string(&schema, m, "schema", err);

    st = st == EAGLE_OK ? eg_json_get_string(&version, m, "version", err) : st;
    if (st != EAGLE_OK) {
        return st;
    }
    if (strcmp(schema, EG_TRACE_KEY) != 0) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: \"schema\" is \"%.80s\", must be \"%s\"", m->path,
                       schema, EG_TRACE_KEY);
    }
    if (!read_version(&major, &minor, version)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: \"version\" is \"%.80s\", must be like \"%s\"",
                       m->path, version, EAGLE_TRACE_VERSION);
    }
    if (major != 1) {
        return eg_fail(err, EAGLE_EUNSUPPORTED,
                       "%s: a trace of version %s; this program reads version 1", m->path, version);
    }
    trace->newer = minor > 0;
    return EAGLE_OK;
}

/* ---- values ------------------------------------------------------------------------------ */

/* Is the text one of `words`, separated by blanks, or empty? */
static bool is_one_of(const char *text, const char *words)
{
    const size_t size = strlen(text);
    bool found = size == 0;

    for (const char *at = words; !found && *at != '\0'; at += strspn(at, " ")) {
        const size_t length = strcspn(at, " ");

        found = length == size && strncmp(at, text, size) == 0;
        at += length;
    }
    return found;
}

static eagle_status get_word(const char **out, const eg_json_object *m, const char *key,
                             const char *words, eagle_error *err)
{
    eagle_status st = eg_json_get_string(out, m, key, err);

    if (st != EAGLE_OK || is_one_of(*out, words)) {
        return st;
    }
    return eg_fail(err, EAGLE_EFORMAT, "%s: \"%s%s\" is \"%.80s\", must be one of: %s", m->path,
                   m->prefix, key, *out, words);
}

/* Why the run ended: programs have reasons of their own, which say nothing to us. */
static eagle_status get_finish(const char **out, const eg_json_object *m, eagle_error *err)
{
    eagle_status st = eg_json_get_string(out, m, "finish", err);

    if (st == EAGLE_OK && !is_one_of(*out, "length stop interrupted")) {
        *out = "";
    }
    return st;
}

/* A text of digits, with one point at most. */
static eagle_status get_decimal(const char **out, const eg_json_object *m, const char *key,
                                eagle_error *err)
{
    eagle_status st = eg_json_get_string(out, m, key, err);
    const char *text = *out;
    const size_t whole = strspn(text, DIGITS);
    const size_t places = text[whole] == '.' ? 1 + strspn(text + whole + 1, DIGITS) : 0;

    if (st != EAGLE_OK || text[0] == '\0') {
        return st;
    }
    if (text[whole + places] != '\0' || whole + places > 60 || whole + places < 1 ||
        (whole == 0 && places < 2)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: \"%s%s\" is \"%.80s\", must be a decimal", m->path,
                       m->prefix, key, text);
    }
    return EAGLE_OK;
}

/* An object below the manifest; out->json NULL: it is absent. */
static eagle_status get_object(eg_json_object *out, const eg_json_object *m, const char *key,
                               const char *prefix, eagle_error *err)
{
    const json_t *value = json_object_get(m->json, key);

    *out = (eg_json_object){.path = m->path, .prefix = prefix, .json = NULL};
    if (value == NULL || json_is_null(value)) {
        return EAGLE_OK;
    }
    out->json = value;
    return eg_json_need_object(m->path, key, value, err);
}

/* {"sha256": ...} or null. */
static eagle_status get_digest(const char **out, const eg_json_object *m, const char *key,
                               const char *prefix, eagle_error *err)
{
    eg_json_object object;
    eagle_status st = get_object(&object, m, key, prefix, err);

    st = st == EAGLE_OK ? eg_json_get_string(out, &object, "sha256", err) : st;
    if (st == EAGLE_OK && (*out)[0] != '\0' &&
        (strlen(*out) != 64 || strspn(*out, DIGITS "abcdef") != 64)) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: \"%ssha256\" is \"%.80s\", must be 64 hexadecimal digits", m->path,
                       prefix, *out);
    }
    return st;
}

static eagle_status get_sampling(eagle_trace_manifest *out, const eg_json_object *m,
                                 eagle_error *err)
{
    eg_json_object s;
    eagle_status st = get_object(&s, m, "sampling", "sampling.", err);

    st = st == EAGLE_OK ? get_decimal(&out->temperature, &s, "temperature", err) : st;
    st = st == EAGLE_OK ? eg_json_get_int(&out->top_k, &s, "top_k", 0, INT32_MAX, err) : st;
    st = st == EAGLE_OK ? get_decimal(&out->top_p, &s, "top_p", err) : st;
    return st == EAGLE_OK ? get_decimal(&out->min_p, &s, "min_p", err) : st;
}

static eagle_status get_seed(eagle_trace_manifest *out, const eg_json_object *m, eagle_error *err)
{
    eagle_status st = eg_json_get_string(&out->seed, m, "seed", err);

    if (st == EAGLE_OK && (strspn(out->seed, DIGITS) != strlen(out->seed) ||
                           strlen(out->seed) > sizeof "18446744073709551615" - 1)) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: \"seed\" is \"%.80s\", must be the digits of a whole number below 2^64",
                       m->path, out->seed);
    }
    return st;
}

/* "recorded": {"rounds": [first, last]}: which rounds have their trees. */
static eagle_status get_recorded(eagle_trace_manifest *out, const eg_json_object *m,
                                 eagle_error *err)
{
    eg_json_object r;
    eagle_status st = get_object(&r, m, "recorded", "recorded.", err);

    out->first_round = 0;
    out->end_round = out->rounds;
    if (st != EAGLE_OK || !eg_json_has(&r, "rounds")) {
        return st;
    }
    const json_t *list = json_object_get(r.json, "rounds");
    const json_t *first = json_array_get(list, 0);
    const json_t *last = json_array_get(list, 1);

    if (json_array_size(list) != 2 || !json_is_integer(first) || !json_is_integer(last) ||
        json_integer_value(first) < 0 || json_integer_value(last) < json_integer_value(first) ||
        json_integer_value(last) >= out->rounds) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: \"recorded.rounds\" must be two of the %d rounds, first and last",
                       m->path, out->rounds);
    }
    out->first_round = (int32_t)json_integer_value(first);
    out->end_round = (int32_t)json_integer_value(last) + 1;
    return EAGLE_OK;
}

/* ---- the manifest ------------------------------------------------------------------------ */

static eagle_status get_numbers(eagle_trace_manifest *out, const eg_json_object *m,
                                eagle_error *err)
{
    static const char *const needed[] = {"version", "level", "vocab", "rounds"};
    eagle_status st = EAGLE_OK;

    for (size_t i = 0; st == EAGLE_OK && i < sizeof needed / sizeof needed[0]; i++) {
        st = eg_json_need(m, needed[i], err);
    }
    st = st == EAGLE_OK ? eg_json_get_int(&out->level, m, "level", 0, MOST_LEVEL, err) : st;
    st = st == EAGLE_OK ? eg_json_get_bool(&out->digest, m, "digest", err) : st;
    st = st == EAGLE_OK ? eg_json_get_int(&out->vocab, m, "vocab", 1, INT32_MAX, err) : st;
    st = st == EAGLE_OK ? eg_json_get_int(&out->dim, m, "dim", 0, INT32_MAX, err) : st;
    st = st == EAGLE_OK ? eg_json_get_int(&out->layers, m, "layers", 0, INT32_MAX, err) : st;
    st = st == EAGLE_OK ? eg_json_get_int(&out->rounds, m, "rounds", 0, INT32_MAX, err) : st;
    if (st == EAGLE_OK && out->level >= 3 && (out->dim == 0 || out->layers == 0)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: \"dim\" and \"layers\" must be there at level %d",
                       m->path, out->level);
    }
    return st == EAGLE_OK ? get_recorded(out, m, err) : st;
}

static eagle_status get_texts(eagle_trace_manifest *out, const eg_json_object *m, eagle_error *err)
{
    eg_json_object producer;
    eagle_status st = get_object(&producer, m, "producer", "producer.", err);

    st = st == EAGLE_OK ? eg_json_get_string(&out->producer, &producer, "name", err) : st;
    st =
        st == EAGLE_OK ? eg_json_get_string(&out->producer_version, &producer, "version", err) : st;
    st = st == EAGLE_OK ? eg_json_get_string(&out->contract, m, "contract", err) : st;
    st = st == EAGLE_OK ? get_word(&out->dtype, m, "dtype", "f32 bf16 f16", err) : st;
    st = st == EAGLE_OK ? get_digest(&out->model, m, "model", "model.", err) : st;
    st = st == EAGLE_OK ? get_digest(&out->head, m, "head", "head.", err) : st;
    st = st == EAGLE_OK ? get_sampling(out, m, err) : st;
    st = st == EAGLE_OK ? get_word(&out->verify, m, "verify", "greedy coupled rejection other", err)
                        : st;
    st = st == EAGLE_OK ? get_word(&out->children, m, "children", "topk drawn", err) : st;
    st = st == EAGLE_OK ? eg_json_get_string(&out->rule, m, "rule", err) : st;
    st = st == EAGLE_OK ? get_seed(out, m, err) : st;
    st = st == EAGLE_OK ? eg_json_get_string(&out->tree, m, "tree", err) : st;
    return st == EAGLE_OK ? get_finish(&out->finish, m, err) : st;
}

eagle_status eg_trace_read_manifest(eagle_trace *trace, eagle_error *err)
{
    const char *path = trace->file.path;
    const json_t *metadata = json_object_get(trace->file.header, EG_METADATA);
    const json_t *text = json_object_get(metadata, EG_TRACE_KEY);

    trace->info = (eagle_trace_manifest){.producer = "",
                                         .producer_version = "",
                                         .contract = "",
                                         .dtype = "",
                                         .model = "",
                                         .head = "",
                                         .temperature = "",
                                         .top_p = "",
                                         .min_p = "",
                                         .verify = "",
                                         .children = "",
                                         .rule = "",
                                         .seed = "",
                                         .tree = "",
                                         .finish = ""};
    if (!json_is_string(text)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: no trace: " EG_METADATA " has no text named \"%s\"",
                       path, EG_TRACE_KEY);
    }
    eagle_status st = eg_json_parse(&trace->manifest, path, json_string_value(text),
                                    json_string_length(text), err);

    if (st != EAGLE_OK) {
        return st;
    }
    const eg_json_object m = {.path = path, .prefix = "", .json = trace->manifest};

    st = eg_json_need_object(path, "\"" EG_TRACE_KEY "\"", m.json, err);
    st = st == EAGLE_OK ? check_version(trace, &m, err) : st;
    st = st == EAGLE_OK ? get_numbers(&trace->info, &m, err) : st;
    return st == EAGLE_OK ? get_texts(&trace->info, &m, err) : st;
}

/* ---- what it means ----------------------------------------------------------------------- */

bool eagle_trace_seed(uint64_t *out, const eagle_trace *trace)
{
    char *end = NULL;

    if (trace->info.seed[0] == '\0') {
        return false;
    }
    errno = 0;
    *out = strtoull(trace->info.seed, &end, 10);
    return errno == 0 && *end == '\0';
}

eagle_status eagle_trace_sampling(eagle_sampling *out, const eagle_trace *trace, eagle_error *err)
{
    const eagle_trace_manifest *m = &trace->info;
    const char *path = trace->file.path;
    eagle_verify_mode mode = EAGLE_VERIFY_GREEDY;

    eagle_sampling_defaults(out);
    while (mode <= EAGLE_VERIFY_REJECTION && strcmp(eagle_verify_mode_name(mode), m->verify) != 0) {
        mode++;
    }
    if (mode > EAGLE_VERIFY_REJECTION || m->temperature[0] == '\0') {
        return eg_fail(err, EAGLE_EUNSUPPORTED,
                       "%s: the manifest does not name temperature and verification", path);
    }
    out->mode = mode;
    out->temperature = strtof(m->temperature, NULL);
    out->top_k = m->top_k;
    eagle_status st = EAGLE_OK;

    if (m->top_p[0] != '\0') {
        st = eagle_decimal_parse(&out->top_p, m->top_p, err);
    }
    if (st == EAGLE_OK && m->min_p[0] != '\0') {
        st = eagle_decimal_parse(&out->min_p, m->min_p, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_sampling_check(out, strcmp(m->children, "drawn") == 0, err);
    }
    if (st != EAGLE_OK) { /* a file's fault, not a caller's */
        const eagle_error why = err != NULL ? *err : (eagle_error){0};

        return eg_fail(err, EAGLE_EFORMAT, "%s: \"sampling\": %.300s", path, why.message);
    }
    return EAGLE_OK;
}
