"""What products of queries and keys keep for the backward, in symbols. No torch.

Symbols as in `saved_activations`; w keys of a window.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archscope.blocks.saved_activations import Positions, copied, heads, strided
from archscope.theory.saved_activation_notes import Value
from archscope.theory.symbolic_forward import Tape


def scaled(
    tape: Tape,
    at: str,
    q: Value,
    k: Value,
    v: Value,
    *,
    where: Positions,
    causal: bool = False,
    grouped: bool = False,
    mask: Value | None = None,
    keys: str = "k",
    value_width: str = "e",
    side_by_side: bool = False,
) -> Value:
    """Return softmax(q k') v as torch's function has it, by the kernel of the tape's way.

    A fused kernel keeps its arguments, its answer and a number for each query and head (Dao et al.
    2022, algorithm 4); step by step, the scores are kept that the softmax made. Its answer lies in
    memory as the queries do; or heads `side_by_side`, where a mask is trained or differs by head,
    or values have a width of their own.
    """
    answer = heads(tape, f"{at}", where.queries, width=value_width)
    masks = (mask,) if mask is not None else ()
    if tape.way.attention == "flash":
        tape.keep(at, q, k, v)
        tape.keep(at, *masks, minor=True)
        answer = replace(answer, view=q.view or side_by_side)
        tape.keep(at, answer)
        form = f"b*h*{where.queries}"
        kind: dict[str, Any] = {"type": "fp32", "division": "tensor", "axis": "h"}
        tape.new(at, "logarithms of sums", form, minor=True, **kind)
        return answer
    if tape.way.selective:
        tape.keep(at, q, k, v)
        tape.keep(at, *masks, minor=True)
        return answer
    if grouped:
        k = heads(tape, "repeated keys", where.keys)
        v = heads(tape, "repeated values", where.keys, width=value_width)
        keys = "h"
    tape.keep(
        at,
        copied(tape, q, heads(tape, "queries", where.queries), "h"),
        copied(tape, k, heads(tape, "keys", where.keys, keys), keys),
    )
    if causal:
        tape.new(at, "causal mask", f"{where.queries}*{where.keys}", type="byte", minor=True)
    weights = softmax(tape, at, f"b*h*{where.queries}*{where.keys}")
    values = heads(tape, "values", where.keys, keys, value_width)
    tape.keep(at, weights, copied(tape, v, values, keys))
    return answer


def relative(
    tape: Tape,
    at: str,
    k: Value,
    v: Value,
    r: Value,
    *,
    distances: str,
    where: Positions = Positions(),  # noqa: B008
    hidden: Value | None = None,
    apart: Value | None = None,
) -> Value:
    """Return attention that scores content and distance apart (Dai et al. 2019, section 3.3).

    `r` is a vector for each distance and head, which a product copies for each sequence. `hidden`:
    which keys are not seen. `apart`: which are of another segment, for scores of segments.
    """
    for what in ("queries and content", "queries and place"):
        tape.keep(at, heads(tape, what, where.queries))
    tape.keep(at, copied(tape, k, heads(tape, "keys", where.keys), "h"))
    tape.keep(at, copied(tape, strided(r), heads(tape, "distances", distances), "h"))
    if apart is not None:
        tape.keep(at, heads(tape, "queries and segments", where.queries))
        if tape.size("b") > 1 and tape.size("h") > 1:
            tape.keep(at, heads(tape, "kinds of segments", "2"))
    tape.keep(at, *(mask for mask in (hidden, apart) if mask is not None), minor=True)
    weights = softmax(tape, at, f"b*h*{where.queries}*{where.keys}")
    tape.keep(at, weights, copied(tape, v, heads(tape, "values", where.keys), "h"))
    return heads(tape, at, where.queries)


def windowed(
    tape: Tape,
    at: str,
    q: Value,
    k: Value,
    v: Value,
    *,
    reach: int,
    positions: str = "s",
    keys: str = "k",
) -> Value:
    """Return attention to the w keys around each query, which are copied for each."""
    answer = heads(tape, at, positions)
    if tape.way.selective:
        tape.keep(at, q, k, v)
        return answer
    tape.symbols = {**tape.symbols, "r": reach}
    for what in ("keys", "values"):
        if tape.size(f"b*{keys}") > 1 and tape.size(positions) > 1:
            form = f"b*{positions}*{keys}*w*e"
        else:
            form = f"b*{keys}*({positions} + r)*e"
        tape.new(at, f"{what} of windows", form, division="tensor", axis=keys)
    in_one_piece = tape.size(keys) == 1 or tape.size(f"b*{positions}") == 1 or not q.view
    tape.keep(at, q if in_one_piece else heads(tape, "queries", positions))
    tape.new(at, "mask of the edges", f"{positions}*w", type="byte", minor=True)
    softmax(tape, at, f"b*h*{positions}*w")
    return answer


def with_sinks(
    tape: Tape, at: str, q: Value, k: Value, v: Value, *, positions: str = "s", keys: str = "k"
) -> Value:
    """Return attention with one more logit for each head, which no fused kernel computes."""
    answer = heads(tape, at, positions)
    if tape.way.selective:
        tape.keep(at, q, k, v)
        return answer
    if tape.size("h") != tape.size(keys):
        q = heads(tape, "queries", positions) if q.view else q
    tape.keep(
        at,
        copied(tape, q, heads(tape, "queries", positions), "h"),
        copied(tape, k, heads(tape, "keys", positions, keys), keys),
    )
    weights = tape.new(
        f"{at}.sinks", "weights", f"b*h*{positions}*({positions} + 1)", division="tensor", axis="h"
    )
    tape.keep(
        at,
        tape.dropout(at, weights),
        copied(tape, v, heads(tape, "values", positions, keys), keys),
    )
    return answer


def softmax(tape: Tape, at: str, form: str, axis: str = "h") -> Value:
    """Return weights of attention, which a softmax keeps, and what dropout leaves of them."""
    weights = tape.new(at, "weights", form, division="tensor", axis=axis)
    return tape.dropout(at, weights)
