"""One value as text."""

from __future__ import annotations

import unicodedata
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archscope.present import _format


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.000 k"),
        (999.95, "1.000 k"),  # 999.95 to four digits is 1000, so the unit carries
        (999_949, "999.9 k"),
        (999_950, "1.000 M"),  # a tie between 999.9 and 1000 goes to the even digit
        (252_317_270_016, "252.3 G"),
        (14_495_514_624, "14.50 G"),
        (10**30 * 12, "12.00 Q"),
        (10**36, "1000000 Q"),  # SI ends at quetta
        (-1_500, "-1.500 k"),
        (0.5, "0.5000"),
    ],
)
def test_si(value: float, text: str) -> None:
    assert _format.si(value) == text


@given(st.integers(min_value=1_000, max_value=10**33 - 10**30))
def test_si_is_near_and_has_four_digits(value: int) -> None:
    number, unit = _format.si(value).split(" ")
    assert len(number.replace(".", "")) == 4
    shown = Fraction(number) * 1000 ** " kMGTPEZYRQ".index(unit)
    assert abs(shown - value) <= Fraction(value, 1_000)
    assert 1 <= Fraction(number) < 1_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (1_023, "1,023 B"),
        (1_024, "1.000 KiB"),
        (837_977_088, "799.2 MiB"),  # 837,977,088 / 1,048,576 = 799.16
        (27_188 * 2**20, "26.55 GiB"),
        (2**30 - 1, "1.000 GiB"),  # 1023.999 MiB would round to 1024 MiB
    ],
)
def test_iec_bytes(value: int, text: str) -> None:
    assert _format.iec_bytes(value) == text


@given(st.integers(min_value=1_024, max_value=2**80))
def test_iec_bytes_stay_below_1024(value: int) -> None:
    number, _ = _format.iec_bytes(value).split(" ")
    assert 1 <= Fraction(number) < 1_024


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 7, "0.0"),
        (1, 10_000, "<0.1"),
        (1, 1_000, "0.1"),
        (9_999, 10_000, "99.9"),
        (7, 7, "100.0"),
        (10**40 - 1, 10**40, "99.9"),
        (8, 7, "114.3"),
        (10_001, 10_000, ">100.0"),
    ],
)
def test_percent_is_0_or_100_only_where_that_is_true(part: int, whole: int, text: str) -> None:
    assert _format.percent(part, whole) == text


def test_bars_are_floored_in_eighths() -> None:
    assert _format.bar(812, 1_000) == "██████▍"  # 0.812 * 64 = 51.97 eighths = 6 and 3/8
    assert _format.bar(1, 1_000) == ""
    assert _format.bar(1, 2, blocks=False) == "####"


def test_shapes_and_multiplicities() -> None:
    assert _format.shape((1, 1024, 768)) == "1×1024×768"
    assert _format.shape(()) == "scalar"
    assert (_format.times(1), _format.times(24)) == ("", "×24")


def test_unknown_numbers_say_so_and_absent_words_are_a_dash() -> None:
    assert _format.cell(None, "count") == _format.cell(None, "work") == "unknown"
    assert _format.cell(None, "shape") == _format.cell(None, "text") == "–"
    assert _format.cell(0.5, "ratio") == "50.0%"
    assert _format.cell(0.24985683, "count") == "0.25"
    assert _format.cell(True, "text") == "yes"


@given(st.text(st.characters()))  # every code point, lone surrogates too
def test_safe_labels_hold_nothing_that_steers(text: str) -> None:
    safe = _format.safe_label(text)
    assert all(unicodedata.category(sign) not in ("Cc", "Cs", "Zl", "Zp") for sign in safe)
    assert not set(safe) & set(
        "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
    safe.encode("utf-8")
    assert _format.safe_label(safe) == safe


@given(st.text())
def test_ascii_is_ascii(text: str) -> None:
    assert _format.ascii_only(text).isascii()


def test_plain_names_are_left_alone() -> None:
    assert _format.safe_label("blocks.0.日本語") == "blocks.0.日本語"
    assert _format.ascii_only("├─ blocks.0–23 ×24 …") == "|- blocks.0-23 x24 ..."
