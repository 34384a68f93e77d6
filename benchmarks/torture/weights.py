"""Damaged files of weights and graphs, as `benchmarks/hostile_files.py` makes them."""

from __future__ import annotations

import contextlib
import random
from importlib.util import find_spec
from pathlib import Path

from found import Tally
from siblings import hostile_files


def tried(count: int, seed: int, folder: Path) -> Tally:
    """Ask all that looks at a file of so many damaged ones, and watch what Python does."""
    tally, draw = Tally("weights"), random.Random(seed)
    forms = [form for form in hostile_files.FORMS if form != "onnx" or find_spec("onnx")]
    valid = {form: hostile_files.FORMS[form][0](folder) for form in forms}
    for path in valid.values():  # what is imported once is not the files' doing
        hostile_files.asked(path)
    watch = hostile_files.Watch()
    with contextlib.chdir(folder):
        for number, form in enumerate(hostile_files.runs(forms, count)):
            path = valid[form]
            target = path.with_name(f"damaged{''.join(path.suffixes)}")
            target.write_bytes(hostile_files.damaged(form, path.read_bytes(), draw))
            end, said = hostile_files.outcome(target, watch)
            wrong = [] if end in ("answered", "refused") else [f"{end}: {said[:200]}"]
            tally.add(f"{number}, {form}", wrong, end)
    return tally
