/* SPDX-License-Identifier: MIT */
/* make_model.c - writes a LLaMA network with random weights, and an EAGLE-1 head for it, in Hugging
 * Face layout: shapes to time, not to read.
 *
 *   make_model DIR f32|bf16 DIM LAYERS HEADS KV_HEADS FFN VOCAB [HEAD_DIR]
 *
 * TinyLlama-1.1B's shape: make_model DIR f32 2048 22 32 4 5632 32000 */
#include "eagle/eagle.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_TENSORS 1024

typedef struct {
    int dim, layers, heads, kv_heads, ffn, vocab;
    eagle_dtype dtype;
    uint64_t random;
    eagle_tensor tensor[MAX_TENSORS];
    int n;
} maker;

static void die(const char *what)
{
    fprintf(stderr, "make_model: %s\n", what);
    exit(EXIT_FAILURE);
}

/* A float in (-1, 1), then scaled: SplitMix64. */
static float uniform(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (float)((z ^ (z >> 31)) >> 40) * 0x1p-23f - 1.0f;
}

static void add(maker *m, const char *name, int rows, int cols, float center, float scale)
{
    const size_t n = (size_t)rows * (size_t)(cols > 0 ? cols : 1);
    void *data = malloc(n * eagle_dtype_size(m->dtype));
    char *copy = malloc(strlen(name) + 1);

    if (data == NULL || copy == NULL || m->n == MAX_TENSORS) {
        die("no memory");
    }
    strcpy(copy, name);
    for (size_t i = 0; i < n; i++) {
        const float x = center + scale * uniform(&m->random);
        uint32_t bits;

        memcpy(&bits, &x, sizeof bits);
        if (m->dtype == EAGLE_F32) {
            ((float *)data)[i] = x;
        } else {
            ((uint16_t *)data)[i] = (uint16_t)(bits >> 16);
        }
    }
    m->tensor[m->n++] = (eagle_tensor){.name = copy,
                                       .dtype = m->dtype,
                                       .rank = cols > 0 ? 2 : 1,
                                       .shape = {rows, cols},
                                       .data = data,
                                       .size = n * eagle_dtype_size(m->dtype)};
}

static void add_layer(maker *m, const char *prefix, bool head)
{
    const int hd = m->dim / m->heads;
    const struct {
        const char *name;
        int rows, cols;
    } parts[] = {
        {"self_attn.q_proj.weight", m->dim, m->dim},
        {"self_attn.k_proj.weight", m->kv_heads * hd, m->dim},
        {"self_attn.v_proj.weight", m->kv_heads * hd, m->dim},
        {"self_attn.o_proj.weight", m->dim, m->dim},
        {"mlp.gate_proj.weight", m->ffn, m->dim},
        {"mlp.up_proj.weight", m->ffn, m->dim},
        {"mlp.down_proj.weight", m->dim, m->ffn},
        {"post_attention_layernorm.weight", m->dim, 0},
        {"input_layernorm.weight", m->dim, 0},
    };
    const size_t n = sizeof parts / sizeof parts[0] - (head ? 1 : 0);

    for (size_t i = 0; i < n; i++) {
        char name[128];

        snprintf(name, sizeof name, "%s.%s", prefix, parts[i].name);
        add(m, name, parts[i].rows, parts[i].cols, parts[i].cols > 0 ? 0.0f : 1.0f,
            parts[i].cols > 0 ? 0.03f : 0.1f);
    }
}

static void write_config(const maker *m, const char *dir, bool head)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/config.json", dir);
    FILE *file = fopen(path, "w");

    if (file == NULL) {
        die("cannot write config.json");
    }
    fprintf(file,
            "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", "
            "\"hidden_size\": %d, \"num_hidden_layers\": %d, \"num_attention_heads\": %d, "
            "\"num_key_value_heads\": %d, \"intermediate_size\": %d, \"vocab_size\": %d, "
            "\"max_position_embeddings\": 2048, \"rms_norm_eps\": 1e-05, \"rope_theta\": 10000.0, "
            "\"hidden_act\": \"silu\", \"tie_word_embeddings\": false, \"bos_token_id\": 1, "
            "\"eos_token_id\": 2%s}\n",
            m->dim, head ? 1 : m->layers, m->heads, m->kv_heads, m->ffn, m->vocab,
            head ? ", \"bias\": false" : "");
    if (fclose(file) != 0) {
        die("cannot write config.json");
    }
}

static void write_tensors(maker *m, const char *dir)
{
    char path[1024];
    eagle_error err;

    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    if (eagle_tensors_write(path, m->tensor, m->n, NULL, &err) != EAGLE_OK) {
        die(err.message);
    }
    while (m->n > 0) {
        m->n--;
        free((void *)(uintptr_t)m->tensor[m->n].data);
        free((void *)(uintptr_t)m->tensor[m->n].name);
    }
}

int main(int argc, char **argv)
{
    static maker m = {.random = 1};

    if (argc != 9 && argc != 10) {
        fprintf(stderr, "usage: make_model DIR f32|bf16 DIM LAYERS HEADS KV_HEADS FFN VOCAB "
                        "[HEAD_DIR]\n");
        return 2;
    }
    m.dtype = strcmp(argv[2], "bf16") == 0 ? EAGLE_BF16 : EAGLE_F32;
    int *const sizes[] = {&m.dim, &m.layers, &m.heads, &m.kv_heads, &m.ffn, &m.vocab};

    for (int i = 0; i < 6; i++) {
        *sizes[i] = atoi(argv[3 + i]);
        if (*sizes[i] < 1) {
            die("sizes are positive numbers");
        }
    }
    (void)mkdir(argv[1], 0777);
    write_config(&m, argv[1], false);
    add(&m, "model.embed_tokens.weight", m.vocab, m.dim, 0.0f, 1.0f);
    for (int i = 0; i < m.layers; i++) {
        char prefix[64];

        snprintf(prefix, sizeof prefix, "model.layers.%d", i);
        add_layer(&m, prefix, false);
    }
    add(&m, "model.norm.weight", m.dim, 0, 1.0f, 0.1f);
    add(&m, "lm_head.weight", m.vocab, m.dim, 0.0f, 0.03f);
    write_tensors(&m, argv[1]);
    if (argc == 10) {
        (void)mkdir(argv[9], 0777);
        write_config(&m, argv[9], true);
        add(&m, "fc.weight", m.dim, 2 * m.dim, 0.0f, 0.02f);
        add_layer(&m, "layers.0", true);
        write_tensors(&m, argv[9]);
    }
    return 0;
}
