# SPDX-License-Identifier: MIT
"""judged_runs.py - runs of transformers that crosscheck_judge.py has judged: models, states of layers, trees, bugs."""
import contextlib
import copy
import json
import sys

import torch
import transformers
from transformers.models.llama import modeling_llama

sys.path.insert(0, "docs/emit")
import eagle_trace  # noqa: E402
from transformers_assisted import Passes, array  # noqa: E402

MODEL = "testdata/stories"


def target(dtype=torch.float32):
    return transformers.LlamaForCausalLM.from_pretrained(MODEL, dtype=dtype).eval()


def assistant(model, noise=0.1):
    """The target with noise on its matrices: it agrees with it often, and not always."""
    small = copy.deepcopy(model)
    chance = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in small.parameters():
            if p.dim() == 2:
                p.add_((torch.randn(p.shape, generator=chance) * p.float().std() * noise).to(p.dtype))
    how = small.generation_config
    how.num_assistant_tokens, how.num_assistant_tokens_schedule, how.assistant_confidence_threshold = 4, "constant", 0.0
    return small


def prompts(n):
    """Token ids of the first openings of the stories."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(MODEL)
    with open(f"{MODEL}/openings.jsonl", encoding="utf-8") as file:
        return [tokenizer(json.loads(next(file))["prompt"]).input_ids for _ in range(n)]


def generate(model, ids, n, small=None, **how):
    """Tokens of one call, and its passes. `how`: do_sample, temperature, top_p, num_return_sequences."""
    ids = torch.tensor([ids])
    with Passes(model) as passes:
        out = model.generate(ids, attention_mask=torch.ones_like(ids), assistant_model=small, max_new_tokens=n,
                             eos_token_id=None, pad_token_id=0, top_k=0, **{"do_sample": False, **how})
    return passes, out.tolist()


# ---- states of layers ---------------------------------------------------------------------------


class Sites:
    """Inside `with`, `passes` gets a dictionary of states, by the names of our sites, for each forward pass."""

    def __init__(self, model):
        self.model, self.passes, self.hooks, self.layer = model, [], [], None

    def _keep(self, name, x):
        self.passes[-1][name] = x.reshape(-1, x.shape[-1]).clone()

    def _in(self, module, name):
        self.hooks.append(module.register_forward_pre_hook(lambda _, args: self._keep(name, args[0])))

    def _out(self, module, name):
        self.hooks.append(module.register_forward_hook(lambda _, __, out: self._keep(name, out)))

    def __enter__(self):
        m = self.model.model
        self.hooks.append(m.register_forward_pre_hook(lambda *_: self.passes.append({})))
        self._out(m.embed_tokens, "embed")
        self._out(m.norm, "feature")
        for i, layer in enumerate(m.layers):
            att, mlp = layer.self_attn, layer.mlp
            self.hooks.append(att.register_forward_pre_hook(lambda *_, i=i: setattr(self, "layer", i)))
            for module, name in ((layer.input_layernorm, "attn_norm"), (att.q_proj, "q"), (att.k_proj, "k"),
                                 (att.v_proj, "v"), (layer.post_attention_layernorm, "mlp_norm"), (layer, "resid_mlp")):
                self._out(module, f"{i}/{name}")
            for module, name in ((layer.input_layernorm, "layer_in"), (att.o_proj, "attn"),
                                 (layer.post_attention_layernorm, "resid_attn"), (mlp.down_proj, "act")):
                self._in(module, f"{i}/{name}")
        self.rotate = rotate = modeling_llama.apply_rotary_pos_emb

        def rotated(q, k, *args, **kwargs):
            out = rotate(q, k, *args, **kwargs)
            if self.layer is not None:  # not in the assistant's layers
                for x, name in zip(out, ("q_rope", "k_rope")):
                    self._keep(f"{self.layer}/{name}", x[0].transpose(0, 1).reshape(x.shape[2], -1))
                self.layer = None
            return out

        modeling_llama.apply_rotary_pos_emb = rotated
        return self

    def __exit__(self, *_):
        for hook in self.hooks:
            hook.remove()
        modeling_llama.apply_rotary_pos_emb = self.rotate

    def of(self, i, rows=slice(None)):
        """Of pass i, for the emitter."""
        return {name: array(x[rows]) for name, x in self.passes[i].items()}


def assisted_trace(model, small, ids, n, level=2, **manifest):
    """Greedy, with the states of all layers from level 3 on."""
    with Sites(model) as sites:
        passes, out = generate(model, ids, n, small)
    kept = None
    if level >= 3:  # the first pass has the prompt's rows, the last of which is the first root
        kept = [sites.of(i, slice(-len(p["draft"]) - 1, None)) for i, p in enumerate(passes.passes)]
    trace = passes.trace(ids, out[0], level=level, sites=kept, verify="greedy", **manifest)
    if level >= 3:
        trace.prompt(sites.of(0, slice(0, len(ids))))
    return trace


# ---- trees --------------------------------------------------------------------------------------

PARENT = [-1, 0, 0, 1, 2]  # two branches of two


def best(model, ids, k):
    return model(torch.tensor([ids])).logits[0, -1].float().topk(k).indices.tolist()


def tree_trace(model, small, ids, n, level=2, bug=""):
    """Greedy decoding with a tree of two branches in one pass, under a mask: a verifier as a user writes it.
    `bug`: "sibling" (the second branch's first node sees the first one's), "unmoved" (accepted rows of the cache stay where
    they were), "stale" (the last accepted row is a rejected one's)."""
    cache = transformers.DynamicCache(config=model.config)
    tokens, config, tree, n_tree = list(ids), model.config, [ids[-1]], 1
    trace = eagle_trace.Trace(level, config.vocab_size, ids, dim=config.hidden_size, layers=config.num_hidden_layers,
                              producer={"name": "transformers", "version": transformers.__version__},
                              dtype="bf16" if model.dtype == torch.bfloat16 else "f32", verify="greedy", tree="2 x 2")
    with Sites(model) as sites, torch.no_grad():
        logits = model(torch.tensor([ids]), past_key_values=cache).logits[0, -1:]
        if level >= 3:
            trace.prompt(sites.of(0))
        while True:
            path, row = [], [0]
            while True:
                token = int(logits[row[-1]].argmax())
                path.append(token)
                hit = [i for i in range(n_tree) if PARENT[i] == row[-1] and tree[i] == token]
                if not hit:
                    break
                row += hit
            states = sites.of(len(sites.passes) - 1) if level >= 3 and n_tree > 1 else None
            trace.round(path, None if n_tree > 1 else [eagle_trace.PLAIN], tree=tree, parent=PARENT[:n_tree],
                        logits=array(logits), sites=states)
            if n_tree > 1:
                keep_rows(cache, len(tokens) - 1, row, bug)
            tokens += path
            if len(tokens) >= len(ids) + n:
                return trace
            a, b = best(small, tokens, 2)
            tree = [tokens[-1], a, b] + best(small, tokens + [a], 1) + best(small, tokens + [b], 1)
            n_tree = len(tree)
            logits = tree_pass(model, cache, tree, len(tokens) - 1, bug)


def tree_pass(model, cache, tree, root, bug):
    sees = torch.eye(len(tree), dtype=torch.bool)
    depth = [0] * len(tree)
    for i in range(1, len(tree)):
        sees[i] |= sees[PARENT[i]]
        depth[i] = depth[PARENT[i]] + 1
    if bug == "sibling":
        sees[2, 1] = True
    mask = torch.cat([torch.ones(len(tree), root, dtype=torch.bool), sees], 1)[None, None]
    return model(torch.tensor([tree]), past_key_values=cache, position_ids=torch.tensor([depth]) + root,
                 attention_mask=torch.zeros(mask.shape, dtype=model.dtype).masked_fill(~mask, -torch.inf)).logits[0]


def keep_rows(cache, root, row, bug):
    """The cache without the nodes that were not accepted."""
    row = list(range(len(row))) if bug == "unmoved" else row
    if bug == "stale" and len(row) > 1:
        row = row[:-1] + [{1: 2, 2: 1, 3: 4, 4: 3}[row[-1]]]
    at = torch.cat([torch.arange(root), torch.tensor(row) + root])
    for layer in cache.layers:
        layer.keys, layer.values = layer.keys[:, :, at], layer.values[:, :, at]


# ---- bugs ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def positions_off(model, first):
    """Positions of verification passes are one too large: from row `first` of the pass on."""
    def shift(_module, args, kwargs):
        if 1 < kwargs["position_ids"].shape[1] < 8:  # drafts, and not the prompt
            kwargs["position_ids"] = kwargs["position_ids"].clone()
            kwargs["position_ids"][:, first:] += 1
        return args, kwargs

    hook = model.model.rotary_emb.register_forward_pre_hook(shift, with_kwargs=True)
    yield
    hook.remove()


@contextlib.contextmanager
def cropped_short(model):
    """After a rejection one row too many stays in the target's cache."""
    crop = transformers.Cache.crop
    transformers.Cache.crop = lambda cache, by: crop(cache, by + 1 if by < 0 and cache is model.watched else by)
    hook = model.model.register_forward_hook(
        lambda _, __, out: setattr(model, "watched", out.past_key_values))
    yield
    transformers.Cache.crop = crop
    hook.remove()


@contextlib.contextmanager
def norm_skipped(model, layer):
    norm = model.model.layers[layer].input_layernorm
    norm.forward = lambda x: x
    yield
    del norm.forward


@contextlib.contextmanager
def wrong_eps(model, norm, eps):
    before, norm.variance_epsilon = norm.variance_epsilon, eps
    yield
    norm.variance_epsilon = before
