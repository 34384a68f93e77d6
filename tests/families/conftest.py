"""On tensors this small, threads only wait for each other."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="module")
def _alone(one_thread: None) -> None:
    """Run each module on one thread."""
