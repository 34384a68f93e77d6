"""Joins what is written and what is made into the folder that the site is built from."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from os.path import normpath, relpath
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
CONFIG = ROOT / "mkdocs.yml"
OTHERS = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "reports/scoreboard.md": "scoreboard.md",
}
"""Pages of the site that stand elsewhere in the project, and where the site has them."""
MAKERS = ("commands", "families", "formulas", "facts", "schema")
"""Modules here that make whole pages."""
FILES = "files"
"""Where the site has files of the project that a page links to."""
_MADE = re.compile(r"^<!-- made: (\w+)\.(\w+)(?: (.+?))? -->$", re.M)
_LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
_ALIEN = re.compile(r"^[a-z]+:")
_FENCE = re.compile(r"^(`{3,}).*?^\1[ \t]*$", re.M | re.S)


@cache
def written() -> Mapping[str, str]:
    """Return the pages that people wrote, by their paths on the site, as they stand."""
    own = {str(path.relative_to(DOCS)): path for path in sorted(DOCS.rglob("*.md"))}
    others = {place: ROOT / name for name, place in OTHERS.items()}
    return {place: path.read_text(encoding="utf-8") for place, path in {**own, **others}.items()}


@cache
def made() -> Mapping[str, str]:
    """Return the pages that are made whole, by their paths."""
    found: dict[str, str] = {}
    for name in MAKERS:
        found.update(import_module(f"generate.{name}").pages())
    return found


def maker(module: str, function: str) -> Callable[..., str]:
    """Return what makes a part of a page; raises where there is none of that name."""
    found: Callable[..., str] = getattr(import_module(f"generate.{module}"), function)
    return found


def filled(text: str) -> str:
    """Return a page with its parts made."""

    def part(found: re.Match[str]) -> str:
        module, function, argument = found.groups()
        return maker(module, function)(*filter(None, [argument]))

    return _MADE.sub(part, text)


def links(text: str) -> list[str]:
    """Return where the links of a page lead that stay within the project."""
    prose = _FENCE.sub("", text)
    return [to + end[:-1] for _, to, end in _LINK.findall(prose) if not _ALIEN.match(to)]


def project_path(page: str, link: str) -> str:
    """Return the file of the project that a link of a page leads to."""
    home = {place: name for name, place in OTHERS.items()}.get(page, f"docs/{page}")
    return normpath(Path(home).parent / link)


def on_site(file: str) -> str:
    """Return where the site has a file of the project."""
    if file in OTHERS:
        return OTHERS[file]
    return file.removeprefix("docs/") if file.startswith("docs/") else f"{FILES}/{file}"


def stage(folder: Path) -> Path:
    """Write the sources of the site to a folder, and return the configuration to build them by."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = {**{place: _linked(place, filled(text)) for place, text in written().items()}, **made()}
    for place, text in pages.items():
        _write(folder / "docs" / place, text)
    for file in {file for page, text in written().items() for file in _taken_along(page, text)}:
        target = folder / "docs" / on_site(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, target)
    for path in (*DOCS.glob("*.css"), *DOCS.glob("*.js")):
        shutil.copy(path, folder / "docs" / path.relative_to(DOCS))
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    config["nav"] = list(expanded(config["nav"], list(pages)))
    _write(folder / "mkdocs.yml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    return folder / "mkdocs.yml"


def expanded(nav: Any, pages: list[str]) -> Iterator[Any]:
    """Yield what a navigation holds, patterns of paths as the pages that they stand for.

    `*` is a name without a dot: `articles/*.md` leaves `articles/unet.zh.md` to another pattern.
    A heading below which nothing is left goes.
    """
    for entry in nav:
        if isinstance(entry, str):
            pattern = re.escape(entry).replace(r"\*", r"[^/.]+")
            yield from (
                (page for page in pages if re.fullmatch(pattern, page)) if "*" in entry else [entry]
            )
            continue
        ((title, inner),) = entry.items()
        found = list(expanded([inner] if isinstance(inner, str) else inner, pages))
        if found:
            yield {title: inner if isinstance(inner, str) and "*" not in inner else found}


def _linked(page: str, text: str) -> str:
    """Return a page whose links to files of the project lead to where the site has them."""

    def moved(found: re.Match[str]) -> str:
        before, to, end = found.groups()
        if _ALIEN.match(to):
            return found[0]
        file = project_path(page, to)
        if (file.startswith("docs/") and page not in OTHERS.values()) or not (
            ROOT / file
        ).is_file():
            return found[0]  # of the site already, or made
        return f"{before}{relpath(on_site(file), Path(page).parent)}{end}"

    return _LINK.sub(moved, text)


def _taken_along(page: str, text: str) -> Iterator[str]:
    for link in links(text):
        file = project_path(page, link.partition("#")[0])
        if not file.endswith(".md") and (ROOT / file).is_file():
            yield file


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
