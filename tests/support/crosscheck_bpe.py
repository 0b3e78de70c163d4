#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""crosscheck_bpe.py - the tokenizers that we learn beside those of Hugging Face's BpeTrainer.

    crosscheck_bpe.py MAKE_TOKENIZER MAKE_TOKEN_IDS [--data DIR] [--seed N] [--strings N] [--only NAME]

The programs are the built ones of tests/support. Learns from the texts of DIR/text and from random
ones, here and there: vocabulary and merges must be equal, our directory must be read by tokenizers
and by transformers, and their ids of random strings, like those of our encoder, must be those of the
tokenizer learned there. Prints a table and exits 1 if anything differs. Needs the Python packages
tokenizers and transformers.
"""
import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile

from crosscheck_tokenizer import Ours, Texts
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

SPECIAL = "<|endoftext|>"


def documents(text):
    """The documents of a text: what lies between lines that are SPECIAL. Only \\n ends a line."""
    document = []
    for line in re.findall("[^\n]*\n|[^\n]+$", text):
        if line.rstrip("\r\n") == SPECIAL:
            yield "".join(document)
            document = []
        else:
            document.append(line)
    yield "".join(document)


def learn(texts, vocab, min_frequency):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocab, min_frequency=min_frequency, show_progress=False,
                                  special_tokens=[SPECIAL],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator((d for text in texts for d in documents(text)), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=[SPECIAL, "$A"], special_tokens=[(SPECIAL, 0)])
    return tokenizer


def model_of(tokenizer):
    """Vocabulary, and merges as pairs."""
    model = json.loads(tokenizer.to_str())["model"]
    pairs = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in model["merges"]]
    return model["vocab"], pairs


def random_cases(seed):
    """(name, texts, vocabulary, min_frequency): few letters, so that ties and runs abound."""
    r = random.Random(seed)
    for i in range(60):
        letters = "".join(r.sample("abcde \n'1é日", r.randrange(1, 8)))
        size = r.choice([1, 2, 5, 30, 300, 3000])
        texts = ["".join(r.choice(letters) for _ in range(r.randrange(1, size + 1)))
                 for _ in range(r.randrange(1, 4))]
        yield "letters %d" % i, texts, 257 + r.choice([0, 1, 5, 40, 400]), r.choice([0, 1, 2, 3, 7])
    yield "one letter", ["a" * 100000], 400, 1
    yield "runs", ["".join("ab"[i % 2] * r.randrange(1, 40) for i in range(3000))], 700, 2
    texts = Texts(seed)
    for i in range(20):
        text = "\n".join(r.choice([SPECIAL, "", " " + SPECIAL, SPECIAL + "x"]) if r.random() < 0.1
                         else texts.one().replace("\r", " ") for _ in range(800))
        yield "unicode %d" % i, [text], 257 + r.randrange(3000), r.choice([0, 2, 5])


def data_cases(data):
    folder = os.path.join(data, "text")
    texts = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.endswith("-train.txt"):
            with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
                texts.append(file.read())
            yield name, texts[-1:], 2048, 2
    if texts:
        yield "all", texts, 512, 2
        yield "all", texts, 2048, 2
        yield "all", texts, 32000, 0


def compare(opt, name, texts, vocab, min_frequency, n_strings, strings):
    """A row of the table."""
    theirs = learn(texts, vocab, min_frequency)
    with tempfile.TemporaryDirectory() as directory:
        paths = [os.path.join(directory, "%d.txt" % i) for i in range(len(texts))]
        for path, text in zip(paths, texts):
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)
        subprocess.run([opt.learner, directory, str(vocab), str(min_frequency), *paths], check=True)
        mine = Tokenizer.from_file(os.path.join(directory, "tokenizer.json"))
        auto = AutoTokenizer.from_pretrained(directory)
        ours = Ours(opt.encoder, directory)
        vocabulary, merges = model_of(theirs)
        equal = model_of(mine) == (vocabulary, merges) and (
            auto.bos_token_id == auto.eos_token_id == vocabulary[SPECIAL])
        different = 0
        for _ in range(n_strings):
            text = strings.one()
            want = theirs.encode(text).ids
            got = [int(i) for i in ours.ask("e " + text.encode().hex()).split()]
            different += (want != got or mine.encode(text).ids != want or
                          auto(text)["input_ids"] != want or
                          mine.decode(got) != theirs.decode(want))
        ours.close()
    return (name, sum(map(len, texts)), len(vocabulary), len(merges), n_strings,
            "ok" if equal and not different else
            "%d STRINGS DIFFER" % different if equal else "MERGES DIFFER")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("learner", help="the built tests/support/make_tokenizer")
    parser.add_argument("encoder", help="the built tests/support/make_token_ids")
    parser.add_argument("--data", default=os.environ.get("EAGLE_DATA", "../shared"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--strings", type=int, default=10000, help="with each tokenizer of DIR/text")
    parser.add_argument("--only", default="")
    opt = parser.parse_args()
    strings = Texts(opt.seed)
    rows = []
    for cases, n in ((data_cases(opt.data), opt.strings), (random_cases(opt.seed), 50)):
        rows += [compare(opt, *case, n, strings) for case in cases if opt.only in case[0]]
    print("%-26s %10s %10s %8s %8s" % ("text", "characters", "vocabulary", "merges", "strings"))
    for row in rows:
        print("%-26s %10d %10d %8d %8d %s" % row)
    failed = sum(row[-1] != "ok" for row in rows)
    print("bpe crosscheck: seed %d, %d tokenizers learned, %d merges, %d strings, %s" % (
        opt.seed, len(rows), sum(row[3] for row in rows), sum(row[4] for row in rows),
        "%d DIFFERENT" % failed if failed or not rows else "all equal"))
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
