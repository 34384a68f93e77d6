"""JUnit XML, which CI servers show as tests: results of tests where a report has any, else notes.

The form that Jenkins, GitLab and others read: https://github.com/testmoapp/junitxml.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal
from xml.sax.saxutils import quoteattr

from archscope.columns import columns
from archscope.present import Format, _cell, _format
from archscope.records import frozen
from archscope.results import Cases, Outcome, Report, Section, View

_Kind = Literal["", "failure", "error", "skipped"]
_KINDS: dict[Outcome, _Kind] = {
    "ok": "",
    "missed": "failure",
    "unknown": "failure",
    "failed": "error",
    "new": "skipped",
    "explained": "skipped",
    "skipped": "skipped",
    "undecided": "skipped",
}
_COUNTS = {"failure": "failures", "error": "errors", "skipped": "skipped"}
_NO_XML = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}
"""Characters that no XML holds, beside those that `safe_label` writes out."""


@frozen
class _Case:
    suite: str
    name: str
    kind: _Kind
    """What became of it; empty: it passed."""
    message: str


def render(report: Report, view: View) -> str:
    """Return a report as JUnit XML; see `Format.render`. It is always all of it."""
    cases = [
        case
        for section in report.sections
        if section.cases is not None
        for case in _tested(section, section.cases)
    ] or list(_noted(report))
    suites = dict.fromkeys(case.suite for case in cases)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f"<testsuites name={_quoted(report.title)}{_counts(cases)}>")
    for suite in suites:
        own = [case for case in cases if case.suite == suite]
        lines.append(f"  <testsuite name={_quoted(suite)}{_counts(own)}>")
        lines += (line for case in own for line in _lines(case))
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _tested(section: Section, fields: Cases) -> Iterator[_Case]:
    for row in section.rows:
        named = [text for field in fields.name if (text := _shown(section, row, field))]
        yield _Case(
            suite=_shown(section, row, fields.suite),
            name=" ".join(named),
            kind=_KINDS[getattr(row, fields.outcome)],
            message="; ".join(filter(None, _said(section, row, fields))),
        )


def _said(section: Section, row: object, fields: Cases) -> tuple[str, str]:
    """Return the numbers of a row, for a server that shows nothing else, and why they are so."""
    return _numbers(section, row, fields), _shown(section, row, fields.detail)


def _numbers(section: Section, row: object, fields: Cases) -> str:
    """Return what else a row says, e.g. `Actual 12, Room -2`."""
    said = {fields.suite, *fields.name, fields.outcome, fields.detail}
    told = (
        (column.title, _shown(section, row, column.name))
        for column in columns(section.row_type)
        if column.title and column.name not in said
    )
    return ", ".join(f"{title} {text}" for title, text in told if text)


def _shown(section: Section, row: object, field: str) -> str:
    column = next(each for each in columns(section.row_type) if each.name == field)
    text = _cell.text(section, row, column)
    return "" if text == _format.NOTHING else text


def _noted(report: Report) -> Iterator[_Case]:
    """Yield a test for each note: a warning is one that fails."""
    yield _Case(suite=report.command, name=report.title, kind="", message="")
    for note in dict.fromkeys(report.notes):
        kind: _Kind = "failure" if note.level == "warning" else ""
        text = " ".join([note.text, *note.details])
        yield _Case(suite=report.command, name=note.text, kind=kind, message=text)


def _counts(cases: Iterable[_Case]) -> str:
    kinds = [case.kind for case in cases]
    numbers = {"tests": len(kinds), **{word: kinds.count(kind) for kind, word in _COUNTS.items()}}  # type: ignore[arg-type]
    return "".join(f' {word}="{number}"' for word, number in numbers.items())


def _lines(case: _Case) -> Iterator[str]:
    head = f"    <testcase classname={_quoted(case.suite)} name={_quoted(case.name)}"
    if not case.kind:
        yield f"{head}/>"
        return
    yield f"{head}>"
    yield f"      <{case.kind} message={_quoted(case.message)}/>"
    yield "    </testcase>"


def _quoted(text: str) -> str:
    return quoteattr(_format.safe_label(text).translate(_NO_XML))


FORMAT = Format(
    name="junit",
    summary="results as test cases, for CI servers",
    suffixes=(".xml",),
    render=render,
)
