"""What to do about an error that training raises where inference does not."""

from __future__ import annotations

_HINTS = {
    "Expected more than 1 value per channel": "a batch norm needs a batch of 2 at least to train: "
    "--batch-size 2",
}
"""By what the error says."""


def hint(failure: BaseException) -> str:
    """Return what to do about an error, as the end of a line; empty: nothing is known."""
    said = str(failure)
    return next((f"; {what}" for start, what in _HINTS.items() if start in said), "")
