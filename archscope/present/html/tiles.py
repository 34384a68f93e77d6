"""The answer before any chart: the few numbers that a reader looks for first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from archscope.present import _format, _totals
from archscope.present.html.charts import SEEN, section
from archscope.present.html.charts.latency import device
from archscope.results import Report

_FP32_BYTES, _BF16_BYTES = 4, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number."""

    name: str
    value: str
    detail: str
    """What goes with it, in a line."""
    level: str = ""
    """`ok` or `warning` where the number is good or bad news by itself."""


def tiles(report: Report) -> tuple[Tile, ...]:
    """Return the tiles of everything that the report holds."""
    return tuple(tile for make in _TILES for tile in make(report))


def _params(report: Report) -> Iterator[Tile]:
    found = report.totals_of("params.modules")
    if found is None:
        return
    exact = f"{_format.integer(found.trainable)} exactly"
    if found.frozen:
        exact += f"; frozen {_format.integer(found.frozen)}"
    active = getattr(found, "active", None)
    if active is not None and active != found.trainable + found.frozen:
        exact += f"; {_format.si(active)} active per token"
    yield Tile(name="Trainable parameters", value=_format.si(found.trainable), detail=exact)


def _flops(report: Report) -> Iterator[Tile]:
    found = report.totals_of("params.modules")
    if found is None or report.convention is None:
        return
    bound = _totals.lower_bound(report)
    if found.flops is None:
        yield Tile(name="FLOPs*", value=_format.UNKNOWN, detail="see what to look at", level="")
        return
    each = report.convention.flops_per_multiply_add
    twice = f"{each} per multiply-accumulate"
    if found.macs is not None:
        twice += f"; MACs {_format.si(found.macs)}, 2 × MACs {_format.si(2 * found.macs)}"
    yield Tile(
        name="FLOPs*, one forward pass",
        value=f"{bound}{_format.si(found.flops)}",
        detail=f"a lower bound; {twice}" if bound else twice,
        level="warning" if bound else "",
    )


def _weights(report: Report) -> Iterator[Tile]:
    found = report.totals_of("params.modules")
    if found is not None:
        elements = found.trainable + found.frozen
        yield Tile(
            name="Weights in memory",
            value=_format.iec_bytes(elements * _FP32_BYTES),
            detail=f"as fp32; {_format.iec_bytes(elements * _BF16_BYTES)} as bf16",
        )


def _counters(report: Report) -> Iterator[Tile]:
    found = report.totals_of("audit.tools")
    if found is None:
        return
    bound = "" if found.complete else "≥ "
    if report.totals_of("params.modules") is None:
        yield Tile(
            name="Parameters",
            value=_format.si(found.our_params),
            detail=f"{_format.integer(found.our_params)} exactly",
        )
        yield Tile(
            name="MACs, one forward pass",
            value=f"{bound}{_format.si(found.our_macs)}",
            detail=f"{bound}{_format.integer(found.our_macs)}{' exactly' if not bound else ''}",
            level="warning" if bound else "",
        )
    rest = found.counters - found.agreeing
    if found.unexplained:
        said = f"{found.unexplained} with a difference that has no explanation"
    else:
        said = "each difference of the others is explained" if rest else "none differs"
    yield Tile(
        name="Other counters that say the same",
        value=f"{found.agreeing} of {found.counters}",
        detail=said,
        level="warning" if found.unexplained else "ok",
    )


def _depth(report: Report) -> Iterator[Tile]:
    found = section(report, "params.depth")
    values = {row.measure: row.value for row in found.rows} if found else {}
    known = {measure: value for measure, value in values.items() if value is not None}
    if known:
        first, *others = known.items()
        detail = ", ".join(
            f"{_format.integer(value)} {_format.safe_label(measure)}" for measure, value in others
        )
        yield Tile(
            name=f"Depth in {_format.safe_label(first[0])}",
            value=_format.integer(first[1]),
            detail=detail,
        )


def _receptive_field(report: Report) -> Iterator[Tile]:
    found = report.totals_of(*SEEN)
    if found is None:
        return
    field = found.receptive_field
    sides = field if isinstance(field, tuple) else (field,) * found.axes
    window = "×".join(map(_format.integer, sides))
    level = "ok" if found.is_full else "warning"
    yield Tile(name="Receptive field", value=window, detail=_seen(found), level=level)


def _seen(found: Any) -> str:
    if found.is_full:
        whole = "sees all of it" if found.complete else "sees at least all of it"
        from_ = getattr(found, "global_by", None) or getattr(found, "reads_all", None)
        return f"{whole}, from {_format.safe_label(from_)} on" if from_ else f"one output {whole}"
    if found.reached is None:
        return "with holes; how many is out of reach"
    share = _format.percent(found.reached, found.positions)
    return f"gridding: one output sees {share}% of it"


def _time(report: Report) -> Iterator[Tile]:
    found = section(report, "time.passes")
    for row in found.rows[:1] if found else ():
        low, high = _format.seconds(row.p5_s), _format.seconds(row.p95_s)
        yield Tile(
            name=f"Time, {_format.safe_label(row.stage)}",
            value=_format.seconds(row.median_s),
            detail=f"median on {device(report)}; {low} to {high}",
        )


_TILES: tuple[Callable[[Report], Iterator[Tile]], ...] = (
    _params,
    _flops,
    _receptive_field,
    _time,
    _counters,
    _weights,
    _depth,
)
