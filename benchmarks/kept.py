"""Holds what families tell of a training step's memory against steps on shapes, preset by preset.

    python -m benchmarks.kept                     every published network
    python -m benchmarks.kept resnet mobilenet    those of some families
    python -m benchmarks.kept --smaller           with few blocks and small inputs

What a module keeps by its closed form and by the run is compared to the byte. What has no closed
form is told with its reason.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter

import archscope
from archscope import presets
from archscope.errors import ArchscopeError, SpecError
from archscope.families import FAMILIES
from archscope.results import Report
from archscope.specs import fields

SMALLER = {"depth": 2, "text_depth": 2, "seq_len": 64, "target_len": 8, "input_size": 128}


def main(typed: list[str]) -> int:
    """Print a line for each network, and how many agree; return 1 where one does not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("families", nargs="*", help="families whose networks are meant; none: all")
    parser.add_argument("--smaller", action="store_true", help="with few blocks and small inputs")
    chosen = parser.parse_args(typed)
    warnings.simplefilter("ignore")
    found: Counter[str] = Counter()
    for preset in presets.all():
        if preset.same_as is None and preset.family in (chosen.families or [preset.family]):
            said = verdict(preset.name, chosen.smaller)
            found[said.partition(":")[0]] += 1
            print(f"{preset.name:40} {said}", flush=True)
    print(f"\n{dict(found)}")
    return int(bool(found["DISAGREES"]))


def verdict(name: str, smaller: bool) -> str:
    """Return `agrees`, or what does not."""
    preset = presets.load(name)
    known = {each.name: each.default for each in fields(FAMILIES.get(preset.family).spec)}
    own = {**known, **preset.fields}
    less = {key: most for key, most in SMALLER.items() if smaller and _is_more(own.get(key), most)}
    if "batch_size" in known:
        less["batch_size"] = 2
    try:
        report = _memory(name, less)
    except ArchscopeError as error:
        return f"does not run: {error}"
    said = [note.text for part in report.sections for note in part.notes]
    (note,) = (text for text in said if "closed form" in text)
    if "disagree" in note:
        return f"DISAGREES: {note}"
    return "agrees" if "agree" in note else f"unknown: {note.partition('unknown: ')[2]}"


def _memory(name: str, less: dict[str, int]) -> Report:
    try:
        return archscope.memory(name, **less)
    except SpecError as error:  # a smaller one does not fit the rest: as published
        if error.field not in less:
            raise
        return archscope.memory(name, **{k: v for k, v in less.items() if k != error.field})


def _is_more(value: object, than: int) -> bool:
    return isinstance(value, int) and value > than


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
