"""Counts a module in memory under both engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from archscope.counting.forward import Execution, ForwardCount, count_forward
from archscope.subject import Inputs, Subject

Count = Callable[..., ForwardCount]


@pytest.fixture
def count() -> Count:
    def counted(
        model: nn.Module, *args: Any, execution: Execution = "auto", **kwargs: Any
    ) -> ForwardCount:
        inputs = Inputs(args=args, kwargs=kwargs)
        subject = Subject(name="test", model=model, inputs=inputs, origin="memory")
        return count_forward(subject, execution)

    return counted
