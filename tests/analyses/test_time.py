"""Sections of times: rows, the same work as `params`, verdicts, notes, interrupts, memory."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archscope
from archscope.analyses.time import measure as _time_measure
from archscope.analyses.time.batch import batch_axis, items_of
from archscope.analyses.time.measure import Measured
from archscope.analyses.time.rows import LayerRow
from archscope.analyses.time.sections import sections
from archscope.analyses.time.settings import Settings
from archscope.analyses.time.verdict import verdict
from archscope.analyses.time.work import Counts, counts_of
from archscope.errors import ArchscopeError, ForwardError, UsageError
from archscope.hardware import find
from archscope.library import count_subject, params, time
from archscope.progress import heard_by
from archscope.results import Note, Report
from archscope.subject import Inputs, Subject
from archscope.timing.calibration import Product
from archscope.timing.layers import LayerTimes
from archscope.timing.machine import read
from archscope.timing.passes import Workload
from archscope.timing.sampling import Samples, Stage

SMALL: dict[str, Any] = {
    "depth": 2, "d_model": 32, "heads": 2, "vocab_size": 64, "seq_len": 8, "batch_size": 3,
}  # fmt: skip
QUICK: dict[str, Any] = {"device": "cpu", "warmup": 2, "runs": 4, "budget": 10.0}
H200 = find("NVIDIA H200")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def stages(report: Report) -> dict[str, Any]:
    return {row.stage: row for row in report.section("passes").rows}


def condition(report: Report, name: str) -> Any:
    return next(row.value for row in report.section("conditions").rows if row.name == name)


# What runs, and what is stated of it


def test_who_waits_is_told_what_for() -> None:
    told: list[str] = []
    with heard_by(lambda step: told.append(step.what)):
        time("transformer", **SMALL, **QUICK, per_layer=True)

    said = list(dict.fromkeys(told))
    assert said[-6:] == [
        "running it for the first time", "warming up", "timing a known product", "timing",
        "measuring its memory", "timing its modules",
    ]  # fmt: skip
    assert "time: time" not in said


def test_a_forward_pass_of_a_family() -> None:
    report = time("transformer", **SMALL, **QUICK)

    assert [section.name for section in report.sections] == ["passes", "samples", "conditions"]
    (row,) = report.section("passes").rows
    samples = [each.seconds for each in report.section("samples").rows]
    assert row.stage == "forward"
    assert row.samples == len(samples) == 4
    assert 0 < row.p5_s <= row.median_s <= row.p95_s
    assert min(samples) <= row.median_s <= max(samples)
    assert report.totals.item == "token"
    assert report.totals.items == 3 * 8
    assert row.items_per_s == pytest.approx(24 / row.median_s)
    assert row.flops_per_s == pytest.approx(2 * row.macs / row.median_s)
    assert row.peak_share is None
    assert report.environment.device == "cpu"
    assert report.environment.machine["threads"] == 1
    assert report.convention is not None
    assert report.convention.flops_per_multiply_add == 2
    assert "CPU, 1 thread" in report.title
    assert "eager" in report.title


def test_a_short_pass_says_how_many_runs_a_sample_holds() -> None:
    report = time(nn.Linear(4, 4), torch.zeros(1, 4), **QUICK)

    (row,), taken = report.section("passes").rows, report.section("samples").rows
    assert row.runs_each > 1  # some microseconds each, and a millisecond together
    assert {each.runs for each in taken} == {row.runs_each}
    assert condition(report, "runs that each sample is the mean of") == row.runs_each
    assert condition(report, "runs") == row.samples * row.runs_each
    said = report.section("passes").summary[0][0]
    assert f"{4 * row.runs_each:,} timed runs, {row.runs_each:,} to a sample" in said


def test_peak_memory_on_a_cpu_is_what_its_allocator_hands_out() -> None:
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16))
    rows = time(model, torch.zeros(8, 64), **QUICK).section("passes").rows
    step = stages(time(model, torch.zeros(8, 64), **QUICK, step="train"))

    weights, inputs = 4 * (64 * 32 + 32 + 32 * 16 + 16), 4 * 8 * 64
    hidden, out = 4 * 8 * 32, 4 * 8 * 16
    # the hidden layer goes when the second product is done, before it the first's went
    assert [row.peak_bytes for row in rows] == [weights + inputs + 2 * hidden]
    # two moments and a counter for each of four tensors, and the gradient of the output
    there = 3 * weights + 4 * 4 + inputs + out
    assert step["forward"].peak_bytes == there + 2 * hidden
    assert step["backward"].peak_bytes > there + weights
    assert step["training step"].peak_bytes == max(row.peak_bytes for row in step.values())


def test_peak_memory_that_cannot_be_seen_is_unknown_because() -> None:
    with torch.autograd.profiler.profile():
        report = time(nn.Linear(4, 4), torch.zeros(1, 4), **QUICK)

    assert report.section("passes").rows[0].peak_bytes is None
    said = [note.text for note in report.notes if "peak memory" in note.text]
    assert said == ["peak memory is unknown, because another profiler of torch runs meanwhile"]


def test_a_training_step_in_three_parts() -> None:
    report = time("transformer", **SMALL, **QUICK, step="train")

    found = stages(report)
    assert list(found) == ["forward", "backward", "optimiser", "training step"]
    parts = [found[name].median_s for name in ("forward", "backward", "optimiser")]
    assert found["training step"].p95_s >= max(parts)
    assert len(report.section("samples").rows) == 3 * 4
    assert found["training step"].items_per_s is not None
    assert found["optimiser"].items_per_s is None
    assert found["optimiser"].flops_per_s is None
    assert "training" in report.title
    assert "random gradient" in condition(report, "loss")
    assert "AdamW" in condition(report, "optimiser")


def test_time_and_params_state_the_same_work() -> None:
    counted, timed = params("transformer", **SMALL), time("transformer", **SMALL, **QUICK)

    assert timed.totals.macs == counted.totals.macs == stages(timed)["forward"].macs
    assert timed.totals.complete


def test_the_work_of_modules_is_that_of_params() -> None:
    counted = params("transformer", **SMALL)
    timed = time("transformer", **SMALL, **QUICK, per_layer=True)

    rows = {row.path: row for row in timed.section("layers").rows}
    for row in counted.section("modules").rows:
        if row.path in rows:
            assert rows[row.path].own_macs == row.own_macs, row.path
            assert rows[row.path].macs == row.macs, row.path
    assert sum(row.own_macs for row in rows.values()) == counted.totals.macs


def test_nothing_is_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    from archscope.analyses.params import sections as _params_sections

    calls: list[str] = []
    real = _params_sections.count_forward

    def counted(subject: Subject, execution: Any) -> Any:
        calls.append(subject.name)
        return real(subject, execution)

    monkeypatch.setattr(_params_sections, "count_forward", counted)
    time("transformer", **SMALL, **QUICK, per_layer=True)
    time("transformer", **SMALL, **QUICK, step="train")

    assert len(calls) == 2


def test_the_backward_pass_is_counted_as_it_runs() -> None:
    """A linear layer on inputs without gradients: the weight's gradient alone."""
    model, x = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 5)), torch.randn(4, 10)

    found = stages(time(model, x, **QUICK, step="train"))

    # forward 4*10*20 + 4*20*5 = 1,200; backward: weights 800 + 400, the second layer's input 400
    assert found["forward"].macs == 1_200
    assert found["backward"].macs == 1_600
    assert found["training step"].macs == 2_800
    assert found["optimiser"].macs == 0


def test_operators_of_a_backward_pass_that_carry_no_work_are_known() -> None:
    """Norms, embeddings, pooling and softmax all have backward operators of their own."""
    model = nn.Sequential(
        nn.Embedding(20, 8), nn.LayerNorm(8), nn.GELU(), nn.Softmax(-1), nn.Linear(8, 3)
    )

    report = time(model, torch.randint(20, (2, 4)), **QUICK, step="train")

    # 2*4 words: the linear layer's weight 192, its input 192
    assert stages(report)["backward"].macs == 384


def test_work_that_params_does_not_know_makes_a_lower_bound() -> None:
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return torch.from_numpy(x.detach().numpy() * 2)

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return gradient * 2

    class Custom(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return Twice.apply(self.fc(x))

    report = time(Custom(), torch.randn(2, 4), **QUICK)

    assert not report.totals.complete
    assert any("lower bounds" in note.text for note in report.notes)


def test_modules_in_order_with_what_they_hold() -> None:
    report = time("transformer", **SMALL, **QUICK, per_layer=True)

    rows = {row.path: row for row in report.section("layers").rows}
    assert next(iter(rows)) == ""
    whole = rows[""]
    assert whole.time_s == pytest.approx(sum(row.own_time_s for row in rows.values()))
    block = [row for path, row in rows.items() if path.split(".")[:2] == ["blocks", "0"]]
    assert rows["blocks.0"].time_s == pytest.approx(sum(row.own_time_s for row in block))
    fc = rows["blocks.0.mlp.fc1"]
    # 24 tokens in fp32: in 24*32, out 24*128, weights 32*128 + 128
    assert fc.own_bytes_moved == 4 * (24 * 32 + 24 * 128 + 32 * 128 + 128)
    assert fc.intensity == pytest.approx(2 * 24 * 32 * 128 / fc.own_bytes_moved)
    assert fc.roof is None
    assert any("the modules add up to" in note.text for note in report.notes)


def test_a_module_that_never_runs_itself_leaves_its_work_to_the_one_above() -> None:
    model, x = nn.MultiheadAttention(8, 2, batch_first=True), torch.randn(1, 4, 8)

    report = time(model, x, x, x, **QUICK, per_layer=True)

    (row,) = report.section("layers").rows
    assert row.path == ""
    assert row.own_macs == params(model, x, x, x).totals.macs


def test_a_module_in_memory_stays_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x = torch.randn(8, 4)

    time(model, x, **QUICK, dtype="bf16", step="train", per_layer=True)

    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model[0].weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("shape", "dtype", "config", "expected"),
    [
        ((4, 16), torch.long, {}, ("token", 64)),
        ((4, 16, 8), torch.float, {"seq_len": 16}, ("token", 64)),
        ((4, 3, 8, 8), torch.float, {}, ("sample", 4)),
        ((4, 16), torch.float, {}, ("sample", 4)),
        ((4,), torch.long, {}, ("sample", 4)),
        ((), torch.float, {}, (None, None)),
    ],
)
def test_tokens_or_samples(
    shape: tuple[int, ...], dtype: torch.dtype, config: dict[str, Any], expected: Any
) -> None:
    inputs = Inputs(args=(torch.zeros(shape, dtype=dtype),))
    subject = Subject(name="x", model=nn.Identity(), inputs=inputs, origin="memory", config=config)

    assert items_of(subject) == expected


def test_inputs_without_a_batch_have_no_throughput_and_a_note() -> None:
    report = time(nn.Identity(), torch.tensor(1.0), **QUICK)

    assert report.section("passes").rows[0].items_per_s is None
    assert any(note.text.startswith("no throughput") for note in report.notes)


# What cannot be timed


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"device": "meta"}, UsageError, "is not timed"),
        ({"dtype": "fp64"}, UsageError, "not a number type"),
        ({"device": "cpu", "dtype": "tf32"}, UsageError, "a CPU has none"),
        ({"device": "cpu", "per_layer": True, "compiled": True}, UsageError, "--compile"),
        ({"device": "cpu", "cuda_graph": True}, UsageError, "needs a CUDA device"),
    ],
)
def test_what_does_not_go_together(
    settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    for model in (("transformer",), (nn.Linear(2, 2), torch.ones(1, 2))):
        fields = SMALL if isinstance(model[0], str) else {}
        with pytest.raises(error, match=message):
            time(*model, **fields, **settings)  # type: ignore[arg-type]


def test_a_module_without_inputs_cannot_run() -> None:
    with pytest.raises(UsageError, match="needs an example input"):
        time(nn.Linear(2, 2), **QUICK)


def test_an_error_of_the_forward_is_one_line() -> None:
    with pytest.raises(ForwardError, match="forward failed in the model itself"):
        time(nn.Linear(2, 2), torch.ones(1, 3), **QUICK)


class Hungry(nn.Module):
    """Runs out of memory above a batch."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.fc, self.room = nn.Linear(2, 2), room

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[0] > self.room and not x.is_meta:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self.fc(x)


@pytest.mark.parametrize("step", ["forward", "train"])
@pytest.mark.parametrize(
    ("room", "message"),
    [
        (5, "out of memory at batch 48. Largest power of two that fits: 4."),
        (47, "out of memory at batch 48. Largest power of two that fits: 32."),
        (0, "out of memory at batch 48. Not even batch 1 fits."),
    ],
)
def test_out_of_memory_names_the_largest_batch_that_fits(
    step: Any, room: int, message: str
) -> None:
    with pytest.raises(ArchscopeError, match="out of memory") as failed:
        time(Hungry(room), torch.randn(48, 2), **QUICK, step=step)

    assert message in str(failed.value)
    assert failed.value.exit_code == 1
    assert failed.value.__context__ is None, "it would hold what did not fit"


def test_what_did_not_fit_is_freed_before_a_smaller_batch_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alive: weakref.WeakSet[nn.Module] = weakref.WeakSet()
    most = [0]

    class Watched(Hungry):
        def __deepcopy__(self, memo: dict[int, Any]) -> Watched:
            copy = Watched(self.room)
            alive.add(copy)
            most[0] = max(most[0], len(alive))
            return copy

    with pytest.raises(ArchscopeError, match="fits: 4"):
        time(Watched(4), torch.randn(64, 2), **QUICK)

    assert most == [1]


def test_what_is_larger_than_the_machine_is_refused_before_it_is_built() -> None:
    with pytest.raises(ArchscopeError, match=r"needs \d+\.\d GiB at its peak"):
        time("transformer", depth=1, batch_size=1_000_000, device="cpu")


# Ctrl-C


class Stops(nn.Module):
    """Ctrl-C in the middle of call number `at` on data."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.fc, self.at = nn.Linear(2, 2), [at]

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_meta:
            self.at[0] -= 1
            if self.at[0] == 0:
                raise KeyboardInterrupt
        return self.fc(x)


def interrupted(at: int) -> Report:
    from archscope.library._named import subject_of
    from archscope.library._timed import time_subject

    subject = subject_of(Stops(at), (torch.randn(1, 2),), {})
    settings = {"compiled": False, "step": "forward", "per_layer": True}
    return time_subject(
        subject, count_subject(subject), copy=True, keep_interrupted=True,
        **{**QUICK, "warmup": 0, "dtype": "fp32", **settings},
    )  # fmt: skip


def test_an_interrupt_keeps_what_was_measured() -> None:
    report = interrupted(4)  # one to begin with, then two samples

    assert report.totals.interrupted
    assert report.section("passes").rows[0].samples == 2
    assert any("interrupted: 2 of 4 samples" in note.text for note in report.notes)


def test_an_interrupt_of_what_comes_after_keeps_the_passes() -> None:
    report = interrupted(6)  # one to begin with and four samples, then the modules

    assert report.totals.interrupted
    assert report.section("passes").rows[0].samples == 4
    assert all(section.name != "layers" for section in report.sections)


def test_an_interrupt_before_anything_was_measured_goes_on() -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(2)


def test_in_a_program_an_interrupt_goes_on() -> None:
    with pytest.raises(KeyboardInterrupt):
        time(Stops(4), torch.randn(1, 2), **{**QUICK, "warmup": 0})


# Verdicts and shares of a card, from figures put together by hand


def settings(**changes: Any) -> Settings:
    plain = Settings(device="cuda", dtype="bf16", runs=3, per_layer=True)
    return dataclasses.replace(plain, **changes)


def samples(*seconds: float) -> Samples:
    return Samples(
        seconds=tuple((each,) for each in seconds), warmup_runs=20, settled=True,
        budget_spent=False, interrupted=False,
    )  # fmt: skip


def measured(**changes: Any) -> Measured:
    """Return a forward pass of 10 ms on an H200: `wide` takes 8 ms of it, `thin` 1 ms."""
    plain = Measured(
        settings=settings(),
        device=torch.device("cuda", 0),
        device_name="NVIDIA H200",
        precision="bf16",
        card=H200,
        clock="CUDA events",
        ready_s=1.0,
        stages=("forward",),
        samples=samples(0.010, 0.010, 0.010),
        peak_bytes=(2**30,),
        cache_emptied=True,
        layers=LayerTimes(
            own_s={"": 0.0005, "wide": 0.008, "thin": 0.001},
            calls={"": 1, "wide": 1, "thin": 1},
            types={"": "Net", "wide": "Linear", "thin": "LayerNorm"},
            runs=10,
            interrupted=False,
        ),
        traffic={"": 0, "wide": 10**9, "thin": 10**9},
    )
    return dataclasses.replace(plain, **changes)


COUNTS = Counts(own={"": 0, "wide": 10**12, "thin": 0}, total=10**12, complete=True)
SUBJECT = Subject(
    name="net", model=nn.Identity(), inputs=Inputs(args=(torch.zeros(4, 2),)), origin="memory"
)


def shown(found: Measured, counts: Counts | None = COUNTS) -> tuple[Any, tuple[Note, ...]]:
    first = sections(SUBJECT, found, counts)[0]
    return first.rows, first.notes


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (200e-6, 201e-6, None),  # 2 x 4096^3 / 0.2 ms is 69% of the peak
        (200e-6, 300e-6, "took 0.2 ms before, and 0.3 ms after"),
        (500e-6, 500e-6, "a large product reaches 28% of the card's peak"),
    ],
)
def test_a_load_from_elsewhere_is_told(before: float, after: float, said: str | None) -> None:
    products = tuple(
        Product(size=4096, median_s=each, least_s=each, processors=None) for each in (before, after)
    )
    _, notes = shown(measured(products=products))

    warned = [note for note in notes if note.level == "warning"]
    warnings = [note.text for note in warned]
    assert all("the limit is archscope's own" in str(n.details) for n in warned if "peak" in n.text)
    assert (said is None) == (warnings == [])
    assert said is None or said in warnings[0]


def test_programs_that_share_the_processors_are_told() -> None:
    products = tuple(
        Product(size=256, median_s=1e-3, least_s=1e-3, processors=each) for each in (0.97, 0.5)
    )
    found = measured(device=torch.device("cpu"), card=None, products=products)

    assert any("other programs use the processors 50%" in note.text for note in shown(found)[1])


def test_the_share_of_the_cited_peak() -> None:
    rows, _ = shown(measured())

    # 2 x 10^12 / 10 ms = 2 x 10^14 FLOP/s; an H200 does 1979/2 x 10^12 in bf16
    assert rows[0].flops_per_s == pytest.approx(2e14)
    assert rows[0].peak_share == pytest.approx(2e14 / 989.5e12)
    assert rows[0].peak_bytes == 2**30


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"card": None, "device_name": "NVIDIA RTX 9999"}, "no cited figures of 'NVIDIA RTX 9999'"),
        ({"card": find("Tesla T4")}, "prints none in bf16"),
    ],
)
def test_without_a_cited_peak_there_is_no_share_and_a_note(
    changes: dict[str, Any], why: str
) -> None:
    rows, notes = shown(measured(**changes))

    assert rows[0].peak_share is None
    assert any(why in note.text for note in notes)
    assert any("which roof it is under is unknown" in note.text for note in notes)


def layers(found: Measured) -> dict[str, LayerRow]:
    rows = next(s.rows for s in sections(SUBJECT, found, COUNTS) if s.name == "layers")
    return {row.path: row for row in rows}


def test_roofs() -> None:
    rows = layers(measured())

    # wide: 2 x 10^12 FLOPs over 10^9 bytes = 2000, above 989.5 / 4.8 = 206; thin: none
    assert rows["wide"].intensity == 2000
    assert (rows["wide"].roof, rows["thin"].roof, rows[""].roof) == ("compute", "memory", None)
    assert rows["wide"].whole_share == pytest.approx(0.8)
    assert rows[""].time_s == pytest.approx(0.0095)


def test_what_was_measured_stands_beside_its_lower_bound() -> None:
    rows = layers(measured())
    passes, _ = shown(measured())

    # wide: 2 x 10^12 FLOPs at 989.5 TFLOP/s; thin: 10^9 bytes at 4.8 TB/s
    wide_s, thin_s = 2e12 / 989.5e12, 1e9 / 4.8e12
    assert rows["wide"].bound_s == pytest.approx(wide_s)
    assert rows["wide"].over_bound == pytest.approx(0.008 / wide_s)
    assert rows["thin"].over_bound == pytest.approx(0.001 / thin_s)
    assert passes[0].bound_s == pytest.approx(wide_s + thin_s)
    assert passes[0].over_bound == pytest.approx(0.010 / (wide_s + thin_s))
    bare, _ = shown(measured(card=None))
    assert (bare[0].bound_s, bare[0].over_bound) == (None, None)


def last(found: Measured) -> Note:
    return shown(found)[1][-1]


def decoded(**changes: Any) -> Measured:
    """Return a step of decoding of 10 ms on an H200 that reads 10^10 bytes."""
    return measured(
        settings=settings(step="decode", context=8, per_layer=False), stages=("decode",),
        layers=None, traffic=None, step_bytes=10**10, **changes,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("macs", "bound_s", "said"),
    [
        # 10^10 bytes at 4.8 TB/s are longer than 2 x 10^10 FLOPs at 989.5 TFLOP/s
        (10**10, 1e10 / 4.8e12, "memory-bound: the step does 2 FLOPs for each byte"),
        # the ridge is at 989.5 / 4.8 = 206 FLOPs per byte
        (2 * 10**12, 4e12 / 989.5e12, "compute-bound: the step does 400 FLOPs for each byte"),
    ],
)
def test_a_step_of_decoding_stands_beside_what_it_takes_at_least(
    macs: int, bound_s: float, said: str
) -> None:
    counts = Counts(own={}, total=macs, complete=True)
    found = decoded(graph=samples(0.009), back_to_back_s=(0.010, 0.009))
    (row, replay), notes = shown(found, counts)

    assert (row.stage, replay.stage) == ("decode", "decode, CUDA graph")
    assert row.bound_s == replay.bound_s == pytest.approx(bound_s)
    assert row.over_bound == pytest.approx(0.010 / bound_s)
    assert replay.items_per_s is not None
    assert notes[-1].text.startswith(said)
    assert "10% of the step is the host" in notes[-1].text


def test_a_step_that_is_not_told_has_no_bound() -> None:
    (row,), notes = shown(dataclasses.replace(decoded(), step_bytes=None))

    assert (row.bound_s, row.over_bound) == (None, None)
    assert notes[-1].text == "which roof it is under is unknown: what it reads is not told"


def test_limits_of_a_verdict_are_said_to_be_ours() -> None:
    note = last(measured(graph=samples(0.004), back_to_back_s=(0.010, 0.004)))

    assert "From 20% on it is called so; the limit is archscope's own" in note.details[0]


@pytest.mark.parametrize(
    ("device", "whole_s", "level"),
    [
        # the modules take 9.5 ms together
        ("cpu", 0.010, "info"), ("cpu", 0.760, "warning"), ("cpu", 0.005, "warning"),
        ("cuda", 0.760, "info"),  # launching is left out of modules
    ],
)  # fmt: skip
def test_modules_that_saw_another_machine_are_a_warning(
    device: str, whole_s: float, level: str
) -> None:
    found = measured(device=torch.device(device), samples=samples(*[whole_s] * 3))
    (note,) = (note for note in shown(found)[1] if "modules add up" in note.text)

    assert note.level == level


def test_a_cache_that_could_not_be_emptied_is_said() -> None:
    _, notes = shown(measured(cache_emptied=False))
    _, asked = shown(measured(cache_emptied=False, settings=settings(warm_cache=True)))

    assert any("no room to empty the card's cache" in note.text for note in notes)
    assert not any("no room" in note.text for note in asked)


def test_compute_bound() -> None:
    note = last(measured())

    # wide takes 8 of all 9.5 ms; of the half that the model itself takes no roof is known
    assert note.text.startswith("compute-bound: modules with 84% of the time")
    assert "206" in note.text


def test_memory_bound() -> None:
    found = measured()
    assert found.layers is not None
    times = dataclasses.replace(found.layers, own_s={"": 0.0, "wide": 0.002, "thin": 0.006})
    note = last(dataclasses.replace(found, layers=times))

    assert note.text.startswith("memory-bound: modules with 75% of the time")


def test_launch_bound() -> None:
    note = last(measured(graph=samples(0.004), back_to_back_s=(0.010, 0.004)))

    assert note.text.startswith("launch-bound: 60% of the forward pass is the host launching")
    assert "back to back 10 ms, replayed as a CUDA graph 4 ms" in note.text


def test_a_graph_that_is_hardly_faster_leaves_the_roof_to_tell() -> None:
    note = last(measured(graph=samples(0.009), back_to_back_s=(0.010, 0.009)))

    assert note.text.startswith("compute-bound")
    assert "10% of the forward pass is the host launching" in note.text


class StubClock:
    """Time that passes only where `work` says so; a queue that is always empty."""

    name, queued = "stub", True

    def __init__(self) -> None:
        self.time = 0.0

    def work(self, seconds: float) -> None:
        self.time += seconds

    def mark(self) -> float:
        return self.time

    def wait(self) -> None:
        pass

    def seconds(self, start: float, end: float) -> float:
        return end - start

    def now(self) -> float:
        return self.time


def explained(monkeypatch: pytest.MonkeyPatch, capture: Any, **changes: Any) -> Measured:
    """Return what is added to a pass of 10 ms on a card of which no figures are known."""
    clock = StubClock()
    monkeypatch.setattr(
        _time_measure, "capture", lambda run, device: capture(lambda: clock.work(0.004))
    )
    workload = Workload(
        model=nn.Identity(),
        call=lambda: None,
        stages=(Stage(name="forward", run=lambda: clock.work(0.010)),),
        bytes_held=lambda: 0,
    )
    found = measured(
        card=None, layers=None, settings=settings(per_layer=False, warmup=2, **changes)
    )
    return _time_measure._explain(found, workload, clock, lambda: clock.work(1.0))


def test_the_same_kernels_are_replayed_without_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    found = explained(monkeypatch, lambda replay: replay)

    assert found.graph is not None
    assert found.graph.whole() == pytest.approx([0.004] * 3)
    assert found.back_to_back_s == pytest.approx((0.010, 0.004))
    assert last(found).text.startswith("launch-bound: 60%")


def test_a_forward_that_cannot_be_captured_is_a_note_or_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(replay: Any) -> Any:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    found = explained(monkeypatch, fails)
    assert found.graph is None
    assert any("no CUDA graph (RuntimeError: operation not" in n.text for n in shown(found)[1])
    with pytest.raises(ArchscopeError, match="the forward cannot be captured"):
        explained(monkeypatch, fails, cuda_graph=True)


@pytest.mark.parametrize("changes", [{"cuda_graph": False}, {"step": "train"}])
def test_no_graph_is_captured_where_none_is_wanted(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    found = explained(monkeypatch, lambda replay: replay, **changes)

    assert found.graph is None
    assert found.graph_failure is None


def test_the_replay_is_a_row_of_its_own() -> None:
    rows, _ = shown(measured(graph=samples(0.004, 0.004, 0.004)))

    assert [row.stage for row in rows] == ["forward", "forward, CUDA graph"]
    assert rows[1].peak_share == pytest.approx(5e14 / 989.5e12)


def test_on_a_cpu_the_verdict_says_what_cannot_be_told() -> None:
    found = measured(device=torch.device("cpu"), card=None)

    assert verdict(found, (), None).text.startswith("no bottleneck is named")


def test_noise_names_the_pass_and_what_to_do() -> None:
    _, notes = shown(measured(samples=samples(0.010, 0.010, 0.020, 0.010, 0.020)))

    note = next(note for note in notes if note.text.startswith("noisy"))
    assert note.level == "warning"
    assert "forward 100%" in note.text
    assert "raise --runs" in note.details[0]
    assert not any(note.text.startswith("noisy") for note in shown(measured())[1])


def test_a_budget_and_a_warm_up_that_were_too_short_are_said() -> None:
    short = dataclasses.replace(samples(0.01), budget_spent=True, settled=False)
    _, notes = shown(measured(samples=short))

    assert any("ended it after 1 of 3 samples" in note.text for note in notes)
    assert any("had not settled" in note.text for note in notes)


def test_the_sum_of_modules_is_shown_against_the_whole() -> None:
    _, notes = shown(measured())

    text = next(note.text for note in notes if "add up" in note.text)
    assert "9.5 ms, 95.0% of the forward pass timed by itself (10 ms)" in text


def test_without_counts_the_rate_of_work_is_unknown() -> None:
    rows, notes = shown(measured(), None)

    assert rows[0].flops_per_s is None
    assert any("FLOP/s are unknown" in note.text for note in notes)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_condition_has_a_name_of_its_own(device: str) -> None:
    where = torch.device(device, 0) if device == "cuda" else torch.device(device)
    found = measured(device=where, machine=read(where), settings=settings(step="train"))

    names = [row.name for row in sections(SUBJECT, found, COUNTS)[-1].rows]
    assert len(names) == len({*names})


def test_where_the_peak_comes_from_stands_among_the_conditions() -> None:
    rows = {row.name: row for row in sections(SUBJECT, measured(), COUNTS)[-1].rows}

    assert rows["dense peak"].value == 989.5e12
    assert "halved" in rows["source of the peak"].value
    assert rows["cache"].value == "emptied before each run"
    assert rows["batch"].value == 4


def test_counts_are_those_of_a_report() -> None:
    report = params("transformer", **SMALL)
    counts = counts_of(report)

    assert counts.total == report.totals.macs
    assert counts.among([""]) == {"": report.totals.macs}, "all belongs to what ran"


def test_it_is_public() -> None:
    assert archscope.time is time


@pytest.mark.parametrize(
    ("model", "shape", "axis"),
    [
        (nn.TransformerEncoderLayer(16, 2), (10, 2, 16), 1),  # time first
        (nn.LSTM(16, 4, batch_first=True), (2, 10, 16), 0),
        (nn.Conv2d(3, 4, 3), (3, 16, 16), None),  # one image
        (nn.Conv2d(3, 4, 3), (5, 3, 16, 16), 0),
        (nn.Linear(16, 4), (7, 16), 0),
    ],
)
def test_samples_are_counted_along_the_batch(
    model: nn.Module, shape: tuple[int, ...], axis: int | None
) -> None:
    inputs = Inputs(args=(torch.zeros(shape),))
    subject = Subject(name="own", model=model, inputs=inputs, origin="memory")

    assert batch_axis(model, inputs) == axis
    assert items_of(subject, axis) == ("sample", 1 if axis is None else shape[axis])


class Tires(nn.Linear):
    """A layer that fails in its eighth pass."""

    calls = 0

    def forward(self, input: Tensor) -> Tensor:
        Tires.calls += 1
        if Tires.calls == 8:
            raise self.failure
        return super().forward(input)


@pytest.mark.parametrize(
    "ask",
    [
        lambda model, x: archscope.time(model, x, **QUICK),
        lambda model, x: archscope.time_together(model, nn.Linear(4, 4), args=(x,), **QUICK),
    ],
)
@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (ValueError("tired"), "ValueError: tired"),
        (SystemExit(3), r"RuntimeError: it calls sys\.exit\(3\)"),
    ],
)
def test_a_pass_that_fails_later_is_one_line(
    ask: Callable[..., object], failure: BaseException, said: str
) -> None:
    Tires.calls = 0
    model = Tires(4, 4)
    model.failure = failure

    with pytest.raises(ForwardError, match=f"a pass after the first failed: {said}"):
        ask(model, torch.zeros(1, 4))
