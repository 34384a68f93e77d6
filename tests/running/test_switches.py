import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from archscope.running.switches import SWITCHES
from tests.running.fingerprint import of_process


def interrupted_at(step: int, read: Callable[[], Any]) -> bool:
    """Return whether a function had so many steps; it is interrupted before this one."""
    left = step

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        frame.f_trace_opcodes = True
        if event == "opcode" and "/archscope/" in frame.f_code.co_filename:
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        read()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # an open file's
@pytest.mark.parametrize("number", range(len(SWITCHES)))
def test_a_reading_that_is_interrupted_changes_nothing(number: int) -> None:
    read, _ = SWITCHES[number]
    process, step = of_process(), 0

    while interrupted_at(step, read):
        assert of_process() == process, f"before step {step}"
        step += 1
