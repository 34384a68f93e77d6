"""What modules hold and do, as values that add up: a total is `sum(...)` of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace

from archscope.analyses.params.own import Own
from archscope.records import frozen
from archscope.subject import Repeat


@frozen
class Figure:
    """An amount of work, some of whose parts may not be known."""

    known: int = 0
    """What is known of it, added up."""
    is_known: bool = False
    """Whether any part is."""
    complete: bool = True
    """Whether every part is."""

    def __add__(self, other: Figure) -> Figure:
        return Figure(
            known=self.known + other.known,
            is_known=self.is_known or other.is_known,
            complete=self.complete and other.complete,
        )

    def __mul__(self, times: int) -> Figure:
        return self if times == 1 else replace(self, known=self.known * times)

    @property
    def exact(self) -> int | None:
        """The amount, None where a part of it is unknown."""
        return self.known if self.complete else None


def _figure(amount: int | None, *, alias: bool) -> Figure:
    if amount is None:  # a second name of a module does nothing that its first does not
        return Figure(complete=alias)
    return Figure(known=amount, is_known=True)


@frozen
class Tally:
    """Weights and work of some modules; sizes in elements, shared tensors once."""

    trainable: int = 0
    frozen: int = 0
    active: Figure = field(default_factory=Figure)
    buffers: int = 0
    weight_bytes: int = 0
    fp32_bytes: int = 0
    nonzero: Figure = field(default_factory=Figure)
    macs: Figure = field(default_factory=Figure)
    effective_macs: Figure = field(default_factory=Figure)
    flops: Figure = field(default_factory=Figure)
    complete: bool = True
    """Whether the work is all counted, and undisputed."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            trainable=self.trainable + other.trainable,
            frozen=self.frozen + other.frozen,
            active=self.active + other.active,
            buffers=self.buffers + other.buffers,
            weight_bytes=self.weight_bytes + other.weight_bytes,
            fp32_bytes=self.fp32_bytes + other.fp32_bytes,
            nonzero=self.nonzero + other.nonzero,
            macs=self.macs + other.macs,
            effective_macs=self.effective_macs + other.effective_macs,
            flops=self.flops + other.flops,
            complete=self.complete and other.complete,
        )

    def __mul__(self, times: int) -> Tally:
        return Tally(
            trainable=self.trainable * times,
            frozen=self.frozen * times,
            active=self.active * times,
            buffers=self.buffers * times,
            weight_bytes=self.weight_bytes * times,
            fp32_bytes=self.fp32_bytes * times,
            nonzero=self.nonzero * times,
            macs=self.macs * times,
            effective_macs=self.effective_macs * times,
            flops=self.flops * times,
            complete=self.complete,
        )


def tally(own: Own) -> Tally:
    """Return what one module holds and does by itself."""
    weights = own.weights
    return Tally(
        trainable=weights.trainable,
        frozen=weights.frozen,
        active=_figure(weights.active, alias=False),
        buffers=weights.buffers,
        weight_bytes=weights.weight_bytes,
        fp32_bytes=weights.fp32_bytes,
        nonzero=_figure(weights.nonzero, alias=False),
        macs=_figure(own.work.macs, alias=weights.alias),
        effective_macs=_figure(
            own.effective_macs, alias=weights.alias and weights.nonzero is not None
        ),
        flops=_figure(own.work.flops, alias=weights.alias),
        complete=own.work.complete,
    )


def sums_of(own: dict[str, Tally], repeats: Sequence[Repeat]) -> dict[str, Tally]:
    """Return what each module does with all that it holds, by its path, as `own` has it by itself.

    A block that stands for several is added up once and counts so many times where it stands: the
    cost goes by kinds of blocks, not by their number.
    """
    times = {repeat.path: len(repeat.copies) for repeat in repeats if not repeat.shared}
    sums = dict(own)
    for path in reversed(own):
        if path:  # submodules come after what they are part of
            parent = path.rpartition(".")[0]
            here = sums[path]
            sums[parent] += here * times[path] if path in times else here
    return sums


def copies_of(path: str, repeats: Sequence[Repeat]) -> int:
    """Return for how many modules the one at `path` stands."""
    blocks = (r for r in repeats if not r.shared and f"{path}.".startswith(f"{r.path}."))
    return next((len(block.copies) for block in blocks), 1)
