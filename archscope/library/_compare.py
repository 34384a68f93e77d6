"""Puts networks side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archscope.errors import ArchscopeError, ForwardError, ThresholdError, UsageError
from archscope.results import Report, Section
from archscope.studies.compare import answer
from archscope.theory.rates import read_rate

if TYPE_CHECKING:
    from torch import nn

    from archscope.studies.compare.limits import Limit
    from archscope.studies.compare.sides import Side
    from archscope.subject import Network


def compare(
    first: nn.Module | Report | str | Path,
    other: nn.Module | Report | str | Path,
    *more: nn.Module | Report | str | Path,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    rf: bool | None = None,
    flops: bool = True,
    sample_rate: str | float | None = None,
    only_changed: bool = False,
    teacher: bool = False,
    fail_on: str | Sequence[str] = (),
    **fields: Any,
) -> Report:
    """Compare networks side by side: totals, modules, components and types of layers.

    >>> report = compare("transformer:depth=12", "transformer:depth=24")
    >>> {row.measure: row.difference for row in report.section("totals").rows}["params"]
    (85054464,)

    Each is the name of a network, a module, a `Report`, or the path of a saved one; all others are
    compared with the first. `args` and `kwargs` are the arguments of modules, or `input_shape` is
    that of a random input; `fields` apply to every named network, as for `params`.

    Modules are matched by path, or else by type, parameters and shapes if that is unambiguous;
    identical blocks are one row. A measure that depends on different inputs or a different
    convention, or is only a bound, has no difference but a reason (`why`). With `rf=True` receptive
    fields are compared too, at a `sample_rate` if given; with None only if all networks have a
    closed form, or their reports have it already. With `flops=False` only parameters are counted.
    `only_changed` drops rows that are equal in all networks.

    With `teacher` the first network is the teacher of the others: a training step is analysed too,
    the totals give its memory and MACs, and section `teaching` says how many times the weights,
    work, memory and decoding time of each student the teacher needs, and what distillation costs
    compared with training the student alone. A named teacher gets the inputs of its first student.

    `fail_on` are limits such as `"params:+1%"`, `"macs:+0"` or `"coverage:-0"`: by how much a
    measure may grow or shrink relative to the first network. `ThresholdError` has one line per
    crossed limit, and the `report`. If a forward fails, `ForwardError` has the `report` too: its
    parameters are compared anyway, and its work up to the failure.
    """
    limits = limits_of((fail_on,) if isinstance(fail_on, str) else tuple(fail_on))
    every = (first, other, *more)
    named = [each for each in every if isinstance(each, str) and not is_saved(each)]
    if all(isinstance(each, str | Path | Report) for each in every):
        _refuse_inputs(args, kwargs)
    of_modules, fields = _shapes_apart(every, named, fields)
    networks = iter(_networks(named, fields, flops=flops, teacher=teacher and every[0] in named))
    asked: list[Report | Network] = []
    for each in every:
        if isinstance(each, Report):
            asked.append(each)
        elif isinstance(each, str | Path) and is_saved(each):
            asked.append(_saved(each))
        else:
            asked.append(
                next(networks)
                if isinstance(each, str)
                else _held(each, args, {**(kwargs or {}), **of_modules})
            )
    said = [_said(each) for each in every]
    is_typed = all(isinstance(each, str | Path) for each in every)
    config = {"networks": said, **fields} if is_typed else {}
    asks: dict[str, Any] = {"rf": rf, "flops": flops, "sample_rate": sample_rate}
    report, crossed = compare_networks(
        asked, said, limits, **asks, only_changed=only_changed, teacher=teacher, config=config
    )
    if crossed:
        error = ThresholdError("\n".join(crossed))
        error.report = report
        raise error
    return report


def compare_networks(
    asked: Sequence[Report | Network],
    said: Sequence[str],
    limits: Sequence[Limit] = (),
    *,
    rf: bool | None = None,
    flops: bool = True,
    sample_rate: str | float | None = None,
    only_changed: bool = False,
    teacher: bool = False,
    config: Mapping[str, Any] | None = None,
) -> tuple[Report, tuple[str, ...]]:
    """Return networks, or reports of them, side by side, and a line for each limit that is crossed.

    `said` is how each was named, `config` what makes the same again. See `compare`. Where the
    forward of some fails, `ForwardError` has all that is known as its `report`.
    """
    from archscope.study import assemble

    answer.check_number(len(asked))  # before any work
    if sample_rate is not None:
        read_rate(sample_rate)
    failures: list[ForwardError] = []
    reports = [each for each in asked if isinstance(each, Report)]
    if len(reports) < len(asked):
        asks: dict[str, Any] = {"rf": rf, "flops": flops, "sample_rate": sample_rate}
        reports = list(_answered(asked, failures, **asks, trained=teacher))
    sides = answer.sides_of(reports, said)
    sections = answer.sections_of(sides)
    if teacher and not failures:
        sections = _with_teaching(sections, sides, asked)
    convention = answer.convention_of(sides)
    report = assemble("compare", answer.title_of(sides), config or {}, sections, convention)
    report = answer.only_changed(report) if only_changed else report
    if failures:
        raise _failed(failures, report)
    if not limits:
        return report, ()
    from archscope.studies.compare.limits import failures as lines

    crossed = lines(limits, sides)
    return answer.with_limits(report, [each.text for each in limits], crossed), crossed


def limits_of(texts: Sequence[str]) -> tuple[Limit, ...]:
    """Return what texts allow; raises `UsageError` for what is no limit."""
    if not texts:
        return ()
    from archscope.studies.compare.limits import read_limits

    return read_limits(texts)


def is_saved(name: str | Path) -> bool:
    """Return whether a text or path names a saved report, by how it ends."""
    if isinstance(name, Path):
        return True
    of_network = name.endswith((".index.json", "/config.json")) or name == "config.json"
    return name.lower().endswith(".json") and not of_network


def _saved(path: str | Path) -> Report:
    from archscope.saved import read

    return read(path)


def _shapes_apart(
    every: Sequence[Any], named: Sequence[str], fields: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the sizes of inputs that modules get, and the fields that named networks get.

    A family has fields of its own for its input.
    """
    from archscope import loaders
    from archscope.library._named import SHAPE

    if SHAPE not in fields or all(isinstance(each, str | Path | Report) for each in every):
        return {}, fields
    goes_to_named = any(not loaders.has_spec(name) for name in named)
    rest = {word: value for word, value in fields.items() if goes_to_named or word != SHAPE}
    return {SHAPE: fields[SHAPE]}, rest


def _said(each: nn.Module | Report | str | Path) -> str:
    if isinstance(each, str | Path):
        return str(each)
    return each.title if isinstance(each, Report) else type(each).__name__


def _with_teaching(
    sections: Sequence[Section], sides: Sequence[Side], asked: Sequence[Report | Network]
) -> tuple[Section, ...]:
    """Return sections with that on a teacher and its students, and its lines under each."""
    from archscope.library._teaching import decoded
    from archscope.studies.compare.teaching import teaching

    read = {side.name: decoded(each) for side, each in zip(sides, asked, strict=True)}
    added = teaching(sides, read)
    told = (replace(each, summary=(*added.summary, *each.summary)) for each in sections)
    return (*told, added)


def _networks(
    names: Sequence[str], fields: Mapping[str, Any], *, flops: bool, teacher: bool = False
) -> Sequence[Network]:
    """Return the networks that names name; the first teaches the others where it is a teacher."""
    if not names:
        field = next(iter(fields), None)
        if field is not None:
            raise UsageError(f"{field} applies to named networks, and none of these is one")
        return ()
    from archscope import loaders
    from archscope.library._named import request_of

    request = replace(request_of(fields), parameters_alone=not flops or None)
    if not teacher or len(names) == 1:
        return loaders.load_each(names, request)
    from archscope.library._teaching import load_teacher

    taught = loaders.load_each(names[1:], request)
    return (load_teacher(names[0], taught[0].config, request), *taught)


def _refuse_inputs(args: Sequence[Any], kwargs: Mapping[str, Any] | None) -> None:
    from archscope.library._named import refuse_inputs

    refuse_inputs((*args, *(kwargs or {})))


def _held(module: Any, args: Sequence[Any], kwargs: Mapping[str, Any] | None) -> Network:
    """Return a module in memory as a network that is asked like one that was named."""
    from archscope.library._named import subject_of
    from archscope.subject import Network

    subject = subject_of(module, tuple(args), dict(kwargs or {}))
    return Network(
        name=subject.name, origin=subject.origin, subject=lambda: subject, whole=lambda: subject
    )


def _answered(
    asked: Sequence[Report | Network],
    failures: list[ForwardError],
    *,
    rf: bool | None,
    flops: bool,
    sample_rate: Any,
    trained: bool,
) -> Iterator[Report]:
    """Yield the reports of all of them, with receptive fields where that is asked, or cheap.

    Where they are `trained`, a step of training is part of each. Of one whose forward fails what
    was counted until then is yielded, and its error is one of the `failures`.
    """
    from archscope.library._rf import see_network
    from archscope.study import ask, join

    wanted = flops and all(map(_tells_field, asked)) if rf is None else rf
    for each in asked:
        if isinstance(each, Report):
            yield each
            continue
        try:
            parts = [_counted(each, flops=flops)]
        except ForwardError as error:
            if not isinstance(error.report, Report):
                raise
            failures.append(error)
            yield error.report
            continue
        see = partial(see_network, each, sample_rate=sample_rate)
        parts += _seen(see, must=bool(rf)) if wanted else []
        parts += [ask(analysis, each) for analysis in ("train", "memory") if trained]
        yield join(parts)


def _failed(failures: Sequence[ForwardError], report: Report) -> ForwardError:
    """Return one error of those of several networks, with the report of all."""
    first = failures[0]
    lines = list(map(str, failures))
    told = "; ".join(line.rstrip(".") for line in lines)
    error = ForwardError(told, module=first.module, sections=report.sections)
    error.report, error.__cause__ = answer.warning_first(report, lines), first.__cause__
    return error


def _counted(network: Network, *, flops: bool) -> Report:
    from archscope.library._params import count_subject
    from archscope.study import countable

    subject = countable(network)
    if not flops:
        return count_subject(subject, flops=False)
    try:
        return count_subject(subject)
    except ForwardError as error:
        said = f"{network.name}: {error}"  # one of several has to say which it is
        failed = ForwardError(said, module=error.module, sections=error.sections)
        failed.report = error.report
        raise failed from error.__cause__


def _seen(see: Callable[[], Report], *, must: bool) -> list[Report]:
    """Return a receptive field where there is one; it must be there where it was asked for."""
    try:
        return [see()]
    except ArchscopeError:
        if must:
            raise
        return []


def _tells_field(each: Report | Network) -> bool:
    """Return whether a receptive field is known already, or told in closed form."""
    if isinstance(each, Report):
        return each.totals_of("rf.layers", "rf.branches") is not None
    return each.sketch is not None
