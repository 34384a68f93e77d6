"""The meanings of N for a network outside the families, from its layers as counted."""

from __future__ import annotations

from math import prod
from typing import Any

from archscope.errors import UsageError
from archscope.results import Section
from archscope.subject import Subject
from archscope.theory.census import ATTENTION, FUNCTIONS
from archscope.theory.meanings import Meanings

_TABLES = "embeddings"
"""The component that tables are of, as `params --by component` calls it."""
_NO_WORDS = ("position_ids", "token_type_ids", "cache_position")
"""Inputs of integers that are looked up beside the tokens."""


def of_subject(subject: Subject) -> Meanings:
    """Count a network by both engines; raises `UsageError` where not all of its work is known.

    The head is what multiplies and has an output for each word of a table.
    """
    from archscope.analyses.params.analysis import run
    from archscope.running.process import process_as_found

    subject.required_inputs("scaling")
    found = {section.name: section for section in process_as_found(lambda: run(subject))}
    totals = found["modules"].totals
    if totals.macs is None or not totals.complete:
        raise UsageError(
            f"{subject.name}: part of its work is unknown, so there are no figures per token; "
            "archscope params says which part"
        )
    rows = {row.path: row for row in found["modules"].rows}
    tables = [row for row in rows.values() if _is_table(row)]
    words = {_own(row) // row.output_shape[-1] for row in tables if row.output_shape}
    heads = [row for row in rows.values() if _is_head(row, words)]
    holders = {row.shared_with for row in heads if row.shared_with in rows}
    products = _without_weights(found["types"])
    every = totals.trainable + totals.frozen
    return Meanings(
        all=every,
        embeddings=sum(map(_own, tables)),
        head=sum(map(_own, heads)),
        tied_head=sum(_own(rows[path]) for path in holders),
        idle=None if totals.active is None else every - totals.active,
        tokens=_tokens(subject),
        weighted=totals.macs - products,
        unweighted=products,
    )


def _is_table(row: Any) -> bool:
    return row.component == _TABLES and not row.own_macs and bool(_own(row))


def _is_head(row: Any, words: set[int]) -> bool:
    return bool(row.own_macs and row.output_shape and row.output_shape[-1] in words)


def _own(row: Any) -> int:
    return int(row.own_trainable + row.own_frozen)


def _without_weights(types: Section) -> int:
    """Return the multiply-accumulates of products of activations with each other."""
    return sum(row.macs or 0 for row in types.rows if row.type in (ATTENTION, FUNCTIONS))


def _tokens(subject: Subject) -> int | None:
    """Return how many tokens its inputs hold: whole numbers that are looked up. None: none."""
    shapes = subject.inputs.shapes() if subject.inputs else ()
    whole = [tensor for tensor in shapes if tensor.dtype in ("int64", "int32")]
    named = [tensor for tensor in whole if tensor.name.endswith("ids")]
    words = [tensor for tensor in named or whole if tensor.name not in _NO_WORDS]
    return sum(prod(tensor.shape) for tensor in words) or None
