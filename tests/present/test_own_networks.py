"""What is shown of a network of one's own: a layer, an audit, measured receptive fields."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from measured import audit, measured

import archscope
from archscope.present import md
from archscope.present.html.charts import drawings
from archscope.present.html.findings import findings
from archscope.present.html.tiles import tiles
from archscope.results import Report, View


def drawn(report: Report) -> dict[str, Any]:
    return {drawing.name: drawing for _, drawing in drawings((report,))}


@pytest.mark.parametrize("command", ["params", "rf"])
def test_a_network_that_is_one_layer_has_its_row(command: str) -> None:
    layer, images = torch.nn.Conv2d(3, 4, 3), torch.zeros(1, 3, 9, 9)
    report = getattr(archscope, command)(layer, images)

    rows = [line for line in report.to("table").splitlines() if line.startswith("(model)")]
    assert [row.split()[1:3] for row in rows] == [["Conv2d", "3×3"]]


class Three(torch.nn.Module):
    """A table of 40, a norm of 20, and a linear layer of 10 for each output."""

    def __init__(self, linear: int) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(4, 10)
        self.norm = torch.nn.LayerNorm(10)
        self.linear = torch.nn.Linear(10, linear, bias=False)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.linear(self.norm(self.table(words)))


@pytest.mark.parametrize(("outputs", "word"), [(6, "the largest share"), (7, "most")])
def test_most_is_more_than_half(outputs: int, word: str) -> None:
    # of 120 or 130 parameters the linear layer has 60 or 70
    report = archscope.params(Three(outputs), torch.zeros(1, 3, dtype=torch.int64))
    said = [finding.text for finding in findings(report)]

    assert f"Params: {word} in linear" in drawn(report)["components"].caption
    assert [text for text in said if text.startswith("Linear holds " + word)]


class TestAudit:
    """Who says what, who says nothing, and why."""

    def test_a_bar_is_as_long_as_what_is_said(self) -> None:
        figure = drawn(audit())["audit-macs"].figure
        bars = {trace["name"]: trace["x"] for trace in figure["data"]}

        assert bars == {
            "archscope": [100],
            "agrees": [100],
            "differs, explained": [pytest.approx(99.998)],  # 49,999 of 50,000
            "differs, in part unexplained": [200],  # 800%: cut, and said
        }
        texts = "\n".join(note["text"] for note in figure["layout"]["annotations"])
        assert "<b>less</b> 49,999 · 99.9%" in texts
        assert "<b>odd</b> 400,000 · 800.0%" in texts
        assert "and 1 smaller, in the table" in texts
        assert "Bars end at 200%." in drawn(audit())["audit-macs"].caption

    def test_what_gives_no_figure_has_no_bar_and_says_why(self) -> None:
        macs, params = drawn(audit())["audit-macs"], drawn(audit())["audit-params"]
        texts = [note["text"] for note in macs.figure["layout"]["annotations"]]

        assert "<b>absent</b> no figure" in texts
        assert "not installed: pip install absent" in texts
        assert "No figure: broken, absent." in macs.caption
        assert "No figure: less, broken, absent." in params.caption
        assert not [text for text in texts if "<i>" in text]

    def test_a_table_has_no_zero_and_no_unknown_where_nothing_is_said(self) -> None:
        text = audit().to("table")

        assert "unknown" not in text
        (absent,) = [line for line in text.splitlines() if line.startswith("absent")]
        assert absent.split()[1:6] == ["–"] * 5
        by = md.render(audit(), View(by="differences"))
        assert "| less | MACs | -1 | >-0.1% |".replace(">", "&gt;") in by
        assert "| odd | params | +730 | +73.0% | tied weights | all |" in by
        assert "- **WARNING** odd differs\n  - +70,000 MACs\n  - &lt;b&gt;more" in by

    def test_tiles_tell_the_count_and_who_agrees(self) -> None:
        found = {tile.name: (tile.value, tile.level) for tile in tiles(audit())}

        assert found == {
            "Parameters": ("1.000 k", ""),
            "MACs, one forward pass": ("50.00 k", ""),
            "Other counters that agree": ("1 of 3", "warning"),
        }


class TestMeasured:
    """Colour for what is measured, dashes for what may be in theory."""

    def test_a_map_with_its_contour_and_its_square(self) -> None:
        found = drawn(measured())
        heat, contour, square = found["erf"].figure["data"]

        assert heat["z"][4][4] == 0  # the peak: power 0 of 10
        assert heat["z"][0][0] is None  # no gradient at all: no colour
        assert (heat["x0"], heat["dx"]) == (4, 1)
        assert (min(square["x"]), max(square["x"])) == (4.5, 11.5)
        level = contour["contours"]["start"]
        cells = [10**cell for line in heat["z"] for cell in line if cell is not None]
        inside = [cell for cell in cells if cell > 10**level]
        assert sum(inside) >= 0.95 * sum(cells)
        ring = [cell for cell in inside if cell < 1.1 * min(inside)]  # cells alike by symmetry
        assert sum(inside) - sum(ring) < 0.95 * sum(cells)
        assert "averaged over 2 images (random, seeds 0–1; its own weights)" in found["erf"].caption
        assert "The dashed square is its theoretical receptive field, 7×7." in found["erf"].caption

    def test_squares_by_both_definitions(self) -> None:
        found = drawn(measured())["squares"]
        sides = {trace["name"]: trace["y"] for trace in found.figure["data"]}

        assert sides == {"raw mass": [3, 7], "RepLKNet area": [5], "in theory: 7": [7, 7]}
        assert "Never reached: 99.0% of the RepLKNet area." in found.caption

    def test_a_line_along_one_axis(self) -> None:
        line, level, theory = drawn(measured(axes=1))["erf"].figure["data"]

        assert max(y for y in line["y"] if y is not None) == 0
        assert level["y"][0] == level["y"][1] < 0
        assert theory["x"] == [4.5, 4.5, None, 11.5, 11.5]

    def test_a_network_that_sees_everything_shows_what_it_sees_without_reductions(self) -> None:
        found = drawn(measured(local=True))["erf"]

        assert "In theory it sees the whole input" in found.caption
        assert max(found.figure["data"][2]["x"]) == 11.5


def test_one_page_holds_it_all_and_lacks_only_what_is_said() -> None:
    """A section's figures are summed only where they are parts of one whole."""
    import torch

    import archscope

    conv = torch.nn.Conv2d(1, 2, 3)
    found = archscope.report(conv, torch.zeros(1, 1, 8, 8), erf=1, audit=True)
    names = [section.address for section in found.sections]

    assert {"rf.layers", "rf.unit", "rf.erf", "rf.gradients", "audit.tools"} <= set(names)
    assert found.section("erf").rows[0].side == 3
    assert "Total" not in md.render(found, View(by="tools"))
    lacking = archscope.report(torch.nn.Embedding(4, 2), torch.zeros(1, 3).long(), erf=1)
    assert any("tokens have no gradient" in note.text for note in lacking.notes)
    assert "unit" in [section.name for section in lacking.sections]
