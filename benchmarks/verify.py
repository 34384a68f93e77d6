"""Verifies published networks by running them, and prints how far each proof goes.

    python benchmarks/verify.py                  every network of the table, 120 s at most for each
    python benchmarks/verify.py resnet50 unet    some of them
    python benchmarks/verify.py --seconds 300    with more time for each
    python benchmarks/verify.py --presets        a line for every preset, each in its own process
    python benchmarks/verify.py --presets --limit 10 --workers 2 --report    and reports/verified.md

For each axis: the first and last position that one unit sees, as the graph says, as changes of the
input show from within, and as NaN shows from without. A preset that is not through with all, its
graph among it, `--limit` seconds after it began is not run; nor is one that needs more than
`MEMORY` bytes.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import torch

import archscope
from archscope import loaders, presets
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
REPORT = Path(__file__).parents[1] / "reports" / "verified.md"
MEMORY = 8 << 30
"""Bytes of address space that the process of a preset may have."""
LIMIT = 60.0
"""Seconds that a preset has, its graph among it."""
SHORT = "{:<30} {:<9} {:>8} {:>8}  {}"
COLUMNS = "{:<30} {:<9} {:>7} {:>9}  {:<12} {:<14} {:<14} {:<14}"


PAGE = """\
# What running published networks proves of them

`python benchmarks/verify.py --presets --report` writes this file. It asks `rf --verify` of
published networks, each in a process of its own that has {limit:g} s, its imports and its graph
among them.

Of {asked}: {summary}. What a verified one sees is shown from within by changes of its input, and
from without by NaN. Nothing contradicts the graph of one that is bounded; beside it stands what is
missing for more. One that is refused would be contradicted.

{day}, archscope {archscope}, torch {torch}, {processors} processors.
"""


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


def alone(name: str, seconds: float, limit: float) -> tuple[str, str]:
    """Return the level of a preset's proof, and its line, from a process of its own."""
    command = [sys.executable, __file__, "--one", "--seconds", str(seconds), name]
    start = perf_counter()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        level, graph, proof, reason = done.stdout.rstrip("\n").split("\t")
    except subprocess.TimeoutExpired:
        level, graph, proof, reason = "not run", "", "", f"not through after {limit:g} s"
    except ValueError:
        last = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        level, graph, proof, reason = "failed", "", f"{perf_counter() - start:.1f}", last
    return level, SHORT.format(name, level, graph, proof, reason).rstrip()


def one(name: str, seconds: float) -> None:
    """Print what `alone` reads."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    proof, graph = proven(name, seconds)
    reason = "; ".join(filter(None, (proof.reason, *proof.gaps)))
    print(proof.level, f"{graph:.1f}", f"{proof.seconds:.1f}", reason, sep="\t")


def all_presets(
    names: Sequence[str], seconds: float, limit: float, workers: int
) -> dict[str, list[str]]:
    """Print a line for each preset, so many at a time; return these by how far the proof went."""
    print(SHORT.format("preset", "level", "graph s", "proof s", "missing"))
    found: dict[str, list[str]] = {}
    with ThreadPoolExecutor(workers) as pool:
        for level, line in pool.map(lambda name: alone(name, seconds, limit), names):
            found.setdefault(level, []).append(line)
            print(line, flush=True)
    print(_summary(found))
    return found


def _summary(found: Mapping[str, Sequence[str]]) -> str:
    levels = sorted(found, key=lambda level: -len(found[level]))
    return ", ".join(f"{len(found[level])} {level}" for level in levels)


def report(found: Mapping[str, Sequence[str]], limit: float) -> str:
    """Return the page of what was found."""
    head = PAGE.format(
        limit=limit,
        asked=sum(map(len, found.values())),
        summary=_summary(found),
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        archscope=archscope.__version__,
        torch=torch.__version__,
        processors=os.cpu_count(),
    ).splitlines()
    for level in ("refused", "failed", "verified", "bounded", "not run"):
        if level in found:
            head += ["", f"## {level.capitalize()}", "", "```text", *sorted(found[level]), "```"]
    return "\n".join(head) + "\n"


def table(names: Sequence[str], seconds: float) -> int:
    """Print lines for each axis of each network; return how many were refused."""
    head = ("network", "level", "passes", "seconds", "input", "graph", "changes", "NaN")
    print(COLUMNS.format(*head))
    refused = 0
    for text in names:
        proof, graph = proven(text, seconds)
        refused += proof.level == "refused"
        for line in lines(text, proof, graph):
            print(line, flush=True)
    print("* without its ways through reductions over all positions")
    return refused


def main(arguments: Sequence[str]) -> int:
    """Print the table; return 1 where a network was refused."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each proof")
    parser.add_argument(
        "--presets", action="store_true", help="a line for each, or for those named"
    )
    parser.add_argument("--limit", type=float, default=LIMIT, help="for each preset, in seconds")
    parser.add_argument("--workers", type=int, default=1, help="presets at a time")
    parser.add_argument("--report", action="store_true", help="write reports/verified.md")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.one:
        one(chosen.names[0], chosen.seconds)
        return 0
    if chosen.presets:
        own = [each.name for each in presets.all() if each.same_as is None]
        names = chosen.names or own
        found = all_presets(names, chosen.seconds, chosen.limit, chosen.workers)
        if chosen.report:
            REPORT.write_text(report(found, chosen.limit), encoding="utf-8")
        return int("refused" in found)
    return int(table(chosen.names or NETWORKS, chosen.seconds) > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
