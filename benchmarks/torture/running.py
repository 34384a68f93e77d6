"""Runs command lines in forked processes with a time limit, and says what is wrong of each.

A process runs many, one after the other: a start costs more than most of them. All that they share
with the next is what a command has to leave as it was, which is looked at after each.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import json
import os
import resource
import select
import signal
import stat
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import judged
from judged import Ended

SECONDS = 180.0
"""Of the processor, for one command: a proof by running takes 120 s at most."""
WAITS = 10.0
"""How many times as long it may take by the clock, on a machine that does other things too."""
TOGETHER = 500
"""Command lines that share a process."""
MOST_BYTES = 12 << 30
"""Addresses that a process may take: what would end the machine ends a command."""
_GIVEN_BACK = 1 << 28
"""Bytes that a process has taken, from which on it gives back to the system what is free."""
CODES = (0, 1, 2, 3, 130)


@dataclass(frozen=True)
class Trial:
    """One thing that is tried."""

    command: tuple[str, ...]
    """The command line, without the program."""
    about: str = ""
    """Its number, or what was done to a file before, where that is what is tried."""
    before: Callable[[], object] | None = None
    """What is done before, e.g. a file written."""
    codes: tuple[int, ...] = CODES
    """Exit codes that are right."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What is set for it."""


@dataclass(frozen=True)
class Outcome:
    """What came of a trial."""

    trial: Trial
    code: int | None
    """The exit code; None: the process died or took too long."""
    problems: tuple[str, ...]
    """What is wrong of it; empty: nothing."""
    seconds: float
    """Of the processor."""
    said: str = ""
    """The first line of stderr."""


def outcomes(trials: Iterator[Trial], folder: str) -> Iterator[Outcome]:
    """Yield what comes of each trial, run in a folder."""
    left: list[Trial] = []
    while left or (left := list(islice(trials, TOGETHER))):
        done = 0
        for outcome in _together(left, folder):
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
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb", buffering=0) as pipe:
        lines = _Lines(pipe, child)
        for trial in trials:
            line = lines.next()
            if line:
                found: dict[str, Any] = json.loads(line)
                yield Outcome(
                    trial, found["code"], tuple(found["problems"]), found["seconds"], found["said"]
                )
                continue
            said = "the process died" if lines.ended else "took too long"
            yield Outcome(trial, None, (said,), SECONDS)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _run_all(trials: Sequence[Trial], folder: str, writes: int) -> None:
    os.setpgid(0, 0)
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for trial in trials:
        os.write(writes, json.dumps(ran(trial)).encode() + b"\n")
    os.read(os.pipe()[0], 1)  # it ends when it is killed, and so is heard to the last line


class _Lines:
    """What comes through a pipe, line by line, each waited for as long as its process may take."""

    def __init__(self, pipe: FileIO, process: int) -> None:
        self._pipe, self._process, self._come = pipe, process, b""
        self.ended = False

    def next(self) -> bytes:
        """Return the next line; nothing where it does not end in time or at all."""
        spent, until = self._spent(), time.monotonic() + SECONDS * WAITS
        while b"\n" not in self._come:
            if self._spent() - spent > SECONDS or time.monotonic() > until:
                return b""
            if not select.select([self._pipe], [], [], 1.0)[0]:
                continue
            more = self._pipe.read(1 << 16)
            if not more:
                self.ended = True
                return b""
            self._come += more
        line, _, self._come = self._come.partition(b"\n")
        return line

    def _spent(self) -> float:
        """Return how long a processor worked for the process."""
        try:
            told = Path(f"/proc/{self._process}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # no Linux: the clock alone says
            return 0.0
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


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
    files = Files()
    with _set(trial.environment):
        before, held = _process(), _held()
        start, raised = time.process_time(), ""
        with _Streams() as said:
            try:
                _main.main(list(trial.command))
                code = None
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 0
            except BaseException as error:
                code, raised = None, f"raised {type(error).__name__}: {error}"
            finally:
                _main._unforeseen = usual
        seconds, after = time.process_time() - start, _process()
    taken = _peak() - held
    found = [raised] if raised else []
    ended_ = Ended(
        trial.command,
        code,
        said.out,
        said.err,
        seconds,
        taken,
        files.changed(),
        trial.environment,
    )
    found += judged.problems(ended_, trial.codes)
    found += [f"unforeseen {each}" for each in unforeseen]
    found += [f"a library writes {said.below[:200]!r}"] if said.below else []
    found += [f"{name} is changed" for name, was in before.items() if after[name] != was]
    files.put_back()
    if taken > _GIVEN_BACK:
        _give_back()
    first = said.err.strip().partition("\n")[0][:200]
    return {"code": code, "problems": found, "seconds": seconds, "said": first}


class _Text(io.StringIO):
    """A stream of text that is no terminal."""

    encoding = "utf-8"  # type: ignore[assignment]


class _Streams:
    """Keeps what is written: to Python's streams, and below them to the descriptors."""

    def __enter__(self) -> _Streams:
        self._texts = (_Text(), _Text())
        self._file = tempfile.TemporaryFile()
        self._kept = [os.dup(number) for number in (1, 2)]
        for number in (1, 2):
            os.dup2(self._file.fileno(), number)
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(contextlib.redirect_stdout(self._texts[0]))
        self._stack.enter_context(contextlib.redirect_stderr(self._texts[1]))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        for number, kept in zip((1, 2), self._kept, strict=True):
            os.dup2(kept, number)
            os.close(kept)
        self.out, self.err = (text.getvalue() for text in self._texts)
        self._file.seek(0)
        self.below = self._file.read(1000).decode(errors="replace")
        self._file.close()
        if not self.below.strip():
            self.below = ""


class Files:
    """What lies in the working folder, to see what a command changes and to undo that."""

    _held: ClassVar[dict[str, bytes]] = {}
    """What files hold that were there before, by what tells a changed one apart."""

    def __init__(self) -> None:
        self._before = self._now()
        for name, (key, *mode) in self._before.items():
            if mode and stat.S_ISREG(mode[0]) and key not in self._held:
                self._held[key] = Path(name).read_bytes()

    def changed(self) -> list[str]:
        """Return the files that are other, new or gone."""
        now = self._now()
        return sorted(
            name for name in {*now, *self._before} if now.get(name) != self._before.get(name)
        )

    def put_back(self) -> None:
        """Remove what is new, and write again what was changed."""
        for name in self.changed():
            if name not in self._before:
                path = Path(name)
                if path.is_dir() and not path.is_symlink():
                    import shutil

                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            elif self._before[name][0] in self._held:
                Path(name).write_bytes(self._held[self._before[name][0]])

    def _now(self) -> dict[str, tuple[Any, ...]]:
        found: dict[str, tuple[Any, ...]] = {}
        with os.scandir() as entries:
            for entry in entries:
                if entry.name == "__pycache__":
                    continue
                of = entry.stat(follow_symlinks=False)
                key = f"{entry.name}/{of.st_mtime_ns}/{of.st_size}/{of.st_ino}"
                found[entry.name] = (entry.name,) if entry.is_dir() else (key, of.st_mode)
        return found


@contextlib.contextmanager
def _set(environment: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _held() -> int:
    """Return the memory that the process holds by now, from which its peak counts."""
    _peak()
    try:
        return _told("VmRSS")
    except (OSError, IndexError):
        return 0


def _told(name: str) -> int:
    text = Path("/proc/self/status").read_text()
    return int(text.partition(f"{name}:")[2].split()[0]) << 10


def _peak() -> int:
    """Return the most memory since this was asked last, where the system tells."""
    try:
        most = _told("VmHWM")
        Path("/proc/self/clear_refs").write_text("5")
    except (OSError, IndexError):
        return 0
    return most


def _give_back() -> None:
    """Give back what is free: what one command freed must not be told of the next."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _process() -> dict[str, Any]:
    """Return what a command has to leave as it was."""
    import sys
    import warnings

    import torch

    return {
        "the working folder": os.getcwd(),
        "the environment": dict(os.environ),
        "gradients": torch.is_grad_enabled(),
        "the default type": torch.get_default_dtype(),
        "the default device": torch.get_default_device(),
        "Ctrl-C": signal.getsignal(signal.SIGINT),
        "random numbers": torch.get_rng_state().sum().item(),
        "the depth of calls": sys.getrecursionlimit(),
        "the filters of warnings": len(warnings.filters),
        "the path": list(sys.path),
    }
