"""Number types, and torch's switches put back as they were."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from archscope.errors import UsageError
from archscope.running import float32
from archscope.timing.precision import check, computing_in

CPU = torch.device("cpu")


def switches() -> list[object]:
    return [torch.backends.cudnn.benchmark, *float32.switches()]


@pytest.fixture
def _highest_after() -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    benchmark = torch.backends.cudnn.benchmark
    yield
    torch.backends.cudnn.benchmark = benchmark
    torch.set_float32_matmul_precision(before)


@pytest.mark.usefixtures("_highest_after")
@pytest.mark.parametrize("found", ["highest", "high", "medium"])
@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16", "bf16"])
def test_switches_are_put_back(found: str, precision: str) -> None:
    torch.set_float32_matmul_precision(found)
    torch.backends.cudnn.benchmark = True
    before = switches()

    def fails() -> None:
        with computing_in(precision):  # type: ignore[arg-type]
            torch.backends.cudnn.benchmark = False
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        fails()

    assert switches() == before
    assert torch.get_float32_matmul_precision() == found


def test_only_tf32_allows_short_products() -> None:
    with computing_in("tf32"):
        assert torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.allow_tf32
    for precision in ("fp32", "fp16", "bf16"):
        with computing_in(precision):
            assert not torch.backends.cuda.matmul.allow_tf32
            assert not torch.backends.cudnn.allow_tf32
            assert torch.get_float32_matmul_precision() == "highest"


def test_a_cpu_has_no_tf32() -> None:
    with pytest.raises(UsageError, match=r"a CPU has none\. Use --dtype fp32"):
        check("tf32", CPU)


@pytest.mark.parametrize("word", ["fp64", "float32", "", "BF16"])
def test_an_unknown_type_names_those_there_are(word: str) -> None:
    with pytest.raises(UsageError, match="there are fp32, tf32, fp16, bf16"):
        check(word, CPU)
