"""Each claim of docs/textbooks.md: its commands print the lines and the figures that it states."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import archscope
from tests.documents import blocks, commands, figures, shows

TEXT = Path(__file__).parents[1].joinpath("docs", "textbooks.md").read_text(encoding="utf-8")
INTRODUCTION, *SECTIONS = re.split(r"^## ", TEXT, flags=re.M)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda text: text.partition("\n")[0])
def test_what_is_claimed_is_printed(
    section: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    console = "".join(block.text for block in blocks(section, "console"))

    figures(section, "".join(shows(shown, capsys) for shown in commands(console)))


def test_the_code_of_the_page_holds() -> None:
    found = [block for section in SECTIONS for block in blocks(section, "python")]

    assert found
    for block in found:
        exec(block.text, {})


def test_mobilenet_v2_is_not_dilated() -> None:
    rows = archscope.rf("mobilenet_v2").section("rf.layers").rows

    assert {size for row in rows for size in row.dilation} == {1}
    assert sum(row.stride == (2, 2) for row in rows) == 5
