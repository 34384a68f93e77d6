"""What the CPU allocator hands out is seen to the byte, and nobody else notices."""

from __future__ import annotations

import os
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from archscope.timing import allocator
from archscope.timing.allocator import (
    Handed,
    UnseenError,
    handed_out,
    largest_workspace,
    most,
    still_out,
    without_workspaces,
)
from tests.warm import Warm


class Passing(TorchDispatchMode):
    """Passes every operator on, as a mode that reads does."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def test_what_is_out_at_once_is_added_up() -> None:
    def run() -> None:
        first = torch.empty(100)  # 400
        second = torch.empty(50)  # 600
        del first  # 200
        third = torch.empty(75)  # 500
        del second, third

    warm_up, handed = handed_out([run])

    assert [each.bytes for each in handed] == [400, 200, -400, 300, -200, -300]
    assert most(handed) == most(warm_up) == 600


def test_runs_are_told_apart_and_what_one_leaves_is_there_in_the_next() -> None:
    kept: list[torch.Tensor] = []
    runs = (lambda: kept.append(torch.empty(25)), kept.clear)

    *_, made, cleared = handed_out(runs)

    assert [sum(each.bytes for each in run) for run in (made, cleared)] == [100, -100]
    assert most(cleared) == 0


def test_what_comes_back_within_one_operator_is_its_workspace() -> None:
    rows, weights = torch.ones(()).expand(8, 64), torch.ones(64, 32)

    def run() -> None:
        with Passing():
            rows @ weights  # a row that repeats is written out before it is multiplied

    _, handed = handed_out([run])
    lasting, found = without_workspaces(handed), largest_workspace(handed)

    if lasting is None:
        pytest.skip("this torch's profiler does not tell workspaces of kernels")

    assert found is not None
    assert (found.bytes, found.operator) == (4 * 8 * 64, "aten::mm")
    assert most(handed) == 4 * 8 * 32 + found.bytes
    assert most(lasting) == 4 * 8 * 32


def test_the_profiler_says_nothing_and_streams_are_as_found(
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = os.fstat(2)

    handed_out([lambda: os.write(2, b"mine")])

    assert os.path.samestat(before, os.fstat(2))
    assert capfd.readouterr().err == "mine"  # of the round that counts


def test_an_error_within_leaves_streams_as_found(capfd: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        handed_out([fails])
    os.write(2, b"heard")

    assert capfd.readouterr().err == "heard"


def test_a_profiler_of_the_users_goes_on() -> None:
    """A second one would end it, and leave it without a single event."""
    with torch.autograd.profiler.profile(use_kineto=True) as theirs:
        torch.ones(3) + 1
        with pytest.raises(UnseenError, match="another profiler"):
            handed_out([lambda: None])
        torch.ones(3) + 2

    assert sum(event.count for event in theirs.key_averages() if event.key == "aten::add") == 2


def test_an_allocator_whose_events_are_off_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "_is_memory", lambda event: False)

    with pytest.raises(UnseenError, match="does not report its allocator"):
        handed_out([lambda: torch.empty(100)])


def test_torchs_compiler_is_not_loaded_for_it(warm: Warm) -> None:
    code = (
        "import sys; from archscope.timing.allocator import handed_out; handed_out([print]);"
        "assert 'torch._inductor' not in sys.modules"
    )
    done = warm.run("-c", code)

    assert done.returncode == 0, done.stderr


def test_what_was_out_before_and_comes_back_says_nothing() -> None:
    sizes = ((10, 1), (-10, 1), (7, 2), (-99, 3), (5, 1))
    handed = [Handed(bytes=size, block=block, operator="", call=0) for size, block in sizes]

    assert still_out(handed) == 7 + 5  # the 99 were there before, or are of a block long gone
