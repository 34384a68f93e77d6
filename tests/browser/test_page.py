"""The page in a real browser: quiet, complete, usable, on any screen and on paper."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from chromium import Chromium

from archscope.present import json as json_format
from archscope.present.html.charts import drawings
from archscope.present.html.lead import picture
from archscope.results import Report, View
from archscope.saved import read

Show = Callable[..., Chromium]
GALLERY = Path(__file__).parents[2] / "reports"

FIGURES = """Object.fromEntries([...document.querySelectorAll("[data-figure]")]
    .filter((node) => node._fullData)
    .map((node) => [node.dataset.figure,
        node._fullData.map((trace) => [trace.type, trace.visible, trace.x?.length ?? 0])]))"""
TOTALS = """[...document.querySelectorAll("table[data-section='params.modules']")].map((table) =>
    [...table.querySelectorAll("tfoot th, tfoot td")].map((cell) => cell.textContent.trim()))"""
WIDTHS = """(() => ({
    page: document.documentElement.scrollWidth, window: innerWidth,
    cut: [...document.querySelectorAll("table.static")].filter((table) => table.checkVisibility())
        .filter((table) => table.getBoundingClientRect().right > innerWidth + 0.5)
        .map((table) => table.caption.textContent),
}))()"""
FIRST = """[...document.querySelectorAll(".plot")].map(
    (each) => each.getBoundingClientRect().top + scrollY)[0]"""
NESTED = """[...document.querySelectorAll("[role=img], button, summary, a")].filter(
    (each) => each.querySelector("a[href], button, summary, input, [tabindex='0']")).length"""
LEFT = """[...document.querySelectorAll("table.static tbody tr:first-child")]
    .filter((row) => row.checkVisibility() && row.cells.length > 1)
    .map((row) => [...row.cells].slice(1).filter((cell) => cell.checkVisibility()))
    .map((cells) => cells[0].getBoundingClientRect().left)"""
SCREEN = f"""({{
    widths: {WIDTHS}, top: {FIRST}, nested: {NESTED}, left: {LEFT},
    shown: document.querySelectorAll('#findings > .findings > ul > li').length,
    sticky: getComputedStyle(document.querySelector('table.static tbody th')).position,
}})"""
HEIGHTS = {1280: 900, 390: 844}
"""The screens that a page is looked at on, by their widths: that on which it was opened first."""


ALIKE = ("published", "encoder-depths", "types")
"""Pages whose charts and tables are such as the other pages have."""


def pages() -> dict[str, list[str]]:
    """Return the saved results that each page of the gallery is made of, less those `ALIKE`."""
    text = (GALLERY / "README.md").read_text(encoding="utf-8")
    commands = map(shlex.split, re.findall(r"^\$ archscope report (.*\.html)$", text, re.M))
    return {
        Path(words[-1]).stem: [word for word in words if word.endswith(".json")]
        for words in commands
        if Path(words[-1]).stem not in ALIKE
    }


@pytest.fixture(scope="module", params=pages())
def reports(request: pytest.FixtureRequest) -> tuple[Report, ...]:
    return tuple(read(GALLERY / name) for name in pages()[request.param])


@pytest.fixture(scope="module")
def page(reports: tuple[Report, ...], show: Show) -> Chromium:
    return show(*reports)


@pytest.fixture(scope="module")
def screens(page: Chromium) -> dict[int, Any]:
    """What is seen on screens of each width: to draw all charts anew is what takes long.

    The page stays as narrow as it is then, so that what asks for this stands behind the rest.
    """
    found = {}
    for width, height in HEIGHTS.items():
        page.size(width, height)
        page.evaluate("new Promise((resolve) => setTimeout(resolve, 60))")
        found[width] = page.evaluate(SCREEN)
    return found


def test_it_says_nothing_wrong_and_asks_for_nothing(page: Chromium) -> None:
    assert page.errors == []
    asked = [url for url in page.requests if not url.startswith(("data:", "blob:"))]
    assert len(asked) == 1
    assert asked[0].startswith("file:")
    assert page.evaluate("document.getElementById('trouble').hidden") is True


def test_every_chart_is_drawn_as_it_is_meant(page: Chromium, reports: tuple[Report, ...]) -> None:
    first = {drawing.name for drawing in picture(drawings(reports), len(reports))}
    meant = {
        drawing.name: [trace["type"] for trace in drawing.figure["data"]]
        for _, drawing in drawings(reports)
        # What is of one of several networks alone is drawn when that is opened.
        if drawing.name in first or not (drawing.folded or drawing.network is not None)
    }
    drawn = page.evaluate(FIGURES)

    assert {name: [trace[0] for trace in traces] for name, traces in drawn.items()} == meant
    assert all(trace[1] is True for traces in drawn.values() for trace in traces)
    count = "document.querySelectorAll('.plot .main-svg').length"
    assert page.evaluate(count) >= len(meant)


def test_a_folded_chart_is_drawn_when_it_is_asked_for(
    page: Chromium, reports: tuple[Report, ...]
) -> None:
    folded = [
        drawing.name
        for _, drawing in drawings(reports)
        if drawing.folded or drawing.network is not None
    ]
    page.evaluate("document.querySelectorAll('details.more').forEach((each) => each.open = true)")
    try:
        page.wait(lambda: set(folded) <= set(page.evaluate(FIGURES)))
    finally:
        page.evaluate(
            "document.querySelectorAll('details.more').forEach((each) => each.open = false)"
        )


def test_tables_show_the_totals_of_the_json(page: Chromium, reports: tuple[Report, ...]) -> None:
    tables = page.evaluate(TOTALS)
    counted = [report for report in reports if report.find("params.modules")]

    assert len(tables) >= len(counted)
    for cells, report in zip(tables, counted, strict=False):
        totals = json.loads(json_format.render(report, View()))["totals"]
        assert cells[0] == "Total"
        assert f"{totals['trainable']:,}" in cells


def test_it_can_be_read_aloud_and_used_by_keyboard(page: Chromium) -> None:
    problems = page.evaluate("""[
        ["language", document.documentElement.lang === "en"],
        ["one heading", document.querySelectorAll("h1").length === 1],
        ["skip link", document.querySelector("a").getAttribute("href") === "#content"],
        ["captions", [...document.querySelectorAll("table")].every((t) => t.caption?.textContent)],
        ["scopes", [...document.querySelectorAll(".static th")].every((th) => th.scope)],
        ["charts", [...document.querySelectorAll(".plot")].every((p) =>
            p.getAttribute("role") === "group" && p.getAttribute("aria-label").length > 20)],
        ["levels", [...document.querySelectorAll(".warning, .ok")].every((e) =>
            /OK|WARNING/.test(e.textContent))],
        ["scrolling", [...document.querySelectorAll(".scroll")].every((e) => e.tabIndex === 0)],
        ["heading order", [...document.querySelectorAll("h1, h2, h3")].map((h) => +h.tagName[1])
            .every((level, place, all) => place === 0 || level <= all[place - 1] + 1)],
        ["room to press", [...document.querySelectorAll("nav a, #theme, [data-file]")]
            .filter((e) => e.checkVisibility())
            .every((e) => e.getBoundingClientRect().height >= 24)],
        ["anchors", [...document.querySelectorAll("a")].every((a) =>
            document.getElementById(a.getAttribute("href").slice(1)))],
    ].filter(([, holds]) => !holds).map(([name]) => name)""")

    assert problems == []


def test_what_is_downloaded_is_the_report(
    page: Chromium, reports: tuple[Report, ...], tmp_path: Path
) -> None:
    page.download_to(tmp_path)
    page.evaluate("document.querySelectorAll('[data-file]').forEach((button) => button.click())")
    right = sorted(json_format.render(report, View()) for report in reports)

    def found() -> list[str]:
        texts = []
        for file in tmp_path.glob("*.json"):
            with suppress(FileNotFoundError):
                texts.append(file.read_text(encoding="utf-8"))
        return sorted(texts)

    # A browser puts empty files where downloads are to be, and takes them away, before.
    page.wait(lambda: len(found()) == len(right) and all(found()))

    assert found() == right


def test_no_chart_offers_to_send_itself_away(page: Chromium) -> None:
    buttons: list[Any] = page.evaluate(
        "[...document.querySelectorAll('.modebar-btn')].map((b) => b.dataset.title)"
    )

    assert any("Download" in title for title in buttons)
    assert not [title for title in buttons if title and "hare" in title]
    assert page.evaluate("document.querySelectorAll('.plotlyjsicon').length") == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_a_picture_stands_on_the_first_screen(screens: dict[int, Any], width: int) -> None:
    screen = screens[width]

    assert screen["top"] <= HEIGHTS[width] - 100
    assert screen["shown"] <= 3
    assert screen["nested"] == 0, "nothing to press within what is pressed"


@pytest.mark.parametrize("width", HEIGHTS)
def test_nothing_is_wider_than_the_screen(screens: dict[int, Any], width: int) -> None:
    found = screens[width]["widths"]

    assert found["window"] == width
    assert found["page"] <= found["window"]


def test_a_phone_shows_names_with_their_numbers(screens: dict[int, Any]) -> None:
    assert screens[390]["sticky"] == "sticky"
    assert max(screens[390]["left"], default=0) < 240


def test_paper_shows_every_column(page: Chromium) -> None:
    page.size(703, 1000)  # A4 at 96 dots per inch, less the margins of 12 mm
    page.scheme("light", media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    empty = page.evaluate(
        "[...document.querySelectorAll('.plot')].filter((e) => !e._fullData).length"
    )
    found = page.evaluate(WIDTHS)
    closed = page.evaluate("document.querySelectorAll('details:not(.all):not([open])').length")
    hidden = page.evaluate(
        "[...document.querySelectorAll('nav, button, .list')].filter((e) => e.offsetParent).length"
    )
    page.evaluate("dispatchEvent(new Event('afterprint'))")

    assert empty == 0  # paper does not wait: what was folded is drawn at once
    assert closed == 0
    assert found["cut"] == []
    assert found["page"] <= found["window"]
    assert hidden == 0
