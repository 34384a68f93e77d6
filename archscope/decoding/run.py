"""Runs a network on shapes, and says what its layers would keep of the sequence for a next one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch

from archscope.decoding.calls import Call, watched
from archscope.decoding.family_caches import looks
from archscope.errors import ForwardError, first_line
from archscope.subject import Subject


def seen(subject: Subject) -> dict[str, int]:
    """Return the elements that each module would keep of one sequence, by path, as they run.

    Of a family's network, whose blocks are known by their kind. Blocks that were built once stand
    for all that they stand for; one that runs again keeps as much again. Raises `ForwardError`
    where it does not run.
    """
    table, found = looks(), Counter[str]()

    def look(calls: Sequence[Call], output: Any) -> None:
        chosen = table.get(type(calls[-1].module))
        if chosen is not None:
            for kept in chosen(calls, output):
                found[kept.path] += kept.elements

    assert subject.inputs is not None
    try:
        with torch.no_grad(), watched(subject.model, look):
            subject.model(*subject.inputs.args, **subject.inputs.kwargs)
    except Exception as error:
        raise ForwardError(f"{subject.name}: {first_line(error)}") from error
    return _of_all(subject, found)


def _of_all(subject: Subject, found: Counter[str]) -> dict[str, int]:
    """Return what every copy keeps of the blocks that stand for several."""
    every: Counter[str] = Counter()
    for path, elements in found.items():
        repeat = next((r for r in subject.repeats if f"{path}.".startswith(f"{r.path}.")), None)
        for copy in repeat.copies if repeat is not None else (path,):
            every[copy + path[len(repeat.path) :] if repeat is not None else path] += elements
    return dict(every)
