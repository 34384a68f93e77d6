"""Computes receptive fields: what one output sees and what it misses."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from archscope.errors import ForwardError, SpecError, ThresholdError, UsageError
from archscope.library._named import also_called, check_names, network_of, subject_of
from archscope.results import Report
from archscope.specs import reads
from archscope.study import analyse, assemble, can_have_data, formed
from archscope.subject import Network, Sketch, Subject

if TYPE_CHECKING:
    from torch import nn

    from archscope.analyses.rf.suggest.answer import Front
    from archscope.theory.layers import Layer


TARGET_LIMIT = 2**31
"""Positions up to which dilations are suggested."""


@also_called(output="of")
def receptive_field(
    network: nn.Module
    | str
    | Sequence[int | Sequence[int]]
    | Sequence[Layer | Sequence[Layer]] = "",
    *args: Any,
    branches: Sequence[Sequence[int | tuple[int, ...]]] = (),
    verify: bool = False,
    strict: bool = False,
    min_coverage: float | None = None,
    graph: bool = False,
    of: str | None = None,
    unit: Sequence[int] | None = None,
    wrt: str | int | None = None,
    axes: Sequence[int] | int | None = None,
    erf: int = 0,
    images: Any = None,
    method: str | None = None,
    sample_rate: str | float | None = None,
    **fields: Any,
) -> Report:
    """Return the exact receptive field of one output, and the positions in it that it misses.

    >>> report = receptive_field([2, 2, 2])
    >>> report.totals.receptive_field, report.totals.reached, report.totals.positions
    ((13, 13), 49, 169)
    >>> receptive_field("transformer", attention="window", window=4096, depth=32).totals.reached
    131041

    `network` is a list of dilations or of `theory.layers.Layer`s, or the name of a family or
    published network: these are answered in closed form, without torch. `branches`, lists of
    dilations of parallel paths, may take its place; without either, `fields` describe the network.
    They are the fields of the spec or, for dilations and branches, those of the command line:
    `kernel_size`, `stride`, `padding`, `pool`, `residual`, `convs_per_block`, `spatial_dims`,
    `causal`, `input_size`; a tuple in a list gives one number per axis. Layers take `spatial_dims`
    and `input_size`.

    For a module, `args` and `fields` are the arguments of its forward, or of `method`, or
    `input_shape` is that of a random one, and the answer comes from the operators that it runs;
    with `graph` this is also done for all other networks, and compared with the closed form. `of`
    selects the output: a module's path or an index into what the model returns; `unit` is the index
    of the output unit that is traced back from; `wrt` is the input that is traced back to, by name
    or index, where there are several; `axes` are that input's axes of positions (default:
    inferred). `erf` is the number of random inputs on which the effective receptive field is
    measured; `images` (N, ...) replace these.

    `sample_rate` is the number of positions per second (`"16kHz"`, `"25fps"`, 48000); delays are
    then also given in milliseconds. `report.check("causal", "ahead <= 40ms")` raises
    `ThresholdError` if an assertion fails.

    With `verify` the network is run and compared with the answer, and its operators with the closed
    form. Raises `ThresholdError` if `strict` is set and a position is missed, or if coverage is
    below `min_coverage` percent.
    """
    if unit is not None and any(place < 0 for place in unit):
        raise UsageError(f"unit is {tuple(unit)}: units are counted from 0")
    asked = {
        "graph": graph,
        "output": of,
        "unit": None if unit is None else tuple(unit),
        "studied": None if wrt is None else str(wrt),
        "axes": (axes,) if isinstance(axes, int) else axes and tuple(axes),
        "erf": erf,
        "images": images,
    }
    settings: dict[str, Any] = {"verify": verify, "sample_rate": sample_rate}
    if _is_module(network):
        seen: Sketch | Subject = subject_of(network, args, fields, method=method)
        report = analyse("rf", seen, **settings, **asked)
    elif args:
        raise UsageError("only a module takes inputs; give fields by name here")
    elif isinstance(network, str) and network:
        report = see_network(network_of(network, fields, method=method), **settings, **asked)
    elif described := _described(network, branches, fields):
        report = see_network(network_of(described, fields), **settings, **asked)
    else:
        report = analyse("rf", _stack(network, branches, fields), **settings, **asked)
    require_coverage(report, strict=strict, min_coverage=min_coverage)
    return report


rf = receptive_field
"""The same under the name of its command."""


def bare_network(fields: Collection[str]) -> str:
    """Return what fields without a name describe: `stack`, a stack of convolutions, or a family.

    A depth alone is a Transformer's, as for all other analyses.
    """
    from archscope.loaders.stack import StackSpec

    is_deep = "depth" in fields
    if not is_deep and reads(StackSpec, fields):  # the most asked, in a blink
        return "stack"
    from archscope.loaders import GENERAL, described_by

    return described_by(fields, (GENERAL[0], "stack", *GENERAL[1:]) if is_deep else GENERAL)


def _described(network: Any, branches: Sequence[Any], fields: Collection[str]) -> str:
    """Return the family that fields alone describe; empty: they say no more than a stack."""
    if not fields or branches or not isinstance(network, str):
        return ""
    name = bare_network(fields)
    return "" if name == "stack" else name


def see_network(
    network: Network,
    *,
    verify: bool = False,
    compare: bool = False,
    sample_rate: str | float | None = None,
    **asked: Any,
) -> Report:
    """Return what one output of a `Network` sees; see `receptive_field`.

    With `compare` an outline is compared with the operators that run, where that costs little.
    """
    sketch = None if network.sketch is None else network.sketch()
    wants_operators = any(value not in (None, False, 0) for value in asked.values())
    if sketch is not None and (sketch.whole or not (wants_operators or verify or compare)):
        return analyse("rf", sketch, verify=verify, sample_rate=sample_rate, **asked)
    # What runs for real needs all its buffers; a family's network is built anew where it must be.
    runs = verify and sketch is None
    subject = formed(network, "data" if runs else "shapes")
    settings = {"verify": verify, "compare": compare, "sample_rate": sample_rate, **asked}
    try:
        return analyse("rf", subject, **settings)
    except ForwardError:
        if runs or not can_have_data(subject):
            raise
        # Some forwards read numbers that are not there where shapes are all that there is.
        return analyse("rf", formed(network, "data"), **settings)


def _is_module(network: Any) -> TypeGuard[nn.Module]:
    torch = sys.modules.get("torch")  # without it there is no module
    if torch is None or isinstance(network, str):
        return False
    if isinstance(network, torch.nn.Module):
        return True
    from archscope.running.wrapped_networks import networks_in

    return not isinstance(network, Sequence) and bool(networks_in(network))


def suggest(
    target: int | str,
    *,
    sample_rate: str | float | None = None,
    kernel_size: int | Sequence[int] = 3,
    layers: int | None = None,
    max_dilation: int | None = None,
    prefix: Sequence[int] | str | None = None,
    stride: int = 1,
    strides: Sequence[int] | None = None,
    convs_per_block: int = 1,
) -> Report:
    """Return dilations whose stack sees at least `target` positions of an axis, without gaps.

    >>> [row.dilations for row in suggest(63).section("schedules").rows]
    ['1,3,9,18', '1,3,9,9,9', '1,3,7,8,8,3,1']

    With `sample_rate`, e.g. "16kHz", the target may be a duration, e.g. "250ms". `layers` fixes the
    number of layers, `max_dilation` bounds the dilations; the last of several kernel sizes applies
    to all further layers. `prefix` describes layers in front that stay: dilations, with the last
    kernel size, or a sentence such as "conv k7 s2; pool 3 s2", of which the first axis counts.
    `stride` is the stride of the feature map that the stack reads; `strides` are those of the first
    new layers. `convs_per_block` consecutive convolutions share each dilation. Raises `UsageError`
    with the reason if no dilations reach the target.
    """
    from archscope.analyses.rf.suggest.answer import SuggestSpec, schedules
    from archscope.specs import made, values
    from archscope.theory.durations import read_length
    from archscope.theory.rates import read_rate

    given = {
        "kernel_size": kernel_size,
        "layers": layers,
        "max_dilation": max_dilation,
        "prefix": prefix,
        "stride": stride,
        "strides": strides,
        "convs_per_block": convs_per_block,
    }
    front = _front(prefix) if isinstance(prefix, str) else None
    spec = made(SuggestSpec, {**given, "prefix": None} if front else given)
    rate = None if sample_rate is None else read_rate(sample_rate)
    positions = read_length(target, rate, "target")
    if not 2 <= positions <= TARGET_LIMIT:
        shown = positions if str(target).isdecimal() else target
        raise SpecError("target", shown, f"is not in the range 2<=x<={TARGET_LIMIT}")
    title, sections = schedules(positions, spec, rate, front)
    config: dict[str, Any] = {"target": positions, "sample_rate": rate and float(rate)}
    config |= values(spec) | ({"prefix": front.text} if front else {})
    return assemble("rf suggest", title, config, sections)


def _front(text: str) -> Front | None:
    """Return the layers that a sentence says; None where a text is none."""
    from archscope import loaders
    from archscope.analyses.rf.suggest.answer import Front
    from archscope.subject import Request

    network = loaders.load(text, Request()) if loaders.is_sentence(text) else None
    if network is None or network.sketch is None:
        return None
    return Front(text=text, layers=network.sketch().outline.layers)


def require_coverage(
    report: Report, *, strict: bool = False, min_coverage: float | None = None
) -> None:
    """Raise `ThresholdError` where less of the receptive field is reached than is asked for."""
    wanted = 100.0 if strict else min_coverage
    if wanted is None:
        return
    limit = "--strict" if strict else f"--min-coverage {wanted:g}"
    others = report.totals.others_coverage
    if others is not None and 100 * others < wanted:
        raise ThresholdError(
            f"{limit}: another output reaches {_floored(others)}% of its receptive field, not "
            f"{wanted:g}% or more"
        )
    if report.totals.is_full and report.totals.complete:
        return
    coverage = report.totals.coverage
    if coverage is None:
        raise ThresholdError(f"{limit}: how much of the receptive field is reached is unknown")
    if 100 * coverage < wanted:
        bound = "" if report.totals.complete else "; the answer is a bound, and the rest is unknown"
        raise ThresholdError(
            f"{limit}: {_floored(coverage)}% of the receptive field is reached, not "
            f"{wanted:g}% or more{bound}"
        )


def why_unbuffered(report: Report) -> str:
    """Return why a report knows of no buffers for chunks."""
    found = report.find("rf.axes")
    reasons = [row.unbuffered or row.why for row in found.rows] if found else []
    return next(filter(None, reasons), "") or "no layer looks back"


def _floored(coverage: float) -> str:
    return f"{int(1000 * coverage) / 10:.1f}"


def _stack(network: Any, branches: Sequence[Sequence[Any]], fields: dict[str, Any]) -> Sketch:
    from archscope.loaders.stack import StackSpec, of_layers, sketch
    from archscope.specs import made

    items = () if isinstance(network, str) else _items(network)
    if not (items or branches or isinstance(network, str)):
        raise UsageError("the list of dilations is empty; give one for each layer, e.g. [1, 2, 4]")
    if items and branches:
        raise UsageError("give dilations or branches, not both: branches are dilations too")
    if items and not _is_numbers(items[0]):
        return of_layers(items, **fields)
    check_names(StackSpec, fields)
    given = {**fields, **({"dilations": list(items)} if items else {})}
    return sketch(made(StackSpec, given), tuple(map(tuple, branches)))


def _items(network: Any) -> tuple[Any, ...]:
    from archscope.specs import of_python
    from archscope.theory.layers import Layer

    network = of_python(network)
    items = tuple(map(of_python, network)) if isinstance(network, Iterable) else (network,)
    if not all(map(_is_numbers, items)):
        for item in items:
            along = item if isinstance(item, Sequence) and item else (item,)
            strange = [type(one).__name__ for one in along if not isinstance(one, Layer)]
            if strange:
                raise UsageError(
                    f"a {strange[0]} has no receptive field here; give a module, a "
                    "name, a list of dilations, or a list of archscope.theory.layers.Layer"
                )
    return items


def _is_numbers(item: Any) -> bool:
    """Return whether an item is a dilation, or one for each axis."""
    along = item if isinstance(item, Sequence) and item else (item,)
    return all(isinstance(one, int) for one in along)
