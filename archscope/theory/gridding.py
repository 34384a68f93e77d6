"""Every gridding metric of a stack in one row, against the input and against each map within.

Coverage against the image can be full while the last stage alone is several interleaved networks
(ResNet-50 at output stride 8: Wang & Ji 2018), so each metric is also had for every suffix of the
stack: the layers from some map to the output.
"""

from collections.abc import Sequence
from itertools import takewhile

from archscope.records import frozen
from archscope.theory.combs import combs, jump, reach
from archscope.theory.coupling import find_coupling_depth, find_input_use, find_streams
from archscope.theory.coverage import Cause, find_cause
from archscope.theory.layers import Stack
from archscope.theory.support import WORK_LIMIT, Support, find_support

SET_FIELDS = ("touched", "max_gap", "solid_core", "hole_period", "adjacent_overlap")
"""Fields that need the set of positions."""


@frozen
class Gridding:
    """What one output sees of its window along one axis, away from the borders."""

    hull: int
    """Positions from the first to the last that it sees: the receptive field."""
    touched: int | None
    """Positions that it sees."""
    is_full: bool
    """Whether it sees all of them; always known."""
    max_gap: int | None
    """Positions in the longest hole."""
    solid_core: int | None
    """Positions in the run without a hole through the centre, or next to it where that is one."""
    hole_period: int | None
    """Positions after which the holes repeat; None without holes or rhythm."""
    streams: int | None
    """Interleaved networks into which the outputs fall; 1 is one, 0: no outputs share anything."""
    adjacent_overlap: float | None
    """Positions that two neighbouring outputs share, as a share of those that either sees."""
    input_use: float | None
    """Share of the input's positions that any output sees."""
    coupling_depth: int | None
    """Trailing layers until neighbouring outputs share a unit; None: they never do."""
    cause: Cause | None
    """The layer to blame; None where coverage is full."""
    unknown: tuple[str, ...]
    """Names of the fields that are None because they were out of reach."""
    reason: str
    """Why, or an empty string."""

    @property
    def coverage(self) -> float | None:
        """Share of the window along this axis that is seen."""
        return None if self.touched is None else self.touched / self.hull


@frozen
class Suffix:
    """The layers from one map of a stack to its output, and how they grid that map."""

    start: int
    """Index of the first layer; 0 is the whole stack."""
    reads: str
    """Name of the map that it reads: `input`, or the layer that made it."""
    first: str
    """Name of its first layer."""
    last: str
    """Name of its last layer."""
    gridding: Gridding
    """Its metrics, in positions of that map."""


def gridding(stack: Stack, *, limit: int = WORK_LIMIT) -> Gridding:
    """Return every gridding metric of a stack without up-sampling.

    Exact; a metric that would handle more than `limit` bits is None and named in `unknown`.

    >>> from archscope.theory.layers import dilated
    >>> row = gridding(dilated((2, 2, 2)))
    >>> row.hull, row.touched, row.streams, row.cause.common_rate
    (13, 7, 2, 2)
    """
    teeth = combs(stack)
    cause = find_cause(teeth)
    support = find_support(teeth, limit)
    depth, is_depth_known = find_coupling_depth(stack, limit)
    touched = None if support is None else support.touched
    streams = find_streams(stack, limit)
    input_use = find_input_use(stack, limit)
    unknown = [] if support is not None else list(SET_FIELDS)
    unknown += ["streams"] * (streams is None) + ["input_use"] * (input_use is None)
    unknown += ["coupling_depth"] * (not is_depth_known)
    return Gridding(
        hull=reach(teeth),
        touched=touched,
        is_full=cause is None,
        max_gap=None if support is None else support.max_gap,
        solid_core=None if support is None else support.solid_core,
        hole_period=None if support is None else support.hole_period,
        streams=streams,
        adjacent_overlap=None if support is None else _jaccard(support, jump(stack)),
        input_use=input_use,
        coupling_depth=depth,
        cause=cause,
        unknown=tuple(unknown),
        reason=f"the set of positions takes more than {limit} bits of work" if unknown else "",
    )


def suffixes(
    stack: Stack, starts: Sequence[int] | None = None, *, limit: int = WORK_LIMIT
) -> tuple[Suffix, ...]:
    """Return the metrics against every map of a stack, the whole stack first.

    `starts` picks the maps by the index of the layer that reads them, e.g. `stages(stack)`.
    """
    chosen = range(len(stack)) if starts is None else starts
    return tuple(
        Suffix(
            start=start,
            reads=name_of(stack, start - 1),
            first=name_of(stack, start),
            last=name_of(stack, len(stack) - 1),
            gridding=gridding(stack[start:], limit=limit // len(chosen)),
        )
        for start in chosen
    )


def stages(stack: Stack) -> tuple[int, ...]:
    """Return the index of the first layer of each stage: where the names before a number change.

    `layer4.0.conv2` belongs to stage `layer4`, `backbone.layer4.0.conv2` to `backbone.layer4`; a
    layer without a dot is a stage of its own.
    """
    names = [name_of(stack, index) for index in range(len(stack))]
    found = [_stage(name) for name in names]
    return tuple(
        index
        for index, name in enumerate(names)
        if not index or "." not in name or found[index] != found[index - 1]
    )


def _stage(name: str) -> str:
    first, *others = name.split(".")[:-1] or [name]
    return ".".join((first, *takewhile(lambda part: not part.isdecimal(), others)))


def name_of(stack: Stack, index: int) -> str:
    """Return the name of a layer, `layer 3` for the third without one, `input` for index -1."""
    return stack[index].name or f"layer {index + 1}" if index >= 0 else "input"


def _jaccard(support: Support, step: int) -> float:
    common = support.overlap(step)
    return common / (2 * support.touched - common)
