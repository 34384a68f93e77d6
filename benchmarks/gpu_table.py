"""Times Transformers of several depths and dilated convolutions on a card; a folder for `reports/`.

python benchmarks/gpu_table.py                      # depths 6, 12, 24, 48; dilations 1, 2, 4
python benchmarks/gpu_table.py --device cpu --small # the same in small, to see that it works

Writes reports/time-<card>-<date>/: a JSON file for each question, which `archscope report` and
`archscope compare` read, and README.md with the tables, the command that made them and what failed.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import archscope
from archscope.results import Report
from archscope.timing.devices import name_of, resolve

REPORTS = Path(__file__).parents[1] / "reports"
DEPTHS = (6, 12, 24, 48)
DILATIONS = (1, 2, 4)
BATCHES = (1, 2, 4, 8, 16, 32)
SMALL = {"d_model": 32, "heads": 2, "vocab_size": 64, "seq_len": 8}
SMALL_MAPS = {"channels": (4,), "input_size": 8}

Question = Callable[..., Report]


def questions(*, small: bool) -> Iterator[tuple[str, Question]]:
    """Yield each question by the name of its file, as a function of `time`'s settings."""
    transformer = SMALL if small else {}
    for depth in DEPTHS:
        fields = {"depth": depth, "batch_size": 2 if small else 8, **transformer}
        yield f"transformer-{depth}", _times("transformer", fields, per_layer=True)
        yield f"transformer-{depth}-train", _times("transformer", fields, step="train")
    fields = {"depth": DEPTHS[0], **transformer}
    yield "decode", _times("transformer", {**fields, "batch_size": 8}, step="decode", context=64)
    yield "batches", _times("transformer", {**fields, "batch_size": BATCHES})
    maps = {"batch_size": 2 if small else 32, **(SMALL_MAPS if small else {})}
    yield "cnn", _times("cnn", {"dilations": DILATIONS, **maps}, per_layer=True)
    yield "dilations", _dilations(maps)


def _times(family: str, fields: dict[str, Any], **asked: Any) -> Question:
    return lambda **settings: archscope.time(family, **fields, **settings, **asked)


def _dilations(fields: dict[str, Any]) -> Question:
    """Return the cost of each dilation: three such layers, as many multiply-accumulates for all."""

    def ask(**settings: Any) -> Report:
        said = ",".join(f"{name}={_plain(value)}" for name, value in fields.items())
        names = (f"cnn:dilations={'/'.join(3 * [str(d)])},{said}" for d in DILATIONS)
        return archscope.time_together(*names, **settings)

    return ask


def _plain(value: Any) -> str:
    return "/".join(map(str, value)) if isinstance(value, tuple) else str(value)


def measure(settings: dict[str, Any], *, small: bool) -> Iterator[tuple[str, Report | None, str]]:
    """Yield each answer by its name; what one raises costs itself alone, and is said."""
    for name, ask in questions(small=small):
        try:
            yield name, ask(**settings), ""
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            print(f"{name}: {said}", file=sys.stderr)
            yield name, None, said


def main(arguments: Sequence[str]) -> Path:
    """Measure, write the files as answers come, and return their folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--dtype", default="bf16")
    parser.add_argument("--budget", type=float, default=30.0, help="seconds for each network")
    parser.add_argument("--small", action="store_true", help="small networks, a few runs")
    parser.add_argument("--output", type=Path, help="a folder instead of one in reports/")
    chosen = parser.parse_args(arguments)
    settings = {"device": chosen.device, "dtype": chosen.dtype, "budget": chosen.budget}
    if chosen.small:
        settings |= {"warmup": 1, "runs": 3}
    device, today = name_of(resolve(chosen.device)), date.today().isoformat()
    name = re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
    target: Path = chosen.output or REPORTS / f"time-{name}-{today}"
    target.mkdir(parents=True, exist_ok=True)
    command = " ".join(("python", "benchmarks/gpu_table.py", *arguments))
    parts = [f"# Times on {device}, {today}\n\n`{command}`\n"]
    for asked, report, failure in measure(settings, small=chosen.small):
        if report is not None:
            report.save(target / f"{asked}.json")
        told = report.to("md") if report is not None else f"failed: {failure}"
        parts.append(f"## {asked}\n\n{told}\n")
        (target / "README.md").write_text("\n".join(parts), encoding="utf-8")
    return target


if __name__ == "__main__":
    print(main(sys.argv[1:]))
