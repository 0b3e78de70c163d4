# SPDX-License-Identifier: MIT
# bench_training.py - how fast we train, beside PyTorch on the same machine.
#
#   bench_training.py EAGLE WORK [--threads N] [--steps N] [--rounds N] [--text FILE] [sizes]
#
# The same shape, batch, sequences of equal length, float32, AdamW and number of threads on both sides. Ours
# is EAGLE's own commands, timed by their logs; theirs is the network written out in torch without
# anything around it: fused attention (is_causal), fused norm and fused AdamW, not compiled. What is timed
# are whole steps, the choice of sequences, clipping and optimizer included; start, validation and writing are
# not. Both run in turn, so that a busy moment of the machine meets both; tokens are all rows of a batch.
# Figures are medians over the rounds, with the range; each leaves out its first WARM steps.

import argparse
import glob
import json
import os
import shutil
import statistics
import subprocess
import time

import torch
import torch.nn.functional as F

WARM = 3
EPS = 1e-5


# ---- texts: the same ids for both ----------------------------------------------------------------


def make_ids(opt):
    """Learns a tokenizer from the texts; their ids, cut into rows of one length, as a tensor and a file."""
    tokenizer = os.path.join(opt.work, "tokenizer")
    texts = [opt.text] if opt.text else sorted(glob.glob("docs/*.md"))
    data = [word for name in texts for word in ("--data", name)]
    shutil.rmtree(tokenizer, ignore_errors=True)
    subprocess.run([opt.eagle, "train", "target", *data, "-o", tokenizer, "--vocab", str(opt.vocab), "--dim", "16",
                    "--heads", "2", "--layers", "1", "--steps", "1", "--batch", "64", "--length", "64", "-q"],
                   check=True, stdout=subprocess.DEVNULL)
    ids = []
    for name in texts:
        with open(name, "rb") as file:
            run = subprocess.run([opt.eagle, "tokenize", "-m", tokenizer], stdin=file, stdout=subprocess.PIPE, check=True)
        ids += [int(i) for i in run.stdout.split()]
    rows = torch.tensor(ids[:len(ids) // opt.length * opt.length]).view(-1, opt.length)
    path = os.path.join(opt.work, "texts.ids")
    with open(path, "w") as file:
        file.writelines(" ".join(map(str, row)) + "\n" for row in rows.tolist())
    return rows, path


# ---- ours ----------------------------------------------------------------------------------------


def ours(opt, command, name, arguments):
    """Tokens per second, and how many parameters are learned."""
    out, log = os.path.join(opt.work, name), os.path.join(opt.work, name + ".jsonl")
    shutil.rmtree(out, ignore_errors=True)
    run = subprocess.run([opt.eagle, "train", command, *arguments, "-o", out, "--log", log, "--steps",
                          str(WARM + opt.steps), "--batch", str(opt.batch), "--length", str(opt.length),
                          "--save-every", "0", "--eval-every", "0", "-t", str(opt.threads), "-q"],
                         check=True, stdout=subprocess.PIPE, text=True)
    with open(log) as file:
        lines = [line for line in map(json.loads, file) if "seconds" in line]
    first, last = lines[WARM - 1], lines[-1]
    rate = (last["tokens"] - first["tokens"]) / (last["seconds"] - first["seconds"])
    return rate, int(run.stdout.split(": ", 1)[1].split()[0])


# ---- theirs --------------------------------------------------------------------------------------


def matrix(rows, cols):
    return (0.02 * torch.randn(rows, cols)).requires_grad_()


class Layer:
    """A decoder layer; the first norm is left out in a head."""

    def __init__(self, opt, first_norm):
        self.heads, self.kv_heads = opt.heads, opt.kv_heads
        dim, kv = opt.dim, opt.dim // opt.heads * opt.kv_heads
        self.norms = [torch.ones(dim, requires_grad=True) for _ in range(1 + first_norm)]
        self.q, self.k, self.v, self.o = matrix(dim, dim), matrix(kv, dim), matrix(kv, dim), matrix(dim, dim)
        self.gate, self.up, self.down = matrix(opt.ffn, dim), matrix(opt.ffn, dim), matrix(dim, opt.ffn)
        half = dim // opt.heads // 2
        angle = torch.outer(torch.arange(opt.length), 10000.0 ** (-torch.arange(half) / half))
        self.cos, self.sin = (torch.cat([f(angle)] * 2, -1) for f in (torch.cos, torch.sin))

    def parameters(self):
        return [*self.norms, self.q, self.k, self.v, self.o, self.gate, self.up, self.down]

    def rotate(self, x):
        a, b = x.chunk(2, -1)
        return x * self.cos[:x.shape[2]] + torch.cat([-b, a], -1) * self.sin[:x.shape[2]]

    def __call__(self, x):
        b, n, dim = x.shape
        y = F.rms_norm(x, (dim,), self.norms[1], EPS) if len(self.norms) > 1 else x
        q, k, v = (F.linear(y, w).view(b, n, h, -1).transpose(1, 2)
                   for w, h in ((self.q, self.heads), (self.k, self.kv_heads), (self.v, self.kv_heads)))
        mixed = F.scaled_dot_product_attention(self.rotate(q), self.rotate(k), v, is_causal=True, enable_gqa=True)
        x = x + F.linear(mixed.transpose(1, 2).reshape(b, n, dim), self.o)
        y = F.rms_norm(x, (dim,), self.norms[0], EPS)
        return x + F.linear(F.silu(F.linear(y, self.gate)) * F.linear(y, self.up), self.down)


class Target:
    """Llama with tied embedding; features are what the LM head reads."""

    def __init__(self, opt):
        self.embed, self.norm = matrix(opt.vocab, opt.dim), torch.ones(opt.dim, requires_grad=True)
        self.layers = [Layer(opt, True) for _ in range(opt.layers)]

    def parameters(self):
        return [self.embed, self.norm, *(p for layer in self.layers for p in layer.parameters())]

    def features(self, token):
        x = F.embedding(token, self.embed)
        for layer in self.layers:
            x = layer(x)
        return F.rms_norm(x, self.norm.shape, self.norm, EPS)

    def loss(self, token):
        logits = F.linear(self.features(token), self.embed)
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), token[:, 1:].flatten())


class Head:
    """The published objective: smooth L1 on features, soft cross entropy through the frozen LM head."""

    def __init__(self, opt, target, stored):
        self.target, self.stored = target, stored
        self.fc, self.layer = matrix(opt.dim, 2 * opt.dim), Layer(opt, False)

    def parameters(self):
        return [self.fc, *self.layer.parameters()]

    def loss(self, token, chosen):
        with torch.no_grad():
            feature = self.target.features(token) if self.stored is None else self.stored[chosen]
            noisy = feature[:, :-1] + 0.2 * torch.rand_like(feature[:, :-1]) - 0.1
            read = torch.cat([F.embedding(token[:, 1:], self.target.embed), noisy], -1)
            wanted = feature[:, 1:]
            law = F.linear(wanted, self.target.embed).softmax(-1)
            lm_head = self.target.embed.detach()
        guess = self.layer(F.linear(read, self.fc))
        cross = F.cross_entropy(F.linear(guess, lm_head).flatten(0, 1), law.flatten(0, 1))
        return F.smooth_l1_loss(guess, wanted) + 0.1 * cross


def theirs(opt, rows, parameters, loss_of, clip):
    """Tokens per second."""
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    begun = 0.0
    for step in range(WARM + opt.steps):
        if step == WARM:
            begun = time.perf_counter()
        chosen = torch.randint(len(rows), (opt.batch // opt.length,))
        loss = loss_of(rows[chosen], chosen)
        optimizer.zero_grad()
        loss.backward()
        clip(parameters)
        optimizer.step()
    return opt.steps * opt.batch / (time.perf_counter() - begun)


# ---- both ----------------------------------------------------------------------------------------


def figures(name, n, mine, reference):
    def text(rates):
        return f"{statistics.median(rates):9.0f} [{min(rates):.0f} .. {max(rates):.0f}]"

    print(f"{name:32} {n:10} {text(mine):>28} {text(reference):>28} "
          f"{statistics.median(mine) / statistics.median(reference):6.2f}", flush=True)


def compare(opt, rows, name, arguments, network, clip):
    """One row of the table."""
    command = name.split(",")[0]

    def loss_of(token, chosen):
        return network.loss(token) if isinstance(network, Target) else network.loss(token, chosen)

    mine, reference = [], []
    for _ in range(opt.rounds):
        rate, n = ours(opt, command, name.replace(", ", "-").replace(" ", "-"), arguments)
        if n != sum(p.numel() for p in network.parameters()):
            raise SystemExit(f"{name}: {n} parameters, torch has {sum(p.numel() for p in network.parameters())}")
        mine.append(rate)
        reference.append(theirs(opt, rows, network.parameters(), loss_of, clip))
    figures(name, n, mine, reference)


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("eagle")
    parser.add_argument("work")
    parser.add_argument("--text", help="default: the pages of docs/")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    for name, value in (("steps", 50), ("rounds", 5), ("batch", 2048), ("length", 256), ("dim", 128), ("layers", 6),
                        ("heads", 8), ("kv-heads", 4), ("vocab", 768)):
        parser.add_argument("--" + name, type=int, default=value)
    opt = parser.parse_args()
    opt.ffn = (8 * opt.dim // 3 + 15) // 16 * 16
    if opt.batch % opt.length:
        raise SystemExit("--batch: needs to be a multiple of --length")
    return opt


def main():
    opt = read_options()
    torch.set_num_threads(opt.threads)
    torch.manual_seed(1)
    os.makedirs(opt.work, exist_ok=True)
    rows, ids = make_ids(opt)
    print(f"torch {torch.__version__}, {opt.threads} threads, float32, dim {opt.dim}, {opt.layers} layers, {opt.heads} heads "
          f"({opt.kv_heads} KV), MLP {opt.ffn}, vocabulary {opt.vocab}, steps of {opt.batch} tokens in sequences of {opt.length}")
    print(f"tokens/s of whole steps (choice of sequences, forward, backward, clipping, AdamW), {opt.steps} steps after "
          f"{WARM}, median of {opt.rounds} rounds in turn [range]")
    print("features of a head's batch: computed in each step by the target without gradients, or stored before")
    print(f"{'training':32} {'parameters':>10} {'eagle':>28} {'torch':>28} {'ratio':>6}")
    data = ["--data", ids, "--held-out", "0"]
    net = [word for name in ("dim", "layers", "heads", "kv_heads", "vocab")
           for word in ("--" + name.replace("_", "-"), str(getattr(opt, name)))]
    target = Target(opt)
    compare(opt, rows, "target", [*data, *net], target, lambda parameters: torch.nn.utils.clip_grad_norm_(parameters, 1.0))

    def clip(parameters):
        torch.nn.utils.clip_grad_value_(parameters, 0.5)

    model, stored = os.path.join(opt.work, "target"), os.path.join(opt.work, "features.safetensors")
    compare(opt, rows, "head, features computed", ["-m", model, *data], Head(opt, target, None), clip)
    subprocess.run([opt.eagle, "train", "features", "-m", model, "--data", ids, "--dtype", "f32", "-o", stored, "-q"],
                   check=True, stdout=subprocess.DEVNULL)
    with torch.no_grad():
        features = torch.cat([target.features(part) for part in rows.split(8)])
    compare(opt, rows, "head, features stored", ["-m", model, "--features", stored], Head(opt, target, features), clip)


if __name__ == "__main__":
    main()
