"""Runs command lines in forked processes with a time limit, and says what is wrong of each."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from typing import Any

SECONDS = 30.0
"""How long one command may take."""
TOGETHER = 200
"""Command lines that share a process: a fork each costs more than most of them."""
CODES = (0, 1, 2, 3)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Trial:
    """One thing that is tried."""

    command: tuple[str, ...]
    """The command line, without the program."""
    about: str = ""
    """What was done to a file before, where that is what is tried."""
    before: Callable[[], None] | None = None
    """What is done before, e.g. a file written."""
    codes: tuple[int, ...] = CODES
    """Exit codes that are right."""


@dataclass(frozen=True)
class Outcome:
    """What came of a trial."""

    trial: Trial
    code: int | None
    """The exit code; None: the process died or took too long."""
    problems: tuple[str, ...]
    """What is wrong of it; empty: nothing."""
    seconds: float


def outcomes(trials: Sequence[Trial], folder: str) -> Iterator[Outcome]:
    """Yield what comes of each trial, run in a folder."""
    left = list(trials)
    while left:
        done = 0
        for outcome in _together(left[:TOGETHER], folder):
            done += 1
            yield outcome
        left = left[done:]


def _together(trials: Sequence[Trial], folder: str) -> Iterator[Outcome]:
    """Yield what comes of trials in one process; the last is the one that ends it."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.close(reads)
        try:
            _run_all(trials, folder, writes)
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb", buffering=0) as pipe:
        for trial in trials:
            start = time.perf_counter()
            line = _line(pipe, start + SECONDS)
            if line:
                found: dict[str, Any] = json.loads(line)
                yield Outcome(trial, found["code"], tuple(found["problems"]), found["seconds"])
                continue
            seconds = time.perf_counter() - start
            said = "took too long" if seconds >= SECONDS else "the process died"
            yield Outcome(trial, None, (said,), seconds)
            break
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _run_all(trials: Sequence[Trial], folder: str, writes: int) -> None:
    os.chdir(folder)
    for trial in trials:
        os.write(writes, json.dumps(ran(trial)).encode() + b"\n")
    os.read(os.pipe()[0], 1)  # it ends when it is killed, and so is heard to the last line


def _line(pipe: FileIO, until: float) -> bytes:
    """Return the next line; what has come of it where it does not end in time or at all."""
    found = b""
    while not found.endswith(b"\n"):
        left = until - time.perf_counter()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            return b""
        more = pipe.read(1)
        if not more:
            return b""
        found += more
    return found


def ran(trial: Trial) -> dict[str, Any]:
    """Return what one command line ends with, in this process."""
    from archscope.cli import _main

    unforeseen: list[str] = []

    def noted(error: Exception) -> str:
        unforeseen.append(f"{type(error).__name__}: {error}")
        return usual(error)

    usual, _main._unforeseen = _main._unforeseen, noted
    if trial.before:
        trial.before()
    before = _process()
    out, err = _Text(), _Text()
    start, code = time.perf_counter(), None
    problems = []
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            _main.main(list(trial.command))
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    except BaseException as error:
        problems.append(f"raised {type(error).__name__}: {error}")
    finally:
        _main._unforeseen = usual
    seconds = time.perf_counter() - start
    problems += _problems(trial, code, out.getvalue(), err.getvalue())
    problems += [f"unforeseen {each}" for each in unforeseen]
    problems += [f"{name} is changed" for name, was in before.items() if _process()[name] != was]
    return {"code": code, "problems": problems, "seconds": seconds}


class _Text(io.StringIO):
    """A stream of text that is no terminal."""

    encoding = "utf-8"  # type: ignore[assignment]


def _problems(trial: Trial, code: int | None, out: str, err: str) -> Iterator[str]:
    if code is not None and code not in trial.codes:
        yield f"exit code {code}"
    if "Traceback (most recent" in err and "--debug" not in trial.command:
        yield "a traceback"
    if code and not err.strip() and not out.strip():
        yield "fails without a word"
    if code == 2 and err.count("Error: ") != 1 and "Usage:" not in err:
        yield f"{err.count('Error: ')} errors: {err[:200]!r}"
    for name, text in (("stdout", out), ("stderr", err)):
        found = _CONTROL.search(text.replace("\r\n", "\n"))
        if found:
            yield f"{name} has {found.group()!r}"


def _process() -> dict[str, Any]:
    """Return what a command has to leave as it was."""
    import torch

    return {
        "the working folder": os.getcwd(),
        "the environment": dict(os.environ),
        "gradients": torch.is_grad_enabled(),
        "the default type": torch.get_default_dtype(),
        "the default device": torch.get_default_device(),
        "Ctrl-C": signal.getsignal(signal.SIGINT),
        "random numbers": torch.get_rng_state().sum().item(),
    }
