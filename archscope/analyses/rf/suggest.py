"""The sections of `rf suggest`: three schedules, each with its whole row of metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archscope.analyses.rf.numbers import exact
from archscope.columns import column
from archscope.results import Note, Section
from archscope.specs import listed
from archscope.theory.hdc import hdc_distance
from archscope.theory.layers import dilated
from archscope.theory.suggest import Schedule, Suggestion, suggest

MEANINGS = {
    "fewest": "as few layers as reach the target without a hole",
    "smooth": "one layer more, and the paths fall most evenly",
    "pyramid": "rises and falls, so that no map within is gridded either",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """One choice of dilations; all along one axis."""

    kind: str = column("Choice")
    """`fewest` layers, `smooth` or `pyramid`."""
    dilations: str = column("Dilations")
    """Of the new layers, in order, as `--dilations` takes them."""
    layers: int = column("Layers", kind="number")
    """How many new layers."""
    receptive_field: int = column("RF", kind="number")
    """Input positions, prefix included; at least the target."""
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


def schedules(
    *,
    target: int,
    kernel_size: int,
    layers: int | None,
    max_dilation: int | None,
    prefix: tuple[int, ...],
    stride: int,
) -> tuple[str, tuple[Section, ...]]:
    """Return a title and the section schedules; raises `UsageError` where there are none."""
    found = suggest(
        target,
        kernel=kernel_size,
        layers=layers,
        max_dilation=max_dilation,
        prefix=dilated(prefix, kernels=(kernel_size,)),
        stride=stride,
    )
    words = [f"dilations for a receptive field of {target:,}", f"kernel {kernel_size}"]
    words += [f"layers {layers}"] if layers else []
    words += [f"dilations up to {max_dilation}"] if max_dilation else []
    words += [f"behind {listed(prefix)}"] if prefix else []
    words += [f"on a map of stride {stride}"] if stride > 1 else []
    some = [each for each in (found.fewest, found.smooth, found.pyramid) if each is not None]
    section = SCHEDULES.filled(
        tuple(_row(each, prefix) for each in some),
        notes=tuple(_notes(found, layers)),
    )
    return " · ".join(words), (section,)


def _row(schedule: Schedule, prefix: tuple[int, ...]) -> ScheduleRow:
    row, counts = schedule.gridding, schedule.paths
    names = {"adjacent_jaccard": "adjacent_overlap", "largest": "most_paths"}
    unknown = [names.get(name, name) for name in (*row.unknown, *counts.unknown)]
    return ScheduleRow(
        kind=schedule.kind,
        dilations=listed(schedule.dilations),
        layers=len(schedule.dilations),
        receptive_field=schedule.receptive_field,
        coverage=1.0 if row.is_full else row.coverage,
        streams=row.streams,
        coupling_depth=row.coupling_depth,
        adjacent_overlap=row.adjacent_jaccard,
        input_use=row.input_use,
        max_gap=row.max_gap,
        solid_core=row.solid_core,
        fewest_paths=counts.smallest,
        most_paths=exact(counts.largest),
        uniformity=counts.uniformity,
        ripple=schedule.ripple,
        erf_sd=counts.sd,
        width_95=counts.width_95,
        hdc_m2=hdc_distance((*prefix, *schedule.dilations)),
        compared=schedule.compared,
        unknown=", ".join([*unknown, *(["ripple"] if schedule.ripple is None else [])]),
    )


def _notes(found: Suggestion, layers: int | None) -> Iterator[Note]:
    for schedule in (found.fewest, found.smooth, found.pyramid):
        if schedule is not None:
            meaning = MEANINGS[schedule.kind]
            if layers is not None:
                fixed = {
                    "fewest": f"{layers} layers without a hole, the steepest",
                    "smooth": f"{layers} layers without a hole, and the paths fall most evenly",
                }
                meaning = fixed.get(schedule.kind, meaning)
            yield Note(level="info", text=f"{schedule.kind}: {meaning}")
    if found.pyramid is None:
        yield Note(level="info", text="pyramid: none rises and falls without a hole here")
