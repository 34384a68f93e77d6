"""The largest batch that fits, and what counts as running out of memory."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archscope.errors import is_out_of_memory
from archscope.subject import Inputs
from archscope.timing.out_of_memory import (
    batch_size,
    first_of_batch,
    largest_that_fits,
)


@given(st.integers(2, 5000), st.integers(0, 5000))
def test_the_largest_power_of_two_that_fits_is_found(failed: int, room: int) -> None:
    tried: list[int] = []

    def fits(batch: int) -> bool:
        tried.append(batch)
        return batch <= room

    found = largest_that_fits(failed, fits)

    powers = [1 << n for n in range(13) if 1 << n < failed and 1 << n <= room]
    assert found == (max(powers) if powers else None)
    assert all(batch < failed for batch in tried)
    assert len(tried) <= failed.bit_length()


def test_a_smaller_batch_is_the_first_items_of_what_is_batched() -> None:
    inputs = Inputs(
        args=(torch.arange(8).reshape(4, 2), [torch.ones(4)], 3),
        kwargs={"mask": torch.ones(2, 2)},
    )
    cut = first_of_batch(inputs, 2)

    assert batch_size(inputs) == 4
    assert torch.equal(cut.args[0], torch.arange(4).reshape(2, 2))
    assert cut.args[1][0].shape == (2,)
    assert cut.args[2] == 3
    assert cut.kwargs["mask"].shape == (2, 2)


def test_inputs_without_a_batch_have_none() -> None:
    assert batch_size(Inputs()) is None
    assert batch_size(Inputs(args=(1, torch.tensor(2.0)))) is None


@pytest.mark.parametrize(
    ("error", "out"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("memory"), False),
    ],
)
def test_running_out_of_memory_is_told_from_other_errors(error: Exception, out: bool) -> None:
    assert is_out_of_memory(error) is out
