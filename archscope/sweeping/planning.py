"""Turns the user's words into the question of a sweep and the space that it covers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from archscope import loaders, specs
from archscope.assertions import read_amount, shown
from archscope.columns import Kind
from archscope.errors import UsageError
from archscope.loaders.family import refuse_strangers
from archscope.records import frozen
from archscope.studies import measures
from archscope.studies.sweep.rows import Layout
from archscope.subject import Request
from archscope.sweeping.answering import ALONE, needs_no_inputs
from archscope.sweeping.axes import Axis, argument_axis, field_axis
from archscope.sweeping.conditions import fields_of
from archscope.sweeping.presentation import Wish, check_wish, layout_of, measures_of
from archscope.sweeping.question import Question, Variant, variant
from archscope.sweeping.solving import Solve, solve_of
from archscope.sweeping.space import Space
from archscope.theory.rates import read_rate

USUAL = ("params", "macs")
"""What is measured where nobody says, beside the receptive field where that costs nothing."""


@frozen
class Asked:
    """What a user asks for."""

    model: str
    """As typed; empty: the fields say which."""
    request: Request
    """What is said beside it: fields and arguments, axes among them."""
    measures: tuple[str, ...] = ()
    """What is measured; empty: the usual."""
    wish: Wish = Wish()
    """What is shown of it; measures that it names are measured too."""
    zipped: tuple[str, ...] = ()
    """Axes that go together."""
    limit: int | None = None
    """The first so many variants."""
    sample: int | None = None
    """So many, drawn at random."""
    seed: int = 0
    """What the draw begins with."""
    sample_rate: str | None = None
    """Positions a second."""
    iso: str | None = None
    """What a measure is to be in every variant, e.g. `params=124M`."""
    solve: str | None = None
    """The field that is free for it."""
    timing: Mapping[str, Any] | None = None
    """How passes are timed: `device`, `dtype`, `runs`."""


@frozen
class Planned:
    """A sweep that can be run."""

    question: Question
    """What is asked of each variant."""
    space: Space
    """The variants, by their values."""
    spec: type | None
    """The spec that they are made of; None: it is the user's own code that makes them."""
    wish: Wish = Wish()
    """What is shown of them."""

    def variants(self) -> list[Variant]:
        """Return all variants; raises `UsageError` where not one of them can be made."""
        made = [variant(self.question, *each) for each in enumerate(self.space.combinations())]
        if made and all(each.outcome.refused for each in made):
            many = f"none of the {len(made):,} variants can be made: " if len(made) > 1 else ""
            raise UsageError(many + made[0].outcome.refused)
        return made

    @property
    def axes(self) -> tuple[tuple[str, Kind], ...]:
        """What rows say of each variant first: its axes, and the field that was solved for."""
        solve = self.question.solve
        found = [(axis.name, axis.kind) for axis in self.space.axes]
        free: list[tuple[str, Kind]] = [(solve.field, "number")] if solve else []
        return (*found, *free)

    @property
    def layout(self) -> Layout:
        """What its rows have fields for."""
        asked = self.question
        return layout_of(self.axes, asked.measures, asked.sample_rate, self.wish.group)

    @property
    def kept(self) -> dict[str, Any]:
        """What a store says of it, to tell it from other questions."""
        return {
            **self.question.kept(),
            "axes": [name for name, _ in self.axes],
            "title": self.title,
        }

    @property
    def title(self) -> str:
        """The sweep in a line."""
        axes = " × ".join(axis.title for axis in self.space.axes)
        taken = self.space.taken
        of = f" of {self.space.size:,}" if taken < self.space.size else ""
        count = f"{taken:,}{of} variant{'s' * (max(taken, self.space.size) != 1)}"
        return " · ".join(filter(None, ("sweep", self.question.model, axes, self._aim, count)))

    @property
    def _aim(self) -> str:
        solve = self.question.solve
        if solve is None:
            return ""
        wanted = int(solve.wanted) if solve.wanted.denominator == 1 else solve.wanted
        return f"{solve.field} for {solve.measure} {shown(wanted, solve.dimension)}"


def planned(asked: Asked) -> Planned:
    """Return what is asked as a question and a space; raises `UsageError` before any work."""
    model = loaders.spelt(asked.model) or loaders.described_by(asked.request.fields)
    loader = loaders.find(model)
    if loader is None:
        loaders.require_name(model)
    spec = loader.spec(model) if loader else None
    axes, request = _axes(model, spec, asked.request)
    space = Space(
        axes=axes,
        zipped=tuple(name.replace("-", "_") for name in asked.zipped),
        limit=asked.limit,
        sample=asked.sample,
        seed=asked.seed,
    )
    if asked.sample_rate is not None:
        read_rate(asked.sample_rate)
    question = Question(
        model=model,
        request=request,
        measures=(),
        arguments=tuple(axis.name for axis in axes if axis.is_argument),
        solve=_solve(asked, spec, axes, request.fields),
        sample_rate=asked.sample_rate,
        **(asked.timing or {}),
    )
    question.check()
    wanted = asked.measures or _usual(question, space)
    also = measures_of(asked.wish, fields_of(spec, axes), asked.sample_rate)
    aim = [question.solve.measure] if question.solve else []
    names = tuple(each.name for each in measures.chosen((*wanted, *also, *aim)))
    _require_switches(names)
    question = replace(question, measures=names, where=asked.wish.where)
    made = Planned(question=question, space=space, spec=spec, wish=asked.wish)
    check_wish(asked.wish, made.layout, fields_of(spec, axes))
    if needs_no_inputs(names):
        question = replace(question, request=replace(request, parameters_alone=True))
    return replace(made, question=question)


def _axes(model: str, spec: type | None, request: Request) -> tuple[tuple[Axis, ...], Request]:
    """Return what of a request are axes, and the rest of it."""
    known = {} if spec is None else {flag.name: flag for flag in specs.flags(spec)}
    axes: list[Axis] = []
    fields: dict[str, Any] = {}
    arguments: dict[str, Any] = {}
    for word, given in request.fields.items():
        name = word.replace("-", "_")
        if name not in known:
            _refuse(model, spec, name)
        _put(field_axis(known[name], given), name, axes, fields)
    for name, given in request.arguments.items():
        _put(argument_axis(name, given), name, axes, arguments)
    return tuple(axes), replace(request, fields=fields, arguments=arguments)


def _solve(
    asked: Asked, spec: type | None, axes: Sequence[Axis], given: Collection[str]
) -> Solve | None:
    """Return what is to be found in every variant; raises `UsageError` where that cannot be."""
    if asked.iso is None and asked.solve is None:
        return None
    name, equals, text = (asked.iso or "").partition("=")
    if not (equals and asked.solve):
        raise UsageError(
            "give the target and the field to solve for: --iso params=124M --solve d_model"
        )
    of = measures.measure(name.strip())
    if of.analysis in ALONE or of.dimension == "switch":
        raise UsageError(
            f"--iso {asked.iso}: {of.name} is not a number that a field can be solved for"
        )
    dimension, wanted = read_amount(text, of.quantity)
    if dimension == "time" and asked.sample_rate is None:
        raise UsageError(f"--iso {asked.iso} needs --sample-rate, e.g. 16kHz")
    found = solve_of(spec, asked.solve, of, dimension, wanted)
    if found.field in (axis.name for axis in axes):
        raise UsageError(f"--solve {asked.solve}: it is also an axis; leave out one of them")
    if found.field in given:
        raise UsageError(f"--solve {asked.solve}: its value is also given; leave out one of them")
    return found


def _put(found: Any, name: str, axes: list[Axis], fixed: dict[str, Any]) -> None:
    if isinstance(found, Axis):
        axes.append(found)
    else:
        fixed[name] = found


def _refuse(model: str, spec: type | None, name: str) -> NoReturn:
    """Raise `UsageError` for a name that is no field of the network."""
    if spec is None:
        raise UsageError(
            f"{specs.flag_of(name)} is a field of a family, and {model} is not one; pass an "
            f"argument of its own as --model-arg {name}=VALUES"
        )
    refuse_strangers(model, spec, (name,), names_them=f"archscope list {model.partition(':')[0]}")
    raise AssertionError(name)


def _require_switches(names: Sequence[str]) -> None:
    """Raise `UsageError` for a measure that hangs on what only the user can say."""
    for each in measures.chosen(names):
        measures.require_none(each, "a sweep")


def _usual(question: Question, space: Space) -> tuple[str, ...]:
    """Return what is measured where nobody says."""
    for values in space.combinations():
        try:
            sketched = question.network(values).sketch is not None
        except UsageError:  # of another variant there may be one
            continue
        return (*USUAL, "rf") if sketched else USUAL
    return USUAL
