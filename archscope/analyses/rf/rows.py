"""Row types and totals of the rf analysis, the same however an answer was found.

Two roads lead there: what a family says of its network (the closed form), and the operators that
the network runs. What lies along axes has an entry for each axis of positions; what only one road
can tell is None, or its column's default, on the other.
"""

from __future__ import annotations

from archscope.columns import asked_for, column
from archscope.records import frozen
from archscope.results import Section

Sizes = tuple[int, ...]
"""A number for each axis of positions."""


@frozen
class LayerRow:
    """One layer or module, and what its outputs see of the input."""

    layer: str = column("Layer", kind="path")
    """Its name, e.g. `conv1` or the module's dotted path, and which call of it, if not the first;
    of parallel branches with the branch in front."""
    of: str = column("Of", idle="empty", default="")
    """The input that it sees so, where rows are of several, e.g. `source`."""
    type: str = column("Type", drop=3, idle="empty", default="")
    """The module's class; empty in closed form."""
    kind: str = column(default="")
    """`conv`, `pool`, `transposed`, `nearest`, `linear` or `attention`; empty for any other."""
    axes: int = column()
    """Axes along which positions lie."""
    kernel: tuple[int, ...] | None = column(
        "Kernel", kind="extent", words=(((), "all"),), idle="unknown", default=None
    )
    """Taps; empty: attention to all; None: the module has none, or does not tell."""
    dilation: tuple[int, ...] | None = column(
        "Dilation", kind="number", drop=1, idle="unknown", default=None
    )
    """Positions of its own input from tap to tap; None as `kernel`."""
    stride: tuple[int, ...] | None = column(
        "Stride", kind="number", drop=2, idle="unknown", default=None
    )
    """Positions of its own input from output to output; of up-sampling, its factor; None as
    `kernel`."""
    padding_before: tuple[int, ...] | None = column(default=None)
    """Positions that it adds before its input; None as `kernel`."""
    padding_after: tuple[int, ...] | None = column(default=None)
    """Positions that it adds after its input; None as `kernel`."""
    effective_kernel: tuple[int, ...] | None = column(
        "Eff. kernel", kind="extent", words=(((), "–"),), drop=4, idle="unknown", default=None
    )
    """Positions of its own input from the first to the last tap, both included; as `kernel`."""
    receptive_field: tuple[int, ...] = column("RF", grows=True, kind="extent")
    """Input positions from the first to the last that an output sees, away from borders; where the
    module sees everything, the size of the input."""
    smallest_field: tuple[int, ...] = column(
        "Smallest RF", grows=True, kind="extent", drop=3, idle="receptive_field"
    )
    """The same of the output that sees least."""
    local_field: tuple[int, ...] | None = column(
        "Local RF", grows=True, kind="extent", idle="unknown", default=None
    )
    """The same without ways through reductions over all positions; None where there are none, or
    nothing is left."""
    jump: tuple[float, ...] | None = column("Jump", kind="number", drop=3, default=None)
    """Input positions between neighbouring outputs: the effective stride; None: no such number."""
    start: tuple[int, ...] | None = column(grows=True, default=None)
    """First input position that output 0 sees, negative inside padding; None: no such."""
    centre: tuple[float, ...] | None = column(
        "Centre", grows=True, kind="number", drop=3, idle="empty", default=None
    )
    """Where output 0 is centred, in input positions."""
    reached: int | None = column("Reached", grows=True, kind="number", of="positions", default=None)
    """Positions of the (local) receptive field that reach an output, over all axes."""
    positions: int = column(grows=True)
    """Positions of that window over all axes."""
    coverage: float | None = column("Coverage", kind="ratio", default=None)
    """Share of it that is reached, over all axes; with up-sampling, by the output that sees least
    of its own window."""
    coverage_1d: tuple[float, ...] | None = column(default=None)
    """The same along each axis by itself."""
    streams: tuple[int, ...] | None = column(default=None)
    """Interleaved networks into which the outputs fall; 1 is one; 0: no two share anything."""
    output_size: tuple[int, ...] | None = column(
        "Output", grows=True, kind="extent", drop=5, idle="unknown", default=None
    )
    """Outputs of the given input; None where its size is not given, or they have no axis."""
    valid_taps: float | None = column(
        "Valid taps", grows=True, kind="ratio", drop=5, idle="unknown", default=None
    )
    """Share of taps, over all outputs and axes, that read the input and not its padding."""
    global_by: str = column("Made global by", drop=3, idle="empty", default="")
    """The first module on the way that reduces over all positions, if any."""
    bounded_by: str = column("Bound by", drop=1, idle="empty", default="")
    """The first operator on the way whose rule is an upper bound, if any."""
    at_least: bool = column(default=False)
    """Whether each output reaches the border, so that its window may be larger."""
    call: int = column(default=1)
    """Which call of the module it is, in their order."""
    listed: bool = column(default=True)
    """Whether a table shows it: it looks at other positions, or its output sees more than any
    before; of many calls of one module the first and the last."""
    unknown: str = column(default="")
    """Names of the fields that are None because they were out of reach."""


@frozen
class MapRow:
    """How evenly outputs see one map: the input, or what some layer within made.

    In positions of that map, a number for each axis.
    """

    reads: str = column("Map")
    """`input`, or the layer that made the map."""
    through: str = column("Through", drop=2)
    """The first and the last layer between that map and the output."""
    layers: int = column()
    """How many of those look at other positions."""
    axes: int = column()
    """Axes along which positions lie."""
    hull: tuple[int, ...] = column("RF", kind="number")
    """Positions from the first to the last that an output sees."""
    touched: tuple[int, ...] | None = column("Reached", kind="number", default=None)
    """Positions that it sees along each axis by itself."""
    coverage_1d: tuple[float, ...] | None = column("1-D", kind="ratio", drop=2, default=None)
    """Share of the hull that it sees along each axis by itself."""
    coverage: float | None = column("Coverage", kind="ratio", default=None)
    """The same over all axes."""
    reached: int | None = column(default=None)
    """Positions that it sees, over all axes."""
    positions: int = column()
    """Positions of the hull over all axes."""
    has_gaps: bool | None = column(default=None)
    """Whether, on some line along an axis, positions between those that are seen are not; None: it
    was not looked at. Cones and crosses have none, and fill no box."""
    jump: tuple[float, ...] | None = column(
        "Jump", kind="number", drop=3, idle="ones", default=None
    )
    """Positions of it between neighbouring outputs; None: no such number."""
    streams: tuple[int, ...] | None = column("Streams", kind="number", default=None)
    """Interleaved networks; 1 is one; 0: no two outputs share anything; None: outputs see
    unlike."""
    max_gap: tuple[int, ...] | None = column("Gap", kind="number", drop=3, default=None)
    """Positions in the longest hole."""
    solid_core: tuple[int, ...] | None = column("Core", kind="number", drop=6, default=None)
    """Positions in the run without a hole through the centre, or next to it."""
    adjacent_overlap: tuple[float, ...] | None = column(
        "Overlap", kind="ratio", drop=4, default=None
    )
    """Share of what either of two neighbouring outputs sees that both see (Jaccard)."""
    coupling_depth: int | None = column(
        "Coupling", kind="number", drop=5, idle="unknown", default=None
    )
    """Trailing layers until neighbouring outputs share a unit; None: they never do."""
    input_use: tuple[float, ...] | None = column("Map used", kind="ratio", drop=4, default=None)
    """Share of the map's positions that any output sees."""
    uniformity: tuple[float, ...] | None = column("Uniformity", kind="number", drop=6, default=None)
    """exp(entropy of the path counts) / hull: 1 where each position has as many paths."""
    erf_sd: tuple[float, ...] | None = column("ERF sd", kind="number", drop=4, default=None)
    """Standard deviation of a path's start: the theoretical effective receptive field."""
    width_95: tuple[int, ...] | None = column("95% in", kind="number", drop=5, default=None)
    """Positions of the smallest centred window that holds 95% of all paths."""
    hdc_m2: int | None = column(
        "M2 (Wang 2018)", kind="number", drop=6, idle="unknown", default=None
    )
    """M_2 of Hybrid Dilated Convolution, the paper's metric; it is not what decides here."""
    clipped: bool = column(default=False)
    """Whether the window is cut short by a border."""
    listed: bool = column(default=True)
    """Whether a table shows it: it is not seen like the map before, as behind a ReLU."""
    unknown: str = column(default="")
    """Names of the fields that are None because they were out of reach."""


@frozen
class BranchRow:
    """One of several parallel paths, or all of them together."""

    branch: str = column("Branch")
    """Its name; `together` for their union."""
    layers: int = column("Layers", kind="number", drop=2)
    """How many layers it has; of the union, all."""
    dilations: str = column("Dilations", drop=1, default="")
    """The dilations of its layers, e.g. `1,2,4`; empty for the union."""
    axes: int = column()
    """Axes along which positions lie."""
    receptive_field: tuple[int, ...] = column("RF", kind="extent")
    """Positions from the first to the last that an output sees."""
    jump: tuple[float, ...] = column("Jump", kind="number", drop=2)
    """Input positions between neighbouring outputs."""
    centre: tuple[float, ...] = column("Centre", kind="number", drop=2, idle="empty")
    """Where output 0 is centred, in input positions."""
    streams: tuple[int, ...] | None = column("Streams", kind="number", drop=3)
    """Interleaved networks."""
    reached: int | None = column("Reached", kind="number", of="positions")
    """Positions that reach an output, over all axes; of a union not the product of the axes."""
    positions: int = column()
    """Positions of the receptive field over all axes."""
    coverage: float | None = column("Coverage", kind="ratio")
    """Share of the receptive field that is reached."""
    unknown: str = column(default="")
    """Names of the fields that are None because they were out of reach."""


@frozen
class PositionRow:
    """One position of the receptive field along one axis; all axes are alike."""

    position: int = column("Position", kind="number")
    """Input position, as output 0 sees it; negative inside padding."""
    paths: int = column("Paths", kind="number")
    """Ways from it to the output; 0: it is never reached."""


@frozen
class UnitRow:
    """What the one unit that was looked back from sees along one axis of the input."""

    axis: int = column("Axis", kind="number")
    """Axis of the input."""
    unit: int | None = column("Unit", kind="number")
    """Its number along that axis; None where units lie along no axis of their own."""
    input_size: int = column("Input", kind="number")
    """Positions of the input that it was looked for in."""
    first: int = column("First", kind="number")
    """First position that it sees."""
    last: int = column("Last", kind="number")
    """Last position that it sees."""
    window: int = column("Window", kind="number")
    """Positions from the first to the last."""
    reached: int = column("Reached", kind="number")
    """Positions of them that it sees."""
    clipped: bool = column()
    """Whether a border cuts it short."""


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
    or without end. The place of output u is floor(u x jump)."""
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


BRANCHES = Section(
    analysis="rf",
    name="branches",
    row_type=BranchRow,
    totals_type=Totals,
    caption="Parallel branches, and all of them together",
)

LAYERS = Section(
    analysis="rf",
    name="layers",
    row_type=LayerRow,
    totals_type=Totals,
    caption="Layers, and what one output of each sees of the input",
    shown_by="listed",
    others=(
        "module that is a container or works on each position separately",
        "modules that are containers or work on each position separately",
    ),
)

CALLS_LEFT_OUT = (
    "module that is a container or works on each position separately, or call of one above",
    "modules that are containers or work on each position separately, or calls of those above",
)
"""What rows of `LAYERS` that are not listed are, where calls are among them."""

MAPS = Section(
    analysis="rf",
    name="maps",
    row_type=MapRow,
    caption="How evenly one output sees each inner feature map, along each axis",
    folded=True,
    shown_by="listed",
    others=("map that is seen like the one above", "maps that are seen like the one above"),
)

POSITIONS = Section(
    analysis="rf",
    name="positions",
    row_type=PositionRow,
    chapter=None,
)

UNIT = Section(
    analysis="rf",
    name="unit",
    row_type=UnitRow,
    caption="The output unit that was traced back, and its window",
)
