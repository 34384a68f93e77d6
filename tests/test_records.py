"""A record is what `dataclass(frozen=True, slots=True, kw_only=True)` makes, in all that shows."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import dataclass, field
from typing import Any

import pytest

from archscope.records import frozen


@frozen
class Point:
    """A place."""

    x: int
    """To the right."""
    y: int = 0
    around: tuple[Any, ...] = ()
    label: str = field(default="", compare=False)
    secret: str = field(default="", repr=False)

    @property
    def far(self) -> int:
        return self.x + self.y


@frozen
class Other:
    x: int


@frozen
class Empty:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    x: int
    y: int = 0
    around: tuple[Any, ...] = ()
    label: str = field(default="", compare=False)
    secret: str = field(default="", repr=False)


VALUES: tuple[dict[str, Any], ...] = (
    {"x": 1},
    {"x": 1, "y": 2, "around": ("a", None, 1.5)},
    {"x": 1, "label": "named"},
    {"x": 1, "secret": "hidden"},
    {"x": float("nan")},
)


@pytest.mark.parametrize("values", VALUES)
def test_it_reads_and_hashes_as_a_plain_one_does(values: dict[str, Any]) -> None:
    assert repr(Point(**values)) == repr(Plain(**values)).replace("Plain", "Point")
    assert hash(Point(**values)) == hash(Plain(**values))
    assert dataclasses.asdict(Point(**values)).keys() == dataclasses.asdict(Plain(**values)).keys()


def test_two_are_equal_as_two_plain_ones_are() -> None:
    for one in VALUES:
        for other in VALUES:
            assert (Point(**one) == Point(**other)) is (Plain(**one) == Plain(**other))
    assert Point(x=1) != Plain(x=1)
    assert Point(x=1) != Other(x=1)
    assert Point(x=1) != 1
    assert Empty() == Empty()
    assert hash(Empty()) == hash(Empty())
    assert repr(Empty()) == "Empty()"


def test_it_is_a_dataclass_that_nobody_changes() -> None:
    point: Any = Point(x=1)

    assert dataclasses.is_dataclass(Point)
    assert [each.name for each in dataclasses.fields(Point)] == [*Point.__slots__]
    assert dataclasses.replace(point, y=3).far == 4
    assert Point.__doc__ == "A place."
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x
    with pytest.raises((AttributeError, TypeError)):
        point.z = 2
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[misc]
    assert not hasattr(point, "__dict__")


def test_it_is_copied_and_pickled() -> None:
    point = Point(x=1, around=([1],), label="named")

    for made in (copy.copy(point), copy.deepcopy(point), pickle.loads(pickle.dumps(point))):
        assert (made, made.label) == (point, "named")


def test_one_that_holds_itself_is_shown_all_the_same() -> None:
    inside: list[Any] = []
    point = Point(x=1, around=(inside,))
    inside.append(point)

    assert repr(point) == "Point(x=1, y=0, around=([...],), label='')"


@frozen
class Derived:
    """One that makes and checks what it holds."""

    items: list[int] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("count")


def test_what_is_missing_or_wrong_is_said_each_time() -> None:
    for _ in range(2):  # the first call compiles what the others run
        assert Derived().items == []
        assert Derived().items is not Derived().items
        with pytest.raises(ValueError, match="count"):
            Derived(count=-1)
        with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'x'"):
            Point()  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
            Point(x=1, z=2)  # type: ignore[call-arg]


def test_the_first_and_the_hundredth_are_made_alike() -> None:
    @frozen
    class Made:
        given: int
        usual: str = "a"
        own: list[int] = field(default_factory=list)

    each = [Made(given=number) for number in range(100)]

    assert [(one.given, one.usual, one.own) for one in each] == [(n, "a", []) for n in range(100)]
    assert len({id(one.own) for one in each}) == 100
    assert inspect.signature(Made.__init__).parameters.keys() == {"self", "given", "usual", "own"}


@pytest.mark.parametrize("earlier", [0, 100])
@pytest.mark.parametrize("given", [{}, {"given": 1, "other": 2}, {"other": 2}])
def test_what_is_not_given_rightly_is_refused_from_the_first_on(
    earlier: int, given: dict[str, Any]
) -> None:
    @frozen
    class Made:
        given: int
        usual: str = "a"

    for number in range(earlier):
        Made(given=number)

    with pytest.raises(TypeError, match=r"missing 1 required keyword-only|unexpected keyword"):
        Made(**given)
    with pytest.raises(TypeError, match="positional"):
        Made(1)  # type: ignore[misc]
