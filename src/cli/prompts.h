/* SPDX-License-Identifier: MIT */
/* prompts.h - prompts from the command line, from files, as text or as token ids. */
#ifndef EG_CLI_PROMPTS_H
#define EG_CLI_PROMPTS_H

#include "cli/input.h"
#include "cli/options.h"

/* One prompt as tokens. */
typedef struct {
    int32_t *ids; /* [n] */
    int32_t n;
} eg_prompt;

typedef struct {
    eg_prompt *item; /* [n] */
    int32_t n;
} eg_prompts;

/* EAGLE_EINVAL when two sources of a prompt are given. */
eagle_status eg_prompts_check(const eg_options *opt, eagle_error *err);

/* Reads the prompts that `opt` names; without any, one empty text. `tokenizer` may be NULL, then
 * a text is EAGLE_EREAD. Every prompt has at least one token, in [0, vocab): else EAGLE_EINVAL,
 * EAGLE_EFORMAT where a file was wrong, or EAGLE_EFIT where the tokenizer gave an id that the model
 * has not. Free with eg_prompts_free(), also after a failure. */
eagle_status eg_prompts_read(eg_prompts *out, const eg_options *opt,
                             const eagle_tokenizer *tokenizer, int32_t vocab, eagle_error *err);
void eg_prompts_free(eg_prompts *prompts);

/* Reads ids with blanks between them, or one comma. EAGLE_EINVAL; `what` names the source. */
eagle_status eg_ids_parse(int32_t **ids, int32_t *n, const char *text, size_t size,
                          const char *what, eagle_error *err);

#endif
