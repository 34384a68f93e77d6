"""What the tests of a training step share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _unsearched(unsearched: None) -> None:
    """Search no process for caches where a step failed."""
