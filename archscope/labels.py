"""Names from outside as text that is safe to print: they may hold anything."""

from __future__ import annotations

import re

# Category Cc, the line separators, the controls that reorder a line, and lone surrogates.
_UNSAFE = r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"


def safe_label(text: object) -> str:
    r"""Return a text from outside with everything that could steer a terminal or a page escaped.

    >>> safe_label("enc\x1b[31m")
    'enc\\x1b[31m'
    """
    said = str(text)
    return said if said.isprintable() else re.sub(_UNSAFE, _escape, said)


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
