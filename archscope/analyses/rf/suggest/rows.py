"""Row type of the schedules of dilations to choose from, and their section."""

from __future__ import annotations

from archscope.columns import column
from archscope.records import frozen
from archscope.results import Section

MOST_POSITIONS = 2**11
"""Positions of a receptive field up to which the paths from each are told."""


@frozen
class ScheduleRow:
    """One choice of dilations; all along one axis."""

    kind: str = column("Choice")
    """`fewest` layers, `smooth` or `pyramid`."""
    dilations: str = column("Dilations")
    """Of the new layers, or blocks of them, in order, as `--dilations` takes them."""
    kernels: str | None = column("Kernels", idle="unknown", default=None)
    """The same of their kernels, as `--kernel-size` takes them; None where one is asked for."""
    strides: str | None = column("Strides", idle="unknown", default=None)
    """The same of their strides, as `--stride` takes them; None where none are asked for."""
    layers: int = column("Layers", kind="number")
    """How many new layers."""
    receptive_field: int = column("RF", kind="number")
    """Input positions, prefix included; at least the target."""
    duration_ms: float | None = column("RF in ms", kind="number", idle="unknown", default=None)
    """How long they last, in milliseconds; None where the sample rate is not given."""
    coverage: float | None = column("Coverage", kind="ratio")
    """Share of the receptive field that is reached: all of it."""
    streams: int | None = column("Streams", kind="number", drop=2)
    """Interleaved networks; 1 is one."""
    coupling_depth: int | None = column("Coupling", kind="number", drop=3)
    """Trailing layers until neighbouring outputs share a unit; 1 is best."""
    adjacent_overlap: float | None = column("Overlap", kind="ratio", drop=4)
    """Share of what either of two neighbouring outputs sees that both see (Jaccard)."""
    input_use: float | None = column()
    """Share of the input that any output sees."""
    max_gap: int | None = column()
    """Positions in the longest hole: 0."""
    solid_core: int | None = column()
    """Positions in the run without a hole through the centre: all."""
    fewest_paths: int = column("Min paths", kind="number", drop=5)
    """Ways from the position with fewest."""
    most_paths: int | None = column("Max paths", kind="number", drop=5)
    """Ways from the position with most."""
    uniformity: float | None = column("Uniformity", kind="number", drop=4)
    """exp(entropy of the path counts) / receptive field: 1 where all positions have as many."""
    ripple: float | None = column("Ripple", kind="number", drop=3)
    """How unevenly paths fall on the phases of the schedule's own rates; 0 is even."""
    erf_sd: float = column("ERF sd", kind="number", drop=3)
    """Standard deviation of a path's start."""
    width_95: int | None = column("95% in", kind="number", drop=4)
    """Positions of the smallest centred window that holds 95% of all paths."""
    hdc_m2: int | None = column("M2 (Wang 2018)", kind="number", drop=6)
    """M_2 of Hybrid Dilated Convolution, the paper's metric; it is not what decides here."""
    compared: int = column()
    """Schedules compared for this choice."""
    unknown: str = column()
    """Names of the fields that are None because they were out of reach."""


SCHEDULES = Section(
    analysis="rf",
    name="schedules",
    row_type=ScheduleRow,
    caption="Dilations to choose from",
)


@frozen
class SchedulePathRow:
    """One position that an output sees through one choice of dilations."""

    kind: str = column("Choice")
    """Which choice: `fewest`, `smooth` or `pyramid`."""
    position: int = column("Position", kind="number")
    """From the middle of the receptive field, or the position after it."""
    paths: int = column("Paths", kind="number")
    """Ways from it to the output."""


PATHS = Section(
    analysis="rf",
    name="schedule_paths",
    row_type=SchedulePathRow,
    chapter=None,
)
