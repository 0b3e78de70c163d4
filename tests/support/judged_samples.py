# SPDX-License-Identifier: MIT
"""judged_samples.py - tokens that transformers drew, for crosscheck_judge.py: coins recorded, bugs in verification."""
import contextlib

import torch
from transformers.generation import logits_process, utils

import judged_runs as runs
from judged_runs import array, eagle_trace

HOW = {"do_sample": True, "temperature": 0.8, "top_p": 0.9}
LISTED = 128  # log-probabilities of each token, as many everywhere
SAMPLING = {"temperature": "0.8", "top_k": 0, "top_p": "0.9", "min_p": "0"}


def spoiled(raw, bug):
    """The target's scores of the verification, from its logits, as the bug makes them."""
    if bug == "unfiltered":
        return raw / HOW["temperature"]
    keep = logits_process.TopPLogitsWarper(HOW["top_p"])  # "hot": filtered, at temperature 1
    return torch.stack([keep(None, row[None])[0] for row in raw])


@contextlib.contextmanager
def watched_verification(passes, bug="", last=False):
    """Coins of each verification are added to its pass. `last`: the last token of a round is drawn by one coin along
    the running sums, which is recorded too, in place of torch.multinomial's race of exponentials."""
    verify, coin_of, draw = utils._speculative_sampling, torch.rand_like, torch.multinomial

    def rand_like(x, **how):
        coins = coin_of(x, **how)
        passes.passes[-1]["coins"] = coins.flatten().tolist()
        return coins

    def multinomial(p, num_samples):
        coin = torch.rand((), dtype=torch.float32)
        passes.passes[-1]["last coin"] = float(coin)
        sums = p.flatten().cumsum(-1)
        at = int(torch.searchsorted(sums, coin, right=True).clamp(max=p.numel() - 1))
        return torch.tensor([[at]])

    def speculative(ids, scores, n, new, **how):
        if bug:
            new = spoiled(passes.passes[-1]["logits"].float(), bug)[None]
        torch.rand_like, torch.multinomial = rand_like, multinomial if last else draw
        tokens, matches = verify(ids, scores, n, new, **how)
        torch.rand_like, torch.multinomial = coin_of, draw
        passes.passes[-1]["matches"] = int(matches)
        return tokens, matches

    utils._speculative_sampling = speculative
    yield
    utils._speculative_sampling = verify


def draws_of(one, root, emitted):
    """Of a pass, as the trace has them: each coin that was looked at. None where nothing was drafted."""
    if "matches" not in one:
        return []
    out = [(eagle_trace.ACCEPT, eagle_trace.FOR_ACCEPT, root + 1 + i, 0, int(i < one["matches"]), one["coins"][i])
           for i in range(min(one["matches"] + 1, len(one["draft"])))]
    if "last coin" in one:
        purpose = eagle_trace.FOR_RESIDUAL if one["matches"] < len(one["draft"]) else eagle_trace.FOR_TARGET
        out.append((eagle_trace.PICK, purpose, root + len(emitted), 0, emitted[-1], one["last coin"]))
    return out


def generate(model, small, ids, n, seed, bug="", last=False):
    torch.manual_seed(seed)
    ids = torch.tensor([ids])
    with runs.Passes(model) as passes, watched_verification(passes, bug, last):
        out = model.generate(ids, attention_mask=torch.ones_like(ids), assistant_model=small, max_new_tokens=n,
                             eos_token_id=None, pad_token_id=0, top_k=0, **HOW)
    return passes, out[0].tolist()


def assisted_trace(model, small, ids, n, seed, last, bug=""):
    passes, out = generate(model, small, ids, n, seed, bug, last)
    draws = [draws_of(one, one["at"] - 1, emitted) for one, emitted in passes.rounds(ids, out)]
    return passes.trace(ids, out, draws=draws, sampling=SAMPLING, verify="other", rule="transformers")


def assisted(model, small, prompts, times, n, bug=""):
    """Continuations as lines of JSON."""
    return [eagle_trace.line(ids, generate(model, small, ids, n, 1000 * i + k, bug)[1][len(ids):])
            for i, ids in enumerate(prompts) for k in range(times)]


def plain(model, prompts, times, n):
    """Continuations of each prompt in one batch, with the law that each token was drawn from."""
    out = []
    for i, ids in enumerate(prompts):
        torch.manual_seed(i)
        got = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), max_new_tokens=n, top_k=0,
                             eos_token_id=None, pad_token_id=0, num_return_sequences=times, output_scores=True,
                             return_dict_in_generate=True, **HOW)
        scores = torch.stack(got.scores, 1).double().log_softmax(-1)  # [times, n, vocab]
        for tokens, rows in zip(got.sequences[:, len(ids):].tolist(), scores):
            tops = []
            for row in rows:
                best = row.argsort(descending=True, stable=True)[:LISTED] # what the filter took away has e^-1e9: none
                tops.append(list(zip(best.tolist(), array(row[best].clamp(min=-1e9)).tolist())))
            own = [float(row[t]) for t, row in zip(tokens, rows)]
            out.append(eagle_trace.line(ids, tokens, logprobs=own, tops=tops))
    return out
