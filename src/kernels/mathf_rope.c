/* SPDX-License-Identifier: MIT */
/* mathf_rope.c - RoPE's frequencies and angles. Every step is one float32 operation, in the
 * order in which Hugging Face's modeling_rope_utils.py writes it; numbers from the
 * configuration are rounded to float32 first. */
#include "kernels/mathf.h"

#include <assert.h>

/* 2 pi, correctly rounded. */
#define TWO_PI 0x1.921fb6p2f

/* Llama 3: long waves are slowed by `factor`, short ones stay, those between are mixed by how many
 * of them fit the original context. */
static float llama3(float f, const eagle_rope *rope)
{
    float factor = (float)rope->factor;
    float low = (float)rope->low_freq_factor;
    float context = (float)rope->original_context;
    float longest = (float)(rope->original_context / rope->low_freq_factor);
    float shortest = (float)(rope->original_context / rope->high_freq_factor);
    float wave = TWO_PI / f;

    if (wave < shortest) {
        return f;
    }
    if (wave > longest) {
        return f / factor;
    }
    float smooth = (context / wave - low) / (float)(rope->high_freq_factor - rope->low_freq_factor);

    return (1.0f - smooth) * f / factor + smooth * f;
}

bool eg_rope_frequencies(float *inv_freq, const eagle_rope *rope, size_t head_dim)
{
    float theta = (float)rope->theta;
    bool decided = theta > 0.0f && theta <= 0x1p120f;

    for (size_t j = 0; j < head_dim / 2; j++) {
        float p = 1.0f;

        decided = decided && eg_powf(&p, theta, (float)(2 * j) / (float)head_dim);

        float f = 1.0f / p;

        switch (rope->kind) {
        case EAGLE_ROPE_DEFAULT: inv_freq[j] = f; break;
        case EAGLE_ROPE_LINEAR: inv_freq[j] = f / (float)rope->factor; break;
        case EAGLE_ROPE_LLAMA3: inv_freq[j] = llama3(f, rope); break;
        }
    }
    return decided;
}

void eg_rope_angles(float *cos, float *sin, const float *inv_freq, size_t half, int32_t pos)
{
    assert(pos >= 0 && pos <= 1 << 24); /* such positions are floats */
    for (size_t j = 0; j < half; j++) {
        float angle = (float)pos * inv_freq[j];

        cos[j] = eg_cosf(angle);
        sin[j] = eg_sinf(angle);
    }
}
