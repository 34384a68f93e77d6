"""How the numbers were obtained: convention, environment, fields, and how to make them again."""

from __future__ import annotations

import json
import re
import shlex
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from archscope import presets, specs
from archscope.analyses import ANALYSES
from archscope.errors import UsageError
from archscope.families import FAMILIES, Family
from archscope.present import _format
from archscope.present import json as json_format
from archscope.present.html.charts import section
from archscope.records import frozen
from archscope.results import Report, View, plain

LONGEST_LINE = 200
"""Characters of a line that is shown at once; the whole is behind it."""
_LONGEST_NAME = 60
_FLAG = re.compile(r"--[a-z-]+( [\w.:+-]+)?")
"""What may be repeated of a file's flags: it can say anything."""


@frozen
class Line:
    """A line that may be too long to be shown at once."""

    whole: str
    short: str
    """Its beginning; empty where the whole is short."""


@frozen
class Method:
    """What stands under one report's numbers."""

    convention: str
    """What FLOP means, in a sentence; empty where there are none."""
    given: str
    """What the forward was called with; empty where nothing was run."""
    facts: tuple[tuple[str, str], ...]
    """Versions and the machine."""
    title: Line
    """The network in one line."""
    config: Line
    """The fields of the network; empty where it has none."""
    command: Line
    """What makes the report again; empty where that is not known."""
    file: str
    """Name of the JSON to download."""


def method(report: Report, number: int) -> Method:
    """Return how a report was obtained; `number` tells files of the same name apart."""
    return Method(
        convention="" if report.convention is None else _format.safe_label(report.convention.text),
        given=_given(report),
        facts=tuple(_facts(report)),
        title=_line(report.title),
        config=_line(_config(report)),
        command=_line(_command(report)),
        file=_file(report, number),
    )


def _line(text: str) -> Line:
    safe = _format.safe_label(text)
    return Line(whole=safe, short=f"{safe[:LONGEST_LINE]}…" if len(safe) > LONGEST_LINE else "")


def text(report: Report) -> str:
    """Return the report as the JSON that is downloaded and read back."""
    return json_format.render(report, View())


def _config(report: Report) -> str:
    given = {key: value for key, value in plain(report.config).items() if value is not None}
    return "  ".join(
        f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in given.items()
    )


def _command(report: Report) -> str:
    """Return the command that makes the report of a named network again, else nothing."""
    if report.command == "compare" and _texts(report.config.get("networks")):
        return _comparison(report.config)
    named = _named(report)
    if named is None:
        return ""
    name, family, fields_ = named
    usual = specs.values(specs.made(family.spec, fields_))
    given = {key: value for key, value in plain(report.config).items() if key in usual}
    settings = _settings(report)
    if settings is None or not _can_be(family.spec, {**fields_, **given}):
        return ""
    by_name = {field.name: field for field in specs.fields(family.spec)}
    changed = [_flag(by_name[key], value) for key, value in given.items() if value != usual[key]]
    timed = _timing(report)
    if timed is None:
        return ""
    return " ".join(["archscope", report.command, name, *changed, *settings, *timed])


def _timing(report: Report) -> list[str] | None:
    """Return how it was timed, in flags; None where that is not told, or no command does it."""
    found = section(report, "time.conditions")
    if found is None:
        return None if section(report, "time.passes") else []
    flags = [row.flag for row in found.rows if row.flag]
    if section(report, "time.batches") or not all(map(_FLAG.fullmatch, flags)):
        return None
    if report.command == "report":
        return ["--time", *flags]
    return [*(["--per-layer"] if section(report, "time.layers") else []), *flags]


def _can_be(type_: type, given: Mapping[str, Any]) -> bool:
    """Return whether these are values of a spec: a file can say anything."""
    try:
        specs.made(type_, {name: _tuples(value) for name, value in given.items()})
    except UsageError:
        return False
    return True


def _settings(report: Report) -> list[str] | None:
    """Return the flags of the analysis' own that were given; None where they cannot be."""
    said = report.config.get("settings", {})
    declared = ANALYSES.get(report.command).settings if report.command in ANALYSES else None
    if not said or declared is None:
        return []
    by_name = {field.name: field for field in specs.fields(declared)}
    given = {k: v for k, v in said.items() if k in by_name} if isinstance(said, Mapping) else None
    if given is None or not _can_be(declared, given):
        return None
    return [_flag(by_name[key], value) for key, value in given.items()]


def _texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


def _comparison(config: Mapping[str, Any]) -> str:
    """Return the command that puts the same networks side by side again."""
    given = {name: value for name, value in plain(config).items() if name != "networks"}
    flags = (f"{specs.flag_of(name)} {shlex.quote(_typed(v))}" for name, v in given.items())
    return " ".join(["archscope", "compare", *map(shlex.quote, config["networks"]), *flags])


def _typed(value: Any) -> str:
    return specs.listed(_tuples(value)) if isinstance(value, list) else str(value)


def _named(report: Report) -> tuple[str, Family, Mapping[str, Any]] | None:
    """Return what MODEL was, its family and the fields that the name stands for."""
    kind, _, name = report.origin.partition(":")
    if kind == "preset" and name in presets.names():
        preset = presets.load(name)
        return name, FAMILIES.get(preset.family), preset.fields
    if kind == "sentence":
        text = str(report.config.get("layers"))
        return shlex.quote(text), FAMILIES.get("cnn"), {"layers": text}
    known = kind == "family" and name in FAMILIES.names()
    return (name, FAMILIES.get(name), {}) if known else None


def _flag(field: specs.Field, value: Any) -> str:
    if field.kind == "switch" and value is not None:
        return field.flag if value else f"--no-{field.flag[2:]}"
    given = _tuples(value)
    if field.kind == "list" and given is not None:
        text = specs.listed(given if isinstance(given, tuple) else (given,))
    else:
        text = specs.typed(given)
    return f"{field.flag} {shlex.quote(text)}"


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _given(report: Report) -> str:
    said = (
        f"{tensor.name}: {_format.shape(tensor.shape)} {tensor.dtype}" for tensor in report.inputs
    )
    return _format.safe_label(", ".join(said))


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    for field in fields(report.environment):
        value = getattr(report.environment, field.name)
        if value is not None and not isinstance(value, Mapping):
            yield field.name, _format.safe_label(value)


def _file(report: Report, number: int) -> str:
    """Return a file name of plain letters: names in a title come from outside."""
    plain_title = unicodedata.normalize("NFKD", report.title).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain_title.lower()).strip("-")[:_LONGEST_NAME].strip("-")
    end = f"-{number + 1}" if number else ""
    return f"archscope-{slug or 'report'}{end}.json"
