/* SPDX-License-Identifier: MIT */
/* cmd_trace_draw.c - a round as SVG: the tree from left to right, what became of each node, and the
 * token that follows the accepted path.
 *
 * Boxes have pale fills and dark text, so that they are read on white and on black. */
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/svg.h"
#include "cli/text.h"
#include "cli/trace_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MARGIN     24.0
#define TITLE      64.0 /* height of the title and what is said of the run */
#define LEGEND     48.0 /* height of the legend                            */
#define BOX        46.0 /* height of a box                                 */
#define PITCH      58.0 /* from one row to the next                        */
#define GAP        52.0 /* between columns                                 */
#define NARROWEST  156.0
#define LONGEST    22 /* characters of a token that are shown            */
#define SMALLEST   620.0
#define TEXT_COLOR "#1f2328"
#define DIM_COLOR  "#57606a"

/* How a node looks; the last one is what the round emits behind its path. */
typedef struct {
    const char *stroke;
    const char *fill;
    const char *dash; /* of its edge */
    double width;     /* of its edge */
    const char *name; /* in the legend; NULL: as another */
} look;

#define EMITTED (EG_FATE_NOT_WALKED + 1)
static const look looks[] = {
    [EG_FATE_ROOT] = {EG_SVG_BLUE, "#e8f0fe", "none", 1.5, NULL},
    [EG_FATE_ACCEPTED] = {EG_SVG_GREEN, "#e6f5ec", "none", 3.0, "accepted"},
    [EG_FATE_REFUSED] = {"#d1453b", "#fdeceb", "5 4", 1.5, "refused"},
    [EG_FATE_NOT_TRIED] = {EG_SVG_GREY, "#f3f3f3", "none", 1.0, NULL},
    [EG_FATE_NOT_REACHED] = {EG_SVG_GREY, "#f3f3f3", "none", 1.0, "not reached"},
    [EG_FATE_NOT_WALKED] = {EG_SVG_GREY, "#f3f3f3", "none", 1.0, NULL},
    [EMITTED] = {EG_SVG_ORANGE, "#fff3e0", "none", 3.0, "the target's own token"},
};

/* One drawing. Item n_nodes is the token that is emitted behind the path. */
typedef struct {
    const eg_round_view *v;
    FILE *out;
    double *y;       /* [n_nodes + 1] centre of a box                        */
    double *lowest;  /* [n_nodes] of the node's children so far; 0: none     */
    double *highest; /* [n_nodes]                                            */
    double width;    /* of a box                                             */
    int32_t columns;
    int32_t rows;
} drawing;

/* ---- layout -------------------------------------------------------------------------------- */

static void note_child(drawing *d, int32_t parent, double y)
{
    d->lowest[parent] = d->lowest[parent] == 0.0 ? y : d->lowest[parent];
    d->highest[parent] = y;
}

static double next_row(drawing *d)
{
    return TITLE + MARGIN + BOX / 2.0 + PITCH * d->rows++;
}

/* The next child of `at` behind child `after` (0: the first), walked or not; -1: none. */
static int32_t next_child(const eagle_tree *tree, int32_t at, int32_t after)
{
    for (int32_t i = (after > at ? after : at) + 1; i < tree->n_nodes; i++) {
        if (tree->parent[i] == at) {
            return i;
        }
    }
    return -1;
}

/* Leaves get a row each, in the order of a walk through the tree; the others stand in the middle of
 * their children. */
static void place_rows(drawing *d)
{
    const eagle_tree *tree = d->v->tree;
    const int32_t end = d->v->path_row[d->v->n_path - 1];
    int32_t at = 0;
    int32_t after = 0; /* the child of `at` that was placed last, 0: none */

    while (at >= 0) {
        const int32_t child = next_child(tree, at, after);

        if (child > 0) {
            at = child;
            after = 0;
            continue;
        }
        if (at == end) {
            d->y[tree->n_nodes] = next_row(d);
            note_child(d, at, d->y[tree->n_nodes]);
        }
        d->y[at] = d->lowest[at] == 0.0 ? next_row(d) : (d->lowest[at] + d->highest[at]) / 2.0;
        after = at;
        at = tree->parent[at];
        if (at >= 0) {
            note_child(d, at, d->y[after]);
        }
    }
}

static double left_of(const drawing *d, int32_t depth)
{
    return MARGIN + depth * (d->width + GAP);
}

/* ---- boxes --------------------------------------------------------------------------------- */

/* The token in quotes, without its number, cut where it is long. */
static void draw_token(const drawing *d, int32_t token)
{
    char text[EG_TOKEN_TEXT];
    int32_t shown = 0;
    size_t size = 0;

    eg_token_text(text, d->v->tokenizer, token);
    if (text[0] == '"') { /* "upon" (407) */
        *strrchr(text, ' ') = '\0';
    }
    while (text[size] != '\0' && shown < LONGEST) {
        size++;
        while (((unsigned char)text[size] & 0xc0) == 0x80) {
            size++;
        }
        shown++;
    }
    if (text[size] != '\0') {
        strcpy(text + size, "...");
    }
    eg_svg_text(d->out, text);
}

static void draw_probability(const drawing *d, const char *name, double p)
{
    if (p > 1.0) { /* a trace may hold any scores */
        fprintf(d->out, "%s above 1  ", name);
    } else if (!isnan(p)) {
        fprintf(d->out, "%s %.3f  ", name, p);
    }
}

/* A bar as long as a probability. */
static void draw_bar(const drawing *d, double x, double y, double p, const char *colour)
{
    if (!isnan(p)) {
        fprintf(
            d->out,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"2.5\" rx=\"1\" fill=\"%s\"/>\n",
            x + 8.0, y, fmin(p, 1.0) * (d->width - 16.0), colour);
    }
}

/* What stands in a box. */
typedef struct {
    int32_t depth;
    double y;
    int32_t token;
    int32_t fate; /* eg_fate, or EMITTED */
    const char *title;
    const char *corner; /* its number, or what it is */
    double draft;
    double target;
} box;

static void draw_box(const drawing *d, const box *b)
{
    const look *l = &looks[b->fate];
    const double x = left_of(d, b->depth);
    const double top = b->y - BOX / 2.0;
    const bool strong = b->fate == EG_FATE_ACCEPTED || b->fate >= EMITTED || b->fate == 0;

    fprintf(d->out, "<g><title>");
    eg_svg_text(d->out, b->title);
    fprintf(d->out,
            "</title>\n"
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.0f\" rx=\"7\" fill=\"%s\" "
            "stroke=\"%s\" stroke-width=\"%.1f\"/>\n"
            "<text x=\"%.1f\" y=\"%.1f\" fill=\"" TEXT_COLOR "\"%s>",
            x, top, d->width, BOX, l->fill, l->stroke, strong ? 2.0 : 1.0, x + 8.0, top + 17.0,
            strong ? " font-weight=\"bold\"" : "");
    draw_token(d, b->token);
    fprintf(d->out,
            "</text>\n<text x=\"%.1f\" y=\"%.1f\" font-size=\"10\" text-anchor=\"end\" "
            "fill=\"" DIM_COLOR "\">%s</text>\n"
            "<text x=\"%.1f\" y=\"%.1f\" font-size=\"11\" fill=\"" DIM_COLOR "\">",
            x + d->width - 7.0, top + 14.0, b->corner, x + 8.0, top + 32.0);
    draw_probability(d, "draft", b->draft);
    draw_probability(d, "target", b->target);
    fprintf(d->out, "</text>\n");
    draw_bar(d, x, top + 36.5, b->draft, EG_SVG_BLUE);
    draw_bar(d, x, top + 40.5, b->target, EG_SVG_ORANGE);
    fprintf(d->out, "</g>\n");
}

static void draw_edge(const drawing *d, int32_t parent, int32_t depth, double y, int32_t fate)
{
    const look *l = &looks[fate];
    const double from = left_of(d, depth) - GAP;
    const double to = left_of(d, depth);

    fprintf(d->out,
            "<path d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f\" fill=\"none\" stroke=\"%s\" "
            "stroke-width=\"%.1f\" stroke-dasharray=\"%s\"/>\n",
            from, d->y[parent], from + GAP / 2.0, d->y[parent], to - GAP / 2.0, y, to, y, l->stroke,
            l->width, l->dash);
}

static void draw_node(const drawing *d, int32_t node)
{
    const eagle_tree *tree = d->v->tree;
    const int32_t parent = tree->parent[node];
    char reason[EG_REASON_TEXT];
    char corner[16];
    const box b = {.depth = tree->depth[node],
                   .y = d->y[node],
                   .token = tree->token[node],
                   .fate = (int32_t)eg_round_fate(d->v, node),
                   .title = eg_round_reason(reason, d->v, node),
                   .corner = corner,
                   .draft = eg_round_draft(d->v, node),
                   .target = node > 0 ? eg_round_target(d->v, parent, tree->token[node]) : NAN};

    snprintf(corner, sizeof corner, "%d", node);
    draw_box(d, &b);
}

/* The token behind the path. */
static void draw_emitted(const drawing *d)
{
    const eg_round_view *v = d->v;
    const int32_t last = v->n_path - 1;
    const int32_t row = v->path_row[last];
    const char *name = eagle_source_name(eg_round_source(v, last));
    const box b = {.depth = v->tree->depth[row] + 1,
                   .y = d->y[v->tree->n_nodes],
                   .token = v->path_token[last],
                   .fate = EMITTED,
                   .title = name,
                   .corner = name,
                   .draft = NAN,
                   .target = eg_round_target(v, row, v->path_token[last])};

    draw_edge(d, row, b.depth, b.y, EMITTED);
    draw_box(d, &b);
}

/* ---- around the tree ----------------------------------------------------------------------- */

static void draw_title(const drawing *d, const eagle_trace_manifest *m, int32_t r)
{
    char text[2][EG_FOREIGN_TEXT];

    fprintf(d->out,
            "<text x=\"%.0f\" y=\"32\" font-size=\"17\" font-weight=\"bold\">Round %d: %d drafted, "
            "%d accepted</text>\n<text x=\"%.0f\" y=\"54\">",
            MARGIN, r, d->v->tree->n_verify - 1, d->v->n_path - 1, MARGIN);
    fprintf(d->out, "root at position %d; verification ", d->v->tree->pos);
    eg_svg_text(d->out, eg_foreign_text(text[0], m->verify[0] != '\0' ? m->verify : "unknown"));
    fprintf(d->out, ", temperature ");
    eg_svg_text(d->out,
                eg_foreign_text(text[1], m->temperature[0] != '\0' ? m->temperature : "unknown"));
    fprintf(d->out, "</text>\n");
}

static void draw_legend(const drawing *d, double y)
{
    double x = MARGIN;

    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        const look *l = &looks[i];

        if (l->name != NULL) {
            fprintf(
                d->out,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"20\" height=\"13\" rx=\"3\" fill=\"%s\" "
                "stroke=\"%s\" stroke-dasharray=\"%s\"/>\n<text x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                x, y - 11.0, l->fill, l->stroke, l->dash, x + 27.0, y, l->name);
            x += 27.0 + EG_SVG_LETTER * (double)strlen(l->name) + 18.0;
        }
    }
    fprintf(d->out,
            "<path d=\"M%.1f %.1fh20\" stroke=\"" EG_SVG_BLUE "\" stroke-width=\"2.5\"/>\n"
            "<path d=\"M%.1f %.1fh20\" stroke=\"" EG_SVG_ORANGE "\" stroke-width=\"2.5\"/>\n"
            "<text x=\"%.1f\" y=\"%.1f\">draft, target</text>\n",
            x, y - 7.0, x, y - 2.5, x + 27.0, y);
}

static void draw_all(drawing *d, const eagle_trace_manifest *m, int32_t r)
{
    const eagle_tree *tree = d->v->tree;
    double width;
    double height;

    place_rows(d);
    width = left_of(d, d->columns) - GAP + MARGIN;
    width = width > SMALLEST ? width : SMALLEST;
    height = TITLE + MARGIN + PITCH * d->rows + LEGEND;
    eg_svg_begin(d->out, (int32_t)ceil(width), (int32_t)ceil(height));
    draw_title(d, m, r);
    for (int32_t weight = 0; weight < 2; weight++) { /* the path's edges above all others */
        for (int32_t i = 1; i < tree->n_nodes; i++) {
            const eg_fate fate = eg_round_fate(d->v, i);

            if ((fate == EG_FATE_ACCEPTED) == (weight == 1)) {
                draw_edge(d, tree->parent[i], tree->depth[i], d->y[i], (int32_t)fate);
            }
        }
    }
    draw_emitted(d);
    for (int32_t i = 0; i < tree->n_nodes; i++) {
        draw_node(d, i);
    }
    draw_legend(d, height - 18.0);
    eg_svg_end(d->out);
}

/* ---- the command --------------------------------------------------------------------------- */

/* Columns, and the width that the longest token needs. */
static void measure(drawing *d)
{
    const eagle_tree *tree = d->v->tree;
    int32_t longest = 0;

    d->columns = tree->depth[d->v->path_row[d->v->n_path - 1]] + 2;
    for (int32_t i = 0; i < tree->n_nodes; i++) {
        char text[EG_TOKEN_TEXT];
        const int32_t n = eg_text_width(eg_token_text(text, d->v->tokenizer, tree->token[i]));

        longest = n > longest ? n : longest;
        d->columns = tree->depth[i] + 1 > d->columns ? tree->depth[i] + 1 : d->columns;
    }
    longest = longest < LONGEST + 3 ? longest : LONGEST + 3;
    d->width = EG_SVG_LETTER * longest + 30.0;
    d->width = d->width > NARROWEST ? d->width : NARROWEST;
}

static eagle_status draw(eg_trace_viewer *viewer, eg_sink *sink, int32_t r, eagle_error *err)
{
    eg_round_view view;
    eagle_status st = eg_trace_viewer_round(&view, viewer, r, err);

    if (st != EAGLE_OK) {
        return st;
    }
    const size_t n = (size_t)view.tree->n_nodes;
    double *space = calloc(3 * n + 1, sizeof *space);
    drawing d = {.v = &view, .out = sink->file, .y = space};

    if (space == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory to draw %zu nodes", n);
    }
    d.lowest = space + n + 1;
    d.highest = space + 2 * n + 1;
    measure(&d);
    draw_all(&d, eagle_trace_info(viewer->trace), r);
    free(space);
    return EAGLE_OK;
}

eagle_status eg_cmd_trace_draw(const eg_options *opt, eagle_error *err)
{
    eg_trace_viewer viewer = {0};
    eg_sink sink = {0};
    eagle_status st = eg_trace_viewer_open(&viewer, opt, err);

    st = st == EAGLE_OK ? eg_sink_open(&sink, opt->output, err) : st;
    st = st == EAGLE_OK ? draw(&viewer, &sink, opt->trace.round, err) : st;
    st = st == EAGLE_OK ? eg_sink_commit(&sink, err) : st;
    eg_sink_close(&sink);
    eg_trace_viewer_close(&viewer);
    return st;
}
