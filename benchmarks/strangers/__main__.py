"""Counts networks that others wrote, and says which counts are right; to be run by hand.

    python -m benchmarks.strangers timm                 one source, a file of sources/
    python -m benchmarks.strangers diffusers monai      several; none means all, for hours
    python -m benchmarks.strangers transformers --named bert --warnings
    python -m benchmarks.strangers transformers --every 20 --verb receptive_field

None of their packages is a dependency; one that is absent costs its own networks alone.

For each network: does archscope run, are the multiply-accumulates the truth, is `complete` right,
and is the network bit by bit as it was? The truth comes by two roads (`roads.py`), on real data.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from statistics import median

import torch

import archscope
from benchmarks.strangers.judge import Verdict, judge_apart
from benchmarks.strangers.stranger import Stranger

SOURCES = sorted(path.stem for path in (Path(__file__).parent / "sources").glob("*.py"))
SLOW = 10
"""How many times as slow as `FlopCounterMode` is worth a word."""


def main(typed: Sequence[str]) -> int:
    """Print a line for each network and a summary; return 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help=", ".join(SOURCES))
    parser.add_argument("--named", default="", help="only those whose name holds this")
    parser.add_argument("--every", type=int, default=1, help="only each n-th")
    parser.add_argument("--verb", default="params", help="what to call, e.g. receptive_field")
    parser.add_argument("--warnings", action="store_true", help="print the reports' warnings")
    chosen = parser.parse_args(typed)
    archscope.params(torch.nn.Linear(2, 2), torch.zeros(1, 2))  # all imports before the first fork
    torch.manual_seed(0)  # sources make their inputs here
    verdicts = []
    strangers = [s for s in networks(chosen.sources or SOURCES) if chosen.named in s.name]
    for stranger in strangers[:: chosen.every]:
        verdicts.append(judge_apart(stranger, chosen.verb))
        print(line(verdicts[-1]), flush=True)
        for text in verdicts[-1].warnings if chosen.warnings else ():
            print(f"              {text}", flush=True)
    for text in summary(verdicts):
        print(text)
    return int(any(verdict.faults for verdict in verdicts))


def networks(sources: Sequence[str]) -> Iterator[Stranger]:
    """Yield the networks of all sources whose package is installed."""
    for source in sources:
        try:
            found = import_module(f"benchmarks.strangers.sources.{source}")
        except ImportError as error:
            print(f"without {source}: {error}", file=sys.stderr)
            continue
        for one in found.networks():
            yield Stranger(f"{source} {one.name}", one.make)


def line(verdict: Verdict) -> str:
    """Return what became of one network."""
    state = "not made" if verdict.unmade else "WRONG" if verdict.faults else "right"
    said = verdict.unmade or "; ".join(verdict.faults[:4])
    if len(verdict.faults) > 4:
        said += f"; and {len(verdict.faults) - 4} more"
    return f"{state:9}{verdict.name:58} {verdict.macs:>16,} {verdict.ratio:6.1f} x {said}".rstrip()


def summary(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield the scoreboard."""
    ran = [verdict for verdict in verdicts if not verdict.unmade]
    right = sum(not verdict.faults for verdict in ran)
    yield f"\n{right} of {len(ran)} are right; {len(verdicts) - len(ran)} could not be made"
    kinds = Counter(k for v in ran for k in {fault.partition(":")[0] for fault in v.faults})
    yield from (f"{number:5} {kind}" for kind, number in kinds.most_common())
    ratios = [verdict.ratio for verdict in ran if verdict.ratio]
    if ratios:
        yield (
            f"archscope takes {median(ratios):.1f} x FlopCounterMode in the median, at most "
            f"{max(ratios):.1f} x, more than {SLOW} x in {sum(r > SLOW for r in ratios)}"
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
