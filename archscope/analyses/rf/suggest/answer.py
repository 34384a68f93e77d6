"""The sections of `rf suggest`: three schedules, each with its metrics and its paths."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from archscope.analyses.rf.numbers import exact
from archscope.analyses.rf.suggest.rows import (
    MOST_POSITIONS,
    PATHS,
    SCHEDULES,
    SchedulePathRow,
    ScheduleRow,
)
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.results import Headline, Note, Section
from archscope.specs import check, listed, option
from archscope.theory.hdc import hdc_distance
from archscope.theory.layers import Stack, conv
from archscope.theory.paths import path_counts
from archscope.theory.rates import milliseconds
from archscope.theory.schedules import CONVS_LIMIT, LAYERS_LIMIT
from archscope.theory.suggest import Schedule, Suggestion, suggest

MEANINGS = {
    "fewest": "the fewest layers that reach the target without a hole",
    "smooth": "one more layer, for the smoothest distribution of paths",
    "pyramid": "dilations rise and fall, so that no feature map within is gridded either",
}


@frozen
class SuggestSpec:
    """What new layers are like, all but their dilations."""

    kernel_size: tuple[int, ...] = option(
        (3,),
        "kernel size of each new layer; the last of a list like 7,3 applies to all further ones",
        low=2,
        high=2**16,
    )
    layers: int | None = option(
        None, "number of new layers, or blocks (none: as few as possible)", low=1, high=LAYERS_LIMIT
    )
    max_dilation: int | None = option(None, "largest dilation allowed", low=1, high=2**31)
    prefix: tuple[int, ...] | None = option(
        None,
        "dilations of the layers, or blocks, already in front, e.g. 1,2; or in words, e.g. "
        "'conv k7 s2; pool 3 s2'",
        low=1,
        high=2**31,
    )
    stride: int = option(1, "stride of the feature map that the new layers read", low=1, high=2**16)
    strides: tuple[int, ...] | None = option(
        None,
        "strides of the first new layers, e.g. 2,2 or 1,2; a layer with a stride has dilation 1",
        low=1,
        high=2**16,
    )
    convs_per_block: int = option(
        1,
        "consecutive convolutions that share a dilation, e.g. 2 for residual blocks of two",
        low=1,
        high=16,
    )

    def __post_init__(self) -> None:
        check(self)
        if not self.kernel_size:
            raise SpecError("kernel_size", (), "has no items. Give at least one, e.g. 3")
        for field in ("kernel_size", "strides"):
            _check_count(field, len(getattr(self, field) or ()), LAYERS_LIMIT, "items")
        for field, blocks in (("prefix", len(self.prefix or ())), ("layers", self.layers or 0)):
            _check_count(field, blocks * self.convs_per_block, CONVS_LIMIT, "convolutions")

    @property
    def front(self) -> Stack:
        """The layers that stay in front, of the last kernel."""
        kernel = self.kernel_size[-1]
        return tuple(
            conv(kernel, dilation=rate)
            for rate in self.prefix or ()
            for _ in range(self.convs_per_block)
        )


def _check_count(field: str, count: int, limit: int, noun: str) -> None:
    if count > limit:
        raise SpecError(field, count, f"{noun} are too many; up to {limit:,} are looked at")


@frozen
class Front:
    """Layers that stay in front, said in words."""

    text: str
    """The sentence."""
    layers: Stack
    """Its layers along the first axis."""


def schedules(
    target: int, spec: SuggestSpec, rate: Fraction | None = None, front: Front | None = None
) -> tuple[str, tuple[Section, ...]]:
    """Return a title and the sections; raises `UsageError` where there are no such schedules.

    `rate` is how many positions there are in a second; None: they are not of time. `front` is in
    the place of the dilations of a prefix.
    """
    found = suggest(
        target,
        kernel=spec.kernel_size,
        layers=spec.layers,
        max_dilation=spec.max_dilation,
        prefix=front.layers if front else spec.front,
        stride=spec.stride,
        strides=spec.strides or (),
        convs=spec.convs_per_block,
    )
    some = [each for each in (found.fewest, found.smooth, found.pyramid) if each is not None]
    rows = tuple(_row(each, spec, rate) for each in some)
    section = SCHEDULES.filled(
        rows, notes=tuple(_notes(found, spec, front)), headline=tuple(_headline(rows[0]))
    )
    paths = tuple(row for each in some for row in _paths(each))
    title = " · ".join(_words(target, spec, rate, front))
    return title, (section, PATHS.filled(paths)) if paths else (section,)


def _headline(fewest: ScheduleRow) -> Iterator[Headline]:
    yield Headline(
        name="Fewest layers",
        value=fewest.layers,
        kind="number",
        detail=(f"dilations {fewest.dilations}: receptive field {fewest.receptive_field:,}",),
    )


def _paths(schedule: Schedule) -> Iterator[SchedulePathRow]:
    """Yield how many paths there are from each position; nothing where these are too many."""
    size = schedule.receptive_field
    counts = path_counts(schedule.layers) if size <= MOST_POSITIONS else None
    for at, paths in enumerate(counts or ()):
        yield SchedulePathRow(kind=schedule.kind, position=at - size // 2, paths=paths)


def _words(
    target: int, spec: SuggestSpec, rate: Fraction | None, front: Front | None
) -> Iterator[str]:
    yield f"dilations for a receptive field of {target:,}"
    if rate is not None:
        yield f"{milliseconds(target, rate):g} ms at {float(rate):g} Hz"
    yield f"kernel {listed(spec.kernel_size)}"
    if spec.convs_per_block > 1:
        yield f"blocks of {spec.convs_per_block} convolutions"
    if spec.strides:
        yield f"strides {listed(spec.strides)}"
    if spec.layers:
        yield f"layers {spec.layers}"
    if spec.max_dilation:
        yield f"dilations up to {spec.max_dilation}"
    if front:
        yield f"behind {front.text}"
    elif spec.prefix:
        yield f"behind {listed(spec.prefix)}"
    if spec.stride > 1:
        yield f"on a map of stride {spec.stride}"


def _row(schedule: Schedule, spec: SuggestSpec, rate: Fraction | None) -> ScheduleRow:
    row, counts = schedule.gridding, schedule.paths
    named = (*row.unknown, *counts.unknown, *(["ripple"] if schedule.ripple is None else []))
    kernels, strides = _along(schedule, spec)
    return ScheduleRow(
        kind=schedule.kind,
        dilations=listed(schedule.dilations),
        kernels=listed(kernels) if len(spec.kernel_size) > 1 else None,
        strides=listed(strides) if spec.strides else None,
        layers=len(schedule.dilations) * spec.convs_per_block,
        receptive_field=schedule.receptive_field,
        duration_ms=None if rate is None else milliseconds(schedule.receptive_field, rate),
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
        hdc_m2=hdc_distance([each.dilation for each in schedule.layers if each.kind == "conv"]),
        compared=schedule.compared,
        unknown=", ".join("most_paths" if name == "largest" else name for name in named),
    )


def _along(schedule: Schedule, spec: SuggestSpec) -> tuple[list[int], list[int]]:
    """Return the kernel and the stride of each new layer, or block."""
    new = len(schedule.dilations) * spec.convs_per_block
    firsts = schedule.layers[len(schedule.layers) - new :: spec.convs_per_block]
    return [layer.kernel for layer in firsts], [layer.stride for layer in firsts]


def _notes(found: Suggestion, spec: SuggestSpec, front: Front | None) -> Iterator[Note]:
    for schedule in (found.fewest, found.smooth, found.pyramid):
        if schedule is not None:
            meaning = MEANINGS[schedule.kind]
            if spec.layers is not None:
                fixed = {
                    "fewest": f"{spec.layers} layers without a hole, the steepest",
                    "smooth": f"{spec.layers} layers without a hole, with the smoothest "
                    "distribution of paths",
                }
                meaning = fixed.get(schedule.kind, meaning)
            yield Note(level="info", text=f"{schedule.kind}: {meaning}")
    if not found.is_fewest:
        text = (
            "new layers are of many kinds: their rates were tried from fine to coarse alone, and "
            "fewer layers may do"
        )
        yield Note(level="info", text=text)
    if found.pyramid is None:
        yield Note(level="info", text="pyramid: none was found that rises and falls without a hole")
    if front and spec.stride == 1:
        yield Note(level="info", text=f"fewest as it is typed: {_said(found.fewest, spec, front)}")
    elif spec.stride == 1 and (
        spec.convs_per_block > 1 or len(spec.kernel_size) > 1 or spec.strides
    ):
        yield Note(level="info", text=f"fewest as it is typed: {_typed(found.fewest, spec)}")


def _said(schedule: Schedule, spec: SuggestSpec, front: Front) -> str:
    """Return the command that looks at a schedule behind a sentence."""
    kernels, strides = _along(schedule, spec)
    numbers = {"k": kernels, "d": list(schedule.dilations), "s": strides}
    words = {
        letter: f"{letter}{listed(items if len(set(items)) > 1 else items[:1])}"
        for letter, items in numbers.items()
        if set(items) != {1}
    }
    first = " ".join(["conv", *words.values()])
    again = " ".join(["conv", *(word for letter, word in words.items() if letter != "s")])
    turn = "; ".join([first, *[again] * (spec.convs_per_block - 1)])
    return f'archscope rf "{front.text}; {len(schedule.dilations)}x({turn})"'


def _typed(schedule: Schedule, spec: SuggestSpec) -> str:
    """Return the command that looks at a schedule, prefix and all."""
    kernels, strides = _along(schedule, spec)
    prefix = spec.prefix or ()
    front = len(prefix)
    words = [f"archscope rf --dilations {listed((*prefix, *schedule.dilations))}"]
    kernels = [*[spec.kernel_size[-1]] * front, *kernels]
    words.append(f"--kernel-size {listed(kernels if len(set(kernels)) > 1 else kernels[:1])}")
    if set(strides) != {1}:
        words.append(f"--stride {listed([*[1] * front, *strides])}")
    if spec.convs_per_block > 1:
        words.append(f"--convs-per-block {spec.convs_per_block}")
    return " ".join(words)
