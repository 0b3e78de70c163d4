#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""crosscheck_tokenizer.py - our tokenizer beside Hugging Face's, on random text.

    crosscheck_tokenizer.py MAKE_TOKEN_IDS [--data DIR] [--texts N] [--seed N] [--only NAME]

MAKE_TOKEN_IDS is the built tests/support/make_token_ids. Tokenizers are those of DIR/tokenizers and
DIR/models, and small ones made here, one or more per component and flag. Each text is encoded with
and without special tokens; ids, the text's own and random ones, are decoded whole and
as streams. Prints a table and exits 1 if anything differs.

Needs the Python package tokenizers. Texts keep to characters assigned by Unicode 8, because the
libraries carry tables of different age.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import unicodedata

from tokenizers import Tokenizer

FFFD = "\ufffd"


# ---- texts -----------------------------------------------------------------------------------

def old_characters():
    """Code points that Unicode 8 had: old tables (Python's 3.2.0) and some later blocks."""
    old = unicodedata.ucd_3_2_0
    return [c for c in range(0x20, 0x110000)
            if not 0xD800 <= c < 0xE000 and old.category(chr(c)) not in ("Cn", "Co")]


POOLS = [
    ["the", "The", "hello", "world", "don't", "I'm", "we'll", "THEY'RE", "a", "b", "ab", "aab", "bb", "Zx9", "naïve", "café"],
    [" ", " ", " ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", "\u00a0", "\u3000", "\u2003", "\u180e", "\u200b", "\u2028", "\x0b", "\x85"],
    ["1", "23", "456", "7890", "½", "Ⅷ", "٣", "²", "१"],
    [".", ",", "!", "?", "-", "_", "(", ")", "'", '"', "/", "$", "+", "=", "<", ">", "|", "^", "`", "~", "—", "…", "«", "。", "“", "⁀", "€", "§"],
    ["我想", "日本", "カタカナ", "ひらがな", "Привет", "العربية", "עברית", "ไทย", "हिन्दी", "한국어", "កាន់"],
    ["e\u0301", "é", "a\u0323\u0302", "a\u0302\u0323", "\u1100\u1161\u11a8", "각", "\u0958", "\u0344", "\u0301", "\u0345", "q\u0307\u0323", "ﬁ", "Å", "\u212b", "\u0f71\u0f72"],
    ["😀", "👩\u200d👩\u200d👧", "🏳️\u200d🌈", "🦙", "Ⓐ", "\u200d", "\u200c", "ſ", "'ſ", "K", "ß", "İ"],
    ["<s>", "</s>", "<unk>", "<|endoftext|>", "<|begin_of_text|>", "<|eot_id|>", "[A]", "[AB]", "[ABC]", "x[A]y", "[W]", "[L]", "[R]", "[N]", "[S]", "<0x41>", "▁", "▁▁", "Ġ", "é", "Ã©", FFFD],
]


class Texts:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.characters = old_characters()

    def one(self):
        r = self.random
        kind = r.random()
        if kind < 0.02:
            return ""
        if kind < 0.10:
            return "".join(chr(r.choice(self.characters)) for _ in range(r.randrange(1, 12)))
        if kind < 0.20:
            pool = r.choice(POOLS)
            return "".join(r.choice(pool) for _ in range(r.randrange(1, 20)))
        parts = []
        for _ in range(r.randrange(1, 25)):
            if r.random() < 0.05:
                parts.append(chr(r.choice(self.characters)))
            else:
                parts.append(r.choice(r.choice(POOLS)))
            if r.random() < 0.4:
                parts.append(" ")
        return "".join(parts)


# ---- small tokenizers --------------------------------------------------------------------------

def byte_alphabet():
    keep = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    rest = [b for b in range(256) if b not in keep]
    return [chr(b) for b in keep] + [chr(0x100 + i) for i in range(len(rest))]


def make_model(kind, **flags):
    """Kinds: bytes (GPT-2's alphabet), fallback (<0x..>), chars (few characters, the rest unknown)."""
    vocab = ["<unk>"]
    if kind == "fallback":
        vocab += ["<0x%02X>" % b for b in range(256)]
    if kind == "holes":
        vocab += ["<0x%02X>" % b for b in range(256) if b not in (0xC3, 0xE2)]
    if kind == "bytes":
        vocab += byte_alphabet()
    else:
        vocab += list("abcdefghijklmnopqrstuvwxyzABCTHEZx 0123456789.,!'-_▁éäß日本\n[]<>WLRNS")
    if kind == "bytes":
        merges = ["Ġ t", "h e", "Ġt he", "a b", "a a", "aa b", "l l", "e r", "Ġ Ġ", "ĠĠ Ġ", "Ã ©", "1 2", "' t"]
    else:
        merges = ["▁ t", "h e", "▁t he", "a b", "a a", "aa b", "l l", "l o", "o r", "▁ ▁", "▁▁ ▁", "1 2", "' t", "e l", "a aa", "aaa b", "aa aa", "b b", "abb a", "ab b"]
    vocab = list(dict.fromkeys(vocab))
    for merge in merges:
        made = merge.replace(" ", "")
        if made not in vocab:
            vocab.append(made)
    if kind == "bytes":
        merges.append("Ġ he")
        vocab.append("Ġhe")
    model = {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": kind in ("fallback", "holes"),
             "ignore_merges": False, "vocab": {t: i for i, t in enumerate(vocab)}, "merges": merges}
    model.update(flags)
    return model


def added(id_, content, **flags):
    token = {"id": id_, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": False}
    token.update(flags)
    return token


def make(model, normalizer=None, pre=None, post=None, decoder=None, tokens=()):
    ids = dict(model["vocab"])
    for content, _ in tokens:
        ids.setdefault(content, max(ids.values()) + 1)
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [added(ids[c], c, **f) for c, f in tokens],
            "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": post,
            "decoder": decoder, "model": model}


def seq(kind, *items):
    key = {"n": "normalizers", "p": "pretokenizers", "d": "decoders", "o": "processors"}[kind]
    return {"type": "Sequence", key: list(items)}


BEHAVIOURS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
GPT2 = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
LLAMA = seq("d", {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
            {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0})
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
EXPRESSIONS = [QWEN, O200K, r"\s+", r"\w+|[^\w\s]+", r"[\w']+", r"\W", r"\S+", r"^\s*|\s*$", r"\b", r"\B", r"a*", r"[^a-z]", r"\d{1,3}(?=(\d{3})*\b)",
               r"\h+", r"\p{Han}+", r"[一-龥\u3040-ゟ゠-ヿ]+", r"(?m:a.b)", r"a{,2}b", r".", r"(?<=a)b", r"\p{^L}", r"\P{L}", r"[^\S\n]+", r"(?i)THE|ab",
               r"[\s]", r"(a|b)\1", r"\R", r"\p{M}", r"[]a]", r"\u00e9", r"\x{e9}", r"[\p{P}\p{S}]+", r"^.", r".$", r"\A.", r".\z", r"\X", r"\p{Latin}+", r"\p{Alphabetic}+"]


def template(model, *pieces):
    """Pieces: "A", or the text of a token of the vocabulary."""
    names = [p for p in pieces if p != "A"]
    single = [{"Sequence": {"id": "A", "type_id": 0}} if p == "A" else {"SpecialToken": {"id": p, "type_id": 0}}
              for p in pieces]
    pair = single + [{"Sequence": {"id": "B", "type_id": 1}}]
    return {"type": "TemplateProcessing", "single": single, "pair": pair,
            "special_tokens": {n: {"id": n, "ids": [model["vocab"][n]], "tokens": [n]} for n in names}}


def small_tokenizers():
    """(name, tokenizer.json as a value)"""
    b, f, c = make_model("bytes"), make_model("fallback"), make_model("chars")
    yield "no parts", make(c)
    yield "fuse_unk", make(make_model("chars", fuse_unk=True))
    yield "no unk", make(make_model("chars", unk_token=None))
    yield "byte fallback", make(f, decoder=LLAMA)
    yield "byte fallback with holes", make(make_model("holes"), decoder=LLAMA)
    yield "byte fallback with holes, fuse_unk", make(make_model("holes", fuse_unk=True), decoder=LLAMA)
    yield "byte fallback, no bytes", make(make_model("chars", byte_fallback=True))
    pairs = make_model("chars")
    pairs["merges"] = [m.split(" ") for m in pairs["merges"]]
    yield "merges as pairs", make(pairs)
    twice = make_model("chars")
    twice["merges"] = twice["merges"] + ["a b", "h e", "aa a", "aaa a", "a aaa"]
    twice["vocab"]["aaaa"] = twice["vocab"].get("aaaa", len(twice["vocab"]))
    yield "merges twice", make(twice)
    yield "ignore_merges", make(make_model("bytes", ignore_merges=True), pre=GPT2, decoder=BYTES)
    yield "version line", make(make_model("chars", merges=["#version: 0.2"] + c["merges"]))

    for name, n in [("NFC", {"type": "NFC"}), ("Prepend", {"type": "Prepend", "prepend": "▁"}),
                    ("Replace String", {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}),
                    ("Replace Regex", {"type": "Replace", "pattern": {"Regex": r" {2,}|\n"}, "content": "xx"}),
                    ("Replace by nothing", {"type": "Replace", "pattern": {"Regex": "[a-c]"}, "content": ""}),
                    ("Replace empty match", {"type": "Replace", "pattern": {"Regex": "x*"}, "content": "-"})]:
        yield "normalizer " + name, make(f, normalizer=n, decoder=LLAMA)
    yield "normalizer Sequence", make(f, normalizer=seq("n", {"type": "NFC"}, {"type": "Prepend", "prepend": "▁"}, {
        "type": "Replace", "pattern": {"String": " "}, "content": "▁"}), decoder=LLAMA)
    yield "normalizer empty Sequence", make(f, normalizer=seq("n"))

    for prefix in (False, True):
        for regex in (False, True):
            p = {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}
            yield "ByteLevel prefix=%d regex=%d" % (prefix, regex), make(b, pre=p, decoder=p, post=p)
    for individual in (False, True):
        yield "Digits individual=%d" % individual, make(f, pre={"type": "Digits", "individual_digits": individual})
    for behaviour in BEHAVIOURS:
        yield "Punctuation " + behaviour, make(f, pre={"type": "Punctuation", "behavior": behaviour})
        for invert in (False, True):
            yield "Split String %s invert=%d" % (behaviour, invert), make(f, pre={
                "type": "Split", "pattern": {"String": " "}, "behavior": behaviour, "invert": invert})
            for expression in (r"\s+", r"[a-d]*", r"\d"):
                yield "Split %s %s invert=%d" % (expression, behaviour, invert), make(f, pre={
                    "type": "Split", "pattern": {"Regex": expression}, "behavior": behaviour, "invert": invert})
    for expression in EXPRESSIONS:
        yield "Split " + expression[:24], make(b, pre=seq("p", {
            "type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated", "invert": False}, BYTES),
            decoder=BYTES)
    yield "Split empty String", make(f, pre={"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated", "invert": False})
    yield "Whitespace", make(f, pre={"type": "Whitespace"})
    yield "WhitespaceSplit", make(f, pre={"type": "WhitespaceSplit"})

    for scheme in ("always", "first", "never"):
        for split in (False, True):
            m = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}
            yield "Metaspace %s split=%d" % (scheme, split), make(f, pre=m, decoder=m, tokens=TOKENS)
            yield "Metaspace %s split=%d, after Digits" % (scheme, split), make(
                f, pre=seq("p", {"type": "Digits", "individual_digits": True}, m),
                decoder=seq("d", {"type": "ByteFallback"}, m))
            yield "Metaspace %s split=%d, normalized" % (scheme, split), make(
                f, normalizer=seq("n", {"type": "NFC"}, {"type": "Replace", "pattern": {"Regex": "^a|b"}, "content": "xy"}),
                pre=seq("p", {"type": "Split", "pattern": {"String": "y"}, "behavior": "Isolated", "invert": False}, m),
                decoder=m)
            yield "Metaspace %s split=%d, start removed" % (scheme, split), make(
                f, normalizer={"type": "Replace", "pattern": {"String": " "}, "content": ""}, pre=m, decoder=m)
    for add in (False, True):
        m = {"type": "Metaspace", "replacement": "_", "add_prefix_space": add}
        if not add:
            m["prepend_scheme"] = "never"
        yield "Metaspace add_prefix_space=%d" % add, make(f, pre=m, decoder=m)

    for normalizer in (None, {"type": "Prepend", "prepend": "▁"}, seq("n", {"type": "Prepend", "prepend": "▁"}, {
            "type": "Replace", "pattern": {"String": " "}, "content": "▁"}), {"type": "NFC"}):
        name = "added tokens, normalizer %s" % (normalizer["type"] if normalizer else None)
        yield name, make(f, normalizer=normalizer, tokens=TOKENS, decoder=LLAMA)
        # A special token that the normalizer changes is decoded by theirs and left out by ours.
        same = normalizer in (None, {"type": "NFC"})
        yield name + ", normalized", make(f, normalizer=normalizer, decoder=LLAMA, tokens=[
            (c_, dict(k, normalized=same or not k.get("special"))) for c_, k in TOKENS])
        yield name + ", mixed", make(f, normalizer=normalizer, decoder=LLAMA, pre={"type": "Whitespace"},
                                     tokens=[(c_, dict(k, normalized=i % 2 == 0 and (same or not k.get("special"))))
                                             for i, (c_, k) in enumerate(TOKENS)])
    yield "spaces as rstrip tokens", make(f, tokens=[(" ", {"rstrip": True}), ("\n", {"lstrip": True}), ("  ", {}), ("a", {"rstrip": True, "lstrip": True})])

    yield "template A", make(f, post=template(f, "A"))
    yield "template <unk> A <unk>", make(f, post=template(f, "<unk>", "A", "<unk>"))
    yield "template A A", make(f, post=template(f, "A", "<unk>", "A"))
    yield "template without text", make(f, post=template(f, "<unk>"))
    yield "post Sequence", make(f, post=seq("o", GPT2, template(f, "<unk>", "A"), GPT2))

    for name, d in [("none", None), ("Fuse", {"type": "Fuse"}), ("ByteFallback", {"type": "ByteFallback"}),
                    ("ByteLevel", BYTES), ("empty Sequence", seq("d")),
                    ("Strip", {"type": "Strip", "content": "a", "start": 1, "stop": 1}),
                    ("Strip both after Fuse", seq("d", {"type": "Fuse"}, {"type": "Strip", "content": "▁", "start": 2, "stop": 3})),
                    ("Replace Regex", {"type": "Replace", "pattern": {"Regex": "[ab]+|^l|$"}, "content": "é"}),
                    ("Replace after Fuse", seq("d", {"type": "Fuse"}, {"type": "Replace", "pattern": {"Regex": "▁+$|^▁"}, "content": ""})),
                    ("ByteFallback, Metaspace", seq("d", {"type": "ByteFallback"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True})),
                    ("Metaspace after Fuse", seq("d", {"type": "Fuse"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True})),
                    ("ByteFallback after Fuse", seq("d", {"type": "Fuse"}, {"type": "ByteFallback"})),
                    ("ByteLevel, Strip", seq("d", BYTES, {"type": "Strip", "content": "a", "start": 1, "stop": 2}))]:
        yield "decoder " + name, make(f, decoder=d, normalizer={"type": "Replace", "pattern": {"String": " "}, "content": "▁"})
        yield "decoder %s, byte alphabet" % name, make(b, decoder=d, pre=BYTES)


TOKENS = [("[A]", {}), ("[AB", {}), ("[ABC]", {}), ("[W]", {"single_word": True}), ("[L]", {"lstrip": True}),
          ("[R]", {"rstrip": True}), ("[N]", {"lstrip": True, "rstrip": True, "single_word": True}),
          ("[S]", {"special": True}), ("<s>", {"special": True, "lstrip": True}), ("the", {"single_word": True}),
          ("▁▁", {}), ("é", {}), ("日", {"lstrip": True, "rstrip": True}), ("</s>", {"special": True, "rstrip": True})]


# ---- comparison --------------------------------------------------------------------------------

class Ours:
    def __init__(self, program, directory):
        self.process = subprocess.Popen([program, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.greeting = self.process.stdout.readline().decode().strip()

    def ask(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().rstrip("\n")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def theirs_or_none(call):
    try:
        return call()
    except BaseException as error:  # a panic of the library is not an Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        return None


def less(whole, start):
    n = 0
    while n < min(len(whole), len(start)) and whole[n] == start[n]:
        n += 1
    return whole[n:]


def compare(ours, theirs, texts, n_texts, report):
    r = texts.random
    compared = different = 0

    def check(what, request, mine, other):
        nonlocal compared, different
        if other is None:
            return
        compared += 1
        if mine != other:
            different += 1
            if different <= 3:
                report("%s %s\n     ours   %s\n     theirs %s" % (what, ascii(request), ascii(mine), ascii(other)))

    for _ in range(n_texts):
        text = texts.one()
        hexed = text.encode().hex()
        found = None
        for kind, special in (("e", True), ("n", False)):
            theirs.encode_special_tokens = not special
            want = theirs_or_none(lambda: theirs.encode(text, add_special_tokens=special).ids)
            line = ours.ask("%s %s" % (kind, hexed))
            mine = line if line.startswith("error") else [int(i) for i in line.split()]
            check("encode " + kind, text, mine, want)
            found = found or want
        ids = list(found or [])
        if r.random() < 0.5:
            ids = [r.randrange(theirs.get_vocab_size()) for _ in range(r.randrange(0, 16))]
        ids = [i for i in ids if theirs.id_to_token(i) is not None]
        want = theirs_or_none(lambda: theirs.decode(ids, skip_special_tokens=True))
        mine = ours.ask("d " + " ".join(map(str, ids)))
        check("decode", ids, mine if mine.startswith("error") else bytes.fromhex(mine).decode(), want)
        cut = r.randrange(0, len(ids) + 1) if r.random() < 0.7 else 0
        start = theirs_or_none(lambda: theirs.decode(ids[:cut], skip_special_tokens=True))
        if ids and want is not None and start is not None:
            line = ours.ask("s %d %s" % (cut, " ".join(map(str, ids))))
            pieces = [bytes.fromhex(p) for p in line.split("|")] if not line.startswith("error") else []
            try:
                mine = "".join(p.decode() for p in pieces)
            except UnicodeDecodeError:
                mine = "half a character: " + line
            check("stream after %d" % cut, ids, mine, less(want, start))
    return compared, different


def real_tokenizers(data):
    for folder in ("tokenizers", "models"):
        root = os.path.join(data, folder)
        for name in sorted(os.listdir(root)) if os.path.isdir(root) else []:
            if os.path.isfile(os.path.join(root, name, "tokenizer.json")):
                yield name, os.path.join(root, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", help="the built tests/support/make_token_ids")
    parser.add_argument("--data", default=os.environ.get("EAGLE_DATA", "../shared"))
    parser.add_argument("--texts", type=int, default=200, help="per small tokenizer; ten times as many per real one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    opt = parser.parse_args()
    texts = Texts(opt.seed)
    rows, failed, total = [], False, 0

    def run(name, directory, n):
        nonlocal failed, total
        if opt.only not in name:
            return
        theirs = theirs_or_none(lambda: Tokenizer.from_file(os.path.join(directory, "tokenizer.json")))
        ours = Ours(opt.program, directory)
        if theirs is None or ours.greeting != "ready":
            both = theirs is None and ours.greeting != "ready"
            rows.append((name, 0, 0, "both refuse" if both else
                         "theirs refuses" if theirs is None else "OURS REFUSES: " + ours.greeting))
        else:
            compared, different = compare(ours, theirs, texts, n, lambda m: print("  %s: %s" % (name, m)))
            failed |= different > 0
            total += compared
            rows.append((name, compared, different, ""))
        ours.close()

    for name, directory in real_tokenizers(opt.data):
        run(name, directory, 10 * opt.texts)
    for name, value in small_tokenizers():
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "tokenizer.json"), "w", encoding="utf-8") as file:
                json.dump(value, file, ensure_ascii=False)
            run(name, directory, opt.texts)
    print("%-52s %9s %9s" % ("tokenizer", "compared", "different"))
    for name, compared, different, note in rows:
        print("%-52s %9d %9d %s" % (name, compared, different, note))
    print("tokenizer crosscheck: seed %d, %d comparisons, %d tokenizers, %s" %
          (opt.seed, total, len(rows), "DIFFERENT" if failed else "all equal"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
