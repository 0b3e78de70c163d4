/* SPDX-License-Identifier: MIT */
/* recorder.h - the inside of a recorder, shared by the files of this folder. */
#ifndef EG_TRACE_RECORDER_H
#define EG_TRACE_RECORDER_H

#include "eagle/trace.h"
#include "kernels/kernels.h"
#include "trace/spool.h"
#include "trace/trace_names.h"

/* A tensor that is written part by part. */
typedef struct {
    eg_trace_key key;
    eagle_dtype dtype;
    int32_t rank;
    int64_t shape[2];
    uint64_t at;       /* its place in the spool                               */
    size_t size;       /* bytes of the whole tensor                            */
    size_t done;       /* of them, those that have come                        */
    eagle_sha256 *sha; /* of a tensor that becomes a digest and is not complete, else NULL */
} eg_recorded;

typedef struct {
    int32_t kind; /* 0: pick, 1: accept */
    eagle_draw_key key;
    int32_t answer;
    eagle_wide num;
    eagle_wide den;
} eg_recorded_draw;

/* An emitted token and where it came from. */
typedef struct {
    int32_t token;
    int32_t source; /* eagle_trace_source */
    int32_t round;
    float logprob;
} eg_recorded_token;

struct eagle_recorder {
    eagle_generation *g;
    eagle_trace_options opt;
    char *path;
    eagle_probe probe;
    eagle_draws draws; /* ours                  */
    eagle_draws asked; /* the session's before  */
    eg_spool spool;    /* from level 2 on       */
    const eg_kernels *kernels;

    eg_recorded *tensor; /* [n_tensors], room for cap_tensors     */
    int32_t n_tensors;
    int32_t cap_tensors;
    int32_t first_open; /* the tensors of this round, or of the prompt, begin here */

    eg_recorded_draw *draw; /* [n_draws] of this round                */
    int32_t n_draws;
    int32_t cap_draws;

    eg_recorded_token *token; /* [n_tokens] emitted, before the cut     */
    int32_t *top_token;       /* [n_tokens, top]                        */
    float *top_logprob;       /* [n_tokens, top]                        */
    int32_t n_tokens;
    int32_t cap_tokens;

    int32_t round;       /* that is being made; -1: the prompt     */
    bool active;         /* the probe shows rows of the generation */
    bool scored;         /* the target was run in this round       */
    int32_t pass;        /* of the head in this draft; -1: none    */
    bool in_pass;        /* and it has not come to its logits      */
    eagle_status status; /* of what the probe and the draws did, which cannot fail */
    eagle_error error;
};

/* Is this round, or the prompt (-1), one of those that are recorded? */
bool eg_recorder_wants(const eagle_recorder *r);

/* Adds `size` bytes to the tensor of this round that has the key, which is made, with that form,
 * when it is not there. Failures are kept in r->status. */
void eg_recorder_add(eagle_recorder *r, const eg_recorded *form, const void *data, size_t size);

/* A tensor at once: `columns` 0 for a rank of 1. */
void eg_recorder_put(eagle_recorder *r, eg_trace_part part, int32_t item, eagle_dtype dtype,
                     int64_t rows, int64_t columns, const void *data);

/* The probe's and the draws' functions. */
void eg_recorder_see(void *ctx, eagle_site site, int32_t layer, int32_t n_rows, int32_t dim,
                     const float *data, int32_t stride);
eagle_draws eg_recorder_draws(eagle_recorder *r);

/* Writes what a finished round has: tree, laws, path, draws. */
void eg_recorder_put_round(eagle_recorder *r);

/* Grows an array of elements of `size` bytes to hold one more than `n`; false without memory. */
bool eg_recorder_grow(void **array, int32_t *cap, int32_t n, size_t size);

/* The manifest as the text of __metadata__; to be freed. NULL without memory. */
char *eg_recorder_manifest(const eagle_recorder *r);

/* Output tokens that are in the sequence. */
static inline int32_t eg_recorder_output(const eagle_recorder *r)
{
    return r->g->n;
}

/* Writes all as a line of JSON. */
eagle_status eg_recorder_write_line(const eagle_recorder *r, eagle_error *err);

#endif
