"""Networks that do odd things are counted exactly, or one line says why not."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call
from torch.nn import functional

import archscope
from archscope.errors import ArchscopeError, ForwardError
from archscope.results import Report
from tests.training.real import kept

ROWS = 4
LAYER = ROWS * 8 * 8
"""Multiply-accumulates of 4 rows through a linear layer of 8 by 8."""


class Around(nn.Module):
    """A linear layer, and a forward that does something with it."""

    def __init__(self, run: Callable[[Any, Tensor], Any]) -> None:
        super().__init__()
        self.layer, self.run = nn.Linear(8, 8), run

    def forward(self, x: Tensor) -> Any:
        return self.run(self, x)


def rows() -> Tensor:
    return torch.zeros(ROWS, 8)


def counted(model: nn.Module, *inputs: Any) -> Report:
    return archscope.params(model, *(inputs or (rows(),)))


def is_exact(report: Report, macs: int) -> bool:
    return (report.totals.macs, report.totals.complete) == (macs, True)


def warned(report: Report) -> list[str]:
    return [note.text for note in report.notes if note.level == "warning"]


# ---- what is returned


def generator(self: Any, x: Tensor) -> Iterator[Tensor]:
    yield self.layer(x)
    yield self.layer(x)


def nested(self: Any, x: Tensor) -> Any:
    return {"parts": map(self.layer, [x, x])}


@pytest.mark.parametrize("run", [generator, nested])
def test_a_generator_is_read(run: Callable[[Any, Tensor], Any]) -> None:
    assert is_exact(counted(Around(run)), 2 * LAYER)


def endless(self: Any, x: Tensor) -> Iterator[Tensor]:
    while True:
        yield x


async def awaited(self: Any, x: Tensor) -> Tensor:
    made: Tensor = self.layer(x)
    return made


@pytest.mark.parametrize(
    ("run", "said"),
    [(endless, "a generator that goes on after 1,000 items"), (awaited, "only where it is await")],
)
def test_what_is_never_read_is_no_silent_zero(run: Callable[..., Any], said: str) -> None:
    with pytest.raises(ForwardError, match=said):
        counted(Around(run))


def test_a_result_may_hold_itself() -> None:
    def run(self: Any, x: Tensor) -> Any:
        made: dict[str, Any] = {"y": self.layer(x)}
        made["itself"] = [made]
        return made

    assert is_exact(counted(Around(run)), LAYER)


def test_a_generator_that_is_given_is_not_read() -> None:
    given = (x for x in [rows()])

    with pytest.raises(ArchscopeError, match="is a generator, which can be read only once"):
        counted(Around(lambda self, items: self.layer(next(items))), given)
    assert len(list(given)) == 1


# ---- copies


class Refuses(nn.Module):
    """Is copied by a method of its own, which gives something else."""

    def __init__(self, gives: Any) -> None:
        super().__init__()
        self.layer, self.gives = nn.Linear(8, 8), gives

    def __deepcopy__(self, memo: Any) -> Any:
        return self if self.gives == "itself" else self.gives

    def forward(self, x: Tensor) -> Any:
        return self.layer(x)


@pytest.mark.parametrize("gives", ["itself", None, nn.Identity(), "no module"])
def test_a_copy_that_is_none_is_not_counted(gives: Any) -> None:
    model = nn.Sequential(Refuses(gives))
    model.train()

    assert is_exact(counted(model), LAYER)
    assert is_exact(counted(model[0]), LAYER)
    assert all(module.training for module in model[0].layer.modules())


class Slotted(nn.Module):
    """Has an attribute beside its dictionary."""

    __slots__ = ("times",)

    def __init__(self) -> None:
        super().__init__()
        self.times, self.layer = 2, nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.times):
            x = self.layer(x)
        return x


def test_slots_are_copied() -> None:
    assert is_exact(counted(Slotted()), 2 * LAYER)


class Locked(nn.Module):
    """Lets nothing be set once it is made."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.__dict__["locked"] = True

    def __setattr__(self, name: str, value: Any) -> None:
        if "locked" in vars(self):
            raise AttributeError("locked")
        super().__setattr__(name, value)

    def forward(self, x: Tensor) -> Any:
        return self.layer(x)


class Watching(nn.Module):
    """Notes each name that is looked up in vain, and computes what others hold."""

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["seen"] = []
        self.layer = nn.Linear(8, 8)

    def __getattr__(self, name: str) -> Any:
        self.__dict__["seen"].append(name)
        return super().__getattr__(name)

    @property
    def config(self) -> Any:
        self.seen.append("config")
        return None

    in_features = bits = groups = active_fraction = config

    def forward(self, x: Tensor) -> Any:
        return self.layer(x)


VERBS: list[Callable[..., Report]] = [
    archscope.params,
    archscope.receptive_field,
    archscope.memory,
]


@pytest.mark.parametrize("verb", VERBS)
def test_attributes_of_the_users_own_code_are_not_run(verb: Callable[..., Report]) -> None:
    locked, watching = Locked(), Watching()
    verb(locked, rows())
    verb(watching, rows())

    assert locked.training
    assert watching.seen == []


def test_modules_that_cannot_be_listed_are_one_line() -> None:
    class Unlisted(nn.Linear):
        def named_modules(self, *_: Any, **__: Any) -> Any:
            raise ValueError("mine")

    with pytest.raises(ArchscopeError, match=r"Unlisted: its modules cannot be listed.*mine"):
        counted(Unlisted(8, 8))


# ---- where it runs


def test_work_of_other_threads_is_said_to_be_missing() -> None:
    def run(self: Any, x: Tensor) -> Tensor:
        made: list[Tensor] = []
        thread = threading.Thread(target=lambda: made.append(self.layer(x)))
        thread.start()
        thread.join()
        return x

    report = counted(Around(run))
    assert not report.totals.complete
    assert [text for text in warned(report) if "closed form" in text] == []
    assert any("layer ran in threads that the forward began" in text for text in warned(report))


def test_weights_that_are_put_in_the_place_of_others_are_no_dispute() -> None:
    class Replacing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.other = nn.Linear(8, 8), nn.Parameter(torch.zeros(8, 8))

        def forward(self, x: Tensor) -> Any:
            return functional_call(self.layer, {"weight": self.other}, (x,))

    report = counted(Replacing())
    assert is_exact(report, LAYER)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["to_sparse_csr", "to_sparse_csc", "to_sparse"])
def test_a_sparse_weight_of_a_layer_is_no_dispute(form: str) -> None:
    layer = nn.Linear(8, 8)
    with torch.no_grad():
        layer.weight[:, 4:] = 0  # 8 x 4 entries are stored
    layer.weight = nn.Parameter(getattr(layer.weight.detach(), form)())

    assert is_exact(counted(layer), ROWS * 8 * 4)


def test_a_network_of_fake_tensors_is_counted_on_shapes() -> None:
    with FakeTensorMode():
        model, x = nn.Sequential(nn.Linear(8, 8), nn.ReLU()), torch.zeros(ROWS, 8)

    assert is_exact(counted(model, x), LAYER)
    assert is_exact(counted(model), LAYER)


@pytest.mark.filterwarnings("ignore")
def test_an_exported_program_is_the_network_that_it_makes() -> None:
    # As is usual by now: what older torch compiles for it fails once its counter met compiled code.
    program: Any = torch.export.export(nn.Linear(8, 8), (rows(),), strict=False)
    assert is_exact(counted(program), LAYER)


@pytest.mark.filterwarnings("ignore")
def test_a_forward_that_compiles_runs_as_it_is_written() -> None:
    def run(self: Any, x: Tensor) -> Any:
        return torch.compile(self.layer)(torch.compile(mode="default")(torch.relu)(x))

    before = torch.compile
    assert is_exact(counted(Around(run)), LAYER)
    assert torch.compile is before


# ---- other verbs


FEW: dict[str, Any] = {"device": "cpu", "warmup": 0, "runs": 1, "budget": 0.05}


def test_a_step_that_fails_is_told_in_one_line_by_time_too() -> None:
    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> Tensor:
            raise ValueError("not today")

    model = Around(lambda self, x: Fails.apply(self.layer(x)))  # type: ignore[no-untyped-call]
    with pytest.raises(ForwardError, match="the backward pass failed: ValueError: not today"):
        archscope.time(model, rows(), step="train", **FEW)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("unsearched")
def test_a_weight_that_no_optimiser_takes_is_told_in_one_line() -> None:
    layer = nn.Linear(8, 8)
    layer.weight = nn.Parameter(layer.weight.detach().to_sparse_csr())

    with pytest.raises(ArchscopeError, match=r"\(8, 8\) is sparse and its gradient is not"):
        archscope.memory(layer, rows())
    with pytest.raises(ForwardError, match=r"the optimiser's step failed: .*SparseCsr"):
        archscope.time(layer, rows(), step="train", **FEW)


@pytest.mark.parametrize("analysis", [archscope.memory, archscope.train])
def test_a_forward_with_gradients_off_is_named_as_the_reason(analysis: Any) -> None:
    class ForInference(nn.Sequential):
        @torch.inference_mode()
        def forward(self, input: Tensor) -> Tensor:
            return self[0](input)  # type: ignore[no-any-return]

    with pytest.raises(ArchscopeError, match="gradients are off where 0 runs"):
        analysis(ForInference(nn.Linear(8, 8)), rows())


@pytest.mark.filterwarnings("ignore")
def test_packed_weights_beside_a_step_without_data_end_no_process() -> None:
    packed = torch.ao.quantization.quantize_dynamic(
        nn.Sequential(nn.Linear(8, 8)), {nn.Linear}, dtype=torch.float16
    )
    with pytest.raises(ArchscopeError, match="nothing can be trained"):
        archscope.memory(packed, rows())
    assert archscope.memory(nn.Sequential(nn.Linear(8, 8), packed), rows()).totals.weights


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("unsearched")
def test_nested_inputs_are_one_line() -> None:
    given = torch.nested.nested_tensor([torch.zeros(3, 8), torch.zeros(5, 8)])

    with pytest.raises(ArchscopeError, match="input '0' is a nested tensor"):
        archscope.receptive_field(nn.Linear(8, 8), given)
    with pytest.raises(ArchscopeError):
        archscope.memory(nn.Linear(8, 8), given)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_nested_tensors_on_the_way_are_one_line(layout: torch.layout) -> None:
    def run(self: Any, x: Tensor) -> Any:
        parts = torch.nested.as_nested_tensor([x[:1], x[1:]], layout=layout)
        return torch.nested.to_padded_tensor(self.layer(parts), 0.0)

    with pytest.raises(ArchscopeError, match="nested"):
        archscope.receptive_field(Around(run), rows())


class Packed(Tensor):
    """A weight that is held in another tensor, and multiplies in its own way."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> Packed:
        made: Packed = Tensor._make_wrapper_subclass(cls, held.shape, dtype=held.dtype)
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        bare = [each.held if isinstance(each, Packed) else each for each in args]
        if func is torch.ops.aten.detach.default:
            return Packed(bare[0])
        if func in (torch.ops.aten.t.default, torch.ops.aten.clone.default):
            return Packed(func(bare[0]).contiguous())
        if func is torch.ops.aten.addmm.default:
            return func(*bare)
        raise NotImplementedError(str(func))


def test_a_weight_of_a_class_with_few_operators_is_looked_through() -> None:
    layer = nn.Linear(8, 8)
    layer.weight = nn.Parameter(Packed(layer.weight.detach()), requires_grad=False)

    assert archscope.receptive_field(layer, rows()).totals.reached == 8


def test_an_input_within_a_dataclass_is_followed() -> None:
    @dataclass
    class Batch:
        x: Tensor

    model = Around(lambda self, batch: self.layer(batch.x))
    report = archscope.receptive_field(model, Batch(rows()))
    assert report.totals.reached == 8


def test_scripted_layers_are_trained() -> None:
    scripted = torch.jit.script(nn.Linear(8, 8))

    assert archscope.memory(scripted, rows()).totals.gradients == (8 * 8 + 8) * 4


def test_ways_of_training_scripted_layers_are_told() -> None:
    scripted = torch.jit.script(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 4)))
    report = archscope.finetune(scripted, rows())

    trained = {row.way: row.trained for row in report.section("finetune.ways").rows}
    assert trained == {"full": 8 * 8 + 8 + 8 * 4 + 4, "frozen": 8 * 4 + 4}


def test_a_weight_that_a_scripted_layer_shares_is_one_and_trained() -> None:
    layer = nn.Linear(8, 8)
    model = nn.Sequential(layer, torch.jit.script(layer))
    work = archscope.train(model, rows()[:1]).totals

    assert (work.trainable, work.frozen) == (8 * 8 + 8, 0)
    assert (work.forward, work.backward) == (2 * 8 * 8, 3 * 8 * 8)  # the input needs no gradient
    assert archscope.memory(model, rows()).totals.weights == (8 * 8 + 8) * 4


def test_a_branch_is_trained() -> None:
    model = Around(
        lambda self, x: torch.cond(x.shape[0] > 1, self.layer, lambda x: x.clone(), (x,))
    )
    assert archscope.memory(model, rows()).totals.gradients == (8 * 8 + 8) * 4


class Alike(nn.Linear):
    """A layer that is equal to every other."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alike)

    def __hash__(self) -> int:
        return 1


def test_modules_that_torch_takes_for_one_are_refused() -> None:
    alone, twice = Alike(4, 4), nn.Sequential(Alike(4, 4), Alike(4, 4))

    assert archscope.params(nn.Sequential(alone, alone), torch.zeros(2, 4)).totals.macs == 2 * 32
    with pytest.raises(ArchscopeError, match="torch does not list 1 of a Sequential"):
        archscope.params(twice, torch.zeros(2, 4))


class HeadAlone(nn.Module):
    """Tells an optimizer of its head alone, though all of it is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.body, self.head = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        return self.head.parameters(recurse)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.body(self.first(x)))


def test_parameters_that_a_network_does_not_tell_are_seen() -> None:
    plain = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2))
    for ask in (archscope.train, archscope.memory):
        assert ask(HeadAlone(), rows()).totals == ask(plain, rows()).totals


CHANCES: dict[str, Callable[[], Any]] = {
    "random": lambda: random.random(),
    "numpy": lambda: numpy.random.rand(),
    "torch": lambda: torch.rand(()).item(),
}


@pytest.mark.parametrize("whose", CHANCES)
def test_layers_that_chance_leaves_out_are_told_as_one_draw(whose: str) -> None:
    def run(self: Any, x: Tensor) -> Tensor:
        return self.layer(x) if CHANCES[whose]() < 2 else x

    for ask in (archscope.params, archscope.train, archscope.memory):
        said = " ".join(note.text for note in ask(Around(run), rows()).notes)
        assert "this is one draw" in said


def test_noise_and_dropout_choose_no_layers() -> None:
    def run(self: Any, x: Tensor) -> Any:
        return functional.dropout(self.layer(x + torch.randn(8)), training=self.training)

    for ask in (archscope.params, archscope.memory):
        assert "one draw" not in str(ask(Around(run), rows()).notes)


def test_a_forward_that_differentiates_is_counted_with_gradients() -> None:
    def run(self: Any, x: Tensor) -> Tensor:
        x = x.requires_grad_()
        return torch.autograd.grad(self.layer(x).sum(), x)[0]

    assert is_exact(
        counted(Around(run)), 2 * LAYER
    )  # the product, and that of its input's gradient


def test_work_of_a_weight_is_its_holders_in_a_step_too() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    x = torch.zeros(1, ROWS, 8)

    of_forward = {row.path: row.own_macs for row in archscope.params(layer, x).sections[0].rows}
    of_step = {row.path: row.own_forward for row in archscope.train(layer, x).sections[0].rows}

    assert of_step == of_forward
    assert of_step["self_attn.out_proj"] == LAYER


def test_rows_of_several_lengths_are_trained() -> None:
    def run(self: Any, x: Tensor) -> Any:
        parts = torch.nested.as_nested_tensor([x[:1], x[1:]], layout=torch.jagged)
        return self.layer(parts).values()

    it = Around(run)
    assert archscope.memory(it, rows()).totals.saved == kept(it, rows())
    assert archscope.train(it, rows()).totals.backward == LAYER
