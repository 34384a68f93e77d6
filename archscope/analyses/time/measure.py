"""Measures a subject: passes first, then what explains them, each as far as a Ctrl-C lets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, get_args

from archscope.analyses.time.batch import batch_axis
from archscope.analyses.time.fit import does_not_fit
from archscope.analyses.time.settings import Kernel, Settings, Step
from archscope.analyses.time.work import BackwardWork, count_backward
from archscope.errors import (
    ArchscopeError,
    UsageError,
    did_you_mean,
    first_line,
    is_out_of_memory,
)
from archscope.hardware import Card, Precision, find
from archscope.progress import doing
from archscope.records import frozen
from archscope.subject import Inputs, Subject
from archscope.timing.advice import heard
from archscope.timing.allocator import UnseenError
from archscope.timing.cache import emptied
from archscope.timing.calibration import Product, product
from archscope.timing.clocks import Clock, clock_for
from archscope.timing.devices import multiprocessors, name_of, resolve
from archscope.timing.graphs import capture
from archscope.timing.layers import LayerTimes, time_layers
from archscope.timing.left_behind import left_behind
from archscope.timing.machine import Reading, read
from archscope.timing.memory import peaks
from archscope.timing.passes import Way, Workload, failures_told, first_call, ready
from archscope.timing.precision import DTYPES, check, named, tries_algorithms
from archscope.timing.sampling import Plan, Samples, Stage, sample
from archscope.timing.statistics import percentile

if TYPE_CHECKING:
    import torch

LAYER_SHARE = 0.25
"""Share of the budget that the passes with marks around every module may take."""
LAYER_RUNS = 10
FEWEST_LAYER_RUNS = 3
BACK_TO_BACK_RUNS = 30


@frozen
class Measured:
    """All that was measured and read."""

    settings: Settings
    device: torch.device
    device_name: str
    precision: Precision
    card: Card | None
    """The card's cited figures, where it has any."""
    clock: str
    """Name of the clock."""
    ready_s: float
    """Seconds for copying, moving, compiling and the first run."""
    stages: tuple[str, ...]
    samples: Samples
    peak_bytes: tuple[int, ...] | None
    """For each stage, see `timing.memory.peaks`; None where that is unknown."""
    peak_unknown: str | None = None
    """Why it is unknown; None where it was interrupted before."""
    backward: BackwardWork | None = None
    """For a training step."""
    layers: LayerTimes | None = None
    traffic: Mapping[str, int] | None = None
    """Bytes that each module must move at least, by path; None where that is unknown."""
    step_bytes: int | None = None
    """What a step of decoding reads at least; None of other passes, and where nobody knows."""
    graph: Samples | None = None
    """The forward pass as a CUDA graph."""
    back_to_back_s: tuple[float, float] | None = None
    """Medians of the forward pass and of its replay, run after run with nothing in between."""
    graph_failure: str | None = None
    """Why there is none though there could be."""
    products: tuple[Product, ...] = ()
    """The same product before and after the passes; none where there was no memory for it."""
    cache_emptied: bool = False
    """Whether the device's last cache was emptied before each run."""
    left_s: float | None = None
    """Seconds for which a device goes on after the pass has returned; None: not at all."""
    benchmark: bool = False
    """Whether cuDNN tried its algorithms and took the fastest."""
    machine: tuple[Reading, ...] = ()
    batch_axis: int | None = 0
    """The first input's axis along which samples lie; None: it is one sample."""
    advice: tuple[str, ...] = ()
    """What torch warned of meanwhile."""
    interrupted: bool = False

    @property
    def whole(self) -> str:
        """What is timed as a whole, in words; of a training step its forward pass."""
        return "the step" if self.settings.step == "decode" else "the forward pass"


def measure(subject: Subject, settings: Settings) -> Measured:
    """Time `subject`; raises `ArchscopeError` where it cannot be, `KeyboardInterrupt` if too soon.

    Where memory runs out, the largest batch that fits is searched for and named in the error.
    """
    found = measured(subject, settings)
    if found is not None:
        return found
    assert subject.inputs is not None
    axis = batch_axis(subject.model, subject.inputs)
    open_with = partial(_opened, subject, settings, resolve(settings.device))
    raise ArchscopeError(does_not_fit(subject.inputs, resolve(settings.device), open_with, axis))


def measured(
    subject: Subject,
    settings: Settings,
    *,
    explain: bool = True,
    what: str = "timing",
    axis: int | None = None,
) -> Measured | None:
    """Time `subject`; None where memory runs out. `what` is told meanwhile.

    Without `explain` neither its modules are timed nor its launches told apart. `axis` is that of
    its samples where that is known.
    """
    device = resolve(settings.device)
    precision = check(settings.dtype, device)
    require_sense(settings, device)
    way = way_of(settings)
    if subject.inputs is None:
        raise UsageError(f"{subject.name}: time needs inputs for the network")

    def attempt(inputs: Inputs) -> Measured:
        # A frame of its own: what it holds is freed when it ends, also by an error.
        start = perf_counter()
        with heard() as said, _opened(subject, settings, device, inputs) as workload:
            kind = way.autocast or precision
            found = _measure(workload, settings, device, kind, start, explain=explain, what=what)
            return replace(found, batch_axis=axis, advice=tuple(said))

    if axis is None:
        doing("looking for the batch among the axes of its input")
        axis = batch_axis(subject.model, subject.inputs)
    try:
        return attempt(subject.inputs)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        error.__traceback__ = None  # its frames hold what did not fit
    return None


def _opened(
    subject: Subject, settings: Settings, device: torch.device, inputs: Inputs
) -> AbstractContextManager[Workload]:
    return ready(
        subject.model,
        inputs,
        device=device,
        precision=check(settings.dtype, device),
        way=way_of(settings),
        copy=settings.copy,
    )


def way_of(settings: Settings) -> Way:
    """Return how the pass is run; raises `UsageError` where the settings contradict each other."""
    autocast = None if settings.autocast is None else named(settings.autocast)
    if autocast not in (None, "bf16", "fp16"):
        raise UsageError(f"--autocast is bf16 or fp16, not {autocast}")
    if autocast is not None and settings.dtype not in ("fp32", "tf32"):
        raise UsageError(
            f"--autocast casts weights of 32 bits in each pass, and --dtype {settings.dtype} casts "
            "them once; give one of them"
        )
    return Way(
        step=settings.step,
        context=settings.context or 0,
        compiled=settings.compiled,
        channels_last=settings.channels_last,
        autocast=autocast,
        benchmark=settings.cudnn_benchmark,
        attention=settings.attention_kernel,
    )


def require_sense(settings: Settings, device: torch.device) -> None:
    """Raise `UsageError` where what was asked for makes no sense, or not on this device."""
    for word, known in ((settings.step, Step), (settings.attention_kernel, Kernel)):
        if word is not None and word not in get_args(known):
            words = ", ".join(get_args(known))
            raise UsageError(
                f"{word!r} is not one of {words}.{did_you_mean(word, get_args(known))}"
            )
    counted = all(isinstance(each, int) for each in (settings.warmup, settings.runs))
    if not counted or settings.warmup < 0 or settings.runs < 1:
        raise UsageError(
            f"warmup is {settings.warmup} and runs {settings.runs}; they must be at least 0 and 1"
        )
    if not 0 < settings.budget < inf:
        raise UsageError(f"budget is {settings.budget}; give it seconds, e.g. 10")
    if settings.per_layer and settings.compiled:
        raise UsageError("--per-layer times modules, and --compile leaves none; give one of them")
    if settings.cuda_graph and device.type != "cuda":
        kind = device.type.upper()
        raise UsageError(f"--cuda-graph needs a CUDA device, and this is a {kind}; leave it out")
    if (settings.step == "decode") != bool(settings.context):
        raise UsageError("--context is how many positions a step of --pass decode has; give both")
    if settings.cuda_graph and settings.step == "train":
        raise UsageError("--cuda-graph replays a forward pass; leave out --pass train")


def _measure(
    workload: Workload,
    settings: Settings,
    device: torch.device,
    precision: Precision,
    start: float,
    *,
    explain: bool,
    what: str,
) -> Measured:
    clock = clock_for(device)
    doing("compiling it" if settings.compiled else "running it for the first time")
    for stage in workload.stages:
        first_call(stage.run, workload.original, stage.name)
    clock.wait()
    ready_s = perf_counter() - start
    backward = count_backward(workload) if settings.step == "train" else None
    products = [product(device, clock, DTYPES[precision])]
    before = None if settings.warm_cache else emptied(device)
    plan = Plan(warmup=settings.warmup, runs=settings.runs, budget_s=settings.budget)
    with failures_told("a pass after the first"):
        left_s = left_behind([stage.run for stage in workload.stages], clock, device)
        samples = sample(workload.stages, clock, plan, before=before, what=what)
    if not samples.seconds:
        raise KeyboardInterrupt
    found = Measured(
        settings=settings,
        device=device,
        device_name=name_of(device),
        precision=precision,
        card=None if device.type == "cpu" else find(name_of(device), multiprocessors(device)),
        clock=clock.name,
        ready_s=ready_s,
        stages=tuple(stage.name for stage in workload.stages),
        samples=samples,
        peak_bytes=None,
        backward=backward,
        left_s=left_s,
        cache_emptied=before is not None,
        benchmark=tries_algorithms(),
        machine=read(device),
        interrupted=samples.interrupted,
    )
    try:
        if not found.interrupted:
            products.append(product(device, clock, DTYPES[precision], like=products[0]))
            found = replace(found, products=tuple(each for each in products if each is not None))
            found = _with_peaks(found, workload)
            found = _explain(found, workload, clock, before) if explain else found
        return found
    except KeyboardInterrupt:
        return replace(found, interrupted=True)


def _with_peaks(found: Measured, workload: Workload) -> Measured:
    doing("measuring its memory")
    try:
        held = peaks(workload.stages, found.device, workload.bytes_held)
    except UnseenError as error:
        return replace(found, peak_unknown=str(error))
    return replace(found, peak_bytes=held)


def _explain(
    found: Measured, workload: Workload, clock: Clock, before: Callable[[], object] | None
) -> Measured:
    """Add what tells why it takes so long: the modules, and the same kernels without launches."""
    if found.settings.per_layer or (found.card is not None and not found.settings.compiled):
        doing("timing its modules", still=True)
        layers = time_layers(
            workload.model,
            workload.call,
            clock,
            runs=_layer_runs(found),
            before=before,
            ahead=(before or emptied(found.device)) if clock.queued else None,
        )
        found = replace(
            found,
            layers=layers if layers.own_s else None,
            interrupted=layers.interrupted,
        )
    wanted = found.settings.cuda_graph is not False and found.settings.step != "train"
    if found.interrupted or not wanted or found.device.type != "cuda":
        return found
    return _with_graph(found, workload, clock, before)


def _layer_runs(found: Measured) -> int:
    once = percentile(sorted(found.samples.stage(0)), 0.5)
    within = int(LAYER_SHARE * found.settings.budget / max(once, 1e-9))
    return min(max(within, FEWEST_LAYER_RUNS), LAYER_RUNS)


def _with_graph(
    found: Measured, workload: Workload, clock: Clock, before: Callable[[], object] | None
) -> Measured:
    doing("capturing a CUDA graph")
    try:
        replay = capture(workload.stages[0].run, found.device)
    except RuntimeError as error:
        if found.settings.cuda_graph and not is_out_of_memory(error):
            raise ArchscopeError(f"the forward cannot be captured: {first_line(error)}") from error
        return replace(found, graph_failure=first_line(error))
    share = LAYER_SHARE * found.settings.budget
    plan = Plan(warmup=found.settings.warmup, runs=found.settings.runs, budget_s=share)
    replays = [Stage(name="replay", run=replay)]
    graph = sample(replays, clock, plan, before=before, what="timing its CUDA graph")
    if graph.interrupted:
        return replace(found, graph=graph if graph.seconds else None, interrupted=True)
    # What empties the cache gives the host time to launch ahead: here it must not.
    plan = replace(plan, runs=min(plan.runs, BACK_TO_BACK_RUNS))
    medians = []
    for stages in (workload.stages, replays):
        samples = sample(stages, clock, plan, what="timing its launches")
        if samples.interrupted:
            return replace(found, graph=graph, interrupted=True)
        medians.append(percentile(sorted(samples.whole()), 0.5))
    return replace(found, graph=graph, back_to_back_s=(medians[0], medians[1]))
