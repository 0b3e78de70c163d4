# SPDX-License-Identifier: MIT
# crosscheck.py - compares our logits with those of transformers, one configuration feature at a time.
#
#   crosscheck.py EAGLE WORK [NAME...]
#
# For each case: a LlamaForCausalLM with random weights, saved by transformers; its logits by
# transformers in float32 on the widened weights, and by `EAGLE score -o`. The largest difference
# may be 1e-4. "effect" is how far the logits move when the feature is taken away (computed by
# transformers alone): a comparison that could not see the feature proves nothing, so a small
# effect is a failure too.

import copy
import json
import os
import shutil
import subprocess
import sys

import torch
import transformers
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

BOUND = 1e-4
SEED = 20240115

LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
LINEAR = dict(rope_type="linear", factor=4.0)


def case(name, without=None, dtype="float32", n=64, spelling=None, shard=None, **config):
    """`without` are the keys that take the feature away; `spelling` rewrites config.json."""
    return dict(name=name, without=without, dtype=dtype, n=n, spelling=spelling, shard=shard,
                config=config)


def older(key):
    """rope_parameters as configurations had it before: rope_theta, and rope_scaling with `key`."""

    def rewrite(config):
        rope = config.pop("rope_parameters")
        config["rope_theta"] = rope.pop("rope_theta")
        kind = rope.pop("rope_type")
        config["rope_scaling"] = None if kind == "default" else {key: kind, **rope}

    return rewrite


def drop(*keys):
    def rewrite(config):
        for key in keys:
            config.pop(key)

    return rewrite


CASES = [
    case("plain"),
    case("grouped KV heads", num_key_value_heads=2),
    case("single KV head", num_key_value_heads=1),
    case("explicit head_dim", head_dim=24),
    case("head_dim left out", spelling=drop("head_dim")),
    case("tied LM head", tie_word_embeddings=True),
    case("attention_bias", attention_bias=True, without="bias"),
    case("mlp_bias", mlp_bias=True, without="bias"),
    case("all biases, single KV head", attention_bias=True, mlp_bias=True, num_key_value_heads=1,
         without="bias"),
    case("rms_norm_eps", rms_norm_eps=0.5, without=dict(rms_norm_eps=1e-6)),
    case("rope_theta, rope_parameters", rope_parameters=dict(rope_type="default", rope_theta=500.0),
         without=dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
    case("rope_theta, old spelling", spelling=older("type"),
         rope_parameters=dict(rope_type="default", rope_theta=500.0),
         without=dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
    case("rope linear, rope_parameters", rope_parameters=dict(LINEAR, rope_theta=10000.0),
         without=dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
    case("rope linear, rope_scaling type", spelling=older("type"),
         rope_parameters=dict(LINEAR, rope_theta=10000.0),
         without=dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
    case("rope llama3, rope_parameters", rope_parameters=dict(LLAMA3, rope_theta=10000.0),
         without=dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
    case("rope llama3, rope_scaling", spelling=older("rope_type"),
         rope_parameters=dict(LLAMA3, rope_theta=500000.0),
         without=dict(rope_parameters=dict(rope_type="default", rope_theta=500000.0))),
    case("float16 weights", dtype="float16", num_key_value_heads=2, attention_bias=True),
    case("bfloat16 weights", dtype="bfloat16", num_key_value_heads=2, mlp_bias=True),
    case("shards", shard="30KB"),
    case("odd sizes", hidden_size=36, intermediate_size=53, num_attention_heads=3,
         num_key_value_heads=3, vocab_size=101, num_hidden_layers=3),
    case("8300 positions", n=8300, num_hidden_layers=1, num_key_value_heads=1,
         max_position_embeddings=16384),
    case("8300 positions, llama3", n=8300, num_hidden_layers=1, num_key_value_heads=2,
         max_position_embeddings=16384,
         rope_parameters=dict(LLAMA3, original_max_position_embeddings=1024, rope_theta=500000.0),
         without=dict(rope_parameters=dict(rope_type="default", rope_theta=500000.0))),
    case("8300 positions, linear", n=8300, num_hidden_layers=1, num_key_value_heads=2,
         max_position_embeddings=16384, rope_parameters=dict(LINEAR, rope_theta=10000.0),
         without=dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
]

SHAPE = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=4, vocab_size=97, max_position_embeddings=256, bos_token_id=1,
             eos_token_id=2, rms_norm_eps=1e-5, tie_word_embeddings=False)


def randomize(model, generator):
    """Weights that keep activations and attention lively: variance 1 / fan-in, norms about 1."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if name.endswith("norm.weight"):
                weight.copy_(1.0 + 0.2 * noise)
            elif name.endswith("bias"):
                weight.copy_(0.5 * noise)
            elif "embed_tokens" in name:
                weight.copy_(0.5 * noise)
            else:
                weight.copy_(1.5 * noise / weight.shape[1] ** 0.5)


def make(one, directory, generator):
    """Saves the case's model as a directory."""
    config = LlamaConfig(**copy.deepcopy({**SHAPE, **one["config"]}))
    model = LlamaForCausalLM(config)
    randomize(model, generator)
    model.tie_weights()
    shutil.rmtree(directory, ignore_errors=True)
    model.to(getattr(torch, one["dtype"]))
    model.save_pretrained(directory, **(dict(max_shard_size=one["shard"]) if one["shard"] else {}))
    path = os.path.join(directory, "config.json")
    if one["spelling"]:
        with open(path) as file:
            text = json.load(file)
        one["spelling"](text)
        with open(path, "w") as file:
            json.dump(text, file, indent=2)


def theirs(directory, ids, without=None):
    """Logits and features by transformers in float32; the feature taken away by `without`."""
    config = LlamaConfig.from_pretrained(directory)
    if isinstance(without, dict):
        for key, value in copy.deepcopy(without).items():
            setattr(config, key, value)
    model = LlamaForCausalLM.from_pretrained(directory, config=config, dtype=torch.float32,
                                             attn_implementation="sdpa")
    model.eval()
    with torch.no_grad():
        if without == "bias":
            for name, weight in model.named_parameters():
                if name.endswith("bias"):
                    weight.zero_()
        features = model.model(torch.tensor([ids])).last_hidden_state[0]
        return model.lm_head(features), features


def ours(eagle, directory, ids):
    out = os.path.join(directory, "ours.safetensors")
    run = subprocess.run([eagle, "score", "-m", directory, "--prompt-ids", ",".join(map(str, ids)),
                          "-o", out, "-q"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         text=True)
    if run.returncode != 0:
        raise RuntimeError(f"exit {run.returncode}: {run.stderr.strip()}")
    tensors = load_file(out)
    return tensors["logits"], tensors["features"]


def compare(eagle, work, one, generator):
    """One row of the table; returns whether it passed."""
    directory = os.path.join(work, one["name"].replace(" ", "-").replace(",", ""))
    make(one, directory, generator)
    vocab = {**SHAPE, **one["config"]}["vocab_size"]
    ids = torch.randint(3, vocab, (one["n"],), generator=generator).tolist()
    logits, features = theirs(directory, ids)
    effect = None
    if one["without"]:
        effect = (theirs(directory, ids, one["without"])[0] - logits).abs().max().item()
    try:
        mine, my_features = ours(eagle, directory, ids)
    except RuntimeError as problem:
        print(f"{one['name']:32} FAILED: {problem}")
        return False
    d_logits = (mine - logits).abs().max().item()
    d_features = (my_features - features).abs().max().item()
    passed = (mine.shape == logits.shape and d_logits <= BOUND
              and (effect is None or effect > 1000 * BOUND))
    print(f"{one['name']:32} {one['dtype']:9} {one['n']:6} {logits.abs().max().item():7.2f} "
          f"{d_logits:10.2e} {d_features:10.2e} {'' if effect is None else f'{effect:.2f}':>7} "
          f"{'ok' if passed else 'FAILED'}", flush=True)
    shutil.rmtree(directory)
    return passed


def main():
    eagle, work, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(min(2, os.cpu_count()))
    generator = torch.Generator().manual_seed(SEED)
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, seed {SEED}")
    print(f"{'case':32} {'weights':9} {'tokens':>6} {'|logit|':>7} {'d logits':>10} "
          f"{'d features':>10} {'effect':>7}")
    results = [compare(eagle, work, one, generator) for one in CASES
               if not names or one["name"] in names]
    failed = results.count(False)
    print(f"crosscheck: {len(results) - failed} within {BOUND:g}, {failed} failed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
