#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make_tokenizer_vectors.py - what Hugging Face's library makes of small tokenizers, one or more
per component and flag, as a text for tests/unit/test_tokenizer_components.c.

    python3 tests/support/make_tokenizer_vectors.py testdata/vectors/tokenizer

Writes DIR/components.txt and DIR/model-KIND.json. Needs the Python package tokenizers. The tokenizers are those of
crosscheck_tokenizer.py, which compares many more texts.
"""
import json
import os
import sys

import tokenizers
from tokenizers import Tokenizer

import crosscheck_tokenizer as cross

SEED = 7
TEXTS = 2
FIXED = ["", " Hello  the ab1.\n"]
WITH_ADDED = ["[A][AB[ABC] [L] [R] [W]x<s> the▁▁é日"]

HEADER = """# What Hugging Face tokenizers {version} makes of small tokenizers.
# Made by: python3 tests/support/make_tokenizer_vectors.py testdata/vectors/tokenizer
#
# t NAME   a tokenizer
# m KIND   its model: model-KIND.json
# j JSON   the rest of its file, without the last brace
# e HEX IDS   encode with special tokens added and parsed
# n HEX IDS   encode without
# d HEX IDS   decode, special tokens left out
"""


def model_of(value, models):
    """The name of the model, which is written once."""
    text = json.dumps(value["model"], ensure_ascii=False, sort_keys=True)
    return models.setdefault(text, "model-%d" % len(models))


def vectors(tokenizer, value, decodes, texts):
    """Lines for one tokenizer."""
    seen = None
    for text in FIXED + WITH_ADDED * bool(value["added_tokens"]) + [texts.one()[:24] for _ in range(TEXTS)]:
        for kind in ("e", "n"):
            tokenizer.encode_special_tokens = kind == "n"
            ids = cross.theirs_or_none(lambda: tokenizer.encode(text, add_special_tokens=kind == "e").ids)
            if ids is None or (kind == "n" and ids == seen):
                continue
            seen = ids
            yield "%s %s %s" % (kind, text.encode().hex() or "-", " ".join(map(str, ids)))
            out = cross.theirs_or_none(lambda: tokenizer.decode(ids, skip_special_tokens=True))
            if out is not None and kind == "e" and decodes:
                yield "d %s %s" % (out.encode().hex() or "-", " ".join(map(str, ids)))
    if not decodes:
        return
    ids = [texts.random.randrange(tokenizer.get_vocab_size()) for _ in range(12)]
    ids = [i for i in ids if tokenizer.id_to_token(i) is not None]
    out = cross.theirs_or_none(lambda: tokenizer.decode(ids, skip_special_tokens=True))
    if out is not None:
        yield "d %s %s" % (out.encode().hex() or "-", " ".join(map(str, ids)))


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_tokenizer_vectors.py DIR")
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    texts = cross.Texts(SEED)
    models = {}
    with open(os.path.join(directory, "components.txt"), "w", encoding="utf-8") as file:
        file.write(HEADER.format(version=tokenizers.__version__))
        for name, value in cross.small_tokenizers():
            tokenizer = cross.theirs_or_none(lambda: Tokenizer.from_str(json.dumps(value)))
            if tokenizer is None:
                continue
            rest = {k: v for k, v in value.items() if k != "model" and v}
            file.write("t %s\nm %s\nj %s\n" % (name, model_of(value, models),
                                               json.dumps(rest, ensure_ascii=False, separators=(",", ":"))[:-1]))
            decodes = bool(value["decoder"]) or "decoder" in name
            for line in vectors(tokenizer, value, decodes, texts):
                file.write(line.rstrip() + "\n")
    for text, name in models.items():
        with open(os.path.join(directory, name + ".json"), "w", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
