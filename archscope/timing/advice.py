"""What torch warns of while something runs, such as that it has no fused kernel for it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import torch

_TORCH = Path(torch.__file__).parent
_WHERE_FROM = re.compile(r"\s*\(Triggered internally at .*?\.\)", re.DOTALL)


@contextmanager
def heard() -> Iterator[list[str]]:
    """Collect what torch's own modules warn of, in a line each; all else is shown as before.

    Much of it torch says once in a process, so that a second run may hear nothing.
    """
    said: list[str] = []
    usual = warnings.showwarning

    def listen(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if not Path(filename).is_relative_to(_TORCH):
            usual(message, category, filename, lineno, file, line)
            return
        text = " ".join(_WHERE_FROM.sub("", str(message)).split())
        if text not in said:
            said.append(text)

    with warnings.catch_warnings():
        warnings.showwarning = listen
        yield said
