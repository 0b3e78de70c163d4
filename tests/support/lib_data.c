/* SPDX-License-Identifier: MIT */
/* lib_data.c - the optional folder of real models and goldens. */
#include "support/lib_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool data_path(char path[512], const char *name)
{
    const char *folder = getenv("EAGLE_DATA");

    snprintf(path, 512, "%s/%s", folder != NULL ? folder : "../shared", name);
    return access(path, R_OK) == 0;
}

json_t *data_json(const char *name)
{
    char path[512];

    return data_path(path, name) ? json_load_file(path, 0, NULL) : NULL;
}

int32_t *data_ids(int32_t *n, const json_t *array)
{
    int32_t *ids = malloc((json_array_size(array) + 1) * sizeof *ids);

    *n = (int32_t)json_array_size(array);
    for (int32_t i = 0; ids != NULL && i < *n; i++) {
        ids[i] = (int32_t)json_integer_value(json_array_get(array, (size_t)i));
    }
    return ids;
}
