/* SPDX-License-Identifier: MIT */
/* svg.h - what drawings share: a document without scripts, fonts or links, on a transparent
 * background, in colours that are seen on white and on black. Lengths are in pixels, y grows
 * downwards. */
#ifndef EG_CLI_SVG_H
#define EG_CLI_SVG_H

#include <stdint.h>
#include <stdio.h>

#define EG_SVG_GREY   "#7a7a7a" /* 4.3 : 1 against white, 4.9 : 1 against black */
#define EG_SVG_BLUE   "#3b82f6"
#define EG_SVG_ORANGE "#e07b00"
#define EG_SVG_GREEN  "#2f9e5b"
#define EG_SVG_PINK   "#d6409f"

/* Width of a letter, about, at 13 pixels. */
#define EG_SVG_LETTER 7.2

/* Begins and ends a document of that size. */
void eg_svg_begin(FILE *out, int32_t width, int32_t height);
void eg_svg_end(FILE *out);

/* Writes a text's characters as XML: <, >, & and quotes escaped, control characters as '?'. The
 * text is UTF-8. */
void eg_svg_text(FILE *out, const char *text);

#endif
