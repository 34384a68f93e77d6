"""The articles: what they show is what is printed now, and both languages say the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import pairwise
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


def shown(section: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a section, with the lines that stand below it."""
    for block in blocks(section, "console"):
        below = re.split(r"^\$ .*\n", block.text, flags=re.M)[1:]
        yield from zip((one.typed for one in commands(block.text)), below, strict=True)


def is_whole(lines: str, answer: str) -> bool:
    """Return whether all that a command prints is shown, or told to be left out."""
    pattern = "".join(
        r"(?:.*\n)+" if line == LEFT_OUT else re.escape(line) + r" *\n"
        for line in lines.splitlines()
    )
    return not lines or re.fullmatch(pattern, answer) is not None


def again(lines: str, answer: str) -> str:
    """Return what to show of an answer that changed: the lines most like those shown so far."""
    fresh = answer.splitlines()
    kept = [-1]
    for line in lines.replace(f"{LEFT_OUT}\n", "").splitlines():
        after = range(kept[-1] + 1, len(fresh))
        likeness = [SequenceMatcher(None, line, fresh[index]).ratio() for index in after]
        kept += [after[likeness.index(max(likeness))]] if likeness else []
    pairs = pairwise([*kept, len(fresh)])
    between = (LEFT_OUT if end - start > 1 else None for start, end in pairs)
    texts = [*(fresh[index].rstrip() for index in kept[1:]), None]
    both = zip(between, texts, strict=True)
    return "".join(f"{line}\n" for pair in both for line in pair if line is not None)


@each
def test_what_an_article_says_is_what_is_printed(
    article: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    everything = set[str]()
    head, *rest = sections(article)
    for section in rest:
        told = "".join(block.text for block in blocks(section, "python"))
        for command, lines in shown(section):
            answer = typed(command, capsys)
            if request.config.getoption("--overwrite") and not is_whole(lines, answer):
                for path in (article, article.with_suffix(".zh.md")):
                    text = path.read_text(encoding="utf-8")
                    path.write_text(text.replace(lines, again(lines, answer)), encoding="utf-8")
            else:
                assert is_whole(lines, answer), command
            told += f"{command}\n{answer}"
        for block in blocks(section, "python"):
            exec(block.text, {})
        assert figures(section) <= numbers(told), section.partition("\n")[0]
        everything |= numbers(told)
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
