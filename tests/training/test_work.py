"""The backward by which operands need a gradient is the backward that torch runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import archscope
import archscope.training.products as products_of_steps
from archscope import build
from archscope.subject import Inputs, Subject
from archscope.training.recipe import Adapters, Recipe, Recompute
from archscope.training.work import Work, count_step
from tests.training.graphs import SHAPE, STEPS, Graph, really
from tests.training.networks import KINDS, Block


def subject(model: nn.Module, *shape: int) -> Subject:
    inputs = Inputs(args=(torch.zeros(shape, device="meta"),))
    return Subject(name="it", model=model, inputs=inputs, origin="memory")


def flops(work: Work) -> tuple[int, int, int]:
    """Return FLOPs of forward, backward and what runs again, 2 for a multiply-accumulate."""
    return (2 * work.forward.total(), 2 * work.backward.total(), 2 * work.again.total())


def agrees(work: Work) -> bool:
    closed = work.by_weight + work.by_input
    return closed == work.backward and not work.functions and not work.unknown


@pytest.mark.parametrize("kind", KINDS)
def test_both_roads_agree_module_by_module(kind: str) -> None:
    make, shape = KINDS[kind]
    with torch.device("meta"):
        model = make().train()

    assert agrees(count_step(subject(model, *shape), Recipe()))


def blocks(**more: Any) -> nn.Module:
    with torch.device("meta"):
        return nn.Sequential(*[Block(256, 4, 1024, fused=False, **more) for _ in range(3)])


def test_resnet_50_needs_no_gradient_of_the_image() -> None:
    with torch.device("meta"):
        model = build("resnet50")
    it = subject(model, 1, 3, 224, 224)

    forward, backward, _ = flops(count_step(it, Recipe()))
    probe = count_step(it, Recipe(freeze=("conv1", "bn1", "layer*")))

    # 3 F less the gradient of the image: 2 x 112 x 112 x 64 x 3 x 7 x 7
    assert (forward, forward + backward) == (8_178_368_512, 3 * 8_178_368_512 - 236_027_904)
    assert flops(probe)[1] == 2 * 2048 * 1000  # the weight of fc alone
    assert agrees(probe)


def test_adapters_cost_about_a_forward_in_the_backward() -> None:
    recipe = Recipe(adapters=Adapters(rank=8, targets=("q", "v")))
    work = count_step(subject(blocks(), 2, 256, 256), recipe)

    assert flops(work)[:2] == (2_843_738_112, 2_998_927_360)
    assert agrees(work)


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        # 2*5*8 results of 3*3 products, four real ones each; as often for the weight's gradient
        (nn.Conv1d(3, 5, 3, dtype=torch.cfloat), 4 * 2 * 5 * 8 * 9),
        # 2*4*10 inputs, each for 3 channels of its group and 3 taps
        (nn.ConvTranspose1d(4, 6, 3, groups=2, dtype=torch.cfloat), 4 * 2 * 4 * 10 * 9),
    ],
)
def test_a_complex_convolution_is_four_real_ones_both_ways(layer: Any, macs: int) -> None:
    x = torch.zeros(2, layer.in_channels, 10, dtype=torch.cfloat)
    it = Subject(name="it", model=layer, inputs=Inputs(args=(x,)), origin="memory")
    work = count_step(it, Recipe())

    assert flops(work) == (2 * macs, 2 * macs, 0)
    assert agrees(work)


def test_what_runs_again_is_the_forward_of_its_blocks() -> None:
    work = count_step(subject(blocks(dropout=0.1), 2, 256, 256), Recipe(recompute=Recompute()))
    forward, backward, again = flops(work)

    # With dropout at its end a block runs again to the end; without, its last product is spared.
    assert (backward, again) == (2 * forward, forward)
    spared = flops(count_step(subject(blocks(), 2, 256, 256), Recipe(recompute=Recompute())))[2]
    assert forward - spared == 3 * 2 * 512 * 256 * 1024


class GradientCheckpointingLayer(nn.Module):
    """A block as transformers makes them: its cache grows unless it is told to run again."""

    gradient_checkpointing = False

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def __call__(self, x: Any, cache: Any = None) -> Any:
        if self.gradient_checkpointing and self.training:
            again: Any = self._gradient_checkpointing_func
            return again(super().__call__, x, None)
        return super().__call__(x, cache)

    def forward(self, x: Any, cache: Any) -> Any:
        if cache is not None:
            cache.append(x)
            x = cache[0] if len(cache) == 1 else cache[0] @ x
        return self.fc(x).tanh()


class Cached(nn.Module):
    """A stack of such blocks, with a cache for each."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(GradientCheckpointingLayer() for _ in range(2))

    def forward(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x, [])
        return x


class OlderBlock(nn.Module):
    """A block that knows nothing of running again."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    forward = GradientCheckpointingLayer.forward


class Older(nn.Module):
    """A stack as transformers had them: what is around runs its blocks again, without a cache."""

    gradient_checkpointing = False

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(OlderBlock() for _ in range(2))

    def forward(self, x: Any) -> Any:
        for block in self.blocks:
            if self.gradient_checkpointing:
                again: Any = self._gradient_checkpointing_func
                x = again(block.__call__, x, None)
            else:
                x = block(x, [])
        return x


@pytest.mark.parametrize("made", [Cached, Older])
def test_blocks_of_transformers_run_again_without_their_cache(made: type[nn.Module]) -> None:
    work = count_step(subject(made(), 3, 4), Recipe(recompute=Recompute()))

    assert flops(work)[2] == flops(work)[0] == 2 * 2 * 3 * 4 * 4
    assert agrees(work)


def test_a_depthwise_gradient_has_groups() -> None:
    with torch.device("meta"):
        model = nn.Sequential(nn.Conv2d(3, 32, 1), nn.Conv2d(32, 32, 3, groups=32, bias=False))
    work = count_step(subject(model, 1, 3, 10, 10), Recipe())

    assert work.backward["1"] == 2 * 8 * 8 * 32 * 9  # for the weight and for the input
    assert agrees(work)


class _Sparse(nn.Module):
    """Multiplies (6, 4) by a matrix of (5, 6) of which five elements are trained."""

    def __init__(self, multiply: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self.values = nn.Linear(4, 4), nn.Parameter(torch.ones(5))
        self.multiply = multiply

    def forward(self, x: Tensor) -> Tensor:
        places = torch.arange(5).expand(2, 5)
        return self.multiply(torch.sparse_coo_tensor(places, self.values, (5, 6)), self.layer(x))


STORED, DENSE = 5 * 4, 5 * 6 * 4
"""What a product with the five elements multiplies, and one with the whole matrix."""


@pytest.mark.parametrize(
    ("multiply", "by_matrix"),
    [
        (torch.sparse.mm, DENSE),
        (torch.mm, DENSE),
        (lambda matrix, y: y.t() @ matrix.transpose(0, 1), DENSE),
        (lambda matrix, y: torch.sparse.addmm(y[:5], matrix, y), DENSE),
        (lambda matrix, y: torch.bmm(matrix[None], y[None]), DENSE),
        (lambda matrix, y: matrix.to_sparse_csr() @ y, DENSE),
        (lambda matrix, y: torch.sparse.mm(matrix.to_sparse_csr(), y), STORED),
        (lambda matrix, y: torch.mv(matrix, y[:, 0]), 0),
    ],
)
def test_a_sparse_gradient_is_masked_after_a_whole_product(
    multiply: Callable[[Tensor, Tensor], Tensor], by_matrix: int
) -> None:
    inputs = Inputs(args=(torch.ones(6, 4),))
    it = Subject(name="it", model=_Sparse(multiply), inputs=inputs, origin="memory")

    work = count_step(it, Recipe())

    assert agrees(work)
    by_input = STORED if by_matrix else 5
    assert work.backward[""] == by_matrix + by_input


@settings(max_examples=20, deadline=None)
@given(
    chain=st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.booleans()), min_size=1, max_size=6)
)
def test_any_graph_multiplies_what_torchs_own_counter_says(chain: list[tuple[str, bool]]) -> None:
    with torch.device("meta"):
        model = Graph(chain)
    work = count_step(subject(model, *SHAPE), Recipe())

    assert agrees(work)
    assert sum(flops(work)) == really(model)


def test_a_product_whose_formula_says_nothing_is_unknown_and_not_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = products_of_steps.operator_of

    def without_numbers(func: Any) -> Any:
        operator = known(func)
        silent = dataclasses.replace(operator, formula=lambda *_, **__: None)
        return silent if operator.name == "aten::addmm" else operator

    monkeypatch.setattr(products_of_steps, "operator_of", without_numbers)

    with torch.device("meta"):
        model = nn.Linear(4, 4)
    assert count_step(subject(model, 3, 4), Recipe()).unknown == {"aten::addmm"}


class Scaled(nn.Linear):
    """Multiplies by what it makes of its weight."""

    def __init__(self) -> None:
        super().__init__(8, 8)
        self.register_buffer("mask", torch.ones(8, 8))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, (self.weight * self.mask / self.weight.max()).half().float())


def test_what_is_made_of_a_weight_alone_is_a_weight() -> None:
    with torch.device("meta"):
        model = nn.Sequential(Scaled(), nn.utils.parametrizations.weight_norm(nn.Linear(8, 8)))
    work = count_step(subject(model, 2, 8), Recipe())

    # Each layer's weight, and the second one's input; 2 x 8 x 8 multiply-accumulates each.
    assert (work.by_weight.total(), work.by_input.total()) == (256, 128)


class Recurrent(nn.Module):
    """An LSTM whose forward may read a value, so that it runs on data alone."""

    def __init__(self, *, reads: bool) -> None:
        super().__init__()
        self.lstm, self.reads = nn.LSTM(8, 8), reads

    def forward(self, x: Tensor) -> Tensor:
        if self.reads:
            x = x * x.numpy().max()
        out: Tensor = self.lstm(x)[0]
        return out


def test_a_recurrence_on_data_is_that_on_shapes() -> None:
    # oneDNN's layer has four weights in one operator, and makes gradients that nobody asks for
    x, both = torch.rand(3, 2, 8), [Recurrent(reads=each) for each in (False, True)]
    on_shapes, on_data = (archscope.train(each, x).totals for each in both)
    kept = {archscope.memory(each, x).totals.saved for each in both}

    # 6 rows meet two matrices of 32 x 8; each has a gradient
    assert (on_data.forward, on_data.by_weight) == (6 * 2 * 256, 6 * 2 * 256)
    assert on_data == on_shapes
    assert on_data.complete
    assert len(kept) == 1
