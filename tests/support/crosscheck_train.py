# SPDX-License-Identifier: MIT
# crosscheck_train.py - compares our training with PyTorch's: loss, gradients, and ten steps of AdamW.
#
#   crosscheck_train.py MAKE_GRADIENTS WORK [--data DIR]
#
# The same weights and the same packed batch on both sides, float32. A target is transformers'
# LlamaForCausalLM; an EAGLE-1 head is written out below in torch. Bounds: 1e-5 on loss and on every
# tensor's gradient, |ours - theirs| / |theirs| in the Euclidean norm, and 1e-4 on the losses of
# ten steps, relatively. "moved" is how far the loss went in these steps: a comparison in which
# nothing moved proves nothing.

import argparse
import json
import os
import subprocess
import sys

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM

from crosscheck import SEED, SHAPE, case, make

GRADIENT = 1e-5
LOSSES = 1e-4
STEPS = 10
LENGTHS = [17, 1, 40, 2, 30]
FEATURE_WEIGHT, TOKEN_WEIGHT = 1.0, 0.1
CLIP_VALUE, CLIP_NORM = 0.05, 0.5
WARMUP, FLOOR = 3, 0.1


def make_batch(vocab, dim, generator):
    """Packed sequences; about a quarter of the tokens is context only."""
    n = sum(LENGTHS)
    return dict(token=torch.randint(3, vocab, (n,), generator=generator).int(),
                start=torch.tensor([0] + LENGTHS).cumsum(0).int(),
                learn=(torch.rand(n, generator=generator) > 0.25).to(torch.uint8),
                noise=0.2 * torch.rand(n, dim, generator=generator) - 0.1)


def sequences(batch):
    start = batch["start"].tolist()
    return [slice(a, b) for a, b in zip(start, start[1:])]


# ---- losses ------------------------------------------------------------------------------------


def target_loss(model, batch):
    """Mean over the learned tokens; (loss, token part, feature part)."""
    total, n = 0.0, 0
    for rows in sequences(batch):
        token = batch["token"][rows].long()
        label = torch.where(batch["learn"][rows] > 0, token, -100)[1:]
        logits = model(token[None]).logits[0, :-1]
        total = total + F.cross_entropy(logits, label, reduction="sum", ignore_index=-100)
        n += int((label >= 0).sum())
    return total / n, total / n, torch.tensor(0.0)


def rotate(x, theta):
    """RoPE on [rows, heads, head_dim], row i at position i."""
    half = x.shape[-1] // 2
    frequency = 1.0 / theta ** (torch.arange(0, 2 * half, 2).float() / (2 * half))
    angle = torch.outer(torch.arange(x.shape[0]).float(), frequency)[:, None]
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)


def head_forward(w, c, x):
    """One decoder layer without input norm, on the rows of one sequence."""
    heads, kv = c["num_attention_heads"], c["num_key_value_heads"]

    def project(name, n):
        layer = "layers.0.self_attn." + name
        return F.linear(x, w[layer + ".weight"], w.get(layer + ".bias")).view(len(x), n, -1)

    q, k = (rotate(project(name, n), c["rope_theta"]) for name, n in (("q_proj", heads), ("k_proj", kv)))
    k, v = (y.repeat_interleave(heads // kv, 1) for y in (k, project("v_proj", kv)))
    score = torch.einsum("ihd,jhd->hij", q, k) / q.shape[-1] ** 0.5
    score = score + torch.full(score.shape[1:], float("-inf")).triu(1)
    mixed = torch.einsum("hij,jhd->ihd", score.softmax(-1), v).reshape(len(x), -1)
    y = x + mixed @ w["layers.0.self_attn.o_proj.weight"].T
    n = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + c["rms_norm_eps"])
    n = n * w["layers.0.post_attention_layernorm.weight"]
    gate, up, down = (w[f"layers.0.mlp.{name}_proj.weight"] for name in ("gate", "up", "down"))
    return y + (F.silu(n @ gate.T) * (n @ up.T)) @ down.T


def head_loss(w, c, model, batch):
    """SmoothL1 on the next feature and soft cross entropy through the frozen LM head."""
    features_sum, tokens_sum, n = 0.0, 0.0, 0
    embed, lm_head = model.model.embed_tokens.weight, model.lm_head.weight
    for rows in sequences(batch):
        token = batch["token"][rows].long()
        if len(token) < 2:
            continue
        with torch.no_grad():
            feature = model.model(token[None]).last_hidden_state[0]
            read = torch.cat([embed[token[1:]], (feature + batch["noise"][rows])[:-1]], -1)
            law = (feature[1:] @ lm_head.T).softmax(-1)
        guess = head_forward(w, c, F.linear(read, w["fc.weight"], w.get("fc.bias")))
        learn = batch["learn"][rows][:-1].float()
        wrong = F.smooth_l1_loss(guess, feature[1:], reduction="none").mean(-1)
        cross = -(law * (guess @ lm_head.T).log_softmax(-1)).sum(-1)
        features_sum = features_sum + (wrong * learn).sum()
        tokens_sum = tokens_sum + (cross * learn).sum()
        n += int(learn.sum())
    tokens, features = tokens_sum / n, features_sum / n
    return FEATURE_WEIGHT * features + TOKEN_WEIGHT * tokens, tokens, features


# ---- both sides --------------------------------------------------------------------------------


def rate(step):
    """The share of the learning rate at step 0, 1, ...: warm-up, then linear down to FLOOR."""
    t = step + 1
    return t / WARMUP if t < WARMUP else FLOOR + (1 - FLOOR) * (STEPS - min(t, STEPS)) / (STEPS - WARMUP)


def theirs(parameters, loss_of):
    """The first loss's parts and gradients, and the losses of all steps."""
    optimizer = torch.optim.AdamW(parameters.values(), lr=1e-3, betas=(0.9, 0.95), eps=1e-8,
                                  weight_decay=0.5)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    losses, gradients, parts = [], None, None
    for step in range(STEPS):
        loss, tokens, features = loss_of()
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            gradients = {name: p.grad.clone() for name, p in parameters.items()}
            parts = [tokens.item(), features.item()]
        torch.nn.utils.clip_grad_value_(parameters.values(), CLIP_VALUE)
        torch.nn.utils.clip_grad_norm_(parameters.values(), CLIP_NORM)
        optimizer.step()
        schedule.step()
    return losses, parts, gradients


def ours(tool, work, batch, directories):
    os.makedirs(work, exist_ok=True)
    save_file(batch, os.path.join(work, "model.safetensors"))
    out = os.path.join(work, "ours.safetensors")
    run = subprocess.run([tool, out, work, *directories], stderr=subprocess.PIPE, text=True)
    if run.returncode != 0:
        raise RuntimeError(f"exit {run.returncode}: {run.stderr.strip()}")
    tensors = load_file(out)
    gradients = {name[5:]: t for name, t in tensors.items() if name.startswith("grad.")}
    return tensors["losses"].tolist(), tensors["parts"].tolist(), gradients


def compare(name, mine, reference):
    """One row of the table; returns whether it passed."""
    losses, parts, gradients = mine
    r_losses, r_parts, r_gradients = reference
    if set(gradients) != set(r_gradients):
        print(f"{name:32} FAILED: tensors differ: {set(gradients) ^ set(r_gradients)}")
        return False
    d_loss = max(abs(a - b) / (abs(b) or 1) for a, b in zip([losses[0], *parts], [r_losses[0], *r_parts]))
    worst, d_gradient = max(((n, ((gradients[n] - g).norm() / g.norm()).item())
                             for n, g in r_gradients.items()), key=lambda pair: pair[1])
    d_losses = max(abs(a - b) / abs(b) for a, b in zip(losses, r_losses))
    moved = abs(r_losses[-1] / r_losses[0] - 1)
    passed = d_loss <= GRADIENT and d_gradient <= GRADIENT and d_losses <= LOSSES and moved > 0.01
    print(f"{name:32} {r_losses[0]:8.4f} {len(gradients):7} {d_loss:9.1e} {d_gradient:10.1e} "
          f"{d_losses:9.1e} {moved:6.3f}  {'ok' if passed else 'FAILED'}  ({worst})", flush=True)
    return passed


# ---- cases -------------------------------------------------------------------------------------


def check_target(tool, work, name, directory, generator):
    model = LlamaForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager")
    batch = make_batch(model.config.vocab_size, model.config.hidden_size, generator)
    mine = ours(tool, work, batch, [directory])
    return compare(name, mine, theirs(dict(model.named_parameters()), lambda: target_loss(model, batch)))


def check_head(tool, work, name, directory, head, generator):
    model = LlamaForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager")
    model.requires_grad_(False)
    with open(os.path.join(head, "config.json")) as file:
        config = json.load(file)
    weights = {name: t.float().requires_grad_()
               for name, t in load_file(os.path.join(head, "model.safetensors")).items()
               if name not in ("embed_tokens.weight", "lm_head.weight")}
    batch = make_batch(model.config.vocab_size, model.config.hidden_size, generator)
    mine = ours(tool, work, batch, [directory, head])
    return compare(name, mine, theirs(weights, lambda: head_loss(weights, config, model, batch)))


def make_head(directory, fc_bias, qkv_bias, generator):
    """A head of SHAPE's width with random weights, 2 KV heads."""
    dim, ffn, kv = SHAPE["hidden_size"], SHAPE["intermediate_size"], 2
    narrow = dim // SHAPE["num_attention_heads"] * kv
    attention = "layers.0.self_attn."
    shapes = {"fc.weight": (dim, 2 * dim), attention + "q_proj.weight": (dim, dim),
              attention + "k_proj.weight": (narrow, dim), attention + "v_proj.weight": (narrow, dim),
              attention + "o_proj.weight": (dim, dim), "layers.0.mlp.gate_proj.weight": (ffn, dim),
              "layers.0.mlp.up_proj.weight": (ffn, dim), "layers.0.mlp.down_proj.weight": (dim, ffn)}
    weights = {name: torch.randn(shape, generator=generator) / shape[1] ** 0.5
               for name, shape in shapes.items()}
    weights["layers.0.post_attention_layernorm.weight"] = 1 + 0.2 * torch.randn(dim, generator=generator)
    if fc_bias:
        weights["fc.bias"] = 0.5 * torch.randn(dim, generator=generator)
    if qkv_bias:
        for name, n in (("q", dim), ("k", narrow), ("v", narrow)):
            weights[f"{attention}{name}_proj.bias"] = 0.5 * torch.randn(n, generator=generator)
    os.makedirs(directory, exist_ok=True)
    save_file(weights, os.path.join(directory, "model.safetensors"))
    with open(os.path.join(directory, "config.json"), "w") as file:
        json.dump({**SHAPE, "architectures": ["LlamaForCausalLM"], "model_type": "llama",
                   "hidden_act": "silu", "num_hidden_layers": 1, "num_key_value_heads": kv,
                   "rope_theta": 10000.0, "bias": fc_bias, "qkv_bias": qkv_bias}, file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("work")
    parser.add_argument("--data", default="../shared")
    arguments = parser.parse_args()
    tool, work = arguments.tool, arguments.work
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)  # tiny networks: more would only wait
    generator = torch.Generator().manual_seed(SEED)
    results = []
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, seed {SEED}, "
          f"{len(LENGTHS)} sequences, {sum(LENGTHS)} tokens")
    print(f"{'training':32} {'loss':>8} {'tensors':>7} {'d loss':>9} {'d gradient':>10} {'d losses':>9} "
          f"{'moved':>6}")
    targets = [case("untied, grouped heads", num_key_value_heads=2),
               case("tied, single KV head", num_key_value_heads=1, tie_word_embeddings=True),
               case("all biases", attention_bias=True, mlp_bias=True)]
    for i, one in enumerate(targets):
        make(one, os.path.join(work, f"target{i}"), generator)
        results.append(check_target(tool, work, "target: " + one["name"],
                                    os.path.join(work, f"target{i}"), generator))
    for fc_bias, qkv_bias in ((False, False), (True, True)):
        head = os.path.join(work, f"head{int(fc_bias)}")
        make_head(head, fc_bias, qkv_bias, generator)
        results.append(check_head(tool, work, f"head: {'fc and qkv' if fc_bias else 'no'} bias",
                                  os.path.join(work, "target0"), head, generator))
    for name in ("stories260K", "babyllama-tok361"):
        model = os.path.join(arguments.data, "models", name)
        head = os.path.join(arguments.data, "heads", name + "-eagle1")
        if not os.path.exists(model) or not os.path.exists(head):
            print(f"{name:32} skipped: no such model")
            continue
        results.append(check_target(tool, work, f"target: {name}", model, generator))
        results.append(check_head(tool, work, f"head: {name}-eagle1", model, head, generator))
    failed = results.count(False)
    print(f"crosscheck of training: {len(results) - failed} within {GRADIENT:g} and {LOSSES:g}, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
