"""Reads facts: what TOML says, checked before any work, each error with its file and table.

    ["kv-llama-2-7b"]
    claim = "Llama-2-7B keeps 512 KiB of keys and values for each token"
    model = "llama-2-7b"                      # measured of a network, in closed form
    measure = "kv_bytes_per_token"
    value = 524288
    unit = "bytes"
    tolerance = 0
    source = "its configuration"
    basis = "derived"

    ["days-gpt3"]
    claim = "..."
    formula = "training_cost.seconds_for"     # a function of archscope.theory
    inputs = { cards = 1024, peak = 312e12, mfu = 0.45, flops = { formula = "...", inputs = {} } }

A file is one subject. `printed = "1.7"` in place of `value` and `tolerance` is held to its digits,
rounded or cut. Keys before the first table (`source`, `basis`, `unit`, `tolerance`) are those of
all facts that have none of their own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from archscope.errors import UsageError, did_you_mean
from archscope.files import read_text
from archscope.studies.facts.digits import of_digits
from archscope.studies.facts.fact import BASES, Combined, Fact, Formula, Measured
from archscope.studies.facts.units import worth

FOLDER = Path(__file__).parents[2] / "facts"
"""Where the facts that come with archscope are, a file for each subject."""
_LARGEST = 10**300
"""No fact is of more."""
_SHARED = ("source", "basis", "unit", "tolerance")
_OWN = ("claim", "value", "printed", "trap", "reason")
_OF = {
    "formula": ("formula", "inputs", "read"),
    "model": ("model", "measure", "fields", "settings", "built"),
    "sum": ("sum",),
    "product": ("product",),
    "ratio": ("ratio",),
}
"""What begins each way to compute something, and the keys of each."""


def read_folder(folder: Path = FOLDER) -> tuple[Fact, ...]:
    """Return the facts of all files of a folder, by subject."""
    return tuple(fact for path in sorted(folder.glob("*.toml")) for fact in read_file(path))


def read_file(path: Path) -> tuple[Fact, ...]:
    """Return the facts of a file; raises `UsageError` with the file and the fact that is wrong."""
    try:
        data = tomllib.loads(read_text(path))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from None
    except RecursionError:
        raise UsageError(f"{path} is nested too deeply") from None
    shared = {key: value for key, value in data.items() if not isinstance(value, Mapping)}
    strange = next((key for key in shared if key not in _SHARED), None)
    if strange is not None:
        raise UsageError(
            f"{path}: {strange!r} stands before the first fact; there may be {', '.join(_SHARED)}"
        )
    tables = {key: value for key, value in data.items() if isinstance(value, Mapping)}
    if not tables:
        raise UsageError(f'{path} holds no facts; a fact is a table, ["its-name"] with a claim')
    try:
        return tuple(_fact(path, key, {**shared, **table}) for key, table in tables.items())
    except RecursionError:
        raise UsageError(f"{path} is nested too deeply") from None


def _fact(path: Path, key: str, table: Mapping[str, Any]) -> Fact:
    where = f"{path}: {key}"
    computes = _computed(where, {k: v for k, v in table.items() if k not in (*_SHARED, *_OWN)})
    basis = _text(where, table, "basis", default="published")
    if basis not in BASES:
        near = did_you_mean(basis, list(BASES))
        raise UsageError(f"{where}: basis {basis!r} is not one of {'; '.join(BASES)}.{near}")
    unit = _text(where, table, "unit", default="")
    printed = _text(where, table, "printed", default="")
    try:
        value, tolerance = of_digits(printed) if printed else (None, 0.0)
        worth(unit)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    return Fact(
        id=key,
        subject=path.stem.replace("_", "-"),
        claim=_text(where, table, "claim"),
        computes=computes,
        value=_number(where, table, "value", default=value),
        unit=unit,
        tolerance=_number(where, {} if printed else table, "tolerance", default=tolerance),
        printed=printed,
        source=_text(where, table, "source"),
        basis=basis,  # type: ignore[arg-type]
        trap=_text(where, table, "trap", default=""),
        reason=_text(where, table, "reason", default=""),
    )


def _computed(where: str, table: Mapping[str, Any]) -> Any:
    """Return what computes a number; raises `UsageError` for a table that is no such thing."""
    way = next((word for word in _OF if word in table), None)
    if way is None:
        raise UsageError(
            f'{where}: nothing computes it; write formula = "..." with inputs = {{...}}, or '
            'model = "..." with measure = "..."'
        )
    strange = next((key for key in table if key not in _OF[way]), None)
    if strange is not None:
        near = did_you_mean(strange, [*_OF[way], *_SHARED, *_OWN])
        raise UsageError(f"{where}: {strange!r} is not a key of a fact by {way}.{near}")
    if way == "formula":
        inputs = _table(where, table, "inputs")
        return Formula(
            name=_text(where, table, "formula"),
            inputs={name: _input(where, value) for name, value in inputs.items()},
            read=_text(where, table, "read", default=""),
        )
    if way == "model":
        return Measured(
            model=_text(where, table, "model"),
            measure=_text(where, table, "measure"),
            fields=_table(where, table, "fields"),
            settings=_table(where, table, "settings"),
            built=table.get("built", False) is True,
        )
    terms = table[way]
    if not isinstance(terms, list) or not terms or (way == "ratio" and len(terms) != 2):
        count = "two" if way == "ratio" else "its"
        raise UsageError(f"{where}: {way} is {terms!r}, not a list of {count} terms")
    return Combined(by=way, terms=tuple(_input(where, term) for term in terms))  # type: ignore[arg-type]


def _input(where: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return _computed(where, value)
    if isinstance(value, list):
        return tuple(_input(where, item) for item in value)
    return value


def _text(where: str, table: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = table.get(key, default)
    if value is None:
        others = ", ".join(_missing(table))
        raise UsageError(f"{where} has no {key}; it lacks {others}")
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise UsageError(f"{where}: {key} is {value!r}, not a text")
    return value.strip()


def _missing(table: Mapping[str, Any]) -> Iterator[str]:
    wanted = ("claim", "value", "source")
    yield from (
        key for key in wanted if key not in table and (key, "printed" in table) != ("value", True)
    )
    if "model" in table and "measure" not in table:
        yield "measure"


def _number(where: str, table: Mapping[str, Any], key: str, default: float | None = None) -> Any:
    value = table.get(key, default)
    if value is None:
        raise UsageError(f"{where} has no {key}; it lacks {', '.join(_missing(table))}")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not abs(value) <= _LARGEST:  # not a number is in no order
        raise UsageError(f"{where}: {key} is {value!r}, not a number")
    return value


def _table(where: str, table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, Mapping):
        raise UsageError(f"{where}: {key} is {value!r}, not a table, e.g. {{ layers = 12 }}")
    return value
