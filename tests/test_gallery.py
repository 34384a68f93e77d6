"""The gallery is what its commands give; its pages are few and small."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from archscope import specs
from archscope.cli import main
from archscope.families import FAMILIES
from archscope.saved import read

GALLERY = Path(__file__).parents[1] / "reports"
TEXT = (GALLERY / "README.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line) for line in re.findall(r"^\$ archscope (.*)$", TEXT, re.M)]
SAVED = [words for words in COMMANDS if words[-1].endswith(".json")]
AT_OTHER_DEPTHS = {"gpt2-24.json", "gpt2-36.json", "gpt2-48.json", "encoder-6.json"}
"""Results of networks of which one of another depth is made anew; `make reports` makes all."""
KEPT = ("gpt2-depths.html", "gridding.html")
"""The pages that are in git, each of at most 2.3 MB."""
OF_OTHERS = {"scoreboard.json", "scoreboard.html", "bench.json"}
"""What `make scoreboard` and `make bench` write."""


def assert_alike(fresh: tuple[Any, ...], kept: tuple[Any, ...]) -> None:
    """Hold rows against each other: all exactly but floats, which versions of numpy round apart."""
    assert len(fresh) == len(kept)
    for row, other in zip(map(astuple, fresh), map(astuple, kept), strict=True):
        assert row == tuple(map(_about, other))


def _about(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_about, value))
    return pytest.approx(value, rel=1e-12) if isinstance(value, float) else value


@pytest.mark.parametrize(
    "words",
    [words for words in SAVED if words[-1] not in AT_OTHER_DEPTHS],
    ids=lambda words: str(words[-1]),
)
def test_a_saved_result_is_what_its_command_gives(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(GALLERY.parent / "examples", tmp_path / "examples")
    folder = tmp_path / GALLERY.name
    folder.mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        main([*words, "-q"])
    assert ended.value.code == 0
    fresh, kept = read(folder / words[-1]), read(GALLERY / words[-1])

    assert fresh.title == kept.title
    assert fresh.totals == kept.totals
    for section in kept.sections:
        of_torch = section.address in ("params.operators", "search.variants")
        if of_torch and fresh.environment.torch != kept.environment.torch:
            continue  # a layer is other operators in another torch
        assert_alike(fresh.section(section.address).rows, section.rows)
        assert fresh.section(section.address).notes == section.notes


@pytest.mark.parametrize("name", sorted(AT_OTHER_DEPTHS))
def test_a_saved_result_of_another_depth_is_what_the_closed_form_tells(name: str) -> None:
    kept, family = read(GALLERY / name), FAMILIES.get("transformer")
    assert family.census is not None

    told = family.census(specs.made(family.spec, dict(kept.config or {})))

    assert (kept.totals.trainable, kept.totals.macs) == (told.trainable, told.macs)


def test_every_file_of_the_gallery_is_told_of_and_there() -> None:
    shown = re.findall(r"\]\(([\w.-]+)\)", TEXT)

    assert [name for name in shown if not (GALLERY / name).is_file()] == []
    assert {file.name for file in GALLERY.glob("*.png")} == {n for n in shown if ".png" in n}
    saved = {file.name for file in GALLERY.glob("*.json")} - OF_OTHERS
    assert saved == {words[-1] for words in SAVED}
    assert {name for name in shown if name.endswith(".html")} - OF_OTHERS == {*KEPT}


def test_the_picture_of_the_maps_is_drawn_from_what_is_saved() -> None:
    draw = runpy.run_path(str(GALLERY / "maps.py"))["draw"]
    saved = [GALLERY / f"dilations-{each}.json" for each in ("2-2-2", "1-2-3")]
    picture = draw(saved)

    assert picture == (GALLERY / "gridding-map.svg").read_text(encoding="utf-8")
    assert picture.count('class="hole"') == 169 - 49


def test_kept_pages_are_small() -> None:
    assert all((GALLERY / name).stat().st_size <= 2_300_000 for name in KEPT)
