"""Further notes on a receptive field: borders, unused inputs, half positions."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import prod

from archscope.analyses.rf.numbers import EACH, by_axis, counted, extent, plain, share
from archscope.results import Note
from archscope.theory.borders import find_unread, valid_taps
from archscope.theory.combs import combs, reach
from archscope.theory.gridding import name_of
from archscope.theory.layers import Path, Stack, sizes
from archscope.theory.outline import Outline
from archscope.theory.product import View
from archscope.theory.window import window

FEW_VALID_TAPS = Fraction(1, 2)
"""Share of a layer's taps along one axis below which padding is most of what it reads."""
TAPS_LIMIT = 1 << 20
"""Taps of all layers up to which those in padding are counted."""


def borders(outline: Outline, path: Path, name: str = "") -> Iterator[Note]:
    """Yield what a finite input changes: padding that is read instead of it, inputs left unread."""
    if outline.sizes is None or not path[0]:
        return
    along = by_axis(tuple(zip(path, outline.sizes, strict=True)))
    if outline.noun == "token":
        yield from _sees_whole_sequences(path[0], outline.sizes[0])
        return
    for (stack, size), where in along:
        yield from _padding(stack, size, name, where)
        if outline.skips and _read_around(outline):
            continue
        unread = find_unread(stack, size)
        if number := unread.before + unread.after:
            verb = "is" if number == 1 else "are"  # strides may skip others in between
            yield Note(
                level="info",
                text=f"{name}{number:,} of {size:,} inputs {where}, at its ends, {verb} "
                f"read by no output ({unread.before:,} at the start, {unread.after:,} at the end)",
            )


def _read_around(outline: Outline) -> bool:
    """Return whether paths around blocks may read what the blocks leave unread."""
    from archscope.theory.residual import sees_more  # few outlines need it

    return sees_more(outline.path, outline.skips)


def _sees_whole_sequences(stack: Stack, size: int) -> Iterator[Note]:
    window = reach(combs(stack))
    if window > size:
        yield Note(
            level="info",
            text=f"{window:,} tokens are more than the sequence has ({size:,}): some tokens see "
            "all of it",
        )


def _padding(stack: Stack, size: int, name: str, where: str) -> Iterator[Note]:
    if sum(layer.kernel for layer in stack) > TAPS_LIMIT:
        return
    shares = list(zip(valid_taps(stack, size), sizes(stack, size), stack, strict=False))
    few = [
        index
        for index, (valid, _, layer) in enumerate(shares)
        if valid < FEW_VALID_TAPS and layer.kernel > 1  # a single tap has no dilation to blame
    ]
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
        f"{where.replace('each', 'an')} read anything but padding{alone}{others}",
    )


def everything(outline: Outline) -> Iterator[Note]:
    """Yield what makes the network's output depend on every position."""
    if outline.reads_all:
        all_of_it = "all of its input"
        if outline.sizes is not None:
            all_of_it = f"all of its {extent(outline.sizes)} input"
        yield Note(
            level="info",
            text=f"{outline.reads_all} reads all positions, so the network's output depends on "
            f"{all_of_it}; the table describes one position without it",
        )


def rest(outline: Outline, path: Path) -> Iterator[Note]:
    """Yield what the numbers alone do not say: half positions, what comes after."""
    if outline.partial:
        yield Note(level="warning", text=outline.partial)
    yield from _even_kernels(path)
    for remark in outline.remarks:
        yield Note(level="info", text=remark)


def _even_kernels(path: Path) -> Iterator[Note]:
    if any(layer.upsamples for stack in path for layer in stack):
        return
    for stack, where in by_axis(path):
        uneven = [layer for layer in stack if layer.padding[1] - layer.padding[0] == 1]
        if not any(layer.kernel % 2 == 0 and layer.kind == "conv" for layer in uneven):
            continue
        centre = plain(window(stack).centre)
        half = "half a position after" if centre == 0.5 else f"{centre:g} positions after"
        one = "" if where == EACH else f" {where}"
        yield Note(
            level="info",
            text=f"an even kernel{one} has no middle tap: with 'same' padding PyTorch puts the "
            f"extra position after the input, so that output 0 is centred at {centre:g}, {half} "
            "input 0",
        )


def unused(view: View) -> Iterator[Note]:
    """Yield a warning where a stride steps over inputs that no output reads."""
    shares = view.along("input_use")
    if shares is None or set(shares) == {1}:
        return
    used = prod(Fraction(share).limit_denominator(1 << 40) for share in shares)
    yield Note(
        level="warning",
        text=f"only {share(used.numerator, used.denominator)} of the input is read by any output: "
        "a stride skips the rest",
    )
