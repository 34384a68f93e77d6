"""One unit under trial: does it answer to a change, to NaN, or by its gradient? Knows no rule."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

import numpy as np
import torch
from torch import Tensor

from archscope.probing.bisection import Mask
from archscope.probing.runs import Runner

OVERHEAD = 0.03
"""Seconds of one pass above which several copies in one pass save nothing."""
TINY = 1e-300


class Trial:
    """A unit of the output of a network with one draw of weights, on one input.

    Masks are over the positions of the input (its `axes`). Answers are bitwise: the same network,
    the same shapes, other values at some positions. `width` copies of the input are tried in one
    pass, where these do not mix. A change is an increase of about `step`; None: it changes signs.
    An answer of less than `rounding` times the largest output is none: where sums cancel that were
    taken over everything, as in transforms, what is left of them is rounded.
    """

    def __init__(
        self,
        run: Runner,
        x: Tensor,
        *,
        axes: tuple[int, ...],
        unit: dict[int, int],
        step: float | None = None,
        width: int = 1,
        rounding: float = 0.0,
    ) -> None:
        self._run, self._x, self._axes, self._unit = run, x, axes, unit
        self._other = _changed(x, step)
        self._step = step or 0.0
        self._width = width
        self._rounding = rounding
        self._before: dict[int, Tensor] = {}
        self._whole: Tensor | None = None
        self._apart: dict[int, bool] = {}
        self.runs = 0
        """Forward passes so far."""
        begin = monotonic()
        self.is_sound = bool(self._base(1).isfinite().all())
        """Whether the output without any change is a number."""
        self.seconds = monotonic() - begin
        """Time of one pass."""

    def changes(self, where: Mask) -> bool:
        """Return whether a change of some positions changes the unit, to another number."""
        return self._differs(self._at(self._mixed(where, self._other))[0], self._base(1)[0])

    def repeats(self) -> bool:
        """Return whether the same input gives the same unit again."""
        return torch.equal(self._at(self._x.clone())[0], self._base(1)[0])

    def answering(self, where: Tensor) -> Tensor:
        """Return which elements of the whole output a change of some elements of the input changes.

        `where` is a mask that broadcasts to the input.
        """
        if self._whole is None:
            self._whole = self._run_all(self._x.clone())
        after = self._run_all(torch.where(where, self._other, self._x))
        return self._unlike(after, self._whole)

    def answering_at(self, where: Mask) -> Tensor:
        """Return the same for a change of some positions."""
        return self.answering(self._over_input(where))

    def mixes(self, axis: int) -> bool:
        """Return whether some element of the output answers to several places along an axis.

        Two places differ in a binary digit: an element that sees both answers to a change of those
        with a 0 there, and to one of those with a 1.
        """
        size = self._x.shape[axis]
        shape = [size if own == axis else 1 for own in range(self._x.dim())]
        for digit in range((size - 1).bit_length()):
            ones = (torch.arange(size) >> digit & 1).bool().reshape(shape)
            if bool((self.answering(ones) & self.answering(~ones)).any()):
                return True
        return False

    def can_be_longer(self, axis: int) -> bool:
        """Return whether the network also runs on an input that is twice as long along an axis."""
        try:
            self._run_all(torch.cat([self._x, self._x], axis))
        except Exception:  # a weight that is made for one size
            return False
        return True

    def repeats_all(self) -> bool:
        """Return whether the same input gives the same whole output again."""
        return not bool(self.answering(torch.zeros((), dtype=torch.bool)).any())

    def taints(self, where: Mask) -> bool:
        """Return whether NaN at some positions makes NaN of the unit."""
        found = self._at(self._mixed(where, torch.full_like(self._x, torch.nan)))
        return bool(found.isnan().any())

    def changes_each(self, masks: Sequence[Mask]) -> list[float]:
        """Return how much changes of several masks change the unit, beside its largest number and
        the change itself; in one pass where copies do not mix. 0: not at all."""
        width = min(self._width, len(masks))
        if width > 1 and not self._is_apart(width):
            width = self._width = 1
        found: list[float] = []
        for start in range(0, len(masks), width):
            part = masks[start : start + width]
            copies = [self._mixed(where, self._other) for where in part]
            copies += [self._x] * (width - len(part))
            after, before = self._at(torch.cat(copies)), self._base(width)
            pairs = list(zip(after, before, strict=True))[: len(part)]
            found += [self._share(*pair) if self._differs(*pair) else 0.0 for pair in pairs]
        return found

    def gradient(self, changed: Mask) -> Mask:
        """Return where the unit has a gradient that is not zero, with some positions changed."""
        x = self._mixed(changed, self._other).clone().requires_grad_(True)
        with torch.enable_grad():
            unit = self._at(x.clone())  # a copy, which the network may write to
            generator = torch.Generator().manual_seed(0)
            weights = torch.rand(unit.shape, generator=generator, dtype=unit.dtype) + 0.5
            total = (unit * weights).sum()
            if not total.requires_grad:  # the forward itself keeps gradients away
                return np.zeros([self._x.shape[axis] for axis in self._axes], dtype=np.bool_)
            (found,) = torch.autograd.grad(total, x, materialize_grads=True)
        others = [axis for axis in range(x.dim()) if axis not in self._axes]
        seen = self._unlike(found, torch.zeros_like(found))
        mask: Mask = (seen.any(others) if others else seen).numpy()
        return mask.transpose(np.argsort(np.argsort(self._axes)))

    def _base(self, width: int) -> Tensor:
        if width not in self._before:
            self._before[width] = self._at(torch.cat([self._x] * width))
        return self._before[width]

    def _is_apart(self, width: int) -> bool:
        """Return whether copies of the input in one pass leave each other as they are."""
        if width not in self._apart:
            self._apart[width] = self.seconds <= OVERHEAD and self._is_left(width)
        return self._apart[width]

    def _is_left(self, width: int) -> bool:
        try:
            before = self._base(width)
            for odd in (0, 1):
                copies = [self._x, self._other] if odd else [self._other, self._x]
                mixed = (copies * width)[:width]
                if not torch.equal(self._at(torch.cat(mixed))[1 - odd :: 2], before[1 - odd :: 2]):
                    return False
        except Exception:  # a forward that is made for one
            return False
        return True

    def _run_all(self, x: Tensor) -> Tensor:
        self.runs += 1
        with torch.set_grad_enabled(x.requires_grad):
            return self._run(x)

    def _at(self, x: Tensor) -> Tensor:
        """Return the unit of each copy (N, ...)."""
        found = self._run_all(x)
        at = tuple(self._unit.get(axis, slice(None)) for axis in range(found.dim()))
        picked = found[at]
        return picked.clone() if len(x) > len(self._x) else picked[None].clone()

    def _differs(self, after: Tensor, before: Tensor) -> bool:
        """Return whether a change answered; what overflowed on the way is no answer."""
        if torch.equal(after, before) or not bool(after.isfinite().all()):
            return False
        return not self._rounding or bool(self._unlike(after, before).any())

    def _share(self, after: Tensor, before: Tensor) -> float:
        """Return the largest change of a unit beside the largest number, more than nothing."""
        largest = max(float(each[each.isfinite()].abs().max()) for each in (after, before))
        return max(float((after - before).abs().max()) / max(largest, self._step, TINY), TINY)

    def _unlike(self, after: Tensor, before: Tensor) -> Tensor:
        """Return where a change answered."""
        found = (after != before) & after.isfinite()
        if self._rounding and bool(found.any()):
            largest = max(float(each[each.isfinite()].abs().max()) for each in (after, before))
            found &= (after - before).abs() > self._rounding * max(largest, 1.0)
        return found

    def _mixed(self, where: Mask, other: Tensor) -> Tensor:
        return torch.where(self._over_input(where), other, self._x)

    def _over_input(self, where: Mask) -> Tensor:
        shape = [1] * self._x.dim()
        for axis, size in zip(self._axes, where.shape, strict=True):
            shape[axis] = size
        mask = torch.from_numpy(where).permute(*np.argsort(self._axes).tolist())
        return mask.reshape(shape)


def _changed(x: Tensor, step: float | None) -> Tensor:
    """Return other values for all positions: all larger by a random step, or else of other signs.

    With positive weights an output grows with every input, and a huge step passes every maximum.
    """
    if not x.is_floating_point():
        return torch.where(x > 0, x - 1, x + 1)
    if step is None:
        return -3 * x + 1
    generator = torch.Generator().manual_seed(1)
    return x + step * (1 + torch.rand(x.shape, generator=generator, dtype=x.dtype))
