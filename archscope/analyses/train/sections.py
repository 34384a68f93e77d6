"""Puts together the sections of the train analysis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.analyses.memory.notes import adapter_notes, bound_notes, one_draw
from archscope.analyses.train.rows import MODULES, RECIPES, ModuleRow, RecipeRow, Totals
from archscope.analyses.train.settings import Settings
from archscope.counting.loose_weights import made_notes
from archscope.records import frozen
from archscope.results import Amount, Headline, Note, Section, Words
from archscope.running.module_stack import outwards
from archscope.subject import Subject
from archscope.theory.recipes import RECIPES as STATE_RECIPES
from archscope.training.folding import block_of, unfolded_paths
from archscope.training.micro_batch import in_parts
from archscope.training.recipe import Recipe, read_adapters, read_recompute
from archscope.training.work import Work, count_step


def sections(subject: Subject, asked: Settings) -> tuple[Section, ...]:
    """Count a step of `subject`; see `archscope.analyses.train.analysis.run`."""
    recipe = Recipe(
        freeze=tuple(filter(None, asked.freeze.split(","))),
        adapters=read_adapters(asked.lora),
        recompute=read_recompute(asked.recompute),
    )
    subject, passes = in_parts(subject, asked.micro_batch)
    work = count_step(subject, recipe).times(passes)
    rows = tuple(_rows(work))
    totals = _totals(rows, work)
    said = tuple(_summary(totals))
    return (
        MODULES.filled(
            rows,
            totals=totals,
            notes=(*_notes(totals, work, asked, passes), *adapter_notes(subject.model, asked.lora)),
            headline=tuple(_headline(totals)),
            summary=said,
            device="cpu" if work.has_data else "meta",
            about=_about(asked),
        ),
        RECIPES.filled(_recipe_rows(totals), summary=said),
    )


@frozen
class _Own:
    """What a module holds and does by itself."""

    trainable: int = 0
    frozen: int = 0
    forward: int = 0
    backward: int = 0
    by_weight: int = 0
    by_input: int = 0
    by_function: int = 0
    recomputed: int = 0

    def __add__(self, other: _Own) -> _Own:
        return _Own(
            trainable=self.trainable + other.trainable,
            frozen=self.frozen + other.frozen,
            forward=self.forward + other.forward,
            backward=self.backward + other.backward,
            by_weight=self.by_weight + other.by_weight,
            by_input=self.by_input + other.by_input,
            by_function=self.by_function + other.by_function,
            recomputed=self.recomputed + other.recomputed,
        )

    @property
    def agrees(self) -> bool:
        return self.by_weight + self.by_input + self.by_function == self.backward


def _rows(work: Work) -> Iterator[ModuleRow]:
    """Yield a row for each module, in the model's order, and for each copy of one that repeats."""
    every = unfolded_paths(work.types, work.repeats)
    own = {name: _own(path, work) for name, path in every.items()}
    whole = dict(own)
    for name in every:
        for around in outwards(name):
            if around in whole:
                whole[around] += own[name]
    for name, path in every.items():
        mine, all_ = own[name], whole[name]
        yield ModuleRow(
            path=name,
            type=work.types[path],
            trainable=all_.trainable,
            frozen=all_.frozen,
            forward=all_.forward,
            backward=all_.backward,
            by_weight=all_.by_weight,
            by_input=all_.by_input,
            by_function=all_.by_function,
            recomputed=all_.recomputed,
            agrees=mine.agrees,
            own_trainable=mine.trainable,
            own_frozen=mine.frozen,
            own_forward=mine.forward,
            own_backward=mine.backward,
            own_by_weight=mine.by_weight,
            own_by_input=mine.by_input,
            own_by_function=mine.by_function,
            own_recomputed=mine.recomputed,
        )


def _own(path: str, work: Work) -> _Own:
    block = block_of(path, work.repeats)
    runs = len(block.copies) if block is not None and block.shared else 1
    return _Own(
        trainable=work.trains.get(path, 0),
        frozen=work.frozen.get(path, 0),
        forward=runs * work.forward[path],
        backward=runs * work.backward[path],
        by_weight=runs * work.by_weight[path],
        by_input=runs * work.by_input[path],
        by_function=runs * work.by_function[path],
        recomputed=runs * work.again[path],
    )


def _totals(rows: tuple[ModuleRow, ...], work: Work) -> Totals:
    whole = rows[0]
    step = whole.forward + whole.backward + whole.recomputed
    complete = not work.unknown and not work.filled and all(row.agrees for row in rows)
    return Totals(
        trainable=whole.trainable,
        frozen=whole.frozen,
        forward=whole.forward,
        backward=whole.backward,
        by_weight=whole.by_weight,
        by_input=whole.by_input,
        by_function=whole.by_function,
        recomputed=whole.recomputed,
        step=step,
        ratio=step / whole.forward if whole.forward and complete else None,
        complete=complete,
    )


def _recipe_rows(totals: Totals) -> Iterator[RecipeRow]:
    for recipe in STATE_RECIPES:
        yield RecipeRow(
            recipe=recipe.name,
            weight=recipe.weight,
            gradient=recipe.gradient,
            master=recipe.master,
            optimizer=recipe.optimizer,
            trained=recipe.trained,
            bytes=recipe.of(totals.trainable, totals.frozen),
            source=recipe.source,
        )


def _summary(totals: Totals) -> Iterator[Words]:
    sign = "" if totals.complete else "≥ "
    again: Words = ()
    if totals.recomputed:
        again = (f" · again {sign}", Amount(value=totals.recomputed, kind="work"))
    ratio = _ratio(totals)
    yield (
        f"MACs of a step {sign}",
        Amount(value=totals.step, kind="work"),
        f", {ratio}" if ratio else "",
        f": forward {sign}",
        Amount(value=totals.forward, kind="work"),
        f" · backward {sign}",
        Amount(value=totals.backward, kind="work"),
        *again,
    )
    yield (
        "Trained ",
        Amount(value=totals.trainable, kind="count"),
        " · frozen ",
        Amount(value=totals.frozen, kind="count"),
    )


def _ratio(totals: Totals) -> str:
    """Say how many times the forward a step is."""
    return "" if totals.ratio is None else f"{_four_digits(totals.ratio)} × the forward"


def _four_digits(ratio: float) -> str:
    """Return a ratio in four digits, or in as many as tell it from a whole number.

    >>> _four_digits(2.99262), _four_digits(3.0), _four_digits(1.00028)
    ('2.993', '3', '1.0003')
    """
    texts = (f"{ratio:.{digits}g}" for digits in range(4, 18))
    return next(text for text in texts if float(text) % 1 or not ratio % 1)


def _headline(totals: Totals) -> Iterator[Headline]:
    yield Headline(
        name="MACs of a training step",
        value=totals.step,
        kind="work",
        detail=tuple(filter(None, (_ratio(totals),))),
        level="" if totals.complete else "warning",
        bound=not totals.complete,
        order=25,
    )


def _notes(totals: Totals, work: Work, asked: Settings, passes: int) -> Iterator[Note]:
    yield from bound_notes(work)
    yield _agreement(work)
    if work.functions:
        yield Note(
            level="info",
            text=f"there is no closed form of the backward of {', '.join(sorted(work.functions))}: "
            f"{totals.by_function:,} multiply-accumulates, counted as torch ran them",
        )
    yield from one_draw(work)
    yield from made_notes(work.made)
    if asked.micro_batch is not None:
        text = f"{passes:,} passes of {asked.micro_batch:,} each are one step"
        yield Note(level="info", text=text)
    if asked.recompute == "selective":
        said = (
            "attention scores are computed again, once more than in a fused kernel"
            if totals.recomputed
            else "no attention scores were found to recompute"
        )
        yield Note(level="info", text=said)
    if work.weighs:
        yield Note(
            level="info",
            text="attention is counted unfused; a fused kernel multiplies queries and keys once "
            "more in its backward",
        )


def _agreement(work: Work) -> Note:
    """Return whether closed form and dispatcher count the backward of each module alike."""
    unlike = [path for path in work.types if not _own(path, work).agrees]
    if unlike:
        few = ", ".join(path or "the model itself" for path in unlike[:3])
        return Note(
            level="warning",
            text=f"closed form and dispatcher disagree on the backward of {few}"
            + (f" and {len(unlike) - 3} more" if len(unlike) > 3 else ""),
        )
    return Note(
        level="info",
        text="closed form (by which operands need a gradient) and torch's dispatcher agree on "
        "the backward of every module",
    )


def _about(asked: Settings) -> str:
    said = []
    if asked.freeze:
        said.append(f"frozen {asked.freeze}")
    if asked.lora:
        said.append(f"LoRA {asked.lora}")
    if asked.micro_batch is not None:
        said.append(f"micro-batch {asked.micro_batch}")
    if asked.recompute != "none":
        said.append(f"recompute {asked.recompute}")
    return " · ".join(said)
