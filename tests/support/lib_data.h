/* SPDX-License-Identifier: MIT */
/* lib_data.h - the optional folder of real models and goldens, $EAGLE_DATA. */
#ifndef EAGLE_TESTS_LIB_DATA_H
#define EAGLE_TESTS_LIB_DATA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes "$EAGLE_DATA/name" (or "../shared/name") to path; false when there is no such file. */
bool data_path(char path[512], const char *name);

/* Parses $EAGLE_DATA/name; NULL when it is missing or no JSON. Release with json_decref(). */
json_t *data_json(const char *name);

/* A JSON array of integers as a new array, to be freed; *n receives its length. */
int32_t *data_ids(int32_t *n, const json_t *array);

#endif
