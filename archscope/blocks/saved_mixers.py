"""What mixers in attention's place keep for the backward, in symbols. No torch.

Symbols as in `saved_activations`; C positions in a chunk, N chunks. Of a state space: i inner
width, z numbers of a feature's state, a rank of its steps, p positions before the first.
"""

from __future__ import annotations

from typing import Any

from archscope.blocks.saved_activations import Positions, copied, heads
from archscope.theory.saved_activation_notes import Value
from archscope.theory.symbolic_forward import Tape


def linear_attention(
    tape: Tape,
    at: str,
    q: Value,
    k: Value,
    v: Value,
    *,
    where: Positions,
    causal: bool,
    keys: str = "k",
) -> Value:
    """Return linear attention, whose products read features of queries and keys.

    Katharopoulos et al. 2020, equations 4 to 9. Each product copies what does not lie in one piece.
    """
    tape.keep(at, q, k)
    if causal:
        return _over_the_past(tape, at, (q, k, v), where.queries, keys)
    return _over_all(tape, at, q, v, where, keys)


def _over_all(tape: Tape, at: str, q: Value, v: Value, where: Positions, keys: str) -> Value:
    positions = where.queries
    features = heads(tape, "features of keys", where.keys, keys)
    tape.keep(at, features, copied(tape, v, heads(tape, "values", where.keys, keys), keys))
    both = "h" if _repeats(tape, keys) else keys
    kind: dict[str, Any] = {"division": "tensor", "axis": both}
    tape.new(at, "keys with values", f"b*{both}*e*e", **kind)
    tape.new(at, "sums of keys", f"b*{both}*e", **kind)
    spread = tape.size("b") > 1 and tape.size("h") > 1 and tape.size(positions) > 1
    for _ in range(2 if spread and q.view else 1):
        tape.keep(at, heads(tape, "features of queries", positions))
    _divided(tape, at, positions)
    return heads(tape, at, positions)


def _repeats(tape: Tape, keys: str, chunks: int = 1) -> bool:
    """Return whether a product copies what several query heads share: one matrix is a view."""
    return tape.size("h") != tape.size(keys) and tape.size("b") * tape.size(keys) * chunks > 1


def _divided(tape: Tape, at: str, positions: str) -> None:
    """Divide answers by the sums of their weights: a quotient keeps both."""
    tape.new(at, "sums of weights", f"b*{positions}*h", division="tensor", axis="h")
    tape.keep(at, heads(tape, "sums of weighed values", positions))


def _over_the_past(
    tape: Tape, at: str, given: tuple[Value, Value, Value], positions: str, keys: str
) -> Value:
    """Return the same in chunks, filled up where they do not divide the positions."""
    length, width = tape.size(positions), tape.size("e")
    chunk = min(width, length)
    chunks = -(-length // chunk)
    tape.symbols = {**tape.symbols, "C": chunk, "N": chunks}
    grouped = _repeats(tape, keys, chunks)
    both = "h" if grouped else keys
    filled = length % chunk > 0

    def used(what: str, x: Value, number: str, times: int) -> None:
        spread = tape.size(number) > 1 and (tape.size("b") > 1 or chunks > 1)
        copies = x.view and spread and not filled and length > 1
        for _ in range(times if copies else 1):
            tape.keep(at, heads(tape, what, "N*C", number))

    used("features of queries", given[0], "h", 3)
    for what, x in (("features of keys", given[1]), ("values", given[2])):
        if grouped:
            tape.keep(at, heads(tape, f"{what}, repeated", "N*C"))
        used(what, x, keys, 1 if grouped else 2)
    tape.new(at, "mask of later keys", "C*C", type="byte", minor=True)
    tape.new(at, "scores", "b*h*N*C*C", division="tensor", axis="h")
    kind: dict[str, Any] = {"division": "tensor", "axis": both}
    tape.new(at, "keys with values before", f"b*{both}*N*e*e", **kind)
    tape.new(at, "sums of keys before", f"b*{both}*N*e", **kind)
    _divided(tape, at, "N*C")
    return heads(tape, at, positions)


def state_space(
    tape: Tape, at: str, x: Value, *, positions: str = "s", causal: bool, normed: str = ""
) -> Value:
    """Return Mamba's mixer, all of whose states are there at once (Gu & Dao 2023, algorithm 2).

    The tape's symbols i, z, a and p are to be set; of one that is not causal there are two scans.
    What a scan is steered by may be `normed`, each part by a norm of that kind.
    """
    both = tape.linear(f"{at}.in_proj", x, f"b*{positions}*2*i", division="tensor", axis="i")
    for name in ("ssm",) if causal else ("ssm", "ssm_back"):
        _scanned(tape, f"{at}.{name}", positions, normed=normed)
    tape.keep(at, both)
    for what in ("answer of the scan", "gate"):
        tape.keep(at, _inner(tape, what, positions))
    tape.keep(f"{at}.out_proj", _inner(tape, "gated answer", positions))
    return tape.value(at, f"b*{positions}*d", division="sequence")


def dual_state_space(
    tape: Tape,
    at: str,
    x: Value,
    *,
    positions: str = "s",
    inner: int,
    head_dim: int,
    state: int,
    chunk: int,
    taps: int,
    groups: int = 1,
) -> Value:
    """Return Mamba-2's mixer, in chunks of so many positions (Dao & Gu 2024, listing 1).

    Its own symbols: i inner width, h heads of e features, G groups of them, z numbers of a state.
    """
    length, around = tape.size(positions), tape.symbols
    within, heads = min(chunk, length), inner // head_dim
    if heads == groups:
        tape.unknown("what heads with states of their own keep has no closed form here")
    sizes = {"i": inner, "h": heads, "e": head_dim, "G": groups, "z": state}
    tape.symbols = {**around, **sizes, "C": within, "N": -(-length // within), "p": taps - 1}
    heads_too: dict[str, Any] = {"division": "tensor", "axis": "h"}
    made = tape.linear(f"{at}.in_proj", x, f"b*{positions}*(2*i + 2*G*z + h)")
    mixed = "(i + 2*G*z)"
    tape.new(f"{at}.conv", "padded features", f"b*({positions} + p)*{mixed}")
    tape.new(at, "conv", f"b*{positions}*{mixed}")
    _dual_scan(tape, f"{at}.scan", positions, tape.value("silu", f"b*{positions}*{mixed}"))
    tape.keep(at, made)
    for what in ("answer of the scan", "gate"):
        tape.keep(at, tape.value(what, f"b*{positions}*i", **heads_too | {"axis": "i"}))
    gated = tape.value("gated answer", f"b*{positions}*i", division="tensor", axis="i")
    tape.keep(f"{at}.out_proj", tape.norm(f"{at}.norm", "rmsnorm", gated, f"b*{positions}"))
    tape.symbols = around
    return tape.value(at, f"b*{positions}*d", division="sequence")


def _dual_scan(tape: Tape, at: str, positions: str, features: Value) -> None:
    many: dict[str, Any] = {"division": "tensor", "axis": "h"}
    tape.new(at, "steps before softplus", f"b*{positions}*h", **many)
    for what in ("rates", "rates below zero"):
        tape.new(at, what, "h", minor=True, **many)
    tape.new(at, "steps", f"b*{positions}*h", **many)
    tape.keep(at, features)
    tape.new(at, "mask of later positions", "C*C", type="byte", minor=True)
    tape.new(at, "what is kept of earlier positions", "b*N*h*C*C", **many)
    for what in ("writes", "reads"):
        tape.new(at, what, "b*N*G*C*z")
    tape.new(at, "reads of writes", "b*N*G*C*C")
    tape.new(at, "steps of features", "b*N*C*h*e", **many)
    tape.new(at, "scores", "b*N*h*C*C", **many)
    tape.new(at, "what is kept to a chunk's end", "b*N*h*C", **many)
    if tape.size("N") > 1:  # heads lie apart then, and a product copies them
        tape.new(at, "steps of features, by head", "b*N*C*h*e", **many)
    tape.new(at, "features at a chunk's end", "b*N*h*C*e", **many)
    copies = tape.size("b*N*G") > 1  # one matrix for all heads is a view
    if copies:
        tape.new(at, "writes of each head", "b*N*h*C*z", **many)
    tape.new(at, "what is kept of a chunk", "b*N*h", **many)
    _rounds(tape, at, "N", each=("h", "h*z*e"), axis="h")
    tape.new(at, "states before", "b*N*h*z*e", **many)
    if copies:
        tape.new(at, "reads of each head", "b*N*h*C*z", **many)
    tape.new(at, "what is kept since a chunk began", "b*N*h*C", **many)
    tape.new(at, "reads of states", "b*N*h*C*e", **many)


def _inner(tape: Tape, what: str, positions: str, of: str = "") -> Value:
    return tape.value(what, f"b*{positions}*i{of}", division="tensor", axis="i")


def _scanned(tape: Tape, at: str, positions: str, *, normed: str) -> None:
    tape.keep(f"{at}.conv", _inner(tape, "padded features", f"({positions} + p)"))
    tape.keep(at, _inner(tape, "conv", positions))
    mixed = _inner(tape, "silu", positions)
    # Channels lie before positions there, so that rows of several sequences are copied.
    copies = tape.size("b") > 1 and tape.size(positions) > 1
    tape.keep(f"{at}.x_proj", _inner(tape, "rows", positions) if copies else mixed)
    made = tape.value("x_proj", f"b*{positions}*(a + 2*z)")
    rough, write, read = (made,) * 3
    if normed:
        rough, write, read = _normed_parts(tape, f"{at}.norms", normed, made, positions)
    tape.keep(f"{at}.dt_proj", rough)
    tape.keep(at, _inner(tape, "dt_proj", positions))
    scan, step = f"{at}.scan", _inner(tape, "steps", positions)
    for what in ("rates", "rates below zero"):
        tape.new(scan, what, "i*z", division="tensor", axis="i")
    tape.keep(scan, step, _inner(tape, "decays", positions, "*z"), mixed)
    tape.keep(scan, _inner(tape, "steps of features", positions), write, read)
    _rounds(tape, scan, positions)
    tape.keep(scan, _inner(tape, "states", positions, "*z"))


def _normed_parts(
    tape: Tape, at: str, kind: str, made: Value, positions: str
) -> tuple[Value, Value, Value]:
    """Return three parts of what was made, each with a norm of its own."""
    parts = []
    for number, width in enumerate("azz"):
        tape.norm(f"{at}.{number}", kind, made, f"b*{positions}")
        parts.append(tape.value(f"norms.{number}", f"b*{positions}*{width}"))
    return parts[0], parts[1], parts[2]


def _rounds(
    tape: Tape, at: str, positions: str, *, each: tuple[str, str] = ("i*z", "i*z"), axis: str = "i"
) -> None:
    """Keep what each round of the scan does, of half as many positions as the one before.

    Pairs of decays, what they add, and the states between (Blelloch 1990); `each` are formulas of a
    position's decays and of its states.
    """
    decays, states = each
    kind: dict[str, Any] = {"division": "tensor", "axis": axis}
    length, halves = tape.size(positions), 1
    while length > 1:
        many = positions if halves == 1 else f"({positions}//{halves})"
        if halves > 1:
            tape.new(at, "decays of pairs", f"b*{many}*{decays}", **kind)
        tape.new(at, "added", f"b*{many}*{states}", **kind)
        tape.new(at, "states between", f"b*(({many} + 1)//2)*{states}", **kind)
        length, halves = length // 2, halves * 2
