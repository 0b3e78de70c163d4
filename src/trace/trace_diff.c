/* SPDX-License-Identifier: MIT */
/* trace_diff.c - where two traces part. */
#include "eagle/trace.h"
#include "kernels/order.h"
#include "trace/trace_file.h"

#include <string.h>

/* ---- elements ------------------------------------------------------------------------------ */

/* Bits of an element, and how many representable numbers lie below it: of floats, -0 and +0 have
 * one place. */
static uint64_t bits_of(const eagle_tensor *t, size_t i)
{
    const unsigned char *at = (const unsigned char *)t->data + i * eagle_dtype_size(t->dtype);
    uint64_t bits = 0;

    for (size_t byte = eagle_dtype_size(t->dtype); byte > 0; byte--) {
        bits = bits << 8 | at[byte - 1]; /* little-endian */
    }
    return bits;
}

static bool is_float(eagle_dtype dtype)
{
    return dtype == EAGLE_F32 || dtype == EAGLE_F64 || dtype == EAGLE_F16 || dtype == EAGLE_BF16;
}

/* The number as a signed integer in the order of the numbers. */
static int64_t place_of(eagle_dtype dtype, uint64_t bits)
{
    const unsigned width = 8 * (unsigned)eagle_dtype_size(dtype);
    const uint64_t sign = (uint64_t)1 << (width - 1);

    if (is_float(dtype)) {
        return (bits & sign) != 0 ? -(int64_t)(bits & (sign - 1)) : (int64_t)bits;
    }
    if (dtype == EAGLE_I32 && (bits & sign) != 0) {
        bits |= ~(uint64_t)UINT32_MAX;
    }
    return (int64_t)bits;
}

static uint64_t distance(eagle_dtype dtype, uint64_t a, uint64_t b)
{
    const int64_t place_a = place_of(dtype, a);
    const int64_t place_b = place_of(dtype, b);

    return place_a < place_b ? (uint64_t)place_b - (uint64_t)place_a
                             : (uint64_t)place_a - (uint64_t)place_b;
}

static double value_of(eagle_dtype dtype, uint64_t bits)
{
    const uint32_t low = (uint32_t)bits;
    float single;
    double real;

    switch (dtype) {
    case EAGLE_F32: memcpy(&single, &low, sizeof single); return (double)single;
    case EAGLE_BF16: return (double)eg_widen_bf16((uint16_t)bits);
    case EAGLE_F16: return (double)eg_widen_f16((uint16_t)bits);
    case EAGLE_F64: memcpy(&real, &bits, sizeof real); return real;
    default: return (double)place_of(dtype, bits);
    }
}

/* ---- tensors ------------------------------------------------------------------------------- */

static bool same_form(const eagle_tensor *a, const eagle_tensor *b)
{
    return a->dtype == b->dtype && a->rank == b->rank &&
           memcmp(a->shape, b->shape, (size_t)a->rank * sizeof a->shape[0]) == 0;
}

/* The tensor's digest, which it may be already. */
static void digest_of(unsigned char bytes[EG_DIGEST_BYTES], const eagle_tensor *t, bool is_digest)
{
    eagle_sha256 sha;

    if (is_digest) {
        memcpy(bytes, t->data, EG_DIGEST_BYTES);
        return;
    }
    eg_trace_digest_begin(&sha, t->dtype, t->rank, t->shape);
    eagle_sha256_update(&sha, t->data, t->size);
    eg_trace_digest_end(bytes, &sha);
}

/* Counts elements that differ, and describes the first one. */
static eagle_trace_outcome compare_elements(eagle_trace_difference *d, eagle_trace_count *count)
{
    const eagle_tensor *a = d->a;
    const eagle_tensor *b = d->b;
    const size_t n = a->size / eagle_dtype_size(a->dtype);
    const int64_t width = a->rank > 1 ? a->shape[1] : 1;
    bool found = false;

    count->elements += (int64_t)n;
    if (a->size == 0 || memcmp(a->data, b->data, a->size) == 0) {
        return EAGLE_TRACE_SAME;
    }
    for (size_t i = 0; i < n; i++) {
        const uint64_t bits[2] = {bits_of(a, i), bits_of(b, i)};
        const uint64_t ulps = distance(a->dtype, bits[0], bits[1]);

        if (bits[0] == bits[1]) {
            continue;
        }
        count->elements_different++;
        count->most_ulps = ulps > count->most_ulps ? ulps : count->most_ulps;
        if (!found) {
            found = true;
            d->row = (int64_t)i / width;
            d->column = (int64_t)i % width;
            d->ulps = ulps;
            for (int k = 0; k < 2; k++) {
                d->bits[k] = bits[k];
                d->value[k] = value_of(a->dtype, bits[k]);
            }
        }
    }
    return EAGLE_TRACE_VALUE;
}

static eagle_trace_outcome compare_tensors(eagle_trace_difference *d, eagle_trace_count *count,
                                           bool digest_a, bool digest_b)
{
    unsigned char bytes[2][EG_DIGEST_BYTES];

    if (d->a == NULL || d->b == NULL) {
        return EAGLE_TRACE_MISSING;
    }
    if (digest_a || digest_b) {
        digest_of(bytes[0], d->a, digest_a);
        digest_of(bytes[1], d->b, digest_b);
        return memcmp(bytes[0], bytes[1], EG_DIGEST_BYTES) == 0 ? EAGLE_TRACE_SAME
                                                                : EAGLE_TRACE_DIGEST;
    }
    if (!same_form(d->a, d->b)) {
        return EAGLE_TRACE_SHAPE;
    }
    return compare_elements(d, count);
}

/* ---- traces -------------------------------------------------------------------------------- */

_Static_assert(EAGLE_SITE_COUNT + EG_DRAFT_PROB + 1 + EG_PATH_ROW + 1 + EG_DRAW_COIN + 1 +
                       EG_SEQ_TOP_LOGPROB + 1 <=
                   EAGLE_TRACE_MOST_ITEMS,
               "each name at the end of a tensor's has a count");

static eagle_trace_count *count_of(eagle_trace_comparison *c, const eg_trace_key *key)
{
    const char *item = eg_trace_item(key);
    int32_t i = 0;

    while (i < c->n_counts && strcmp(c->count[i].item, item) != 0) {
        i++;
    }
    if (i == c->n_counts) {
        c->count[c->n_counts++] = (eagle_trace_count){.item = item};
    }
    return &c->count[i];
}

/* One tensor, which one of them may lack. */
static void compare_entry(eagle_trace_comparison *c, const eagle_trace *a, const eagle_trace *b,
                          const eg_trace_entry *in_a, const eg_trace_entry *in_b)
{
    const eg_trace_key *key = in_a != NULL ? &in_a->key : &in_b->key;
    const bool kept = eg_trace_kept_in_digest(key);
    eagle_trace_count *count = count_of(c, key);
    eagle_trace_difference d = {.a = in_a != NULL ? &in_a->tensor : NULL,
                                .b = in_b != NULL ? &in_b->tensor : NULL};

    d.outcome = compare_tensors(&d, count, a->info.digest && !kept, b->info.digest && !kept);
    count->tensors++;
    c->tensors++;
    if (d.outcome == EAGLE_TRACE_SAME) {
        return;
    }
    count->different++;
    c->different++;
    if (c->first.outcome == EAGLE_TRACE_SAME) {
        d.name = d.a != NULL ? d.a->name : d.b->name;
        c->first = d;
    }
}

void eagle_trace_compare(eagle_trace_comparison *out, const eagle_trace *a, const eagle_trace *b)
{
    int32_t i = 0;
    int32_t j = 0;

    *out = (eagle_trace_comparison){0};
    while (i < a->n_entries || j < b->n_entries) {
        const eg_trace_entry *in_a = i < a->n_entries ? &a->entry[i] : NULL;
        const eg_trace_entry *in_b = j < b->n_entries ? &b->entry[j] : NULL;
        const int order = in_a == NULL   ? 1
                          : in_b == NULL ? -1
                                         : eg_trace_compare(&in_a->key, &in_b->key);

        compare_entry(out, a, b, order <= 0 ? in_a : NULL, order >= 0 ? in_b : NULL);
        i += order <= 0;
        j += order >= 0;
    }
}
