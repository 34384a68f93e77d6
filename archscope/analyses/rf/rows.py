"""Row types and sections of the rf analysis, the same however an answer was found.

Two roads lead there: what a family says of its network (the closed form), and the operators that
the network runs. What lies along axes has an entry for each axis of positions; what only one road
can tell is None, or its column's default, on the other.
"""

from __future__ import annotations

from archscope.analyses.rf.totals import Totals
from archscope.columns import column
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
