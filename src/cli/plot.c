/* SPDX-License-Identifier: MIT */
/* plot.c - curves as SVG. Lengths are in pixels, y grows downwards. */
#include "cli/plot.h"

#include "cli/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WIDTH   800
#define LEFT    70  /* of the drawing: tick labels stand before it */
#define RIGHT   780 /* its other end                               */
#define TITLE   40  /* height of a panel's title and legend        */
#define HEIGHT  200 /* of a panel's drawing                        */
#define FOOT    50  /* tick labels and title of the common axis    */
#define MOST    600 /* points of a curve; more are averaged        */
#define N_TICKS 5

/* Round numbers from `low` to `high`, which enclose what is drawn. */
typedef struct {
    double low;
    double high;
    double step;
    int decimals;
} axis;

typedef struct {
    FILE *out;
    axis x;
    axis y;
    double top; /* of the panel's drawing */
} drawing;

/* ---- axes ---------------------------------------------------------------------------------- */

/* 1, 2 or 5 times a power of ten, so that about N_TICKS of them make `range`. */
static double round_step(double range, int *decimals)
{
    const double power = pow(10.0, floor(log10(range / N_TICKS)));
    const double share = range / N_TICKS / power;
    const double step = share < 1.5 ? 1.0 : share < 3.5 ? 2.0 : share < 7.5 ? 5.0 : 10.0;
    const double places = -floor(log10(step * power) + 1e-9);

    *decimals = places > 0.0 ? (int)places : 0;
    return step * power;
}

static axis make_axis(double low, double high)
{
    axis a;

    if (high - low <= 1e-9 * fabs(high)) { /* one value: room around it */
        const double room = high != 0.0 ? 0.1 * fabs(high) : 1.0;

        low -= room;
        high += room;
    }
    a.step = round_step(high - low, &a.decimals);
    a.low = floor(low / a.step + 1e-9) * a.step;
    a.high = ceil(high / a.step - 1e-9) * a.step;
    return a;
}

static double at_x(const drawing *d, double x)
{
    return LEFT + (x - d->x.low) / (d->x.high - d->x.low) * (RIGHT - LEFT);
}

static double at_y(const drawing *d, double y)
{
    return d->top + (d->y.high - y) / (d->y.high - d->y.low) * HEIGHT;
}

static void widen(double *low, double *high, const double *value, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        *low = value[i] < *low ? value[i] : *low;
        *high = value[i] > *high ? value[i] : *high;
    }
}

static axis axis_of_y(const eg_panel *panel)
{
    double low = HUGE_VAL;
    double high = -HUGE_VAL;

    for (int32_t i = 0; i < panel->n; i++) {
        const eg_curve *c = &panel->curve[i];

        widen(&low, &high, c->y, c->n);
        if (c->low != NULL) {
            widen(&low, &high, c->low, c->n);
            widen(&low, &high, c->high, c->n);
        }
    }
    return make_axis(low, high);
}

static axis axis_of_x(const eg_panel *panel, int32_t n_panels)
{
    double low = HUGE_VAL;
    double high = -HUGE_VAL;

    for (int32_t p = 0; p < n_panels; p++) {
        for (int32_t i = 0; i < panel[p].n; i++) {
            widen(&low, &high, panel[p].curve[i].x, panel[p].curve[i].n);
        }
    }
    return make_axis(low, high);
}

static int32_t ticks(const axis *a)
{
    return (int32_t)lround((a->high - a->low) / a->step);
}

static double tick(const axis *a, int32_t i)
{
    const double value = a->low + i * a->step;

    return fabs(value) < 1e-9 * a->step ? 0.0 : value; /* no -0 */
}

static void draw_y_axis(const drawing *d)
{
    for (int32_t i = 0; i <= ticks(&d->y); i++) {
        const double y = at_y(d, tick(&d->y, i));

        fprintf(d->out,
                "<path d=\"M%d %.1fH%d\" stroke=\"" EG_SVG_GREY "\" stroke-opacity=\"0.3\"/>\n"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.*f</text>\n",
                LEFT, y, RIGHT, LEFT - 8, y + 4.0, d->y.decimals, tick(&d->y, i));
    }
}

static void draw_x_axis(const drawing *d, const char *title)
{
    const double bottom = d->top + HEIGHT;

    for (int32_t i = 0; i <= ticks(&d->x); i++) {
        const double x = at_x(d, tick(&d->x, i));

        fprintf(d->out,
                "<path d=\"M%.1f %.1fv6\" stroke=\"" EG_SVG_GREY "\"/>\n"
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.*f</text>\n",
                x, bottom, x, bottom + 20.0, d->x.decimals, tick(&d->x, i));
    }
    fprintf(d->out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
            (LEFT + RIGHT) / 2, bottom + 40.0, title);
}

/* ---- curves -------------------------------------------------------------------------------- */

/* Curves of many points are drawn by the means of as many neighbours as it takes. */
static double mean(const double *value, int32_t from, int32_t n)
{
    double sum = 0.0;

    for (int32_t i = 0; i < n; i++) {
        sum += value[from + i];
    }
    return sum / n;
}

/* Appends the points (x, y) to a path, from the first to the last or the other way. */
static void draw_points(const drawing *d, const eg_curve *c, const double *y, bool back)
{
    const int32_t group = (c->n + MOST - 1) / MOST;
    const int32_t n = (c->n + group - 1) / group;

    for (int32_t i = 0; i < n; i++) {
        const int32_t from = (back ? n - 1 - i : i) * group;
        const int32_t size = c->n - from < group ? c->n - from : group;

        fprintf(d->out, "%c%.1f %.1f", i == 0 && !back ? 'M' : 'L', at_x(d, mean(c->x, from, size)),
                at_y(d, mean(y, from, size)));
    }
}

#define FEW 40 /* points of a curve that are shown one by one */

static void draw_curve(const drawing *d, const eg_curve *c)
{
    if (c->low != NULL) {
        fprintf(d->out, "<path d=\"");
        draw_points(d, c, c->low, false);
        draw_points(d, c, c->high, true);
        fprintf(d->out, "Z\" fill=\"%s\" fill-opacity=\"0.2\"/>\n", c->colour);
    }
    fprintf(d->out, "<path d=\"");
    draw_points(d, c, c->y, false);
    fprintf(d->out, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", c->colour);
    for (int32_t i = 0; c->n <= FEW && i < c->n; i++) {
        fprintf(d->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\" fill=\"%s\"/>\n",
                at_x(d, c->x[i]), at_y(d, c->y[i]), c->colour);
    }
}

/* The title, and behind it what each colour means. */
static void draw_legend(const drawing *d, const eg_panel *panel)
{
    const double y = d->top - 14.0;
    double x = LEFT + EG_SVG_LETTER * (double)strlen(panel->title) + 30.0;

    fprintf(d->out, "<text x=\"%d\" y=\"%.1f\" font-weight=\"bold\">%s</text>\n", LEFT, y,
            panel->title);
    for (int32_t i = 0; i < panel->n; i++) {
        const eg_curve *c = &panel->curve[i];

        if (c->n > 0) {
            fprintf(d->out,
                    "<path d=\"M%.1f %.1fh18\" stroke=\"%s\" stroke-width=\"3\"/>\n"
                    "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                    x, y - 4.0, c->colour, x + 24.0, y, c->name);
            x += 24.0 + EG_SVG_LETTER * (double)strlen(c->name) + 20.0;
        }
    }
}

static bool has_points(const eg_panel *panel)
{
    for (int32_t i = 0; i < panel->n; i++) {
        if (panel->curve[i].n > 0) {
            return true;
        }
    }
    return false;
}

void eg_plot_svg(eg_sink *sink, const char *x_title, const eg_panel *panel, int32_t n_panels)
{
    drawing d = {.out = sink->file, .x = axis_of_x(panel, n_panels)};
    int32_t shown = 0;

    for (int32_t p = 0; p < n_panels; p++) {
        shown += has_points(&panel[p]) ? 1 : 0;
    }
    const int32_t height = shown * (TITLE + HEIGHT) + FOOT;

    eg_svg_begin(d.out, WIDTH, height);
    for (int32_t p = 0; p < n_panels; p++) {
        if (has_points(&panel[p])) {
            d.top += TITLE;
            d.y = axis_of_y(&panel[p]);
            draw_legend(&d, &panel[p]);
            draw_y_axis(&d);
            for (int32_t i = 0; i < panel[p].n; i++) {
                if (panel[p].curve[i].n > 0) {
                    draw_curve(&d, &panel[p].curve[i]);
                }
            }
            d.top += HEIGHT;
        }
    }
    d.top -= HEIGHT;
    draw_x_axis(&d, x_title);
    eg_svg_end(d.out);
}
