"""How far attention reaches along a sequence: full, causal, windowed, dilated, with memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from archscope.errors import SpecError
from archscope.theory.layers import Stack, conv


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The tokens that one token depends on, away from the sequence's ends."""

    before: int | None
    """Tokens before it; None: all of them."""
    after: int | None
    """Tokens after it; None: all of them."""

    @property
    def size(self) -> int | None:
        """Tokens in all, itself included; None: as long as the sequence."""
        if self.before is None or self.after is None:
            return None
        return self.before + 1 + self.after

    def within(self, length: int, token: int) -> tuple[int, int]:
        """Return the first and last token that `token` depends on in a sequence of `length`."""
        first = 0 if self.before is None else max(0, token - self.before)
        last = length - 1 if self.after is None else min(length - 1, token + self.after)
        return first, last


def full() -> Reach:
    """Return the reach of attention to all tokens; one layer is enough."""
    return Reach(before=None, after=None)


def causal() -> Reach:
    """Return the reach of attention to all earlier tokens and itself."""
    return Reach(before=None, after=0)


def causal_window(layers: int, window: int) -> Reach:
    """Return the reach of causal sliding-window attention; a window counts the token itself.

    L (W - 1) + 1 tokens; Jiang et al. 2023 (Mistral) round this to W x L.

    >>> [causal_window(layers, 8).size for layers in (1, 2, 3)]
    [8, 15, 22]
    """
    _check(layers=layers, window=window)
    return Reach(before=layers * (window - 1), after=0)


def window(layers: int, one_sided: int) -> Reach:
    """Return the reach of sliding-window attention with `one_sided` tokens on each side.

    2 w L + 1 tokens; Longformer's `attention_window` is both sides, 2 w (Beltagy et al. 2020).

    >>> window(2, 4).size
    17
    """
    _check(layers=layers)
    if one_sided:
        _check(one_sided=one_sided)
    return Reach(before=layers * one_sided, after=layers * one_sided)


def dilated_window(dilations: Sequence[int], window: int, *, causal: bool = False) -> Stack:
    """Return the stack of dilated convolutions that sees what dilated window attention sees.

    One layer per dilation. Two-sided windows of `window` tokens have window + 1 taps, as in
    Longformer; causal ones count the token itself and have `window`. Gridding follows from it.
    """
    _check(window=window)
    if not causal and window % 2:
        raise SpecError("window", window, "is not even; it is the tokens of both sides")
    taps = window if causal else window + 1
    return tuple(
        conv(
            taps,
            dilation=dilation,
            padding="causal" if causal else "same",
            name=f"attention{number}",
        )
        for number, dilation in enumerate(dilations, start=1)
    )


def with_memory(layers: int, memory: int, *, segment: int | None = None) -> Reach:
    """Return the reach of a segment's first token with recurrence memory (Dai et al. 2019).

    N M + 1 tokens where segments divide the memory. Otherwise a remembered state brings along what
    its own segment saw, and `segment`, the tokens per segment, makes the number exact.

    >>> with_memory(12, 150).size
    1801
    """
    _check(layers=layers, memory=memory)
    segment = memory if segment is None else segment
    _check(segment=segment)
    before = 0
    for _ in range(layers):
        # The oldest state so far sees as far as the start of its own segment, and the memory there.
        before = -(-before // segment) * segment + memory
    return Reach(before=before, after=0)


def _check(**values: int) -> None:
    for field, value in values.items():
        if value < 1:
            raise SpecError(field, value, "is not an integer of at least 1")
