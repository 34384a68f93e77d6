"""What every format owes, whoever wrote it."""

from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest

from archscope.present import FORMATS
from archscope.results import Report, View

VIEWS = (View(), View(exact=True, max_depth=2, explain=True), View(top=2), View(width=60))


@pytest.mark.parametrize("name", FORMATS.names())
def test_every_format_renders_every_report(name: str, each: Report) -> None:
    format = FORMATS.get(name)
    assert format.name == name
    assert format.suffixes
    for view in VIEWS:
        text = format.render(each, view)
        assert text.endswith("\n") or (name == "jsonl" and not each.sections[0].rows)
        assert text == format.render(each, view)
        text.encode("utf-8")
        assert not {sign for sign in {*text} - {"\n"} if unicodedata.category(sign) == "Cc"}


@pytest.mark.parametrize("name", ["table", "md", "json", "jsonl"])
def test_ascii_output_is_ascii(name: str, each: Report) -> None:
    assert FORMATS.get(name).render(each, View(ascii=True, explain=True)).isascii()


def test_suffixes_are_claimed_once() -> None:
    suffixes = [suffix for format in FORMATS.all().values() for suffix in format.suffixes]
    assert len(suffixes) == len({*suffixes})


HEAVY = ("torch", "pandas", "fvcore", "plotly")


@pytest.mark.parametrize(
    ("name", "banned"),
    [(name, HEAVY if name == "table" else (*HEAVY, "rich")) for name in FORMATS.names()],
)
def test_formats_import_little(name: str, banned: tuple[str, ...]) -> None:
    assert not imported(f"archscope.present.{name}", banned)


def test_the_import_test_would_notice() -> None:
    assert imported("rich.text", ("rich",)) == "rich"


def imported(module: str, banned: tuple[str, ...]) -> str:
    code = f"import sys, {module}; print(*[m for m in {banned!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()
