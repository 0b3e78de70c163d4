/* SPDX-License-Identifier: MIT */
/* trace_view.c - rounds of a trace for people. */
#include "cli/trace_view.h"

#include "cli/engine.h"
#include "cli/messages.h"

#include <stdlib.h>
#include <string.h>

eagle_status eg_trace_viewer_open(eg_trace_viewer *out, const eg_options *opt, eagle_error *err)
{
    *out = (eg_trace_viewer){0};
    if (opt->n_args != 1) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs a trace, as trace record writes one");
    }
    eagle_status st = eagle_trace_open(&out->trace, opt->args[0], err);

    if (st == EAGLE_OK && opt->model != NULL) {
        st = eg_tokenizer_find(&out->tokenizer, opt->model, err);
    }
    return st;
}

void eg_trace_viewer_close(eg_trace_viewer *viewer)
{
    free(viewer->logits);
    eagle_tokenizer_free(viewer->tokenizer);
    eagle_trace_free(viewer->trace);
    *viewer = (eg_trace_viewer){0};
}

/* eagle_verify_mode by its name. */
static int32_t mode_of(const char *name)
{
    for (int32_t mode = EAGLE_VERIFY_GREEDY; mode <= EAGLE_VERIFY_REJECTION; mode++) {
        if (strcmp(eagle_verify_mode_name((eagle_verify_mode)mode), name) == 0) {
            return mode;
        }
    }
    return EG_MODE_OTHER;
}

eagle_status eg_trace_viewer_round(eg_round_view *out, eg_trace_viewer *viewer, int32_t r,
                                   eagle_error *err)
{
    const eagle_trace_manifest *m = eagle_trace_info(viewer->trace);
    const eagle_trace_round *round = eagle_trace_round_at(viewer->trace, r);

    if (round == NULL) {
        return eg_cli_fail(err, EAGLE_EINVAL, "round %d: the trace has the trees of %d rounds%s", r,
                           m->level < 2 ? 0 : m->end_round - m->first_round,
                           m->level < 2 ? ": its level is below 2" : "");
    }
    *out = (eg_round_view){.tree = &round->tree,
                           .vocab = m->vocab,
                           .n_path = round->n_path,
                           .path_token = round->path_token,
                           .path_node = round->path_node,
                           .path_row = round->path_row,
                           .temperature = strtof(m->temperature, NULL),
                           .mode = mode_of(m->verify),
                           .scores = round->tree.score != NULL,
                           .tokenizer = viewer->tokenizer};
    if (round->logits != NULL) {
        const size_t n = (size_t)round->tree.n_nodes * (size_t)m->vocab; /* the file has them */
        float *larger = realloc(viewer->logits, n * sizeof *larger);

        if (larger == NULL) {
            return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the logits of round %d", r);
        }
        viewer->logits = larger;
        eagle_trace_floats(larger, round->logits, 0, (int64_t)n);
        out->logits = larger;
    }
    return EAGLE_OK;
}

const char *eg_foreign_text(char out[EG_FOREIGN_TEXT], const char *text)
{
    size_t n = 0;

    for (; text[n] != '\0' && n < EG_FOREIGN_TEXT - 4; n++) {
        const unsigned char c = (unsigned char)text[n];

        out[n] = c < ' ' || c >= 0x7f ? '?' : text[n]; /* ASCII is enough for names */
    }
    strcpy(out + n, text[n] != '\0' ? "..." : "");
    return out;
}
