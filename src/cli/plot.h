/* SPDX-License-Identifier: MIT */
/* plot.h - curves as SVG: panels one below the other that share their horizontal axis. */
#ifndef EG_CLI_PLOT_H
#define EG_CLI_PLOT_H

#include "cli/sink.h"

#include <stdint.h>

/* Points by rising x. */
typedef struct {
    const char *name;
    const char *colour; /* #rrggbb                                             */
    double *x;          /* [n]                                                 */
    double *y;          /* [n]                                                 */
    double *low;        /* [n] an interval around y, drawn as a band; NULL: none */
    double *high;       /* [n]                                                 */
    int32_t n;
} eg_curve;

typedef struct {
    const char *title;
    const eg_curve *curve; /* [n] those without points are left out */
    int32_t n;
} eg_panel;

/* Writes a document without scripts, fonts or links; panels without a curve are left out. The
 * background is transparent and the colours are between light and dark. Numbers are finite. */
void eg_plot_svg(eg_sink *sink, const char *x_title, const eg_panel *panel, int32_t n_panels);

#endif
