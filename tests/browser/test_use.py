"""What a reader does with the page: filter, sort, change colours, use an old browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from chromium import Chromium

from archscope.cli import main
from archscope.results import Report
from archscope.saved import read

Show = Callable[..., Chromium]
GALLERY = Path(__file__).parents[2] / "reports"


@pytest.fixture(scope="module")
def list_page(gpt2: Report, show: Show) -> Chromium:
    page = show(gpt2)
    open_list(page)
    return page


def open_list(page: Chromium) -> None:
    page.evaluate("document.querySelector('details.all').open = true")
    page.wait(lambda: bool(page.evaluate("!!document.querySelector('.list input')")))


class TestLists:
    """The list of all rows: only what is seen is in the page."""

    def status(self, list_page: Chromium) -> str:
        found: str = list_page.evaluate("document.querySelector('.list [role=status]').textContent")
        return found

    def first(self, list_page: Chromium) -> list[str]:
        found: list[str] = list_page.evaluate(
            "[...document.querySelector('.list tbody tr:not(.spacer)').cells]"
            ".map((cell) => cell.textContent)"
        )
        return found

    def filter(self, list_page: Chromium, text: str) -> None:
        list_page.evaluate(f"""(() => {{
            const input = document.querySelector(".list input");
            input.value = {json.dumps(text)};
            input.dispatchEvent(new Event("input"));
        }})()""")

    def click(self, list_page: Chromium, title: str) -> str:
        """Click a column's heading; return how the column is sorted then."""
        found: str = list_page.evaluate(f"""(() => {{
            const head = [...document.querySelectorAll(".list th")]
                .find((each) => each.textContent.startsWith({json.dumps(title)}));
            head.firstChild.click();
            return head.getAttribute("aria-sort");
        }})()""")
        return found

    def test_a_filter_leaves_what_matches(self, list_page: Chromium) -> None:
        self.filter(list_page, "MLP")
        assert self.status(list_page) == "36 of 126 rows"  # 12 x (mlp, mlp.fc1, mlp.fc2)
        self.filter(list_page, "no such thing")
        assert self.status(list_page) == "0 of 126 rows"
        self.filter(list_page, "")
        assert self.status(list_page) == "126 of 126 rows"

    def test_three_clicks_sort_and_give_back_the_old_order(
        self, list_page: Chromium, gpt2: Report
    ) -> None:
        rows = gpt2.section("modules").rows
        most = max(row.trainable for row in rows)

        assert self.click(list_page, "Params") == "descending"
        assert f"{most:,}" in self.first(list_page)
        assert self.click(list_page, "Params") == "ascending"
        assert "0" in self.first(list_page)
        assert self.click(list_page, "Params") == "none"
        assert self.first(list_page)[0] == "(model)"

    def test_words_are_sorted_from_a(self, list_page: Chromium) -> None:
        assert self.click(list_page, "Type") == "ascending"
        assert "Attention" in self.first(list_page)
        self.click(list_page, "Type")
        self.click(list_page, "Type")

    def test_only_the_rows_that_are_seen_are_there(self, list_page: Chromium) -> None:
        list_page.evaluate("document.querySelector('.list .window').scrollTop = 1e6")
        list_page.wait(
            lambda: (
                "lm_head" in list_page.evaluate("document.querySelector('.list tbody').textContent")
            )
        )
        assert list_page.evaluate("document.querySelectorAll('.list tbody tr').length") < 40


def test_no_label_of_an_icicle_is_too_small_to_read(list_page: Chromium) -> None:
    small = list_page.evaluate("""[...document.querySelectorAll(".slicetext")].map((text) => {
        const scale = text.transform.baseVal.consolidate()?.matrix.a ?? 1;
        return parseFloat(getComputedStyle(text).fontSize) * scale;
    })""")

    assert len(small) > 2
    assert min(size for size in small if size) >= 8


def test_the_theme_button_changes_page_and_charts(list_page: Chromium) -> None:
    page = list_page
    look = """[getComputedStyle(document.body).backgroundColor,
        document.querySelector("[data-figure=components]")._fullLayout.font.color]"""
    press = "document.getElementById('theme').click(); document.getElementById('theme').textContent"
    auto = page.evaluate(look)

    assert page.evaluate(press) == "Theme: Light"
    assert page.evaluate(look) == auto
    assert page.evaluate(press) == "Theme: Dark"
    page.wait(lambda: all(a != b for a, b in zip(page.evaluate(look), auto, strict=True)))
    dark = page.evaluate(look)
    assert page.evaluate(press) == "Theme: Auto"
    page.scheme("dark")
    page.wait(lambda: bool(page.evaluate(look) == dark))
    page.scheme("light")
    assert page.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_they_stand_on(list_page: Chromium, scheme: str) -> None:
    """Contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3) for every colour of text."""
    page = list_page
    page.scheme(scheme)
    colors = page.evaluate("""(() => {
        const style = getComputedStyle(document.documentElement);
        const rgb = (name) => style.getPropertyValue(`--${name}`).trim()
            .match(/[0-9a-f]{2}/gi).map((part) => parseInt(part, 16));
        const names = ["paper", "card", "ink", "soft", "accent", "ok", "ok-back", "warning",
            "warning-back"];
        return Object.fromEntries(names.map((name) => [name, rgb(name)]));
    })()""")
    page.scheme("light")
    pairs = [
        *((front, back) for front in ("ink", "soft", "accent") for back in ("paper", "card")),
        *(("ok", "ok-back"), ("warning", "warning-back"), ("ink", "ok-back")),
        *(("ink", "warning-back"), ("ok", "card"), ("warning", "card")),
    ]

    assert {p for p in pairs if contrast(colors[p[0]], colors[p[1]]) < 4.5} == set()


def contrast(one: list[int], other: list[int]) -> float:
    """Return the contrast of two colours, as WCAG 2.2 defines it."""

    def luminance(color: list[int]) -> float:
        linear = [
            c / 12.92 if (c := part / 255) <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for part in color
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_integers_beyond_a_double_keep_their_digits_and_their_order(
    show: Show, holes: Report
) -> None:
    modules = holes.section("modules")
    near = (2**53, 2**53 + 1, 2**53 - 1)  # the first two are the same as doubles
    rows = tuple(
        replace(modules.rows[3], path=f"m{number}x", trainable=near[number % 3], own_trainable=0)
        for number in range(60)
    )
    sections = (replace(modules, rows=rows), *holes.sections[1:])
    page = show(replace(holes, sections=sections))
    open_list(page)
    page.evaluate("""[...document.querySelectorAll(".list th button")]
        .find((button) => button.textContent === "Params").click()""")
    shown = page.evaluate("""[...document.querySelectorAll(".list tbody tr:not(.spacer)")]
        .map((row) => [...row.cells].map((cell) => cell.textContent)
            .find((text) => /^9,007/.test(text)))""")

    expected = sorted((row.trainable for row in rows), reverse=True)
    assert len(shown) > 20
    assert shown == [f"{number:,}" for number in expected[: len(shown)]]


def test_an_old_browser_is_told_and_keeps_its_tables(show: Show, gpt2: Report) -> None:
    def change(text: str) -> str:
        return text.replace('"use strict";', '"use strict";delete window.DecompressionStream;', 1)

    def unguarded(text: str) -> str:
        start = text.index('<meta http-equiv="Content-Security-Policy"')
        return text[:start] + text[text.index(">", start) + 1 :]

    page = show(gpt2, change=lambda text: change(unguarded(text)))

    assert "too old" in page.evaluate("document.getElementById('trouble').textContent")
    assert "Total" in page.evaluate("document.querySelector('tfoot').textContent")
    assert page.errors == []


def test_plotly_may_stand_beside_the_page(
    browser: Chromium, holes: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.json").write_text(holes.to("json"), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["report", "run.json", "--assets", "directory", "-o", "page.html", "-q"])
    assert ended.value.code == 0
    assert (tmp_path / "page.html").stat().st_size < 200_000

    browser.size(1280, 900)
    browser.open(tmp_path / "page.html")

    assert browser.errors == []
    assert browser.evaluate("document.querySelectorAll('.plot .main-svg').length") > 4
    assert sorted(Path(url).name for url in browser.requests if url.startswith("file:")) == [
        "page.html",
        "plotly.min.js",
    ]


def test_five_networks_are_no_higher_than_two_and_a_half_pages(show: Show, gpt2: Report) -> None:
    height = "document.documentElement.scrollHeight"
    one = show(gpt2).evaluate(height)
    names = ("gpt2-12", "gpt2-24", "gpt2-36", "gpt2-48", "encoder-12")
    five = show(*(read(GALLERY / f"{name}.json") for name in names))

    assert five.evaluate(height) <= 2.5 * one
    assert five.evaluate("document.querySelectorAll('.footnote').length") == 1
