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

/* What a tensor must be. */
#define EG_ANY    (-1) /* extent: whatever it is    */
#define EG_SOME   (-2) /* extent: 1 or more         */
#define EG_FLOATS (-1) /* dtype: F32, BF16 or F16   */
typedef struct {
    int32_t dtype; /* an eagle_dtype */
    int32_t rank;
    int64_t shape[2];
} eg_trace_form;

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
