"""Finds the best variant of a family under conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from archscope import loaders, specs
from archscope.errors import (
    InterruptedRunError,
    SpecError,
    ThresholdError,
    UsageError,
    did_you_mean,
)
from archscope.families import FAMILIES, Family
from archscope.library._verified import Verifier
from archscope.loaders.family import network as network_of_spec
from archscope.progress import doing, silently
from archscope.results import Report
from archscope.specs.space import Space
from archscope.studies.measures import Measure, chosen
from archscope.studies.search.answer import Outcome, solved
from archscope.studies.search.optimum import Goal
from archscope.studies.search.question import question, require_known
from archscope.studies.search.sections import measured_text, rows_of, sections_of
from archscope.studies.search.variants import Place, Variants
from archscope.studies.sweep.choosing import require_rate
from archscope.study import assemble
from archscope.subject import Network, Request
from archscope.sweeping.axes import Axis, field_axis
from archscope.theory.rates import read_rate

MOST_BUILT = 50
"""Variants that are verified where nobody says how many."""
BUDGET = 10.0
"""Seconds that timing one variant takes, about."""


def search(
    model: str = "",
    *,
    where: str | None = None,
    minimise: str | None = None,
    maximise: str | None = None,
    top: int | None = None,
    iso: str | None = None,
    solve: str | None = None,
    measure: str | Sequence[str] = (),
    verify: bool | None = None,
    sample_rate: str | float | None = None,
    device: str = "auto",
    **fields: Any,
) -> Report:
    """Return the best variants of a family under conditions, and what each condition costs.

    >>> report = search("cnn", spatial_dims=1, causal=True, where="rf >= 16000", minimise="depth",
    ...                 dilations="doubling", verify=False)
    >>> report.totals.best, report.totals.proven
    (11, True)

    `fields` are those of the family's spec. A single value, also a tuple, is fixed; a list, a
    range, or a text such as `"4:16"` or `"1/2/4;1/2/5"` gives the values to choose from. Fields
    that must be chosen and are not given take the family's usual values, which the report's config
    lists. Words stand for values that follow from other fields, e.g. `"doubling"` dilations from
    the depth.

    `where` is a condition on measures known in closed form (`params`, `macs`, `rf`, `coverage`,
    `ahead`, ...) and on fields. `minimise` or `maximise` names one of these; ties are broken by
    fewer parameters, then fewer MACs, then order in the space. The result is exact: every variant
    outside the `top` (10) is proven to be no better. Sections `constraints` and `choices` give the
    cost of each condition, and the best variant for each choice.

    With `iso`, e.g. `"params=124M"`, the field `solve` is set, for every combination of the others,
    to the value that comes closest to that target.

    The returned variants (at most the first 50) are verified: both engines count them, and their
    receptive field is traced through the operators, if that is cheap. With `verify` all are
    verified completely; section `verified` says where they differ. `measure` names further measures
    of these variants, e.g. `latency`; no other variant is ever built.

    Ctrl-C while the results are being built raises `InterruptedRunError` with its `report`.
    Raises `UsageError` for measures without a closed form. If no variant meets the conditions, the
    report has no rows and says which conditions are in the way.
    """
    network = loaders.load(model or loaders.described_by(fields), Request())
    return search_network(
        network,
        fields,
        where=where,
        minimise=minimise,
        maximise=maximise,
        top=top,
        iso=iso,
        solve=solve,
        measure=(measure,) if isinstance(measure, str) else measure,
        verify=verify,
        sample_rate=sample_rate,
        device=device,
    )


def search_network(
    network: Network,
    fields: Mapping[str, Any],
    *,
    measure: Sequence[str] = (),
    verify: bool | None = None,
    sample_rate: str | float | None = None,
    device: str = "auto",
    **asked: Any,
) -> Report:
    """Search among the variants of a named network; see `search`."""
    family = _family(network)
    fixed, axes = _said(family, network, fields)
    wanted = question(family, **asked)
    measures = chosen(word for text in measure for word in text.split(","))
    for each in measures:
        if each.analysis != "time":
            require_known(family, each.name)
    rate = None if sample_rate is None else read_rate(sample_rate)
    if rate is None and wanted.where is not None:
        require_rate(wanted.where)
    variants = _variants(family, fixed, axes, rate, network, wanted.solve)
    doing(f"searching {len(variants):,} variants in closed form")
    outcome = solved(variants, wanted)
    rows = list(rows_of(outcome))
    interrupted = False
    verifier = None if verify is False else Verifier(thoroughly=verify is True)
    built = outcome.top if verify is not None or measures else outcome.top[:MOST_BUILT]
    for number, (at, _) in enumerate(built):
        doing(f"building variant {number + 1} of {len(built)}", done=number / len(built))
        try:
            with silently():
                rows[number] = _looked_at(outcome, at, rows[number], measures, verifier, device)
        except KeyboardInterrupt:  # which are the best is known already
            interrupted = True
            break
    config = {
        "family": family.name,
        "fixed": {name: specs.plain(value) for name, value in fixed.items()},
        "axes": {axis.name: [specs.plain(each) for each in axis.values] for axis in variants.axes},
        **{name: value for name, value in asked.items() if value is not None},
    }
    title = " · ".join(_title(network, fixed, asked, wanted.goal))
    report = assemble("search", title, config, sections_of(outcome, tuple(rows)))
    if interrupted:
        raise InterruptedRunError(report)
    return report


def require_found(report: Report) -> None:
    """Raise `ThresholdError` where no variant met the conditions."""
    if not report.sections[0].rows:
        first = next(note.text for note in report.notes if note.level == "warning")
        raise ThresholdError(f"--where: {first}")


def _family(network: Network) -> Family:
    if not network.family:
        raise UsageError(
            f"{network.name}: a search chooses among the variants of a family, e.g. cnn or "
            "transformer, or of a published network; archscope sweep goes through those of any"
        )
    return FAMILIES.get(network.family)


def _said(
    family: Family, network: Network, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, tuple[Any, ...]]]:
    """Return the fields that are fixed and those that are chosen."""
    published = network.origin.startswith("preset:")
    loaders.family.refuse_strangers(
        family.name, family.spec, given, names_them=f"archscope list {family.name}"
    )
    fixed: dict[str, Any] = {
        field.name: value
        for field in specs.fields(family.spec)
        if (value := getattr(network.spec, field.name)) != field.default or published
    }
    axes: dict[str, tuple[Any, ...]] = {}
    known = {flag.name: flag for flag in specs.flags(family.spec)}
    for name, value in given.items():
        name = name.replace("-", "_")
        fixed.pop(name, None)
        read = _read(family.choices(), known[name], value)
        if isinstance(read, Axis):
            axes[name] = read.values
        else:
            fixed[name] = read
    return fixed, axes


def _read(space: Space, field: specs.Field, given: Any) -> Any:
    """Return what is given for a field as an axis, or as the one value that it is; words too."""
    items = list(given) if isinstance(given, list | range) else [given]
    parts: list[Any] = []
    for item in items:
        parts += _alternatives(space, field.name, item)
    if not any(space.word(field.name, part) for part in parts):
        return _held(space, field, given)
    values: list[Any] = []
    for part in parts:
        read = part if space.word(field.name, part) else _held(space, field, part)
        values += read.values if isinstance(read, Axis) else [read]
    return values[0] if len(values) == 1 else Axis(name=field.name, values=tuple(values))


def _held(space: Space, field: specs.Field, given: Any) -> Any:
    """Return what is given as an axis or a value; raises `UsageError` that names the words too."""
    try:
        return field_axis(field, given)
    except SpecError as error:
        words = [*space.words.get(field.name, ())]
        if not words or not isinstance(given, str) or any(map(str.isdecimal, given)):
            raise
        near = did_you_mean(given, words)
        raise SpecError(
            field.name, given, f"is neither a list nor one of {', '.join(words)}.{near}"
        ) from error


def _alternatives(space: Space, name: str, item: Any) -> list[Any]:
    """Return the alternatives in a text between semicolons, or commas where all are words."""
    if not isinstance(item, str):
        return [item]
    words = [part.strip() for part in item.replace(";", ",").split(",")]
    if all(space.word(name, word) for word in words):
        return words
    return [part.strip() for part in item.split(";")]


def _variants(
    family: Family,
    fixed: Mapping[str, Any],
    axes: Mapping[str, Sequence[Any]],
    rate: Fraction | None,
    network: Network,
    solve: str,
) -> Variants:
    name = network.origin.partition(":")[2]
    implied = _implied(network, fixed)
    variants = Variants(family, fixed, axes, rate, name=name, implied=implied, solve=solve)
    if len(variants) == 1:
        raise UsageError(
            f"{name}: there is nothing to choose; give a field several values, e.g. "
            f"{_several(network)}"
        )
    return variants


def _several(network: Network) -> str:
    """Return a flag of a network that has several values, for a message."""
    spec: Any = network.spec
    values = {field.name: getattr(spec, field.name) for field in specs.fields(type(spec))}
    usual = {"depth": "4:16", "channels": "16:256:*2", "d_model": "256:1024:*2"}
    given = [name for name in usual if isinstance(values.get(name), int) or _is_one(values, name)]
    if given:
        return " or ".join(f"{specs.flag_of(name)} {usual[name]}" for name in given)
    name, size = next(pair for pair in values.items() if type(pair[1]) is int)
    return f"{specs.flag_of(name)} {size},{2 * size}"


def _is_one(values: Mapping[str, Any], name: str) -> bool:
    """Return whether a field's list has one item, which is that of all layers."""
    return isinstance(values.get(name), tuple) and len(values[name]) == 1


def _implied(network: Network, fixed: Mapping[str, Any]) -> frozenset[str]:
    """Return the fixed fields that the name of a published network says."""
    if not network.origin.startswith("preset:"):
        return frozenset()
    spec = network.spec
    return frozenset(name for name in fixed if fixed[name] == getattr(spec, name, None))


def _title(
    network: Network, fixed: Mapping[str, Any], asked: Mapping[str, Any], goal: Goal | None
) -> Iterator[str]:
    yield f"search {network.origin.partition(':')[2] or network.family}"
    implied = _implied(network, fixed)
    for name, value in fixed.items():
        if name not in implied:
            shown = specs.listed(value) if isinstance(value, tuple) else specs.typed(value)
            yield name if value is True else f"{name.replace('_', ' ')} {shown}"
    for name in ("where", "iso"):
        if asked.get(name):
            yield str(asked[name]) if name == "where" else f"{name} {asked[name]}"
    if goal is not None:
        yield f"{goal.sense} {goal.name}"


def _looked_at(
    outcome: Outcome,
    at: Place,
    row: Any,
    measures: Sequence[Measure],
    verifier: Verifier | None,
    device: str,
) -> Any:
    """Return a row of the network itself: counted by both engines, its operators asked."""
    variants = outcome.variants
    network = network_of_spec(variants.family, variants.at(at).spec)
    if verifier is not None:
        row = verifier.verified(network, row)
    timed = [each for each in measures if each.analysis == "time"]
    if timed:
        from archscope.library._time import time_network

        report = time_network(network, device=device, budget=BUDGET)
        found = {each.name: each.of(report) for each in timed}
        if "latency" in found and found["latency"].values:
            row = replace(row, latency=float(found["latency"].values[0]))
    more = [each.name for each in measures if each.name != "latency"]
    also = [row.also, *(measured_text(outcome, at, name) for name in more)]
    return replace(row, also=", ".join(filter(None, also)))
