"""Notes on nonzero weights: which are unknown, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from archscope.analyses.params.own import Own
from archscope.counting.nonzero import computes_weights
from archscope.results import Note

if TYPE_CHECKING:
    from torch import nn


def nonzero_notes(model: nn.Module, modules: Sequence[Own]) -> tuple[Note, ...]:
    """Return a note for each reason why a number of nonzero weights is not what one may expect."""
    return (*_unknown(modules), *_computed(model))


def _unknown(modules: Sequence[Own]) -> Iterator[Note]:
    reasons: dict[str, list[str]] = {}
    for own in modules:
        if own.weights.nonzero_unknown:
            reasons.setdefault(own.weights.nonzero_unknown, []).append(own.path)
    for why, paths in reasons.items():
        text = f"nonzero weights are unknown: the parameters of {named(paths)} {why}"
        yield Note(level="warning", text=text)


def _computed(model: nn.Module) -> Iterator[Note]:
    paths = [path for path, module in model.named_modules() if computes_weights(module)]
    if paths:
        text = (
            f"nonzero weights are counted as stored: {named(paths)} computes its weights from them"
        )
        yield Note(level="info", text=text)


def named(paths: Sequence[str]) -> str:
    """Return the first of some modules in words, and how many others there are."""
    first = paths[0] or "the model itself"
    rest = len(paths) - 1
    return first if not rest else f"{first} and {rest} other module{'s' if rest > 1 else ''}"
