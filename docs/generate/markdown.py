"""Text as Markdown: what is no markup must not become any."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from inspect import cleandoc

_MARKUP = re.compile(r"[\\*_\[\]<>|#`]")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "|": "&#124;"}
"""Signs that a backslash does not save in every dialect, or in a cell of a table."""
_CODE = re.compile(r"(`[^`\n]+`)")
_ADDRESS = re.compile(r"(?<![(<])\bhttps?://[^\s,;)|]+")


def escaped(text: str) -> str:
    """Return plain text as Markdown that shows it; what stands between backquotes is code."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if at % 2 else _MARKUP.sub(_saved, part) for at, part in enumerate(parts))


def _saved(sign: re.Match[str]) -> str:
    return _ENTITIES.get(sign[0], f"\\{sign[0]}")


def cited(text: str) -> str:
    """Return the name of a source, the addresses in it as links."""
    parts = re.split(f"({_ADDRESS.pattern})", " ".join(text.split()))
    return "".join(f"<{part}>" if at % 2 else escaped(part) for at, part in enumerate(parts))


def code(text: str) -> str:
    """Return text as code within a line, in a cell of a table too; empty of no text."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}" if text else ""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells in Markdown; below a head that begins with `>` are numbers."""
    rule = ["---:" if head.startswith(">") else "---" for head in heads]
    lines = [[head.removeprefix(">") for head in heads], rule, *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def fenced(text: str, language: str = "") -> str:
    """Return a block of code."""
    fence = "````" if "```" in text else "```"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def folded(title: str, inner: str) -> str:
    """Return a part that is opened by its title."""
    indented = "\n".join(f"    {line}".rstrip() for line in inner.splitlines())
    return f'??? note "{title}"\n\n{indented}\n'


def said(docstring: str) -> str:
    """Return a docstring as Markdown: its paragraphs, and its examples as code."""
    parts = []
    for part in cleandoc(docstring or "").split("\n\n"):
        examples = part.lstrip().startswith(">>>")
        drawn = part.startswith(("    ", "\t")) or re.search(r"[─├└│]|   \S", part)
        if examples:
            parts.append(fenced(cleandoc(part), "pycon"))
        elif drawn:
            parts.append(fenced(part))
        else:
            parts.append(escaped(part) + "\n")
    return "\n".join(parts)
