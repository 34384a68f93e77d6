"""`archscope rf` on delays, tiles and buffers, and `--assert`, as a user types them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parent.parent / "golden"
TCN = ("--dilations", "1,2,4,8", "--kernel-size", "2", "--causal")

Run = Callable[..., Any]

SHOWN = {
    "rf-axis": (*TCN, "--by", "axis", "--sample-rate", "16kHz"),
    "rf-buffer": (*TCN, "--by", "buffer"),
    "rf-axis-u-net": ("u-net", "--by", "axis"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_golden(name: str, archscope: Run, request: pytest.FixtureRequest) -> None:
    found = archscope("rf", *SHOWN[name])

    assert (found.code, found.err) == (0, "")
    file = GOLDEN / f"{name}.txt"
    if request.config.getoption("--overwrite"):
        file.write_text(found.out, encoding="utf-8")
    assert found.out == file.read_text(encoding="utf-8")


def test_claims_that_hold_end_with_0_and_the_others_with_3_and_a_line_each(archscope: Run) -> None:
    good = archscope("rf", *TCN, "--assert", "causal", "--assert", "rf == 16")
    bad = archscope(
        *("rf", *TCN, "--sample-rate", "16kHz", "--assert", "rf >= 1s", "--assert", "causal"),
        *("--assert", "jump >= 2"),
    )

    assert (good.code, good.err) == (0, "")
    assert bad.code == 3
    assert bad.err == "Error: rf >= 1s: it is 1 ms\nError: jump >= 2: it is 1 position\n"
    assert "conv stack" in bad.out, "the table is there all the same"


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("rf >= 1s", "Error: --assert 'rf >= 1s' needs --sample-rate, e.g. 16kHz\n"),
        ("casual", "Did you mean 'causal'?"),
        ("rf >= 3%", "rf is not measured in '%'"),
    ],
)
def test_what_cannot_be_claimed_ends_with_2_before_any_work(
    claim: str, said: str, archscope: Run
) -> None:
    found = archscope("rf", *TCN, "--assert", claim)

    assert (found.code, found.out) == (2, "")
    assert said in found.err


def test_a_sample_rate_is_checked(archscope: Run) -> None:
    found = archscope("rf", *TCN, "--sample-rate", "fast")

    assert (found.code, found.out) == (2, "")
    assert "give positions a second, e.g. 16kHz" in found.err


def test_a_bound_proves_no_more_than_it_says(archscope: Run) -> None:
    everything = archscope("rf", "transformer", "--depth", "2", "--assert", "rf <= 1024")

    assert everything.code == 3
    assert everything.err.startswith("Error: rf <= 1024: unknown, it is at least 1,024 positions")


def test_why_there_are_no_buffers_is_said(archscope: Run) -> None:
    ahead = archscope("rf", "--dilations", "1,2", "--spatial-dims", "1", "--by", "buffer")
    flat = archscope("rf", "--dilations", "1,2", "--by", "buffer")

    assert (ahead.code, ahead.out) == (2, "")
    assert "no buffers are known, because a layer looks ahead" in ahead.err
    assert "no buffers are known, because positions lie along several axes" in flat.err
