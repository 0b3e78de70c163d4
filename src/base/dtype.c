/* SPDX-License-Identifier: MIT */
/* dtype.c - names and sizes of element types, as safetensors spells them. */
#include "eagle/model.h"

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [EAGLE_F32] = {"F32", 4}, [EAGLE_F16] = {"F16", 2},   [EAGLE_BF16] = {"BF16", 2},
    [EAGLE_F64] = {"F64", 8}, [EAGLE_I64] = {"I64", 8},   [EAGLE_I32] = {"I32", 4},
    [EAGLE_U8] = {"U8", 1},   [EAGLE_BOOL] = {"BOOL", 1},
};

const char *eagle_dtype_name(eagle_dtype dtype)
{
    size_t i = (size_t)dtype;

    return i < sizeof dtypes / sizeof dtypes[0] ? dtypes[i].name : NULL;
}

size_t eagle_dtype_size(eagle_dtype dtype)
{
    size_t i = (size_t)dtype;

    return i < sizeof dtypes / sizeof dtypes[0] ? dtypes[i].size : 0;
}
