/* SPDX-License-Identifier: MIT */
/* treefiles.c - token trees from JSON: static shapes, and recorded rounds for replay. */
#include "base/alloc.h"
#include "base/error.h"
#include "eagle/files.h"
#include "formats/formats.h"
#include "formats/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)64 << 20) /* bytes */

/* An element of a list as an integer from 0 to `high`. `where` names the list. */
static eagle_status get_element(int32_t *out, const char *path, const char *where,
                                const json_t *list, size_t i, int32_t high, eagle_error *err)
{
    const json_t *value = json_array_get(list, i);

    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > high) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: %s[%zu] is %s, must be an integer from 0 to %d",
                       path, where, i, eg_json_describe(value).text, (int)high);
    }
    *out = (int32_t)json_integer_value(value);
    return EAGLE_OK;
}

/* ---- shapes ---------------------------------------------------------------------------------- */

/* The number of paths, and of ranks in all of them; checks that each path is a list. */
static eagle_status count_ranks(size_t *n_ranks, const char *path, const json_t *paths,
                                eagle_error *err)
{
    *n_ranks = 0;
    if (!json_is_array(paths) || json_array_size(paths) == 0 ||
        json_array_size(paths) > EAGLE_MAX_NODES) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: %s, must be a list of 1 to %d paths such as [0,1]",
                       path, eg_json_describe(paths).text, EAGLE_MAX_NODES);
    }
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const json_t *ranks = json_array_get(paths, i);

        if (!json_is_array(ranks) || json_array_size(ranks) == 0 ||
            json_array_size(ranks) > EAGLE_MAX_NODES) {
            return eg_fail(err, EAGLE_EFORMAT, "%s: path %zu is %s, must be a list of ranks", path,
                           i, eg_json_describe(ranks).text);
        }
        *n_ranks += json_array_size(ranks);
    }
    return EAGLE_OK;
}

/* Lays the paths end to end in `rank`. */
static eagle_status read_paths(int32_t *rank, int32_t *length, const char *path,
                               const json_t *paths, eagle_error *err)
{
    char where[32];

    for (size_t i = 0; i < json_array_size(paths); i++) {
        const json_t *ranks = json_array_get(paths, i);
        size_t n = json_array_size(ranks);

        snprintf(where, sizeof where, "path %zu", i);
        for (size_t j = 0; j < n; j++) {
            eagle_status st = get_element(rank++, path, where, ranks, j, INT32_MAX - 1, err);

            if (st != EAGLE_OK) {
                return st;
            }
        }
        length[i] = (int32_t)n;
    }
    return EAGLE_OK;
}

eagle_status eagle_shape_read(eagle_shape **out, const char *path, eagle_error *err)
{
    json_t *paths = NULL;
    int32_t *rank = NULL;
    int32_t *length = NULL;
    size_t n_ranks = 0;

    *out = NULL;

    eagle_status st = eg_json_read_any(&paths, path, FILE_MAX, err);

    if (st == EAGLE_OK) {
        st = count_ranks(&n_ranks, path, paths, err);
    }
    if (st != EAGLE_OK) {
        goto done;
    }
    rank = eg_alloc(n_ranks, sizeof *rank);
    length = eg_alloc(json_array_size(paths), sizeof *length);
    if (rank == NULL || length == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %zu ranks", path, n_ranks);
        goto done;
    }
    st = read_paths(rank, length, path, paths, err);
    if (st == EAGLE_OK) {
        eagle_error why = {0};

        st = eagle_shape_create(out, rank, length, (int32_t)json_array_size(paths), &why);
        if (st != EAGLE_OK) { /* it does not know the file's name */
            st = eg_fail(err, st, "%s: %s", path, why.message);
        }
    }

done:
    free(length);
    free(rank);
    json_decref(paths);
    return st;
}

/* ---- rounds ---------------------------------------------------------------------------------- */

/* The arrays of one round. `parent[i]` belongs to node i + 1, so it is at most i. */
static eagle_status read_nodes(int32_t *token, int32_t *parent, const eg_json_object *round,
                               eagle_error *err)
{
    const json_t *tokens = json_object_get(round->json, "tokens");
    const json_t *parents = json_object_get(round->json, "parents");
    char where[64];

    for (size_t i = 0; i < json_array_size(tokens); i++) {
        snprintf(where, sizeof where, "%stokens", round->prefix);

        eagle_status st = get_element(&token[i], round->path, where, tokens, i, INT32_MAX - 1, err);

        if (st == EAGLE_OK) {
            snprintf(where, sizeof where, "%sparents", round->prefix);
            st = get_element(&parent[i], round->path, where, parents, i, (int32_t)i, err);
        }
        if (st != EAGLE_OK) {
            return st;
        }
    }
    return EAGLE_OK;
}

static eagle_status add_round(eagle_rounds *rounds, const eg_json_object *round, eagle_error *err)
{
    const json_t *tokens = json_object_get(round->json, "tokens");
    const json_t *parents = json_object_get(round->json, "parents");
    size_t n = json_array_size(tokens);
    int32_t root = 0;
    int32_t *token = NULL;
    int32_t *parent = NULL;
    eagle_status st = eg_json_need(round, "root", err);

    if (st == EAGLE_OK) {
        st = eg_json_get_int(&root, round, "root", 0, INT32_MAX - 1, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    if (!json_is_array(tokens) || !json_is_array(parents) || n != json_array_size(parents) ||
        n > EAGLE_MAX_NODES) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: \"%stokens\" is %s and \"parents\" %s, must be two lists of the same "
                       "length, at most %d",
                       round->path, round->prefix, eg_json_describe(tokens).text,
                       eg_json_describe(parents).text, EAGLE_MAX_NODES);
    }
    token = eg_alloc(n, sizeof *token);
    parent = eg_alloc(n, sizeof *parent);
    if (token == NULL || parent == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %zu nodes", round->path, n);
        goto done;
    }
    st = read_nodes(token, parent, round, err);
    if (st == EAGLE_OK) {
        eagle_error why = {0};

        st = eagle_rounds_add(rounds, root, token, parent, (int32_t)n, &why);
        if (st != EAGLE_OK) {
            st = eg_fail(err, st, "%s: \"%.60s\": %s", round->path, round->prefix, why.message);
        }
    }

done:
    free(parent);
    free(token);
    return st;
}

static eagle_status read_rounds(eagle_rounds **out, const char *path, const json_t *list,
                                eagle_error *err)
{
    eagle_rounds *rounds = NULL;

    if (!json_is_array(list)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: \"rounds\" is %s, must be a list", path,
                       eg_json_describe(list).text);
    }
    eagle_status st = eagle_rounds_create(&rounds, err);

    for (size_t i = 0; i < json_array_size(list) && st == EAGLE_OK; i++) {
        char prefix[32];
        eg_json_object round = {.path = path, .prefix = prefix, .json = json_array_get(list, i)};

        snprintf(prefix, sizeof prefix, "rounds[%zu]", i);
        st = eg_json_need_object(path, prefix, round.json, err);
        if (st == EAGLE_OK) {
            snprintf(prefix, sizeof prefix, "rounds[%zu].", i);
            st = add_round(rounds, &round, err);
        }
    }
    if (st == EAGLE_OK) {
        *out = rounds;
        rounds = NULL;
    }
    eagle_rounds_free(rounds);
    return st;
}

/* The object that holds "rounds": the file's, or that of case n. */
static eagle_status choose_case(const json_t **out, const char *path, const json_t *json, size_t n,
                                eagle_error *err)
{
    const json_t *cases = json_object_get(json, "cases");

    if (cases == NULL && n == 0) {
        *out = json;
        return EAGLE_OK;
    }
    if (!json_is_array(cases) || n >= json_array_size(cases)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: no case %zu, \"cases\" is %s", path, n,
                       eg_json_describe(cases).text);
    }
    *out = json_array_get(cases, n);
    return eg_json_need_object(path, "the case", *out, err);
}

/* Cuts "#N" off the end of `path` and returns N; 0 if there is none. Nine digits at most, so that
 * N fits; more are part of a file's name. */
static size_t cut_case(char *path)
{
    char *hash = strrchr(path, '#');
    size_t digits = hash != NULL ? strspn(hash + 1, "0123456789") : 0;

    if (digits == 0 || digits > 9 || hash[1 + digits] != '\0') {
        return 0;
    }
    *hash = '\0';
    return (size_t)strtoul(hash + 1, NULL, 10);
}

eagle_status eagle_rounds_read(eagle_rounds **out, const char *path, eagle_error *err)
{
    json_t *json = NULL;
    const json_t *one = NULL;
    char *name = eg_strdup(path);

    *out = NULL;
    if (name == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for its name", path);
    }
    size_t number = cut_case(name);
    eagle_status st = eg_json_read_any(&json, name, FILE_MAX, err);

    if (st == EAGLE_OK) {
        st = eg_json_need_object(name, "the file", json, err);
    }
    if (st == EAGLE_OK) {
        st = choose_case(&one, name, json, number, err);
    }
    if (st == EAGLE_OK) {
        st = read_rounds(out, name, json_object_get(one, "rounds"), err);
    }
    json_decref(json);
    free(name);
    return st;
}
