"""The sections of `rf suggest`: three schedules, each with its whole row of metrics."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.analyses.rf.numbers import exact
from archscope.analyses.rf.schedule_rows import SCHEDULES, ScheduleRow
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
    named = (*row.unknown, *counts.unknown, *(["ripple"] if schedule.ripple is None else []))
    return ScheduleRow(
        kind=schedule.kind,
        dilations=listed(schedule.dilations),
        layers=len(schedule.dilations),
        receptive_field=schedule.receptive_field,
        coverage=1.0 if row.is_full else row.coverage,
        streams=row.streams,
        coupling_depth=row.coupling_depth,
        adjacent_overlap=row.adjacent_overlap,
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
        unknown=", ".join("most_paths" if name == "largest" else name for name in named),
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
        yield Note(level="info", text="pyramid: none was found that rises and falls without a hole")
