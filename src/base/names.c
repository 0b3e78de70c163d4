/* SPDX-License-Identifier: MIT */
/* names.c - the words for modes, purposes and sources, one for all who print or read them. */
#include "eagle/verify.h"

static const char *name_of(const char *const *name, int32_t n, int32_t i)
{
    return i >= 0 && i < n ? name[i] : "";
}

const char *eagle_draw_purpose_name(eagle_draw_purpose purpose)
{
    static const char *const name[] = {[EAGLE_DRAW_TARGET - 1] = "target",
                                       [EAGLE_DRAW_DRAFT - 1] = "draft",
                                       [EAGLE_DRAW_ACCEPT - 1] = "accept",
                                       [EAGLE_DRAW_RESIDUAL - 1] = "residual"};

    return name_of(name, EAGLE_DRAW_RESIDUAL, (int32_t)purpose - 1);
}

const char *eagle_source_name(eagle_source source)
{
    static const char *const name[] = {[EAGLE_SOURCE_ACCEPTED] = "accepted",
                                       [EAGLE_SOURCE_RESIDUAL] = "residual",
                                       [EAGLE_SOURCE_BONUS] = "bonus",
                                       [EAGLE_SOURCE_PLAIN] = "plain"};

    return name_of(name, EAGLE_SOURCE_PLAIN + 1, (int32_t)source);
}

const char *eagle_verify_mode_name(eagle_verify_mode mode)
{
    static const char *const name[] = {[EAGLE_VERIFY_GREEDY] = "greedy",
                                       [EAGLE_VERIFY_COUPLED] = "coupled",
                                       [EAGLE_VERIFY_REJECTION] = "rejection"};

    return name_of(name, EAGLE_VERIFY_REJECTION + 1, (int32_t)mode);
}
