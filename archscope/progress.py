"""What is being done, told to whoever listens: a library says nothing, a terminal shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from archscope.records import frozen


@frozen
class Step:
    """What is being done, and how far it is."""

    what: str
    """In a few words, e.g. `rf: receptive field and gridding`."""
    done: float | None = None
    """The share that is done, 0 to 1; None where nobody knows."""
    left_s: float | None = None
    """Seconds that are left; None where nobody knows."""
    still: bool = False
    """Whether nothing else may run until the next step: something is timed."""


Listener = Callable[[Step], None]
_LISTENER: ContextVar[Listener | None] = ContextVar("archscope.progress", default=None)


def doing(
    what: str, *, done: float | None = None, left_s: float | None = None, still: bool = False
) -> None:
    """Tell what begins now, or how far it is, if anybody listens."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(Step(what=what, done=done, left_s=left_s, still=still))


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Have a listener told of what is done within, by this thread."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def silently() -> AbstractContextManager[None]:
    """Have nobody told of what is done within: who runs many of a kind tells how many."""
    return heard_by(lambda step: None)
