/* SPDX-License-Identifier: MIT */
/* formats.h - untrusted bytes to named, checked tensors and configurations. */
#ifndef EG_FORMATS_FORMATS_H
#define EG_FORMATS_FORMATS_H

#include "base/file.h"
#include "eagle/model.h"
#include "eagle/status.h"

#include <jansson.h>

/* The tensors of one model: model.safetensors, or model.safetensors.index.json with its shards,
 * mapped read-only. Names and data live until eg_tensors_close(). A tensor whose data is not
 * aligned to its element size is copied. */
typedef struct {
    eagle_tensor *tensor; /* [n], sorted by name */
    int32_t n;
    uint64_t file_bytes; /* of all mappings */
    eg_map *map;         /* [n_maps] */
    int32_t n_maps;
    void **copy; /* [n_copies] data of misaligned tensors */
    int32_t n_copies;
    char *names; /* what tensor[].name points into */
} eg_tensors;

/* Opens DIR/model.safetensors or DIR/model.safetensors.index.json. Every rule of the format is
 * checked: header length and JSON, no duplicate names, known dtypes, shape x size == extent,
 * extents in order without holes or overlaps, to the last byte. */
eagle_status eg_tensors_open(eg_tensors *out, const char *dir, eagle_error *err);
void eg_tensors_close(eg_tensors *tensors);

/* Reads DIR/config.json of a LlamaForCausalLM target, and the end tokens of
 * DIR/generation_config.json if there is one. What changes results and is not understood is
 * refused by name with EAGLE_EUNSUPPORTED. */
eagle_status eg_config_read_target(eagle_config *out, const char *dir, eagle_error *err);

/* Reads DIR/config.json of an EAGLE-1 head (spec: SafeAILab heads; rope_theta defaults to 10000,
 * fc bias to true). */
eagle_status eg_config_read_head(eagle_config *out, const char *dir, eagle_error *err);

/* What a config.json is about. */
typedef enum { EG_CONFIG_TARGET, EG_CONFIG_HEAD } eg_config_kind;

/* Writes DIR/config.json for weights of `dtype`, readable by the calls above: whole or not at
 * all. */
eagle_status eg_config_write(const char *dir, const eagle_config *config, eg_config_kind kind,
                             eagle_dtype dtype, eagle_error *err);

/* Writes DIR/generation_config.json: where generation begins and ends. */
eagle_status eg_generation_config_write(const char *dir, const eagle_config *config,
                                        eagle_error *err);

/* Reads a JSON file of a directory strictly (no duplicate keys, no trailing bytes), at most `max`
 * bytes; it must be a regular file. The error names the line. Release with json_decref(). */
eagle_status eg_json_read(json_t **out, const char *path, size_t max, eagle_error *err);

/* The same of a file that a user names: it may be a pipe. */
eagle_status eg_json_read_any(json_t **out, const char *path, size_t max, eagle_error *err);

#endif
