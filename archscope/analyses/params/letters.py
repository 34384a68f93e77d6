"""What the letters mean in the formulas of each type of layer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archscope.analyses.params.rows import TypeRow
from archscope.results import Words
from archscope.theory.census import ATTENTION

_ATTENTION = (
    "Attention is its products alone, softmax(q k) v: its projections are linear layers, those "
    "that MultiheadAttention holds itself among them."
)
_LETTERS = {
    "linear": {"n": "rows", "i": "features in", "o": "out"},
    "experts": {
        "n": "rows",
        "E": "experts",
        "m": "matrices",
        "d": "features",
        "f": "hidden features",
    },
    "conv": {
        "n": "positions made (of a transposed one: read)",
        "i": "channels in",
        "o": "out",
        "k": "taps along an axis",
        "g": "groups",
    },
    "recurrent": {
        "n": "steps of all sequences",
        "i": "features in",
        "h": "hidden",
        "g": "gates",
        "N": "layers",
        "D": "directions",
    },
    "state space": {"n": "positions", "i": "features", "s": "numbers of a state"},
    ATTENTION: {
        "B": "batch",
        "H": "heads",
        "K": "key heads",
        "L": "queries",
        "S": "keys",
        "P": "distances",
        "C": "queries of a chunk",
        "d": "width of a key",
        "e": "of a value",
    },
    "embedding": {"V": "words", "d": "features"},
    "norm": {"d": "features"},
}
"""By the type of layer what a letter of its formulas means; `k1` is the `k` of the first axis."""
_LETTER = re.compile(r"\b([A-Za-z])\d*\b")


def legend(rows: Sequence[TypeRow]) -> Iterator[Words]:
    """Yield what stands under the table: what its words and the letters of its formulas mean."""
    if any(row.type == ATTENTION for row in rows):
        yield (_ATTENTION,)
    met: dict[str, set[str]] = {}
    for row in rows:
        letters = _LETTER.findall(f"{row.params_formula or 0} {row.macs_formula or 0}")
        met.setdefault(_kind(row.type), set()).update(letters)
    said = "; ".join(_meanings(kind, met[kind]) for kind in _LETTERS if met.get(kind))
    if said:
        yield (f"Letters: {said}.",)


def _meanings(kind: str, met: set[str]) -> str:
    meanings = (f"{letter} {what}" for letter, what in _LETTERS[kind].items() if letter in met)
    return f"{kind} {', '.join(meanings)}"


def _kind(type: str) -> str:
    """Return the key of the letters in the formulas of a type."""
    return "conv" if "conv" in type else type


def is_spelt(formula: str, type: str) -> bool:
    """Return whether each letter of a formula has the meaning that the type's letters have."""
    return set(_LETTER.findall(formula)) <= _LETTERS.get(_kind(type), {}).keys()
