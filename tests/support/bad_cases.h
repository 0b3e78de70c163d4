/* SPDX-License-Identifier: MIT */
/* bad_cases.h - the defects that make_bad writes. lib_bad_*.c hold the lists.
 *
 * A stage is the part of the program that must refuse:
 *
 *   config      config.json or generation_config.json of a target   eagle inspect DIR
 *   tensors     the safetensors files                                eagle inspect DIR
 *   model       configuration and tensors together                   eagle inspect DIR
 *   head        the same of a head                                   eagle inspect BASE DIR
 *   tokenizer   tokenizer.json                                       eagle tokenize -m DIR TEXT
 *   scan        the weights themselves                               eagle inspect --scan DIR
 *   numeric     the weights, when a pass meets them                  eagle generate -m DIR ...
 *   head-scan   a head's weights                                     eagle inspect --scan BASE DIR
 *   tree        tree.json                                            eagle generate --spec-tree
 *   rounds      rounds.json                                          eagle generate
 * --spec-rounds */
#ifndef TESTS_BAD_CASES_H
#define TESTS_BAD_CASES_H

#include <stdbool.h>

typedef struct {
    const char *name; /* of the directory: the defect */
    const char *stage;
    int exit_code;
    const char *file;  /* a file's name, or "header", "bytes", "index", "nested": make_bad.c */
    const char *find;  /* what stands there in the base ("": everything) */
    const char *by;    /* what replaces it */
    const char *piece; /* of the message */
} bad_case;

/* A float32 tensor of the base; cols 0 means a vector. */
typedef struct {
    const char *name;
    int rows, cols;
} bad_tensor;

extern const char bad_base_config[];
extern const char bad_base_tokenizer[];
extern const char bad_head_config[];
extern const bad_tensor bad_base_tensors[];
extern const bad_tensor bad_head_tensors[];
extern const bad_case bad_tensor_cases[];
extern const bad_case bad_config_cases[];
extern const bad_case bad_tokenizer_cases[];
extern const bad_case bad_other_cases[];
extern const bad_case *const bad_lists[];

#endif
