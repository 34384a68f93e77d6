"""A pass runs a copy: the network, its inputs and torch stay as they were, also after an error."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from archscope.errors import ArchscopeError, ForwardError, UsageError
from archscope.running.twin import Original
from archscope.subject import Inputs
from archscope.timing.passes import Way, differentiable, first_call, ready
from archscope.timing.placement import channels_last

CPU = torch.device("cpu")


class Messy(nn.Module):
    """A module that changes all that a forward can change."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.fc = nn.Linear(4, 4)
        self.dropout = nn.Dropout(0.5)
        self.register_buffer("steps", torch.zeros(1))
        self.fails = fails
        self.seen: list[int] = []
        self.plain = torch.zeros(2)

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(1)
        self.steps += 1
        self.plain += 1
        self.extra = x
        x += 1
        random.random()
        if self.fails:
            raise ValueError("half-way")
        return self.dropout(self.fc(self.norm(x)))


def snapshot(model: Messy, x: Tensor) -> list[Any]:
    return [
        {name: value.clone() for name, value in model.state_dict().items()},
        {name: parameter.grad for name, parameter in model.named_parameters()},
        [(module.training, len(module._forward_hooks)) for module in model.modules()],
        (list(model.seen), model.plain.clone(), hasattr(model, "extra")),
        [parameter.dtype for parameter in model.parameters()],
        x.clone(),
        torch.get_rng_state(),
        random.getstate(),
        torch.is_grad_enabled(),
    ]


def same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


@pytest.mark.parametrize("step", ["forward", "train"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_everything_is_as_it_was(step: Any, precision: Any) -> None:
    model, x = Messy().train(), torch.randn(8, 4)
    before = snapshot(model, x)

    with ready(
        model, Inputs(args=(x,)), device=CPU, precision=precision, way=Way(step=step)
    ) as workload:
        for _ in range(3):
            for stage in workload.stages:
                stage.run()
        assert workload.model is not model

    assert same(snapshot(model, x), before)


@pytest.mark.parametrize("step", ["forward", "train"])
def test_also_after_an_error(step: Any) -> None:
    model, x = Messy(fails=True), torch.randn(8, 4)
    before = snapshot(model, x)

    def run() -> None:
        with ready(
            model, Inputs(args=(x,)), device=CPU, precision="fp32", way=Way(step=step)
        ) as workload:
            first_call(workload.stages[0].run)

    with pytest.raises(ForwardError, match="the forward pass failed: ValueError: half-way"):
        run()
    assert same(snapshot(model, x), before)


def test_a_forward_runs_in_evaluation_mode_without_gradients() -> None:
    with ready(
        Messy().train(), Inputs(args=(torch.randn(8, 4),)), device=CPU, precision="fp32"
    ) as workload:
        output = workload.stages[0].run()

        assert isinstance(output, Tensor)
        assert not output.requires_grad
        assert not workload.model.training


def test_numbers_are_cast_and_words_are_not() -> None:
    seen: list[torch.dtype] = []

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 2).double()

        def forward(self, x: Tensor, words: Tensor, *, mask: Tensor) -> Tensor:
            seen.extend((x.dtype, words.dtype, mask.dtype, self.fc.weight.dtype))
            return self.fc(x)

    inputs = Inputs(
        args=(torch.randn(1, 2), torch.ones(1, 2, dtype=torch.long)),
        kwargs={"mask": torch.ones(1, 2, dtype=torch.bool)},
    )
    with ready(Two(), inputs, device=CPU, precision="bf16") as workload:
        workload.stages[0].run()

    assert seen == [torch.bfloat16, torch.long, torch.bool, torch.bfloat16]


def test_tied_weights_stay_tied_in_the_copy() -> None:
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight

    with ready(model, Inputs(args=(torch.randn(1, 3),)), device=CPU, precision="fp16") as workload:
        assert len(list(workload.model.parameters())) == 1


def test_a_training_step_computes_gradients_and_leaves_the_weights() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2))
    model[0].bias.requires_grad_(False)

    with ready(
        model,
        Inputs(args=(torch.randn(5, 3),)),
        device=CPU,
        precision="fp32",
        way=Way(step="train"),
    ) as workload:
        assert [stage.name for stage in workload.stages] == ["forward", "backward", "optimiser"]
        forward, backward, update = workload.stages
        weights = {name: p.clone() for name, p in workload.model.named_parameters()}
        forward.run()
        backward.run()
        gradients = {name: p.grad for name, p in workload.model.named_parameters()}
        assert gradients.pop("0.bias") is None
        assert all(each is not None and each.abs().sum() > 0 for each in gradients.values())
        update.run()
        assert all(p.grad is None for p in workload.model.parameters())
        for name, parameter in workload.model.named_parameters():
            assert torch.equal(parameter, weights[name])


def test_every_output_takes_part_in_the_loss() -> None:
    a, b = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)

    found = differentiable({"x": a * 2, "y": [b * 2, torch.ones(1)], "words": "none"})

    assert [tensor.numel() for tensor in found] == [2, 3]


def test_what_cannot_be_trained_says_so() -> None:
    x = torch.randn(1, 2)
    frozen = nn.Linear(2, 2).requires_grad_(False)

    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            return x

    for model, why in ((frozen, "no parameter has requires_grad"), (Constant(), "no output")):
        with (
            pytest.raises(ArchscopeError, match=why),
            ready(model, Inputs(args=(x,)), device=CPU, precision="fp32", way=Way(step="train")),
        ):
            pass


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (nn.Linear(2, 2, device="meta"), "holds no data"),
        (nn.LazyLinear(2), "has no shape yet"),
    ],
)
def test_a_network_without_data_is_refused(model: nn.Module, why: str) -> None:
    with (
        pytest.raises(ArchscopeError, match=why),
        ready(model, Inputs(args=(torch.ones(1, 2),)), device=CPU, precision="fp32"),
    ):
        pass


@pytest.mark.parametrize("error", [TypeError, NotImplementedError])
def test_a_device_that_has_no_such_numbers_is_said_in_one_line(error: Any) -> None:
    class Complex(nn.Linear):
        def _apply(self, fn: Any, recurse: bool = True) -> Any:
            raise error("Trying to convert ComplexFloat to the MPS backend\nmore")

    with (
        pytest.raises(ArchscopeError) as failed,
        ready(Complex(2, 2), Inputs(args=(torch.ones(1, 2),)), device=CPU, precision="bf16"),
    ):
        pass
    assert str(failed.value) == (
        f"it cannot be moved to cpu in bf16: {error.__name__}: Trying to convert ComplexFloat to "
        "the MPS backend"
    )


def test_running_out_of_memory_on_the_way_is_no_such_refusal() -> None:
    class Large(nn.Linear):
        def _apply(self, fn: Any, recurse: bool = True) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with (
        pytest.raises(torch.OutOfMemoryError),
        ready(Large(2, 2), Inputs(args=(torch.ones(1, 2),)), device=CPU, precision="bf16"),
    ):
        pass


class ByGlobalName(nn.Module):
    """Runs a layer that it finds by a name from outside."""

    def forward(self, x: Tensor) -> Tensor:
        return OUTSIDE["network"].fc(x)


OUTSIDE: dict[str, nn.Module] = {}


def test_a_network_that_reaches_itself_from_outside_says_so() -> None:
    model = OUTSIDE["network"] = ByGlobalName()
    model.fc = nn.Linear(2, 2)

    with (
        ready(model, Inputs(args=(torch.ones(1, 2),)), device=CPU, precision="fp32") as workload,
        pytest.raises(ArchscopeError, match="calls your own Linear"),
    ):
        first_call(workload.stages[0].run, workload.original)


class Chooses(nn.Module):
    """One of two layers, by the values: a choice that torch compiles, with what watches it."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        chosen: Tensor = torch.cond(x.sum() > 0, lambda v: self.a(v), lambda v: self.b(v), (x,))
        return chosen


def test_a_choice_within_the_network_is_watched_too() -> None:
    model, x = Chooses(), torch.ones(2, 4)

    with torch.no_grad():
        result = first_call(lambda: model(x), Original(nn.Linear(1, 1), Inputs(args=(x,))))
        assert torch.equal(result, model.a(x))


def test_what_has_a_history_or_holds_a_lock_is_copied() -> None:
    model = nn.Linear(2, 2)
    model.last = model(torch.ones(1, 2))
    model.lock = threading.Lock()

    with ready(model, Inputs(args=(torch.ones(1, 2),)), device=CPU, precision="fp32") as workload:
        first_call(workload.stages[0].run, workload.original)

        assert workload.model is not model


def test_without_a_copy_the_network_itself_is_moved() -> None:
    model = nn.Linear(2, 2)

    with ready(
        model, Inputs(args=(torch.ones(1, 2),)), device=CPU, precision="bf16", copy=False
    ) as workload:
        assert workload.model is model

    assert model.weight.dtype == torch.bfloat16


class Seen(nn.Module):
    """Attention and a convolution, and what they were called with."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, bias=False)
        self.types: list[torch.dtype] = []
        self.last: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        made = self.conv(x)
        self.types.append(made.dtype)
        formats = (each.is_contiguous(memory_format=torch.channels_last) for each in (x, made))
        self.last.extend((*formats, torch.backends.cudnn.benchmark))
        heads = made.flatten(2).transpose(1, 2).contiguous()[:, None]
        return F.scaled_dot_product_attention(heads, heads, heads)


def seen(way: Way) -> Seen:
    x = torch.randn(1, 2, 6, 6)
    with ready(Seen(), Inputs(args=(x,)), device=CPU, precision="fp32", way=way) as workload:
        workload.stages[0].run()
        assert isinstance(workload.model, Seen)
        assert workload.model.conv.weight.dtype is torch.float32
        return workload.model


def test_autocast_leaves_weights_in_32_bits() -> None:
    assert seen(Way(autocast="bf16")).types == [torch.bfloat16]
    assert seen(Way()).types == [torch.float32]


def test_channels_last_and_cudnns_switch_hold_within_a_pass_alone() -> None:
    assert seen(Way()).last == [False, False, False]
    assert seen(Way(channels_last=True, benchmark=True)).last == [True, True, True]
    assert not torch.backends.cudnn.benchmark


@pytest.mark.parametrize(("batch", "axes"), [((2,), 3), ((), 3), ((2,), 2)])
def test_volumes_are_laid_out_with_and_without_a_batch(batch: tuple[int, ...], axes: int) -> None:
    kind = {2: nn.Conv2d, 3: nn.Conv3d}[axes]
    x = torch.randn(*batch, 4, *range(5, 5 + axes))
    model = kind(4, 4, 3)
    (given,) = channels_last(model, Inputs(args=(x,))).args

    # channels lie next to each other, behind the axes of space
    assert given.stride(given.dim() - axes - 1) == model.weight.stride(1) == 1
    assert torch.equal(given, x)


def test_what_has_no_images_is_not_laid_out_anew() -> None:
    with (
        pytest.raises(UsageError, match="no input has 4 or 5 axes"),
        ready(
            nn.Linear(2, 2),
            Inputs(args=(torch.ones(1, 2),)),
            device=CPU,
            precision="fp32",
            way=Way(channels_last=True),
        ),
    ):
        pass


@pytest.mark.parametrize("kernel", ["math", "flash"])
def test_one_kernel_of_attention_alone_may_run(kernel: Any) -> None:
    called: list[str] = []

    class Watching(TorchDispatchMode):
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            called.append(str(func))
            return func(*args, **(kwargs or {}))

    with Watching():
        seen(Way(attention=kernel))
    # math is taken apart before the dispatcher sees it
    assert any("softmax" in each for each in called) == (kernel == "math")
    assert any("_flash_attention" in each for each in called) == (kernel == "flash")
    assert torch.backends.cuda.flash_sdp_enabled()
