"""What users claim of an answer: read from text, and proven, refuted, or not known."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from archscope.assertions import Claim, Dimension, Found, Quantity, failures, read_claims
from archscope.errors import UsageError


def quantity(found: Found, *dimensions: Dimension, name: str = "size") -> Quantity:
    return Quantity(name=name, dimensions=dimensions, read=lambda report, dimension: found)


def failure(text: str, found: Found, *dimensions: Dimension) -> str | None:
    (claim,) = read_claims([text], [quantity(found, *dimensions)])
    return claim.failure(None)


@pytest.mark.parametrize(
    ("text", "dimension", "sign", "wanted"),
    [
        ("size >= 1s", "time", ">=", 1),
        ("size<=40ms", "time", "<=", Fraction(40, 1000)),
        ("size == 100%", "share", "==", 1),
        ("size > 12.5 %", "share", ">", Fraction(1, 8)),
        ("size >= 255", "positions", ">=", 255),
        ("size = 1,024 samples", "positions", "==", 1024),
        ("Size != 1e3", "positions", "!=", 1000),
        ("size <= 25M", "positions", "<=", 25 * 10**6),
        ("size < 64KiB", "bytes", "<", 65536),
    ],
)
def test_a_claim_is_read_with_its_unit(
    text: str, dimension: Dimension, sign: str, wanted: int | Fraction
) -> None:
    known = quantity(Found(), "positions", "time", "share", "bytes")
    if dimension == "share":
        known = quantity(Found(), "share")

    (claim,) = read_claims([text], [known])

    assert (claim.dimension, claim.sign, claim.wanted) == (dimension, sign, wanted)


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ("size <= 35ms", True),
        ("size <= 36ms", False),
        ("size >= 45ms", True),
        ("size == 40ms", False),
        ("size == 45ms", True),
    ],
)
def test_a_claim_of_a_time_fails_where_most_runs_miss_it(text: str, fails: bool) -> None:
    found = Found(values=(Fraction(38, 1000),), spread=(Fraction(36, 1000), Fraction(44, 1000)))

    assert (failure(text, found, "time") is not None) == fails


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", 'write a name, a comparison and a number, e.g. "rf >= 255"'),
        ("rf >=", "write a name"),
        ("rf >= many", "write a name"),
        ("rf >= 3 parsecs", "rf is not measured in 'parsecs'; write e.g. 255"),
        ("use >= 90", "assertion 'use >= 90': a share is of 1; write 90%, or 9000%"),
        ("rf >= 3s", "rf is not measured in 's'"),
        ("rf", "give a size, e.g. rf >= 255"),
        ("causal == 1", "causal is true or false; write only causal"),
        (
            "casual",
            "there is no measure 'casual'; there are rf, causal, use. Did you mean 'causal'?",
        ),
    ],
)
def test_what_is_no_claim_is_said_with_what_would_be(text: str, said: str) -> None:
    known = [
        quantity(Found(), "positions", name="rf"),
        quantity(Found(), "switch", name="causal"),
        quantity(Found(), "share", name="use"),
    ]

    with pytest.raises(UsageError) as raised:
        read_claims([text], known)
    assert said in str(raised.value)


def test_many_bytes_are_told_as_a_card_has_them_too() -> None:
    for value, said in ((3 * 2**29, "1,610,612,736 bytes (1.5 GiB)"), (9000, "9,000 bytes")):
        found = failure("size <= 1KiB", Found(values=(value,)), "bytes")
        assert found == f"size <= 1KiB: it is {said}"


def test_a_claim_must_hold_along_each_axis() -> None:
    assert failure("size >= 7", Found(values=(7, 9)), "positions") is None
    assert failure("size >= 8", Found(values=(7, 9)), "positions") == (
        "size >= 8: it is 7 positions × 9 positions, and must be so along each axis"
    )


@pytest.mark.parametrize(
    ("text", "bound", "holds"),
    [
        ("size >= 10", "at least", True),
        ("size > 10", "at least", False),
        ("size >= 11", "at least", False),
        ("size <= 11", "at least", False),
        ("size == 10", "at least", False),
        ("size != 11", "at least", False),
        ("size <= 10", "at most", True),
        ("size < 11", "at most", True),
        ("size >= 10", "at most", False),
        ("size == 10", "at most", False),
    ],
)
def test_a_bound_proves_only_what_follows_from_it(text: str, bound: Any, holds: bool) -> None:
    said = failure(text, Found(values=(10,), bound=bound, why="the border is near"), "positions")

    assert (said is None) is holds
    if said:
        assert said == f"{text}: unknown, it is {bound} 10 positions, because the border is near"


def test_what_is_unknown_fails_with_its_reason() -> None:
    assert failure("size >= 0", Found(why="nobody looked"), "positions") == (
        "size >= 0: unknown, because nobody looked"
    )
    assert failure("size", Found(values=(0,), why="it leaks"), "switch") == (
        "size: it is not, because it leaks"
    )
    assert failure("size", Found(values=(1,)), "switch") is None


def test_times_and_shares_are_compared_exactly() -> None:
    # 640 samples of 16,000 a second are 40 ms, which no binary fraction is.
    assert failure("size <= 40ms", Found(values=(Fraction(640, 16000),)), "time") is None
    assert failure("size <= 40ms", Found(values=(Fraction(641, 16000),)), "time") == (
        "size <= 40ms: it is 40.0625 ms"
    )
    assert failure("size <= 40us", Found(values=(Fraction(641, 16 * 10**6),)), "time") == (
        "size <= 40us: it is 40.0625 µs"
    )
    most = Found(values=(Fraction(999_999, 1_000_000),))
    assert failure("size == 100%", most, "share") == "size == 100%: it is >99.99%"


def test_each_failure_has_a_line() -> None:
    known = [quantity(Found(values=(3,)), "count")]
    claims: tuple[Claim, ...] = read_claims(["size >= 3", "size >= 4", "size == 5"], known)

    assert failures(claims, None) == ("size >= 4: it is 3", "size == 5: it is 3")
