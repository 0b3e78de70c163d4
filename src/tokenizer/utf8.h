/* SPDX-License-Identifier: MIT */
/* utf8.h - the character classes of the pre-tokenizers. */
#ifndef EG_TOKENIZER_UTF8_H
#define EG_TOKENIZER_UTF8_H

#include "base/characters.h"

/* Classes of characters, as Unicode defines them. */
bool eg_is_space(uint32_t code);       /* White_Space                                        */
bool eg_is_numeric(uint32_t code);     /* Nd, Nl, No                                         */
bool eg_is_punctuation(uint32_t code); /* P*, and the ASCII symbols that are called so in C  */
bool eg_is_word(uint32_t code);        /* Alphabetic, M, Nd, Pc, Join_Control (UTS 18's \w) */

#endif
