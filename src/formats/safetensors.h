/* SPDX-License-Identifier: MIT */
/* safetensors.h - one safetensors file:
 *
 *   8 bytes          length n of the header, little-endian
 *   n bytes          JSON object: name -> {"dtype", "shape", "data_offsets": [begin, end]}, and
 *                    optionally "__metadata__" -> object of strings; spaces may pad it
 *   the rest         the tensors' bytes; offsets count from here, every byte belongs to one tensor
 */
#ifndef EG_FORMATS_SAFETENSORS_H
#define EG_FORMATS_SAFETENSORS_H

#include "base/file.h"
#include "eagle/model.h"

#include <jansson.h>

/* The longest header that the format allows. */
#define EG_HEADER_MAX 100000000u
#define EG_METADATA   "__metadata__"

/* A file, mapped, with its header parsed. */
typedef struct {
    char *path;
    eg_map map;
    json_t *header;
    size_t data_at; /* where the tensors' bytes begin */
} eg_safetensors;

/* Maps DIR/NAME, or `path`, and parses its header. Release with eg_safetensors_close(). */
eagle_status eg_safetensors_open(eg_safetensors *out, const char *dir, const char *name,
                                 eagle_error *err);
eagle_status eg_safetensors_open_file(eg_safetensors *out, const char *path, eagle_error *err);
void eg_safetensors_close(eg_safetensors *file);

size_t eg_safetensors_count(const eg_safetensors *file);

/* Checks all tensors and describes them in tensor[0 .. count), in order of their bytes. The
 * names belong to the header, the data to the mapping. */
eagle_status eg_safetensors_list(eagle_tensor *tensor, const eg_safetensors *file,
                                 eagle_error *err);

/* EAGLE_EFORMAT unless `metadata` (NULL allowed) is an object of strings. */
eagle_status eg_safetensors_check_metadata(const char *path, const json_t *metadata,
                                           eagle_error *err);

/* Where the bytes of tensors come from that are too large for memory: put() writes exactly
 * tensor->size of them to `file`, as little-endian numbers. */
typedef struct {
    eagle_status (*put)(void *ctx, FILE *file, const eagle_tensor *tensor, eagle_error *err);
    void *ctx;
} eg_tensor_source;

/* As eagle_tensors_write(); tensors whose data are NULL come from `source` (NULL: none does). */
eagle_status eg_safetensors_write(const char *path, const eagle_tensor *tensors, int32_t n_tensors,
                                  const char *metadata, const eg_tensor_source *source,
                                  eagle_error *err);

#endif
