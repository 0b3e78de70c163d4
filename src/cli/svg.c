/* SPDX-License-Identifier: MIT */
/* svg.c - what drawings share. */
#include "cli/svg.h"

void eg_svg_begin(FILE *out, int32_t width, int32_t height)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"13\" fill=\"" EG_SVG_GREY
            "\">\n",
            width, height, width, height);
}

void eg_svg_end(FILE *out)
{
    fprintf(out, "</svg>\n");
}

void eg_svg_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out); break;
        }
    }
}
