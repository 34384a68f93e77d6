"""What is said of a training step that fails: where it did, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor

from archscope.errors import ArchscopeError, ForwardError, first_line
from archscope.running.process import raise_interrupt
from archscope.running.rows import NoRowError
from archscope.running.twin import ReachedOriginalError
from archscope.training.places import Places

_HINTS = {
    "Expected more than 1 value per channel": "a batch norm needs a batch of 2 at least to train: "
    "--batch-size 2",
    "in randomness error mode": "what is trained draws random numbers (dropout) within torch.vmap: "
    "give it randomness='different', or 'same'",
    "yet support saved tensor hooks": "what a step keeps is told by these, so it is unknown where "
    "a forward asks torch.func for gradients; train tells what it multiplies",
}
"""What to do, by what an error says that training raises where inference does not, and that data
does not help."""


@contextmanager
def told(places: Places | str | None = None) -> Iterator[None]:
    """Make a `ForwardError` of what a step of a copy raises, with where it did.

    That is the module that ran forward, or a part of the step in words.
    """
    try:
        yield
    except ArchscopeError:
        raise
    except ReachedOriginalError as reached:
        raise ForwardError(
            f"a copy runs, so that yours stays as it is, and it calls your own {reached} by a name "
            "from outside: let its forward use self"
        ) from None
    except Exception as failure:
        raise_interrupt(failure)
        raise ForwardError(
            f"a training step failed{_where(places)}: {first_line(failure)}{_hint(failure)}"
        ) from failure


def refuse_threads(places: Places) -> None:
    """Raise `ArchscopeError` where modules ran in other threads: nobody saw what they did."""
    elsewhere = sorted(places.stack.elsewhere)
    if elsewhere:
        more = f" and {len(elsewhere) - 1} more" if len(elsewhere) > 1 else ""
        raise ArchscopeError(
            f"{elsewhere[0]}{more} ran in threads that the forward began, where nobody sees what a "
            "step keeps and multiplies"
        )


def refuse_untrained(roots: Sequence[Tensor], places: Places) -> None:
    """Raise `ArchscopeError` where no output can be trained by, and say why if it is known."""
    if roots:
        return
    why = "no output depends on a trained parameter"
    if places.without_gradients is not None:
        why += (
            f": gradients are off where {places.without_gradients or 'the model itself'} runs "
            "(torch.no_grad or inference_mode in or around a forward), as for inference alone"
        )
    raise ArchscopeError(f"nothing can be trained: {why}")


def _where(places: Places | str | None) -> str:
    if places is None:
        return ""
    if isinstance(places, str):
        return f" in {places}"
    if places.turned:  # which node raised is not told by torch
        return " in its backward pass"
    return f" in {places.stack.current or 'the model itself'}"


def fails_with_data_too(failure: ForwardError) -> bool:
    """Return whether what a step on shapes raised does not come of its having no data."""
    cause = failure.__cause__ or failure
    return isinstance(cause, NoRowError) or bool(_hint(cause))


def _hint(failure: BaseException) -> str:
    return next((f"; {what}" for said, what in _HINTS.items() if said in str(failure)), "")
