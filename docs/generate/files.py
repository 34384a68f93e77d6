"""Files of the project that a page shows as they are."""

from __future__ import annotations

from pathlib import Path

import yaml

from generate.markdown import code, escaped, fenced

ROOT = Path(__file__).parents[2]


def shown(name: str) -> str:
    """Return a file, whole."""
    kind = {".yml": "yaml", ".yaml": "yaml"}.get(Path(name).suffix, "")
    return fenced(ROOT.joinpath(name).read_text(encoding="utf-8"), kind)


def inputs(name: str) -> str:
    """Return the rows of a table of what an action takes."""
    action = yaml.safe_load(ROOT.joinpath(name).read_text(encoding="utf-8"))
    return "\n".join(
        f"| {code(word)} | {escaped(each['description'])} | {code(each['default']) or 'empty'} |"
        for word, each in action["inputs"].items()
    )
