"""Counts one network, and holds the count against the truth and the network against itself."""

from __future__ import annotations

import gc
import os
import resource
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import torch

import archscope
from archscope.results import Report
from benchmarks.strangers.fingerprint import changes, fingerprint
from benchmarks.strangers.roads import by_functions, by_operators
from benchmarks.strangers.stranger import Stranger, reason

SECONDS = 300
"""The most that one network may take, with the time that others have the machine."""
MEMORY = 14 * 2**30
"""The most address space that one network may take, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one network."""

    name: str
    unmade: str = ""
    """Why it could not be made, or does not run without archscope; then no more is said."""
    faults: tuple[str, ...] = ()
    """What is wrong, the kind first: `error`, `MACs`, `complete`, `harm`, `unsure`."""
    macs: int = 0
    """The truth."""
    ratio: float = 0.0
    """Seconds of the processor's that archscope takes for each of `FlopCounterMode`."""
    warnings: tuple[str, ...] = ()
    """What the report warns of."""


def judge(stranger: Stranger, verb: str) -> Verdict:
    """Judge what `params` says of one network, or only whether another verb runs and harms none."""
    try:
        call = model, args, kwargs = stranger.make()
        model.eval()
        by_operators(*call)  # once unmeasured: the first call imports and caches
        macs, seconds = timed(lambda: by_operators(*call))
        functions = by_functions(*call)
    except Exception as error:
        return Verdict(name=stranger.name, unmade=str(error) or reason(error))
    before = fingerprint(model, (args, kwargs))
    faults, ratio, said = [], 0.0, ()
    try:
        report, taken = timed(lambda: getattr(archscope, verb)(model, *args, **kwargs))
        ratio = taken / seconds
        said = tuple(note.text for note in report.notes if note.level == "warning")
        report.to("json"), report.to("md")
        if verb == "params":
            faults += wrong(report, macs, functions)
    except Exception as error:
        traceback.print_exc()
        faults.append(f"error: {reason(error)}")
    faults += [f"harm: {name}" for name in changes(before, fingerprint(model, (args, kwargs)))]
    return Verdict(
        name=stranger.name, faults=tuple(faults), macs=macs, ratio=ratio, warnings=said
    )  # fmt: skip


def wrong(report: Report, macs: int, functions: int) -> list[str]:
    """Return what a report says wrongly of a network's multiply-accumulates."""
    found: list[str] = []
    totals = report.totals
    if functions != macs:
        found.append(f"unsure: by operators {macs:,}, by functions {functions:,}")
    if totals.macs != macs:
        found.append(f"MACs: {totals.macs}, in truth {macs}")
    if totals.complete != (totals.macs == macs):
        found.append(f"complete: {totals.complete}")
    return found


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    """Return a result and the seconds of the processor's that it took."""
    start = time.process_time()
    result = run()
    return result, time.process_time() - start


def judge_apart(stranger: Stranger, verb: str) -> Verdict:
    """Judge a network in a process of its own: a crash, a hang or a leak costs it alone."""
    context = get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(stranger, verb, there))
    process.start()
    there.close()
    try:
        if here.poll(SECONDS):
            return here.recv()  # type: ignore[no-any-return]
        fault = f"error: no answer in {SECONDS} s"
    except EOFError:
        process.join()
        fault = f"error: the process died, code {process.exitcode}"
    finally:
        process.kill()
        process.join()
    return Verdict(name=stranger.name, faults=(fault,))


def _child(stranger: Stranger, verb: str, pipe: Connection) -> None:
    if "STRANGERS_LOG" not in os.environ:
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    warnings.simplefilter("ignore")
    gc.freeze()  # else collecting the packages' own objects falls into whatever is timed then
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    torch.set_num_threads(1)
    torch.manual_seed(0)
    pipe.send(judge(stranger, verb))
