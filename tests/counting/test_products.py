"""Both engines read any product alike: fvcore's from its shapes, torch's from what it runs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from archscope.counting.forward import count_forward
from archscope.subject import Inputs, Subject

SIZES = {"a": 2, "b": 3, "c": 5, "d": 1, "e": 4}


class Einsum(nn.Module):
    def __init__(self, equation: str) -> None:
        super().__init__()
        self.equation = equation

    def forward(self, *operands: Tensor) -> Tensor:
        return torch.einsum(self.equation, *operands)


@st.composite
def equations(draw: Any) -> tuple[str, list[str]]:
    term = st.lists(st.sampled_from(sorted(SIZES)), min_size=1, max_size=4, unique=True)
    terms = ["".join(letters) for letters in draw(st.lists(term, min_size=2, max_size=5))]
    letters = sorted(set("".join(terms)))
    result = "".join(draw(st.lists(st.sampled_from(letters), unique=True, max_size=4)))
    return f"{','.join(terms)}->{result}", terms


@given(equations())
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
def test_the_engines_read_an_equation_alike(drawn: tuple[str, list[str]]) -> None:
    equation, terms = drawn
    operands = tuple(torch.zeros([SIZES[letter] for letter in term]) for term in terms)
    fvcore, dispatcher = counts(Einsum(equation), *operands)

    assert fvcore == dispatcher, equation


@st.composite
def abbreviated(draw: Any) -> tuple[str, list[list[int]]]:
    """Return an equation with an ellipsis or without a result, and shapes that broadcast."""
    term = st.lists(st.sampled_from(sorted(SIZES)), min_size=1, max_size=3, unique=True)
    terms = ["".join(letters) for letters in draw(st.lists(term, min_size=2, max_size=3))]
    batches = draw(st.lists(st.integers(0, 2), min_size=len(terms), max_size=len(terms)))
    dotted = draw(st.booleans())
    shapes = [
        [1 if draw(st.booleans()) else size for size in (3, 2)[2 - count * dotted :]]
        + [1 if draw(st.integers(0, 5)) == 0 else SIZES[letter] for letter in term]
        for term, count in zip(terms, batches, strict=True)
    ]
    left = ", ".join(f"...{term}" if dotted else term for term in terms)
    if draw(st.booleans()):
        return left, shapes
    letters = "".join(draw(st.lists(st.sampled_from(sorted(set("".join(terms)))), unique=True)))
    return f"{left} -> {'...' if dotted and draw(st.booleans()) else ''}{letters}", shapes


@given(abbreviated())
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
def test_the_engines_read_an_abbreviated_equation_alike(
    drawn: tuple[str, list[list[int]]],
) -> None:
    equation, shapes = drawn
    fvcore, dispatcher = counts(Einsum(equation), *map(torch.zeros, shapes))

    assert fvcore == dispatcher, drawn


class Chain(nn.Module):
    def forward(self, *matrices: Tensor) -> Tensor:
        return torch.linalg.multi_dot(matrices)


@given(
    sizes=st.lists(st.integers(1, 9), min_size=3, max_size=6),
    vectors=st.tuples(st.booleans(), st.booleans()),
)
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
def test_the_engines_read_a_chain_alike(sizes: list[int], vectors: tuple[bool, bool]) -> None:
    shapes = [[*pair] for pair in pairwise(sizes)]
    shapes[0] = shapes[0][vectors[0] :]
    shapes[-1] = shapes[-1][: 2 - vectors[1]]

    fvcore, dispatcher = counts(Chain(), *map(torch.zeros, shapes))

    assert fvcore == dispatcher


class Of(nn.Module):
    """A function of tensors."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *operands: Tensor) -> Tensor:
        return self.function(*operands)


@pytest.mark.parametrize(
    ("function", "shapes", "macs"),
    [
        (torch.linalg.vecdot, ((2, 1, 5), (3, 5)), 2 * 3 * 5),
        # an axis of one has nothing to be summed with: what the other lacks is summed before
        (lambda a, b: torch.einsum("ij,jk->ik", a, b), ((3, 1), (5, 4)), 0),
        (lambda a, b: torch.einsum("ij,jk->ik", a, b), ((3, 0), (0, 4)), 0),
        # by a given path the last two first; on its own torch goes from the left: 2*3*5 + 2*5*7
        (
            lambda *x: torch._VF.einsum("ab,bc,cd->ad", x, path=(1, 2, 0, 1)),
            ((2, 3), (3, 5), (5, 7)),
            3 * 5 * 7 + 2 * 3 * 7,
        ),
        (torch.linalg.vecdot, ((3, 5), (2, 1, 5)), 2 * 3 * 5),
        (torch.inner, ((2, 3, 5), (4, 5)), 2 * 3 * 4 * 5),
        (lambda a, b: torch.tensordot(a, b, dims=([0, 2], [2, 0])), ((2, 3, 5), (5, 4, 2)), 120),
        (lambda a, b: torch.conv_tbc(a, b, torch.zeros(4), 1), ((5, 2, 3), (2, 3, 4)), 6 * 2 * 24),
        (torch.nn.functional.bilinear, ((2, 3), (2, 4), (5, 3, 4)), 2 * 5 * 3 * (4 + 1)),
        (torch.baddbmm, ((2, 1, 4), (2, 3, 5), (2, 5, 4)), 2 * 3 * 5 * 4),
        (torch.addbmm, ((3, 4), (2, 3, 5), (2, 5, 4)), 2 * 3 * 5 * 4),
        (torch.addmv, ((3,), (3, 5), (5,)), 15),
        (torch.mv, ((3, 5), (5,)), 15),
        (
            torch.nn.functional.scaled_dot_product_attention,
            ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6)),
            2 * 3 * 5 * 7 * (4 + 6),
        ),
        (
            torch.nn.functional.scaled_dot_product_attention,
            ((3, 5, 4), (3, 7, 4), (3, 7, 6)),
            3 * 5 * 7 * (4 + 6),
        ),
    ],
)
def test_the_engines_read_unlike_sizes_alike(
    function: Callable[..., Tensor], shapes: tuple[tuple[int, ...], ...], macs: int
) -> None:
    assert counts(Of(function), *map(torch.zeros, shapes)) == (macs, macs)


class Matmul(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a @ b


@given(
    batch=st.lists(st.integers(1, 3), max_size=2),
    dropped=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    ones=st.tuples(st.booleans(), st.booleans()),
    sizes=st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)),
    vectors=st.tuples(st.booleans(), st.booleans()),
)
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
def test_the_engines_read_a_matrix_product_alike(
    batch: list[int],
    dropped: tuple[int, int],
    ones: tuple[bool, bool],
    sizes: tuple[int, int, int],
    vectors: tuple[bool, bool],
) -> None:
    m, k, n = sizes
    left, right = ([1 if one else size for size in batch] for one in ones)
    a = [k] if vectors[0] else [*left[dropped[0] :], m, k]
    b = [k] if vectors[1] else [*right[dropped[1] :], k, n]

    fvcore, dispatcher = counts(Matmul(), torch.zeros(a), torch.zeros(b))

    # every element of the result sums over k
    expected = (torch.zeros(a) @ torch.zeros(b)).numel() * k
    assert fvcore == dispatcher == expected, (a, b)


class Fused(nn.Module):
    """A layer of 6 features, 2 heads and 10 hidden features, by the operators that do all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(6, 2, 10, batch_first=True)

    def forward(self, x: Tensor, *more: Tensor) -> Any:
        layer, attn = self.layer, self.layer.self_attn
        weights = (attn.in_proj_weight, attn.in_proj_bias, *attn.out_proj.parameters())
        if more:
            return torch._native_multi_head_attention(x, *more, 6, 2, *weights)[0]
        norms = (*layer.norm1.parameters(), *layer.norm2.parameters())
        hidden = (*layer.linear1.parameters(), *layer.linear2.parameters())
        sizes = (6, 2)
        return torch._transformer_encoder_layer_fwd(
            x, *sizes, *weights, False, False, 1e-5, *norms, *hidden
        )


def test_the_engines_read_fused_attention_alike() -> None:
    x = torch.zeros(2, 5, 6)

    # 2 x 5 queries, keys, values and answers of 6 x 6; two products of 5 x 5 x 6.
    assert counts(Fused(), x, x, x) == (2_040,) * 2 == (2 * (20 * 36 + 2 * 5 * 5 * 6),) * 2
    # 2 x 5 tokens of 4 x 36 and 2 x 60, and their products.
    assert counts(Fused(), x) == (3_240,) * 2 == (2 * (5 * (144 + 120) + 2 * 5 * 5 * 6),) * 2


def counts(model: nn.Module, *operands: Tensor) -> tuple[int, int]:
    """Return what fvcore and what the dispatcher says."""
    inputs = Inputs(args=operands)
    found = count_forward(Subject(name="", model=model, inputs=inputs, origin="memory"))
    assert found.failure is None
    assert found.fvcore is not None
    return sum(found.fvcore.macs.values()), sum(found.dispatcher.macs().values())
