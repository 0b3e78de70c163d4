/* SPDX-License-Identifier: MIT */
/* learn.h - how a byte-level vocabulary is learned and written.
 *
 *   files -> documents -> words, each with its count -> merges -> tokenizer.json
 *
 * train_bpe.c walks this line; the steps are declared here. Private to src/tokenizer/. */
#ifndef EG_TOKENIZER_LEARN_H
#define EG_TOKENIZER_LEARN_H

#include "tokenizer/parts.h"

/* ---- dictionary (dict.c) --------------------------------------------------------------------- */

typedef struct {
    size_t begin; /* in `bytes` */
    size_t size;
} eg_dict_key;

/* Keys, which are strings of bytes, numbered from 0 in the order in which they first came, each
 * with a value of value_size bytes, which begins as zeros. Set value_size; the rest starts as
 * zero. */
typedef struct {
    size_t value_size;
    void *value;      /* [cap, value_size] moves when a key is added */
    eg_dict_key *key; /* [cap]                                        */
    eg_text bytes;    /* the keys, one behind the other               */
    uint32_t n;
    uint32_t cap;
    uint32_t *slot; /* [2 cap] open hash table: number + 1; 0: free */
} eg_dict;

/* The number of a key, which is added if it is new. False without memory. */
bool eg_dict_add(uint32_t *number, eg_dict *dict, const void *key, size_t size);
void eg_dict_free(eg_dict *dict);

/* ---- merges (learn.c) ------------------------------------------------------------------------ */

/* The value of a word: how often it came. */
typedef int64_t eg_word_count;

typedef struct {
    int32_t left;
    int32_t right;
} eg_pair;

/* Merge i makes token first_made + i out of two tokens with smaller ids. */
typedef struct {
    eg_pair *pair; /* [n] in the order in which they were learned */
    int32_t n;
    int32_t first_made;
} eg_merges;

/* The id of a byte's own token: behind n_special special ones, in the order of GPT-2's alphabet. */
void eg_byte_ids(int32_t id[256], int32_t n_special);

/* Learns merges from words (values: eg_word_count) until there are `vocab` tokens, or no pair came
 * min_frequency times. EAGLE_ENOMEM; EAGLE_ELIMIT for more than 715 MB of different words. On
 * failure *out is empty; else free out->pair. */
eagle_status eg_learn(eg_merges *out, const eg_dict *words, const eagle_tokenizer_options *opt,
                      eagle_error *err);

/* ---- files (write_file.c) -------------------------------------------------------------------- */

/* Writes DIR/tokenizer.json and DIR/tokenizer_config.json. EAGLE_EWRITE, EAGLE_ENOMEM;
 * EAGLE_ELIMIT when the texts of the tokens are too long for a file that can be read again. */
eagle_status eg_write_tokenizer(const char *dir, const eg_merges *merges,
                                const eagle_tokenizer_options *opt, eagle_error *err);

#endif
