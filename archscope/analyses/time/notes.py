"""The notes beside times: noise, what is unknown and why, the sum, the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from archscope.analyses.time.verdict import verdict
from archscope.results import Note
from archscope.timing.calibration import LEAST_OF_PEAK, SIZES_ON_CARD, changed, is_shared
from archscope.timing.devices import AUTO, none_there
from archscope.timing.statistics import is_noisy

if TYPE_CHECKING:
    from archscope.analyses.time.measure import Measured
    from archscope.analyses.time.rows import LayerRow, PassRow
    from archscope.analyses.time.work import Counts

_LEAST_SUM, _MOST_SUM = 0.7, 1.5
"""Outside of these shares of a pass its modules, timed afterwards, saw another machine. Marks
around many small modules take up to half as long as they."""


def notes(
    found: Measured, counts: Counts | None, rows: Sequence[PassRow], modules: Sequence[LayerRow]
) -> tuple[Note, ...]:
    """Return the notes of a report of times."""
    return (
        *device_notes(found),
        *_sampling(found),
        *_noise(found, rows),
        *_left_behind(found),
        *_cache(found),
        *_elsewhere(found),
        *_items(rows[0]),
        *_work(found, counts),
        *_kernel(found, counts),
        *_memory(found),
        *_sum_of_modules(found, rows[0], modules),
        *_graph(found),
        *advice((found,)),
        verdict(found, modules, rows[0].macs),
    )


def device_notes(found: Measured) -> Iterator[Note]:
    """Yield that a CPU is none of a GPU, or why no share of a peak is known."""
    if found.device.type == "cpu":
        reason = f"{none_there()}; " if found.settings.device.strip().lower() == AUTO else ""
        yield Note(
            level="warning" if reason else "info",
            text=f"{reason}timed on the CPU, which says nothing about a GPU",
        )
    elif found.card is None:
        text = f"no share of a peak: no cited figures of {found.device_name!r} are known here"
        yield Note(level="info", text=text)
    elif found.card.peak(found.precision) is None:
        yield Note(
            level="info",
            text=f"no share of a peak: {found.card.source} prints none in {found.precision}",
        )


def advice(found: Iterable[Measured]) -> Iterator[Note]:
    """Yield what torch warned of, once each."""
    for line in dict.fromkeys(line for one in found for line in one.advice):
        yield Note(level="info", text=f"torch warned meanwhile: {line}")


def _sampling(found: Measured) -> Iterator[Note]:
    samples, settings = found.samples, found.settings
    if found.interrupted:
        yield Note(
            level="warning",
            text=f"interrupted: {len(samples.seconds)} of {settings.runs} samples were taken",
        )
    elif samples.budget_spent:
        yield Note(
            level="info",
            text=(
                f"the budget of {settings.budget:g} s ended it after {len(samples.seconds)} of "
                f"{settings.runs} samples; raise --budget for more"
            ),
        )
    if not samples.settled:
        how = (
            f"the median had not settled when the warm-up ended at run {samples.warmup_runs}"
            if samples.warmup_runs
            else "there was no warm-up: the first runs are among the samples"
        )
        yield Note(level="info", text=f"{how}; raise --warmup or --budget")


def _noise(found: Measured, rows: Sequence[PassRow]) -> Iterator[Note]:
    noisy = [row for row in rows if is_noisy(row.median_s, row.iqr_s)]
    if noisy:
        which = ", ".join(f"{row.stage} {100 * row.iqr_s / row.median_s:.0f}%" for row in noisy)
        other = "on this machine" if found.device.type == "cpu" else "on the GPU"
        yield Note(
            level="warning",
            text=f"noisy: the interquartile range is large relative to the median ({which})",
            details=(f"If another process runs {other}, stop it; or raise --runs and --budget.",),
        )


def _cache(found: Measured) -> Iterator[Note]:
    wanted = found.device.type != "cpu" and not found.settings.warm_cache
    if wanted and not found.cache_emptied:
        yield Note(
            level="warning",
            text="there is no room to empty the card's cache between runs: what fits into it is "
            "read from there, and times are shorter for it",
        )


def _left_behind(found: Measured) -> Iterator[Note]:
    if found.left_s is not None:
        yield Note(
            level="warning",
            text=f"the pass returns before its work is done: {1e3 * found.left_s:.3g} ms go on "
            "after it, on another stream or device, and are in none of these times",
            details=("Let its forward wait for the streams and devices that it uses.",),
        )


def _elsewhere(found: Measured) -> Iterator[Note]:
    """Say what a product of known work tells of others who use the device, or of its clock."""
    if len(found.products) < 2:
        return
    before, after = found.products
    if changed(before, after):
        yield Note(
            level="warning",
            text=f"the machine changed meanwhile: a product of {before.size} x {before.size} took "
            f"{1e3 * before.median_s:.3g} ms before, and {1e3 * after.median_s:.3g} ms after",
            details=("Times are of neither state; run it again when nothing else begins or ends.",),
        )
    shares = [each.processors for each in found.products if is_shared(each) and each.processors]
    shared = min(shares, default=None)
    if shared is not None:
        yield Note(
            level="warning",
            text=f"other programs use the processors {100 - 100 * shared:.0f}% of the time, so all "
            "times are too long",
        )
    peak = None if found.card is None else found.card.peak(found.precision)
    reached = max(each.flops_per_s for each in found.products)
    is_large = before.size == SIZES_ON_CARD[0]
    if peak and is_large and reached < LEAST_OF_PEAK * peak:
        yield Note(
            level="warning",
            text=f"a large product reaches {100 * reached / peak:.0f}% of the card's peak: "
            "something else uses it, or its clock is held down",
            details=(
                f"Below {100 * LEAST_OF_PEAK:.0f}% it is said here; the limit is archscope's own, "
                "no vendor's.",
            ),
        )


def _items(forward: PassRow) -> Iterator[Note]:
    if forward.items_per_s is None:
        text = "no throughput: the first input has no leading size to count samples or tokens by"
        yield Note(level="info", text=text)


def _work(found: Measured, counts: Counts | None) -> Iterator[Note]:
    if counts is None or counts.total is None:
        yield Note(
            level="warning", text="FLOP/s are unknown: multiply-accumulates were not counted"
        )
    elif not counts.complete:
        yield Note(
            level="warning",
            text="FLOP/s are lower bounds: params does not know all multiply-accumulates",
        )
    backward = found.backward
    if backward is None:
        return
    if backward.unknown:
        names = ", ".join(backward.unknown)
        yield Note(
            level="warning",
            text=f"FLOP/s of the backward pass are unknown: not counted are {names}",
        )
    else:
        yield Note(
            level="info",
            text=(
                f"the backward pass does {backward.macs:,} multiply-accumulates, counted as torch "
                "ran it; what attention computes anew is among them"
            ),
        )


def _kernel(found: Measured, counts: Counts | None) -> Iterator[Note]:
    kernel = found.settings.attention_kernel
    if kernel is not None and counts is not None and counts.attends is False:
        yield Note(
            level="info",
            text=f"--attention-kernel {kernel} changed nothing: no scaled dot product attention of "
            "torch's runs in this network",
        )


def _memory(found: Measured) -> Iterator[Note]:
    if found.peak_bytes is None:
        why = found.peak_unknown or "interrupted before"
        yield Note(level="info", text=f"peak memory is unknown, because {why}")
        return
    exact = ", to the byte," if found.device.type == "cpu" else ""
    other = "such as for threads" if found.device.type == "cpu" else "and the driver's own"
    yield Note(
        level="info",
        text="peak memory is what the network, its inputs and its optimizer hold, plus the most "
        f"that torch's allocator handed out{exact} in a run that was not timed",
        details=(f"Memory that libraries take past that allocator, {other}, is not included.",),
    )


def _sum_of_modules(
    found: Measured, forward: PassRow, modules: Sequence[LayerRow]
) -> Iterator[Note]:
    if not found.settings.per_layer:
        return
    if found.layers is None:
        yield Note(level="warning", text="modules were not timed: interrupted before")
        return
    total = found.layers.total_s
    share = total / forward.median_s
    # Behind queued work less is right: launches are left out.
    far = found.device.type == "cpu" and not _LEAST_SUM <= share <= _MOST_SUM
    yield Note(
        level="warning" if far else "info",
        text=(
            f"the modules add up to {1e3 * total:.4g} ms, {100 * share:.1f}% of "
            f"{found.whole} timed by itself ({1e3 * forward.median_s:.4g} ms); medians of "
            f"{found.layers.runs} passes with marks around every module"
        ),
        details=_how_modules_were_timed(found, far=far),
    )


def _how_modules_were_timed(found: Measured, *, far: bool) -> tuple[str, ...]:
    if found.device.type != "cpu":
        return (
            "They are timed behind queued work: what the host takes to launch them is not in it.",
        )
    if far:
        return ("They were timed afterwards, and the machine was not as before: run it again.",)
    return ()


def _graph(found: Measured) -> Iterator[Note]:
    if found.graph_failure is not None:
        text = f"whether launching limits it is unknown: no CUDA graph ({found.graph_failure})"
        yield Note(level="info", text=text)
    elif found.device.type not in ("cpu", "cuda"):
        text = "whether launching limits it is unknown: torch replays graphs on CUDA devices alone"
        yield Note(level="info", text=text)
    elif found.device.type == "cuda" and found.settings.step == "train":
        yield Note(
            level="info",
            text="whether launching limits it is measured for a forward pass alone",
        )
