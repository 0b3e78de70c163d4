# SPDX-License-Identifier: MIT
"""eagle_trace.py - writes traces that `eagle trace show` and `eagle check` read (docs/trace-format.md).

One file, numpy alone: copy it beside your script. docs/judging.md has the lines for vLLM, SGLang and transformers.

    trace = Trace(1, vocab, prompt_ids, producer={"name": "vllm", "version": vllm.__version__}, dtype="bf16")
    trace.plain(output_ids, logprobs, tops)                                    levels 0 and 1, all at once, or
    trace.round([token], sources=[PLAIN], logits=row)                          each target pass of plain decoding, or
    trace.round(accepted + [bonus], tree=tree, parent=parent, logits=rows)     of speculative decoding
    trace.write("run.trace", finish="length")

`tree` and `parent` have the last token before the round as node 0, and `rows` a row for each node; bfloat16 ones come
as `rows.view(torch.int16).numpy().view(numpy.uint16)`. Levels 3 and 4 are level 2 with states of layers:
`sites={"0/q": ..., "embed": ...}` of a round, `prompt(sites)` of the prompt, and `dim=` and `layers=` of the target.
"""
import json

import numpy as np

UNKNOWN, PROMPT, ACCEPTED, RESIDUAL, BONUS, PLAIN = -1, 0, 1, 2, 3, 4
PICK, ACCEPT = 0, 1                                           # kinds of draws
FOR_TARGET, FOR_DRAFT, FOR_ACCEPT, FOR_RESIDUAL = 1, 2, 3, 4  # and their purposes
_TYPES = {"float32": "F32", "uint16": "BF16", "float16": "F16", "int32": "I32", "int64": "I64", "float64": "F64"}


def log_softmax(row):
    """Of one row of logits, in double precision."""
    row = _widen(row).astype(np.float64)
    row = row - row.max()
    return row - np.log(np.exp(row).sum())


def _widen(x):
    """float32 of float32, float16, or bfloat16 that came as uint16."""
    x = np.asarray(x)
    return (x.astype(np.uint32) << 16).view(np.float32) if x.dtype == np.uint16 else x.astype(np.float32)


class Trace:
    """A run that is being written down; `manifest` holds further keys of the manifest."""

    def __init__(self, level, vocab, prompt_ids, **manifest):
        if level not in range(5):
            raise ValueError("levels 0 to 4")
        self.level, self.vocab, self.manifest = level, vocab, manifest
        self.n_prompt = len(prompt_ids)
        self.tokens = [int(t) for t in prompt_ids]
        self.sources = [PROMPT] * self.n_prompt
        self.rounds = [-1] * self.n_prompt
        self.logprobs, self.tops, self.tensors, self.n_rounds = [], [], {}, 0

    def plain(self, tokens, logprobs=None, tops=None):
        """All output, where rounds and sources are not known: below level 2, once."""
        if self.level >= 2 or self.n_rounds:
            raise ValueError("rounds are known, or needed")
        self.tokens += [int(t) for t in tokens]
        self.sources += [UNKNOWN] * len(tokens)
        self.rounds, self.logprobs, self.tops = None, list(logprobs or []), list(tops or [])

    def prompt(self, sites):
        """States of the prompt's rows, by name: "0/k_rope" [prompt's tokens, size]."""
        for name, x in sites.items():
            self.tensors[f"prompt/{name}"] = np.ascontiguousarray(x)

    def round(self, tokens, sources=None, logprobs=None, tops=None, tree=None, parent=None, logits=None,
              score=None, prob=None, draws=None, sites=None):
        """A target pass that emitted `tokens`. Level 1 needs `logprobs`, or takes them from `logits`; `tops` are
        lists of (token, log-probability). Level 2 needs `logits` [nodes, vocab], and `tree` with `parent`, unless
        the tree is its root alone. `score`: draft log-probabilities of the paths; `prob` [nodes, vocab]: the laws
        that each node's children were drawn from; `draws`: (kind, purpose, position, index, answer, coin) of each;
        `sites`: states of the nodes, by name: "0/q" [nodes, size]."""
        tokens = [int(t) for t in tokens]
        tree, parent = ([self.tokens[-1]], [-1]) if tree is None else (tree, parent)
        path, row = [], [0]
        for token in tokens[:-1]:
            path.append(next(i for i in range(1, len(tree)) if parent[i] == row[-1] and tree[i] == token))
            row.append(path[-1])
        if self.level >= 2:
            self._tree(tokens, path + [-1], row, tree, parent, np.asarray(logits).reshape(len(tree), self.vocab))
            for name, x in (("tree.score", score), ("draft.prob", prob)):
                if x is not None:
                    self._put(name, np.asarray(x, np.float32))
            for i, name in enumerate(("kind", "purpose", "pos", "index", "answer", "coin") if draws else ()):
                self._put(f"draw.{name}", np.asarray([d[i] for d in draws], np.float64 if i == 5 else np.int32))
            for name, x in (sites or {}).items():
                self._put(name, x)
        if self.level >= 1 and logprobs is None:
            logprobs = [log_softmax(np.asarray(logits).reshape(len(tree), -1)[r])[t] for r, t in zip(row, tokens)]
        self.tokens += tokens
        self.sources += sources or [ACCEPTED] * len(path) + [UNKNOWN]
        self.rounds += [self.n_rounds] * len(tokens)
        self.logprobs += list(logprobs or [])
        self.tops += list(tops or [])
        self.n_rounds += 1

    def _tree(self, tokens, path, row, tree, parent, logits):
        depth = []
        for up in parent:
            depth.append(0 if up < 0 else depth[up] + 1)
        for name, x in (("tree.token", tree), ("tree.parent", parent), ("tree.depth", depth),
                        ("tree.pos", [len(self.tokens) - 1 + d for d in depth]), ("tree.verify", [len(tree)]),
                        ("path.token", tokens), ("path.node", path), ("path.row", row)):
            self._put(name, np.asarray(x, np.int32))
        self._put("logits", logits)

    def _put(self, name, x):
        self.tensors[f"round/{self.n_rounds}/{name}"] = np.ascontiguousarray(x)

    def write(self, path, finish=""):
        """Writes the file."""
        tensors = dict(self.tensors)
        tensors["seq.token"] = np.asarray(self.tokens, np.int32)
        tensors["seq.source"] = np.asarray(self.sources, np.int32)
        if self.rounds is not None:
            tensors["seq.round"] = np.asarray(self.rounds, np.int32)
        if self.level >= 1:
            tensors["seq.logprob"] = np.asarray(self.logprobs, np.float32)
            most = min((len(top) for top in self.tops), default=0)
            if most and len(self.tops) == len(self.logprobs):
                tops = [sorted(top, key=lambda at: (-at[1], at[0]))[:most] for top in self.tops]
                tensors["seq.top_token"] = np.asarray([[t for t, _ in top] for top in tops], np.int32)
                tensors["seq.top_logprob"] = np.asarray([[p for _, p in top] for top in tops], np.float32)
        manifest = {"schema": "eagle.trace", "version": "1.0", "level": self.level, "vocab": self.vocab,
                    "rounds": self.n_rounds, "finish": finish, **self.manifest}
        header = {"__metadata__": {"eagle.trace": json.dumps(manifest, separators=(",", ":"))}}
        order = sorted(tensors, key=lambda name: (-tensors[name].itemsize, name))
        at = 0
        for name in order:
            x = tensors[name]
            header[name] = {"dtype": _TYPES[x.dtype.name], "shape": list(x.shape), "data_offsets": [at, at + x.nbytes]}
            at += x.nbytes
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for name in order:
                file.write(tensors[name].astype(tensors[name].dtype.newbyteorder("<")).tobytes())


def line(prompt_ids, output_ids, source=None, logprobs=None, tops=None):
    """A run of level 0 or 1 as a line of JSON."""
    run = {"prompt_ids": [int(t) for t in prompt_ids], "output_ids": [int(t) for t in output_ids]}
    if source is not None:
        run["source"] = list(source)
    if logprobs is not None:
        run["logprobs"] = [float(p) for p in logprobs]
    if tops is not None:
        run["top_logprobs"] = [{str(t): float(p) for t, p in top} for top in tops]
    return json.dumps(run)
