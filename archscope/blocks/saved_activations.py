"""What the blocks beside it keep for the backward, in symbols. No torch.

Symbols: b batch, s positions, d width of the model, h query heads, k key and value heads, e width
of a head, f hidden width, E experts, c experts that a token is sent to. Where queries and keys
come from different sequences, the symbols of their positions are arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from archscope.records import frozen
from archscope.theory.counts import GATED
from archscope.theory.saved_activation_notes import Value
from archscope.theory.symbolic_forward import Tape

Part = Callable[[Tape, str, Value], Value]
"""Takes where it stands and what it reads, and returns what it makes."""
RECURRENT = "what fused kernels of recurrent layers save is not documented"
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


def strided(x: Value) -> Value:
    """Return x as heads of which each is spread over the positions."""
    return replace(x, view=True)


def joined(tape: Tape, x: Value, positions: str) -> Value:
    """Return heads side by side again: a copy, unless they are so already."""
    if x.view or tape.size("h") == 1 or tape.size(positions) == 1:
        return x
    return tape.like(x, "heads side by side")


def copied(tape: Tape, x: Value, answer: Value, number: str) -> Value:
    """Return what a product of batches reads of x: a copy, unless its heads follow each other."""
    copies = x.view and tape.size("b") > 1 and tape.size(number) > 1
    return answer if copies else x


def pre_norm(tape: Tape, x: Value, attend: Part, feed: Part, *, rows: str = "b*s") -> Value:
    """Return what `norm_place.PreNormBlock` makes with layer norms of this many rows."""
    x = tape.add(x, attend(tape, "attn", tape.norm("ln_1", "layernorm", x, rows)))
    return tape.add(x, feed(tape, "mlp", tape.norm("ln_2", "layernorm", x, rows)))


def post_norm(tape: Tape, x: Value, attend: Part, feed: Part, *, rows: str = "b*s") -> Value:
    """Return what `norm_place.PostNormBlock` makes with layer norms of this many rows."""
    x = tape.norm("ln_1", "layernorm", tape.add(x, attend(tape, "attn", x)), rows)
    return tape.norm("ln_2", "layernorm", tape.add(x, feed(tape, "mlp", x)), rows)


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
    """Return what experts answer to this many rows, each sent to one of them.

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
