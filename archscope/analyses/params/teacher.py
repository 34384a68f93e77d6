"""A network beside its teacher: how many times larger the teacher is."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.analyses.params.summary import joined, with_lines
from archscope.columns import column
from archscope.errors import UsageError
from archscope.records import frozen
from archscope.results import Amount, InputShape, Note, Report, Section, Words


@frozen
class TeacherRow:
    """One measure of both."""

    quantity: str = column("Measure")
    """`parameters`, `MACs`, or a meaning of the word depth."""
    student: int = column("Student", kind="number")
    """Of the network that is counted."""
    teacher: int = column("Teacher", kind="number")
    """Of the one that teaches it."""
    ratio: float = column("Teacher / student", kind="number")
    """How many times larger the teacher is."""


TEACHER = Section(
    analysis="params",
    name="teacher",
    row_type=TeacherRow,
    caption="Beside its teacher",
    chapter="cost",
)


def with_teacher(report: Report, teacher: Report) -> Report:
    """Return `report` with a section that holds it against the count of its teacher.

    Raises `UsageError` where the two are not called with the same inputs: their work could not be
    compared.
    """
    ours, theirs = _given(report), _given(teacher)
    if ours and theirs and ours != theirs:
        raise UsageError(
            f"a teacher must take its student's inputs: this one takes {_said(theirs)}, "
            f"the student {_said(ours)}"
        )
    note = Note(level="info", text=f"the teacher is {teacher.title}")
    rows = tuple(_rows(report, teacher))
    said = joined(
        (Amount(value=row.ratio, kind="number"), f" × the {row.quantity}") for row in rows
    )
    lines: tuple[Words, ...] = (("Teacher: ", *said),) if rows else ()
    return with_lines(report, lines, TEACHER.filled(rows, notes=(note,)))


def _given(report: Report) -> tuple[InputShape, ...]:
    """Return the positional inputs; token types and the like are the network's own affair."""
    return tuple(each for each in report.inputs if each.name.partition(".")[0].isdigit())


def _said(inputs: tuple[InputShape, ...]) -> str:
    return " and ".join(f"{'×'.join(map(str, each.shape))} {each.dtype}" for each in inputs)


def _rows(student: Report, teacher: Report) -> Iterator[TeacherRow]:
    known = dict(_measures(teacher))
    for quantity, ours in _measures(student):
        theirs = known.get(quantity)
        if ours and theirs:
            yield TeacherRow(quantity=quantity, student=ours, teacher=theirs, ratio=theirs / ours)


def _measures(report: Report) -> Iterator[tuple[str, int | None]]:
    yield "parameters", report.totals.trainable + report.totals.frozen
    yield "MACs", report.totals.macs
    depths = report.find("params.depth")  # a file of weights tells none
    for row in depths.rows if depths else ():
        yield row.measure, row.value
