"""What a network is called with, and what of it is called: made by code, by name, by a method."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import archscope
from archscope.cli import main
from archscope.errors import ForwardError, LoadError, UsageError
from archscope.running.method import calling

NETWORKS = Path(__file__).parent / "networks"


def _imported(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, NETWORKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NETS = _imported("brings_inputs")


@pytest.fixture
def macs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Return what counts by the command line, in the folder of the networks."""
    monkeypatch.chdir(NETWORKS)

    def count(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(["params", *arguments, "-f", "json"])
        said = capsys.readouterr()
        assert ended.value.code == 0, said.err
        found: int = json.loads(said.out)["totals"]["macs"]
        return found

    return count


@pytest.fixture
def refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Return what tells the error of a command line, which is one line and exit code 2."""
    monkeypatch.chdir(NETWORKS)

    def error(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["params", *arguments])
        said = capsys.readouterr()
        assert ended.value.code == 2, said.err
        assert said.err.count("\n") == 1
        return said.err

    return error


AUTO = "brings_inputs.py:Autoencoder"
# Three rows through 8 x 4 and 4 x 8 weights.
DOWN = UP = 3 * 8 * 4


@pytest.mark.parametrize(
    ("function", "method", "wanted"),
    [
        ("tensor", "forward", DOWN + UP),
        ("tensor", "encode", DOWN),
        ("arguments", "generate", 2 * (DOWN + UP)),
        ("keywords", "generate", 2 * (DOWN + UP)),
        ("both", "generate", 2 * (DOWN + UP)),
    ],
)
def test_inputs_that_a_function_makes(
    macs: Callable[..., int], function: str, method: str, wanted: int
) -> None:
    assert macs(AUTO, "--inputs", f"brings_inputs.py:{function}", "--method", method) == wanted


def test_inputs_stand_beside_the_network(macs: Callable[..., int]) -> None:
    # One dictionary that is the one argument: 5 * 4 * 2 + 5 * 3 * 2.
    assert macs("inputs_beside.py") == 5 * 4 * 2 + 5 * 3 * 2
    assert macs("brings_inputs.py:Own") == 7 * 6 * 5
    assert macs("brings_inputs.py:Lightning") == 3 * 6 * 5


def test_what_is_asked_for_goes_before_what_is_brought(macs: Callable[..., int]) -> None:
    assert macs("brings_inputs.py:Own", "--input-shape", "2,6") == 2 * 6 * 5
    assert macs("brings_inputs.py:Own", "--inputs", "inputs_for_own.py:rows") == 11 * 6 * 5


def test_numbers_words_and_dictionaries_are_inputs(macs: Callable[..., int]) -> None:
    plain = ("t=0.5", "mode=sum", 'options={"gain": 2}')
    flags = [word for text in plain for word in ("--input", text)]
    # 3 rows through 4 x 2 weights
    assert macs("brings_inputs.py:Scaled", "--input-shape", "3,4", *flags) == 3 * 4 * 2
    dotted = ("--input", "t=1", "--input", "mode=sum", "--input", "options.gain=2")
    assert macs("brings_inputs.py:Scaled", "--input-shape", "3,4", *dotted) == 3 * 4 * 2
    placed = ("--input-shape", "0:3,4", "--input", "1=1", "--input", "2=sum")
    options = ("--input", "options.gain=2")
    assert macs("brings_inputs.py:Scaled", *placed, *options) == 3 * 4 * 2


def test_a_number_changes_what_a_function_makes(macs: Callable[..., int]) -> None:
    made = ("--inputs", "brings_inputs.py:keywords", "--method", "generate")
    assert macs(AUTO, *made, "--input", "steps=5") == 5 * (DOWN + UP)


def test_what_holds_one_network_stands_for_it(macs: Callable[..., int]) -> None:
    assert macs("brings_inputs.py:trainer", "--input-shape", "3,8") == DOWN + UP
    # 3 * (16 * 4 + 4 * 16)
    assert macs("brings_inputs.py:Trainer(width=16)", "--input-shape", "3,16") == 2 * 3 * 16 * 4
    assert macs("brings_inputs.py:pipeline().vae", "--input-shape", "3,4") == 3 * 4 * 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((AUTO, "--method", "encod"), "has no method 'encod'. Did you mean 'encode'?"),
        ((AUTO, "--method", "training"), "has no method 'training'"),
        ((AUTO, "--inputs", "brings_inputs.py:nothing"), "nothing returned None"),
        ((AUTO, "--inputs", "brings_inputs.py:tensr"), "has no 'tensr'. Did you mean 'tensor'?"),
        ((AUTO, "--inputs", "none.py:f"), "--inputs: none.py does not exist"),
        ((AUTO, "--inputs", "brings_inputs.py:tensor", "--input-shape", "3,8"), "not both"),
        ((AUTO, "--input-shape", "3,8", "--input", "k=1"), "it has no input 'k'"),
        ((AUTO, "--input", "k"), "'k' is not KEY=VALUE"),
        ((AUTO, "--input", "x=1", "--input", "x=2"), "x is given twice"),
        (("brings_inputs.py:Scaled", "--input-shape", "3,4"), "(or --input t=VALUE"),
        (
            ("brings_inputs.py:pipeline", "--input-shape", "3,4"),
            "holds several networks: unet, vae; name one, e.g. ./brings_inputs.py:pipeline().unet",
        ),
        (("brings_inputs.py:pipeline().unett",), "has no 'unett'. Did you mean 'unet'?"),
        (("brings_inputs.py:tensor",), "returned a Tensor, not a torch.nn.Module"),
        (("cnn", "--method", "encode"), "--method is for a network of your own"),
        (("cnn", "--input", "t=1"), "--input is for a network of your own"),
        (("--inputs", "x.py:f"), "--inputs is for a network of your own"),
    ],
)
def test_errors_are_one_line(
    refused: Callable[..., str], arguments: tuple[str, ...], said: str
) -> None:
    assert said in refused(*arguments)


def test_python_has_the_same_words() -> None:
    name = str(NETWORKS / AUTO)
    made = f"{NETWORKS / 'brings_inputs.py'}:arguments"

    assert archscope.params(name, input_shape=(3, 8)).totals.macs == DOWN + UP
    assert archscope.params(name, input_shape="3,8", method="encode").totals.macs == DOWN
    assert archscope.params(name, inputs=made, method="generate").totals.macs == 2 * (DOWN + UP)
    found = archscope.params(name, input_shape="3,8", input={"steps": 3}, method="generate")
    assert found.totals.macs == 3 * (DOWN + UP)
    wide = archscope.params(name, input_shape="3,16", model_arg={"width": 16})
    assert wide.totals.macs == 2 * 3 * 16 * 4


def test_a_method_of_a_module_in_memory() -> None:
    model, x = NETS.Autoencoder(), torch.zeros(3, 8)
    before = dict(vars(model))

    encoded = archscope.params(model, x, method="encode", scale=2.0)
    assert encoded.totals.macs == DOWN
    assert encoded.title == "Autoencoder · encode() · input 3×8"
    assert [row.path for row in encoded.section("modules").rows][-2:] == ["down", "up"]
    assert archscope.params(model, x, 4, method="generate").totals.macs == 4 * (DOWN + UP)
    assert archscope.receptive_field(model, x, method="encode").totals.complete
    assert archscope.report(model, x, method="encode").totals.macs == DOWN
    timed = archscope.time(model, x, method="encode", device="cpu", budget=0.1)
    assert timed.totals is not None

    assert vars(model) == before  # the same objects
    assert not model._forward_hooks
    assert archscope.params(model, x).totals.macs == DOWN + UP


def test_a_method_may_call_forward_and_itself() -> None:
    class Recursive(nn.Linear):
        def again(self, x: torch.Tensor, times: int) -> torch.Tensor:
            return x if times == 0 else self.again(self(x), times - 1)

    model = Recursive(4, 4)
    x = torch.randn(2, 4)
    assert torch.equal(calling(model, "again")(x, 3), model.again(x, 3))
    assert archscope.params(model, x, 3, method="again").totals.macs == 3 * 2 * 16


def test_a_method_of_torchscript() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x) + self.encode(x)

        @torch.jit.export
        def encode(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x) * 2

    scripted, x = torch.jit.script(Net()), torch.randn(2, 4)
    assert torch.equal(calling(scripted, "encode")(x), scripted.encode(x))
    assert torch.equal(scripted(x), scripted.linear(x) + scripted.encode(x))


def test_what_holds_a_network_is_counted_in_python() -> None:
    found = archscope.params(NETS.Trainer(), torch.zeros(3, 8))
    assert found.totals.macs == DOWN + UP
    assert found.title == "Autoencoder, network of a Trainer · input 3×8"
    assert archscope.receptive_field(NETS.Trainer(), torch.zeros(3, 8)).totals.complete

    with pytest.raises(UsageError, match=r"this is a Pipeline, .* unet, vae; give its unet"):
        archscope.params(NETS.Pipeline(), torch.zeros(3, 4))
    with pytest.raises(UsageError, match=r"the class Linear, .* write Linear\(\.\.\.\)"):
        archscope.params(nn.Linear, torch.zeros(3, 4))
    for nothing in (None, 3, object(), {"a": 1}):
        with pytest.raises(UsageError, match=r"not a torch\.nn\.Module"):
            archscope.params(nothing, torch.zeros(3, 4))


def test_inputs_that_a_module_brings_are_used_in_python() -> None:
    assert archscope.params(NETS.Lightning()).totals.macs == 3 * 6 * 5
    assert archscope.params(NETS.Own()).totals.macs == 7 * 6 * 5
    assert archscope.params(NETS.Own(), torch.zeros(2, 6)).totals.macs == 2 * 6 * 5


@pytest.mark.parametrize("lazy", [nn.LazyLinear(4), nn.LazyConv1d(4, 1), nn.LazyBatchNorm1d()])
def test_lazy_layers_are_sized_on_a_copy(lazy: nn.Module) -> None:
    model = nn.Sequential(lazy, nn.ReLU())
    x = torch.randn(2, 6, 6)
    state = torch.get_rng_state()

    # What takes 6 channels: 6 * 4 + 4; a norm has a weight and a bias for each.
    wanted = 12 if isinstance(lazy, nn.LazyBatchNorm1d) else 28
    assert archscope.params(model, x).totals.trainable == wanted
    assert archscope.receptive_field(model, x).totals.complete

    assert model[0] is lazy
    assert lazy.has_uninitialized_params()  # type: ignore[operator]
    assert torch.equal(torch.get_rng_state(), state)


def test_a_lazy_layer_whose_forward_raises_is_one_error() -> None:
    with pytest.raises(LoadError, match="tells its lazy layers their sizes raised"):
        archscope.params(nn.Sequential(nn.LazyLinear(4), nn.Linear(3, 3)), torch.zeros(2, 6))


@pytest.mark.parametrize(
    ("lazy", "sizes"), [(nn.LazyConv1d(4, 3), "1, 3, 1024"), (nn.LazyLinear(4), "1, 3")]
)
def test_lazy_layers_ask_for_an_input_that_they_take(lazy: nn.Module, sizes: str) -> None:
    with pytest.raises(UsageError, match=f"from its input: give one, e.g. input_shape=.{sizes}"):
        archscope.params(lazy)


def test_inputs_are_of_a_module_and_are_tensors() -> None:
    """Other counters take shapes; an input beside a name was passed over in silence."""
    images, model = torch.zeros(2, 3, 8, 8), nn.Sequential(nn.Conv2d(3, 4, 3))
    asked: list[Callable[[], object]] = [
        lambda: archscope.params("resnet18", images),
        lambda: archscope.memory("resnet18", images),
        lambda: archscope.compare("resnet18", "resnet34", args=[images]),
    ]
    for ask in asked:
        with pytest.raises(UsageError, match="only a module takes inputs"):
            ask()
    for given in ((images.shape,), ((2, 3, 8, 8),)):
        with pytest.raises(ForwardError, match=r"A shape is not an input.*=\(2, 3, 8, 8\)"):
            archscope.params(model, *given)
    with pytest.raises(ForwardError, match="A shape is not an input"):
        archscope.params(model, input_size=(2, 3, 8, 8))


class Joined(nn.Module):
    """Takes two tensors by name, and is told how to join them."""

    def forward(self, first: torch.Tensor, second: torch.Tensor, *, dim: int = 0) -> torch.Tensor:
        return torch.cat([first, second], dim)


class Filled(nn.Module):
    """Has an argument of its own that is called like the keyword for shapes."""

    def forward(self, x: torch.Tensor, input_shape: tuple[int, ...] = (1,)) -> torch.Tensor:
        return x.expand(input_shape)


def test_a_module_in_memory_takes_the_shape_of_an_input() -> None:
    """As a network of one's own does by its name, and with the same words."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3))
    counted = archscope.params(net, torch.zeros(2, 3, 8, 8)).totals
    for shape in (
        (2, 3, 8, 8),
        [2, 3, 8, 8],
        "2,3,8,8",
        ["2,3,8,8"],
        [(2, 3, 8, 8)],
        tuple(np.array([2, 3, 8, 8])),
    ):
        assert archscope.params(net, input_shape=shape).totals == counted
    for ask in (archscope.rf, archscope.memory, archscope.report):
        assert ask(net, input_shape=(2, 3, 8, 8)).inputs[0].shape == (2, 3, 8, 8)
    both = archscope.compare(net, "resnet18", input_shape=(2, 3, 8, 8))
    assert "2×3×8×8" in both.title or both.section("totals").rows
    two = archscope.params(Joined(), input_shape=[(2, 3), "second:2,4"], dim=1)
    assert [each.shape for each in two.inputs] == [(2, 3), (2, 4)]
    assert archscope.params(net, input_shape=None).totals == archscope.params(net).totals


def test_an_argument_of_ones_own_of_that_name_stays_one() -> None:
    """It is what forward gets."""
    found = archscope.params(Filled(), torch.zeros(1), input_shape=(5,))
    assert found.section("modules").rows[0].output_shape == (5,)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((1, 3.5), "input_shape holds float: give sizes"),
        (torch.zeros(1, 3), "input_shape holds Tensor: give sizes"),
        ("1,3,-", "'-' .item 3. is not a size"),
        ([(1, 3), (1, 3)], "2 came without a name"),
    ],
)
def test_what_is_no_shape_is_refused(shape: object, said: str) -> None:
    """In one line that says what came."""
    with pytest.raises(UsageError, match=said):
        archscope.params(nn.Sequential(nn.Linear(3, 3)), input_shape=shape)
    with pytest.raises(UsageError, match="not both"):
        archscope.params(nn.Linear(3, 3), torch.zeros(1, 3), input_shape=(1, 3))


@pytest.mark.parametrize("ask", [archscope.rf, archscope.memory, archscope.train, archscope.audit])
def test_inputs_are_asked_for_as_the_first_layers_take_them(ask: Callable[..., object]) -> None:
    """An image's for a language model would be of no use."""
    for model, example in (
        (nn.Sequential(nn.Embedding(9, 4)), "input_shape='int64:1,128'"),
        (nn.Sequential(nn.Conv1d(3, 4, 3)), r"input_shape=\(1, 3, 1024\)"),
        (Joined(), r"input_shape=\['first:"),
    ):
        with pytest.raises(UsageError, match=f"needs an example input, e.g. {example}"):
            ask(model)
