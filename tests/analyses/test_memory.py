"""What is said of a training step's memory and work, by the library and the command line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archscope
from archscope.errors import ArchscopeError, ThresholdError, UsageError
from archscope.present import FORMATS
from archscope.results import Report, View
from archscope.saved import read_text
from archscope.subject import Inputs, Subject
from archscope.training.optimisers import OPTIMISERS
from archscope.training.real import measure
from archscope.training.recipe import Recipe

SMALL = {"depth": 2, "d_model": 16, "heads": 2, "seq_len": 8, "vocab_size": 32}


@pytest.fixture(scope="module")
def memory() -> Report:
    return archscope.memory("transformer", check=True, **SMALL)


@pytest.fixture(scope="module")
def train() -> Report:
    return archscope.train("transformer", recompute="full", **SMALL)


def test_the_parts_add_up_to_the_peak(memory: Report) -> None:
    rows = memory.section("memory.parts").rows

    assert sum(row.at_peak for row in rows) == memory.totals.peak
    assert max(row.alive for row in memory.section("memory.timeline").rows) == memory.totals.peak


def test_a_step_is_shown_turn_by_turn(memory: Report) -> None:
    section = memory.section("memory.timeline")
    shown = FORMATS.get("table").render(memory, View(by="memory.timeline", expand=True))
    turns = [line.split()[0] for line in shown.splitlines() if line[:1].isdigit()]

    assert turns == [str(row.turn) for row in section.rows]


def test_modules_add_up_to_the_totals(memory: Report) -> None:
    rows = memory.section("memory.modules").rows
    for field in ("saved", "weights", "gradients", "states"):
        assert sum(getattr(row, f"own_{field}") for row in rows) == getattr(memory.totals, field)
        assert getattr(rows[0], field) == getattr(memory.totals, field)
    assert sum(row.bytes for row in memory.section("memory.saved").rows) == memory.totals.saved


def test_states_are_those_of_the_recipe(memory: Report) -> None:
    parameters = memory.totals.weights // 4
    tensors = len([*archscope.build("transformer", **SMALL).parameters()])

    assert memory.totals.gradients == 4 * parameters
    assert memory.totals.states == 8 * parameters + 4 * tensors  # a step counter for each


def test_a_check_finds_what_was_predicted(memory: Report) -> None:
    saved, *peaks = memory.section("memory.check").rows

    assert (saved.predicted, saved.error) == (saved.measured, 0)
    if len(peaks) == 1:
        assert "this torch's profiler does not tell" in peaks[0].definition
        pytest.skip("workspaces of kernels are not told apart by it")
    peak, with_workspaces = peaks
    assert abs(peak.error) < 0.005  # a number that an operator is given is a block of 8 bytes
    assert with_workspaces.measured >= peak.measured
    assert "the largest is" in with_workspaces.definition
    assert any("workspaces of kernels made the peak" in note.text for note in memory.notes)


@pytest.mark.parametrize("types", [{"dtype": "bf16"}, {"autocast": "bf16"}])
@pytest.mark.usefixtures("unsearched")
def test_a_check_runs_in_the_number_types_that_are_asked_for(types: dict[str, str]) -> None:
    model = nn.Sequential(nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 32), nn.Tanh())

    found = archscope.memory(model, torch.ones(64, 32, requires_grad=True), check=True, **types)

    saved, *peaks = found.section("memory.check").rows
    assert saved.predicted == saved.measured
    # bf16 alone keeps 2 bytes of each input, autocast those and the first input's own 4.
    assert saved.measured == 64 * 32 * 2 * 4 + (64 * 32 * 2 if "autocast" in types else 0)
    if len(peaks) == 2:  # else this torch's profiler does not tell workspaces apart
        assert peaks[0].predicted == peaks[0].measured


def test_norms_under_autocast_compute_in_4_bytes_on_a_card() -> None:
    """torch's autocast_mode.h, AT_FORALL_FP32; on a CPU in 2, with statistics in 4."""
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.SiLU(), nn.BatchNorm2d(8))
    model.append(nn.Softmax(1))
    images = torch.ones(2, 3, 9, 9)
    on_card = archscope.memory(model, images, autocast="bf16")
    on_cpu = archscope.memory(model, images, autocast="bf16", dropout="cpu")

    # Image and kernels in 2 bytes; what follows is of 2 x 8 x 7 x 7 = 784: inputs of group norm,
    # SiLU and batch norm, and the answer of softmax. Statistics 2 x 2 x 2 and 2 x 8, buffers 2 x 8.
    convolution, statistics = 2 * (2 * 3 * 81 + 8 * 27), 4 * (8 + 16)
    assert on_card.totals.saved == convolution + 784 * (4 + 4 + 4 + 4) + statistics + 64
    assert on_cpu.totals.saved == convolution + 784 * (2 + 2 + 2 + 2) + statistics + 64
    assert any("autocast casts as on a GPU" in note.text for note in on_card.notes)


def test_a_network_of_a_file_is_checked_too() -> None:
    """It is made on shapes, and made anew with data for the step that is run."""
    found = archscope.memory("examples/unet.py:UNet(width=2)", input_shape="2,3,8,8", check=True)

    saved = found.section("memory.check").rows[0]
    assert saved.measured == saved.predicted > 0


def test_a_check_is_refused_where_a_step_takes_more_than_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("archscope.timing.devices.machine_bytes", lambda: 2**10)

    with pytest.raises(ArchscopeError, match=r"at its peak, this machine has 0\.0 GiB"):
        archscope.memory(nn.Linear(64, 64), torch.ones(1, 64), check=True)


def test_workspaces_of_convolutions_are_named_where_nothing_was_measured() -> None:
    report = archscope.memory(nn.Sequential(nn.Conv2d(3, 8, 3)), torch.ones(1, 3, 8, 8))

    assert any("memory --check measures them" in note.text for note in report.notes)


def test_what_recurrent_layers_keep_proves_no_claim() -> None:
    report = archscope.memory(nn.LSTM(4, 4), torch.ones(3, 2, 4))

    with pytest.raises(
        ThresholdError, match="what fused kernels of recurrent layers save is not documented"
    ):
        report.check("act <= 1GiB")
    report.check("states <= 1GiB")


@pytest.mark.parametrize("kind", ["memory", "train"])
def test_a_saved_report_is_read_back(kind: str, request: pytest.FixtureRequest) -> None:
    report: Report = request.getfixturevalue(kind)
    again = read_text(report.to("json"))

    assert again.totals == report.totals
    assert [s.rows for s in again.sections] == [s.rows for s in report.sections]


def test_a_step_is_forward_backward_and_what_runs_again(train: Report) -> None:
    totals = train.totals

    assert totals.step == totals.forward + totals.backward + totals.recomputed
    assert totals.backward == totals.by_weight + totals.by_input == 2 * totals.forward
    assert 0 < totals.recomputed < totals.forward  # not the head
    assert totals.complete
    recipes = {row.recipe: row for row in train.section("train.recipes").rows}
    assert recipes["megatron-18"].bytes == 18 * totals.trainable


def test_what_can_be_claimed(memory: Report, train: Report) -> None:
    memory.check("act < 1MiB", "step_peak > 1KiB")
    train.check("train_macs < 1G")
    with pytest.raises(ThresholdError, match="act < 1KiB: it is"):
        memory.check("act < 1KiB")


def test_a_module_of_ones_own_is_left_in_its_mode() -> None:
    import torch

    model = nn.Sequential(nn.Linear(8, 8), nn.Dropout(), nn.Linear(8, 2)).eval()
    report = archscope.memory(model, torch.zeros(4, 8), dtype="bf16")

    # The first layer's input; the mask of the dropout, a byte each; what the last multiplies.
    assert report.totals.saved == 2 * 4 * 8 + 4 * 8 + 2 * 4 * 8
    assert not model.training


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"optimizer": "adma"}, "Did you mean 'adam'|is not one of"),
        ({"dtype": "fp8"}, "is not one of"),
        ({"lora": "r=x"}, "r=x is not a rank"),
        ({"recompute": "half"}, "write none, selective, full or every:2"),
        ({"freeze": "nothing"}, "names no parameter"),
        ({"freeze": "*"}, "nothing can be trained"),
        ({"micro_batch": 3, "batch_size": 4}, "3 does not divide the batch of 4; give 1, 2, 4"),
        (
            {"explain": True, "lora": "r=2"},
            "no closed form: it assumes that all weights are trained",
        ),
    ],
)
def test_what_cannot_be_is_said(settings: dict[str, str], said: str) -> None:
    with pytest.raises((UsageError, ArchscopeError), match=said):
        archscope.memory("transformer", **SMALL, **settings)


def test_a_page_draws_the_step_and_says_how_it_is_made_again() -> None:
    report = archscope.memory("transformer", **SMALL, recompute="full", optimizer="sgd")

    page = report.to("html")
    assert "--optimizer sgd --recompute full" in page
    step, peak = report.figure("memory-step"), report.figure("memory-peak")
    assert max(step.data[0].y) * 2**20 == report.totals.peak
    assert sum(trace.x[0] for trace in peak.data) * 2**20 == report.totals.peak
    assert read_text(report.to("json")).config == report.config


def test_of_recurrent_layers_it_says_that_fused_kernels_differ() -> None:
    import torch

    report = archscope.memory(nn.LSTM(4, 4), torch.zeros(3, 2, 4))

    assert any("LSTM ran step by step" in note.text for note in report.notes)


class Reads(nn.Module):
    """Does as often as its input says."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        for _ in range(int(x.sum()) + 2):
            x = self.a(x)
        return x


@pytest.mark.parametrize("verb", [archscope.memory, archscope.train])
@pytest.mark.usefixtures("unsearched")
def test_what_ran_on_data_says_so(verb: Any) -> None:
    import torch

    report = verb(Reads(), torch.zeros(3, 4))

    assert report.environment.device == "cpu"
    assert any("at random, this is one draw" in note.text for note in report.notes)


@pytest.mark.parametrize(
    ("named", "why"),
    [
        (("lstm:seq_len=4",), "fused kernels of recurrent layers"),
        ((nn.Linear(2, 2), torch.zeros(1, 2)), "it belongs to no family; `archscope list`"),
    ],
)
def test_what_has_no_closed_form_says_why(named: Any, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        archscope.memory(*named, explain=True)


def test_closed_form_is_explained_and_held_against_the_run() -> None:
    report = archscope.memory("transformer", explain=True, dtype="bf16", **SMALL)
    rows = {(row.path, row.what): row for row in report.section("memory.closed").rows}

    hidden = rows["blocks.0.mlp.fc2", "gelu in mlp"]
    assert (hidden.formula, hidden.numbers) == ("2*b*s*f", "2*1*8*64")
    assert (hidden.bytes, hidden.times, hidden.together) == (1024, 2, 2048)
    assert sum(row.together for row in rows.values()) == report.totals.saved
    assert any("agree to the byte on what every module saves" in note.text for note in report.notes)


def test_gradients_stay_from_pass_to_pass() -> None:
    fields = {**SMALL, "batch_size": 8}
    parts = archscope.memory("transformer", micro_batch=2, **fields)
    one = archscope.memory("transformer", **{**fields, "batch_size": 2})
    whole = archscope.memory("transformer", **fields)

    # Positions are looked up once for all sequences: 8 bytes for each of 8.
    assert parts.totals.saved == one.totals.saved == (whole.totals.saved - 64) / 4 + 64
    assert one.totals.peak < parts.totals.peak < whole.totals.peak
    # In the second pass all gradients are there when the first thing is saved.
    assert max(row.alive for row in parts.section("memory.timeline").rows) == parts.totals.peak
    work = archscope.train("transformer", micro_batch=2, **fields).totals
    assert work == archscope.train("transformer", **fields).totals


def test_a_batch_that_cannot_be_told_is_not_divided() -> None:
    two = nn.Bilinear(2, 2, 2)

    with pytest.raises(UsageError, match=r"the batch axis of the inputs is ambiguous.*\(4x2, 2\)"):
        archscope.memory(two, torch.zeros(4, 2), torch.zeros(2), micro_batch=2)
    parts = archscope.memory(nn.Linear(2, 2), torch.zeros(4, 2), micro_batch=2)
    assert parts.totals.inputs == 2 * 2 * 4


def test_selective_recomputation_says_when_it_changes_nothing() -> None:
    written_out = archscope.memory("transformer", attention_kernel="math", **SMALL)
    assert any("math is attention as papers write it" in n.text for n in written_out.notes)
    kept = written_out.totals.saved
    math = archscope.memory(
        "transformer", attention_kernel="math", recompute="selective", **SMALL
    ).totals.saved
    flash = archscope.memory("transformer", recompute="selective", **SMALL)

    # Of 2 blocks with 2 heads of 8 x 8 scores, in fp32, and their masks of 8 x 8 bytes.
    assert kept - math == 2 * (4 * 2 * 8 * 8 + 8 * 8)
    assert not any("math is attention as papers write it" in n.text for n in flash.notes)
    assert any("changes nothing with a fused attention kernel" in n.text for n in flash.notes)
    again = archscope.train("transformer", recompute="selective", **SMALL).totals
    assert again.recomputed == 2 * 8 * 8 * 16  # scores alone: their answer is not needed
    assert again.complete


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_what_an_update_of_all_at_once_takes_is_said(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = nn.Sequential(*(nn.Linear(64, 64) for _ in range(6)), nn.BatchNorm1d(64))
    inputs = torch.ones(2, 64)
    of_torch = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name]

    def at_once(parameters: list[Tensor]) -> torch.optim.Optimizer:
        return of_torch(parameters, foreach=True)

    said = " ".join(note.text for note in archscope.memory(model, inputs, optimizer=name).notes)
    monkeypatch.setitem(OPTIMISERS, name, replace(OPTIMISERS[name], make=at_once))
    it = Subject(name="it", model=model.train(), inputs=Inputs(args=(inputs,)), origin="memory")
    real = measure(it, Recipe(), name)

    if real.outliving is None:
        pytest.skip("workspaces of kernels are not told apart by this torch's profiler")
    assert f"torch's default on a GPU) needs {real.before + real.outliving:,} bytes" in said
    assert "more than this peak" in said


def test_what_an_update_of_all_at_once_takes_is_said_as_a_card_has_it() -> None:
    large = nn.Linear(8192, 8192, bias=False, device="meta")
    notes = archscope.memory(large, torch.empty(1, 8192, device="meta")).notes

    assert any("torch's default on a GPU) needs 1.25 GiB" in note.text for note in notes)
    notes = archscope.memory(nn.Linear(512, 1024, bias=False), torch.empty(1, 512)).notes

    assert any("needs 10 MiB" in note.text for note in notes)  # 5 x 4 x 512 x 1024


def test_the_layer_that_is_taken_for_a_head_is_told() -> None:
    model, x = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), torch.zeros(3, 4)

    for ask in (archscope.memory, archscope.train):
        assert "but the last, 2, taken for the head" in str(ask(model, x, lora="r=2").notes)
        assert "head" not in str(ask(model, x, lora="r=2,targets=0/2").notes)
        alone = ask(nn.Sequential(nn.Conv1d(3, 8, 1), nn.Linear(4, 2)), x, lora="r=2").notes
        assert "an adapter is beside 1 alone, the only linear layer" in str(alone)


class Own(nn.LSTM):
    """A recurrent layer by another name."""


def test_recurrent_layers_are_known_by_what_runs() -> None:
    report = archscope.memory(Own(4, 4), torch.zeros(3, 2, 4))
    planned = archscope.plan(Own(4, 4), torch.zeros(3, 2, 4), gpu="a100")

    assert not report.totals.exact
    assert "LSTM ran step by step" in str(report.notes)
    assert "fused kernels of recurrent layers" in str(planned.notes)
