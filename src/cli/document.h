/* SPDX-License-Identifier: MIT */
/* document.h - what generate reports: the JSON document and the closing line. */
#ifndef EG_CLI_DOCUMENT_H
#define EG_CLI_DOCUMENT_H

#include "cli/generation.h"

/* The document "eagle.generate/1" of one prompt. `rounds` may be NULL. EAGLE_ENOMEM. */
eagle_status eg_document(json_t **out, const eg_engine *e, const eg_options *opt,
                         const eg_generation *g, const eg_prompt *prompt, const eg_text *text,
                         json_t *rounds);

/* The closing line on stderr. */
void eg_closing_line(const eg_engine *e, const eg_generation *total, const eg_options *opt);

/* A list of token ids; NULL without memory. */
json_t *eg_json_ids(const int32_t *id, int32_t n);

#endif
