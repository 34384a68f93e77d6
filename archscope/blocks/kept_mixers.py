"""What mixers in attention's place keep for the backward, in symbols. No torch.

Symbols as in `kept`; C positions in a chunk, N chunks. Of a state space: i inner width, z numbers
of a feature's state, a rank of its steps, p positions before the first.
"""

from __future__ import annotations

from archscope.blocks.kept import Positions, copied, heads
from archscope.theory.keeping import Tape, Value


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
    kind = {"division": "tensor", "axis": both}
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
    kind = {"division": "tensor", "axis": both}
    tape.new(at, "keys with values before", f"b*{both}*N*e*e", **kind)
    tape.new(at, "sums of keys before", f"b*{both}*N*e", **kind)
    _divided(tape, at, "N*C")
    return heads(tape, at, positions)


def state_space(
    tape: Tape, at: str, x: Value, *, positions: str = "s", causal: bool, normed: bool = False
) -> Value:
    """Return Mamba's mixer, all of whose states are there at once (Gu & Dao 2023, algorithm 2).

    The tape's symbols i, z, a and p are to be set; of one that is not causal there are two scans.
    What a scan is steered by may be `normed`, each part by itself (Zuo et al. 2024).
    """
    both = tape.linear(f"{at}.in_proj", x, f"b*{positions}*2*i", division="tensor", axis="i")
    for name in ("ssm",) if causal else ("ssm", "ssm_back"):
        _scanned(tape, f"{at}.{name}", positions, normed=normed)
    tape.keep(at, both)
    for what in ("answer of the scan", "gate"):
        tape.keep(at, _inner(tape, what, positions))
    tape.keep(f"{at}.out_proj", _inner(tape, "gated answer", positions))
    return tape.value(at, f"b*{positions}*d", division="sequence")


def _inner(tape: Tape, what: str, positions: str, of: str = "") -> Value:
    return tape.value(what, f"b*{positions}*i{of}", division="tensor", axis="i")


def _scanned(tape: Tape, at: str, positions: str, *, normed: bool) -> None:
    tape.keep(f"{at}.conv", _inner(tape, "padded features", f"({positions} + p)"))
    tape.keep(at, _inner(tape, "conv", positions))
    mixed = _inner(tape, "silu", positions)
    # Channels lie before positions there, so that rows of several sequences are copied.
    copies = tape.size("b") > 1 and tape.size(positions) > 1
    tape.keep(f"{at}.x_proj", _inner(tape, "rows", positions) if copies else mixed)
    made = tape.value("x_proj", f"b*{positions}*(a + 2*z)")
    rough, write, read = (made,) * 3
    if normed:
        rough, write, read = _normed_parts(tape, f"{at}.norms", made, positions)
    tape.keep(f"{at}.dt_proj", rough)
    tape.keep(at, _inner(tape, "dt_proj", positions))
    scan, step = f"{at}.scan", _inner(tape, "steps", positions)
    for what in ("rates", "rates below zero"):
        tape.new(scan, what, "i*z", division="tensor", axis="i")
    tape.keep(scan, step, _inner(tape, "decays", positions, "*z"), mixed)
    tape.keep(scan, _inner(tape, "steps of features", positions), write, read)
    _rounds(tape, scan, positions)
    tape.keep(scan, _inner(tape, "states", positions, "*z"))


def _normed_parts(tape: Tape, at: str, made: Value, positions: str) -> tuple[Value, Value, Value]:
    """Return three parts of what was made, each with a norm that has no weights."""
    parts = []
    for number, width in enumerate("azz"):
        tape.norm(f"{at}.{number}", "rmsnorm", made, f"b*{positions}")
        parts.append(tape.value(f"norms.{number}", f"b*{positions}*{width}"))
    return parts[0], parts[1], parts[2]


def _rounds(tape: Tape, at: str, positions: str) -> None:
    """Keep what each round of the scan does, of half as many positions as the one before.

    Pairs of decays, what they add, and the states between (Blelloch 1990).
    """
    length, halves = tape.size(positions), 1
    while length > 1:
        many = positions if halves == 1 else f"({positions}//{halves})"
        if halves > 1:
            tape.keep(at, _inner(tape, "decays of pairs", many, "*z"))
        tape.keep(at, _inner(tape, "added", many, "*z"))
        tape.keep(at, _inner(tape, "states before", f"(({many} + 1)//2)", "*z"))
        length, halves = length // 2, halves * 2
