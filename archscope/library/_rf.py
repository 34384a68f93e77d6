"""Tells what one output sees and what it misses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from archscope.errors import ThresholdError, UsageError
from archscope.library._named import network_of, spec_of, tuple_of
from archscope.results import Report
from archscope.study import analyse, assemble
from archscope.subject import Sketch, Subject

if TYPE_CHECKING:
    from archscope.theory.layers import Layer


def receptive_field(
    network: str | Sequence[int] | Sequence[Layer] = (),
    *,
    branches: Sequence[Sequence[int]] = (),
    verify: bool = False,
    strict: bool = False,
    min_coverage: float | None = None,
    **fields: Any,
) -> Report:
    """Return what one output sees and what it misses, exactly, without building a network.

    >>> report = receptive_field([2, 2, 2])
    >>> report.totals.receptive_field, report.totals.reached, report.totals.positions
    (13, 49, 169)
    >>> receptive_field("transformer", attention="window", window=4096, depth=32).totals.reached
    131041

    `network` is a list of dilations, of `theory.layers.Layer`s, or a family; `branches` are lists
    of dilations in parallel, in its place. `fields` are those of the family's spec or, for
    dilations and branches, `kernel_size`, `stride`, `spatial_dims`, `causal`, `padding` and
    `input_size`; Layers take `spatial_dims` and `input_size`.

    With `verify` the layers are built and run too, which imports torch. `ThresholdError` is raised
    where `strict` is set and a position is missed, or coverage is below `min_coverage` percent.
    """
    report = analyse("rf", _sketch(network, branches, fields), verify=verify)
    require_coverage(report, strict=strict, min_coverage=min_coverage)
    return report


def suggest(
    target: int,
    *,
    kernel_size: int = 3,
    layers: int | None = None,
    max_dilation: int | None = None,
    prefix: Sequence[int] = (),
    stride: int = 1,
) -> Report:
    """Return dilations that see at least `target` positions along an axis, all of them.

    >>> [row.dilations for row in suggest(63).section("schedules").rows]
    ['1,3,9,18', '1,3,9,9,9', '1,3,7,8,8,3,1']

    `layers` fixes how many, `max_dilation` bounds each; `prefix` are dilations of layers of the
    same kernel that stay in front, `stride` says that all this reads a map pooled by so much.
    Raises `UsageError` with the reason where no dilations do.
    """
    from archscope.analyses._rf_suggest import schedules

    title, sections = schedules(
        target=target,
        kernel_size=kernel_size,
        layers=layers,
        max_dilation=max_dilation,
        prefix=tuple(prefix),
        stride=stride,
    )
    config = {
        "target": target,
        "kernel_size": kernel_size,
        "layers": layers,
        "max_dilation": max_dilation,
        "prefix": list(prefix),
        "stride": stride,
    }
    return assemble("rf suggest", title, config, sections)


def require_coverage(
    report: Report, *, strict: bool = False, min_coverage: float | None = None
) -> None:
    """Raise `ThresholdError` where less of the receptive field is reached than is asked for."""
    wanted = 100.0 if strict else min_coverage
    if wanted is None or (report.totals.is_full and report.totals.complete):
        return
    coverage = report.totals.coverage
    limit = "--strict" if strict else f"--min-coverage {wanted:g}"
    if coverage is None:
        raise ThresholdError(f"{limit}: how much of the receptive field is reached is unknown")
    if 100 * coverage < wanted:
        raise ThresholdError(
            f"{limit}: {_floored(coverage)}% of the receptive field is reached, not "
            f"{wanted:g}% or more"
        )


def _floored(coverage: float) -> str:
    return f"{int(1000 * coverage) / 10:.1f}"


def _sketch(
    network: Any, branches: Sequence[Sequence[int]], fields: dict[str, Any]
) -> Sketch | Subject:
    from archscope.analyses._stack import StackSpec, of_layers, sketch

    if isinstance(network, str):
        named = network_of(network, fields)
        return named.subject() if named.sketch is None else named.sketch()
    items = _items(network)
    if items and branches:
        raise UsageError("give dilations or branches, not both: branches are dilations too")
    if items and not isinstance(items[0], int):
        return of_layers(items, **fields)
    lists = {name: tuple_of(value) for name, value in fields.items()}
    if items:
        lists["dilations"] = items
    return sketch(spec_of(StackSpec, lists), tuple(map(tuple, branches)))


def _items(network: Any) -> tuple[Any, ...]:
    from archscope.theory.layers import Layer

    items = tuple(network) if isinstance(network, Iterable) else (network,)
    if not all(isinstance(item, int) for item in items):
        for item in items:
            if not isinstance(item, Layer):
                raise UsageError(
                    f"a {type(item).__name__} has no receptive field here; give a family, a list "
                    "of dilations, or a list of archscope.theory.layers.Layer"
                )
    return items
