"""What is known to be zero, or far below any score, against numbers that are so in those places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from one_rule import arguments_of, copied
from torch import Tensor

from archscope.dependence.record import element_moves, fact_rules, placed_constants, zeros
from archscope.dependence.record import prefixes as followed
from archscope.dependence.record.blocked_scores import BlockedScores
from archscope.dependence.record.fact_rules import (
    BLOCKED,
    LOWEST,
    Facts,
    facts_of,
    facts_of_values,
    is_low,
    is_stand_in,
    is_zero,
)
from archscope.dependence.record.graph import WRITE, Node, Value, View
from archscope.dependence.record.operators import name_of
from archscope.dependence.record.prefixes import MOST_MOVES, Prefixes
from archscope.dependence.record.zeros import Zeros

aten: Any = torch.ops.aten
Given = dict[str, Any]
INFINITE = -float("inf")


def b(*rows: Any) -> Tensor:
    """Return booleans of 0 and 1."""
    return torch.tensor(rows) != 0


def i(*numbers: Any) -> Tensor:
    return torch.tensor(numbers)


class Known:
    """Numbers of a shape, of which some are zero or low."""

    def __init__(self, zero: Tensor | None = None, low: Tensor | None = None) -> None:
        shape = next(mask.shape for mask in (zero, low) if mask is not None)
        self.zero = torch.zeros(shape, dtype=torch.bool) if zero is None else zero
        self.low = torch.zeros(shape, dtype=torch.bool) if low is None else low

    def drawn(self) -> Tensor:
        made = torch.rand(self.zero.shape, dtype=torch.float64) + 0.5
        return made.masked_fill(self.zero, 0.0).masked_fill(self.low, INFINITE)

    @property
    def facts(self) -> Facts:
        zero, low = (mask if bool(mask.any()) else None for mask in (self.zero, self.low))
        return Facts(zero=zero, low=low)


def plain(*shape: int) -> Known:
    return Known(zero=torch.zeros(shape, dtype=torch.bool))


X = Known(zero=b([0, 1, 0], [1, 1, 0]), low=b([1, 0, 0], [0, 0, 0]))
Y = Known(zero=b([1, 1, 0], [0, 1, 0]), low=b([0, 0, 0], [0, 0, 1]))
ROW = Known(zero=b(0, 1, 0))
SQUARE = Known(zero=b([0, 1, 1], [0, 1, 1], [1, 0, 0]))
MASK = b([1, 0, 0], [0, 1, 1])
MOVES: list[tuple[Any, Given]] = [
    (aten.clone.default, {"self": X}),
    *((aten.copy.default, {"self": plain(2, 3), "src": src}) for src in (X, ROW)),
    (aten.flip.default, {"self": X, "dims": [1]}),
    (aten.roll.default, {"self": X, "shifts": [1], "dims": [-1]}),
    (aten.repeat.default, {"self": X, "repeats": [2, 1]}),
    *(
        (aten.constant_pad_nd.default, {"self": X, "pad": [1, -1, 0, 2], "value": value})
        for value in (0, 1, INFINITE)
    ),
    (aten.cat.default, {"tensors": [X, plain(2, 1), Y], "dim": 1}),
    (aten.stack.default, {"tensors": [X, Y], "dim": -1}),
    (aten.where.self, {"condition": MASK, "self": X, "other": Y}),
    (aten.where.self, {"condition": MASK, "self": ROW, "other": X}),
    *((aten.masked_fill.Scalar, {"self": X, "mask": MASK, "value": v}) for v in (0, 1, INFINITE)),
    (aten.masked_fill.Scalar, {"self": X, "mask": b(1, 0, 0), "value": 2.0}),
    (aten.index_select.default, {"self": X, "dim": 1, "index": i(2, 1, 1, 0)}),
    (aten.gather.default, {"self": X, "dim": 1, "index": i([2, 1], [0, 0])}),
    (aten.take.default, {"self": X, "index": i(1, 5, 0)}),
    (aten.tril.default, {"self": X, "diagonal": 0}),
    (aten.triu.default, {"self": X, "diagonal": 1}),
    (aten.index_copy.default, {"self": X, "dim": 1, "index": i(2, 0), "source": plain(2, 2)}),
    (aten.scatter.src, {"self": X, "dim": 1, "index": i([1], [2]), "src": Y}),
    (aten.select_scatter.default, {"self": X, "src": ROW, "dim": 0, "index": 1}),
    (aten.slice_scatter.default, {"self": X, "src": plain(2, 1), "dim": 1, "start": 1, "end": 2}),
    (aten.index_fill.int_Scalar, {"self": X, "dim": 1, "index": i(2), "value": 0}),
    (aten.diag_embed.default, {"self": ROW}),
    (aten.rot90.default, {"self": X, "k": 1}),
    (aten.block_diag.default, {"tensors": [X, ROW]}),
]
NUMBERS: list[tuple[Any, Given]] = [
    (aten.mul.Tensor, {"self": Known(X.zero), "other": ROW}),
    (aten.mul.Tensor, {"self": Known(X.zero), "other": plain(1)}),
    (aten.div.Tensor, {"self": Known(X.zero), "other": plain(4, 2, 3)}),
    (aten.div.Tensor, {"self": ROW, "other": plain(2, 3)}),
    (aten.add.Tensor, {"self": Known(X.zero), "other": Known(Y.zero)}),
    (aten.add.Tensor, {"self": Known(X.zero), "other": ROW}),
    (aten.add.Tensor, {"self": Known(X.zero), "other": plain(2, 3)}),
    (aten.add.Tensor, {"self": Known(low=X.low), "other": Known(low=Y.low)}),
    (aten.add.Tensor, {"self": Known(low=X.low), "other": X}),
    (aten.add.Tensor, {"self": Known(low=X.low), "other": plain(2, 3)}),
    (aten.add.Tensor, {"self": plain(3), "other": Known(low=X.low)}),
    (aten.sub.Tensor, {"self": Known(X.zero), "other": Known(Y.zero)}),
    (aten.sub.Tensor, {"self": Known(low=X.low), "other": plain(4, 2, 3)}),
    (aten.relu.default, {"self": Known(X.zero)}),
    *((aten.pow.Tensor_Scalar, {"self": Known(X.zero), "exponent": e}) for e in (0.5, 1, 2)),
    (aten.pow.Tensor_Scalar, {"self": Known(X.zero), "exponent": -1}),
    (aten.pow.Tensor_Scalar, {"self": Known(X.zero), "exponent": 0}),
    (aten.exp.default, {"self": Known(low=X.low)}),
    (aten._softmax.default, {"self": Known(low=b([1, 0, 0], [0, 1, 1])), "dim": 1,
                             "half_to_float": False}),
    (aten._softmax.default, {"self": Known(low=b([1, 0, 0], [0, 1, 0])), "dim": -2,
                             "half_to_float": False}),
    (aten.mm.default, {"self": Known(X.zero), "mat2": SQUARE}),
    (aten.mm.default, {"self": plain(2, 3), "mat2": SQUARE}),
    (aten.bmm.default, {"self": Known(b([[0, 1]])), "mat2": Known(b([[1, 0, 0], [0, 0, 1]]))}),
    (aten.linalg_matrix_exp.default, {"self": Known(b([0, 0], [1, 0]))}),
    (aten.linalg_matrix_exp.default, {"self": Known(b([[[0, 0], [1, 0]]]))}),
    (aten.linalg_inv_ex.default, {"A": Known(b([0, 0], [1, 0]))}),
    (aten.embedding.default, {"weight": Known(X.zero), "indices": i([1, 0], [1, 1])}),
    (aten.zero.default, {"self": plain(2, 3)}),
    (aten.sum.dim_IntList, {"self": Known(b([1, 1, 1], [0, 1, 1])), "dim": [1]}),
    (aten.sum.dim_IntList, {"self": Known(b([1, 1, 0], [1, 0, 0])), "dim": [0], "keepdim": True}),
    (aten.prod.dim_int, {"self": Known(b([0, 1, 0], [0, 0, 0])), "dim": 1}),
    (aten.amax.default, {"self": Known(low=b([1, 1, 1], [0, 1, 1])), "dim": [-1]}),
    (aten.max.dim, {"self": Known(low=b([1, 0], [1, 1])), "dim": 0, "keepdim": True}),
    (aten.maximum.default, {"self": Known(low=b([1, 1], [1, 0])), "other": Known(low=b(1, 0))}),
    (aten.maximum.default, {"self": Known(low=b([1, 1], [1, 0])),
                            "other": torch.tensor([INFINITE, 0.5])}),
    (aten.maximum.default, {"self": Known(low=b([1, 1], [1, 0], [0, 1])),
                            "other": torch.tensor([INFINITE])}),
    (aten._log_softmax.default, {"self": Known(low=b([1, 0, 0], [1, 1, 1])), "dim": 1,
                                 "half_to_float": False}),
    (aten.mul.Tensor, {"self": Known(low=X.low), "other": 2.0}),
    (aten.div.Tensor, {"self": Known(low=X.low), "other": 2.0}),
    (aten.rsub.Scalar, {"self": Known(low=X.low), "other": 2.0}),
    (aten.addmm.default, {"self": torch.tensor([[INFINITE, 0.5], [0.5, INFINITE]]).double(),
                          "mat1": plain(2, 3), "mat2": plain(3, 2)}),
]  # fmt: skip


LESS_IS_KNOWN = ("tril", "embedding")
"""Operators that are followed of constants, not of values."""


def seen_of(overload: Any, given: Given) -> tuple[Tensor, Tensor]:
    """Return where the result is zero and where it is low, whatever the numbers are."""
    torch.manual_seed(0)
    zero = low = None
    for _ in range(4):
        made = overload(**{name: drawn(value) for name, value in given.items()})
        made = made if isinstance(made, Tensor) else made[0]
        made = torch.nan_to_num(made, nan=7.0, neginf=INFINITE)
        gone = made.abs() < 1e-12  # an inverse leaves rounding, with some kernels
        zero = gone if zero is None else zero & gone
        low = made <= BLOCKED if low is None else low & (made <= BLOCKED)
    assert zero is not None
    assert low is not None
    return zero, low


def drawn(value: Any) -> Any:
    if isinstance(value, list):
        return [drawn(each) for each in value]
    return value.drawn() if isinstance(value, Known) else copied(value)


def known_in(value: Any) -> list[Known]:
    if isinstance(value, list):
        return [one for each in value for one in known_in(each)]
    return [value] if isinstance(value, Known) else []


def same(found: Any, seen: Tensor) -> None:
    told = np.zeros(1, dtype=bool) if found is None else np.asarray(found)
    np.testing.assert_array_equal(np.broadcast_to(told, seen.shape), seen.numpy())


VIEWS: list[tuple[Any, Given]] = [
    *((aten.view.default, {"self": X, "size": size}) for size in ([1, 2, 3], [2, 1, 3], [6])),
    *((aten.view.default, {"self": X, "size": size}) for size in ([3, 2], [1, 1, 2, 3, 1])),
    (aten.view.default, {"self": Known(b([[0, 1], [1, 0]])), "size": [2, 2]}),
    (aten.expand.default, {"self": ROW, "size": [2, 3]}),
    (aten.unsqueeze.default, {"self": X, "dim": 1}),
    (aten.squeeze.dim, {"self": Known(b([[0, 1]])), "dim": 0}),
    (aten.transpose.int, {"self": X, "dim0": 0, "dim1": 1}),
    (aten.permute.default, {"self": X, "dims": [1, 0]}),
    (aten.t.default, {"self": X}),
    (aten.select.int, {"self": X, "dim": 0, "index": 1}),
    (aten.slice.Tensor, {"self": X, "dim": 1, "start": 1}),
    (aten.unfold.default, {"self": X, "dimension": 1, "size": 2, "step": 1}),
    (aten.diagonal.default, {"self": X}),
]
BESIDE: list[tuple[Any, Given]] = [
    (aten.where.self, {"condition": MASK, "self": X, "other": Y.drawn()}),
    (aten.where.self, {"condition": MASK, "self": torch.zeros(2, 3).double(), "other": X}),
    (aten.index_put.default, {"self": X, "indices": [MASK], "values": Y.drawn()[0]}),
    (aten.cat.default, {"tensors": [X, Y.drawn()], "dim": 0}),
    (aten.add.Tensor, {"self": torch.tensor([INFINITE, 0.6 * BLOCKED, 0.5]), "other": plain(2, 3)}),
]
"""Constants that values are put beside."""
OF_VALUES = {"addmm", "sum", "prod", "amax", "max", "maximum", "_log_softmax", "rsub"}
"""Operators that are followed of values, not of constants, whose views are looked at in memory."""
OF_CONSTANTS = [case for case in MOVES + NUMBERS if name_of(case[0]) not in OF_VALUES]


@pytest.mark.parametrize(("overload", "given"), OF_CONSTANTS)
def test_what_is_known_of_a_constant_is_so_of_any_numbers(overload: Any, given: Given) -> None:
    name = name_of(overload)
    facts: dict[int, Facts] = {}

    def put(value: Any) -> Any:
        if isinstance(value, list):
            return [put(each) for each in value]
        if not isinstance(value, Known):
            return value
        made = value.drawn()
        facts[id(made)] = value.facts
        return made

    arguments = {key: put(value) for key, value in arguments_of(overload, given).items()}
    found = facts_of(name, arguments, lambda tensor: facts.get(id(tensor), Facts()))
    zero, low = seen_of(overload, given)

    same(found.zero, zero)
    if name not in ("mul", "div"):  # of a scale of scores nothing is told
        same(found.low, low)


def test_what_is_written_to_a_part_is_known_of_its_bytes() -> None:
    mask = torch.ones(4, dtype=torch.bool)
    known = Facts().written(mask[2:], Facts(zero=b(1, 0)))

    same(known.zero, b(0, 0, 1, 0))


@pytest.mark.parametrize(("overload", "given"), MOVES + NUMBERS + VIEWS + BESIDE)
def test_what_is_known_of_a_value_is_so_of_any_numbers(overload: Any, given: Given) -> None:
    zero, low = seen_of(overload, given)
    learnt, output = learnt_of(overload, given, tuple(zero.shape))

    for known, seen in ((learnt.zero, zero), (learnt.blocked.masks, low)):
        found = known.get(output)
        told = np.zeros(1, dtype=bool) if found is None else np.broadcast_to(found, seen.shape)
        assert not (told & ~seen.numpy()).any()
        assert name_of(overload) in LESS_IS_KNOWN or (told == seen.numpy()).all()


def learnt_of(overload: Any, given: Given, shape: tuple[int, ...]) -> tuple[Zeros, Value]:
    """Return what is learnt of an operator on values, and its result."""
    found, count = Zeros(), iter(range(1, 99))

    def put(value: Any) -> Any:
        if isinstance(value, list):
            return [put(each) for each in value]
        if not isinstance(value, Known):
            return value
        made = Value(next(count), tuple(value.zero.shape))
        for known, mask in ((found.zero, value.zero), (found.blocked.masks, value.low)):
            if bool(mask.any()):
                known[made] = mask.numpy()
        if bool(value.low.any()):
            found.blocked.depths[made] = INFINITE
        return made

    arguments = {key: put(value) for key, value in arguments_of(overload, given).items()}
    output = Value(0, shape)
    found.learn(
        Node(
            operator=name_of(overload),
            arguments=arguments,
            outputs=(output, None),
            picked=None,
            module="",
            pointwise=False,
        )
    )
    return found, output


@pytest.mark.parametrize(
    ("argument", "zero", "low"),
    [
        (0, True, False), (0.0, True, False), (1, False, False), (INFINITE, False, True),
        (BLOCKED, False, True), (BLOCKED + 1, False, False), (None, False, False),
        ("0", False, False), (torch.zeros(1), True, False), (torch.zeros(2), False, False),
        (torch.zeros(1, device="meta"), False, False), (torch.full((1,), -1e9), False, True),
        (torch.full((2,), -1e9), False, False), (torch.ones(1), False, False),
    ],
)  # fmt: skip
def test_a_number_is_zero_or_low(argument: Any, zero: bool, low: bool) -> None:
    assert (is_zero(argument), is_low(argument)) == (zero, low)


MADE_ONE_BY_ONE: list[tuple[Any, Given, int]] = [
    # what is moved element by element, and how many there are then
    (aten.flip.default, {"self": X, "dims": [1]}, 6),
    (aten.repeat.default, {"self": X, "repeats": [2, 1]}, 12),
    (aten.tril.default, {"self": SQUARE}, 9),
    (aten.cat.default, {"tensors": [X, Y], "dim": 1}, 12),
]


@pytest.mark.parametrize(("overload", "given", "size"), MADE_ONE_BY_ONE)
def test_of_more_than_is_followed_nothing_is_known(
    overload: Any, given: Given, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, _ = seen_of(overload, given)
    for limit in (size, size - 1):
        monkeypatch.setattr(element_moves, "MOST_ELEMENTS", limit)
        monkeypatch.setattr(placed_constants, "MOST_ELEMENTS", limit)
        learnt, output = learnt_of(overload, given, tuple(seen.shape))
        found = learnt.zero.get(output)

        assert (found is None) == (limit < size)
        assert found is None or (np.broadcast_to(found, seen.shape) == seen.numpy()).all()


@pytest.mark.parametrize(("size", "known"), [(12, True), (11, False)])
def test_a_border_around_more_than_is_followed_is_not_known(
    size: int, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(element_moves, "MOST_PADDED", size)
    given = {"self": plain(2, 3), "pad": [1, 2], "value": 0}

    learnt, output = learnt_of(aten.constant_pad_nd.default, given, (2, 6))
    assert (output in learnt.zero) == known


@pytest.mark.parametrize(
    ("overload", "more"),
    [
        (aten.index_put.default, {"indices": [MASK], "values": torch.ones(()), "accumulate": True}),
        (aten.scatter.value_reduce, {"dim": 1, "index": i([1], [1]), "value": 1, "reduce": "add"}),
    ],
)
def test_zeros_that_something_is_added_to_are_none(overload: Any, more: Given) -> None:
    learnt, output = learnt_of(overload, {"self": X, **more}, (2, 3))
    known = facts_of(name_of(overload), {"self": X.drawn(), **more}, lambda tensor: X.facts)

    assert output not in learnt.zero
    assert not known


@pytest.mark.parametrize(("most", "known"), [(6, True), (5, False)])
def test_zeros_that_begin_are_followed_in_no_more_than_matrices(
    most: int, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placed_constants, "MOST_BEGUN", most)
    given = {"self": plain(2, 3), "indices": [MASK], "values": torch.zeros(())}

    for each, expected in ((given, known), ({**given, "self": Known(MASK)}, True)):
        learnt, output = learnt_of(aten.index_put.default, each, (2, 3))
        assert (output in learnt.zero) == expected


@pytest.mark.parametrize(("size", "known"), [(6, True), (5, False)])
def test_values_of_more_than_is_looked_at_are_not_known(
    size: int, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fact_rules, "MOST_ELEMENTS", size)
    values = torch.tensor([[0.0, BLOCKED + 1, INFINITE], [BLOCKED, 0.0, 1.0]])
    zero, low = b([1, 0, 0], [0, 1, 0]), b([0, 0, 1], [1, 0, 0])

    for one in (values, values.to_sparse()):
        found = facts_of_values(one)
        for told, expected in ((found.zero, zero), (found.low, low)):
            assert (told is not None) == known
            assert told is None or told.tolist() == expected.tolist()
    assert not facts_of_values(values.to("meta"))
    assert facts_of_values(values.isinf()).low is None


def test_what_stands_for_a_constant_is_told_from_numbers() -> None:
    made = X.facts.stand_in(torch.empty(2, 3, device="meta"))

    assert is_stand_in(made)
    for numbers in (X.drawn(), torch.ones(2), torch.zeros(2), torch.tensor([made.max(), 1.0])):
        assert not is_stand_in(numbers)


@pytest.mark.parametrize(
    ("operator", "before", "after", "known", "expected"),
    [
        ("flip", (4, 3), (4, 3), [[1, 0, 0]], [[0, 0, 1]]),
        # heads beside samples, as torch's attention lays its mask, alike for all or not
        ("view", (2, 4, 2, 3), (8, 2, 3), [[[[1, 0, 0], [1, 1, 0]]]], [[[1, 0, 0], [1, 1, 0]]]),
        ("view", (2, 4, 1, 2), (8, 1, 2), [[[[1, 0]]], [[[0, 1]]]],
         [[[1, 0]]] * 4 + [[[0, 1]]] * 4),
        ("view", (4, 1, 2), (2, 2, 1, 2), [[[1, 0]]], [[[[1, 0]]]]),
        ("view", (4, 1, 2), (2, 2, 1, 2), [[[1, 0]], [[0, 0]], [[0, 0]], [[0, 0]]],
         [[[[1, 0]], [[0, 0]]], [[[0, 0]], [[0, 0]]]]),
    ],
)  # fmt: skip
def test_what_is_alike_along_an_axis_is_held_once(
    operator: str, before: Any, after: Any, known: Any, expected: Any
) -> None:
    value, made = Value(0, before), Value(1, after)
    learnt = Zeros(zero={value: np.array(known, dtype=np.bool_)})
    arguments = {"self": value, **({"dims": [1]} if operator == "flip" else {"size": after})}
    learnt.learn(
        Node(operator=operator, arguments=arguments, outputs=(made,), picked=None, module="",
             pointwise=False)
    )  # fmt: skip

    assert learnt.zero[made].tolist() == np.array(expected, dtype=np.bool_).tolist()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((2, 4, 2, 3), (8, 2, 3)),
        ((8, 2, 3), (2, 4, 2, 3)),
        ((2, 3), (1, 2, 3)),
        ((2, 3), (2, 1, 3)),
    ],
)
def test_what_is_alike_for_all_is_followed_however_many_there_are(
    before: tuple[int, ...], after: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(element_moves, "MOST_ELEMENTS", 0)
    value, made, mask = Value(0, before), Value(1, after), [[True, False, False]] * 2
    learnt = Zeros(zero={value: np.array(mask).reshape((1,) * (len(before) - 2) + (2, 3))})
    learnt.learn(
        Node(operator="view", arguments={"self": value, "size": after}, outputs=(made,),
             picked=None, module="", pointwise=False)
    )  # fmt: skip

    assert learnt.zero[made].reshape(2, 3).tolist() == mask


@pytest.mark.parametrize(("products", "known"), [(2 * 3 * 4, True), (2 * 3 * 4 - 1, False)])
def test_of_more_products_than_are_made_nothing_is_known(
    products: int, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in (zeros, fact_rules):
        monkeypatch.setattr(file, "_MOST_PRODUCTS", products)
    one, two = Known(b([0, 1, 1], [0, 1, 1])), Known(b([1, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]))
    learnt, output = learnt_of(aten.mm.default, {"self": one, "mat2": two}, (2, 4))
    numbers = {"self": one.drawn(), "mat2": two.drawn()}
    facts = {id(numbers["self"]): one.facts, id(numbers["mat2"]): two.facts}

    assert (output in learnt.zero) == known
    found = facts_of("mm", numbers, lambda tensor: facts[id(tensor)])
    assert (found.zero is not None) == known


@pytest.mark.parametrize("whole", [X, None, plain(2, 3)])
@pytest.mark.parametrize("part", [Known(b(1, 0)), plain(2)])
def test_what_is_written_to_is_known_but_for_what_is_written(
    whole: Known | None, part: Known
) -> None:
    """A column of two: what it was is forgotten."""
    values = Value(1, (2, 3)), Value(2, (2,)), Value(3, (2, 3))
    learnt = Zeros()
    for value, known in zip(values, (whole, part), strict=False):
        if known is not None and bool(known.zero.any()):
            learnt.zero[value] = known.zero.numpy()
    view = View(operator="select", arguments={"dim": 1, "index": 1}, picked=None)
    arguments = {"whole": None if whole is None else values[0], "part": values[1], "view": view}
    learnt.learn(
        Node(operator=WRITE, arguments=arguments, outputs=(values[2],), picked=None, module="",
             pointwise=False)
    )  # fmt: skip
    expected = (plain(2, 3) if whole is None else whole).zero.clone()
    expected[:, 1] = part.zero

    same(learnt.zero.get(values[2]), expected)


def moved_sums(moves: int) -> tuple[Prefixes, list[Value]]:
    """Return sums so far of four numbers, moved so many times, and all values on the way."""
    prefixes, values = Prefixes(), [Value(number, (4,)) for number in range(moves + 2)]
    steps = [("cumsum", {"dim": 0}), *[("flip", {"dims": [0]})] * moves]
    for (operator, more), source, value in zip(steps, values, values[1:], strict=False):
        prefixes.learn(
            Node(operator=operator, arguments={"self": source, **more}, outputs=(value,),
                 picked=None, module="", pointwise=False)
        )  # fmt: skip
    return prefixes, values


def test_sums_are_followed_back_through_so_many_moves() -> None:
    prefixes, values = moved_sums(MOST_MOVES)  # beside the sum itself one too many
    known, one_more = prefixes.of(values[-2]), prefixes.of(values[-1])

    assert known is not None
    assert known.places[0].tolist() == [4, 3, 2, 1]  # turned round an odd number of times
    assert one_more is None
    same = prefixes.same(values[-1], values[1], (4,))
    assert same is not None
    assert same.all()
    prefixes, values = moved_sums(MOST_MOVES + 1)
    assert prefixes.same(values[-1], values[1], (4,)) is None


def made_by(
    prefixes: Prefixes, operator: str, number: int, shape: tuple[int, ...], **given: Any
) -> Value:
    """Return a value that an operator made, once that is learnt."""
    value = Value(number, shape)
    prefixes.learn(
        Node(operator=operator, arguments=given, outputs=(value,), picked=None, module="",
             pointwise=False)
    )  # fmt: skip
    return value


@pytest.mark.parametrize("moves", [1, 5])
def test_each_operator_that_is_followed_back_is_one_of_those_left(moves: int) -> None:
    """The last one and those before it, down to the sum, or to the elements that are moved."""
    prefixes, (source, *sums) = moved_sums(moves)
    moved = twin = source
    for number in range(moves):
        moved = made_by(prefixes, "flip", 50 + number, (4,), self=moved, dims=[0])
        twin = made_by(prefixes, "flip", 60 + number, (4,), self=twin, dims=[0])
    less = made_by(prefixes, "sub", 70, (4,), self=sums[0], other=moved)
    ends = [
        made_by(prefixes, "slice", 71 + at, (3,), self=sums[0], dim=0, start=at, end=3 + at, step=1)
        for at in (1, 0)
    ]
    differences = made_by(prefixes, "sub", 73, (3,), self=ends[0], other=ends[1])
    beside = made_by(prefixes, "cat", 74, (7,), tensors=[differences, moved], dim=0)

    assert fewest(lambda left: prefixes.of(sums[-1], left)) == 1 + moves
    assert fewest(lambda left: Prefixes(prefixes.made).of(less, left)) == 1 + max(moves, 1)
    assert fewest(lambda left: Prefixes(prefixes.made).of(beside, left)) == max(moves + 1, 4)
    assert (
        fewest(lambda left: Prefixes(prefixes.made, prefixes.made).are_one(moved, twin, left))
        == moves
    )


def test_sums_of_sums_are_followed_back_through_so_many() -> None:
    prefixes, x = Prefixes(), Value(0, (4, 3))
    rows = made_by(prefixes, "cumsum", 1, (4, 3), self=x, dim=0)
    both = made_by(prefixes, "cumsum", 2, (4, 3), self=rows, dim=1)
    known = [prefixes.of(both, left) for left in (1, 2)]

    assert [(one.source, one.axes) for one in known if one] == [(rows, (1,)), (x, (0, 1))]


@pytest.mark.parametrize(
    ("operator", "given", "weights"),
    [
        ("neg", {}, (-1,)),
        ("mul", {"other": 3}, (3,)),
        ("div", {"other": 4.0, "rounding_mode": None}, (0.25,)),
        ("div", {"other": 4.0, "rounding_mode": "floor"}, None),
        *(("mul", {"other": by}, None) for by in (0, INFINITE, 2j, torch.tensor(2.0))),
    ],
)
def test_sums_times_a_number_are_so_many_sums(
    operator: str, given: Given, weights: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefixes, values = moved_sums(0)
    found = prefixes.of(made_by(prefixes, operator, 9, (4,), self=values[1], **given))
    node = prefixes.made.get(Value(9, (4,)))

    assert (None if found is None else found.weights) == weights
    assert node is None or followed.weights_of(node, numbers=False) in (None, (-1,))


@pytest.mark.parametrize(("most", "known"), [(2, True), (1, False)])
def test_up_to_so_many_sums_are_told_that_do_not_cancel(
    most: int, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed, "MOST_TERMS", most)
    prefixes, values = moved_sums(1)
    total = made_by(prefixes, "add", 9, (4,), self=values[1], other=values[2], alpha=-2)
    alone = made_by(prefixes, "sub", 10, (4,), self=total, other=values[1])
    found = [prefixes.of(value) for value in (total, alone)]

    assert [one and one.weights for one in found] == [
        (1, -2) if known else None,
        (-2,) if known else None,
    ]


def test_elements_are_one_however_often_they_were_moved_before() -> None:
    prefixes, values = moved_sums(MOST_MOVES + 1)
    twins = [made_by(prefixes, "flip", 50 + n, (4,), self=values[-1], dims=[0]) for n in range(2)]
    same = prefixes.same(*twins, (4,))

    assert same is not None
    assert same.all()


def test_elements_that_data_picks_are_not_known() -> None:
    prefixes, x = Prefixes(), Value(0, (4,))
    picked = made_by(prefixes, "gather", 1, (4,), self=x, dim=0, index=Value(2, (4,)))

    assert prefixes.same(picked, x, (4,)) is None
    assert prefixes.same(x, picked, (4,)) is None


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        (2, 2, True), (2, 2.5, False), (None, None, True), (None, 2, False), ([1, 2], [1, 2], True),
        ([1, 2], [1, 3], False), (2, torch.tensor([2, 2]), False), (torch.ones(2), 1, False),
        ([None, torch.ones(2)], [None, torch.ones(2)], False), (Value(0, (4,)), 2, False),
        (Value(8, (4,)), Value(8, (4,)), True), (Value(0, (4,)), Value(8, (4,)), False),
    ],
)  # fmt: skip
def test_what_the_same_makes_of_the_same_is_one(one: Any, other: Any, are_one: bool) -> None:
    prefixes, x = Prefixes(), Value(0, (4,))
    pair = [
        made_by(prefixes, "roll", number, (4,), self=x, shifts=by)
        for number, by in enumerate((one, other), 1)
    ]

    assert prefixes.are_one(*pair) == are_one


def fewest(known: Callable[[int], object]) -> int:
    """Return how many operators must be left for anything to be known."""
    return next(left for left in range(99) if known(left))


@pytest.mark.parametrize(
    ("constant", "known"),
    [(torch.zeros(1), True), (torch.ones(1), False), (torch.zeros(1, device="meta"), False)],
)
def test_sums_beside_zeros_are_sums_so_far(constant: Tensor, known: bool) -> None:
    prefixes, values = moved_sums(0)
    joined = Value(9, (5,))
    prefixes.learn(
        Node(operator="cat", arguments={"tensors": [constant, values[1]], "dim": 0},
             outputs=(joined,), picked=None, module="", pointwise=False)
    )  # fmt: skip
    found = prefixes.of(joined)

    assert (found is not None) == known
    assert found is None or found.places[0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("most", "known"), [(4, True), (3, False)])
def test_sums_of_more_than_is_followed_are_not_known(
    most: int, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed, "MOST_NUMBERS", most)
    prefixes, values = moved_sums(1)

    assert (prefixes.of(values[1]) is not None) == known
    assert (prefixes.same(values[2], values[1], (4,)) is not None) == known


@pytest.mark.parametrize(
    ("operator", "more"),
    [
        ("add", {"other": torch.tensor([0.0, BLOCKED, 0.0]), "alpha": 1}),
        ("masked_fill", {"mask": b(0, 1, 0), "value": BLOCKED}),
    ],
)
def test_the_least_of_blocked_scores_says_how_far_below_they_are(
    operator: str, more: Given
) -> None:
    """Both masks block: minus infinity by one, just enough by the other; a tenth is none."""
    value, made, less = (Value(number, (3,)) for number in range(3))
    learnt = Zeros(
        blocked=BlockedScores(
            masks={value: np.array([True, False, False])}, depths={value: INFINITE}
        )
    )
    for name, given, output in (
        (operator, {"self": value, **more}, made),
        ("mul", {"self": made, "other": 0.1}, less),
    ):
        learnt.learn(
            Node(operator=name, arguments=given, outputs=(output,), picked=None, module="",
                 pointwise=True)
        )  # fmt: skip

    assert learnt.blocked.masks[made].tolist() == [True, True, False]
    assert learnt.blocked.depths[made] == BLOCKED
    assert less not in learnt.blocked.masks


@pytest.mark.parametrize(("operator", "by"), [("mul", 0.25), ("mul", 4.0), ("div", 0.25)])
def test_scores_times_a_number_are_so_many_times_as_far_below(operator: str, by: float) -> None:
    value, made = Value(0, (3,)), Value(1, (3,))
    depth = 4 * BLOCKED
    learnt = Zeros(
        blocked=BlockedScores(masks={value: np.array([True, False, False])}, depths={value: depth})
    )
    given = {"self": value, "other": by}
    learnt.learn(
        Node(operator=operator, arguments=given, outputs=(made,), picked=None, module="",
             pointwise=True)
    )  # fmt: skip

    assert learnt.blocked.depths[made] == (depth * by if operator == "mul" else depth / by)


FAR, FARTHER = 2 * BLOCKED, 4 * BLOCKED
BLOCKS = {"far": ([1, 0], FAR), "farther": ([0, 1], FARTHER), "endless": ([0, 1], INFINITE)}
"""Where scores are blocked, and the highest of these."""


@pytest.mark.parametrize(
    ("operator", "given", "blocked", "depth"),
    [
        ("nan_to_num", {"self": "endless", "neginf": None}, [0, 1], LOWEST),
        ("nan_to_num", {"self": "endless", "neginf": FAR}, [0, 1], FAR),
        ("nan_to_num", {"self": "far", "neginf": FARTHER}, [1, 0], FAR),
        ("cat", {"tensors": ["far", "endless"], "dim": 0}, [1, 0, 0, 1], FAR),
        ("cat", {"tensors": ["plain", "endless"], "dim": 0}, [0, 0, 0, 1], INFINITE),
        ("maximum", {"self": "farther", "other": "endless"}, [0, 1], FARTHER),
        ("maximum", {"self": "endless", "other": torch.tensor([0.5, FAR])}, [0, 1], FAR),
        ("add", {"self": "farther", "other": "endless", "alpha": 1}, [0, 1], FARTHER),
        ("masked_fill", {"self": "far", "mask": b(0, 1), "value": FARTHER}, [1, 1], FAR),
        ("where", {"condition": b(1, 0), "self": "far", "other": FARTHER}, [1, 1], FAR),
    ],
)
def test_the_highest_of_all_that_is_blocked_says_how_far_below_it_is(
    operator: str, given: Given, blocked: list[int], depth: float
) -> None:
    values = {name: Value(number, (2,)) for number, name in enumerate((*BLOCKS, "plain"))}
    learnt = Zeros()
    for name, (mask, highest) in BLOCKS.items():
        learnt.blocked.masks[values[name]] = np.array(mask) != 0
        learnt.blocked.depths[values[name]] = highest
    made = Value(9, (len(blocked),))

    def put(told: Any) -> Any:
        if isinstance(told, list):
            return [values[each] for each in told]
        return values.get(told, told) if isinstance(told, str) else told

    learnt.learn(
        Node(operator=operator, arguments={name: put(told) for name, told in given.items()},
             outputs=(made,), picked=None, module="", pointwise=True)
    )  # fmt: skip

    assert learnt.blocked.masks[made].astype(int).tolist() == blocked
    assert learnt.blocked.depths[made] == depth


@pytest.mark.parametrize(
    ("operator", "axis", "expected"),
    [
        ("_softmax", 1, [[0, 0, 0], [0, 1, 1]]),
        ("_softmax", -2, [[1, 0, 0], [0, 0, 0]]),
        ("_log_softmax", -1, [[0, 0, 0], [0, 1, 1]]),
        ("_log_softmax", 0, [[1, 0, 0], [0, 0, 0]]),
    ],
)
def test_a_softmax_of_scores_that_all_are_far_below_spreads_evenly(
    operator: str, axis: int, expected: list[list[int]]
) -> None:
    value, made = Value(0, (2, 3)), Value(1, (2, 3))
    learnt = Zeros(
        blocked=BlockedScores(masks={value: b([1, 1, 1], [0, 1, 1]).numpy()}, depths={value: FAR})
    )
    given = {"self": value, "dim": axis, "half_to_float": False}
    learnt.learn(
        Node(operator=operator, arguments=given, outputs=(made,), picked=None, module="",
             pointwise=False)
    )  # fmt: skip
    found = learnt.zero if operator == "_softmax" else learnt.blocked.masks

    assert found[made].astype(int).tolist() == expected


def test_scores_that_are_filled_are_as_far_below_as_what_fills_them() -> None:
    value, made = Value(0, (3,)), Value(1, (3,))
    learnt = Zeros()
    given = {"self": value, "mask": b(0, 1, 0), "value": INFINITE}
    learnt.learn(
        Node(operator="masked_fill", arguments=given, outputs=(made,), picked=None, module="",
             pointwise=True)
    )  # fmt: skip

    assert learnt.blocked.depths[made] == INFINITE
