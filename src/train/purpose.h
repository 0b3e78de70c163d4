/* SPDX-License-Identifier: MIT */
/* purpose.h - what training draws random numbers for: the second word of Philox's counter.
 * Different purposes never share a number under one seed, nor do they with eagle_draw_purpose. */
#ifndef EG_TRAIN_PURPOSE_H
#define EG_TRAIN_PURPOSE_H

enum {
    EG_PURPOSE_ORDER = 16,  /* an exchange in the order of an epoch's pieces */
    EG_PURPOSE_PROMPT = 17, /* how much of a document is a prompt            */
    EG_PURPOSE_INIT = 18,   /* the first value of a parameter                */
    EG_PURPOSE_NOISE = 19,  /* the noise on a head's features                */
    EG_PURPOSE_OWN = 20     /* whether a head reads a feature of its own      */
};

#endif
