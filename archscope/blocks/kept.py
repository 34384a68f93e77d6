"""What the blocks beside it keep for the backward, in symbols. No torch.

Symbols: b batch, s positions, d width of the model, h query heads, k key and value heads, e width
of a head, f hidden width, E experts, c experts that a token is sent to. Where queries and keys
come from different sequences, the symbols of their positions are arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from archscope.records import frozen
from archscope.theory.counts import GATED
from archscope.theory.keeping import Tape
from archscope.theory.kept_notes import Value

Core = Callable[[Tape, str, Value, Value, Value], Value]
"""Takes queries, keys and values, and returns what attention answers."""
Part = Callable[[Tape, str, Value], Value]
"""Takes where it stands and what it reads, and returns what it makes."""
RECURRENT = "fused kernels of recurrent layers keep what nobody tells"
"""Why what recurrent layers keep has no closed form."""
_APPLIED = {"swiglu": "silu", "geglu": "gelu"}
"""What a gated feed-forward applies to its gate."""


@frozen
class Positions:
    """The symbols of how many positions ask and are asked."""

    queries: str = "s"
    keys: str = "s"


def sequence(tape: Tape, what: str, positions: str = "s", width: str = "d", **kind: Any) -> Value:
    """Return features of each position, which sequence parallelism alone divides."""
    return tape.value(what, f"b*{positions}*{width}", division="sequence", **kind)


def heads(tape: Tape, what: str, positions: str, number: str = "h", width: str = "e") -> Value:
    """Return features of each head, which tensor parallelism divides."""
    form = f"b*{positions}*{number}*{width}"
    return tape.value(what, form, division="tensor", axis=number)


def attention(
    tape: Tape,
    at: str,
    x: Value,
    source: Value,
    core: Core,
    *,
    where: Positions,
    fused: bool,
    keys: str = "k",
    head_norm: str = "",
    rotary: bool = False,
    turned: str = "e",
    norm_across: bool = False,
    output_gate: bool = False,
) -> Value:
    """Return attention of x to a source; `fused`: one projection for queries, keys and values.

    Queries and keys may have norms, of each head or, `norm_across`, of all heads at once.
    `output_gate`: what heads answer is multiplied by sigmoids of another projection.
    """
    q, k, v = _projected(tape, at, x, source, where=where, fused=fused, keys=keys)
    if head_norm and norm_across:
        q, k = (
            _norm_across(tape, f"{at}.{name}_norm", head_norm, x, positions, number)
            for name, x, positions, number in (
                ("q", q, where.queries, "h"),
                ("k", k, where.keys, keys),
            )
        )
    elif head_norm:
        q = _head_norm(tape, f"{at}.q_norm", head_norm, q, where.queries, "h")
        k = _head_norm(tape, f"{at}.k_norm", head_norm, k, where.keys, keys)
    if rotary:
        q = rotated(
            tape, at, q, heads(tape, "turned queries", where.queries), where.queries, turned
        )
        k = rotated(tape, at, k, heads(tape, "turned keys", where.keys, keys), where.keys, turned)
    answer = joined(tape, core(tape, f"{at}.sdpa", q, k, v), where.queries)
    if output_gate:
        form = f"b*{where.queries}*h*e"
        gate = tape.linear(f"{at}.gate", x, form, division="tensor", axis="h")
        answer = tape.multiply(at, answer, tape.activation(at, "sigmoid", gate))
    made = tape.linear(f"{at}.proj", answer, f"b*{where.queries}*d")
    return tape.dropout(at, made)


def _projected(
    tape: Tape, at: str, x: Value, source: Value, *, where: Positions, fused: bool, keys: str
) -> tuple[Value, Value, Value]:
    if fused:
        form = f"3*b*{where.queries}*h*e"
        every = strided(tape.linear(f"{at}.qkv", x, form, division="tensor", axis="h"))
        return every, every, every
    made = []
    for name, given, positions, number in (
        ("q", x, where.queries, "h"),
        ("k", source, where.keys, keys),
        ("v", source, where.keys, keys),
    ):
        form = f"b*{positions}*{number}*e"
        layer = tape.linear(f"{at}.{name}", given, form, division="tensor", axis=number)
        made.append(strided(layer))
    return made[0], made[1], made[2]


def strided(x: Value) -> Value:
    """Return x as heads of which each is spread over the positions."""
    return replace(x, view=True)


def _head_norm(tape: Tape, at: str, kind: str, x: Value, positions: str, number: str) -> Value:
    tape.norm(at, kind, x, f"b*{positions}*{number}", axis=number)
    return heads(tape, at, positions, number)


def _norm_across(tape: Tape, at: str, kind: str, x: Value, positions: str, number: str) -> Value:
    tape.norm(at, kind, x, f"b*{positions}")
    return strided(heads(tape, at, positions, number))


def rotated(
    tape: Tape, at: str, x: Value, answer: Value, positions: str, turned: str = "e"
) -> Value:
    """Return x turned by its positions, which keeps cosine and sine of each (Su et al. 2021)."""
    if tape.size("e") == 2:
        tape.unknown("halves of one feature each lie in memory as torch pleases when put together")
    if x.needs:
        for what in ("cosines", "sines"):
            tape.new(at, what, f"{positions}*({turned}//2)", minor=True)
    return answer


def joined(tape: Tape, x: Value, positions: str) -> Value:
    """Return heads side by side again: a copy, unless they are so already."""
    if x.view or tape.size("h") == 1 or tape.size(positions) == 1:
        return x
    return tape.like(x, "heads side by side")


def copied(tape: Tape, x: Value, answer: Value, number: str) -> Value:
    """Return what a product of batches reads of x: a copy, unless its heads follow each other."""
    copies = x.view and tape.size("b") > 1 and tape.size(number) > 1
    return answer if copies else x


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


def softmax(tape: Tape, at: str, form: str, axis: str = "h") -> Value:
    """Return weights of attention, which a softmax keeps, and what dropout leaves of them."""
    weights = tape.new(at, "weights", form, division="tensor", axis=axis)
    return tape.dropout(at, weights)


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


def pre_norm(tape: Tape, x: Value, attend: Part, feed: Part, *, rows: str = "b*s") -> Value:
    """Return what `norm_place.PreNormBlock` makes with layer norms of so many rows."""
    x = tape.add(x, attend(tape, "attn", tape.norm("ln_1", "layernorm", x, rows)))
    return tape.add(x, feed(tape, "mlp", tape.norm("ln_2", "layernorm", x, rows)))


def post_norm(tape: Tape, x: Value, attend: Part, feed: Part, *, rows: str = "b*s") -> Value:
    """Return what `norm_place.PostNormBlock` makes with layer norms of so many rows."""
    x = tape.norm("ln_1", "layernorm", tape.add(x, attend(tape, "attn", x)), rows)
    return tape.norm("ln_2", "layernorm", tape.add(x, feed(tape, "mlp", x)), rows)


def to_itself(tape: Tape, at: str, x: Value, *, causal: bool = False) -> Value:
    """Return attention of a sequence to itself, of as many key heads as query heads."""
    where = Positions()
    core = partial(scaled, where=where, causal=causal, keys="h")
    return attention(tape, at, x, x, core, where=where, fused=True)


def feed_forward(
    tape: Tape,
    at: str,
    x: Value,
    *,
    activation: str,
    positions: str = "s",
    width: str = "d",
    hidden: str = "f",
) -> Value:
    """Return a feed-forward of two layers, or of three with a gate (Shazeer 2020, eq. 6)."""
    wide: dict[str, Any] = {"form": f"b*{positions}*{hidden}", "division": "tensor", "axis": hidden}
    if activation in GATED:
        gate = tape.linear(f"{at}.gate", x, **wide)
        up = tape.linear(f"{at}.up", x, **wide)
        gate = tape.activation(at, _APPLIED[activation], gate)
        last, made = "down", tape.multiply(at, gate, up)
    else:
        made = tape.linear(f"{at}.fc1", x, **wide)
        last, made = "fc2", tape.activation(at, activation, made)
    answer = tape.linear(f"{at}.{last}", made, f"b*{positions}*{width}")
    return tape.dropout(at, answer)


def experts(
    tape: Tape,
    at: str,
    *,
    activation: str,
    rows: str,
    hidden: str = "f",
) -> Value:
    """Return what experts answer to so many rows, each sent to one of them.

    Rows are sorted by expert and back again, which keeps both orders.
    """
    tape.new(at, "order of rows", rows, type="int64")
    given = tape.value("sorted rows", f"{rows}*d")
    wide: dict[str, Any] = {"form": f"{rows}*{hidden}", "division": "tensor", "axis": hidden}
    made = tape.linear(at, given, **wide)
    if activation in GATED:
        up = tape.linear(at, given, **wide)
        made = tape.multiply(at, tape.activation(at, _APPLIED[activation], made), up)
    else:
        made = tape.activation(at, activation, made)
    answer = tape.linear(at, made, f"{rows}*d", division="whole")
    tape.new(at, "order back", rows, type="int64")
    return answer


def mixture(tape: Tape, at: str, x: Value, *, activation: str, positions: str = "s") -> Value:
    """Return the weighed sum of what the c experts answer that a router chose for each token."""
    rows = f"b*{positions}"
    tape.linear(f"{at}.router", x, f"{rows}*E")
    tape.new(at, "chosen experts", f"{rows}*c", type="int64")
    answers = experts(tape, f"{at}.experts", activation=activation, rows=f"{rows}*c")
    weights = tape.new(at, "weights of experts", f"{rows}*c")
    tape.multiply(at, answers, weights)
    return tape.dropout(at, sequence(tape, at, positions))
