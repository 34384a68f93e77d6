"""Row types and totals of the rf analysis."""

from __future__ import annotations

from dataclasses import dataclass

from archscope.columns import column
from archscope.results import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRow:
    """One layer, and what its outputs see of the input."""

    layer: str = column("Layer")
    """Its name, e.g. `conv1`; of parallel branches with the branch in front."""
    kind: str = column()
    """`conv`, `pool`, `transposed`, `nearest`, `linear` or `attention`."""
    axes: int = column()
    """Spatial dimensions."""
    kernel: int | None = column("Kernel", kind="extent", none="all")
    """Taps along one axis; None: attention to all."""
    dilation: int = column("Dilation", kind="number", drop=1)
    """Positions of its own input from tap to tap."""
    stride: int = column("Stride", kind="number", drop=2)
    """Positions of its own input from output to output; of up-sampling, its factor."""
    padding_before: int = column()
    """Positions added before its input along one axis."""
    padding_after: int = column()
    """Positions added after its input along one axis."""
    effective_kernel: int | None = column("Eff. kernel", kind="extent", none="–", drop=4)
    """Positions of its own input from the first to the last tap, both included."""
    receptive_field: int = column("RF", kind="extent")
    """Input positions from the first to the last that an output sees, along one axis."""
    smallest_field: int = column("Smallest RF", kind="extent", idle="receptive_field", drop=3)
    """The same of the output that sees least; smaller only with up-sampling."""
    jump: float = column("Jump", kind="number", drop=3)
    """Input positions between neighbouring outputs: the effective stride."""
    start: int | None = column()
    """First input position that output 0 sees, negative inside padding; None with up-sampling."""
    centre: float | None = column("Centre", kind="number", idle="empty", drop=3)
    """Where output 0 is centred, in input positions."""
    reached: int | None = column("Reached", kind="number", of="positions")
    """Positions of the receptive field that reach an output, over all axes."""
    positions: int = column()
    """Positions of the receptive field over all axes."""
    coverage: float | None = column("Coverage", kind="ratio")
    """Share of the receptive field that is reached, over all axes."""
    output_size: int | None = column("Output", kind="extent", none="–", idle="unknown", drop=5)
    """Outputs along one axis; None where the input's size is not given."""
    valid_taps: float | None = column("Valid taps", kind="ratio", idle="unknown", drop=5)
    """Share of taps, over all outputs and axes, that read the input and not its padding."""
    unknown: str = column()
    """Names of the fields that are None because they were out of reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRow:
    """How evenly outputs see one map: the input, or what some layer within made.

    All along one axis but `coverage`, and in positions of that map.
    """

    reads: str = column("Map")
    """`input`, or the layer that made the map."""
    layers: str = column("Through", drop=2)
    """The first and the last layer between that map and the output."""
    axes: int = column()
    """Spatial dimensions."""
    hull: int = column("RF", kind="number")
    """Positions from the first to the last that an output sees."""
    touched: int | None = column("Reached", kind="number")
    """Positions that it sees."""
    coverage_1d: float | None = column("1-D", kind="ratio", drop=2)
    """Share of the hull that it sees along one axis."""
    coverage: float | None = column("Coverage", kind="ratio")
    """The same over all axes."""
    streams: int | None = column("Streams", kind="number")
    """Interleaved networks along one axis; 1 is one; 0: no two outputs share anything."""
    max_gap: int | None = column("Gap", kind="number", drop=3)
    """Positions in the longest hole."""
    solid_core: int | None = column("Core", kind="number", drop=6)
    """Positions in the run without a hole through the centre, or next to it."""
    adjacent_overlap: float | None = column("Overlap", kind="ratio", drop=4)
    """Share of what either of two neighbouring outputs sees that both see (Jaccard)."""
    coupling_depth: int | None = column("Coupling", kind="number", drop=5)
    """Trailing layers until neighbouring outputs share a unit; None: they never do."""
    input_use: float | None = column("Map used", kind="ratio", drop=4)
    """Share of the map's positions that any output sees."""
    uniformity: float | None = column("Uniformity", kind="number", drop=6)
    """exp(entropy of the path counts) / hull: 1 where each position has as many paths."""
    erf_sd: float | None = column("ERF sd", kind="number", drop=4)
    """Standard deviation of a path's start: the theoretical effective receptive field."""
    width_95: int | None = column("95% in", kind="number", drop=5)
    """Positions of the smallest centred window that holds 95% of all paths."""
    hdc_m2: int | None = column("M2 (Wang 2018)", kind="number", drop=6)
    """M_2 of Hybrid Dilated Convolution, the paper's metric; it is not what decides here."""
    unknown: str = column()
    """Names of the fields that are None because they were out of reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchRow:
    """One of several parallel paths, or all of them together."""

    branch: str = column("Branch")
    """Its name; `together` for their union."""
    layers: int = column("Layers", kind="number", drop=2)
    """How many layers it has; of the union, all."""
    dilations: str = column("Dilations", drop=1)
    """The dilations of its layers, e.g. `1,2,4`."""
    axes: int = column()
    """Spatial dimensions."""
    receptive_field: int = column("RF", kind="extent")
    """Positions from the first to the last that an output sees, along one axis."""
    jump: int = column("Jump", kind="number", drop=2)
    """Input positions between neighbouring outputs."""
    centre: float = column("Centre", kind="number", idle="empty", drop=2)
    """Where output 0 is centred, in input positions."""
    streams: int | None = column("Streams", kind="number", drop=3)
    """Interleaved networks along one axis."""
    reached: int | None = column("Reached", kind="number", of="positions")
    """Positions that reach an output, over all axes; of a union not the product of the axes."""
    positions: int = column()
    """Positions of the receptive field over all axes."""
    coverage: float | None = column("Coverage", kind="ratio")
    """Share of the receptive field that is reached."""
    unknown: str = column()
    """Names of the fields that are None because they were out of reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRow:
    """One position of the receptive field along one axis."""

    position: int = column("Position", kind="number")
    """Input position, as output 0 sees it; negative inside padding."""
    paths: int = column("Paths", kind="number")
    """Ways from it to the output; 0: it is never reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What one output of the last layer sees of the input."""

    receptive_field: int
    """Positions from the first to the last, along one axis."""
    smallest_field: int
    """The same of the output that sees least; smaller only with up-sampling."""
    axes: int
    """Spatial dimensions."""
    jump: float
    """Input positions between neighbouring outputs: the effective stride."""
    start: int | None
    """First position that output 0 sees; None with up-sampling or attention to all."""
    centre: float | None
    """Where output 0 is centred, in input positions."""
    reached: int | None
    """Positions of the receptive field that are reached, over all axes."""
    positions: int
    """Positions of the receptive field over all axes."""
    coverage: float | None
    """Share of the receptive field that is reached, over all axes; None where out of reach."""
    reached_1d: int | None
    """Positions that are reached along one axis."""
    coverage_1d: float | None
    """The same as a share of the receptive field along one axis."""
    streams: int | None
    """Interleaved networks along one axis; 1 is one; 0: no two outputs share anything."""
    worst_map_streams: int | None
    """The most streams against any map within that more than one layer reads."""
    max_gap: int | None
    """Positions in the longest hole along one axis."""
    erf_sd: float | None
    """Standard deviation of a path's start along one axis."""
    paths: int | None
    """Ways from the receptive field to one output along one axis; None: too many digits."""
    fewest_paths: int | None
    """Ways from the position of the receptive field with fewest, along one axis; 0 where holes."""
    most_paths: int | None
    """Ways from the position with most, along one axis; None where out of reach."""
    reads_all: str | None
    """The module that makes the network's output depend on every position of the input, if any."""
    is_full: bool
    """Whether every position of the receptive field is reached."""
    complete: bool
    """False where the layers do not tell all that an output sees: coverage is a lower bound."""
    unknown: str
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
)

MAPS = Section(
    analysis="rf",
    name="maps",
    row_type=MapRow,
    caption="How evenly one output sees each map within, along one axis",
    folded=True,
)

POSITIONS = Section(
    analysis="rf",
    name="positions",
    row_type=PositionRow,
    chapter=None,
)
