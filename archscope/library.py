"""The library's verbs: the same as the command line's. They return, and print nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archscope.errors import ThresholdError, UsageError
from archscope.registry import FAMILIES
from archscope.results import Report
from archscope.study import analyse
from archscope.subject import Inputs, Subject

if TYPE_CHECKING:
    from torch import nn


def build(family: str, **fields: Any) -> nn.Module:
    """Build a network of a family with random weights, on torch's current default device.

    >>> model = build("transformer", depth=2, d_model=64, heads=4)
    >>> with torch.device("meta"):
    ...     large = build("transformer", depth=96, d_model=12288, heads=96)

    Raises `UsageError` for an unknown family or field, `SpecError` for a value that cannot be.
    """
    found = FAMILIES.get(family)
    module: nn.Module = found.network(_spec(found.spec, fields))
    return module


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
        family = FAMILIES.get(model)
        return family.subject(_spec(family.spec, kwargs))
    return Subject(
        name=type(model).__name__,
        model=model,
        inputs=Inputs(args=args, kwargs=kwargs) if args or kwargs else None,
        origin="memory",
    )


def _spec(spec_type: type, fields: dict[str, Any]) -> Any:
    known = spec_type.__dataclass_fields__  # type: ignore[attr-defined]
    for name in fields:
        if name not in known:
            raise UsageError(f"no field is called {name!r}; there are {', '.join(known)}")
    return spec_type(**fields)
