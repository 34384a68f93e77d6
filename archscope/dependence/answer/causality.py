"""Whether outputs of a sequence model see later positions, and which module lets them."""

from __future__ import annotations

import numpy as np

from archscope.dependence.answer.examine import Examination
from archscope.dependence.record.graph import Value
from archscope.records import frozen


@frozen
class Leak:
    """A module whose output sees further ahead than its inputs did."""

    path: str
    """The module, the innermost that does so."""
    ahead: int
    """How many positions ahead of its own an output of it sees, at most."""
    before: int
    """The same of its inputs."""


@frozen
class Causality:
    """What the outputs of a sequence model see of the future."""

    ahead: int
    """How many positions ahead of its own an output sees, at most; 0: causal."""
    leaks: tuple[Leak, ...]
    """The modules that look ahead, in order."""
    backward: tuple[str, ...]
    """The modules that look back alone, as those of a causal model do."""


def causality(exam: Examination, output: Value) -> Causality | None:
    """Return what an output sees ahead; None where its units are not the input's positions."""
    reach = _reach(exam, output)
    if reach is None:
        return None
    leaks, backward = [], []
    for call in exam.graph.calls:
        inputs = [_reach(exam, value) for value in call.inputs]
        after = _reach(exam, call.outputs[0]) if call.outputs else None
        known = [one for one in inputs if one is not None]
        if after is None or not known or len(known) != len(inputs):
            continue
        ahead, behind = max(a for a, _ in known), max(b for _, b in known)
        if after[0] > ahead:
            leaks.append(Leak(path=call.path, ahead=after[0], before=ahead))
        elif after[1] > behind:
            backward.append(call.path)
    inner = _innermost([leak.path for leak in leaks])
    return Causality(
        ahead=reach[0],
        leaks=tuple(leak for leak in leaks if leak.path in inner),
        backward=tuple(_innermost(backward)),
    )


def _innermost(paths: list[str]) -> list[str]:
    """Return the paths that hold no other."""
    unique = list(dict.fromkeys(paths))
    return [
        path
        for path in unique
        if not any(
            other != path and other.startswith(f"{path}." if path else "") for other in unique
        )
    ]


def _reach(exam: Examination, value: Value) -> tuple[int, int] | None:
    """Return how far ahead and how far back of its own place an element sees, at most."""
    field = exam.total(value)
    if field is None or len(exam.axes) != 1 or not field.is_map:
        return None
    own = field.map_axis(0)
    if own is None or value.shape[own] != exam.sizes[0]:
        return None
    line = field.lines[0]
    units = np.flatnonzero(line.kinds)
    starts = line.firsts[units]
    ahead = (starts + line.widths[units] - 1 - units).max(initial=0)
    return int(ahead), int((units - starts).max(initial=0))
