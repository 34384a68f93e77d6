"""Published networks are verified by running them; `benchmarks/verify.py --presets` runs all.

Here are those of each kind that take a second or two: with windows along one axis and two, causal,
dilated, recurrent, and with an output that sees everything behind a map that does not. The others
of `reports/verified.md` take an hour of one processor:
`pytest tests/probing/test_presets.py --every`.
"""

from __future__ import annotations

import gc
import re
from pathlib import Path

import pytest

import archscope

PRESETS = {
    # 1 + 2 * (1 + 1 + 2 + 4 + 1 + 1 + 1), of lower rates and fewer channels than 21
    "dilated2d-context-basic:dilations=1/1/2/4/1/1/1/1,in_channels=2,channels=4": (23, 23),
    "lstm-lm-200-ptb:vocab_size=50": (20,),  # all of its sequence
    "mamba-130m:depth=1,d_model=8,seq_len=9": (9,),  # all of its sequence
    "tcn-copy-memory:hidden_channels=3,levels=6": (883,),  # 1 + 2 * 7 * (2^6 - 1)
    "tcn-jsb": (13,),  # 1 + 2 * 2 * (2^2 - 1)
    "textcnn-kim-rand:vocab_size=50": (5,),  # the widest of 3, 4 and 5
}


@pytest.mark.parametrize("name", PRESETS)
def test_a_published_network_is_verified(one_thread: None, name: str) -> None:
    totals = archscope.receptive_field(name, verify=True).totals

    assert totals.proof == "verified"
    assert totals.receptive_field == PRESETS[name]


REPORT = Path(__file__).parents[2] / "reports" / "verified.md"
LINE = re.compile(r"^(\S+) +(verified|bounded) ", re.MULTILINE)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "level" in metafunc.fixturenames:
        every = metafunc.config.getoption("--every")
        found = LINE.findall(REPORT.read_text(encoding="utf-8")) if every else []
        metafunc.parametrize(("name", "level"), found, ids=[name for name, _ in found])


def test_every_published_network_goes_as_far_as_is_reported(
    one_thread: None, name: str, level: str
) -> None:
    proof = archscope.receptive_field(name, verify=True).totals.proof
    gc.collect()  # of networks in cycles; two workers were out of memory without

    assert proof == "verified" or (proof, level) == ("bounded", "bounded")
