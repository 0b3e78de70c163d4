/* SPDX-License-Identifier: MIT */
/* cmd_trace_diff.c - where two traces part, and how often. */
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/sink.h"
#include "cli/trace_view.h"

#include <inttypes.h>
#include <string.h>

/* Two opened traces, compared. */
typedef struct {
    const eg_options *opt;
    eagle_trace *trace[2];
    eagle_trace_comparison result;
    eg_sink sink;
} job;

/* ---- the manifests ------------------------------------------------------------------------- */

/* What a trace says of how it was made. */
static const char *field(const eagle_trace_manifest *m, int32_t i, const char **name)
{
    const struct {
        const char *name;
        const char *text;
    } fields[] = {{"contract", m->contract},
                  {"dtype", m->dtype},
                  {"model", m->model},
                  {"head", m->head},
                  {"temperature", m->temperature},
                  {"top_p", m->top_p},
                  {"min_p", m->min_p},
                  {"verify", m->verify},
                  {"children", m->children},
                  {"rule", m->rule},
                  {"seed", m->seed},
                  {"tree", m->tree}};

    if (i >= (int32_t)(sizeof fields / sizeof fields[0])) {
        return NULL;
    }
    *name = fields[i].name;
    return fields[i].text;
}

/* Notes what was set up differently: often the reason of all that follows. */
static eagle_status print_setup(job *j, eagle_error *err)
{
    const eagle_trace_manifest *m[2] = {eagle_trace_info(j->trace[0]),
                                        eagle_trace_info(j->trace[1])};
    eagle_status st = EAGLE_OK;
    const char *name = NULL;
    const char *text;

    for (int32_t i = 0; st == EAGLE_OK && (text = field(m[0], i, &name)) != NULL; i++) {
        const char *other = field(m[1], i, &name);
        char words[2][EG_FOREIGN_TEXT];
        char line[300];

        if (strcmp(text, other) != 0) {
            snprintf(line, sizeof line, "note: %s is \"%s\" and \"%s\"\n", name,
                     eg_foreign_text(words[0], text), eg_foreign_text(words[1], other));
            st = eg_sink_text(&j->sink, line, err);
        }
    }
    return st;
}

/* ---- the first difference ------------------------------------------------------------------ */

/* "round 3, node 2, element 7", from the tensor's name and place. */
static void say_place(char *out, size_t size, const eagle_trace_difference *d)
{
    const bool round = strncmp(d->name, "round/", 6) == 0;
    const bool rows =
        round && (strstr(d->name, "/draft/") != NULL || strstr(d->name, "/refresh/") != NULL ||
                  strstr(d->name, "/draw.") != NULL || strstr(d->name, "/path."));

    if (d->a->rank > 1) {
        snprintf(out, size, "%s %" PRId64 ", element %" PRId64,
                 !round ? "token"
                 : rows ? "row"
                        : "node",
                 d->row, d->column);
    } else {
        snprintf(out, size, "%s %" PRId64, !round ? "token" : rows ? "entry" : "node", d->row);
    }
}

static const char *form_of(char out[160], const eagle_tensor *t)
{
    int used = snprintf(out, 160, "%s [", eagle_dtype_name(t->dtype));

    for (int32_t i = 0; i < t->rank; i++) {
        used +=
            snprintf(out + used, 160 - (size_t)used, "%s%" PRId64, i > 0 ? ", " : "", t->shape[i]);
    }
    snprintf(out + used, 160 - (size_t)used, "]");
    return out;
}

static void say_first(char *out, size_t size, const eagle_trace_difference *d)
{
    const int digits = d->a != NULL ? 2 * (int)eagle_dtype_size(d->a->dtype) : 0;
    char place[96];
    char form[2][160];

    switch (d->outcome) {
    case EAGLE_TRACE_SAME: snprintf(out, size, "no difference\n"); break;
    case EAGLE_TRACE_MISSING:
        snprintf(out, size, "first difference: %s: only the %s trace has it\n", d->name,
                 d->a != NULL ? "first" : "second");
        break;
    case EAGLE_TRACE_SHAPE:
        snprintf(out, size, "first difference: %s: %s and %s\n", d->name, form_of(form[0], d->a),
                 form_of(form[1], d->b));
        break;
    case EAGLE_TRACE_DIGEST:
        snprintf(out, size, "first difference: %s: its digests differ\n", d->name);
        break;
    case EAGLE_TRACE_VALUE:
        say_place(place, sizeof place, d);
        snprintf(out, size,
                 "first difference: %s, %s\n"
                 "  0x%0*" PRIx64 "  %.9g\n"
                 "  0x%0*" PRIx64 "  %.9g\n"
                 "  %" PRIu64 "%s apart\n",
                 d->name, place, digits, d->bits[0], d->value[0], digits, d->bits[1], d->value[1],
                 d->ulps, d->a->dtype == EAGLE_I32 || d->a->dtype == EAGLE_I64 ? "" : " ulps");
        break;
    }
}

/* ---- reports ------------------------------------------------------------------------------- */

static eagle_status print_counts(job *j, eagle_error *err)
{
    const eagle_trace_comparison *c = &j->result;
    char line[300];
    eagle_status st = EAGLE_OK;

    snprintf(line, sizeof line, "%" PRId64 " of %" PRId64 " tensors differ\n", c->different,
             c->tensors);
    st = eg_sink_text(&j->sink, line, err);
    for (int32_t i = 0; st == EAGLE_OK && c->different > 0 && i < c->n_counts; i++) {
        const eagle_trace_count *k = &c->count[i];

        if (k->different == 0) {
            snprintf(line, sizeof line, "  %-16s same in %" PRId64 "\n", k->item, k->tensors);
        } else if (k->elements_different == 0) {
            snprintf(line, sizeof line, "  %-16s %" PRId64 " of %" PRId64 "\n", k->item,
                     k->different, k->tensors);
        } else {
            snprintf(line, sizeof line,
                     "  %-16s %" PRId64 " of %" PRId64 ", %" PRId64 " of %" PRId64
                     " elements, at most %" PRIu64 " apart\n",
                     k->item, k->different, k->tensors, k->elements_different, k->elements,
                     k->most_ulps);
        }
        st = eg_sink_text(&j->sink, line, err);
    }
    return st;
}

static eagle_status print_text(job *j, eagle_error *err)
{
    char text[800];
    eagle_status st = print_setup(j, err);

    say_first(text, sizeof text, &j->result.first);
    st = st == EAGLE_OK ? eg_sink_text(&j->sink, text, err) : st;
    return st == EAGLE_OK ? print_counts(j, err) : st;
}

/* Numbers of 64 bits are texts: few readers of JSON keep them. NULL without memory. */
static json_t *first_json(const eagle_trace_difference *d)
{
    static const char *const outcome[] = {"same", "missing", "shape", "digest", "value"};
    char bits[2][24];
    char ulps[24];

    if (d->outcome == EAGLE_TRACE_SAME) {
        return json_null();
    }
    if (d->outcome != EAGLE_TRACE_VALUE) {
        return json_pack("{s:s, s:s}", "tensor", d->name, "kind", outcome[d->outcome]);
    }
    snprintf(ulps, sizeof ulps, "%" PRIu64, d->ulps);
    for (int i = 0; i < 2; i++) {
        snprintf(bits[i], sizeof bits[i], "0x%0*" PRIx64, 2 * (int)eagle_dtype_size(d->a->dtype),
                 d->bits[i]);
    }
    return json_pack("{s:s, s:s, s:I, s:I, s:[s, s], s:s}", "tensor", d->name, "kind",
                     outcome[d->outcome], "row", (json_int_t)d->row, "column",
                     (json_int_t)d->column, "bits", bits[0], bits[1], "ulps", ulps);
}

static json_t *count_json(const eagle_trace_count *k)
{
    char ulps[24];

    snprintf(ulps, sizeof ulps, "%" PRIu64, k->most_ulps);
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:s}", "item", k->item, "tensors",
                     (json_int_t)k->tensors, "different", (json_int_t)k->different, "elements",
                     (json_int_t)k->elements, "elements_different",
                     (json_int_t)k->elements_different, "most_ulps", ulps);
}

static eagle_status print_json(job *j, eagle_error *err)
{
    const eagle_trace_comparison *c = &j->result;
    json_t *counts = json_array();
    json_t *doc = NULL;
    int bad = 0;
    eagle_status st = EAGLE_OK;

    for (int32_t i = 0; i < c->n_counts; i++) {
        bad |= json_array_append_new(counts, count_json(&c->count[i]));
    }
    doc = json_pack("{s:s, s:b, s:I, s:I, s:o, s:O}", "schema", "eagle.trace.diff/1", "same",
                    c->different == 0, "tensors", (json_int_t)c->tensors, "different",
                    (json_int_t)c->different, "first", first_json(&c->first), "counts", counts);
    st = doc != NULL && bad == 0
             ? eg_sink_json(&j->sink, doc, err)
             : eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the JSON document");
    json_decref(counts);
    json_decref(doc);
    return st;
}

eagle_status eg_cmd_trace_diff(const eg_options *opt, eagle_error *err)
{
    job j = {.opt = opt};
    eagle_status st = EAGLE_OK;

    if (opt->n_args != 2) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs two traces");
    }
    for (int i = 0; st == EAGLE_OK && i < 2; i++) {
        st = eagle_trace_open(&j.trace[i], opt->args[i], err);
    }
    st = st == EAGLE_OK ? eg_sink_open(&j.sink, NULL, err) : st;
    if (st == EAGLE_OK) {
        eagle_trace_compare(&j.result, j.trace[0], j.trace[1]);
        st = opt->format == EG_FORMAT_JSON ? print_json(&j, err) : print_text(&j, err);
    }
    st = st == EAGLE_OK ? eg_sink_commit(&j.sink, err) : st;
    if (st == EAGLE_OK && j.result.different > 0) {
        st = EAGLE_EFAILED; /* said already: without a message */
    }
    eg_sink_close(&j.sink);
    eagle_trace_free(j.trace[1]);
    eagle_trace_free(j.trace[0]);
    return st;
}
