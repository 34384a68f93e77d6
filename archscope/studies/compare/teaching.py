"""A teacher beside its students: what the smaller network saves, and what distillation costs.

The first network teaches the others (Hinton et al. 2015, section 2): it runs forward alone, frozen,
in each step in which a student is trained on what it answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from archscope.columns import Kind, column
from archscope.records import frozen
from archscope.results import Amount, Note, Section, Words
from archscope.studies.compare.sides import Side, other_inputs


@frozen
class TeachingRow:
    """One measure of a student and of its teacher, or of a student without and with it."""

    student: str = column("Student", idle="student")
    """Which network is taught."""
    measure: str = column("Measure")
    """What is measured, e.g. `parameters`."""
    kind: Kind = column()
    """How its values are read, e.g. `bytes`."""
    less: int | None = column("Student, or alone", kind="number", read_as="kind")
    """Of the student; where both run, of the student alone. None where that is not known."""
    more: int | None = column("Teacher, or both", kind="number", read_as="kind")
    """Of the teacher; where both run, of both together."""
    ratio: float | None = column("Ratio", kind="factor", none="–")
    """How many times as much; None where one of them is not known, or they cannot be compared."""
    definition: str = column("What it is", drop=1)
    """What is measured, and why it is not known where it is not."""


TEACHING = Section(
    analysis="compare",
    name="teaching",
    row_type=TeachingRow,
    caption="Students beside their teacher, and the cost of distillation",
    chapter="together",
)


@frozen
class Decoded:
    """What one step of decoding reads at least, of one sequence."""

    bytes: int | None
    """Weights, in 16 bits, and what is kept of the tokens before; None where that is not told."""
    context: int | None = None
    """Tokens before."""
    why: str = ""
    """Why it is not known, where it is not."""


def teaching(sides: Sequence[Side], decoded: Mapping[str, Decoded]) -> Section:
    """Return the section on a teacher, which is the first, and its students.

    `decoded` is what a step of decoding reads, by the name of a side.
    """
    teacher, *students = sides
    notes = [Note(level="info", text=f"the teacher is {teacher.report.title}")]
    rows: list[TeachingRow] = []
    lines: list[Words] = []
    for student in students:
        found = list(_rows(teacher, student, decoded))
        rows += [row for row in found if row.less is not None or row.more is not None]
        lines.append(_said(student.name, found))
        notes += _lacking(teacher, student, decoded)
    return TEACHING.filled(tuple(rows), notes=tuple(notes), summary=tuple(lines))


def _said(student: str, rows: Sequence[TeachingRow]) -> Words:
    """Return in a line how many times as much the teacher has, or both together."""
    found: Words = (f"Teacher of {student}: ",)
    for number, row in enumerate(row for row in rows if row.ratio is not None):
        times = Amount(value=row.ratio or 0.0, kind="number")
        found += (" · " if number else "", times, f" × {row.measure}")
    return found


def _lacking(teacher: Side, student: Side, decoded: Mapping[str, Decoded]) -> Iterator[Note]:
    """Yield what of two networks is not compared, and why."""
    unfair = other_inputs(teacher, student)
    if unfair:
        text = f"work and memory of {student.name} and its teacher are not compared: {unfair}"
        yield Note(level="warning", text=text)
    why = _undecoded(decoded[student.name], decoded[teacher.name])
    if why:
        yield Note(level="info", text=f"decoding is not compared: {why}")


def _undecoded(ours: Decoded, theirs: Decoded) -> str:
    if ours.why or theirs.why:
        return ours.why or theirs.why
    if ours.context != theirs.context:
        return f"one reads {ours.context:,} tokens before, the other {theirs.context:,}"
    return ""


def _rows(teacher: Side, student: Side, decoded: Mapping[str, Decoded]) -> Iterator[TeachingRow]:
    theirs, ours = _Known(teacher), _Known(student)
    fair = not other_inputs(teacher, student)
    read = [decoded[side.name] for side in (student, teacher)]
    both = "with the teacher's {} in it, and without"
    every: tuple[tuple[str, Kind, int | None, int | None, bool, str], ...] = (
        ("parameters", "count", ours.params, theirs.params, True, "trained or not"),
        ("weights", "bytes", ours.weights, theirs.weights, True, "all parameters, as held"),
        ("forward MACs", "work", ours.forward, theirs.forward, fair, "of one forward pass"),
        ("training MACs", "work", ours.step, theirs.step, fair, "of a step of each by itself"),
        ("training memory", "bytes", ours.peak, theirs.peak, fair, "the peak of that step"),
        (
            *("distillation MACs", "work", ours.step, _sum(ours.step, theirs.forward), fair),
            f"of the student's step {both.format('forward pass')}",
        ),
        (
            *("distillation memory", "bytes", ours.peak, _sum(ours.peak, theirs.weights), fair),
            f"the peak of that step {both.format('weights')}: the least that it takes",
        ),
        (
            *("bytes per decoded token", "bytes", read[0].bytes, read[1].bytes),
            *(not _undecoded(*read), _DECODED),
        ),
    )
    for measure, kind, less, more, comparable, definition in every:
        ratio = more / less if comparable and less and more else None
        yield TeachingRow(
            student=student.name,
            measure=measure,
            kind=kind,
            less=less,
            more=more,
            ratio=ratio,
            definition=definition,
        )


_DECODED = (
    "weights in bf16 and cache that a step of one sequence reads: what bounds its time on any card"
)


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


class _Known:
    """What the sections of a report tell of one network; None where they do not."""

    def __init__(self, side: Side) -> None:
        counted = side.report.totals_of("params.modules")
        step = side.report.totals_of("train.modules")
        kept = side.report.totals_of("memory.modules")
        self.params = counted.trainable + counted.frozen if counted else None
        self.weights: int | None = counted.weight_bytes if counted else None
        self.forward: int | None = counted.macs if counted else None
        self.step: int | None = step.step if step and step.complete else None
        self.peak: int | None = kept.peak if kept else None
