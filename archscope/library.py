"""The library's verbs: the same as the command line's. They return, and print nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archscope.errors import ThresholdError, UsageError
from archscope.results import Report
from archscope.study import analyse, assemble
from archscope.subject import Inputs, Network, Request, Sketch, Subject

if TYPE_CHECKING:
    from torch import nn

    from archscope.theory.layers import Layer


def build(name: str, **fields: Any) -> nn.Module:
    """Build a family's or a published network, random weights, on torch's current default device.

    >>> model = build("transformer", depth=2, d_model=64, heads=4)
    >>> with torch.device("meta"):
    ...     large = build("transformer", depth=96, d_model=12288, heads=96)

    Raises `UsageError` for an unknown name or field, `SpecError` for a value that cannot be.
    """
    return _network(name, fields).whole().model


def params(
    model: nn.Module | str,
    *args: Any,
    flops_per_mac: int = 1,
    strict: bool = False,
    **kwargs: Any,
) -> Report:
    """Count parameters and FLOPs of a module, or of a family's network, layer by layer.

    >>> report = params(model, images, mask=mask)
    >>> report.totals.trainable, report.totals.macs, report.totals.complete
    >>> params("transformer", depth=24).totals.trainable
    209494272

    For a module, `args` and `kwargs` are what its forward is called with; without any, parameters
    alone are counted. The forward runs on shapes alone where it can, otherwise for real, in
    evaluation mode; the module is left as found. For a family, `kwargs` are fields of its spec.

    `flops_per_mac=2` gives 2 x MACs as FLOPs. With `strict`, `ThresholdError` is raised where an
    operator is unknown or the engines disagree. `ForwardError` has the `report` up to the failure.
    """
    report = count_subject(_subject(model, args, kwargs), flops_per_mac=flops_per_mac)
    if strict:
        require_complete(report)
    return report


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
        named = _network(network, fields)
        return named.subject() if named.sketch is None else named.sketch()
    items = _items(network)
    if items and branches:
        raise UsageError("give dilations or branches, not both: branches are dilations too")
    if items and not isinstance(items[0], int):
        return of_layers(items, **fields)
    lists = {name: _tuple(value) for name, value in fields.items()}
    if items:
        lists["dilations"] = items
    return sketch(_spec(StackSpec, lists), tuple(map(tuple, branches)))


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


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def count_subject(subject: Subject, *, flops_per_mac: int = 1) -> Report:
    """Count parameters and FLOPs of a `Subject`; see `params`."""
    from archscope.analyses.params import CONVENTIONS

    if flops_per_mac not in CONVENTIONS:
        raise UsageError(f"flops_per_mac is {flops_per_mac!r}; it can be 1 (as fvcore) or 2")
    convention = CONVENTIONS[flops_per_mac]
    return analyse("params", subject, convention=convention, flops_per_mac=flops_per_mac)


def require_complete(report: Report) -> None:
    """Raise `ThresholdError` where a report's totals are partial or disputed."""
    if not report.totals.complete:
        reasons = [note.text for note in report.notes if note.level == "warning"]
        raise ThresholdError("--strict: " + ("; ".join(reasons) or "the totals are partial"))


def _subject(model: nn.Module | str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Subject:
    if isinstance(model, str):
        return _network(model, kwargs).subject()
    model = _unwrapped(model)
    inputs = Inputs(args=args, kwargs=kwargs) if args or kwargs else None
    shapes = inputs.shapes() if inputs else ()
    given = ", ".join("×".join(map(str, tensor.shape)) for tensor in shapes)
    return Subject(
        name=type(model).__name__ + (f" · input {given}" if given else ""),
        model=model,
        inputs=inputs,
        origin="memory",
    )


_WRAPPERS = {
    "OptimizedModule": "_orig_mod",
    "DataParallel": "module",
    "DistributedDataParallel": "module",
}
"""Classes that run another module, by name, and the attribute that holds it."""


def _unwrapped(model: nn.Module) -> nn.Module:
    """Return the module that was compiled or replicated: it is what is counted."""
    while type(model).__name__ in _WRAPPERS and type(model).__module__.startswith("torch."):
        model = getattr(model, _WRAPPERS[type(model).__name__])
    return model


def _network(name: str, fields: Mapping[str, Any]) -> Network:
    """Return a named network with fields of its spec changed."""
    from archscope import loaders

    loader = loaders.find(name)
    spec = loader.spec(name) if loader else None
    if spec is not None:
        _check_names(spec, fields)
    return loaders.load(name, Request(fields={k: _tuple(v) for k, v in fields.items()}))


def _spec(spec_type: type, fields: dict[str, Any]) -> Any:
    _check_names(spec_type, fields)
    return spec_type(**fields)


def _check_names(spec_type: Any, fields: Mapping[str, Any]) -> None:
    known = spec_type.__dataclass_fields__
    for name in fields:
        if name not in known:
            raise UsageError(f"no field is called {name!r}; there are {', '.join(known)}")
