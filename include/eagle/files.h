/* SPDX-License-Identifier: MIT */
/* files.h - the smaller files that eagle reads and writes: tree shapes, recorded rounds,
 * tensors. */
#ifndef EAGLE_FILES_H
#define EAGLE_FILES_H

#include "eagle/model.h"
#include "eagle/status.h"
#include "eagle/tree.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads a static tree: a JSON list of rank paths, [[0],[1],[0,0]], closed under prefixes. */
EAGLE_API eagle_status eagle_shape_read(eagle_shape **out, const char *path, eagle_error *err);

/* Reads recorded rounds: {"rounds": [...]} or a golden's {"cases": [{"rounds": [...]}, ...]}, where
 * "FILE#N" names case N (0 without). Each round has root, tokens, parents (0 = root). */
EAGLE_API eagle_status eagle_rounds_read(eagle_rounds **out, const char *path, eagle_error *err);

/* Writes tensors as one safetensors file: to a temporary name, flushed, then renamed, so that an
 * existing file is replaced whole or not at all. `metadata` is a JSON object of strings, or
 * NULL. EAGLE_EWRITE. */
EAGLE_API eagle_status eagle_tensors_write(const char *path, const eagle_tensor *tensors,
                                           int32_t n_tensors, const char *metadata,
                                           eagle_error *err);

#ifdef __cplusplus
}
#endif
#endif
