/* SPDX-License-Identifier: MIT */
/* cmd_train_features.c - a target's features of texts, computed once and stored for `train
 * head`. */
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/messages.h"
#include "cli/train_texts.h"

#include <inttypes.h>
#include <stdio.h>

/* A signal ends the program at once: the file appears whole or not at all. */
static bool show(void *ctx, int64_t done, int64_t of)
{
    eg_progress_update(ctx, "features, token", done, of);
    return true;
}

static eagle_status write_features(const eg_options *opt, const eagle_model *model,
                                   const eagle_corpus *corpus, eagle_error *err)
{
    const eagle_features_options how = {.length = eg_texts_length(opt, model),
                                        .dtype = opt->dtype,
                                        .threads =
                                            EG_GIVEN(opt, EG_OPT_THREADS) ? opt->threads : 0};
    eg_progress progress;

    eg_progress_start(&progress, opt->quiet);

    eagle_status st = eagle_features_write(opt->output, model, corpus, &how, show, &progress, err);

    eg_progress_clear(&progress);
    return st;
}

eagle_status eg_cmd_train_features(const eg_options *opt, eagle_error *err)
{
    eagle_model *model = NULL;
    eagle_tokenizer *tokenizer = NULL;
    eagle_corpus *corpus = NULL;
    const eagle_config *c = NULL;
    eagle_status st = EAGLE_OK;

    if (opt->model == NULL) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs a model: -m DIR");
    }
    if (opt->output == NULL) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs a file for the features: -o FILE");
    }
    st = eagle_model_open(&model, opt->model, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    st = eg_tokenizer_find(&tokenizer, opt->model, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    c = eagle_model_config(model);
    st = eg_corpus_from(&corpus, opt, tokenizer, c->vocab, c->n_end > 0 ? c->end[0] : -1, err);
    if (st == EAGLE_OK) {
        st = write_features(opt, model, corpus, err);
    }
    if (st == EAGLE_OK) {
        printf("%s: features of %" PRId32 " documents, %" PRId64 " tokens\n", opt->output,
               eagle_corpus_count(corpus), eagle_corpus_tokens(corpus));
    }

done:
    eagle_corpus_free(corpus);
    eagle_tokenizer_free(tokenizer);
    eagle_model_free(model);
    return st;
}
