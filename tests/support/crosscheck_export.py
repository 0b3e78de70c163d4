# SPDX-License-Identifier: MIT
# crosscheck_export.py - what our trainers write, loaded by others.
#
#   crosscheck_export.py EAGLE MAKE_TOKEN_IDS MAKE_GRADIENTS WORK [--data DIR] [--strings N]
#
# Trains small targets on the texts of docs/, and heads for them, each in seconds. A target's directory,
# as it is, is loaded by transformers and safetensors: no tensor is missing, none is left over, logits in
# float32 on the widened weights are those of `EAGLE score -o` within 1e-4, and the ids of random strings
# are those of our encoder. A head is loaded by safetensors: names, shapes, and keys of config.json are
# those of the published EAGLE-1 heads, and a layer written in torch loses with these weights what our
# own loses, within 1e-5 relatively. "effect" is how far the loss, or one of its parts, moves without the layer.

import argparse
import glob
import json
import os
import shutil
import subprocess
import sys

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import crosscheck_train
from crosscheck import BOUND, SEED, ours, theirs
from crosscheck_tokenizer import Ours, Texts

N_IDS = 96
NET = ["--dim", "48", "--layers", "2", "--heads", "4", "--vocab", "400"]
STEPS = ["--steps", "40", "--batch", "256", "--length", "64", "--lr", "0.01", "--warmup", "4", "-t", "1", "-q"]
TARGETS = [
    ("f32, tied", "F32", ["--tied"]),
    ("f32, untied, 2 KV heads", "F32", ["--untied", "--kv-heads", "2"]),
    ("bf16, tied, 1 KV head", "BF16", ["--dtype", "bf16", "--tied", "--kv-heads", "1"]),
    ("bf16, untied, 2 KV heads", "BF16", ["--dtype", "bf16", "--untied", "--kv-heads", "2"]),
]
HEADS = [
    ("f32", "F32", []),
    ("f32, own embedding", "F32", ["--own-embedding"]),
    ("bf16", "BF16", ["--dtype", "bf16"]),
    ("f16", "F16", ["--dtype", "f16"]),
]
# Keys of config.json that published heads have, and what must be the target's.
HEAD_KEYS = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
             "num_hidden_layers": 1, "tie_word_embeddings": False}
SHARED_KEYS = ["hidden_size", "num_attention_heads", "num_key_value_heads", "intermediate_size", "vocab_size",
               "max_position_embeddings", "rms_norm_eps", "bos_token_id", "eos_token_id"]
OTHER_KEYS = ["torch_dtype", "bias"]


def train(eagle, what, directory, arguments):
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(os.path.dirname(directory), exist_ok=True)
    texts = [word for name in sorted(glob.glob("docs/*.md")) for word in ("--data", name)]
    subprocess.run([eagle, "train", what, "-o", directory, *texts, *STEPS, *arguments], check=True,
                   stdout=subprocess.DEVNULL)


def read_config(directory):
    with open(os.path.join(directory, "config.json")) as file:
        return json.load(file)


def tensors_of(directory):
    """Name to (dtype, shape), as safetensors reads the file."""
    with safe_open(os.path.join(directory, "model.safetensors"), "pt") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}
        return {name: (s.get_dtype(), tuple(s.get_shape())) for name, s in slices.items()}


def difference(found, wanted):
    """What two dictionaries disagree on, as a text."""
    return ", ".join(f"{name}: {found.get(name)}, must be {wanted.get(name)}"
                     for name in sorted({**found, **wanted}) if found.get(name) != wanted.get(name))


# ---- targets -----------------------------------------------------------------------------------


def wrong_tensors(directory, dtype):
    """What transformers finds wrong with the weights."""
    model, info = AutoModelForCausalLM.from_pretrained(directory, output_loading_info=True)
    wanted = {name: (dtype, tuple(p.shape)) for name, p in model.named_parameters()}  # tied ones once
    problems = [f"{what} {sorted(info[what])}" for what in ("missing_keys", "unexpected_keys", "mismatched_keys")
                if info[what]]
    if type(model).__name__ != "LlamaForCausalLM" or str(model.dtype) != {
            "F32": "torch.float32", "BF16": "torch.bfloat16"}[dtype]:
        problems.append(f"loaded as {type(model).__name__} of {model.dtype}")
    return "; ".join(filter(None, [*problems, difference(tensors_of(directory), wanted)]))


def different_strings(encoder, directory, texts, n):
    """Strings whose ids differ between our encoder, AutoTokenizer and the file alone."""
    auto = AutoTokenizer.from_pretrained(directory)
    alone = PreTrainedTokenizerFast(tokenizer_file=os.path.join(directory, "tokenizer.json"))
    mine = Ours(encoder, directory)
    different = 0
    for _ in range(n):
        text = texts.one()
        ids = [int(i) for i in mine.ask("e " + text.encode().hex()).split()]
        different += ids != auto(text)["input_ids"] or ids != alone(text)["input_ids"]
    mine.close()
    return different


def check_target(opt, name, dtype, directory, texts, generator):
    """One row; returns whether it passed."""
    config = read_config(directory)
    problem = wrong_tensors(directory, dtype)
    if problem:
        print(f"target: {name:28} FAILED: {problem}")
        return False
    ids = torch.randint(0, config["vocab_size"], (N_IDS,), generator=generator).tolist()
    logits, features = theirs(directory, ids)
    mine, my_features = ours(opt.eagle, directory, ids)
    d_logits = (mine - logits).abs().max().item()
    d_features = (my_features - features).abs().max().item()
    n = opt.strings // len(TARGETS)
    different = different_strings(opt.encoder, directory, texts, n)
    passed = mine.shape == logits.shape and d_logits <= BOUND and different == 0
    print(f"target: {name:28} {len(tensors_of(directory)):7} {N_IDS:6} {logits.abs().max().item():7.2f} "
          f"{d_logits:10.2e} {d_features:10.2e} {n:8} {different:9}  {'ok' if passed else 'FAILED'}", flush=True)
    return passed


# ---- heads -------------------------------------------------------------------------------------


def published_tensors(config, dtype, own_embedding):
    """The tensors of a published EAGLE-1 head of this shape."""
    dim, ffn, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    kv = dim // config["num_attention_heads"] * config["num_key_value_heads"]
    shapes = {"fc.weight": (dim, 2 * dim), "fc.bias": (dim,),
              "layers.0.self_attn.q_proj.weight": (dim, dim), "layers.0.self_attn.k_proj.weight": (kv, dim),
              "layers.0.self_attn.v_proj.weight": (kv, dim), "layers.0.self_attn.o_proj.weight": (dim, dim),
              "layers.0.mlp.gate_proj.weight": (ffn, dim), "layers.0.mlp.up_proj.weight": (ffn, dim),
              "layers.0.mlp.down_proj.weight": (dim, ffn), "layers.0.post_attention_layernorm.weight": (dim,)}
    if own_embedding:
        shapes["embed_tokens.weight"] = (vocab, dim)
    return {name: (dtype, shape) for name, shape in shapes.items()}


def wrong_head(directory, target, dtype, own_embedding):
    config, of_target = read_config(directory), read_config(target)
    wanted = {**HEAD_KEYS, **{key: of_target[key] for key in SHARED_KEYS}}
    problems = [difference({key: config.get(key) for key in wanted}, wanted)]
    problems += [f"config.json has no {key}" for key in OTHER_KEYS if key not in config]
    problems.append(difference(tensors_of(directory), published_tensors(of_target, dtype, own_embedding)))
    if LlamaConfig.from_pretrained(directory).hidden_size != of_target["hidden_size"]:
        problems.append("LlamaConfig reads another width")
    return "; ".join(filter(None, problems))


def keys_of_published(data, directory):
    """Keys and tensors that a head trained with PyTorch has and ours has not; None without such a head."""
    other = os.path.join(data, "heads", "stories260K-eagle1")
    if not os.path.isdir(other):
        return None
    tensors = set(tensors_of(other)) - {"embed_tokens.weight"}
    return sorted((set(read_config(other)) - set(read_config(directory))) | (tensors - set(tensors_of(directory))))


def losses(opt, directory, target, generator):
    """Loss of the head on a random batch: ours, torch's, and how far parts of the latter move without attention and MLP."""
    model = LlamaForCausalLM.from_pretrained(target, dtype=torch.float32, attn_implementation="eager")
    config = read_config(directory)
    weights = {name: t.float() for name, t in load_file(os.path.join(directory, "model.safetensors")).items()}
    batch = crosscheck_train.make_batch(config["vocab_size"], config["hidden_size"], generator)
    mine, _, _ = crosscheck_train.ours(opt.gradients, os.path.join(opt.work, "batch"), batch, [target, directory])
    with torch.no_grad():
        reference = torch.stack(crosscheck_train.head_loss(weights, config, model, batch))
        for name in ("self_attn.o_proj", "mlp.down_proj"):
            weights[f"layers.0.{name}.weight"].zero_()
        without = torch.stack(crosscheck_train.head_loss(weights, config, model, batch))
        # The sum may stay where it is: its parts, of tokens and of features, can move against each other.
        return mine[0], reference[0].item(), (without / reference - 1).abs().max().item()


def check_head(opt, name, dtype, arguments, directory, target, generator):
    """One row; returns whether it passed."""
    train(opt.eagle, "head", directory, ["-m", target, "--eval-tokens", "4", *arguments])
    problem = wrong_head(directory, target, dtype, "--own-embedding" in arguments)
    missing = keys_of_published(opt.data, directory)
    if problem or missing:
        print(f"head: {name:30} FAILED: {problem} {missing or ''}")
        return False
    mine, reference, effect = losses(opt, directory, target, generator)
    d_loss = abs(mine / reference - 1)
    passed = d_loss <= crosscheck_train.GRADIENT and effect > 100 * crosscheck_train.GRADIENT
    print(f"head: {name:30} {len(tensors_of(directory)):7} {reference:8.4f} {d_loss:10.1e} {effect:7.3f}  "
          f"{'ok' if passed else 'FAILED'}{'' if missing is None else ', every key and tensor of a head of PyTorch'}", flush=True)
    return passed


# ---- all of it ---------------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("eagle")
    parser.add_argument("encoder", help="the built tests/support/make_token_ids")
    parser.add_argument("gradients", help="the built tests/support/make_gradients")
    parser.add_argument("work")
    parser.add_argument("--data", default="../shared")
    parser.add_argument("--strings", type=int, default=10000, help="over all targets")
    opt = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)  # tiny networks: more would only wait
    generator = torch.Generator().manual_seed(SEED)
    texts = Texts(SEED)
    results = []
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, seed {SEED}")
    print(f"{'written by us':36} {'tensors':>7} {'tokens':>6} {'|logit|':>7} {'d logits':>10} {'d features':>10} "
          f"{'strings':>8} {'different':>9}")
    for i, (name, dtype, arguments) in enumerate(TARGETS):
        directory = os.path.join(opt.work, f"target{i}")
        train(opt.eagle, "target", directory, [*NET, *arguments])
        results.append(check_target(opt, name, dtype, directory, texts, generator))
    target = os.path.join(opt.work, "target1")
    print(f"{'written by us':36} {'tensors':>7} {'loss':>8} {'d loss':>10} {'effect':>7}")
    for i, (name, dtype, arguments) in enumerate(HEADS):
        results.append(check_head(opt, name, dtype, arguments, os.path.join(opt.work, f"head{i}"), target, generator))
    failed = results.count(False)
    print(f"crosscheck of what is written: {len(results) - failed} load elsewhere, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
