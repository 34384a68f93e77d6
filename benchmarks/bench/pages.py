"""The HTML page in Chromium: when it shows something, when all is drawn, and how large it is.

24 layers against 1,000 layers, no two of them alike, then one and five networks side by side. Times
are medians of several openings by the clock, the pages in turn.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import archscope
from archscope.present.html.document import render
from archscope.results import Report
from benchmarks.bench.rows import ROOT, Row

sys.path.insert(0, str(ROOT / "tests" / "browser"))
from chromium import Chromium, find_chromium

OPENINGS = 5
FIVE = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
MEGABYTES, ELEMENTS = 2.3, 5_000
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"


def layers(count: int) -> Report:
    """Return the report of a causal stack whose layers differ in width or dilation, all of them."""
    return archscope.report(
        "cnn",
        spatial_dims=1,
        kernel_size=(2,),
        causal=True,
        dilations=tuple(1 + number % 31 for number in range(count)),
        channels=tuple(8 + number for number in range(count)),
    )


def pages() -> dict[str, tuple[Report, ...]]:
    """Return what is opened: of one network or of several."""
    one = {"24 layers": layers(24), "1,000 layers": layers(1_000)}
    found = {name: (report,) for name, report in one.items()}
    found["resnet50"] = (archscope.report("resnet50"),)
    found["five networks"] = tuple(archscope.report(name) for name in FIVE)
    return found


def rows() -> Iterator[Row]:
    """Yield times, bytes and elements of each page."""
    program = find_chromium()
    if program is None:
        why = "no Chromium here: install Debian's package chromium, or set CHROMIUM"
        yield Row(what="pages", ours=None, note=why)
        return
    with tempfile.TemporaryDirectory() as folder:
        made = pages()
        files = {name: Path(folder) / f"{n}.html" for n, name in enumerate(made)}
        for name, file in files.items():
            file.write_text(render(made[name]), encoding="utf-8")
        browser = Chromium(program, Path(folder) / "profile")
        try:
            yield from _opened(browser, files)
        finally:
            browser.close()


def _opened(browser: Chromium, files: dict[str, Path]) -> Iterator[Row]:
    browser.size(1280, 900)
    drawn: dict[str, list[float]] = {name: [] for name in files}
    painted: dict[str, list[float]] = {name: [] for name in files}
    elements = {}
    for _ in range(OPENINGS):
        for name, file in files.items():
            start = time.perf_counter()
            browser.open(file)
            drawn[name].append(time.perf_counter() - start)
            painted[name].append(browser.evaluate(PAINT) / 1_000)
            elements[name] = browser.evaluate("document.querySelectorAll('*').length")
    for name, file in files.items():
        size = file.stat().st_size / 1e6
        for what, ours, unit, aim in (
            ("first paint", statistics.median(painted[name]), "s, clock", 0.2),
            ("all drawn", statistics.median(drawn[name]), "s, clock",
             2.5 if name == "five networks" else 1.5),
            ("size", size, "MB", MEGABYTES if name != "five networks" else None),
            ("elements", elements[name], "", ELEMENTS if name.endswith("layers") else None),
        ):  # fmt: skip
            yield Row(what=f"page of {name}, {what}", ours=ours, unit=unit, aim=aim, judged="ours")
    few, many = (statistics.median(drawn[name]) for name in ("24 layers", "1,000 layers"))
    yield Row(what="page of 1,000 layers, all drawn", ours=many, unit="s, clock",
              anchor="24 layers", theirs=few, ratio=many / few, aim=2.0)  # fmt: skip
