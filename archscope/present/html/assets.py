"""What a page carries beside its words: plotly's script, packed, and how a browser may run it."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode, b85encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Literal

from archscope.records import frozen

Assets = Literal["inline", "directory", "cdn"]
"""Where a page finds plotly: in itself, in a file beside it, or on plotly's own server."""
_LESS = ","
"""What stands for `<`; boot.js says the same."""
BESIDE = "plotly.min.js"
"""Name of the file beside a page."""


@frozen
class Library:
    """How a page gets plotly's script."""

    packed: str
    """The script itself, as `packed` gives it; empty where it comes from outside."""
    address: str
    """Where it comes from; empty where the page holds it."""
    integrity: str
    """The hash that a script from another server must have; empty where there is none."""
    source: str
    """What the page's policy allows for it."""


@cache
def plotly_script() -> str:
    """Return the script that the installed plotly brings along."""
    return files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")


def own(name: str) -> str:
    """Return one of the page's own files: its style, its script, its template."""
    return files("archscope.present.html").joinpath(name).read_text(encoding="utf-8")


def packed(text: str) -> str:
    """Return a text as gzip in base 85: the same bytes for the same text, at any time.

    Base 85 is 6% shorter than base 64; without its `<` it can stand in a script element as it is.
    """
    small = gzip.compress(text.encode("utf-8"), 9, mtime=0)
    return b85encode(small).decode("ascii").replace("<", _LESS)


def data(value: Any) -> str:
    """Return JSON for the page's script, packed."""
    return packed(json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")))


def hash_of(script: str) -> str:
    """Return the hash by which a browser knows a script, e.g. `sha256-...`."""
    return "sha256-" + b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii")


@cache
def library(assets: Assets) -> Library:
    """Return how a page of this kind gets plotly."""
    hashed = hash_of(plotly_script())
    if assets == "inline":
        return Library(
            packed=packed(plotly_script()), address="", integrity="", source=f"'{hashed}'"
        )
    if assets == "directory":
        # A file beside a page on a disk has no origin that a hash could be checked against.
        return Library(packed="", address=BESIDE, integrity="", source="'self' file:")
    from plotly.offline import get_plotlyjs_version

    address = f"https://cdn.plot.ly/plotly-{get_plotlyjs_version()}.min.js"
    return Library(packed="", address=address, integrity=hashed, source=address)


def policy(assets: Assets) -> str:
    """Return the page's content security policy: no request, and no script but its own two."""
    scripts = f"'{hash_of(own('boot.js'))}' {library(assets).source}"
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
