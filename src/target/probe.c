/* SPDX-License-Identifier: MIT */
/* probe.c - the names of the sites. */
#include "eagle/probe.h"

#include <stddef.h>

static const char *const names[EAGLE_SITE_COUNT] = {
    [EAGLE_SITE_EMBED] = "embed",
    [EAGLE_SITE_LAYER_IN] = "layer_in",
    [EAGLE_SITE_ATTN_NORM] = "attn_norm",
    [EAGLE_SITE_Q] = "q",
    [EAGLE_SITE_K] = "k",
    [EAGLE_SITE_V] = "v",
    [EAGLE_SITE_Q_ROPE] = "q_rope",
    [EAGLE_SITE_K_ROPE] = "k_rope",
    [EAGLE_SITE_ATTN] = "attn",
    [EAGLE_SITE_RESID_ATTN] = "resid_attn",
    [EAGLE_SITE_MLP_NORM] = "mlp_norm",
    [EAGLE_SITE_ACT] = "act",
    [EAGLE_SITE_RESID_MLP] = "resid_mlp",
    [EAGLE_SITE_FEATURE] = "feature",
    [EAGLE_SITE_LOGITS] = "logits",
    [EAGLE_SITE_HEAD_FUSED] = "head_fused",
    [EAGLE_SITE_HEAD_OUT] = "head_out",
    [EAGLE_SITE_HEAD_LOGITS] = "head_logits",
};

const char *eagle_site_name(eagle_site site)
{
    return (size_t)site < EAGLE_SITE_COUNT ? names[site] : NULL;
}
