/* SPDX-License-Identifier: MIT */
/* cmd_train_target.c - a Llama-architecture target from texts: its tokenizer, then its network. */
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/messages.h"
#include "cli/prompts.h"
#include "cli/signals.h"
#include "cli/sink.h"
#include "cli/train_run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Everything that one run of the command owns. */
typedef struct {
    const eg_options *opt;
    eagle_tokenizer *tokenizer; /* NULL: the texts are ids */
    eagle_model *start;         /* of --init               */
    eagle_config config;
    eg_train_texts texts;
    eg_train_run training;
} job;

static const char *const tokenizer_files[] = {"tokenizer.json", "tokenizer_config.json"};

#define N_TOKENIZER_FILES (sizeof tokenizer_files / sizeof tokenizer_files[0])

/* ---- options ----------------------------------------------------------------------------- */

/* EAGLE_EINVAL when an option of [first, last] stands beside one that settles what it asks for. */
static eagle_status refuse_beside(const char *settled, const eg_options *opt, int32_t first,
                                  int32_t last, eagle_error *err)
{
    for (int32_t i = first; i <= last; i++) {
        if (EG_GIVEN(opt, i)) {
            return eg_cli_fail(err, EAGLE_EINVAL, "--%s and --%s: give only one",
                               eg_option_at(i)->name, settled);
        }
    }
    return EAGLE_OK;
}

/* EAGLE_EINVAL for a shape that no network has. */
static eagle_status check_shape(const eg_net_options *net, eagle_error *err)
{
    if (net->dim % net->heads != 0 || net->dim / net->heads % 2 != 0) {
        return eg_cli_fail(err, EAGLE_EINVAL,
                           "--dim %d: needs to be --heads, %d, times an even number", net->dim,
                           net->heads);
    }
    if (net->tied && net->untied) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--tied and --untied: give only one");
    }
    return EAGLE_OK;
}

/* EAGLE_EINVAL for a token that begins or ends texts which are no ids, or that is none of them. */
static eagle_status check_token(const eg_options *opt, int32_t option, int32_t id, eagle_error *err)
{
    const char *name = eg_option_at(option)->name;

    if (!EG_GIVEN(opt, option)) {
        return EAGLE_OK;
    }
    if (opt->data.file.n > 0 && eg_texts_are_plain(opt)) {
        return eg_cli_fail(err, EAGLE_EINVAL,
                           "--%s: for texts that are ids; these have a tokenizer", name);
    }
    if (id >= opt->net.vocab) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--%s %d: --vocab is %d", name, id, opt->net.vocab);
    }
    return EAGLE_OK;
}

/* Before anything is made: needs no file. */
static eagle_status check(const eg_options *opt, eagle_error *err)
{
    eagle_status st = eg_train_run_check(opt, err);

    if (st == EAGLE_OK && opt->init != NULL) { /* its network goes on as it is */
        st = refuse_beside("init", opt, EG_OPT_DIM, EG_OPT_UNTIED, err);
    }
    if (st == EAGLE_OK && opt->tokenizer != NULL) {
        st = refuse_beside("tokenizer", opt, EG_OPT_VOCAB, EG_OPT_EOS_ID, err);
    }
    if (st == EAGLE_OK) {
        st = check_shape(&opt->net, err);
    }
    if (st == EAGLE_OK) {
        st = check_token(opt, EG_OPT_BOS_ID, opt->net.bos_id, err);
    }
    return st == EAGLE_OK ? check_token(opt, EG_OPT_EOS_ID, opt->net.eos_id, err) : st;
}

/* ---- the tokenizer ----------------------------------------------------------------------- */

/* Copies DIR/NAME into --out, where there is such a file. */
static eagle_status copy_file(const char *to, const char *from, const char *name, eagle_error *err)
{
    char *source = NULL;
    char *target = NULL;
    char *data = NULL;
    size_t size = 0;
    eg_sink sink = {0};
    eagle_status st = eg_train_run_path(&source, from, name, err);

    if (st == EAGLE_OK) {
        st = eg_train_run_path(&target, to, name, err);
    }
    if (st != EAGLE_OK || access(source, F_OK) != 0) {
        goto done;
    }
    st = eg_read_all(&data, &size, source, err);
    if (st == EAGLE_OK) {
        st = eg_sink_open(&sink, target, err);
    }
    if (st == EAGLE_OK) {
        st = eg_sink_write(&sink, data, size, err);
    }
    if (st == EAGLE_OK) {
        st = eg_sink_commit(&sink, err);
    }

done:
    eg_sink_close(&sink);
    free(data);
    free(target);
    free(source);
    return st;
}

/* Learns a tokenizer from the texts, and opens it. */
static eagle_status learn_tokenizer(eagle_tokenizer **out, const eg_options *opt, const char *dir,
                                    eagle_error *err)
{
    eagle_tokenizer_options how;
    eg_progress progress;

    eagle_tokenizer_defaults(&how);
    how.vocab = opt->net.vocab;
    how.separator = opt->data.separator;
    eg_progress_start(&progress, opt->quiet);
    progress.next = progress.terminal ? 0.0 : progress.next; /* one call: say so at once */
    eg_progress_update(&progress, "training the tokenizer", 0, 0);

    eagle_status st = eagle_tokenizer_train(dir, opt->data.file.item, opt->data.file.n, &how, err);

    eg_progress_clear(&progress);
    return st == EAGLE_OK ? eagle_tokenizer_open(out, dir, err) : st;
}

/* The same for a dry run, in a directory that is gone afterwards. */
static eagle_status learn_aside(eagle_tokenizer **out, const eg_options *opt, eagle_error *err)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = NULL;
    eagle_status st =
        eg_train_run_path(&dir, tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp", "eagle-XXXXXX", err);

    if (st != EAGLE_OK) {
        return st;
    }
    if (mkdtemp(dir) == NULL) {
        st = eg_cli_fail(err, EAGLE_EWRITE, "%s: cannot create", dir);
        free(dir);
        return st;
    }
    st = learn_tokenizer(out, opt, dir, err);
    for (size_t i = 0; i < N_TOKENIZER_FILES; i++) {
        char *path = NULL;

        if (eg_train_run_path(&path, dir, tokenizer_files[i], NULL) == EAGLE_OK) {
            unlink(path);
            free(path);
        }
    }
    rmdir(dir);
    free(dir);
    return st;
}

/* The tokenizer that is given, kept by an earlier run, or learned. Ids need none. */
static eagle_status find_tokenizer(job *j, eagle_error *err)
{
    const eg_options *opt = j->opt;
    const char *from = opt->tokenizer != NULL ? opt->tokenizer : opt->init;
    eagle_status st = EAGLE_OK;

    if (from != NULL) {
        st = eg_tokenizer_find(&j->tokenizer, from, err);
        if (st == EAGLE_OK && j->tokenizer == NULL && opt->tokenizer != NULL) {
            return eg_cli_fail(err, EAGLE_EREAD, "%s: has no tokenizer.json", from);
        }
        for (size_t i = 0; st == EAGLE_OK && !opt->dry_run && i < N_TOKENIZER_FILES; i++) {
            st = copy_file(opt->out, from, tokenizer_files[i], err);
        }
        return st;
    }
    if (!eg_texts_are_plain(opt)) {
        return EAGLE_OK;
    }
    if (opt->dry_run) {
        return learn_aside(&j->tokenizer, opt, err);
    }
    if (opt->resume) {
        st = eg_tokenizer_find(&j->tokenizer, opt->out, err);
    }
    return st == EAGLE_OK && j->tokenizer == NULL
               ? learn_tokenizer(&j->tokenizer, opt, opt->out, err)
               : st;
}

/* ---- the network ------------------------------------------------------------------------- */

/* The token that the tokenizer puts before a text, -1: none. */
static eagle_status first_token(int32_t *out, const eagle_tokenizer *tokenizer, eagle_error *err)
{
    const eagle_encode_options how = {.add_special = true};
    int32_t *ids = NULL;
    size_t n = 0;
    eagle_status st = eagle_tokenizer_encode(&ids, &n, tokenizer, "", 0, &how, err);

    *out = st == EAGLE_OK && n > 0 ? ids[0] : -1;
    free(ids);
    return st;
}

/* The token that ends a text: the separator's, or what others call it; -1: none. */
static int32_t end_token(const eagle_tokenizer *tokenizer, const char *separator)
{
    const char *const names[] = {separator, "<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const int32_t id = names[i] != NULL ? eagle_tokenizer_id(tokenizer, names[i]) : -1;

        if (id >= 0 && eagle_tokenizer_is_special(tokenizer, id)) {
            return id;
        }
    }
    return -1;
}

/* The network that the options describe, with the tokenizer's tokens. */
static eagle_status describe(job *j, eagle_error *err)
{
    const eg_net_options *net = &j->opt->net;
    eagle_config *c = &j->config;
    eagle_status st = EAGLE_OK;

    *c = (eagle_config){.dim = net->dim,
                        .n_layers = net->layers,
                        .n_heads = net->heads,
                        .n_kv_heads = net->kv_heads > 0 ? net->kv_heads : net->heads,
                        .head_dim = net->dim / net->heads,
                        /* 8/3 of the width, as in Llama, up to a multiple of 16 */
                        .ffn_dim = net->ffn > 0 ? net->ffn : (8 * net->dim / 3 + 15) / 16 * 16,
                        .vocab = net->vocab,
                        .context = net->positions,
                        .rms_eps = 1e-5f,
                        .tied = !net->untied,
                        .theta_given = true,
                        .rope = {.kind = EAGLE_ROPE_DEFAULT, .theta = 10000.0, .factor = 1.0},
                        .bos = -1};
    if (j->tokenizer == NULL) {
        c->bos = EG_GIVEN(j->opt, EG_OPT_BOS_ID) ? net->bos_id : -1;
        c->end[0] = net->eos_id;
        c->n_end = EG_GIVEN(j->opt, EG_OPT_EOS_ID) ? 1 : 0;
    } else {
        c->vocab = eagle_tokenizer_vocab(j->tokenizer);
        st = first_token(&c->bos, j->tokenizer, err);
        c->end[0] = end_token(j->tokenizer, j->opt->data.separator);
        c->n_end = c->end[0] >= 0 ? 1 : 0;
    }
    return st;
}

/* The network: that of --init, or the options'. */
static eagle_status find_network(job *j, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    if (j->opt->init == NULL) {
        return describe(j, err);
    }
    st = eagle_model_open(&j->start, j->opt->init, err);
    if (st == EAGLE_OK) {
        j->config = *eagle_model_config(j->start);
    }
    return st;
}

/* ---- the training ------------------------------------------------------------------------ */

static eagle_status start(job *j, eagle_error *err)
{
    const eg_options *opt = j->opt;
    const eagle_train_options settings = eg_train_run_settings(opt);
    eg_train_run *t = &j->training;
    eagle_status st = find_tokenizer(j, err);

    if (st == EAGLE_OK) {
        st = find_network(j, err);
    }
    if (st == EAGLE_OK) {
        st = eg_corpus_from(&j->texts.learned, opt, j->tokenizer, j->config.vocab,
                            j->config.n_end > 0 ? j->config.end[0] : -1, err);
    }
    if (st == EAGLE_OK) {
        st = eg_texts_split(&j->texts, opt, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    const eagle_target_task task = {
        .config = &j->config, .start = j->start, .corpus = j->texts.learned};

    t->tokenizer = j->tokenizer;
    st = eagle_trainer_target(&t->trainer, &t->bill, &task, &settings, err);
    if (st == EAGLE_OK) {
        st = eg_train_run_afford(t, err);
    }
    return st == EAGLE_OK ? eagle_trainer_target(&t->trainer, NULL, &task, &settings, err) : st;
}

eagle_status eg_cmd_train_target(const eg_options *opt, eagle_error *err)
{
    job j = {.opt = opt};
    eagle_status st = check(opt, err);

    j.training = (eg_train_run){.opt = opt, .texts = &j.texts};
    if (st == EAGLE_OK && !opt->dry_run) {
        st = eg_train_run_directory(opt, err);
    }
    if (st == EAGLE_OK && !opt->dry_run) {
        st = eg_train_run_find(&j.training, err);
    }
    if (st == EAGLE_OK) {
        st = start(&j, err);
    }
    if (st == EAGLE_OK && opt->dry_run) {
        st = eg_train_run_plan(&j.training, err);
    } else if (st == EAGLE_OK) {
        st = eg_train_run_start(&j.training, err);
    }
    eg_train_run_close(&j.training);
    eg_train_texts_free(&j.texts);
    eagle_model_free(j.start);
    eagle_tokenizer_free(j.tokenizer);
    return st;
}
