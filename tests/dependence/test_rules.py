"""Rules of single operators against another road: each number of the input is altered, and what
changes in the output must be what the rule says, element by element; or lie within a bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, fft, nn

from archscope.dependence.answer.backward import ways
from archscope.dependence.answer.examine import Examination, examine
from archscope.dependence.record import prefixes as followed
from archscope.dependence.rules import running_sums
from archscope.dependence.sets.products import over
from archscope.dependence.sets.steps import Reshape
from archscope.subject import Inputs

Function = Callable[[Tensor], Any]
Case = tuple[tuple[int, ...], Function]
aten: Any = torch.ops.aten
ALTERED = (0.31, -0.57, 0.9, 3.0, -3.0)
"""What is added to a number of the input: small ones, and ones that change an order."""


class Run(nn.Module):
    """A function as a module."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def mask_of(function: Function, shape: Sequence[int], seeds: int = 2) -> NDArray[np.bool_]:
    """Return which element of the output changes with which of the input, in any of some draws."""
    found: Any = False
    for seed in range(seeds):
        generator = torch.Generator().manual_seed(seed)
        x = torch.rand(*shape, generator=generator, dtype=torch.float64) + 0.5
        before = dense(function(x.clone()))
        after = torch.stack([dense(function(y)) for y in altered(x)])
        changed = (after != before) & ~((after - before).abs() < 1e-9)
        found |= changed.view(x.numel(), len(ALTERED), before.numel()).any(1).numpy().T
    return np.asarray(found)


def altered(x: Tensor) -> Iterator[Tensor]:
    """Yield a tensor with one of its elements altered, each in each way."""
    for place in range(x.numel()):
        for step in ALTERED:
            y = x.clone()
            y.view(-1)[place] += step
            yield y


def dense(y: Tensor) -> Tensor:
    y = y.to_dense() if y.layout is not torch.strided else y
    return y.to(torch.complex128) if y.is_complex() else y.double().nan_to_num(7.0)


def said_of(found: Examination) -> NDArray[np.bool_]:
    """Return which element of the output is said to depend on which of the input."""
    target, seed = found.graph.outputs["0"], found.seed
    steps = [step for each in found.lowered for edge in each.edges for step in edge.steps]
    moves = [step for step in steps if isinstance(step, Reshape)]
    assert [each for each in moves if np.prod(each.before) != np.prod(each.after)] == []
    axes = tuple(range(len(seed.shape)))
    rows = []
    for unit in np.ndindex(*target.shape):
        back = ways(found.lowered, target, dict(enumerate(unit)), [seed])
        empty = np.zeros(seed.shape)
        rows.append((over(back[seed], axes) if seed in back else empty).reshape(-1) > 0)
    return np.stack(rows)


def look_at(function: Function, shape: Sequence[int]) -> Examination:
    x = torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.5
    return examine(Run(function), Inputs(args=(x,)))


def constant(*shape: int, seed: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64) + 0.5


def spd(x: Tensor) -> Tensor:
    """A matrix whose lower triangle is the input's, and that has a Cholesky factor."""
    return x + 30 * torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)


def on(values: Sequence[Any], x: Tensor) -> Tensor:
    return torch.tensor(values, device=x.device)


def like(x: Tensor, *shape: int, seed: int = 5) -> Tensor:
    return constant(*shape, seed=seed).to(x.device if not x.is_meta else "cpu")


def ahead(x: Tensor) -> Tensor:
    return torch.full((3, 3), -torch.inf, dtype=x.dtype).triu(1).to(on([0], x).device)


def windows_written(x: Tensor) -> Tensor:
    """What lies in several windows is written to through one."""
    windows = x.clone().unfold(0, 3, 1).unbind(0)
    windows[0].mul_(x[4])
    return torch.stack([each.sum() for each in windows])


def copies_written(x: Tensor) -> Tensor:
    copies = x[:1].clone().expand(3).unbind(0)
    copies[0].add_(x[3])
    return torch.stack(copies)


def parts_written(x: Tensor) -> Tensor:
    whole = x.clone()
    one, two = whole.unsafe_split(2)
    one.mul_(two)
    whole[1:3] = one.flip(0)
    return torch.cat([two, one])


LINEAR_ALGEBRA: dict[str, Case] = {
    "inverse": ((2, 3, 3), lambda x: torch.linalg.inv(spd(x))),
    "determinant": ((2, 3, 3), lambda x: torch.linalg.det(spd(x))),
    "log determinant": ((2, 3, 3), lambda x: torch.linalg.slogdet(spd(x))[1]),
    "pseudo-inverse": ((3, 2), torch.linalg.pinv),
    "exponential": ((2, 2, 2), torch.linalg.matrix_exp),
    "singular values": ((2, 3, 2), torch.linalg.svdvals),
    "eigenvalues": ((3, 3), lambda x: torch.linalg.eigvals(x).abs().sum()),
    "symmetric eigenvalues": ((2, 3, 3), torch.linalg.eigvalsh),
    "cholesky": ((2, 3, 3), lambda x: torch.linalg.cholesky(spd(x))),
    "cholesky, upper": ((3, 3), lambda x: torch.linalg.cholesky(spd(x), upper=True)),
    "orthogonal factor": ((2, 4, 3), lambda x: torch.linalg.qr(x)[0]),
    "triangular factor": ((2, 4, 3), lambda x: torch.linalg.qr(x)[1]),
    "solution, of matrices": ((3, 3), lambda x: torch.linalg.solve(spd(x), constant(3, 2))),
    "solution, of sides": ((3, 2), lambda x: torch.linalg.solve(spd(constant(3, 3)), x)),
    "solution, of rows": ((2, 3), lambda x: torch.linalg.solve(spd(constant(3, 3)), x, left=False)),
    "lower triangle": (
        (3, 3), lambda x: torch.linalg.solve_triangular(spd(x), constant(3, 2), upper=False)),
    "upper triangle": (
        (3, 3), lambda x: torch.linalg.solve_triangular(spd(x), constant(3, 2), upper=True)),
    "triangle from the right": (
        (3, 3),
        lambda x: torch.linalg.solve_triangular(spd(x), constant(2, 3), upper=True, left=False)),
    "unit triangle": (
        (3, 3),
        lambda x: torch.linalg.solve_triangular(
            x, constant(3, 2), upper=False, unitriangular=True)),
    "unit triangle, upper": (
        (3, 3),
        lambda x: torch.linalg.solve_triangular(
            x, constant(3, 2), upper=True, unitriangular=True)),
    "sides of a triangle": (
        (3, 2), lambda x: torch.linalg.solve_triangular(spd(constant(3, 3)), x, upper=False)),
    "sides of a triangle, of a batch": (
        (2, 3, 2), lambda x: torch.linalg.solve_triangular(spd(constant(3, 3)), x, upper=True)),
    "a triangle for a batch": (
        (3, 3), lambda x: torch.linalg.solve_triangular(spd(x), constant(2, 3, 2), upper=False)),
    "triangles, each of its own": (
        (2, 3, 3), lambda x: torch.linalg.solve_triangular(
            spd(x), constant(2, 3, 2), upper=False)),
    "a triangle for a batch of rows": (
        (3, 3),
        lambda x: torch.linalg.solve_triangular(
            spd(x), constant(2, 2, 3), upper=True, left=False)),
    "inverse of a triangle": ((2, 3, 3), lambda x: torch.linalg.inv(spd(x).tril())),
    "inverse of a unit triangle": (
        (4, 4), lambda x: torch.linalg.inv(x.triu(1) + torch.eye(4).to(like(x, 4, 4)))),
    "inverse of blocks": (
        (4, 4),
        lambda x: torch.linalg.inv(spd(x) * torch.kron(torch.eye(2), torch.ones(2, 2)).to(x))),
    "exponential of a triangle": ((3, 3), lambda x: torch.linalg.matrix_exp(x.triu())),
    "exponential of a path": (
        (4, 4), lambda x: torch.linalg.matrix_exp(x.tril(-1).triu(-1)) @ constant(4, 1)),
    "cholesky's solution": (
        (3, 2), lambda x: torch.cholesky_solve(x, torch.linalg.cholesky(spd(constant(3, 3))))),
    "least squares": ((4, 2), lambda x: torch.linalg.lstsq(constant(4, 3), x).solution),
    "distances within": ((4, 3), lambda x: F.pdist(x)),
    "distances between": ((3, 2), lambda x: torch.cdist(x, constant(4, 2))),
    "cross": ((2, 3), lambda x: torch.linalg.cross(x, constant(2, 3))),
    "outer": ((3,), lambda x: torch.addr(constant(3, 4), x, constant(4))),
    "outer, the other": ((4,), lambda x: torch.addr(constant(3, 4), constant(3), x)),
    "blocks": ((2, 3), lambda x: torch.block_diag(constant(1, 2), x, x[:1])),
    "reordered": ((2, 3), lambda x: torch.kron(x, constant(2, 2))),
}  # fmt: skip
BLOCKED = torch.tensor([[0.0, 0.0, 0.0, -1e6], [-1e6] * 4, [0.0] * 4])
"""One score of the first row, and all of the second."""
COUNTS: dict[str, Case] = {
    "weights, of one row blocked throughout": (
        (3, 4), lambda x: (x + BLOCKED.to(x.dtype).to(on([0], x).device)).softmax(1)),
    "weights, of scores that a constant lifts a little": (
        (3, 4), lambda x: ((x + (BLOCKED / 100).to(x.dtype).to(on([0], x).device))
                           + on([0.5, 1.0, 1.5, 2.0], x)).softmax(1)),
    "histogram": ((2, 4), lambda x: torch.histc(x, bins=3, min=0.0, max=2.0)),
    "looked up": ((2, 4), lambda x: torch.searchsorted(torch.arange(-3.0, 4.0).double(), x)),
    "a table of rows": ((2, 3), lambda x: torch.searchsorted(x, constant(2, 2))),
    "buckets": ((4,), lambda x: torch.bucketize(on([0.8, 0.9, 1.0], x), x.sort()[0])),
    "sorted": ((2, 4), lambda x: x.sort(dim=1, stable=True)[0]),
    "largest": ((2, 4), lambda x: x.topk(2, dim=1)[0]),
    "largest of what is not blocked": (
        (4, 4),
        lambda x: x.masked_fill(torch.ones(4, 4).triu(2).bool().to(on([0], x).device), -1e9)
        .topk(2, dim=1)[0]),
    "largest of as many as are not blocked": (
        (3, 3), lambda x: (x + ahead(x).clamp(min=-1e6))[1:].topk(2, dim=1)[0]),
    "place of the highest that is not blocked": (
        (3, 3),
        lambda x: x.masked_fill(torch.ones(3, 3).triu(1).bool().to(on([0], x).device), -1e9)
        .argmax(1)),
    "what -inf is added to": ((3, 3), lambda x: (x + ahead(x)) * 2 + x.flip(0)),
    "weights of what is left": ((3, 3), lambda x: (x + ahead(x)).softmax(1)),
    "means of weights": ((2, 3, 3), lambda x: (x + ahead(x)).softmax(2).mean(0).mT),
    "logarithms of what is left": ((3, 3), lambda x: (x + ahead(x)).log_softmax(1)),
    "logarithms beside what is far below": (
        (3, 3), lambda x: (x + ahead(x).clamp(min=-1e6)).log_softmax(1)),
    "median": ((2, 3), lambda x: x.median(dim=1)[0]),
    "windows that are written to": ((5,), windows_written),
    "copies that are written to": ((4,), copies_written),
    "parts that are written to": ((4, 2), parts_written),
    "second lowest": ((2, 3), lambda x: x.kthvalue(2, dim=1)[0]),
    "distance": ((2, 3), lambda x: torch.dist(x, constant(2, 3))),
    "renormed": ((3, 2, 2), lambda x: torch.renorm(x, 2, 1, 0.5)),
    "weight norm": ((3, 2, 2), lambda x: torch._weight_norm(x, constant(3, 1, 1), 0)),
    "weight norm's lengths": ((3, 1), lambda x: torch._weight_norm(constant(3, 2), x, 0)),
    "all true": ((2, 2), lambda x: (x > 0.9).all()),
    "masked": ((2, 3), lambda x: x.masked_select(
        torch.tensor([[True, False, True], [False, True, True]]).to(x.device))),
    "segments": (
        (6, 2), lambda x: torch.segment_reduce(x, "sum", lengths=torch.tensor([1, 3, 2]))),
    "repeats": (
        (3, 2), lambda x: x.repeat_interleave(torch.tensor([2, 0, 1]), dim=0, output_size=3)),
    "repeated elements": ((3,), lambda x: x.repeat_interleave(2)),
    "bags' weights": ((5,), lambda x: F.embedding_bag(
        torch.tensor([0, 1, 2, 0, 1]), constant(3, 2), torch.tensor([0, 2]), mode="sum",
        per_sample_weights=x)),
    "reduced by number": ((3, 2), lambda x: torch.ones(2, 2, dtype=x.dtype, device=x.device)
        .index_reduce(0, torch.tensor([1, 0, 1]), x, "mean", include_self=False)),
    "scattered": ((3, 2), lambda x: torch.ones(2, 2, dtype=x.dtype, device=x.device)
        .scatter_reduce(0, torch.tensor([[1, 0], [0, 0], [1, 1]]), x, "sum", include_self=False)),
    "along an axis": ((3, 2), lambda x: torch.take_along_dim(
        x, torch.tensor([[1, 0], [2, 2]]), dim=0)),
    "ends of a line": ((2,), lambda x: torch.linspace(x[0], x[1], 4, dtype=x.dtype)),
    "means of rows": ((3, 2), lambda x: F.embedding_bag(
        torch.tensor([[0, 1], [2, 1], [0, 0]]), constant(3, 2), mode="sum", per_sample_weights=x)),
}  # fmt: skip
LOSSES: dict[str, Case] = {
    "likelihood of rows": (
        (3, 4), lambda x: F.nll_loss(x, torch.tensor([1, 0, 2]), reduction="none")),
    "entropy": ((4, 2), lambda x: F.binary_cross_entropy_with_logits(
        x, constant(4, 2), reduction="none")),
    "connectionist": ((4, 2, 3), lambda x: F.ctc_loss(
        x.log_softmax(-1), torch.tensor([[1, 2], [2, 1]]), torch.tensor([4, 3]),
        torch.tensor([2, 2]), reduction="none")),
}  # fmt: skip
WINDOWS: dict[str, Case] = {
    "time first": ((5, 1, 2), lambda x: torch.conv_tbc(x, constant(3, 2, 2), constant(2), 1)),
    "a dilated volume": ((1, 1, 3, 3, 3), lambda x: aten.slow_conv_dilated3d(
        x, constant(1, 1, 2, 2, 2), [2, 2, 2], None, [1, 1, 1], [0, 0, 0], [2, 1, 1])),
    "transposed": ((1, 1, 3, 3), lambda x: aten.slow_conv_transpose2d(
        x, constant(1, 1, 3, 3), [3, 3], None, [2, 2], [1, 1], [1, 1], [1, 1])),
    "fractions of whole steps": ((1, 1, 5, 5), lambda x: F.fractional_max_pool2d(
        x, 1, output_size=3, _random_samples=constant(1, 1, 2) - 0.5)),
    "a volume in parts": ((1, 1, 3, 5, 4), lambda x: F.adaptive_avg_pool3d(x, (2, 3, 3))),
    "a grid": ((1, 2, 3), lambda x: F.affine_grid(x, [1, 1, 2, 4], align_corners=False)),
    "a norm of windows": ((1, 1, 6), lambda x: F.lp_pool1d(x, 2, 3, 2)),
    "the nearest": ((1, 1, 11), lambda x: F.interpolate(x, size=10, mode="nearest")),
    "the nearest to its middle": (
        (1, 1, 11), lambda x: F.interpolate(x, size=10, mode="nearest-exact")),
    "a sharper size": ((1, 1, 6, 6), lambda x: F.interpolate(
        x, size=(3, 4), mode="bilinear", antialias=True)),
}  # fmt: skip
PLACES = torch.tensor([[0, 1, 1, 0], [2, 0, 2, 2]])
PLACED: dict[str, Case] = {
    "values at places, two at one": (
        (4,), lambda x: torch.sparse_coo_tensor(PLACES, x, (2, 3)).to_dense()),
    "rows at places": (
        (4, 2), lambda x: torch.sparse_coo_tensor(PLACES[1:], x, (3, 2)).to_dense()),
}  # fmt: skip


def attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


# 3 heads: 2 queries of 4 features, 5 keys, values of 7.
QUERY, KEY, VALUE = constant(1, 3, 2, 4), constant(1, 3, 5, 4), constant(1, 3, 5, 7)
ATTENTION: dict[str, Case] = {
    "queries": (QUERY.shape, lambda x: attended(x, KEY, VALUE)),
    "keys": (KEY.shape, lambda x: attended(QUERY, x, VALUE)),
    "values": (VALUE.shape, lambda x: attended(QUERY, KEY, x)),
}
# A query that sees two keys, and one that sees none.
SOME = torch.tensor([[True, False, True, False, False], [False] * 5])


def masked(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask.to(v.device))


def blocked(numbers: float) -> Case:
    """Values under a mask of numbers for keys that are not seen."""
    mask = torch.where(SOME, 0.0, numbers).double()
    return VALUE.shape, lambda x: masked(QUERY, KEY, x, mask)


ATTENTION |= {
    "values that some see": (
        VALUE.shape, lambda x: masked(QUERY, KEY, x, SOME)),
    "values that some see, by numbers": blocked(-float("inf")),
    "values of which one sees all evenly": blocked(-1e30),
}  # fmt: skip
RECURRENT: dict[str, Case] = {}


def recurrent(kind: str, *, layers: int, both: bool, first: bool) -> Case:
    """A recurrent layer of torch, whatever operators run it."""
    made: Any = getattr(nn, kind)(
        2, 2, layers, bidirectional=both, batch_first=first, dtype=torch.float64
    )
    return ((2, 3, 2) if first else (3, 2, 2)), lambda x: made(x)[0]


for _kind in ("RNN", "LSTM", "GRU"):
    for _layers, _both, _first in ((1, False, True), (1, True, False), (2, True, True)):
        _name = f"{_kind}, {_layers} layers{', both ways' if _both else ''}"
        RECURRENT[_name] = recurrent(_kind, layers=_layers, both=_both, first=_first)


def recurrent_layer(*, backward: bool) -> Case:
    """One direction of an LSTM as torch's decompositions run it on a CPU, in single precision."""
    weights = [torch.randn(16, 2), torch.randn(16, 4), torch.randn(16), torch.randn(16)]
    states = [torch.randn(1, 3, 4), torch.randn(1, 3, 4)]
    sizes = (2, 4, 1, True, False, False, False)

    def run(x: Tensor) -> Tensor:
        found = aten.mkldnn_rnn_layer(x.float(), *weights, *states, backward, [], *sizes)
        return found[0].double()  # type: ignore[no-any-return]

    return (5, 3, 2), run


for _both in (False, True):
    RECURRENT[f"a layer for a CPU{', backward' * _both}"] = recurrent_layer(backward=_both)

EXACT = LINEAR_ALGEBRA | COUNTS | LOSSES | WINDOWS | PLACED | ATTENTION | RECURRENT
DRAWS = {"a table of rows": 6}
"""How many draws it takes until all has changed that can, where two do not show it."""


@pytest.mark.filterwarnings("ignore:index_reduce")
@pytest.mark.parametrize("name", EXACT)
def test_a_rule_says_what_changes(name: str) -> None:
    shape, function = EXACT[name]
    found = look_at(function, shape)

    assert [each.node.operator for each in found.lowered if each.flag] == []
    seen = mask_of(function, shape, seeds=DRAWS.get(name, 2))
    np.testing.assert_array_equal(said_of(found), seen)


def blocked_in_part(x: Tensor) -> Tensor:
    """Return scores to be added to some, of which two of the first row are blocked."""
    return torch.tensor([[0.0, 0.0, -1e6, -1e6], [0.0] * 4, [0.0] * 4]).to(on([0.0], x).double())


def some_of(x: Tensor, *rows: Sequence[int]) -> Tensor:
    return on(rows, x).bool()


UNBLOCKED: dict[str, Function] = {
    "taken off": lambda x: torch.add(like(x, 3, 4), x + blocked_in_part(x), alpha=-1).softmax(1),
    "times nothing": lambda x: torch.addmm(
        x + blocked_in_part(x), x, x[:1].mT @ like(x, 1, 4), beta=0).softmax(1),
    "lifted again": lambda x: (x + blocked_in_part(x) - blocked_in_part(x)).softmax(1),
    "lifted by a sum": lambda x: (x + blocked_in_part(x) + -blocked_in_part(x)).softmax(1),
    "lifted by a number": lambda x: ((x + blocked_in_part(x)) + 1e6).exp().log(),
    "of two depths": lambda x: torch.where(
        some_of(x, [1, 1, 1, 0], [0, 1, 1, 1], [1] * 4),
        x.masked_fill(some_of(x, [0, 0, 0, 1], [1] * 4, [0] * 4), -1e6), float("-inf"),
    ).softmax(1) @ x.mT,
}  # fmt: skip
"""Scores that are not blocked any more, or not all of them by -inf."""


@pytest.mark.parametrize("name", UNBLOCKED)
def test_scores_that_are_blocked_no_more_are_seen(name: str) -> None:
    function = UNBLOCKED[name]
    changed = mask_of(function, (3, 4), seeds=2)

    assert changed.any()
    assert not (changed & ~said_of(look_at(function, (3, 4)))).any()


def places(x: Tensor) -> Tensor:
    return x.detach().argsort(0)


BOUNDS: dict[str, tuple[tuple[int, ...], Function, str]] = {
    "rows in order of pivots": ((3, 3), lambda x: torch.linalg.lu(spd(x))[1], "linalg_lu"),
    "columns of reflectors": (
        (4, 2), lambda x: torch.linalg.householder_product(x, constant(2)),
        "linalg_householder_product"),
    "columns of reflectors, of a batch": (
        (2, 4, 2), lambda x: torch.linalg.householder_product(x, constant(2, 2)),
        "linalg_householder_product"),
    "scales of reflectors, of a batch": (
        (2, 2), lambda x: torch.linalg.householder_product(constant(2, 4, 2), x),
        "linalg_householder_product"),
    "an inverse of a factor": (
        (3, 3), lambda x: torch.cholesky_inverse(spd(x)), "cholesky_inverse"),
    "a moving grid": (
        (1, 2, 4, 4),
        lambda x: F.grid_sample(x[:, :1], x.movedim(1, -1) - 1, align_corners=False),
        "grid_sampler_2d"),
    "fractions of steps": (
        (1, 1, 6, 6),
        lambda x: F.fractional_max_pool2d(
            x, 2, output_size=4, _random_samples=constant(1, 1, 2) - 0.5),
        "fractional_max_pool2d"),
    "gathered by value": ((4, 2), lambda x: x.gather(0, places(x)), "gather"),
    "gathered by value, less its own": ((4, 2), lambda x: x.gather(0, places(x)) - x, "gather"),
    "scattered by value": (
        (4, 2), lambda x: torch.zeros_like(x).scatter_add(0, places(x), x), "scatter_add"),
    "rows by value": ((4, 2), lambda x: x[places(x)[:, 0]], "index"),
    "axes that change places": (
        (3, 4), lambda x: fft.ifft(fft.fft(x, dim=0).T, dim=1).real, "_fft_c2c"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOUNDS)
def test_what_a_rule_does_not_know_is_a_bound_with_its_name(name: str) -> None:
    shape, function, operator = BOUNDS[name]
    found = look_at(function, shape)

    assert operator in [each.node.operator for each in found.lowered if each.flag]
    assert not (mask_of(function, shape, seeds=6) & ~said_of(found)).any()


def test_reflectors_lie_below_the_diagonal() -> None:
    found = look_at(lambda x: torch.linalg.householder_product(x, constant(2)), (4, 2))

    assert (said_of(found).any(0) == np.tri(4, 2, -1, dtype=bool).reshape(-1)).all()


OF_DATA: dict[str, tuple[Function, str]] = {
    "nonzero": (lambda x: x.new_ones(6, 2)[(x > 1).nonzero()[:, 1]] * 1.0, "nonzero"),
    "a mask": (lambda x: x[x > 0], "index"),
    "a selection": (lambda x: x.masked_select(x > 0), "masked_select"),
    "unique": (lambda x: x.unique(), "_unique2"),
}


@pytest.mark.parametrize("name", OF_DATA)
def test_what_data_says_the_size_of_is_a_bound_with_its_name(name: str) -> None:
    function, operator = OF_DATA[name]
    found = look_at(function, (1, 6, 2))
    seen = found.seen(found.graph.outputs["0"])

    assert seen is not None
    assert seen.bounded_by is not None
    assert found.graph.nodes[seen.bounded_by].operator == operator
    field = found.total(found.graph.outputs["0"])
    assert field is not None
    assert set(field.lines[0].sets) == {0b111111}


def sets(found: Examination) -> tuple[int, ...]:
    field = found.total(found.graph.outputs["0"])
    assert field is not None
    return tuple(field.lines[0].sets)


def flags(found: Examination) -> list[str]:
    return [each.node.operator for each in found.lowered if each.flag]


def test_operators_come_whole_in_inference_mode_and_are_taken_apart() -> None:
    class Decorated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(2, 2, 3, padding=1)
            self.last = nn.GRU(2, 2, batch_first=True)

        @torch.inference_mode()
        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = self.last(torch.einsum("bct->btc", self.conv(x)))[0]
            return made

    found = examine(Decorated(), Inputs(args=(torch.zeros(1, 2, 6),)), axes=(2,))

    assert flags(found) == []
    # The window of three, and all before it.
    assert sets(found) == (0b11, 0b111, 0b1111, 0b11111, 0b111111, 0b111111)


def test_flex_attention_sees_what_its_mask_lets_through() -> None:
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    def near(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (query >= key) & (query - key < 3)

    mask = create_block_mask(near, None, None, 6, 6, device="cpu")
    found = examine(
        Run(lambda x: flex_attention(x, x, x, block_mask=mask)),
        Inputs(args=(torch.zeros(1, 1, 6, 8),)),
        axes=(2,),
    )

    assert flags(found) == []
    assert sets(found) == (0b1, 0b11, 0b111, 0b1110, 0b11100, 0b111000)


@pytest.mark.parametrize("layer", ["dynamic", "static"])
@pytest.mark.filterwarnings("ignore")
def test_quantised_layers_see_what_plain_ones_see(layer: str) -> None:
    if layer == "dynamic":
        plain = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.LSTM(4, 4, batch_first=True))
        kinds = {nn.Linear, nn.LSTM}
        model = torch.ao.quantization.quantize_dynamic(plain, kinds, dtype=torch.qint8)
        x, expected = torch.zeros(1, 4, 4), (0b1, 0b11, 0b111, 0b1111)
    else:
        model = converted()
        x, expected = torch.zeros(1, 2, 4, 4), (0b11, 0b111, 0b1110, 0b1100)

    found = examine(model, Inputs(args=(x,)))

    assert flags(found) == []
    assert sets(found) == expected


def converted() -> nn.Module:
    """A convolution and a product of integers."""

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.before = torch.ao.quantization.QuantStub()
            self.conv = nn.Conv2d(2, 2, 3, padding=1)
            self.times = nn.quantized.FloatFunctional()
            self.after = torch.ao.quantization.DeQuantStub()

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(self.before(x))
            made: Tensor = self.after(self.times.mul(x, x))
            return made

    model: Any = Layer().eval()
    model.qconfig = torch.ao.quantization.get_default_qconfig(torch.backends.quantized.engine)
    model = torch.ao.quantization.prepare(model)
    model(torch.rand(1, 2, 8, 8))
    made: nn.Module = torch.ao.quantization.convert(model)
    return made


def sliding(x: Tensor) -> Tensor:
    """Sums of three by two sums so far."""
    sums = F.pad(x.cumsum(1), (0, 0, 3, 0))
    return sums[:, 3:] - sums[:, :-3]


def picked(x: Tensor) -> Tensor:
    """The same, each sum picked by its number; the first windows are shorter."""
    sums, ends = F.pad(x.cumsum(1), (0, 0, 1, 0)), torch.arange(1, x.shape[1] + 1)
    return sums[:, ends] - sums[:, (ends - 3).clamp_min(0)]


def gathered(x: Tensor) -> Tensor:
    sums, ends = F.pad(x.cumsum(1), (0, 0, 1, 0)), torch.arange(3, x.shape[1] + 1)
    later, before = (at[None, :, None].expand(1, -1, x.shape[2]) for at in (ends, ends - 3))
    return sums.gather(1, later) - sums.gather(1, before)


def exclusive(x: Tensor) -> Tensor:
    return x.cumsum(1) - x


def after(x: Tensor) -> Tensor:
    return x.sum(1, keepdim=True) - x.cumsum(1)


def between(x: Tensor) -> Tensor:
    """All pairs, as Mamba-2 makes them; element (i, j) holds what lies between."""
    sums = x[..., 0].cumsum(1)
    return (sums[:, :, None] - sums[:, None])[:, :, 1]


def not_cancelled(x: Tensor) -> Tensor:
    return x.cumsum(1) - (x * 2).cumsum(1)


def twice(x: Tensor) -> Tensor:
    return torch.sub(x.cumsum(1), x.roll(1, 1).cumsum(1), alpha=2)


def shifted_by_cat(x: Tensor) -> Tensor:
    sums = x.cumsum(1)
    return sums - torch.cat([torch.zeros_like(sums[:, :2]), sums[:, :-2]], 1)


def carried(x: Tensor) -> Tensor:
    """What chunks of two hand on to the next, in a scan by chunks."""
    within = F.pad(x, (0, 0, 0, 1)).view(1, 3, 2, 2).cumsum(2)
    return within[:, :, -1].cumsum(1) - within[:, :, -1]


def less_itself(x: Tensor) -> Tensor:
    """Where two slices hold one element, nothing is left of it."""
    return x[:, :3].transpose(1, 2) - x.transpose(1, 2)[..., :3]


def all_but_itself(x: Tensor) -> Tensor:
    return x.sum(1, keepdim=True) - x


def all_but_some(x: Tensor) -> Tensor:
    """One element that is moved beside zeros, and another."""
    return x.sum(1, keepdim=True) - F.pad(x, (0, 0, 1, 0))[:, :5] - x[:, 3:4]


def prepended(x: Tensor) -> Tensor:
    return torch.diff(x.cumsum(1), dim=1, prepend=x[:, :1])


def changes(x: Tensor) -> Tensor:
    """Of the first, which nothing is before, nothing is left."""
    return torch.diff(x, dim=1, prepend=x[:, :1])


def of_three(x: Tensor) -> Tensor:
    """Two windows side by side, the second taken off."""
    sums = F.pad(x.cumsum(1), (0, 0, 1, 0))
    return sums[:, 2:-2] - sums[:, :-4] - (sums[:, 4:] - sums[:, 2:-2])


def means(x: Tensor) -> Tensor:
    """Of windows of two, each sum divided first."""
    sums = F.pad(x.cumsum(1), (0, 0, 1, 0)) / 2
    return sums[:, 2:] - sums[:, :-2]


def bends(x: Tensor) -> Tensor:
    sums = x.cumsum(1)
    return torch.sub(sums[:, 2:], sums[:, 1:-1], alpha=2) + sums[:, :-2]


def negated(x: Tensor) -> Tensor:
    return 3 * x.cumsum(1) + x.flip(1).flip(1) * -3


def of_some_features(x: Tensor) -> Tensor:
    sums = x.cumsum(1)[..., 1:]
    return sums - F.pad(sums, (0, 0, 2, -2))


def less_the_first(x: Tensor) -> Tensor:
    return x[:, 1:] - x[:, 1:2]


def less_a_neighbour(x: Tensor) -> Tensor:
    return x[:, 1:] - x[:, :-1]


def less_what_it_was(x: Tensor) -> Tensor:
    """A slice that was written to since is another."""
    y = x.clone()
    before = y[:, :3].clone()
    y[:, :2] = 0
    return before - y[:, :3]


def of_a_neighbour(x: Tensor) -> Tensor:
    return x[:, :-1].cumsum(1) - x[:, 1:]


def of_another_part(x: Tensor) -> Tensor:
    """Parts of one tensor that is split twice."""
    return x[:, :4].split(2, 1)[0].cumsum(1) - x[:, :4].split(2, 1)[1]


def of_another_copied_part(x: Tensor) -> Tensor:
    """Parts that are no views."""
    return x[:, :4].unsafe_split(2, 1)[0].cumsum(1) - x[:, :4].unsafe_split(2, 1)[1]


@pytest.mark.parametrize(
    "function",
    [sliding, picked, gathered, exclusive, after, between, not_cancelled, twice, shifted_by_cat,
     carried, of_a_neighbour, of_another_part, of_another_copied_part, less_the_first,
     less_a_neighbour, all_but_itself, all_but_some, prepended, changes, of_three,
     of_some_features, means, bends, negated],
)  # fmt: skip
def test_what_two_sums_so_far_both_hold_cancels(function: Function) -> None:
    found = look_at(function, (1, 5, 2))

    assert flags(found) == []
    if function is between:  # in exact arithmetic; what is left in floating point is rounding
        assert sets(found) == (0b10, 0, 0b100, 0b1100, 0b11100)
    else:
        np.testing.assert_array_equal(said_of(found), mask_of(function, (1, 5, 2)))


def windows(x: Tensor) -> Tensor:
    """Sums over windows of an image, by four of its corners."""
    corners = F.pad(x.cumsum(1).cumsum(2), (1, 0, 1, 0))
    rows = corners[:, 2:] - corners[:, :-2]
    return rows[..., 3:] - rows[..., :-3]


def windows_of_two(x: Tensor) -> Tensor:
    corners = F.pad(x.cumsum(2).cumsum(1), (1, 0, 1, 0))
    above, below = corners[:, :-2], corners[:, 2:]
    return below[..., 3:] - above[..., 3:] - below[..., :-3] + above[..., :-3]


def boxes(x: Tensor) -> Tensor:
    """Sums over boxes, by their eight corners."""
    made = F.pad(x.cumsum(0).cumsum(1).cumsum(2), (1, 0, 1, 0, 1, 0))
    for axis, size in enumerate((1, 2, 3)):
        count = made.shape[axis] - size
        made = made.narrow(axis, size, count) - made.narrow(axis, 0, count)
    return made


@pytest.mark.parametrize("function", [windows, windows_of_two, boxes])
def test_sums_along_several_axes_are_a_window_by_its_corners(function: Function) -> None:
    found = look_at(function, (2, 4, 5))

    assert flags(found) == []
    np.testing.assert_array_equal(said_of(found), mask_of(function, (2, 4, 5)))


def test_what_is_left_of_sums_and_is_no_window_is_a_bound() -> None:
    def but_itself(x: Tensor) -> Tensor:
        return x.sum((1, 2), keepdim=True) - x

    found = look_at(but_itself, (1, 2, 3))

    assert flags(found) == ["sub"]
    assert said_of(found).all()


def test_sums_that_are_turned_over_keep_their_axes_apart() -> None:
    def turned(x: Tensor) -> Tensor:
        sums = F.pad(x.cumsum(1), (0, 0, 3, 0)).permute(2, 1, 0)
        return sums[:, 3:] - sums[:, :-3]

    found = look_at(turned, (2, 5, 2))  # two axes of one size change places

    assert flags(found) == []
    np.testing.assert_array_equal(said_of(found), mask_of(turned, (2, 5, 2)))


def moved(chance: np.random.Generator, x: Tensor) -> Tensor:
    """Return elements moved about in one way or another, in the same shape."""
    axis = int(chance.integers(x.ndim))
    size = x.shape[axis]
    shift = int(chance.integers(1, size))
    match int(chance.integers(7)):
        case 0:
            return x.roll(shift, axis)
        case 1:
            return x.flip(axis)
        case 2:
            zeros = torch.zeros_like(x.narrow(axis, 0, shift))
            return torch.cat([zeros, x.narrow(axis, 0, size - shift)], axis)
        case 3:
            return F.pad(x.movedim(axis, -1), (0, shift))[..., shift:].movedim(-1, axis)
        case 4:
            return torch.stack([x.select(axis, int(chance.integers(size)))] * size, axis)
        case 5:
            return x.narrow(axis, shift, 1).expand(x.shape)
    alike = [other for other in range(x.ndim) if x.shape[other] == size]
    return x.transpose(axis, int(chance.choice(alike)))


DIFFERENCES: list[Callable[[Tensor, Tensor], Tensor]] = [
    lambda one, two: one - two,
    lambda one, two: torch.add(one / 3, two / 3, alpha=-1),
    lambda one, two: torch.rsub(one, 2 * two, alpha=2),
    lambda one, two: (one + two) - 2 * two,
    lambda one, two: torch.sub(one + one, two, alpha=2) * 0.5,
]


@pytest.mark.parametrize("seed", range(15))
def test_what_two_sums_both_hold_cancels_wherever_they_were_moved(seed: int) -> None:
    chance = np.random.default_rng(seed)
    shape = tuple(map(int, chance.integers(2, 4, chance.integers(1, 4))))
    axis, counts = int(chance.integers(len(shape))), chance.integers(0, 3, 2)
    difference = DIFFERENCES[seed % len(DIFFERENCES)]

    def less(x: Tensor) -> Tensor:
        found = np.random.default_rng(seed)
        sums = x.cumsum(axis) if seed % 4 else x.sum(axis, keepdim=True).expand(x.shape)
        pair = zip(counts, (sums, x if seed % 3 == 2 else sums), strict=True)
        one, two = (reduce(lambda y, _: moved(found, y), range(n), made) for n, made in pair)
        return difference(one, two)

    found = look_at(less, shape)
    said = said_of(found)

    # Of what is linear a column is what one number alone makes.
    one_by_one = torch.eye(said.shape[1], dtype=torch.float64).view(-1, *shape)
    seen = torch.stack([less(x).reshape(-1) for x in one_by_one], 1).numpy() != 0
    assert not (seen & ~said).any()
    if not flags(found):
        np.testing.assert_array_equal(said, seen)


def turned_sums(x: Tensor) -> Tensor:
    sums = x.cumsum(1)
    return sums - sums.transpose(1, 2)


def of_either_axis(x: Tensor) -> Tensor:
    return x.cumsum(1) - x.cumsum(2)


@pytest.mark.parametrize("function", [turned_sums, of_either_axis])
def test_sums_that_run_along_other_axes_are_a_bound(function: Function) -> None:
    found = look_at(function, (1, 3, 3))

    assert flags(found) == ["sub"]
    assert not (mask_of(function, (1, 3, 3)) & ~said_of(found)).any()


def test_sums_along_two_axes_less_those_along_one_are_all_rows_above() -> None:
    found = look_at(lambda x: x.cumsum(1).cumsum(2)[:, 1:] - x.cumsum(2)[:, 1:], (1, 3, 3))

    assert flags(found) == []
    np.testing.assert_array_equal(
        said_of(found), np.kron([[1, 0, 0], [1, 1, 0]], np.tri(3)).astype(bool)
    )


def test_an_element_less_itself_is_nothing() -> None:
    alone = look_at(lambda x: less_itself(x) + x[:, 2:].transpose(1, 2), (1, 5, 2))
    written = look_at(less_what_it_was, (1, 5, 2))

    assert [seen.bit_count() for seen in sets(alone)] == [1, 1, 1]
    assert [seen.bit_count() for seen in sets(written)] == [1, 1, 1]  # of the last, too many


@pytest.mark.parametrize(("limit", "enough"), [("MOST_PAIRS", 25), ("MOST_CELLS", 2 * 25)])
def test_sums_that_may_cancel_are_a_bound_where_they_are_too_many(
    monkeypatch: pytest.MonkeyPatch, limit: str, enough: int
) -> None:
    def pairs(x: Tensor) -> Tensor:
        total = x[..., 0].cumsum(1)
        return total[:, :, None] - total[:, None]

    monkeypatch.setattr(running_sums, limit, enough)
    monkeypatch.setattr(followed, "MOST_NUMBERS", 5)  # of sums, not of their differences
    assert flags(look_at(pairs, (1, 5, 1))) == []
    monkeypatch.setattr(running_sums, limit, enough - 1)
    found = look_at(pairs, (1, 5, 1))
    seen = found.seen(found.graph.outputs["0"])

    assert flags(found) == ["sub"]
    assert seen is not None
    assert seen.bounded_by is not None


def ahead_of(x: Tensor) -> Tensor:
    return x.roll(-1, 1)


def scores(x: Tensor) -> Tensor:
    return x.transpose(1, 2) * x.sin()


def cut(x: Tensor, *, strict: bool = False) -> Tensor:
    """Scores of which those ahead are -inf."""
    mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device)
    return scores(x).masked_fill(mask.triu(0 if strict else 1), -torch.inf)


def shared(x: Tensor, *, by: Any = torch.tril, over: int = -1) -> Tensor:
    """Weights that a softmax made, of which those ahead are left out, shared among the rest."""
    mask = by(torch.ones(x.shape[1], x.shape[1], dtype=x.dtype, device=x.device))
    weights = scores(x).softmax(-1)
    return weights * mask / (weights * mask).sum(over, keepdim=True)


ALWAYS: dict[str, Function] = {
    "abs": lambda x: torch.where(ahead_of(x).abs() >= 0, x, ahead_of(x)),
    "relu": lambda x: torch.where(F.relu(ahead_of(x)) < 0, ahead_of(x), x),
    "relu is zero": lambda x: torch.where(F.relu(ahead_of(x)) <= 0, ahead_of(x), x),
    "sigmoid": lambda x: x + (ahead_of(x).sigmoid() > 1).double(),
    "cosine": lambda x: x * (ahead_of(x).cos() + 1 >= 0),
    "tanh": lambda x: x * (-ahead_of(x).tanh() <= 1),
    "square": lambda x: (ahead_of(x) ** 2).clamp(max=0) + x,
    "cube": lambda x: (ahead_of(x) ** 3 > 0) * x,
    "its square": lambda x: x * (((y := ahead_of(x)) * y).sum(1, keepdim=True) != -1),
    "negative": lambda x: x + F.relu(-F.relu(ahead_of(x))),
    "clamped": lambda x: x * (ahead_of(x).clamp(0.5, 0.6) > on([0.1, 0.2, 0.3], x)),
    "numbers of -inf": lambda x: cut(x).nan_to_num().softmax(-1) @ x,
    "numbers of rows of -inf": lambda x: cut(x, strict=True).softmax(-1).nan_to_num() @ x,
    "zeros of -inf": lambda x: cut(x).nan_to_num(neginf=0.0) @ x,
    "others of -inf": lambda x: cut(x).nan_to_num(neginf=-1.0) @ x,
    "shared": lambda x: shared(x) @ x,
    "shared ahead": lambda x: shared(x, by=torch.triu),
    "shared along the other axis": lambda x: shared(x, by=torch.ones_like, over=-2),
}


@pytest.mark.parametrize("name", ALWAYS)
def test_what_holds_of_all_numbers_lets_nothing_through(name: str) -> None:
    found = look_at(ALWAYS[name], (1, 3, 3))

    assert flags(found) == []
    np.testing.assert_array_equal(said_of(found), mask_of(ALWAYS[name], (1, 3, 3), seeds=2))


def test_a_grid_that_reads_a_large_image_is_a_bound() -> None:
    def read(x: Tensor) -> Tensor:
        return F.grid_sample(x, torch.zeros(1, 2, 2, 2), align_corners=False)

    # 4,097 places of an image: trying each takes more than 4,096 x 4,096 numbers.
    found = look_at(read, (1, 1, 17, 241))
    seen = found.seen(found.graph.outputs["0"])

    assert seen is not None
    assert seen.bounded_by is not None
