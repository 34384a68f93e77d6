"""What else must be known of a receptive field: borders, unused inputs, half positions."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from archscope.analyses.rf.numbers import counted, extent, plain, share
from archscope.results import Note
from archscope.theory.borders import find_blind, find_unread, valid_taps
from archscope.theory.combs import combs, reach
from archscope.theory.gridding import Gridding, name_of
from archscope.theory.layers import Stack, sizes
from archscope.theory.outline import Outline
from archscope.theory.window import window

FEW_VALID_TAPS = Fraction(1, 2)
"""Share of a layer's taps along one axis below which padding is most of what it reads."""
TAPS_LIMIT = 1 << 20
"""Taps of all layers up to which those in padding are counted."""


def borders(outline: Outline, stack: Stack, name: str = "") -> Iterator[Note]:
    """Yield what a finite input changes: padding that is read instead of it, inputs left unread."""
    size = outline.input_size
    if size is None or not stack:
        return
    window = reach(combs(stack))
    if outline.noun == "token":
        if window > size:
            yield Note(
                level="info",
                text=f"{window:,} tokens are more than the {size:,} of the sequence: some tokens "
                "see all of it",
            )
        return
    yield from _padding(stack, size, name)
    blind = find_blind(stack, size)
    if blind:
        outputs = sizes(stack, size)[-1]
        yield Note(
            level="warning",
            text=f"{name}{blind:,} of {counted(outputs, 'output')} along each axis see no input at "
            "all, but padding alone",
        )
    unread = find_unread(stack, size)
    if unread.before or unread.after:
        yield Note(
            level="info",
            text=f"{name}{unread.before + unread.after:,} of {size:,} inputs along each axis are "
            f"read by no output ({unread.before:,} at the start, {unread.after:,} at the end)",
        )


def _padding(stack: Stack, size: int, name: str) -> Iterator[Note]:
    if sum(layer.kernel for layer in stack) > TAPS_LIMIT:
        return
    shares = list(zip(valid_taps(stack, size), sizes(stack, size), stack, strict=False))
    few = [index for index, (valid, _, _) in enumerate(shares) if valid < FEW_VALID_TAPS]
    if not few:
        return
    worst = min(few, key=lambda index: shares[index][0])
    valid, read, layer = shares[worst]
    exceeds = "exceeds" if layer.dilation > read else "nears"
    others = f"; {counted(len(few) - 1, 'other layer')} like it" if len(few) > 1 else ""
    alone = (
        ": it is all but a convolution of kernel 1" if valid <= Fraction(1, layer.kernel) else ""
    )
    yield Note(
        level="warning",
        text=f"{name}{name_of(stack, worst)}: dilation {layer.dilation:,} {exceeds} the {read:,} "
        f"positions of its input, and only {share(valid.numerator, valid.denominator)} of its taps "
        f"along an axis read anything but padding{alone}{others}",
    )


def everything(outline: Outline) -> Iterator[Note]:
    """Yield what makes the network's output depend on every position."""
    if outline.reads_all:
        all_of_it = "all of its input"
        if outline.input_size is not None:
            all_of_it = f"all of its {extent((outline.input_size,) * outline.axes)} input"
        yield Note(
            level="info",
            text=f"{outline.reads_all} reads all positions, so that the network's output depends "
            f"on {all_of_it}; the table is of one position without it",
        )


def rest(outline: Outline, stack: Stack) -> Iterator[Note]:
    """Yield what the numbers alone do not say: half positions, what comes after."""
    if outline.partial:
        yield Note(level="warning", text=outline.partial)
    yield from _even_kernels(stack)
    for remark in outline.remarks:
        yield Note(level="info", text=remark)


def _even_kernels(stack: Stack) -> Iterator[Note]:
    uneven = [layer for layer in stack if layer.padding[1] - layer.padding[0] == 1]
    even = [layer for layer in uneven if layer.kernel % 2 == 0 and layer.kind == "conv"]
    if not even or any(layer.upsamples for layer in stack):
        return
    centre = plain(window(stack).centre)
    half = "half a position after" if centre == 0.5 else f"{centre:g} positions after"
    yield Note(
        level="info",
        text=f"an even kernel has no middle tap: with 'same' padding PyTorch puts the extra "
        f"position after the input, so that output 0 is centred at {centre:g}, {half} input 0",
    )


def unused(outline: Outline, row: Gridding) -> Iterator[Note]:
    """Yield a warning where a stride steps over inputs that no output reads."""
    if row.input_use is None or row.input_use == 1:
        return
    used = Fraction(row.input_use).limit_denominator(1 << 40) ** outline.axes
    yield Note(
        level="warning",
        text=f"only {share(used.numerator, used.denominator)} of the input is read by any output: "
        "a stride steps over the rest",
    )
