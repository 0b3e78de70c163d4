/* SPDX-License-Identifier: MIT */
/* cmd_train_plot.c - the curves of a training, from its log. */
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/messages.h"
#include "cli/plot.h"

#include <math.h>
#include <stdlib.h>

/* What a row may tell; the first is what everything is drawn over. */
enum {
    STEP,
    LOSS,
    TOKEN_LOSS,
    FEATURE_LOSS,
    VAL_LOSS,
    RIGHT,
    VAL_RIGHT,
    ACCEPTANCE,
    ACCEPTANCE_LOW,
    ACCEPTANCE_HIGH,
    N_FIGURES
};

static const char *const figure_name[N_FIGURES] = {
    "step",  "loss",      "token_loss", "feature_loss",   "val_loss",
    "right", "val_right", "acceptance", "acceptance_low", "acceptance_high"};

typedef struct {
    double figure[N_FIGURES]; /* NaN: the row does not tell */
} row;

typedef struct {
    row *row; /* [n] by rising step */
    int32_t n;
    int32_t cap;
} training;

#define LARGEST 1e15 /* beyond it nothing is a figure of a training, and axes would overflow */

/* ---- the log ------------------------------------------------------------------------------- */

/* One figure of a line; a key that is missing, or null, leaves NaN. */
static eagle_status take_figure(double *out, const json_t *doc, const char *name, const char *where,
                                eagle_error *err)
{
    const json_t *value = json_object_get(doc, name);

    *out = NAN;
    if (value == NULL || json_is_null(value)) {
        return EAGLE_OK;
    }
    if (!json_is_number(value) || !(fabs(json_number_value(value)) <= LARGEST)) {
        return eg_cli_fail(err, EAGLE_EFORMAT, "%s: \"%s\" is not a number up to %g", where, name,
                           LARGEST);
    }
    *out = json_number_value(value);
    return EAGLE_OK;
}

/* The row of this step. A training that went on from a checkpoint repeats steps: rows from beyond
 * are those of the run that was lost. NULL without memory. */
static row *row_of(training *t, double step)
{
    while (t->n > 0 && t->row[t->n - 1].figure[STEP] > step) {
        t->n--;
    }
    if (t->n > 0 && t->row[t->n - 1].figure[STEP] == step) {
        return &t->row[t->n - 1];
    }
    if (t->n == t->cap) {
        const int32_t cap = t->cap > 0 ? 2 * t->cap : 1024;
        row *larger = realloc(t->row, (size_t)cap * sizeof *larger);

        if (larger == NULL) {
            return NULL;
        }
        t->row = larger;
        t->cap = cap;
    }
    for (int32_t f = 0; f < N_FIGURES; f++) {
        t->row[t->n].figure[f] = NAN;
    }
    return &t->row[t->n++];
}

static eagle_status take_line(void *ctx, const json_t *doc, const char *where, eagle_error *err)
{
    double figure[N_FIGURES];
    row *to = NULL;

    for (int32_t f = 0; f < N_FIGURES; f++) {
        eagle_status st = take_figure(&figure[f], doc, figure_name[f], where, err);

        if (st != EAGLE_OK) {
            return st;
        }
    }
    if (isnan(figure[STEP])) {
        return eg_cli_fail(err, EAGLE_EFORMAT, "%s: needs an object with \"step\"", where);
    }
    to = row_of(ctx, figure[STEP]);
    if (to == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "%s: no memory for more rows", where);
    }
    for (int32_t f = 0; f < N_FIGURES; f++) {
        to->figure[f] = isnan(figure[f]) ? to->figure[f] : figure[f];
    }
    return EAGLE_OK;
}

/* ---- the curves ---------------------------------------------------------------------------- */

/* What is drawn where. Colours differ in lightness too, and are seen on white and on black. */
static const struct {
    int32_t panel;
    int32_t figure;
    const char *name;
    const char *colour;
} drawn[] = {{0, LOSS, "training", "#3b82f6"},
             {0, TOKEN_LOSS, "tokens", "#e07b00"},
             {0, FEATURE_LOSS, "features", "#2f9e5b"},
             {0, VAL_LOSS, "held out", "#d6409f"},
             {1, RIGHT, "training", "#3b82f6"},
             {1, VAL_RIGHT, "held out", "#d6409f"},
             {2, ACCEPTANCE, "tokens per round, 95 %", "#e07b00"}};

#define N_DRAWN  ((int32_t)(sizeof drawn / sizeof drawn[0]))
#define N_PANELS 3

static const char *const panel_title[N_PANELS] = {"Loss", "First choice right",
                                                  "Acceptance length"};

/* The rows that tell the figure. An interval that a row lacks is the figure itself. */
static bool make_curve(eg_curve *out, const training *t, int32_t which)
{
    const int32_t figure = drawn[which].figure;
    double *space = calloc(4 * (size_t)t->n, sizeof *space);

    *out = (eg_curve){.name = drawn[which].name, .colour = drawn[which].colour, .x = space};
    if (space == NULL) {
        return false;
    }
    out->y = space + t->n;
    if (figure == ACCEPTANCE) {
        out->low = out->y + t->n;
        out->high = out->low + t->n;
    }
    for (int32_t i = 0; i < t->n; i++) {
        const double *f = t->row[i].figure;

        if (isnan(f[figure])) {
            continue;
        }
        out->x[out->n] = f[STEP];
        out->y[out->n] = f[figure];
        if (figure == ACCEPTANCE) {
            out->low[out->n] = isnan(f[ACCEPTANCE_LOW]) ? f[figure] : f[ACCEPTANCE_LOW];
            out->high[out->n] = isnan(f[ACCEPTANCE_HIGH]) ? f[figure] : f[ACCEPTANCE_HIGH];
        }
        out->n++;
    }
    return true;
}

static eagle_status draw(eg_sink *sink, const training *t, const char *path, eagle_error *err)
{
    eg_curve curve[N_DRAWN] = {0};
    eg_panel panel[N_PANELS] = {0};
    eagle_status st = EAGLE_OK;
    int32_t n_points = 0;

    for (int32_t i = 0; st == EAGLE_OK && i < N_DRAWN; i++) {
        eg_panel *to = &panel[drawn[i].panel];

        if (!make_curve(&curve[i], t, i)) {
            st = eg_cli_fail(err, EAGLE_ENOMEM, "no memory for %d points", t->n);
        }
        n_points += curve[i].n;
        to->title = panel_title[drawn[i].panel];
        to->curve = to->n == 0 ? &curve[i] : to->curve; /* a panel's curves stand together */
        to->n++;
    }
    if (st == EAGLE_OK && n_points == 0) {
        st = eg_cli_fail(err, EAGLE_EFORMAT,
                         "%s: no row tells a loss, an accuracy or an acceptance", path);
    }
    if (st == EAGLE_OK) {
        eg_plot_svg(sink, "step", panel, N_PANELS);
        st = eg_sink_commit(sink, err);
    }
    for (int32_t i = 0; i < N_DRAWN; i++) {
        free(curve[i].x);
    }
    return st;
}

eagle_status eg_cmd_train_plot(const eg_options *opt, eagle_error *err)
{
    training t = {0};
    eg_sink sink = {0};
    eagle_status st = EAGLE_OK;

    if (opt->n_args == 0) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs the log that --log wrote; - is stdin");
    }
    st = eg_jsonl_read(opt->args[0], take_line, &t, err);
    if (st == EAGLE_OK) {
        st = eg_sink_open(&sink, opt->output, err);
    }
    if (st == EAGLE_OK) {
        st = draw(&sink, &t, opt->args[0], err);
    }
    eg_sink_close(&sink);
    free(t.row);
    return st;
}
