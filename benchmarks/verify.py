"""Verifies published networks by running them, and prints how far each proof goes.

    python benchmarks/verify.py                  every network of the table, 120 s at most for each
    python benchmarks/verify.py resnet50 unet    some of them
    python benchmarks/verify.py --seconds 300    with more time for each

For each axis: the first and last position that one unit sees, as the graph says, as changes of the
input show from within, and as NaN shows from without.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from time import perf_counter

import torch

from archscope import loaders
from archscope.dependence.answer.receptive import receptive
from archscope.probing.runs import lacks_data
from archscope.probing.verify import SECONDS, Proof, hindrance, verify
from archscope.subject import Request, Subject

NETWORKS = (
    *("vgg11", "vgg16", "vgg16 features.28", "resnet18", "resnet50", "resnet50 layer3.5.conv3"),
    *("resnet101", "resnet50_v1", "resnet101_v1", "resnet152_v1", "resnet50_os8"),
    *("deeplabv3_resnet50 classifier", "mobilenet_v1_1.0", "mobilenet_v2", "efficientnet_b0"),
    *("convnext_tiny", "drn_a_50", "drn_d_22", "dilated2d-context-large", "unet"),
    *("unet_same:upsampling=nearest", "wavenet-10L-64-256", "wavenet-30L-64-256", "tcn-seqmnist"),
    *("swin_t", "gpt2", "mistral-7b-v0.1"),
)
"""A name, and the module whose output is meant, where that is not the network's."""
COLUMNS = "{:<30} {:<9} {:>7} {:>9}  {:<12} {:<14} {:<14} {:<14}"


def proven(text: str, seconds: float) -> tuple[Proof, float]:
    """Return the proof of a network and the seconds that the graph took."""
    name, _, output = text.partition(" ")
    network = loaders.load(name, Request())
    subject: Subject = network.subject()
    if subject.repeats:  # one block stands for several: all are needed
        with torch.device("meta"):
            subject = network.whole()
    if lacks_data(subject.model) and not hindrance(subject.model):
        subject = network.whole()
    assert subject.inputs is not None
    start = perf_counter()
    found = receptive(subject.model, subject.inputs, output=output or None)
    graph = perf_counter() - start
    return verify(subject.model, subject.inputs, found, seconds=seconds), graph


def lines(text: str, proof: Proof, graph: float) -> Iterator[str]:
    """Yield a line for each axis of each input, then what is missing."""
    passes = sum(one.runs for one in proof.shown)
    first = [text, proof.level, f"{passes}", f"{proof.seconds:.1f}"]
    for one in proof.shown:
        size = "x".join(map(str, one.sizes)) + ("*" if one.local else "")
        for edge in one.edges:
            pairs = (edge.graph, edge.changes, edge.nan)
            words = ["-" if pair is None else f"{pair[0]}..{pair[1]}" for pair in pairs]
            yield COLUMNS.format(*first, size, *words).rstrip()
            first = [""] * 4
    if first[0]:
        yield COLUMNS.format(*first, *[""] * 4).rstrip()
    for reason in (proof.reason, *proof.gaps):
        if reason:
            yield f"    {reason}"


def main(arguments: Sequence[str]) -> int:
    """Print the table; return 1 where a network was refused."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", default=NETWORKS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each network")
    chosen = parser.parse_args(arguments)
    head = ("network", "level", "passes", "seconds", "input", "graph", "changes", "NaN")
    print(COLUMNS.format(*head))
    refused = 0
    for text in chosen.names:
        proof, graph = proven(text, chosen.seconds)
        refused += proof.level == "refused"
        for line in lines(text, proof, graph):
            print(line, flush=True)
    print("* without its ways through reductions over all positions")
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
