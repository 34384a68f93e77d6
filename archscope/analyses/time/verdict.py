"""Says what limits a network: kernel launches, memory bandwidth, arithmetic, or unknown.

A forward pass is launch-bound where the same kernels, replayed as one CUDA graph, take much less
time. Otherwise the roofline tells (Williams, Waterman and Patterson 2009): a module whose FLOPs per
byte lie below the card's ridge cannot reach the peak, whatever its kernels do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archscope.results import Note

if TYPE_CHECKING:
    from archscope.analyses.time.measure import Measured
    from archscope.analyses.time.rows import LayerRow

LAUNCH_SHARE = 0.2
"""From this share of the eager time on, launching is what limits."""


def verdict(found: Measured, rows: Sequence[LayerRow], macs: int | None) -> Note:
    """Return the sentence that says what limits the pass, with the number behind it.

    `rows` are its modules, `macs` what all of it multiplies.
    """
    if found.device.type == "cpu":
        text = "no bottleneck is named: archscope has no cited peak for this CPU"
        return Note(level="info", text=text)
    both = found.back_to_back_s
    if both is not None and 1 - both[1] / both[0] >= LAUNCH_SHARE:
        return _launch_bound(found.whole, *both)
    launches = "" if both is None else f"; {_launches(found.whole, *both)}"
    if found.settings.step == "decode":
        return _of_step(found, macs, launches)
    shares = _shares(rows)
    if shares is None:
        return Note(
            level="info", text=f"which roof it is under is unknown: {_why(found)}{launches}"
        )
    assert found.card is not None
    ridge = found.card.ridge(found.precision)
    memory, compute = shares["memory"], shares["compute"]
    if memory >= compute:
        text = (
            f"memory-bound: modules with {_percent(memory)} of the time do fewer FLOPs per byte "
            f"than the card's {ridge:.0f}, so memory is their roof{launches}"
        )
        details = ("Larger batches, fused kernels (--compile) or a shorter number type help.",)
    else:
        text = (
            f"compute-bound: modules with {_percent(compute)} of the time do more FLOPs per "
            f"byte than the card's {ridge:.0f}, so arithmetic is their roof{launches}"
        )
        details = ("A shorter number type, or fewer multiply-accumulates, help.",)
    return Note(level="info", text=text, details=details)


def _of_step(found: Measured, macs: int | None, launches: str) -> Note:
    """Return what limits a step of decoding, by what it reads and multiplies at least."""
    ridge = None if found.card is None else found.card.ridge(found.precision)
    if ridge is None or macs is None or found.step_bytes is None:
        why = _why(found) if ridge is None else "what it reads is not told"
        return Note(level="info", text=f"which roof it is under is unknown: {why}{launches}")
    per_byte = 2 * macs / found.step_bytes
    bound, less, roof = ("memory", "fewer", "memory")
    if per_byte >= ridge:
        bound, less, roof = ("compute", "more", "arithmetic")
    return Note(
        level="info",
        text=f"{bound}-bound: the step does {per_byte:.3g} FLOPs for each byte that it reads of "
        f"weights and cache, {less} than the card's {ridge:.0f}, so {roof} is its roof{launches}",
        details=("More sequences at once share the weights; each reads a cache of its own.",),
    )


def _launch_bound(whole: str, eager_s: float, graph_s: float) -> Note:
    return Note(
        level="info",
        text=f"launch-bound: {_launches(whole, eager_s, graph_s)}",
        details=(
            "Larger batches, CUDA graphs or --compile help; faster arithmetic does not. From "
            f"{_percent(LAUNCH_SHARE)} on it is called so; the limit is archscope's own.",
        ),
    )


def _launches(whole: str, eager_s: float, graph_s: float) -> str:
    share = max(1 - graph_s / eager_s, 0.0)
    return (
        f"{_percent(share)} of {whole} is the host launching kernels "
        f"(back to back {eager_s * 1e3:.3g} ms, replayed as a CUDA graph {graph_s * 1e3:.3g} ms)"
    )


def _shares(rows: Sequence[LayerRow]) -> dict[str, float] | None:
    """Return the shares of all of the modules' time under each roof; None where none is known."""
    whole = sum(row.own_time_s for row in rows)
    if not any(row.roof and row.own_time_s for row in rows):
        return None
    return {
        roof: sum(row.own_time_s for row in rows if row.roof == roof) / whole
        for roof in ("memory", "compute")
    }


def _why(found: Measured) -> str:
    if found.card is None:
        return f"no cited peak of {found.device_name!r} is known here"
    if found.card.peak(found.precision) is None:
        return f"its vendor prints no peak in {found.precision}"
    return "its modules were not timed"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"
