"""What a user says of a sweep becomes the question that it asks, and the space that it asks of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archscope import loaders, specs
from archscope.columns import Kind
from archscope.errors import UsageError, did_you_mean
from archscope.records import frozen
from archscope.studies import measures
from archscope.studies.sweep.choosing import asked_by, goal, read_where
from archscope.studies.sweep.rows import Layout, Measured
from archscope.studies.where import Condition
from archscope.subject import Request
from archscope.sweeping.axes import Axis, argument_axis, field_axis
from archscope.sweeping.question import Question, Variant, variant
from archscope.sweeping.space import Space
from archscope.theory.rates import read_rate

USUAL = ("params", "macs")
"""What is measured where nobody says, beside the receptive field where that costs nothing."""


@frozen
class Wish:
    """Which variants are shown and how, in the user's words."""

    where: str | None = None
    """A condition, e.g. `params < 100k and rf >= 1s`."""
    pareto: tuple[str, ...] = ()
    """Numbers whose front is marked."""
    sort: str | None = None
    """The number by which they stand, best first."""
    group: str | None = None
    """The field that they are grouped by."""


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
            every = "it" if len(made) == 1 else f"none of the {len(made):,} variants"
            raise UsageError(f"{every} can be made: {made[0].outcome.refused}")
        return made

    @property
    def title(self) -> str:
        """The sweep in a line."""
        axes = " × ".join(axis.title for axis in self.space.axes)
        taken = self.space.taken
        of = f" of {self.space.size:,}" if taken < self.space.size else ""
        count = f"{taken:,}{of} variant{'s' * (max(taken, self.space.size) != 1)}"
        return " · ".join(filter(None, ("sweep", self.question.model, axes, count)))


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
        sample_rate=asked.sample_rate,
        **(asked.timing or {}),
    )
    wanted = asked.measures or _usual(question, space)
    also = measures_of(asked.wish, fields_of(spec, axes), asked.sample_rate)
    names = tuple(each.name for each in measures.chosen((*wanted, *also)))
    question = replace(question, measures=names)
    return Planned(question=question, space=space, spec=spec, wish=asked.wish)


def _axes(model: str, spec: type | None, request: Request) -> tuple[tuple[Axis, ...], Request]:
    """Return what of a request are axes, and the rest of it."""
    known = {} if spec is None else {flag.name: flag for flag in specs.flags(spec)}
    axes: list[Axis] = []
    fields: dict[str, Any] = {}
    arguments: dict[str, Any] = {}
    for word, given in request.fields.items():
        name = word.replace("-", "_")
        found = field_axis(known[name], given) if name in known else _unknown(model, known, name)
        _put(found, name, axes, fields)
    for name, given in request.arguments.items():
        _put(argument_axis(name, given), name, axes, arguments)
    return tuple(axes), replace(request, fields=fields, arguments=arguments)


def _put(found: Any, name: str, axes: list[Axis], fixed: dict[str, Any]) -> None:
    if isinstance(found, Axis):
        axes.append(found)
    else:
        fixed[name] = found


def _unknown(model: str, known: Iterable[str], name: str) -> Any:
    names = tuple(known)
    if not names:
        raise UsageError(
            f"{specs.flag_of(name)} is a field of a family, and {model} is none; an argument of "
            f"its own is given as --model-arg {name}=VALUES"
        )
    near = did_you_mean(name, names)
    raise UsageError(f"{specs.flag_of(name)} is not a field of {model}.{near}")


def _usual(question: Question, space: Space) -> tuple[str, ...]:
    """Return what is measured where nobody says."""
    for values in space.combinations():
        try:
            sketched = question.network(values).sketch is not None
        except UsageError:  # of another variant there may be one
            continue
        return (*USUAL, "rf") if sketched else USUAL
    return USUAL


def fields_of(spec: type | None, axes: Sequence[Axis] = ()) -> Mapping[str, bool]:
    """Return the fields that a condition may name, and whether each is a switch."""
    if spec is None:
        return {a.name: all(isinstance(v, bool) for v in a.values) for a in axes}
    kinds = ("integer", "number", "switch", "list")
    return {
        f.name: f.kind == "switch" for f in specs.flags(spec) if f.kind in kinds and not f.kinds
    }


def measures_of(wish: Wish, fields: Mapping[str, bool], rate: str | None) -> tuple[str, ...]:
    """Return the measures that a wish names; raises `UsageError` where it cannot be granted."""
    names: list[str] = []
    if wish.where is not None:
        for name, dimensions in asked_by(condition_of(wish.where, fields)).items():
            if "time" in dimensions and rate is None and measures.measure(name).dimension != "time":
                raise UsageError(
                    f"--where {wish.where!r}: {name} in seconds needs --sample-rate, e.g. 16kHz"
                )
            names.append(name)
    goals = [goal(word, tuple(fields)) for word in wish.pareto]
    goals += [goal(wish.sort, tuple(fields), ranked=True)] if wish.sort else []
    return (*names, *(each.name for each in goals if each.is_measure))


def condition_of(text: str, fields: Mapping[str, bool]) -> Condition:
    """Return a condition over measures and these fields, of which some are switches."""
    switches = [name for name, is_switch in fields.items() if is_switch]
    return read_where(text, tuple(fields), switches)


def layout_of(
    question: Question, axes: Sequence[tuple[str, Kind]], group: str | None = None
) -> Layout:
    """Return what the rows of a question have fields for."""
    measured = []
    for each in measures.chosen(question.measures):
        measured.append(Measured(measure=each.name, dimension=each.dimension))
        in_time = "time" in each.quantity.dimensions and each.dimension != "time"
        if in_time and question.sample_rate is not None:
            measured.append(Measured(measure=each.name, dimension="time"))
    return Layout(axes=tuple(axes), measured=tuple(measured), group=group or "")
