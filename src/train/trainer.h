/* SPDX-License-Identifier: MIT */
/* trainer.h - what a training consists of: a network, its optimizer, and the way of the texts to
 * it. */
#ifndef EG_TRAIN_TRAINER_H
#define EG_TRAIN_TRAINER_H

#include "base/arena.h"
#include "eagle/train.h"
#include "train/adamw.h"
#include "train/feeder.h"
#include "train/network.h"

struct eagle_trainer {
    eagle_train_options opt; /* with the number of threads that it came to */
    const eagle_corpus *corpus;
    char texts[65];  /* digest of the corpus           */
    char target[65]; /* of the target's weights; heads */

    const eagle_model *model;       /* a head's target; NULL for a target           */
    const eagle_features *features; /* stored ones of the corpus, or NULL           */
    eg_target_net *teacher;         /* computes features where they are not stored  */
    eg_real *feature;               /* [batch, dim] of the batch at hand; heads     */
    eg_real *noise;                 /* [batch, dim]; NULL: none                     */
    eg_head_net *head;              /* what `net` is in a head's training, or NULL  */

    eg_arena arena;  /* the network and its optimizer */
    eg_arena frozen; /* teacher, feature, noise       */
    eg_arena order;  /* the feeder                    */
    eg_batch_room room;
    eg_network *net;
    eg_adamw adamw;
    eg_adamw_options how;
    eg_feeder *feeder;

    eagle_tensor *tensor; /* [net->params.n_tensors] views of the weights */
    int64_t step;         /* done                                         */
    int64_t rows;         /* seen                                         */

    char warning[256]; /* of the last resume */
    char *memo;        /* of the last resume */
};

/* EAGLE_EINVAL names the option that is out of range; `heads`: with those of heads. */
eagle_status eg_train_check(const eagle_train_options *opt, bool heads, eagle_error *err);

#endif
