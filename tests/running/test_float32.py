"""Both generations of torch's switches of short products are read, and put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

import archscope
from archscope.running import float32


@pytest.fixture
def _as_found() -> Iterator[None]:
    found = float32.switches()
    yield
    float32.set_switches(found)
    assert float32.switches() == found


def whole() -> None:
    torch.backends.fp32_precision = "tf32"


def products() -> None:
    torch.backends.cuda.matmul.fp32_precision = "tf32"


def elder() -> None:
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.allow_tf32 = False


@pytest.mark.usefixtures("_as_found")
@pytest.mark.skipif(
    not hasattr(torch._C, "_get_fp32_precision_getter"), reason="this torch has the elder alone"
)
@pytest.mark.parametrize("choose", [whole, products, elder])
def test_whatever_the_user_chose_a_network_is_counted(choose: Callable[[], None]) -> None:
    choose()
    before = float32.switches()

    report = archscope.params(nn.Linear(3, 2), torch.zeros(1, 3))

    assert report.totals.macs == 6
    assert float32.switches() == before
