"""Times Transformers of several depths and dilated convolutions on a card; JSON for `reports/`.

python benchmarks/gpu_table.py                      # depths 6, 12, 24, 48; dilations 1, 2, 4
python benchmarks/gpu_table.py --device cpu --small # the same in small, to see that it works

Writes reports/time-<card>-<date>.json: every table row as `archscope time -f json` has it, with the
card's name, the date and the command that made it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import archscope
from archscope.results import Report
from archscope.timing.devices import name_of, resolve

REPORTS = Path(__file__).parents[1] / "reports"
DEPTHS = (6, 12, 24, 48)
DILATIONS = (1, 2, 4)
SMALL = {"d_model": 32, "heads": 2, "vocab_size": 64, "seq_len": 8}
SMALL_MAPS = {"channels": (4,), "input_size": 8}


def networks(*, small: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each family with its fields."""
    for depth in DEPTHS:
        yield (
            "transformer",
            {"depth": depth, "batch_size": 2 if small else 8} | (SMALL if small else {}),
        )
    yield (
        "cnn",
        {"dilations": DILATIONS, "batch_size": 2 if small else 32} | (SMALL_MAPS if small else {}),
    )


def measure(settings: dict[str, Any], *, small: bool) -> Iterator[Report | dict[str, str]]:
    """Time each network, forward with its modules and as a training step.

    What one of them raises costs its own row alone, and stands there.
    """
    for family, fields in networks(small=small):
        for asked in ({"per_layer": True}, {"step": "train"}):
            try:
                yield archscope.time(family, **fields, **settings, **asked)
            except Exception as error:
                what = f"{family} {fields} {asked}"
                print(f"{what}: {type(error).__name__}: {error}", file=sys.stderr)
                yield {"asked": what, "error": f"{type(error).__name__}: {error}"}


def table(settings: dict[str, Any], *, small: bool, command: Sequence[str]) -> dict[str, Any]:
    """Return the table as plain data."""
    rows = list(measure(settings, small=small))
    return {
        "device": name_of(resolve(settings["device"])),
        "date": date.today().isoformat(),
        "command": " ".join(("python", *command)),
        "reports": [json.loads(row.to("json")) for row in rows if isinstance(row, Report)],
        "failures": [row for row in rows if not isinstance(row, Report)],
    }


def main(arguments: Sequence[str]) -> Path:
    """Measure, write the file and return where it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--dtype", default="bf16")
    parser.add_argument("--budget", type=float, default=30.0, help="seconds for each network")
    parser.add_argument("--small", action="store_true", help="small networks, a few runs")
    parser.add_argument("--output", type=Path, help="a file instead of reports/")
    chosen = parser.parse_args(arguments)
    settings = {"device": chosen.device, "dtype": chosen.dtype, "budget": chosen.budget}
    if chosen.small:
        settings |= {"warmup": 1, "runs": 3}
    found = table(settings, small=chosen.small, command=("benchmarks/gpu_table.py", *arguments))
    name = re.sub(r"[^a-z0-9]+", "-", found["device"].lower()).strip("-")
    target = chosen.output or REPORTS / f"time-{name}-{found['date']}.json"
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return Path(target)


if __name__ == "__main__":
    print(main(sys.argv[1:]))
