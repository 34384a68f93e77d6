"""One tool on every case, each in a process of its own with a time limit: lines of JSON.

    python worker.py counts|fields TOOL ENVIRONMENT SECONDS

It is started by the scoreboard, with the Python of the environment of the tools.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import field_networks
import torch
from cases import Case, cases
from counters import COUNTERS, Counter, asked
from fields import SEERS, judged, truth
from harm import changed, state
from torch import nn


def answered(counter: Counter, case: Case) -> dict[str, Any]:
    """Return what a counter says of a case, what that took and what it left changed."""
    if not counter.forks:
        _imported(counter)
    torch.manual_seed(0)
    model = case.build()
    args, kwargs = case.inputs()
    before = state(model)
    _reset_peak()
    memory, start = _memory("VmRSS"), _spent()
    try:
        told = asked(counter, model, args, kwargs)
        answer: dict[str, Any] = {
            "macs": None if told.macs is None else float(told.macs),
            "params": told.params,
            "unknown": [str(each) for each in told.unknown][:20],
        }
    except BaseException as error:  # whatever a counter raises is its answer
        answer = {"crash": f"{type(error).__name__}: {error}"[:200]}
    answer["seconds"] = _spent() - start
    answer["bytes"] = max(_memory("VmHWM") - memory, 0)
    answer["harm"] = changed(before, state(model))
    return answer


def _spent() -> float:
    """Return the seconds of processors that this process and its children took."""
    each = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in each)


def _memory(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(key))


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def apart(work: Callable[[], dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Return what work answers in a forked process; a crash where it dies or takes too long."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os.close(reads)
        with os.fdopen(writes, "w") as pipe:
            pipe.write(json.dumps(work()))
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as pipe:
        in_time = bool(select.select([pipe], [], [], seconds)[0])
        text = pipe.read() if in_time else ""
    if not in_time:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if text:
        found: dict[str, Any] = json.loads(text)
        return found
    died = f"died of signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "ended"
    crash = died if in_time else f"took more than {seconds:g} s"
    return {"crash": crash, "seconds": seconds, "bytes": 0, "harm": []}


def answers(name: str, environment: str, seconds: float) -> Iterator[dict[str, Any]]:
    """Yield the answer of a counter to each case; one that is not installed answers none."""
    counter = COUNTERS[name]
    if counter.target:
        sys.path.insert(0, str(Path(environment) / counter.target))
    try:
        if counter.forks:
            _imported(counter)
    except ImportError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return
    for case in cases():
        yield {"case": case.name, **apart(partial(answered, counter, case), seconds)}


def _imported(counter: Counter) -> None:
    """Import what a counter needs once, so that no case's time has it."""
    try:
        asked(counter, nn.Linear(2, 2), (torch.zeros(1, 2),), {})
    except ImportError:
        raise
    except Exception:
        return  # what it cannot count is seen case by case


def seen(name: str, seconds: float) -> Iterator[dict[str, Any]]:
    """Yield what a tool tells of each receptive field."""
    for case_name, case in field_networks.CASES.items():
        work = partial(_seen, SEERS[name], case)
        yield {"case": case_name, **apart(work, seconds)}


def _seen(tool: Callable[[field_networks.Case], Any], case: field_networks.Case) -> dict[str, Any]:
    torch.manual_seed(0)
    start = _spent()
    try:
        kind = judged(tool(case), truth(case))
        return {"kind": kind, "seconds": _spent() - start}
    except Exception as error:
        return {"crash": f"{type(error).__name__}: {error}"[:200], "seconds": 0.0}


def main() -> None:
    """Print one line of JSON for each case."""
    kind, name, environment, seconds = sys.argv[1:5]
    torch.set_num_threads(1)
    limit = float(seconds)
    for answer in answers(name, environment, limit) if kind == "counts" else seen(name, limit):
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
