"""What can be asserted about a receptive field, e.g. `rf >= 1s`, `causal`, `coverage == 100%`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from archscope.analyses.rf.numbers import NAMED_AXES, counted
from archscope.analyses.rf.totals import Totals
from archscope.assertions import Dimension, Found, Number, Quantity
from archscope.errors import UsageError

Read = Callable[[Totals], Found]

VIDEO_AXES = 3
"""Axes of positions of which the first may be time: `causal` is of it alone, as the verdict is."""


def _quantity(name: str, read: Read, *dimensions: Dimension, help: str, **more: Any) -> Quantity:
    def of_report(report: Any, dimension: Dimension) -> Found:
        totals = report.totals_of("rf.layers", "rf.branches")
        if totals is None:
            return Found(why="the report has no totals of a receptive field")
        found = read(totals)
        return _timed(found, totals, name) if dimension == "time" else found

    return Quantity(name=name, dimensions=dimensions, read=of_report, help=help, **more)


def _timed(found: Found, totals: Totals, name: str) -> Found:
    rate = totals.sample_rate
    if rate is None:
        raise UsageError(f"{name} in seconds: say how many positions a second has (--sample-rate)")
    values = tuple(Fraction(value) / Fraction(rate) for value in found.values)
    return Found(values=values, bound=found.bound, why=found.why)


def _bounded(values: Sequence[Number] | None, totals: Totals) -> Found:
    """Return numbers of windows, which are bounds where these are."""
    if totals.global_by is not None:
        grows = f"{totals.global_by} sees all of the input, which may be larger"
        return Found(values=tuple(values or ()), bound="at least", why=grows)
    if totals.to_ends_by is not None:
        return Found(values=tuple(values or ()), bound="at least", why=_reason(totals))
    return _known(values, totals)


def _known(values: Sequence[Number] | None, totals: Totals, why: str = "") -> Found:
    """Return numbers that are as good as the operators that they come from."""
    if not values:
        return Found(why=why or _reason(totals))
    if totals.at_least and totals.bounded_by:
        return Found(why=f"{totals.bounded_by} is a bound, and outputs reach the border")
    if totals.at_least:
        return Found(values=tuple(values), bound="at least", why="outputs reach the border")
    if totals.bounded_by:
        why = f"the rule of {totals.bounded_by} is an upper bound"
        return Found(values=tuple(values), bound="at most", why=why)
    return Found(values=tuple(values))


def _reason(totals: Totals) -> str:
    if totals.global_by:
        return f"{totals.global_by} reduces over all positions"
    if totals.bounded_by:
        return f"the rule of {totals.bounded_by} is an upper bound"
    if totals.to_ends_by is not None:
        return f"by {totals.to_ends_by or 'the model'} outputs see as far as the input goes"
    return "outputs reach the border" if totals.at_least else "it was not found"


def _unordered(totals: Totals) -> str:
    """Return why outputs have no place of their own, where they are said not to have one."""
    return f"{totals.reads_all} reads all positions" if totals.reads_all else ""


def _field(totals: Totals) -> Found:
    return _bounded(totals.receptive_field, totals)


def _causal(totals: Totals) -> Found:
    ahead = totals.look_ahead
    if ahead is None:
        ahead = None if totals.ahead is None else (totals.ahead,)
    ahead = ahead[:1] if ahead and len(ahead) == VIDEO_AXES else ahead
    furthest = max(ahead) if ahead else None
    if furthest is not None and furthest <= 0:
        if totals.others_ahead:
            seen = counted(totals.others_ahead, "position")
            return Found(values=(0,), why=f"another output sees {seen} ahead")
        return Found(values=(1,))
    if totals.global_by and not totals.bounded_by:
        return Found(values=(0,), why=f"{totals.global_by} reduces over all positions")
    if totals.bounded_by or ahead is None:
        return Found(why=_unordered(totals) or _reason(totals))
    return Found(values=(0,), why=f"an output sees {_ahead(ahead, totals)}")


def _look_ahead(totals: Totals) -> Found:
    """Return how far ahead outputs see, the one that does so furthest where none was asked for."""
    own, others = totals.look_ahead, totals.others_ahead
    if own and others is not None and others > own[0]:
        own = (others, *own[1:])
    if own is None and totals.ahead and not (totals.bounded_by or totals.global_by):
        why = "of a larger input an output may see further"
        return Found(values=(totals.ahead,), bound="at least", why=why)
    return _known(own, totals, _unordered(totals))


def _ahead(ahead: Sequence[int], totals: Totals) -> str:
    """Return how far outputs see ahead, and along which axes, where there are several."""
    if totals.axes == 1:
        return f"{counted(ahead[0], 'position')} ahead"
    named = totals.position_axes
    axes = [f"axis {axis}" for axis in named] if named else ["each axis"] * len(ahead)
    if not named and len(set(ahead)) > 1:
        axes = [f"the {name} axis" for name in NAMED_AXES[: len(ahead)]]
    seen = dict.fromkeys(zip(ahead, axes, strict=False))
    each = [f"{counted(far, 'position')} ahead along {axis}" for far, axis in seen if far > 0]
    return " and ".join(each)


def _exactly(totals: Totals, values: Sequence[Number] | None) -> Found:
    """Return numbers that are known exactly or not at all."""
    if not values or not totals.complete:
        return Found(why=_reason(totals))
    return Found(values=tuple(values))


def _coverage(totals: Totals) -> Found:
    if totals.others_coverage is not None and totals.others_coverage < (totals.coverage or 1):
        return Found(values=(totals.others_coverage,), why="another output misses more")
    if totals.reached is not None:
        return _exactly(totals, (Fraction(totals.reached, max(totals.positions, 1)),))
    return _exactly(totals, None if totals.coverage is None else (totals.coverage,))


def _one(value: Number | None) -> Sequence[Number] | None:
    return None if value is None else (value,)


QUANTITIES = (
    _quantity(
        "rf",
        _field,
        *("positions", "time"),
        help="size of an output's receptive field, edge to edge",
        aliases=("receptive_field", "field"),
        better="more",
    ),
    _quantity(
        "smallest_rf",
        lambda totals: _bounded(totals.smallest_field, totals),
        *("positions", "time"),
        help="smallest receptive field among the output's units",
        aliases=("smallest_field",),
        better="more",
    ),
    _quantity(
        "local_rf",
        lambda totals: _known(totals.local_field or totals.receptive_field, totals),
        *("positions", "time"),
        help="receptive field before the layer that sees everything, e.g. a global pool",
        aliases=("local_field",),
        better="more",
    ),
    _quantity(
        "ahead",
        _look_ahead,
        *("positions", "time"),
        help="how far ahead of its own position an output sees",
        aliases=("look_ahead", "lag", "latency"),
        better="less",
    ),
    _quantity(
        "back",
        lambda totals: _known(totals.look_back, totals, _unordered(totals)),
        *("positions", "time"),
        help="how far behind its own position an output sees",
        aliases=("look_back", "behind"),
        better="more",
    ),
    _quantity(
        "jump",
        lambda totals: _known(totals.jump, totals),
        *("positions", "time"),
        help="input positions between neighbouring outputs (cumulative stride)",
        aliases=("stride", "step"),
    ),
    _quantity(
        "causal", _causal, "switch", help="whether outputs see only the present and the past"
    ),
    _quantity(
        "coverage",
        _coverage,
        "share",
        help="share of the receptive field that reaches the output; less than 100% is gridding",
        better="more",
    ),
    _quantity(
        "streams",
        lambda totals: _exactly(totals, totals.streams),
        "count",
        help="number of interleaved subsets of the input that never interact; 1: all interact",
        better="less",
    ),
    _quantity(
        "streams_within",
        lambda totals: _exactly(totals, _one(totals.worst_map_streams)),
        "count",
        help="the same for the worst feature map inside the network",
        better="less",
    ),
    _quantity(
        "gap",
        lambda totals: _exactly(totals, totals.max_gap),
        "positions",
        help="longest run of missed positions between two that are seen",
        better="less",
    ),
    _quantity(
        "smallest_input",
        lambda totals: Found(values=totals.smallest_input or (), why=_untried(totals)),
        *("positions", "time"),
        help="smallest input that the network accepts",
        better="less",
    ),
    _quantity(
        "overlap",
        lambda totals: _exactly(totals, totals.tile_overlap),
        *("positions", "time"),
        help="overlap that neighbouring tiles need for exact outputs",
        aliases=("tile_overlap",),
        better="less",
    ),
    _quantity(
        "buffer",
        lambda totals: Found(
            values=tuple(_one(totals.buffer_bytes) or ()),
            why="" if totals.buffer_bytes is not None else "--by buffer tells of no bytes",
        ),
        "bytes",
        help="bytes that a causal network must buffer between steps",
        better="less",
    ),
    _quantity(
        "verified",
        lambda totals: Found(
            values=(int(totals.proof == "verified"),),
            why="" if totals.proof else "the network was not run; --verify runs it",
        ),
        "switch",
        help="whether running the network confirmed the answer",
        asks=(("verify", True),),
    ),
)
"""What is in positions can be claimed in time too, where a sample rate was given."""


def _untried(totals: Totals) -> str:
    return "" if totals.smallest_input else "no sizes were tried, or none was found"
