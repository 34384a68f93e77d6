"""What attention keeps around its product of queries and keys, in symbols. No torch.

Symbols as in `saved_activations`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from archscope.blocks.saved_activations import Positions, heads, joined, strided
from archscope.blocks.saved_products import scaled
from archscope.theory.saved_activation_notes import Value
from archscope.theory.symbolic_forward import Tape

Core = Callable[[Tape, str, Value, Value, Value], Value]
"""Takes queries, keys and values, and returns what attention answers."""


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


def to_itself(tape: Tape, at: str, x: Value, *, causal: bool = False) -> Value:
    """Return attention of a sequence to itself, of as many key heads as query heads."""
    where = Positions()
    core = partial(scaled, where=where, causal=causal, keys="h")
    return attention(tape, at, x, x, core, where=where, fused=True)
