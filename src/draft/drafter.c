/* SPDX-License-Identifier: MIT */
/* drafter.c - what all recipes share. */
#include "draft/drafter.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdlib.h>

void *eg_drafter_new(size_t size, const eagle_drafter *common, eagle_error *err)
{
    eagle_drafter *drafter = eg_alloc(1, size);

    if (drafter == NULL) {
        eg_fail(err, EAGLE_ENOMEM, "no memory for a drafter");
    } else {
        *drafter = *common;
    }
    return drafter;
}

void eagle_drafter_free(eagle_drafter *drafter)
{
    free(drafter);
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
