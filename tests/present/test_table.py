"""The table for a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from rich.cells import cell_len

from archscope.errors import UsageError
from archscope.present import _notebook, md, table
from archscope.results import Report, View

Make = Callable[..., Any]
GOLDEN = {
    "gpt2.txt": ("gpt2", {}),
    "gpt2-exact.txt": ("gpt2", {"exact": True}),
    "gpt2-80-columns.txt": ("gpt2", {"width": 80}),
    "gpt2-ascii.txt": ("gpt2", {"ascii": True, "width": 100}),
    "gpt2-explain.txt": ("gpt2", {"explain": True, "max_depth": 4}),
    "gpt2-sorted.txt": ("gpt2", {"sort": "flops", "top": 4, "exact": True}),
    "gpt2-components.txt": ("gpt2", {"by": "components", "exact": True}),
    "gpt2-operators.txt": ("gpt2", {"by": "operators", "exact": True}),
    "gpt2-total.txt": ("gpt2", {"total": True}),
    "partial.txt": ("partial", {"exact": True}),
    "frozen.txt": ("frozen", {"exact": True}),
    "shared.txt": ("shared", {"exact": True}),
    "experts.txt": ("experts", {"exact": True}),
    "cycle.txt": ("cycle", {"exact": True}),
    "window.txt": ("window", {}),
    "failed.txt": ("failed", {"exact": True}),
    "unrun.txt": ("unrun", {}),
    "nothing.txt": ("nothing", {}),
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_golden(name: str, sample: Make, golden: Callable[[str, str], None]) -> None:
    report, view = GOLDEN[name]
    text = table.render(sample(report), View(**view))
    golden(name, text)
    if not view.get("total"):
        assert_adds_up(text)


def assert_adds_up(text: str) -> None:
    """Sum the lines that have none below them, column by column, and compare with the last."""
    lines = text.splitlines()
    rule = next(number for number, line in enumerate(lines) if set(line) <= set("─-") and line)
    heading, body = lines[rule - 1], lines[rule + 1 :]
    end = next((n for n, line in enumerate(body) if line.startswith("Total ")), None)
    if end is None:
        return
    body, total = body[:end], body[end]
    depths = [level(line) for line in body] + [0]
    leaves = [line for n, line in enumerate(body) if line and depths[n + 1] <= depths[n]]
    for title in ("Params", "FLOPs*", "MACs", "Frozen"):
        if title in heading:
            column = slice(0, heading.index(title) + len(title))
            found = [number(line[column]) for line in leaves]
            if None not in found and not total[column].endswith("unknown"):
                assert sum(n or 0 for n in found) == number(total[column]), title


def test_the_sum_test_would_notice(sample: Make) -> None:
    text = table.render(sample("experts"), View(exact=True))
    for right, wrong in (("3,200,000,000,000,000,000", "3,200,000,000,000,000,001"), ("44", "45")):
        with pytest.raises(AssertionError, match=r"Params|FLOPs|MACs"):
            assert_adds_up(text.replace(right, wrong, 1))


def level(line: str) -> int:
    sign = re.match(r"([│| ]*[├└|`][─-] )?", line)
    return len(sign.group()) if sign else 0


def number(text: str) -> int | None:
    """Read the last cell of a line; None where it is rounded."""
    last = re.split(r"  +", text)[-1].removeprefix("≥ ").partition(" + ")[0]
    if re.search(r" [kMGTPE]$", last):
        return None
    return int(last.replace(",", "")) if re.fullmatch(r"[\d,]+", last) else 0


# A number is not cut: name 8 + copies 3 + 25 digits of 6.4e18 parameters + FLOPs 7 + 3 blanks.
NARROWEST = {"experts": 46}
WIDTHS = (*range(40, 121), *range(122, 201, 6))
"""Beyond what all of a table takes, less comes about from width to width."""


@pytest.fixture(scope="module")
def fitted(sample: Make) -> Callable[[str, bool, int], str]:
    """Return a sample as it is shown at a width, made once for each."""

    @cache
    def shown(name: str, ascii: bool, width: int) -> str:
        return table.render(sample(name), View(width=width, ascii=ascii))

    return shown


FITTED = ("gpt2", "shared", "frozen", "experts", "evil", "cycle", "window")


@pytest.mark.parametrize("name", FITTED)
@pytest.mark.parametrize("ascii", [False, True])
def test_every_width_fits_and_keeps_names_and_counts(
    name: str, ascii: bool, sample: Make, fitted: Callable[[str, bool, int], str]
) -> None:
    report: Report = sample(name)
    rows = len(table.render(report, View(ascii=ascii)).splitlines())
    first = FITTED.index(name)  # one sample at every width; others at every third, in turn
    for width in WIDTHS[first % 3 :: 7 if ascii else 3 if first else 1]:
        text = fitted(name, ascii, width)
        assert max(map(cell_len, text.splitlines())) <= max(width, NARROWEST.get(name, 0))
        assert len(text.splitlines()) >= rows
        for total in counts(report):
            assert total in text


def counts(report: Report) -> list[str]:
    if report.totals is None:
        return []
    return [f"{report.totals.trainable:,}", "Module", "Params", "FLOPs*", "Total"]


def test_columns_go_in_their_order(fitted: Callable[[str, bool, int], str]) -> None:
    hidden = []
    for width in range(110, 39, -1):
        text = " ".join(fitted("gpt2", False, width).split())
        found = re.search(r"hidden at this width: (.*) \(--wide shows all\)", text)
        if found and found.group(1) not in hidden:
            hidden.append(found.group(1))
    everything = ["bar", "Output shape", "Type", "FLOPs %", "Params %", "MACs"]
    assert hidden == [", ".join(everything[: n + 1]) for n in range(len(hidden))]
    assert hidden[-1] == ", ".join(everything)


def test_one_endless_name_costs_the_others_no_column(sample: Make) -> None:
    text = table.render(sample("evil"), View(width=100))
    assert "Type" in text
    assert re.search(r"\n(long)+\w*…\w*(long)+ ", text)


def test_names_are_whole_where_no_width_is_given(sample: Make) -> None:
    assert "long" * 2_500 in table.render(sample("evil"), View())


def test_partial_totals_say_so(sample: Make) -> None:
    text = table.render(sample("partial"), View())
    assert "≥ 1.000 k" in text
    assert "lower bounds" in text
    assert "WARNING  1 operator is not counted: odd::op" in text
    assert "unknown" in text


def test_nothing_frozen_shows_no_frozen_column(sample: Make) -> None:
    assert "Frozen" not in table.render(sample("gpt2"), View())
    assert "Frozen" in table.render(sample("frozen"), View())


def test_the_footnote_gives_both_totals(sample: Make) -> None:
    text = table.render(sample("gpt2"), View(exact=True))
    assert "MACs 252,124,594,176; 2 × MACs 504,249,188,352" in text  # 2 * 252,124,594,176


def test_tied_weights_name_their_holder(sample: Make) -> None:
    assert "tied → tok_emb" in table.render(sample("gpt2"), View())
    assert "40 + tied → emb" in table.render(sample("shared"), View())


@pytest.mark.parametrize("word", ["flops", "Flops", "trainable", "params"])
def test_sorting_takes_a_field_or_a_heading(word: str, sample: Make) -> None:
    if word == "Flops":
        with pytest.raises(UsageError, match="Did you mean 'flops'"):
            table.render(sample("gpt2"), View(sort=word))
        return
    first = table.render(sample("gpt2"), View(sort=word)).splitlines()[3]
    assert first.startswith("blocks.0–23.mlp.fc1")


def test_top_sums_up_the_rest(sample: Make) -> None:
    text = table.render(sample("gpt2"), View(sort="params", top=3, exact=True))
    assert "+ 8 more" in text  # 11 lines without parts, 3 shown


def test_unknown_numbers_sort_last(sample: Make) -> None:
    lines = table.render(sample("partial"), View(sort="flops")).splitlines()
    assert [line.split()[0] for line in lines[3:6]] == ["conv", "head", "odd"]


def test_an_unknown_section_is_refused(sample: Make) -> None:
    with pytest.raises(UsageError, match="Did you mean 'operators'"):
        table.render(sample("gpt2"), View(by="operator"))


def test_colour_only_where_asked(sample: Make) -> None:
    assert "\x1b" not in table.render(sample("evil"), View())
    colored = table.render(sample("evil"), View(color=True))
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == table.render(sample("evil"), View())


def test_markdown_golden(sample: Make, golden: Callable[[str, str], None]) -> None:
    for name in ("gpt2", "partial", "shared"):
        golden(f"{name}.md", md.render(sample(name), View()))


def test_markdown_rows_have_as_many_cells_as_headings(sample: Make) -> None:
    text = md.render(sample("evil"), View())
    rows = [line for line in text.splitlines() if line.startswith("|")]
    cells = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows}
    assert len(rows) == 2 + 15 + 1  # heading, rule, names, total
    assert len(cells) == 1
    assert "<" not in text


def test_markdown_shows_dunder_names_as_they_are() -> None:
    assert md._escape("__init__ tok_emb a|b") == r"\_\_init\_\_ tok_emb a\|b"


def test_notebook_golden(sample: Make, golden: Callable[[str, str], None]) -> None:
    golden("gpt2-notebook.html", _notebook.render(sample("gpt2"), View()))


def test_notebooks_run_nothing(sample: Make) -> None:
    text = sample("evil")._repr_html_()
    assert "<script" not in text
    assert set(re.findall(r"<(\w+)", text)) == {
        *("div", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "p"),
        *("b", "br", "small"),
        *("svg", "title", "text", "rect", "line"),
    }
