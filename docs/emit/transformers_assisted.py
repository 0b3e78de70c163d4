# SPDX-License-Identifier: MIT
"""transformers_assisted.py - a trace of level 2 of `generate` in transformers, its drafts and rounds included.

    with Passes(model) as passes:
        out = model.generate(ids, assistant_model=small, max_new_tokens=64, do_sample=False)
    passes.trace(ids[0], out[0], verify="greedy").write("assisted.trace", finish="length")

`generate` gives neither drafts nor rejected rows away, so two things are watched while it runs: what the candidate
generator proposes, and what the target's `forward` makes of it. Nothing is changed: the bits are those of a run
without this. One sequence at a time, as assisted generation has it; plain generation gives rounds of one token.
Written for transformers 5; 4.45 and later have the same names."""
import numpy as np
import torch
import transformers

import eagle_trace


def array(x):
    """numpy's view of a tensor; bfloat16 as uint16, which is how eagle_trace takes it."""
    x = x.detach().cpu().contiguous()
    return x.view(torch.int16).numpy().view(np.uint16) if x.dtype == torch.bfloat16 else x.numpy()


class Passes:
    """The target passes of one call of `generate`."""

    def __init__(self, model):
        self.model, self.passes, self.draft = model, [], None

    def __enter__(self):
        make = self.model._get_candidate_generator

        def watched(*args, **kwargs):
            generator = make(*args, **kwargs)
            propose = generator.get_candidates

            def get_candidates(ids, *args, **kwargs):
                drafted, scores = propose(ids, *args, **kwargs)
                self.draft = (ids.shape[1], drafted[0, ids.shape[1]:].tolist(), scores)
                return drafted, scores

            generator.get_candidates = get_candidates
            return generator

        def seen(_module, _args, out):
            at, tokens, scores = self.draft or (None, [], None)
            self.passes.append({"at": at, "draft": tokens, "scores": scores,
                                "logits": out.logits[0, -len(tokens) - 1:].clone()})

        self.model._get_candidate_generator = watched
        self.hook = self.model.register_forward_hook(seen)
        return self

    def __exit__(self, *_):
        self.hook.remove()
        del self.model._get_candidate_generator

    def rounds(self, prompt, tokens):
        """Each pass with the tokens that it emitted. A last round that the end cut short is left out: what it
        would have emitted is not known."""
        at = [p["at"] or len(prompt) + i for i, p in enumerate(self.passes)] + [len(tokens)]
        out = [(p, [int(t) for t in tokens[a:b]]) for p, a, b in zip(self.passes, at, at[1:])]
        return out[:-1] if out[-1][1] == out[-1][0]["draft"][:len(out[-1][1])] else out

    def trace(self, prompt, tokens, level=2, sites=None, draws=None, **manifest):
        """The trace. `sites` and `draws`, if any, have an entry for each pass (eagle_trace.Trace.round)."""
        config, dtype = self.model.config, {torch.bfloat16: "bf16", torch.float16: "f16"}
        trace = eagle_trace.Trace(level, config.vocab_size, prompt, **{
            "producer": {"name": "transformers", "version": transformers.__version__},
            "dtype": dtype.get(self.model.dtype, "f32"), "dim": config.hidden_size,
            "layers": config.num_hidden_layers, **manifest})
        for i, (one, emitted) in enumerate(self.rounds(prompt, tokens)):
            draft, prob = one["draft"], None
            if one["scores"] is not None and len(draft) > 0:
                law = one["scores"][0].float().softmax(-1)
                prob = array(torch.cat([law, torch.zeros_like(law[:1])]))  # the last node has no child
            trace.round(emitted, tree=[trace.tokens[-1]] + draft, parent=list(range(-1, len(draft))),
                        sources=None if one["at"] else [eagle_trace.PLAIN], logits=array(one["logits"]), prob=prob,
                        draws=draws and draws[i], sites=sites and sites[i])
        return trace
