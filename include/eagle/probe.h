/* SPDX-License-Identifier: MIT */
/* probe.h - looking inside a forward pass. With and without a probe the bits are equal. */
#ifndef EAGLE_PROBE_H
#define EAGLE_PROBE_H

#include "eagle/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Named places of a pass, in the order in which a row meets them. */
typedef enum {
    EAGLE_SITE_EMBED,       /* [dim] token embedding                                     */
    EAGLE_SITE_LAYER_IN,    /* [dim] input of a layer, before any norm (EAGLE-3's taps)  */
    EAGLE_SITE_ATTN_NORM,   /* [dim]                                                     */
    EAGLE_SITE_Q,           /* [n_heads x head_dim] before RoPE                          */
    EAGLE_SITE_K,           /* [n_kv_heads x head_dim] before RoPE                       */
    EAGLE_SITE_V,           /* [n_kv_heads x head_dim]                                   */
    EAGLE_SITE_Q_ROPE,      /* [n_heads x head_dim]                                      */
    EAGLE_SITE_K_ROPE,      /* [n_kv_heads x head_dim]                                   */
    EAGLE_SITE_ATTN,        /* [n_heads x head_dim] heads side by side, before o_proj    */
    EAGLE_SITE_RESID_ATTN,  /* [dim] residual stream after attention                     */
    EAGLE_SITE_MLP_NORM,    /* [dim]                                                     */
    EAGLE_SITE_ACT,         /* [ffn_dim] silu(gate) x up                                 */
    EAGLE_SITE_RESID_MLP,   /* [dim] residual stream after the MLP: the layer's output   */
    EAGLE_SITE_FEATURE,     /* [dim] after the final norm: EAGLE-1's feature             */
    EAGLE_SITE_LOGITS,      /* [vocab]                                                   */
    EAGLE_SITE_HEAD_FUSED,  /* [dim] fc(embedding, feature) of the extrapolator          */
    EAGLE_SITE_HEAD_OUT,    /* [dim] predicted feature                                   */
    EAGLE_SITE_HEAD_LOGITS, /* [vocab]                                                  */
    EAGLE_SITE_COUNT
} eagle_site;

/* A site's name, such as "q_rope"; NULL beyond EAGLE_SITE_COUNT. */
EAGLE_API const char *eagle_site_name(eagle_site site);

/* `see` is called by the thread that runs the pass, after the operation is complete.
 *
 *   layer   target layers count from 0; the extrapolator's layer i is -1 - i; sites that
 *           belong to no layer have layer 0
 *   data    [n_rows, dim], rows `stride` floats apart; valid during the call only */
typedef struct {
    void (*see)(void *ctx, eagle_site site, int32_t layer, int32_t n_rows, int32_t dim,
                const float *data, int32_t stride);
    void *ctx;
} eagle_probe;

#ifdef __cplusplus
}
#endif
#endif
