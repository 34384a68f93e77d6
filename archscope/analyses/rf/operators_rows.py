"""What is known of any module's receptive field: row types of the graph's sections."""

from __future__ import annotations

from dataclasses import dataclass

from archscope.columns import column
from archscope.results import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleRow:
    """One module's output, and what its units see of the input; one number per axis."""

    module: str = column("Module")
    """Its dotted path, and which call of it, if not the first."""
    type: str = column("Type", drop=3)
    """Its class."""
    receptive_field: tuple[int, ...] = column("RF", kind="shape")
    """Positions from the first to the last that a unit sees, away from borders; where the module
    sees everything, the size of the input."""
    smallest_field: tuple[int, ...] = column(
        "Smallest RF", kind="shape", idle="receptive_field", drop=2
    )
    """The same of the unit that sees least."""
    local_field: tuple[int, ...] | None = column("Local RF", kind="shape", idle="unknown")
    """The same without ways through reductions over all positions; None where there are none, or
    nothing is left."""
    jump: tuple[float, ...] | None = column("Jump", kind="shape", drop=4)
    """Input positions between neighbouring units; None where there is no such number."""
    start: tuple[int, ...] | None = column()
    """First input position that unit 0 sees, negative inside padding; None: no such."""
    reached: int | None = column("Reached", kind="number", of="positions")
    """Positions of the (local) window that a unit sees, over all axes."""
    positions: int = column()
    """Positions of that window over all axes."""
    coverage: float | None = column("Coverage", kind="ratio")
    """Share of that window that is seen, over all axes."""
    coverage_1d: tuple[float, ...] | None = column()
    """Share of it that is seen along each axis by itself."""
    streams: tuple[int, ...] | None = column("Streams", kind="shape", drop=5)
    """Interleaved networks into which the units fall; 0: no two share anything."""
    output_size: tuple[int, ...] | None = column("Units", kind="shape", idle="unknown", drop=6)
    """Units along each axis for the given input; None where they have no axis of their own."""
    global_by: str = column("Made global by", drop=3)
    """The first module on the way that reduces over all positions, if any."""
    bounded_by: str = column("Bound by", drop=1)
    """The first operator on the way whose rule is an upper bound, if any."""
    looks: bool = column()
    """Whether the module itself looks at other positions."""
    at_least: bool = column()
    """Whether each unit reaches the border, so that its window may be larger."""
    unknown: str = column()
    """Names of the fields that are None because they are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithinRow:
    """One map within that all passes through, as a unit of the chosen output sees it."""

    reads: str = column("Map")
    """`input`, or the module that made it."""
    layers: int = column("Layers", kind="number", drop=3)
    """Modules from it to the output that look at other positions."""
    hull: tuple[int, ...] = column("RF", kind="shape")
    """Positions of it from the first to the last that the unit sees."""
    reached: int = column("Reached", kind="number", of="positions")
    """Positions of it that the unit sees, over all axes."""
    positions: int = column()
    """Positions of the window over all axes."""
    coverage: float = column("Coverage", kind="ratio")
    """Share of the window that is seen, over all axes."""
    coverage_1d: tuple[float, ...] = column()
    """Share of it along each axis by itself."""
    jump: tuple[float, ...] | None = column("Jump", kind="shape", drop=3)
    """Positions of it between neighbouring units of the output."""
    streams: tuple[int, ...] | None = column("Streams", kind="shape")
    """Interleaved networks into which the units fall; None where units see unlike."""
    max_gap: tuple[int, ...] = column("Gap", kind="shape", drop=3)
    """Positions in the longest hole along each axis."""
    solid_core: tuple[int, ...] = column("Core", kind="shape", drop=6)
    """Positions in the run without a hole through the centre, or next to it."""
    adjacent_overlap: float | None = column("Overlap", kind="ratio", drop=4)
    """Share of what either of two neighbouring units sees that both see, along the first axis."""
    input_use: float | None = column("Map used", kind="ratio", drop=4)
    """Share of its positions that any unit sees."""
    uniformity: float = column("Uniformity", kind="number", drop=6)
    """exp(entropy of the path counts) / window: 1 where each position has as many paths."""
    erf_sd: float = column("ERF sd", kind="number", drop=4)
    """Standard deviation of a path's start, along the first axis."""
    width_95: int = column("95% in", kind="number", drop=5)
    """Positions of the smallest centred window that holds 95% of all paths, along the first
    axis."""
    clipped: bool = column()
    """Whether the window is cut short by a border."""
    unknown: str = column()
    """Names of the fields that are None because they are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphTotals:
    """What a unit of the chosen output sees of the input; one number per axis."""

    output: str
    """The module, or the place among what the model returns."""
    axes: int
    """Axes along which positions lie."""
    receptive_field: tuple[int, ...]
    """Positions from the first to the last; where the output sees everything, the input's size."""
    smallest_field: tuple[int, ...]
    """The same of the unit that sees least."""
    local_field: tuple[int, ...] | None
    """The same without ways through reductions over all positions; None where there are none."""
    jump: tuple[float, ...] | None
    """Input positions between neighbouring units."""
    start: tuple[int, ...] | None
    """First position that unit 0 sees."""
    reached: int | None
    """Positions of the (local) window that are seen, over all axes."""
    positions: int
    """Positions of that window over all axes."""
    coverage: float | None
    """Share of it that is seen, over all axes."""
    streams: tuple[int, ...] | None
    """Interleaved networks into which the units fall."""
    worst_map: str | None
    """The map within that is seen worst, where any has holes."""
    worst_map_coverage: float | None
    """Share of the window on that map that is seen."""
    worst_map_streams: int | None
    """The most streams along an axis against any map within that is read by more than a layer."""
    global_by: str | None
    """The module that makes the output depend on every position, if any."""
    reads_all: str | None
    """The module behind the chosen output that reads all of it, where the network goes on."""
    ahead: int | None
    """How many positions ahead of its own a unit of a sequence model sees; 0: causal."""
    operators_unknown: int
    """Operators without a rule, taken to see everything."""
    is_full: bool
    """Whether every position of the window is seen."""
    complete: bool
    """False where some of this is a bound."""
    proof: str | None
    """`verified`, `bounded`, or None where it was not asked for."""
    unknown: str
    """Names of the fields that are None because they are not known."""


MODULES = Section(
    analysis="rf",
    name="modules",
    row_type=ModuleRow,
    totals_type=GraphTotals,
    caption="Modules, and what each sees of the input",
)

WITHIN = Section(
    analysis="rf",
    name="within",
    row_type=WithinRow,
    caption="How evenly one output sees the maps within",
    folded=True,
)

UNIT = Section(
    analysis="rf",
    name="unit",
    row_type=UnitRow,
    caption="The unit that was looked back from, and its window",
)
