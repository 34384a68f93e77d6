"""What one output sees and what it misses: receptive field and gridding, exactly, without torch.

Counts along one axis hold for each axis, since all are alike; positions and coverage are over all
axes together. Everything is for an output away from the borders.
"""

from __future__ import annotations

from typing import Any

from archscope.errors import UsageError
from archscope.results import Section
from archscope.subject import Sketch, Subject


def run(
    subject: Subject | Sketch,
    *,
    verify: bool = False,
    graph: bool = False,
    output: str | None = None,
    unit: tuple[int, ...] | None = None,
    studied: str | None = None,
    axes: tuple[int, ...] | None = None,
    erf: int = 0,
    images: Any = None,
) -> tuple[Section, ...]:
    """Return what one output sees: in closed form where a family tells, else from the operators.

    With an outline: layers, maps, positions, and branches where there are parallel paths; without
    torch, unless `verify` builds the same layers and runs them. For any other module, and with
    `graph` besides: modules, within and unit, from the operators that its forward runs.

    `output` is a module's path or a place among what the model returns, `unit` the unit of it that
    is looked back from, `studied` the input and `axes` its axes of positions; `erf` is how many
    images the effective receptive field is measured on, `images` those images themselves (N, ...).
    `ArchscopeError` is raised where verification contradicts.
    """
    from archscope.analyses.rf.sections import sections

    wanted = graph or erf or any(each is not None for each in (output, unit, studied, axes, images))
    if subject.outline is not None and not wanted:
        return sections(subject, verify=verify)
    if not isinstance(subject, Subject):
        raise UsageError(f"{subject.name} was not built: there are no operators to follow")
    from archscope.analyses.rf import operators as _rf_graph

    found = _rf_graph.sections(
        subject,
        output=output,
        unit=unit,
        studied=studied,
        axes=axes,
        verify=verify,
        erf=erf,
        images=images,
    )
    if subject.outline is None or not graph:
        return found
    return (*sections(subject, verify=False), *found)
