"""What stands beside the count of a named network: its authors' figures, its teacher's count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archscope import loaders, specs
from archscope.analyses.params.published import with_published
from archscope.analyses.params.teacher import with_teacher
from archscope.errors import SpecError, UsageError
from archscope.results import Report
from archscope.study import analyse
from archscope.subject import Network, Request

_INPUT_FIELDS = ("batch_size", "seq_len", "target_len", "input_size")
"""Fields of specs that say how large the input is, whatever the network."""


def beside_figures(report: Report, network: Network) -> Report:
    """Return the count of a `Network` with what its authors print of it, if anything."""
    return with_published(report, network.published)


def beside_teacher(report: Report, teacher: str) -> Report:
    """Return the count of a student with that of the network that teaches it, at its inputs.

    Raises `UsageError` where no network is called so, or it cannot take these inputs.
    """
    fields = _inputs_of(report, teacher)
    try:
        network = loaders.load(teacher, Request(fields=fields))
    except SpecError as error:
        raise UsageError(f"teacher {teacher} cannot take what its student takes: {error}") from None
    return with_teacher(report, analyse("params", network.subject()))


def _inputs_of(report: Report, teacher: str) -> Mapping[str, Any]:
    """Return the student's fields that say how large its input is, where its teacher has them."""
    loader = loaders.find(teacher)
    spec = loader.spec(teacher) if loader else None
    known = {field.name for field in specs.fields(spec)} if spec else set()
    given = {field: report.config.get(field) for field in _INPUT_FIELDS if field in known}
    return {field: value for field, value in given.items() if value is not None}
