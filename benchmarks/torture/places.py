"""Files as they are in the wild: full disks, kills, links, pipes, devices, names, rights.

What is written is written whole or not at all, what is read is read or refused in a line, and no
other file is touched. Each command runs in a forked process of its own, without rights of root.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import resource
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from found import Tally

from archscope import cli

NOBODY = 65534
"""A user that owns nothing, as Linux numbers it."""
OLD = "it stood here before\n"
PATIENCE = 600.0
BLOCKED = 5.0
"""Seconds after which a command that waits for the other end of a pipe is interrupted."""
NETWORK = ("cnn", "--depth", "1", "--channels", "4", "--input-size", "8")
WRITERS: dict[str, tuple[str, ...]] = {
    "json": ("params", *NETWORK, "-f", "json", "-o", "{}"),
    "table": ("params", *NETWORK, "-f", "table", "-o", "{}"),
    "csv": ("rf", *NETWORK, "-f", "csv", "-o", "{}"),
    "page": ("rf", *NETWORK, "-f", "html", "-o", "{}"),
    "report": ("report", "saved.json", "-o", "{}.html"),
    "report beside": ("report", "saved.json", "--assets", "directory", "-o", "{}.html"),
    "lock": ("lock", "-o", "{}"),
    "junit": ("check", "-f", "junit", "-o", "{}"),
    "plan": ("plan", "gpt2", "-f", "md", "-o", "{}"),
    "store": ("sweep", *NETWORK[:1], "--depth", "1,2", "--input-size", "8", "--store", "{}"),
    "parquet": ("sweep", *NETWORK[:1], "--depth", "1,2", "--input-size", "8", "--parquet", "{}"),
}
"""Commands that write a file, which stands for `{}`."""
READERS: dict[str, tuple[str, ...]] = {
    "report": ("report", "{}.json", "-o", "-"),
    "compare": ("compare", "{}.json", "saved.json"),
    "check": ("check", "-c", "{}"),
    "config": ("--config", "{}", "params", *NETWORK),
    "lock": ("check", "--lock", "{}"),
    "show": ("sweep", "--show", "{}"),
    "facts": ("facts", "{}.toml"),
    "inputs": ("params", "net.py:Small", "--inputs", "{}.py:batch"),
    "python": ("params", "{}.py:Small"),
    "weights": ("params", "{}.pt"),
    "safetensors": ("params", "{}.safetensors"),
    "gguf": ("params", "{}.gguf"),
    "onnx": ("params", "{}.onnx"),
    "export": ("params", "{}.pt2"),
    "folder": ("params", "./{}"),
}
"""Commands that read a file, which stands for `{}`."""


@dataclass(frozen=True)
class Ran:
    """How a process ended."""

    code: int | None
    """Its exit code; less than zero: a signal; None: it went on too long."""
    out: bytes
    err: str

    def problems(self, codes: Sequence[int] = (0, 1, 2, 3)) -> Iterator[str]:
        """Yield what is wrong of it by itself."""
        if self.code not in codes:
            yield "it went on too long" if self.code is None else f"exit code {self.code}"
        if "Traceback" in self.err or ("--debug shows" in self.err and "forward" not in self.err):
            yield self.err.strip()[-300:]
        errors = [line for line in self.err.splitlines() if line.startswith("Error: ")]
        if self.code in (1, 2) and len(errors) != 1:
            yield f"{len(errors)} errors: {self.err[:200]!r}"


class Running:
    """A command in a forked process."""

    def __init__(self, command: Sequence[str], prepare: Callable[[], object] | None = None) -> None:
        self._out = tempfile.TemporaryFile()  # noqa: SIM115 (it is closed when the end is waited for)
        self._err, theirs = os.pipe()  # a file of the process may be allowed no byte
        self.process = os.fork()
        if not self.process:
            try:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(self._out.fileno(), 1)
                os.dup2(theirs, 2)
                signal.signal(signal.SIGINT, signal.default_int_handler)
                if prepare:
                    prepare()
                os._exit(_main(command))
            finally:
                os._exit(99)
        os.close(theirs)
        os.set_blocking(self._err, False)
        self._said = b""

    def ended(self, patience: float = PATIENCE) -> Ran:
        """Wait for its end; one that goes on too long is ended."""
        until, code = time.monotonic() + patience, None
        pause = 0.001
        while time.monotonic() < until:
            self._hear()
            number, status = os.waitpid(self.process, os.WNOHANG)
            if number:
                code = os.waitstatus_to_exitcode(status)
                break
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)
        else:
            self.kill()
            os.waitpid(self.process, 0)
        self._out.seek(0)
        self._hear()
        os.close(self._err)
        with self._out:
            return Ran(code, self._out.read(), self._said.decode(errors="replace"))

    def _hear(self) -> None:
        """Take what is said so far: a pipe that is full would hold it up."""
        with contextlib.suppress(BlockingIOError):
            while more := os.read(self._err, 1 << 16):
                self._said += more

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send it a signal, if it is there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, number)


def _main(command: Sequence[str]) -> int:
    """Run a command line in this process, which is a fork, and return its exit code."""
    import sys
    import traceback

    sys.stdout = os.fdopen(1, "w")
    sys.stderr = os.fdopen(2, "w")
    try:
        cli.main(list(command))
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    except BaseException:
        traceback.print_exc()
        code = 98
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    return code


def as_nobody() -> None:
    """Give up the rights of root, which no file withstands."""
    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def imported(folder: Path) -> None:
    """Import what all these commands need, by running each once: nobody may not read it later."""
    with _room(folder) as room:
        (room / "x").write_text("{}")
        for command in (*WRITERS.values(), *READERS.values()):
            words = [word.replace("{}", str(room / "x")) for word in command]
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
                contextlib.suppress(SystemExit),
                contextlib.chdir(room),
            ):
                cli.main(words)


Target = Callable[[Path, bytes], object]


def _linked(path: Path, text: bytes) -> None:
    path.with_name("far").mkdir()
    (path.with_name("far") / "real").write_bytes(text)
    path.symlink_to("far/real")


def _hard(path: Path, text: bytes) -> None:
    path.with_name("twin").write_bytes(text)
    path.hardlink_to(path.with_name("twin"))


def _ring(path: Path, text: bytes) -> None:
    path.with_name("ring").symlink_to(path.name)
    path.symlink_to("ring")


def _of_mode(mode: int) -> Target:
    def made(path: Path, text: bytes) -> None:
        path.write_bytes(text)
        path.chmod(mode)

    return made


def _shut(path: Path, text: bytes) -> None:
    """Make a folder that takes no new files, and a file in it that may be written to."""
    path.write_bytes(text)
    path.parent.chmod(0o555)


def _locked_up(path: Path, text: bytes) -> None:
    """Make a folder that may not be looked into."""
    path.write_bytes(text)
    path.parent.chmod(0)


def _socket(path: Path, text: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(path.parent):
        made.bind(path.name)  # the address of a socket is short


def _leads(target: str) -> Target:
    return lambda path, text: path.symlink_to(target)


def _holds(data: bytes) -> Target:
    return lambda path, text: path.write_bytes(data)


KINDS: dict[str, Target] = {
    "nothing": lambda path, text: None,
    "a file": lambda path, text: path.write_bytes(text),
    "a link": _linked,
    "a hard link": _hard,
    "a read-only file": _of_mode(0o444),
    "a file in a read-only folder": _shut,
    "an unreadable file": _of_mode(0),
    "a file in a folder that is shut": _locked_up,
    "an empty file": _holds(b""),
    "zeros": _holds(bytes(100_000)),
    "no text": _holds(b"\xff\xfe\x00\xd8" * 100),
    "brackets": _holds(b"[" * 200_000),
    "a sparse terabyte": lambda path, text: (path.touch(), os.truncate(path, 1 << 40)),
    "a link that leads nowhere": _leads("nowhere"),
    "a link into no folder": _leads("no/where"),
    "a link to itself": lambda path, text: path.symlink_to(path.name),
    "links in a ring": _ring,
    "a link to a folder": _leads("."),
    "a folder": lambda path, text: path.mkdir(),
    "a pipe": lambda path, text: os.mkfifo(path),
    "a socket": _socket,
    **{device: _leads(device) for device in (
        "/dev/null", "/dev/full", "/dev/zero", "/dev/urandom", "/dev/tty", "/proc/self/mem"
    )},
}  # fmt: skip
"""What may stand where a file is named."""
SHUT = frozenset(("a file in a read-only folder",))
READABLE = SHUT | {"a file", "a link", "a hard link", "a read-only file"}
"""From where a good file can be read."""
WRITABLE = READABLE - {"a read-only file"} | {
    *("nothing", "an empty file", "zeros", "no text", "brackets", "a link that leads nowhere"),
    "/dev/null",
}
"""To where a result can be written."""
SOURCES = {"json": "saved.json", "": "archscope.toml", "toml": "facts.toml", "py": "net.py",
           "pt": "weights.pt"}  # fmt: skip
"""What a reader finds in a good file, by how its name ends."""
NAMES = {
    "plain": b"x",
    "spaces": b" x  y ",
    "a new line": b"x\ny",
    "an escape": b"x\x1b[31m",
    "turned around": "x\u202ey".encode(),
    "no UTF-8": b"x\xff\xfe",
    "as long as may be": b"n" * 240,
    "too long": b"n" * 256,
    "a dash": b"-x",
    "quotes": b"'\"<script>`$(id)",
    "a path too long": b"d/" * 2100 + b"x",
    "a slash behind": b"x/",
    "through a file": b"saved.json/x",
    "a percent": b"%s%n{0}",
}
"""What a file may be called."""


def links(count: int, seed: int, folder: Path) -> Tally:
    """Try every kind of place with every command that writes or reads one."""
    tally = Tally("links")
    tasks = [(commands, kind, name) for commands in (WRITERS, READERS)
             for kind in KINDS for name in commands]  # fmt: skip
    random.Random(seed).shuffle(tasks)
    for commands, kind, name in tasks[:count]:
        problems, end = _at(kind, commands[name], folder, writes=commands is WRITERS)
        tally.add(f"{name} at {kind}", problems, end)
    return tally


def _at(kind: str, command: Sequence[str], folder: Path, *, writes: bool) -> tuple[list[str], str]:
    with _room(folder) as room:
        ending = next((word[3:] for word in command if word.startswith("{}.")), "").partition(":")[
            0
        ]
        path = room / "inner" / (f"x.{ending}" if ending else "x")
        source = SOURCES.get(ending) if not writes else None
        KINDS[kind](path, (folder / source).read_bytes() if source else OLD.encode())
        _give_away(room)
        before = _seen(room)
        words = [each.replace("{}", str(path)[: -len(ending) - 1] if ending else str(path))
                 for each in command]  # fmt: skip
        words = [word.replace(f"./{path}", str(path)) for word in words]
        running = Running(words, lambda: (_bounded(), os.chdir(room), as_nobody()))
        ran = running.ended(BLOCKED if kind == "a pipe" else PATIENCE)
        waits = kind in ("a pipe", "/dev/tty") and ran.code is None
        problems = [] if waits else list(ran.problems())
        problems += _harmed(room, before, path, ran, writes=writes)
        fits = WRITABLE if writes else READABLE
        own = command[0] not in ("sweep", "params") or (writes and "--store" not in command)
        own &= "pyarrow" not in ran.err and not (kind in SHUT and "directory" in command)
        if kind in fits and own and source != "archscope.toml" and ran.code not in (0, 3):
            problems.append(f"refused: {ran.err[:200]!r}")
        return problems, "waited" if waits else f"x {ran.code}"


def _bounded() -> None:
    """Let no command take the whole machine: what reads without end is to notice."""
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))


def _harmed(room: Path, before: dict[str, str], path: Path, ran: Ran, *, writes: bool) -> list[str]:
    """Return what was changed that should not have been."""
    after, name = _seen(room), str(path.relative_to(room))
    allowed = {name, "inner/far/real", "inner/twin", "inner/nowhere", "inner/plotly.min.js"}
    allowed |= {f"{name}-wal", f"{name}-shm", f"{name}-journal"}
    found = []
    for each in sorted({*before, *after}):
        if before.get(each) == after.get(each):
            continue
        if not writes or each not in allowed:
            found.append(f"{each} was {before.get(each)!r}, is {after.get(each)!r}"[:200])
        elif ran.code in (1, 2) and before.get(each) is not None:
            found.append(f"it fails, and {each} is no longer as it was")
    if before.get(name, "").startswith("link") and after.get(name) != before[name]:
        found.append("the link is gone")
    return found


def _seen(room: Path) -> dict[str, str]:
    """Return what lies in a folder: kinds, targets of links, what files hold."""
    found = {}
    for place, folders, files in os.walk(room):
        for each in (*folders, *files):
            path = Path(place, each)
            if path.suffix == ".pyc" or path.name == "__pycache__":
                continue
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                said = f"link to {os.readlink(path)}"
            elif stat.S_ISREG(mode):
                with path.open("rb") as file:
                    said = f"{path.stat().st_size} bytes, {hash(file.read(1 << 20))}"
            else:
                said = f"kind {stat.S_IFMT(mode)}"
            found[str(path.relative_to(room))] = said
    return found


def _give_away(room: Path) -> None:
    """Make all in a folder nobody's, where this is root."""
    if os.geteuid() == 0:
        for place, folders, files in os.walk(room):
            for each in (".", *folders, *files):
                os.chown(Path(place, each), NOBODY, NOBODY, follow_symlinks=False)


@contextlib.contextmanager
def _room(folder: Path) -> Iterator[Path]:
    """Yield a folder that belongs to nobody, with what commands name."""
    import shutil

    room = Path(tempfile.mkdtemp(dir=folder))
    (room / "inner").mkdir()
    for name in ("saved.json", "net.py", "archscope.toml"):
        shutil.copy(folder / name, room / name)
    _give_away(room)
    try:
        yield room
    finally:
        (room / "inner").chmod(0o755)
        shutil.rmtree(room, ignore_errors=True)


def names(count: int, seed: int, folder: Path) -> Tally:
    """Try every name with every command that writes or reads a file of it."""
    tally = Tally("names")
    tasks = [(commands, name, called) for commands in (WRITERS, READERS)
             for name in commands for called in NAMES]  # fmt: skip
    random.Random(seed).shuffle(tasks)
    for commands, name, called in tasks[:count]:
        with _room(folder) as room:
            path = os.fsdecode(NAMES[called])
            words = [word.replace("{}", path) for word in commands[name]]
            ran = Running(words, lambda: (os.chdir(room), as_nobody())).ended()
            problems = list(ran.problems())
            problems += _unsafe(ran)
            left = [each for each in os.listdir(room) if each.startswith(".")]
            tally.add(f"{name} {called}", [*problems, *map(repr, left)], f"x {ran.code}")
    return tally


def _unsafe(ran: Ran) -> Iterator[str]:
    import judged

    found = judged.control(ran.err)
    if found:
        yield f"stderr has {found.group()!r}"


def disks(count: int, seed: int, folder: Path) -> Tally:
    """Write to disks that are full before it is done: a small file system, else a limit of size."""
    tally, chance = Tally("disks"), random.Random(seed)
    with _small_disk(folder) as disk:
        for number in range(count):
            name = chance.choice(sorted(WRITERS))
            if disk is None or number % 3 == 0:
                size = chance.choice((0, 1, 100, 4096, 50_000, 1_000_000, 3_000_000))
                problems, end = _limited(WRITERS[name], size, folder)
                tally.add(f"{name} of at most {size:,} bytes", problems, end)
            else:
                size = chance.choice((0, 1, 2, 10, 100, 400)) << 12
                problems, end = _on_full(WRITERS[name], size, disk, folder)
                tally.add(f"{name} with {size:,} bytes left", problems, end)
    return tally


def _limited(command: Sequence[str], size: int, folder: Path) -> tuple[list[str], str]:
    def prepare() -> None:
        os.chdir(room)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    with _room(folder) as room:
        return _written(command, room, room / "inner", prepare)


def _on_full(command: Sequence[str], size: int, disk: Path, folder: Path) -> tuple[list[str], str]:
    with _room(folder) as room:
        inner = disk / "inner"
        inner.mkdir()
        try:
            with (disk / "ballast").open("wb") as ballast:
                room_left = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
                with contextlib.suppress(OSError):
                    for _ in range(max(room_left - size - 8192, 0) >> 12):
                        ballast.write(bytes(4096))
                    ballast.flush()
            return _written(command, room, inner, lambda: os.chdir(room))
        finally:
            subprocess.run(["rm", "-rf", inner, disk / "ballast"], check=True)


def _written(
    command: Sequence[str], room: Path, inner: Path, prepare: Callable[[], object]
) -> tuple[list[str], str]:
    """Write over an old file where there is not enough room: it is whole, the old or the new."""
    is_page = any(".html" in word for word in command)
    path = inner / ("x.html" if is_page else "x")
    with contextlib.suppress(OSError):
        if "--store" not in command:
            path.write_text(OLD)
    held = path.read_text() if path.exists() else None
    words = [word.replace("{}", str(inner / "x")) for word in command]
    ran = Running(words, prepare).ended()
    problems = list(ran.problems())
    if ran.code and ran.code != 3 and held is not None:
        now = path.read_text(errors="replace") if path.exists() else None
        if now != held:
            problems.append(f"the old file holds {now if now is None else now[:60]!r}")
    left = sorted({each.name for each in inner.iterdir()} - {path.name, "plotly.min.js"})
    problems += [f"{each} is left" for each in left if not each.startswith(("x-", "x."))]
    return problems, f"x {ran.code}"


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    """Yield a file system of four megabytes; None where none can be mounted."""
    place = folder / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(place)], capture_output=True
    )
    if mounted.returncode:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def kills(count: int, seed: int, folder: Path) -> Tally:
    """Kill commands at random moments while they write: the old file is whole, or the new one."""
    tally, chance = Tally("kills"), random.Random(seed)
    names = [name for name in WRITERS if name not in ("store", "parquet")]
    wholes, took = {}, {}
    for number in range(count):
        name = names[number % len(names)]
        command = WRITERS[name]
        if name not in wholes:
            wholes[name], took[name] = _whole(command, folder)
        number_of = signal.SIGKILL if chance.random() < 0.7 else signal.SIGTERM
        problems, end = _killed(
            command, chance.random() * took[name], number_of, wholes[name], folder
        )
        tally.add(f"{name} by {number_of.name}", problems, end)
    return tally


def _whole(command: Sequence[str], folder: Path) -> tuple[int, float]:
    """Return the size of what a command writes, and how long that takes."""
    with _room(folder) as room:
        start = time.monotonic()
        words = [word.replace("{}", "inner/x") for word in command]
        Running(words, lambda: os.chdir(room)).ended()
        took = time.monotonic() - start
        path = room / "inner" / ("x.html" if any(".html" in word for word in words) else "x")
        return path.stat().st_size, took


def _killed(
    command: Sequence[str], after: float, number: int, whole: int, folder: Path
) -> tuple[list[str], str]:
    with _room(folder) as room:
        words = [word.replace("{}", "inner/x") for word in command]
        path = room / "inner" / ("x.html" if any(".html" in word for word in words) else "x")
        path.write_text(OLD)
        running = Running(words, lambda: os.chdir(room))
        time.sleep(after)
        running.kill(number)
        ran = running.ended()
        size = path.stat().st_size
        is_old = path.read_text(errors="replace") == OLD
        # What is said of the time and the machine is not always as long.
        problems = [] if is_old or abs(size - whole) < 200 else [f"{size:,} bytes of {whole:,}"]
        left = [each.name for each in path.parent.iterdir() if each != path]
        temporary = (f".{path.name}.", ".plotly.min.js.")
        strange = [each for each in left if not each.startswith(temporary)]
        problems += [f"{each} is left" for each in strange if each != "plotly.min.js"]
        end = "killed" if ran.code in (-9, -15) else f"x {ran.code}"
        return problems, f"{end}, the {'old' if is_old else 'new'} file"
