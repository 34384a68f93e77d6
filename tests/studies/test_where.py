"""Conditions on networks: what is let through, and what is true, false or not known."""

from __future__ import annotations

import operator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archscope.assertions import Dimension, Found
from archscope.errors import UsageError
from archscope.studies.measures import chosen, measure, measures
from archscope.studies.where import Condition, Verdict, read_condition

KNOWN = {name: each.quantity for name, each in measures().items()}
FOUND = {
    "params": Found(values=(120_000,)),
    "macs": Found(values=(1_000_000,)),
    "rf": Found(values=(300,), bound="at least", why="outputs reach the border"),
    "back": Found(values=(50,), bound="at most", why="its rule is a bound"),
    "ahead": Found(why="it was not found"),
    "gap": Found(values=(3, 9)),
    "coverage": Found(values=(Fraction(49, 169),)),
    "causal": Found(values=(1,)),
    "latency": Found(values=(Fraction(1, 100),)),
    "weights": Found(values=(2**20,)),
}


def look(name: str, dimension: Dimension) -> Found:
    if (name, dimension) == ("rf", "time"):
        return Found(values=(Fraction(300, 16_000),), bound="at least")
    return FOUND.get(name, Found())


def read(text: str) -> Condition:
    return read_condition(text, KNOWN)


def verdict(text: str) -> Verdict:
    return read(text).of(look)


@pytest.mark.parametrize(
    "text",
    [
        "params <= 120k",
        "Params < 1,000,000",
        "100 k < params < 0.5M",
        "params - 20k == 1e5",
        "macs / params > 8 and 2 * gap > 5",  # along each axis: 6 and 18
        "rf >= 255",  # a lower bound proves what follows from it
        "rf >= 10ms",
        "back < 51",
        "coverage < 30%",
        "coverage < 0.3",
        "latency = 10 ms",
        "weights ≤ 1MiB",
        "causal",
        "not (params > 1M)",
        "params > 1G or causal",
        "ahead <= 3 or causal",  # whatever is not known
        "-params < 0",
    ],
)
def test_what_is_so(text: str) -> None:
    assert verdict(text) == Verdict(holds=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("params < 100k", "params is 120,000"),
        ("params < 100k and ahead < 3", "params is 120,000"),
        ("rf < 200", "rf is at least 300 positions, because outputs reach the border"),
        ("gap < 9", "gap is 3 positions × 9 positions"),
        ("not causal", "causal holds"),
        ("params < 1 or macs < 1", "params is 120,000; macs is 1,000,000"),
        ("coverage == 100%", "coverage is 28.99%"),
    ],
)
def test_what_is_not_so_says_what_is(text: str, why: str) -> None:
    assert verdict(text) == Verdict(holds=False, why=why)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("rf <= 400", "rf is at least 300 positions, because outputs reach the border"),
        ("rf == 300", "rf is at least 300 positions, because outputs reach the border"),
        ("rf - back > 0 and ahead < 3", "ahead is unknown, because it was not found"),
        ("causal and not ahead > 3", "ahead is unknown, because it was not found"),
        ("macs / ahead > 3", "ahead is unknown, because it was not found"),
    ],
)
def test_what_is_not_known_is_neither(text: str, why: str) -> None:
    assert verdict(text) == Verdict(holds=None, why=why)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the condition is empty"),
        ("params <", "it is not understood"),
        ("params", "give a size for params, e.g. 'params >= 1'"),
        ("parms < 3", "there is no measure or field 'parms'"),
        ("parms < 3", "Did you mean 'params'?"),
        ("causal > 1", "causal is true or false"),
        ("params < 3s", "params is not measured in 's'; write e.g. 1 or 25M"),
        ("3 < 4", "names nothing of a network"),
        ("rf >= 31x31", "'31x31' is neither a number nor a name; a number holds along each axis"),
        ("coverage >= 90", "'90': a share is of 1; write 90%, or 9000%"),
        ("__import__('os').system('x') < params", "is not a number"),
        ("params.real < 3", "'params.real' is not a number"),
        ("[params][0] < 3", "is not a number"),
        ("params in 3", "is not a comparison of numbers"),
        ("params ** 9 < 3", "is not a number"),
        ("lambda: 1", "is neither a comparison nor a yes or no"),
        ("(" * 500 + "params" + ")" * 500 + " < 3", "not understood"),
        ("params < 3; rf > 1", "it is not understood"),
    ],
)
def test_nothing_else_is_let_through(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(text)
    assert said in str(raised.value)


def test_a_condition_says_what_it_reads_and_its_parts() -> None:
    found = read("params<100k and (causal or rf>=1s) and latency<10ms")

    assert found.names == ("params", "causal", "rf", "latency")
    assert [part.text for part in found.parts] == [
        "params < 100k",
        "causal or rf >= 1s",
        "latency < 10ms",
    ]
    assert [part.text for part in read("10k < params <= 100k").parts] == [
        "10k < params",
        "params <= 100k",
    ]
    together = read("10ms < rf < 2")  # of seconds, as the first number says
    assert together.parts == (together,)


def test_a_part_that_holds_one_name_against_one_number_is_a_limit() -> None:
    parts = read("params < 100k and 1s <= rf and macs / params > 8 and causal").parts

    first, second, *others = (part.limit for part in parts)
    assert first is not None
    assert second is not None
    assert (first.name, first.sign, first.amount) == ("params", "<", 100_000)
    assert (second.name, second.dimension, second.sign) == ("rf", "time", ">=")
    assert others == [None, None]


@given(
    values=st.tuples(*[st.integers(-9, 9)] * 3),
    widths=st.tuples(*[st.sampled_from(["", "at least", "at most"])] * 2),
    sign=st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    sum_=st.sampled_from("+-*"),
    moved=st.tuples(*[st.integers(0, 5)] * 2),
)
def test_a_verdict_on_bounds_is_true_of_all_that_they_leave_open(
    values: tuple[int, int, int],
    widths: tuple[str, str],
    sign: str,
    sum_: str,
    moved: tuple[int, int],
) -> None:
    first, second, wanted = values
    bounded = {
        name: Found(values=(value,), bound=bound)  # type: ignore[arg-type]
        for name, value, bound in zip(("rf", "gap"), values, widths, strict=False)
    }
    condition = read(f"rf {sum_} gap {sign} {wanted}" if wanted >= 0 else f"rf {sum_} gap > 0")
    compare = operator.gt if wanted < 0 else _COMPARE[sign]

    holds = condition.of(lambda name, dimension: bounded[name]).holds

    steps = {"": 0, "at least": 1, "at most": -1}
    real = [v + steps[w] * m for v, w, m in zip((first, second), widths, moved, strict=True)]
    if holds is not None:
        assert compare(_SUMS[sum_](*real), max(wanted, 0)) is holds
    elif widths == ("", ""):
        raise AssertionError("numbers that are known leave nothing open")


_COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_SUMS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def test_measures_have_one_vocabulary() -> None:
    assert measure("Look-Ahead").name == "ahead"
    assert measure("latency").analysis == "time"  # not rf's other word for what is ahead
    assert [each.name for each in chosen(["macs", "params", "parameters"])] == ["macs", "params"]
    for each in measures().values():
        assert each.quantity.help
    with pytest.raises(UsageError, match="no measure is called 'parms'"):
        measure("parms")
