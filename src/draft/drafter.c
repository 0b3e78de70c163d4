/* SPDX-License-Identifier: MIT */
/* drafter.c - what all drafters share. */
#include "draft/drafter.h"

void eagle_drafter_free(eagle_drafter *drafter)
{
    if (drafter != NULL) {
        drafter->class->free_recipe(drafter);
    }
}

int32_t eagle_drafter_max_nodes(const eagle_drafter *drafter)
{
    return drafter->max_nodes;
}

bool eagle_drafter_drawn(const eagle_drafter *drafter)
{
    return drafter->drawn;
}

const char *eagle_drafter_describe(const eagle_drafter *drafter)
{
    return drafter->description;
}
