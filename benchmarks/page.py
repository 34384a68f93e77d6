"""Measures the HTML page in Chromium: 24 layers against 1,000 layers, no two of them alike.

    python benchmarks/page.py

Prints for each page its bytes, the elements in it, the time to the first paint and to the last
chart, and the ratios. Times are medians of several openings, the two pages in turn, so that other
work on the machine falls on both.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import archscope
from archscope.present.html.document import render

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from chromium import Chromium, find_chromium

OPENINGS = 5
LAYERS = (24, 1_000)
LIMITS = {"bytes": 2_300_000, "elements": 5_000, "ratio": 2.0}
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"


def page(layers: int) -> str:
    """Return the page of a causal stack whose layers differ in width or dilation, all of them."""
    return render(
        (
            archscope.report(
                "cnn",
                spatial_dims=1,
                kernel_size=(2,),
                causal=True,
                dilations=tuple(1 + number % 31 for number in range(layers)),
                channels=tuple(8 + number for number in range(layers)),
            ),
        )
    )


def main() -> None:
    program = find_chromium()
    if program is None:
        sys.exit("no Chromium here: install Debian's package chromium, or set CHROMIUM")
    with tempfile.TemporaryDirectory() as folder:
        files = {layers: Path(folder) / f"{layers}.html" for layers in LAYERS}
        for layers, file in files.items():
            file.write_text(page(layers), encoding="utf-8")
        browser = Chromium(program, Path(folder) / "profile")
        browser.size(1280, 900)
        drawn: dict[int, list[float]] = {layers: [] for layers in LAYERS}
        painted: dict[int, list[float]] = {layers: [] for layers in LAYERS}
        elements = {}
        for _ in range(OPENINGS):
            for layers, file in files.items():
                start = time.perf_counter()
                browser.open(file)
                drawn[layers].append(time.perf_counter() - start)
                painted[layers].append(browser.evaluate(PAINT) / 1_000)
                elements[layers] = browser.evaluate("document.querySelectorAll('*').length")
        browser.close()
        for layers, file in files.items():
            print(
                f"{layers:5,} layers: {file.stat().st_size:9,} bytes, {elements[layers]:5,} "
                f"elements, first paint {statistics.median(painted[layers]):.2f} s, all drawn "
                f"{statistics.median(drawn[layers]):.2f} s"
            )
        few, many = (statistics.median(drawn[layers]) for layers in LAYERS)
        print(f"ratio of the times: {many / few:.2f} (limit {LIMITS['ratio']})")
        assert files[LAYERS[-1]].stat().st_size <= LIMITS["bytes"]
        assert elements[LAYERS[-1]] < LIMITS["elements"]


if __name__ == "__main__":
    main()
