"""The documentation holds together, without building it; what its pages show is what is printed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from os.path import normpath
from pathlib import Path
from typing import Any

import pytest
import yaml
from generate import man, staging

from tests.documents import FENCED, blocks, commands, follow, unaligned, understood
from tests.warm import Warm

WRITTEN = {
    place: text
    for place, text in staging.written().items()
    if place not in staging.OTHERS.values() and not place.startswith("articles/")
}
"""Pages of `docs/` but the articles, which have a test of their own."""
FOLLOWED = ("tutorial.md", "configuration.md", "ci.md")
"""Pages that are done from their first block to their last."""
OWN = ("textbooks.md", "plugins.md", "other-counters.md")
"""Pages whose blocks a test of their own runs."""
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the site is built from."""
    return staging.stage(tmp_path_factory.mktemp("site")).parent


def pages(nav: Any) -> Iterator[str]:
    for entry in nav:
        (inner,) = entry.values() if isinstance(entry, dict) else (entry,)
        yield from pages(inner) if isinstance(inner, list) else [inner]


def anchors(text: str) -> set[str]:
    """Return what the headings of a page are called, as Python-Markdown makes it of them."""
    heads = re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.M)
    plain = (re.sub(r"[^\w\s-]", "", re.sub(r"\\(.)|`", r"\1", head)).strip() for head in heads)
    return {re.sub(r"[-\s]+", "-", head.lower()) for head in plain}


def test_every_page_is_in_the_navigation_once(staged: Path) -> None:
    config = yaml.safe_load((staged / "mkdocs.yml").read_text("utf-8"))
    listed = list(pages(config["nav"]))
    there = {str(path.relative_to(staged / "docs")) for path in staged.rglob("docs/**/*.md")}

    assert sorted(listed) == sorted(there)


def test_every_link_leads_somewhere(staged: Path) -> None:
    texts = {
        str(path.relative_to(staged / "docs")): FENCED.sub("", path.read_text("utf-8"))
        for path in staged.rglob("docs/**/*.md")
    }
    known = {place: anchors(text) for place, text in texts.items()}
    for place, text in texts.items():
        for link in LINK.findall(text):
            if re.match(r"[a-z]+:", link):
                continue
            to, _, anchor = link.partition("#")
            target = normpath(Path(place).parent / to) if to else place
            assert (staged / "docs" / target).is_file(), f"{place}: {link}"
            assert not anchor or anchor in known[target], f"{place}: {link}"


def test_nothing_is_loaded_from_the_net(staged: Path) -> None:
    config = yaml.safe_load((staged / "mkdocs.yml").read_text("utf-8"))
    assert config["theme"]["font"] is False
    assert config["extra"]["polyfills"] == ["iframe-worker.js"]
    for path in (staged / "docs").iterdir():
        if path.suffix in (".css", ".js"):
            assert "://" not in path.read_text("utf-8")
        elif path.suffix == ".md":
            assert not re.search(
                r"!\[[^]]*\]\(https?:|<(img|script|iframe)", path.read_text("utf-8")
            )


def test_articles_in_chinese_stand_behind_those_in_english() -> None:
    nav = [{"Articles": ["articles/*.md", {"中文": ["articles/*.zh.md"]}]}, {"None": ["none/*.md"]}]
    found = list(staging.expanded(nav, ["articles/a.md", "articles/a.zh.md", "articles/b.md"]))

    chinese = {"中文": ["articles/a.zh.md"]}
    assert found == [{"Articles": ["articles/a.md", "articles/b.md", chinese]}]


@pytest.mark.parametrize("page", sorted({*WRITTEN} - {*OWN}))
def test_every_command_of_a_page_is_understood(page: str) -> None:
    for block in blocks(WRITTEN[page], "console"):
        for shown in commands(block.text):
            assert not shown.lines or page in FOLLOWED, "what is shown is run"
            understood(f"archscope {shown.typed}")


@pytest.mark.parametrize("page", FOLLOWED)
def test_a_page_works_as_written(
    page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.delitem(sys.modules, "net", raising=False)

    assert follow(WRITTEN[page], tmp_path, capsys)


@pytest.mark.parametrize("page", sorted({*WRITTEN} - {*FOLLOWED, *OWN}))
def test_the_code_of_a_page_works(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for block in blocks(WRITTEN[page], "python"):
        exec(block.text, names)


def test_what_is_said_of_other_counters_holds() -> None:
    """Of those that are installed."""
    names: dict[str, Any] = {}
    ran = 0
    for section in re.split(r"^## ", WRITTEN["other-counters.md"], flags=re.M):
        found = blocks(section, "python")
        wanted = re.findall(r"^from (\w+)|^import (\w+)", "\n".join(b.text for b in found), re.M)
        if all(find_spec(one or other) for one, other in wanted):
            for block in found:
                exec(block.text, names)
                ran += 1

    assert ran >= 5  # fvcore and torch are always there


PLUGINS = """
from archscope.cli import main
from archscope.counting.custom import custom
from archscope.dependence.rules import known_rules

assert "mylab::scores" in known_rules()
assert custom("mylab::scores")
for words in {words}:
    try:
        main(words)
    except SystemExit as ended:
        assert not ended.code, words
"""


def test_the_plugins_of_the_page_work(tmp_path: Path, warm: Warm) -> None:
    text = WRITTEN["plugins.md"]
    (tmp_path / "mylab").mkdir()
    for block in blocks(text):
        if block.title:
            (tmp_path / block.title).write_text(block.text, encoding="utf-8")
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text("utf-8"))["project"]
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    info = tmp_path / "mylab-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: mylab\nVersion: 1.0\n")
    info.joinpath("entry_points.txt").write_text("\n".join(lines))

    typed = [shown for block in blocks(text, "console") for shown in commands(block.text)]
    code = "".join(block.text for block in blocks(text, "python") if not block.title)
    code += PLUGINS.format(words=[shown.words for shown in typed])
    done = warm.run("-c", code, folder=tmp_path, paths=(str(tmp_path),))
    assert done.returncode == 0, done.stderr
    printed = {unaligned(line) for line in done.stdout.splitlines()}
    for shown in typed:
        assert {*shown.lines} <= printed, shown.typed


def test_the_manual_page_is_that_of_the_commands(request: pytest.FixtureRequest) -> None:
    fresh = man.page()
    if request.config.getoption("--overwrite"):
        man.PAGE.write_text(fresh, encoding="utf-8")
    assert man.PAGE.read_text("utf-8") == fresh, "pytest tests/test_site.py --overwrite"
    assert max(map(len, re.findall(r"^[^.].*$", fresh, re.M))) < 400
    assert not re.search(r"^'|[\x00-\x08]", fresh, re.M), "roff would read it as a request"


@pytest.mark.skipif(find_spec("zensical") is None, reason="what builds the site is not installed")
def test_the_site_is_built_without_a_warning(staged: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "zensical",
        "build",
        "--strict",
        "-f",
        str(staged / "mkdocs.yml"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    loaded = r'(?:src|href)="https?://[^"]*"[^>]*(?:rel="stylesheet"|></script>)'
    for page in (staged / "site").rglob("*.html"):
        assert not re.search(loaded, page.read_text("utf-8")), page
