"""Single changes to a plan: what each does to memory, work and traffic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.analyses.plan.evaluate import Evaluated, evaluate
from archscope.analyses.plan.layout import Layout, Recompute
from archscope.analyses.plan.network import Told
from archscope.analyses.plan.rows import ChangeRow
from archscope.errors import UsageError
from archscope.records import frozen
from archscope.theory.recipes import RECIPES


@frozen
class Change:
    """One change, and what is described for it."""

    words: str
    """What is typed, e.g. `--recompute full`."""
    remark: str
    rank: int
    """What kind of change it is: of how the work is shared 0, of more cards 1, of numbers 2."""
    after: Evaluated
    before: Evaluated

    @property
    def work(self) -> float | None:
        """FLOPs that run and time that is waited, more than before, as a share; None: unknown."""
        before, after = self.before.work.effort(), self.after.work.effort()
        if before is None or after is None or not before:
            return None
        each = self.before.layout.global_batch, self.after.layout.global_batch
        return float(after / each[1] / (before / each[0]) - 1)

    def order(self) -> tuple[float, ...]:
        """Return what is compared to find the cheapest."""
        work = self.work
        sent = self.after.sends
        most = float("inf")
        return (
            self.rank,
            most if work is None else round(work, 9),
            most if sent is None else sent,
        )

    def row(self, limit: int | None) -> ChangeRow:
        """Return it as a row."""
        fits = {True: "yes", False: "no", None: "unknown"}[self.after.fits(limit)]
        return ChangeRow(
            change=self.words,
            fits=fits,
            bytes=self.after.memory,
            work=self.work,
            sends=self.after.sends,
            cards=self.after.layout.gpus,
            remark=self.remark,
        )


def changes(told: Told, before: Evaluated) -> tuple[Change, ...]:
    """Return every change of one thing that can be made, the cheapest first."""
    found = []
    for words, layout, remark, rank in _tried(before.layout):
        try:
            after = evaluate(told, layout)
        except UsageError:
            continue  # this network cannot be shared so
        if after.fullest.known >= before.fullest.known:
            continue  # it takes as much
        found.append(Change(words=words, remark=remark, rank=rank, after=after, before=before))
    return tuple(sorted(found, key=Change.order))


_Try = tuple[str, Layout, str, int]


def _tried(layout: Layout) -> Iterator[_Try]:
    yield from _recomputed(layout)
    yield from _dealt_out(layout)
    yield from _shared(layout)
    yield from _smaller(layout)
    yield from _recipes(layout)


def _recomputed(layout: Layout) -> Iterator[_Try]:
    order: tuple[Recompute, ...] = ("none", "selective", "full")
    for word in order[order.index(layout.recompute) + 1 :]:
        yield f"--recompute {word}", replace(layout, recompute=word), "", 0
    if layout.attention == "math":
        yield "--attention-kernel flash", replace(layout, attention="flash"), "", 0


def _dealt_out(layout: Layout) -> Iterator[_Try]:
    if layout.dp > 1:
        for stage in range(layout.zero + 1, 4):
            yield f"--zero {stage}", replace(layout, zero=stage), "", 0
    for ep in _doubled(layout.ep, layout.dp):
        if layout.dp % ep == 0:
            yield f"--ep {ep}", replace(layout, ep=ep), "", 0
    if layout.tp > 1 and not layout.sequence_parallel:
        yield "--sequence-parallel", replace(layout, sequence_parallel=True), "", 0


def _shared(layout: Layout) -> Iterator[_Try]:
    """Yield more cards for each layer, and more stages: of the same cards, or of more."""
    for name, old, most in (("tp", layout.tp, 8), ("pp", layout.pp, 64)):
        for new in _doubled(old, most):
            yield from _share(layout, name, new, new // old)
    if layout.zero:
        for dp in _doubled(layout.dp, 16 * layout.dp):
            cards = dp * layout.tp * layout.pp
            yield f"--dp {dp}", replace(layout, dp=dp), f"on {cards:,} cards", 1


def _share(layout: Layout, name: str, new: int, times: int) -> Iterator[_Try]:
    """Yield the layout with so many times the `tp` or `pp`, where the copies allow for it."""
    tp, pp = (new, layout.pp) if name == "tp" else (layout.tp, new)
    passes = layout.micro_batches
    if layout.dp % times == 0:
        dp = layout.dp // times
        if dp % layout.ep == 0:
            changed = replace(layout, tp=tp, pp=pp, dp=dp, micro_batches=passes * times)
            yield f"--{name} {new}", changed, f"with dp {dp}", 0
    elif layout.dp == 1:
        changed = replace(layout, tp=tp, pp=pp, micro_batches=max(passes, pp))
        yield f"--{name} {new}", changed, f"on {changed.gpus:,} cards", 1


def _doubled(old: int, most: int) -> Iterator[int]:
    new = 2 * old
    while new <= most:
        yield new
        new *= 2


def _smaller(layout: Layout) -> Iterator[_Try]:
    """Yield smaller passes, more of them, so that a step has as many inputs."""
    size, times = layout.micro_batch, 1
    while size % 2 == 0:
        size, times = size // 2, times * 2
        passes = layout.micro_batches * times
        yield (
            f"--micro-batch {size}",
            replace(layout, micro_batch=size, micro_batches=passes),
            "",
            0,
        )
    if layout.chunks > 1:
        yield "--interleave 1", replace(layout, chunks=1), "", 0


def _recipes(layout: Layout) -> Iterator[_Try]:
    for recipe in RECIPES:
        if recipe.trained < layout.recipe.trained:
            yield f"--recipe {recipe.name}", replace(layout, recipe=recipe), "other numbers", 2
