"""New layers whose dilations are to be chosen: what is given of them, and what they must reach."""

from collections.abc import Sequence

from archscope.errors import SpecError
from archscope.records import frozen
from archscope.theory.combs import ascending, combs, jump, reach
from archscope.theory.layers import Stack, conv
from archscope.theory.schedules import CONVS_LIMIT, LAYERS_LIMIT, Room, Slot


@frozen
class Plan:
    """What new layers are like, all but their dilations."""

    kernels: tuple[int, ...] = (3,)
    """Taps of each in order; the last holds for all further ones."""
    strides: tuple[int, ...] = ()
    """Strides of each in order; further ones have none. Where a layer strides its dilation is 1,
    since a stride over dilated taps leaves inputs unread."""
    convs: int = 1
    """Convolutions of each block, which share a kernel and a dilation; the first one strides."""

    @property
    def least(self) -> int:
        """How many there are at least: those whose kernel or stride is given."""
        return max(len(self.kernels) if len(self.kernels) > 1 else 1, len(self.strides))

    def kernel(self, number: int) -> int:
        """Taps of a layer by its number from 0."""
        return self.kernels[min(number, len(self.kernels) - 1)]

    def stride(self, number: int) -> int:
        """Stride of a layer by its number from 0."""
        return self.strides[number] if number < len(self.strides) else 1

    def block(self, number: int, dilation: int) -> Stack:
        """Return one block of the new layers."""
        kernel = self.kernel(number)
        return tuple(
            conv(kernel, stride=1 if turn else self.stride(number), dilation=dilation)
            for turn in range(self.convs)
        )

    def slots(self, count: int, step: int) -> tuple[Slot | None, ...]:
        """Return what is to be chosen of so many; None where that is nothing."""
        found: list[Slot | None] = []
        for number in range(count):
            strides = self.stride(number) > 1
            taps = 1 + self.convs * (self.kernel(number) - 1)
            found.append(None if strides else Slot(taps=taps, jump=step))
            step *= self.stride(number)
        return tuple(found)


@frozen
class Task:
    """What is asked of `suggest`, in the form that the searches need."""

    target: int
    base: Stack
    plan: Plan
    layers: int | None
    """How many new blocks; None: as few as can be."""
    room: Room
    """What stays as it is: the base, and new layers that stride."""
    given: tuple[Slot | None, ...]
    """What is to be chosen of the new blocks that there are at least; None where one strides."""
    more: Slot
    """The same of every further block."""

    @property
    def most(self) -> int:
        """How many new blocks are looked at."""
        some = min(LAYERS_LIMIT, max(CONVS_LIMIT // self.plan.convs, len(self.given)))
        return self.layers or some

    def slots(self, count: int) -> tuple[Slot, ...]:
        """Return what is to be chosen of so many new blocks."""
        found = tuple(slot for slot in self.given if slot is not None)
        return found + (self.more,) * (count - len(self.given))

    def stack(self, dilations: Sequence[int]) -> Stack:
        """Return all layers, with a dilation for each new block."""
        new = (self.plan.block(*each) for each in enumerate(dilations))
        return self.base + tuple(layer for block in new for layer in block)

    def every(self, chosen: Sequence[int]) -> tuple[int, ...]:
        """Return a dilation for each new block, given those of the slots."""
        turns = iter(chosen)
        given = [1 if slot is None else next(turns) for slot in self.given]
        return (*given, *turns)

    def span(self, slots: Sequence[Slot]) -> int:
        """Return what the slots must add at least."""
        missing = [self.target - reach(self.room.fixed), sum(slot.span(1) for slot in slots)]
        finer = 1
        for comb in ascending(self.room.fixed):
            missing.append(comb.rate - finer)  # it leaves holes unless all finer ones reach so far
            finer += comb.span
        return max(missing)


def task_of(
    target: int, base: Stack, plan: Plan, layers: int | None, max_dilation: int | None
) -> Task:
    least, convs = layers or plan.least, plan.convs
    if least < plan.least:
        problem = f"is fewer than the {plan.least} new layers whose kernels or strides are given"
        raise SpecError("layers", layers, problem)
    given = plan.slots(least, jump(base))
    ones = base + tuple(layer for number in range(least) for layer in plan.block(number, 1))
    stays = {len(base) + n * convs + turn for n, slot in enumerate(given) if slot is None
             for turn in range(convs)} | set(range(len(base)))  # fmt: skip
    fixed = tuple(comb for comb in combs(ones) if comb.layer in stays)
    more = plan.slots(least + 1, jump(base))[-1]
    assert more is not None, "strides are of layers that are given"
    return Task(
        target=target,
        base=base,
        plan=plan,
        layers=layers,
        room=Room(fixed=fixed, max_dilation=max_dilation),
        given=given,
        more=more,
    )
