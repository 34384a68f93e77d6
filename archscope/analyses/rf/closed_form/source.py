"""What outputs see of another input: rows of what looks at it, and of what reads all of that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.closed_form.attention import attention_row
from archscope.analyses.rf.numbers import counted
from archscope.analyses.rf.rows import LayerRow
from archscope.results import Note
from archscope.theory.outline import Outline, Source


def with_source(answer: Answer, outline: Outline, of_source: Answer) -> Answer:
    """Return the answer of an outline with that of its source: `of_source`, the encoder's own."""
    source = outline.source
    assert source is not None
    rows = (*of_source.layers, *_readers(outline, source))
    return replace(
        answer,
        layers=named(answer.layers, outline),
        sources=named(rows, source.outline),
        verdict=(*answer.verdict, *_verdict(outline, source, of_source, answer)),
        notes=(*answer.notes, *_remarks(outline, source)),
    )


def named(rows: tuple[LayerRow, ...], outline: Outline) -> tuple[LayerRow, ...]:
    """Return rows with the name of the input that they are of."""
    return tuple(replace(row, of=outline.input_name) for row in rows)


def _readers(outline: Outline, source: Source) -> Iterator[LayerRow]:
    """Yield a row for each module by which outputs read all of the source."""
    sizes, outputs = source.outline.sizes or (1,), outline.sizes or (1,)
    for name in source.readers:
        # Outputs lie along the other input: there are no steps along this one.
        yield replace(attention_row(name, sizes, outputs=outputs), jump=None, start=None)


def _verdict(outline: Outline, source: Source, of_source: Answer, answer: Answer) -> Iterator[Note]:
    size = counted((source.outline.sizes or (1,))[0], outline.noun)
    name, other = outline.input_name, source.outline.input_name
    yield Note(
        level="info",
        text=f"the verdict is about the {name}; in the {other} every {name} {outline.noun} sees "
        f"all {size}, through cross-attention from {source.readers[0]} on",
    )
    said = {note.details for note in answer.verdict}
    for note in of_source.verdict:
        if note.level == "warning":
            details = () if note.details in said else note.details
            text = f"Of the {other}, before {source.readers[0]}: {note.text}"
            yield replace(note, text=text, details=details)


def _remarks(outline: Outline, source: Source) -> Iterator[Note]:
    for remark in source.outline.remarks:
        if remark not in outline.remarks:
            yield Note(level="info", text=remark)
