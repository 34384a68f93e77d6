"""What all proofs share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from archscope.running.caches import stores_at_hand


@pytest.fixture(autouse=True)
def _stores_at_hand() -> Iterator[None]:
    """Look once for where a network's code stores something, as every call of the library does."""
    with stores_at_hand():
        yield
