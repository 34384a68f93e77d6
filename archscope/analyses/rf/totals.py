"""The totals of the rf analysis: what one output sees; told on the same two roads as its rows."""

from __future__ import annotations

from archscope.columns import asked_for
from archscope.records import frozen


@frozen
class Totals:
    """What one output sees of the input; away from borders, a number for each axis."""

    output: str
    """The layer or module, `together` for branches, or the place among what the model returns."""
    axes: int
    """Axes along which positions lie."""
    receptive_field: tuple[int, ...]
    """Positions from the first to the last; where it sees everything, the input's size."""
    smallest_field: tuple[int, ...]
    """The same of the output that sees least."""
    local_field: tuple[int, ...] | None = None
    """The same without ways through reductions over all positions; None where there are none."""
    jump: tuple[float, ...] | None = None
    """Input positions between neighbouring outputs: the effective stride."""
    start: tuple[int, ...] | None = None
    """First position that output 0 sees; None: no such, as with up-sampling."""
    centre: tuple[float, ...] | None = None
    """Where output 0 is centred, in input positions."""
    reached: int | None = None
    """Positions of the (local) receptive field that are reached, over all axes."""
    positions: int
    """Positions of that window over all axes."""
    blind: int | None = None
    """Outputs of the given input that see no position of it, over all axes; None: not known."""
    blind_inside: int | None = None
    """Those of them that lie amid others that do, whichever way one goes; all, where none does;
    None: not known."""
    outputs: int | None = None
    """Outputs of the given input, over all axes; None where its size is not given."""
    coverage: float | None = None
    """Share of it that is reached, over all axes; None where out of reach."""
    reached_1d: tuple[int, ...] | None = None
    """Positions that are reached along each axis by itself."""
    coverage_1d: tuple[float, ...] | None = None
    """The same as a share of the window along each axis."""
    streams: tuple[int, ...] | None = None
    """Interleaved networks; 1 is one; 0: no two outputs share anything."""
    max_gap: tuple[int, ...] | None = None
    """Positions in the longest hole along each axis."""
    has_gaps: bool | None = None
    """Whether, on some line along an axis, positions between those that are seen are not; None: it
    was not looked at."""
    erf_sd: tuple[float, ...] | None = None
    """Standard deviation of a path's start along each axis."""
    paths: int | None = None
    """Ways from the receptive field to one output along one axis; None: too many digits, or only
    the operators are known."""
    fewest_paths: int | None = None
    """Ways from the position of the receptive field with fewest, along one axis; 0 where holes."""
    most_paths: int | None = None
    """Ways from the position with most, along one axis; None where out of reach."""
    worst_map: str | None = None
    """The map within that is seen worst, where any that several layers read has holes."""
    worst_map_coverage: float | None = None
    """Share of the window on that map that is seen."""
    worst_map_streams: int | None = None
    """The most streams along an axis against any map within that several layers read."""
    global_by: str | None = None
    """The module that makes this output depend on every position, if any."""
    to_ends_by: str | None = asked_for()
    """The module by which outputs see as far as the input goes, and of a larger one maybe further;
    empty where it is not known which, None where they do not."""
    depends_on: int | None = asked_for()
    """Positions of the given input that outputs depend on, over all axes, where that module reduces
    over some of them alone."""
    reads_all: str | None = None
    """The module that makes the network's output depend on every position, if any."""
    ahead: int | None = None
    """Positions ahead of its own that an output of a sequence model sees; 0: causal; None: outputs
    are not the input's positions, or that is not known."""
    of_input: str | None = asked_for()
    """The place among the arguments of the input that all this is of; None in closed form."""
    position_axes: tuple[int, ...] | None = None
    """The input's axes along which positions lie; None in closed form."""
    feature_axis: int | None = None
    """The input's axis of features; None: none is known."""
    batch_axis: int | None = None
    """The input's axis along which samples lie; None: there is none."""
    others_ahead: int | None = asked_for()
    """The most positions ahead of its own that another output of the network sees along the first
    axis, where none was asked for; None: no other sees any, or that is not known."""
    others_coverage: float | None = asked_for()
    """The least share of its receptive field that another output of the network reaches, where
    none was asked for; None: there is no other, or that is not known."""
    look_back: tuple[int, ...] | None = asked_for()
    """Positions before its own place that an output sees, at most, along each axis; None: unknown
    or without end. The place of output u is floor(u x jump); of outputs that are those of the last
    positions of any input, the position that each continues."""
    look_ahead: tuple[int, ...] | None = asked_for()
    """Positions after its own place, at most: the lag until every output can be made."""
    sample_rate: float | None = asked_for()
    """Positions a second, where that was given."""
    receptive_field_ms: tuple[float, ...] | None = asked_for()
    """The receptive field in milliseconds."""
    look_back_ms: tuple[float, ...] | None = asked_for()
    """The same in milliseconds."""
    look_ahead_ms: tuple[float, ...] | None = asked_for()
    """The same in milliseconds."""
    jump_ms: tuple[float, ...] | None = asked_for()
    """Milliseconds between neighbouring outputs."""
    smallest_input: tuple[int, ...] | None = asked_for()
    """The smallest size that runs, along each axis."""
    tile_step: tuple[int, ...] | None = asked_for()
    """Tiles start at multiples of it, so that every map within moves by whole units."""
    tile_overlap: tuple[int, ...] | None = asked_for()
    """Positions that neighbouring tiles share; `rf.axes` says what to throw away."""
    buffer_positions: int | None = asked_for()
    """Positions that the layers of a causal network keep from chunk to chunk, together."""
    buffer_bytes: int | None = asked_for()
    """What they take for one sequence."""
    operators_unknown: int | None = None
    """Operators without a rule, taken to see everything; None where none were looked at."""
    at_least: bool = False
    """Whether each output reaches the border, so that its window may be larger."""
    bounded_by: str | None = None
    """The first operator on the way whose rule is an upper bound, if any."""
    is_full: bool
    """Whether every position of the receptive field is reached."""
    complete: bool
    """False where some of this is a bound."""
    proof: str | None = None
    """`verified`, `bounded`, or None where the network was not run."""
    unknown: str = ""
    """Names of the fields that are None because they were out of reach."""
