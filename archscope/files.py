"""Files are written whole or not at all: an old one stays until the new one is complete.

Text that others wrote is read up to a size: a device has no end, and a file may have holes.

A link keeps its target. What a new file cannot stand in for is written through: a pipe, a device,
a file of another owner, of several names, or in a folder that takes no new ones.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from contextlib import suppress
from pathlib import Path

from archscope.errors import OutputError, UsageError

LARGEST = 16 << 20
"""Bytes of a text that people write, e.g. a configuration."""
_LINKS = 40
"""Links that are followed from one to the next, as Linux follows them."""
_STAYS = {errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES}
"""Why a file cannot be renamed over another that can be written to: it is mounted, for one."""


def at_home(text: str) -> Path:
    """Return the path that somebody typed, `~` as their folder; of no user, as it stands."""
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:  # `~~`, or no home is known
        return path


def read_text(path: Path, *, largest: int = LARGEST) -> str:
    """Return the text in UTF-8 that a file or a pipe holds.

    Raises `OSError` also where it has more than so many bytes, `UnicodeDecodeError` for other text.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = b"" if size > largest else file.read(largest + 1)
    if max(size, len(data)) > largest:
        raise OSError(errno.EFBIG, f"it has more than {largest >> 20} MiB")
    return data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def check_target(target: Path) -> None:
    """Raise `UsageError` before any work where no file can be written at `target`."""
    try:
        _check(target)
    except (OSError, ValueError) as error:  # a name too long, links in a ring, a NUL in it
        raise UsageError(f"{_shown(target)} names no file: {_reason(error)}") from None


def _check(target: Path) -> None:
    descriptor = _own_descriptor(target)
    if descriptor is not None:
        os.write(descriptor, b"")  # raises where it is not open, or to be read alone
        return
    if target.is_dir():
        raise UsageError(
            f"'{target}' is a directory; give a file, e.g. -o {target / 'result.json'}"
        )
    place = Path(os.path.realpath(target))
    with suppress(FileNotFoundError, NotADirectoryError):
        os.stat(place)
        if not os.access(place, os.W_OK):
            raise UsageError(f"'{target}' cannot be written to")
        return
    # A link that leads nowhere makes the file that it names.
    folder = place.parent if target.is_symlink() else target.parent
    if not folder.is_dir():
        raise UsageError(f"directory '{folder}' does not exist")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"directory '{folder}' cannot be written to")


def write_whole(target: Path, content: str | bytes) -> int:
    """Write `content` to `target` and return its bytes; on any error a file stays as it was."""
    # A lone surrogate is in no text of UTF-8; its escape is what JSON writes for it too.
    data = (
        content.encode("utf-8", errors="backslashreplace") if isinstance(content, str) else content
    )
    try:
        _write(target, data)
    except (OSError, ValueError) as error:
        raise OutputError(f"'{target}' cannot be written: {_reason(error)}") from None
    return len(data)


def _write(target: Path, data: bytes) -> None:
    descriptor = _own_descriptor(target)
    if descriptor is not None:
        _write_through(os.dup(descriptor), data)
        return
    place = Path(os.path.realpath(target))
    old = place.stat() if place.exists() else None
    if old is not None and not stat.S_ISREG(old.st_mode):
        _write_through(os.open(place, os.O_WRONLY), data)
        return
    try:
        if old is None or _can_be_replaced(place, old):
            _replace(place, data, old)
        else:
            _overwrite(place, data)
    except OSError as error:
        if old is None:
            raise
        raise OutputError(
            f"'{target}' cannot be written: {_reason(error)}; it is as it was"
        ) from None


def _can_be_replaced(place: Path, old: os.stat_result) -> bool:
    """Return whether a new file in a file's place is the same to all who know it."""
    is_own = old.st_uid == getattr(os, "geteuid", lambda: old.st_uid)()
    return is_own and old.st_nlink == 1 and os.access(place.parent, os.W_OK)


def _replace(place: Path, data: bytes, old: os.stat_result | None) -> None:
    """Write beside a file, then rename over it."""
    import shutil
    import tempfile

    handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name[:60]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            if old is None:
                umask = os.umask(0)
                os.umask(umask)
                os.chmod(temporary, 0o666 & ~umask)
            else:
                shutil.copystat(place, temporary)  # before it is written, which dates it anew
                if old.st_gid != os.stat(temporary).st_gid:
                    os.chown(temporary, -1, old.st_gid)
            file.write(data)
        os.replace(temporary, place)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if old is None or not isinstance(error, OSError) or error.errno not in _STAYS:
            raise
        _overwrite(place, data)


def _overwrite(place: Path, data: bytes) -> None:
    """Write into a file that stays; where that fails, what it held is written back."""
    with place.open("r+b", buffering=0) as file:
        held = file.read()
        try:
            _fill(file.fileno(), data)
        except BaseException:
            _fill(file.fileno(), held)
            raise


def _fill(descriptor: int, data: bytes) -> None:
    """Make a file hold `data`; the room that it has is given up last."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    _send(descriptor, data)
    os.ftruncate(descriptor, len(data))


def _write_through(descriptor: int, data: bytes) -> None:
    """Write to what is read elsewhere, or kept nowhere, and close it."""
    if sys.stdout is not None:
        sys.stdout.flush()  # what was said before stays before
    try:
        _send(descriptor, data)
    finally:
        os.close(descriptor)


def _send(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _own_descriptor(target: Path) -> int | None:
    """Return which open file of this program a path names: 1 for `/dev/stdout`, 3 for `/dev/fd/3`.

    Such a file is written to where it stands; opened anew, what it holds would be lost, and a
    socket cannot be.
    """
    path = target
    for _ in range(_LINKS):
        folder = os.path.realpath(path.parent)
        known = re.fullmatch(rf"/dev/fd|/proc/{os.getpid()}(/task/\d+)?/fd", folder)
        if known and path.name.isdecimal():
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / os.readlink(path)
    return None


def _reason(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error)


def _shown(target: Path) -> str:
    text = str(target)
    return f"'{text}'" if len(text) <= 100 else f"'{text[:99]}…'"
