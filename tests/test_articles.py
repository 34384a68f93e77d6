"""The articles: what they show is what is printed now, and both languages say the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import FENCED, LEFT_OUT, blocks, commands, typed

FOLDER = Path(__file__).parents[1] / "docs" / "articles"
ARTICLES = sorted(path for path in FOLDER.glob("*.md") if ".zh" not in path.name)
NUMBER = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])|\d+(?:\.\d+)?")
"""1,024 or 3.5 or 12; of a list like 1,2,5 each of its own."""
LINK = re.compile(r"\]\((.+?)\)")
CODE = re.compile(r"`.+?`")
NO_FIGURE = re.compile(r"arXiv [\d.]+|doi \S+|(?:section|table|equation) [\d.]+|\b(?:19|20)\d\d\b")
each = pytest.mark.parametrize("article", ARTICLES, ids=lambda path: path.stem)


def sections(article: Path) -> list[str]:
    """Return what stands before the first heading, and what stands below each."""
    return re.split(r"^## ", article.read_text(encoding="utf-8"), flags=re.M)


def prose(section: str) -> str:
    """Return a section without its blocks, and without where its links lead."""
    return LINK.sub("]", FENCED.sub("", section))


def figures(section: str) -> set[str]:
    """Return the numbers that nobody writes down without having counted or measured them."""
    found = numbers(NO_FIGURE.sub("", CODE.sub("", prose(section))))
    return {number for number in found if "." in number or len(number) > 2}


def numbers(text: str) -> set[str]:
    """Return the numbers of a text, 1,024 as 1024."""
    return {number.replace(",", "") for number in NUMBER.findall(text)}


def printed(section: str, capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    """Run the blocks of a section, and hold each command's whole output against what is shown."""
    for block in blocks(section):
        if block.language == "python":
            exec(block.text, {})
            yield block.text
            continue
        shown = re.split(r"^\$ .*\n", block.text, flags=re.M)[1:]
        for command, lines in zip(commands(block.text), shown, strict=True):
            answer = typed(command.typed, capsys)
            pattern = "".join(
                r"(?:.*\n)+" if line == LEFT_OUT else re.escape(line) + r" *\n"
                for line in lines.splitlines()
            )
            assert not lines or re.fullmatch(pattern, answer), command.typed
            yield command.typed + answer


@each
def test_what_an_article_says_is_what_is_printed(
    article: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    everything = set[str]()
    head, *rest = sections(article)
    for section in rest:
        told = numbers("\n".join(printed(section, capsys)))
        assert figures(section) <= told, section.partition("\n")[0]
        everything |= told
    assert figures(head) <= everything


@each
def test_the_chinese_article_says_the_same(article: Path) -> None:
    chinese = article.with_suffix(".zh.md")
    for ours, theirs in zip(sections(article), sections(chinese), strict=True):
        assert blocks(ours) == blocks(theirs)
        for pattern in (NUMBER, CODE):
            assert Counter(pattern.findall(prose(ours))) == Counter(pattern.findall(prose(theirs)))
        assert [to.replace(".zh", "") for to in LINK.findall(FENCED.sub("", ours))][1:] == [
            to.replace(".zh", "") for to in LINK.findall(FENCED.sub("", theirs))
        ][1:]


@each
def test_the_links_of_an_article_lead_somewhere(article: Path) -> None:
    for path in (article, article.with_suffix(".zh.md")):
        for link in LINK.findall(FENCED.sub("", path.read_text(encoding="utf-8"))):
            assert link.startswith("https://") or (path.parent / link).is_file(), link
