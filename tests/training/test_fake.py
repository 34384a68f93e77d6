"""A step without data leaves torch's compiler alone, and torch as it was."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from typing import Any

import pytest
import torch
from torch import nn

from archscope.running.formulas import COMPILER, _formulas, formulas_alone
from archscope.subject import Inputs, Subject
from archscope.training import fake
from archscope.training.optimisers import optimiser
from archscope.training.recipe import Recipe
from archscope.training.step import Step, run_step


class _Refusing(MetaPathFinder):
    """Fails where the compiler is imported."""

    def find_spec(self, name: str, *rest: object) -> None:
        if name.startswith(COMPILER):
            raise AssertionError(f"{name} was imported")


@pytest.fixture
def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """No compiler is there, and whoever asks for it fails."""
    for name in [each for each in sys.modules if each.startswith(COMPILER)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(vars(torch), "_dynamo", raising=False)
    for function in _formulas():
        monkeypatch.delitem(vars(function), "__dynamo_disable", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Refusing(), *sys.meta_path])


def _step() -> Step:
    norm = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.GELU(), nn.Softplus())
    inputs = Inputs(args=(torch.zeros(2, 4),), kwargs={})
    subject = Subject(name="it", model=norm.train(), inputs=inputs, origin="memory")
    return run_step(subject, Recipe(), optimiser("adamw"))


@pytest.mark.usefixtures("without_compiler")
def test_a_step_asks_nothing_of_it() -> None:
    found = _step()

    assert sum(each.bytes for each in found.saved) == 4 * (8 + 8 + 2 + 2 + 8 + 8)
    assert COMPILER not in sys.modules
    assert not any(vars(each).get("__dynamo_disable") for each in _formulas())


@pytest.mark.usefixtures("without_compiler")
def test_what_else_is_asked_of_it_is_imported() -> None:
    there = fake._Torch()

    assert there._dynamo.config._custom_ops_profile is None
    with pytest.raises(AssertionError, match=r"torch\._dynamo was imported"):
        _ = there._dynamo.config.verbose


@pytest.mark.usefixtures("without_compiler")
def test_its_own_answers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    if not _formulas():
        pytest.skip("older torch turns its compiler off around no formula")
    first, second, *_ = _formulas()
    answer = object()
    with formulas_alone():
        first.__dynamo_disable = answer
        assert second.__dynamo_disable is second

    assert first.__dynamo_disable is answer
    assert not hasattr(second, "__dynamo_disable")


def test_what_positions_and_masks_hold_is_known() -> None:
    class Reads(nn.Module):
        """Does without a mask where all positions follow each other, and nothing is padded."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            places = torch.arange(x.shape[0])
            places += 1
            if torch.all(places.diff() == 1) and mask.all() and places[-1].item() == len(x):
                return self.layer(x)  # type: ignore[no-any-return]
            return self.layer(x) * mask[:, None]  # type: ignore[no-any-return]

    mask = torch.ones(2, dtype=torch.bool)
    inputs = Inputs(args=(torch.zeros(2, 4), mask), kwargs={})
    subject = Subject(name="it", model=Reads(), inputs=inputs, origin="memory")

    step = run_step(subject, Recipe(), optimiser("sgd"))

    assert [each.shape for each in step.saved] == [(2, 4)]
    assert not step.has_data
    assert mask.all()


def test_a_view_has_the_strides_that_kernels_give_it() -> None:
    def views(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        last = x.permute(0, 2, 1)
        return last.view(1, 3, 4, 2), last.unflatten(2, (4, 2)), x[:, :1].reshape(1, 1, 3)

    real = [each.stride() for each in views(torch.empty(1, 8, 3))]
    with fake.fake_mode():
        told = views(torch.empty(1, 8, 3))

    # Not 24, though the one image lies so: by 3, a convolution takes it as channels first.
    assert real[0] == (3, 1, 6, 3)
    assert [each.stride() for each in told] == real


_LAST = torch.empty(2, 4, 3, 3).to(memory_format=torch.channels_last)
_TURNED = torch.empty(2, 3, 3, 4).permute(0, 2, 3, 1)  # neither in order nor channels last
_LAID_OUT: dict[str, Callable[[Any], Any]] = {
    "layer norm": lambda at: torch.ops.aten.native_layer_norm_backward(
        at(torch.empty(2, 4, 3).mT),
        at(torch.empty(2, 3, 4)),
        [4],
        *(at(torch.empty(2, 3, 1)) for _ in range(2)),
        None,
        None,
        [True, False, False],
    )[0],
    "log softmax": lambda at: torch.ops.aten._log_softmax_backward_data(
        at(_LAST), at(torch.empty(2, 4, 3, 3)), 1, torch.float32
    ),
    "hardswish": lambda at: torch.ops.aten.hardswish_backward(
        at(_LAST), at(torch.empty(2, 4, 3, 3))
    ),
    "elu": lambda at: torch.ops.aten.elu_backward(
        at(_LAST), 1, 1, 1, False, at(torch.empty(2, 4, 3, 3))
    ),
    "batch norm": lambda at: torch.ops.aten.native_batch_norm(
        at(_TURNED), *(at(torch.empty(3)) for _ in range(4)), True, 0.1, 1e-5
    )[0],
    "roll": lambda at: torch.ops.aten.roll(at(_LAST), [1], [2]),
    "padding": lambda at: torch.ops.aten.reflection_pad2d_backward(
        at(torch.empty(2, 4, 5, 5)), at(_LAST), [1, 1, 1, 1]
    ),
    "GLU": lambda at: torch.ops.aten.glu_backward(at(_LAST[:, :2]), at(_LAST), 1),
}


@pytest.mark.parametrize("name", _LAID_OUT)
def test_what_an_operator_makes_lies_as_a_kernel_lays_it(name: str) -> None:
    make = _LAID_OUT[name]
    real = make(lambda tensor: tensor)

    with fake.fake_mode() as mode:
        told = make(mode.from_tensor)

    assert told.shape == real.shape
    assert told.stride() == real.stride()


_NORMS: dict[str, Callable[[Any], Any]] = {
    "batch norm": lambda at: torch.ops.aten.native_batch_norm(
        at(torch.empty(2, 3, 1, 4)), *(at(torch.empty(3)) for _ in range(4)), True, 0.1, 1e-5
    ),
    "batch norm of a sequence": lambda at: torch.ops.aten.native_batch_norm(
        at(torch.empty(4, 5)), None, None, *(at(torch.empty(5)) for _ in range(2)), True, 0.1, 1e-5
    ),
    "batch norm, backward": lambda at: torch.ops.aten.native_batch_norm_backward(
        *(at(torch.empty(2, 3, 5)) for _ in range(2)),
        *(at(torch.ones(3)) for _ in range(5)),
        *(True, 1e-5, [True, True, True]),
    ),
    "batch norm that none is before": lambda at: torch.ops.aten.native_batch_norm_backward(
        *(at(torch.empty(2, 3, 5)) for _ in range(2)),
        *(at(torch.ones(3)) for _ in range(5)),
        *(False, 1e-5, [False, True, False]),
    ),
    "layer norm": lambda at: torch.ops.aten.native_layer_norm(
        at(torch.empty(2, 3, 4, 5)), [4, 5], *(at(torch.empty(4, 5)) for _ in range(2)), 1e-5
    ),
    "layer norm, backward": lambda at: torch.ops.aten.native_layer_norm_backward(
        *(at(torch.empty(2, 3, 4)) for _ in range(2)),
        *([4], *(at(torch.empty(2, 3, 1)) for _ in range(2))),
        *(at(torch.empty(4)), None, [False, True, False]),
    ),
}


@pytest.mark.parametrize("name", _NORMS)
def test_a_norm_makes_what_its_kernel_makes(name: str) -> None:
    real = _NORMS[name](lambda tensor: tensor)

    with fake.fake_mode() as mode:
        told = _NORMS[name](mode.from_tensor)

    assert [*map(_memory, told)] == [*map(_memory, real)]


def _memory(tensor: torch.Tensor | None) -> Any:
    if tensor is None:
        return None
    return tensor.shape, tensor.stride(), tensor.dtype, tensor.untyped_storage().nbytes()
