#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""crosscheck_trace.py - what docs/emit writes from Python is what it writes from C, and eagle reads both.

    crosscheck_trace.py EAGLE CC DIRECTORY

Needs numpy. Runs in the root of a source tree."""
import os
import subprocess
import sys

import numpy as np

sys.path.insert(0, "docs/emit")
import eagle_trace  # noqa: E402

VOCAB = 6
MANIFEST = {"producer": {"name": "example", "version": "1"}, "dtype": "f32", "verify": "greedy", "children": "topk",
            "tree": "by hand", "sampling": {"temperature": "0", "top_k": 0, "top_p": "1", "min_p": "0"}}


def run(level):
    """The run of docs/emit/example.c."""
    row = np.array([0, 1, 2, 3, 0, 1], np.float32)
    rows = np.zeros([4, VOCAB], np.float32)
    rows.flat[[5, 6, 8, 15]] = [4, 1, 5, 1]
    trace = eagle_trace.Trace(level, VOCAB, [1, 4, 2], **MANIFEST)
    trace.round([3], [eagle_trace.PLAIN], [-0.5625], logits=row)
    trace.round([5, 2], [eagle_trace.ACCEPTED, eagle_trace.RESIDUAL], [-0.0625, -0.03125], tree=[3, 5, 1, 0],
                parent=[-1, 0, 0, 1], logits=rows, score=[0, -0.5, -1.5, -0.75])
    trace.round([3], [eagle_trace.PLAIN], [-0.5625], logits=row)
    return trace


def main():
    eagle, cc, work = sys.argv[1:]
    os.makedirs(work, exist_ok=True)
    example = os.path.join(work, "example")
    subprocess.run([cc, "-std=c99", "-o", example, "docs/emit/example.c"], check=True)
    for level in (0, 1, 2):
        ours, theirs = (os.path.join(work, f"{name}{level}.trace") for name in ("c", "python"))
        subprocess.run([example, str(level), ours], check=True)
        run(level).write(theirs, finish="length")
        said = subprocess.run([eagle, "trace", "diff", ours, theirs], capture_output=True, text=True, check=False)
        if said.returncode != 0:
            sys.exit(f"level {level}: {said.stdout}{said.stderr}")
    # Tokens alone, as servers give them.
    path = os.path.join(work, "plain.trace")
    trace = eagle_trace.Trace(1, VOCAB, [1], producer={"name": "test"})
    trace.plain([4, 2], [-0.5, -0.25], [[(2, -2.0), (4, -0.5)], [(2, -0.25), (3, -1.5)]])
    trace.write(path, finish="stop")
    said = subprocess.run([eagle, "trace", "show", path], capture_output=True, text=True, check=True).stdout
    if "    2  unknown   -0.2500  2\n" not in said:
        sys.exit(said)
    # Other types, most likely tokens, laws, and log-probabilities taken from the logits.
    rows = np.array([[0.5, -1, 2, 0.25, 3, 1], [1, 2, -3, 4, 5, 0]], np.float32)
    for bits in (rows, rows.astype(np.float16), (rows.view(np.uint32) >> 16).astype(np.uint16)):
        trace = eagle_trace.Trace(2, VOCAB, [1], producer={"name": "test"})
        trace.round([4, 4], tree=[1, 4], parent=[-1, 0], logits=bits, prob=np.full([2, VOCAB], 1 / VOCAB),
                    tops=[[(2, -2.0), (4, -0.5)], [(4, -0.25), (3, -1.5)]])
        path = os.path.join(work, f"{bits.dtype}.trace")
        trace.write(path)
        said = subprocess.run([eagle, "trace", "show", path], capture_output=True, text=True, check=True).stdout
        if "emits 4 accepted, 4 bonus" not in said or "1  4 " not in said:
            sys.exit(f"{bits.dtype}: {said}")
    print("traces: python and C write the same, eagle reads both")


if __name__ == "__main__":
    main()
