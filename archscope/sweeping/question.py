"""What is asked of every variant; all of it travels to workers and into a store."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from archscope import loaders, specs
from archscope.errors import SpecError, UsageError
from archscope.records import frozen
from archscope.results import plain
from archscope.studies.measures import Measure, chosen
from archscope.studies.sweep.outcomes import SOLVED, Outcome
from archscope.subject import Network, Request
from archscope.sweeping.axes import plain_value, shown_value
from archscope.sweeping.solving import Solve
from archscope.version import __version__

CONVENTION = "fvcore"
"""What FLOP means in a sweep: one for a multiply-accumulate."""


@frozen
class Question:
    """What is asked of every variant."""

    model: str
    """What names the network, as it is spelt."""
    request: Request
    """What is said of every variant beside its name."""
    measures: tuple[str, ...]
    """What is measured of each."""
    arguments: tuple[str, ...] = ()
    """The axes that are arguments of the user's own code."""
    solve: Solve | None = None
    """What is looked for in each variant first; None: nothing."""
    where: str | None = None
    """A condition: a variant of which it is false for certain need not be run."""
    sample_rate: str | None = None
    """Positions a second, as typed; None: nothing is told in seconds that is not timed."""
    device: str = "auto"
    """Where passes are timed."""
    dtype: str = "fp32"
    """What they compute in."""
    runs: int = 100
    """Samples of each, at most."""

    @property
    def analyses(self) -> Mapping[str, tuple[Measure, ...]]:
        """The measures by the analysis that knows them."""
        return _by_analysis(self.measures)

    @property
    def wanted(self) -> tuple[str, ...]:
        """What every variant is asked, in order."""
        return (*([SOLVED] if self.solve else []), *self.analyses)

    def network(self, values: Mapping[str, Any]) -> Network:
        """Return the network of one variant; raises `UsageError` where there can be none."""
        own = {name: value for name, value in values.items() if name in self.arguments}
        fields = {name: value for name, value in values.items() if name not in self.arguments}
        request = replace(
            self.request,
            fields={**self.request.fields, **fields},
            arguments={**self.request.arguments, **own},
        )
        return _loader(self.model).load(self.model, request)

    def check(self) -> None:
        """Raise `UsageError` where MODEL names no network, or is given what is for another kind."""
        first = (*self.arguments, *self.request.arguments)
        arguments = dict.fromkeys(first)
        request = replace(self.request, arguments=arguments)
        loaders.refuse_what_is_not_for_it(self.model, _loader(self.model), request)

    def command(self, values: Mapping[str, Any]) -> str:
        """Return what is typed to ask one variant alone, behind the name of a command."""
        words = [shlex.quote(self.model), *self._own_words()]
        for name, value in {**self.request.fields, **values}.items():
            if name in self.arguments:
                words += ["--model-arg", shlex.quote(f"{name}={json.dumps(plain(value))}")]
            elif isinstance(value, bool):
                words.append(specs.flag_of(name if value else f"no-{name}"))
            else:
                text = value if isinstance(value, str) else shown_value(value)
                words += [specs.flag_of(name), shlex.quote(text)]
        return " ".join(words)

    def _own_words(self) -> Iterator[str]:
        """Yield what is said of the user's own network, of every variant alike."""
        for shape in self.request.input_shapes:
            yield f"--input-shape {shlex.quote(shape)}"
        for name, value in self.request.input_values.items():
            yield f"--input {shlex.quote(f'{name}={json.dumps(plain(value))}')}"
        if self.request.inputs_from is not None:
            yield f"--inputs {shlex.quote(self.request.inputs_from)}"
        if self.request.method is not None:
            yield f"--method {shlex.quote(self.request.method)}"
        for name, value in self.request.arguments.items():
            yield f"--model-arg {shlex.quote(f'{name}={json.dumps(plain(value))}')}"

    def kept(self) -> dict[str, Any]:
        """Return what tells this question from others, as plain JSON values."""
        request = self.request
        said = {
            "model": self.model,
            "fields": {name: _typed(value) for name, value in request.fields.items()},
            "input_shapes": list(request.input_shapes),
            "input_values": plain(dict(request.input_values)),
            "inputs_from": request.inputs_from,
            "method": request.method,
            "arguments": plain(dict(request.arguments)),
            "code": _code(self.model),
            "measures": list(self.measures),
            "sample_rate": self.sample_rate,
            "convention": CONVENTION,
            "version": __version__,
        }
        if self.solve is not None:
            said["iso"] = f"{self.solve.measure}={self.solve.target} {self.solve.dimension}"
            said["solve"] = self.solve.field
        if "time" in self.analyses:
            said |= {"device": self.device, "dtype": self.dtype, "runs": self.runs}
        return {key: value for key, value in said.items() if value not in (None, [], {})}


@cache
def _by_analysis(names: tuple[str, ...]) -> Mapping[str, tuple[Measure, ...]]:
    found: dict[str, tuple[Measure, ...]] = {}
    for each in chosen(names):
        found[each.analysis] = (*found.get(each.analysis, ()), each)
    return found


@cache
def _loader(model: str) -> loaders.Loader:
    """Return what makes networks of that name; it is the same for all variants."""
    found = loaders.find(model)
    if found is None:
        loaders.require_name(model)
        raise AssertionError(model)
    return found


def _typed(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else shown_value(value)


def _code(model: str) -> str | None:
    """Return what tells the file that makes a network from what it was before; None: there is none.

    Its numbers are of the file as it was: one that has changed makes other networks.
    """
    file = Path(model.partition(":")[0])
    if file.suffix != ".py" or not file.is_file():
        return None
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


@frozen
class Variant:
    """One network to be asked."""

    place: int
    """Its number among the combinations, from 0."""
    values: Mapping[str, Any]
    """Its value on every axis."""
    key: str
    """What tells it from all others of the question: its whole spec, however it was typed."""
    outcome: Outcome
    """What is known of it before it is asked."""


def variant(question: Question, place: int, values: Mapping[str, Any]) -> Variant:
    """Return a variant, refused where no such network can be made."""
    plainly = {name: plain_value(value) for name, value in values.items()}
    outcome = Outcome(
        place=place,
        name=question.command(values),
        values=plainly,
        wanted=question.wanted,
    )
    if question.solve is not None:  # which network it is comes out when it is asked
        outcome = replace(outcome, free=question.solve.field)
        return Variant(place=place, values=values, key=_key(plainly), outcome=outcome)
    try:
        network = question.network(values)
    except UsageError as error:
        outcome = replace(outcome, refused=_reason(error))
        return Variant(place=place, values=values, key=_key(plainly), outcome=outcome)
    if network.spec is None:
        fields = {n: v for n, v in values.items() if isinstance(v, int | float)}
        return Variant(
            place=place,
            values=values,
            key=_key(plainly),
            outcome=replace(outcome, fields=fields),
        )
    outcome = replace(outcome, fields=numbers_of(network.spec))
    return Variant(
        place=place,
        values=values,
        key=_key({network.family: specs.values(network.spec)}),
        outcome=outcome,
    )


def _reason(error: UsageError) -> str:
    if isinstance(error, SpecError):
        return f"invalid {specs.flag_of(error.field)}: {error.describe(specs.flag_of)}"
    return str(error)


def _key(value: Any) -> str:
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def numbers_of(spec: Any) -> dict[str, Any]:
    """Return the numbers and switches of a spec, and of its kinds, by name: plain values."""
    found: dict[str, Any] = {}
    for field in specs.fields(type(spec)):
        value = getattr(spec, field.name)
        if field.kinds:
            for kind in value if isinstance(value, tuple) else (value,):
                for name in (part.name for part in specs.fields(type(kind))):
                    found.setdefault(name, plain(getattr(kind, name)))
        elif _is_number(value):
            found[field.name] = plain(value)
    return {name: value for name, value in found.items() if _is_number(value)}


def _is_number(value: Any) -> bool:
    several: Iterable[Any] = value if isinstance(value, tuple | list) else (value,)
    return all(isinstance(each, int | float) for each in several)
