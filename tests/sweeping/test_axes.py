"""Axes are read as they are typed, and as Python gives them; a space is their product."""

from __future__ import annotations

from typing import Any

import pytest

from archscope import specs
from archscope.errors import SpecError, UsageError
from archscope.families import FAMILIES
from archscope.sweeping.axes import Axis, argument_axis, field_axis
from archscope.sweeping.space import Space


def field(family: str, name: str) -> specs.Field:
    return next(f for f in specs.flags(FAMILIES.get(family).spec) if f.name == name)


@pytest.mark.parametrize(
    ("family", "name", "given", "values"),
    [
        ("cnn", "depth", "6,12,24", (6, 12, 24)),
        ("cnn", "depth", "4:7", (4, 5, 6, 7)),
        ("cnn", "depth", "4:16:4", (4, 8, 12, 16)),
        ("cnn", "depth", "9:4:-2", (9, 7, 5)),
        ("cnn", "depth", "2;4:6;4", (2, 4, 5, 6)),
        ("cnn", "channels", "16:256:*2", ((16,), (32,), (64,), (128,), (256,))),
        ("cnn", "dilations", "1/2/4;1,2,5", ((1, 2, 4), (1, 2, 5))),
        ("cnn", "kernel_size", "3x5;7", (((3, 5),), (7,))),
        ("cnn", "causal", "yes,no", (True, False)),
        ("cnn", "norm", "none,batch", ("none", "batch")),
        ("cnn", "depth", "none,3", (None, 3)),
        ("transformer", "window", "8:32:*2", (8, 16, 32)),
        ("transformer", "attention", "full;window:255", ("full", "window:255")),
        ("cnn", "depth", range(2, 4), (2, 3)),
        ("cnn", "channels", [16, 32], ((16,), (32,))),
        ("cnn", "dilations", [(1, 2), (1, 3)], ((1, 2), (1, 3))),
        ("cnn", "layers", "conv 8; relu", ("conv 8", "relu")),
    ],
)
def test_what_is_an_axis(family: str, name: str, given: Any, values: tuple[Any, ...]) -> None:
    found = field_axis(field(family, name), given)

    assert isinstance(found, Axis)
    assert found.values == values


@pytest.mark.parametrize(
    ("family", "name", "given", "value"),
    [
        ("cnn", "depth", "6", 6),
        ("cnn", "dilations", "1,2,4", (1, 2, 4)),  # a list is one value of a field of lists
        ("cnn", "dilations", (1, 2, 4), (1, 2, 4)),
        ("cnn", "causal", True, True),
        ("transformer", "attention", "window:255", "window:255"),
    ],
)
def test_what_is_one_value(family: str, name: str, given: Any, value: Any) -> None:
    assert field_axis(field(family, name), given) == value


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("depth", "4,x", "'x' is not an integer"),
        ("depth", "4:2", "steps from 4 never reach 2"),
        ("depth", "4:8:0", "never reach"),
        ("depth", "4:64:*1", "by doubling"),
        ("depth", "1:2:0.5", "1.5 is among its values and is not an integer"),
        ("depth", "1:99999999", "more than 1,000,000 values"),
        ("norm", "btach,none", "Did you mean 'batch'"),
        ("depth", [], "no values"),
    ],
)
def test_what_is_none(name: str, given: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        field_axis(field("cnn", name), given)


def test_a_number_out_of_range_is_a_variant_that_fails() -> None:
    assert field_axis(field("cnn", "depth"), "0:1").values == (0, 1)
    with pytest.raises(SpecError):
        field_axis(field("cnn", "depth"), "a;b")


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ("4:16:4", (4, 8, 12, 16)),
        ("0.1:0.3:0.1", (0.1, 0.2, 0.3)),
        ("relu,gelu", ("relu", "gelu")),
        ("[1,2];[3]", ((1, 2), (3,))),
        ("true,false,1", (True, False, 1)),
        ([1, 1, 2], (1, 2)),
    ],
)
def test_arguments_of_ones_own_code(given: Any, values: tuple[Any, ...]) -> None:
    found = argument_axis("x", given)

    assert found.values == values
    assert list(map(type, found.values)) == list(map(type, values))


@pytest.mark.parametrize(("given", "value"), [("4", 4), ("[1,2]", [1, 2]), ("a", "a"), (7, 7)])
def test_one_argument(given: Any, value: Any) -> None:
    assert argument_axis("x", given) == value


A, B, C = (Axis(name=n, values=v) for n, v in {"a": (1, 2), "b": (3, 4), "c": (5, 6, 7)}.items())


def values(space: Space) -> list[tuple[Any, ...]]:
    return [tuple(each.values()) for each in space.combinations()]


def test_a_space_is_the_product_or_pairs() -> None:
    assert values(Space(axes=(A, B))) == [(1, 3), (1, 4), (2, 3), (2, 4)]
    assert values(Space(axes=(A, B), zipped=("a", "b"))) == [(1, 3), (2, 4)]
    assert values(Space(axes=(A, C, B), zipped=("a", "b"), limit=2)) == [(1, 5, 3), (1, 6, 3)]
    assert values(Space(axes=())) == [()]
    with pytest.raises(UsageError, match="a 2, c 3"):
        Space(axes=(A, C), zipped=("a", "c"))
    with pytest.raises(UsageError, match=r"not an axis here.*Did you mean 'a'|not an axis here"):
        Space(axes=(A,), zipped=("aa",))


def test_a_draw_is_of_the_product_each_once_and_the_same_again() -> None:
    large = Space(axes=tuple(Axis(name=f"x{n}", values=tuple(range(10))) for n in range(30)),
                  sample=40)  # fmt: skip
    drawn = values(large)

    assert large.size == 10**30
    assert len({*drawn}) == 40
    assert drawn == values(large)
    assert {*values(Space(axes=(A, B, C), sample=11, seed=1))} < {*values(Space(axes=(A, B, C)))}
    assert Space(axes=(A, B, C), sample=99).taken == 12


def test_what_is_huge_is_refused_with_its_size() -> None:
    wide = Axis(name="w", values=tuple(range(10_000)))
    with pytest.raises(UsageError, match=r"100,000,000 variants.*--sample N.*--limit N"):
        Space(axes=(wide, Axis(name="v", values=wide.values)))
    with pytest.raises(UsageError, match=r"10,001 variants.* all with --limit 10001"):
        Space(axes=(Axis(name="depth", values=tuple(range(10_001))),))
    assert Space(axes=(wide,)).taken == 10_000
