/* SPDX-License-Identifier: MIT */
/* trace_file.h - the inside of an opened trace, shared by the files of this folder. */
#ifndef EG_TRACE_TRACE_FILE_H
#define EG_TRACE_TRACE_FILE_H

#include "eagle/trace.h"
#include "formats/safetensors.h"
#include "trace/trace_names.h"

#define EG_TRACE_KEY "eagle.trace" /* of __metadata__, and the manifest's schema */

typedef struct {
    eg_trace_key key;
    eagle_tensor tensor;
} eg_trace_entry;

struct eagle_trace {
    eg_safetensors file;
    json_t *manifest; /* owns the texts of `info` */
    eagle_trace_manifest info;
    bool newer;            /* minor version: what is not known here is passed over */
    eg_trace_entry *entry; /* [n_entries] in the order of the computation          */
    int32_t n_entries;
    eagle_trace_tokens tokens;
    eagle_trace_round *round; /* [n_rounds] from info.first_round on  */
    int32_t n_rounds;
    const uint64_t **law; /* [nodes with laws] of all rounds */
};

/* Reads the manifest out of trace->file. */
eagle_status eg_trace_read_manifest(eagle_trace *trace, eagle_error *err);

/* Reads and checks tokens and rounds. */
eagle_status eg_trace_read_tokens(eagle_trace *trace, eagle_error *err);
eagle_status eg_trace_read_rounds(eagle_trace *trace, eagle_error *err);

/* Checks the sites' shapes; rounds have been read. */
eagle_status eg_trace_check_sites(const eagle_trace *trace, eagle_error *err);

/* NULL when the trace lacks it. */
const eagle_tensor *eg_trace_find(const eagle_trace *trace, const eg_trace_key *key);

/* One extent of a tensor must lie in [least, most]. */
typedef struct {
    int64_t least;
    int64_t most;
} eg_extent;

static inline eg_extent eg_exactly(int64_t n)
{
    return (eg_extent){n, n};
}

static inline eg_extent eg_at_least(int64_t n)
{
    return (eg_extent){n, INT32_MAX};
}

/* What a tensor must be. */
typedef struct {
    bool floats; /* F32, BF16 or F16; else `dtype` */
    eagle_dtype dtype;
    int32_t rank;
    eg_extent extent[2]; /* [rank] */
} eg_trace_form;

static inline eg_trace_form eg_list_of(eagle_dtype dtype, eg_extent n)
{
    return (eg_trace_form){.dtype = dtype, .rank = 1, .extent = {n}};
}

static inline eg_trace_form eg_matrix_of(eagle_dtype dtype, eg_extent rows, eg_extent columns)
{
    return (eg_trace_form){.dtype = dtype, .rank = 2, .extent = {rows, columns}};
}

static inline eg_trace_form eg_float_matrix(eg_extent rows, eg_extent columns)
{
    return (eg_trace_form){.floats = true, .rank = 2, .extent = {rows, columns}};
}

/* EAGLE_EFORMAT, saying what was found, unless the tensor has that form. */
eagle_status eg_trace_check_form(const eagle_trace *trace, const eagle_tensor *t,
                                 const eg_trace_form *form, eagle_error *err);

/* *out is the tensor of `key`, of that form; NULL when it is missing and not `needed`, else that is
 * EAGLE_EFORMAT. */
eagle_status eg_trace_take(const eagle_tensor **out, const eagle_trace *trace,
                           const eg_trace_key *key, const eg_trace_form *form, bool needed,
                           eagle_error *err);

/* EAGLE_EFORMAT, naming the element, unless all n numbers of the tensor lie in [low, high]. */
eagle_status eg_trace_check_range(const eagle_trace *trace, const eagle_tensor *t, int32_t low,
                                  int32_t high, eagle_error *err);

#endif
