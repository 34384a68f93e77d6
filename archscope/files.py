"""Files are written whole or not at all: an old one stays until the new one is complete."""

from __future__ import annotations

import os
from pathlib import Path

from archscope.errors import OutputError, UsageError


def check_target(target: Path) -> None:
    """Raise `UsageError` before any work where no file can be written at `target`."""
    if target.is_dir():
        raise UsageError(
            f"'{target}' is a directory; give a file, e.g. -o {target / 'result.json'}"
        )
    if not target.parent.is_dir():
        raise UsageError(f"directory '{target.parent}' does not exist")
    if not os.access(target.parent, os.W_OK):
        raise UsageError(f"directory '{target.parent}' cannot be written to")


def write_whole(target: Path, text: str) -> None:
    """Write `text` beside `target`, then rename; on any error `target` stays as it was."""
    import shutil
    import tempfile

    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        if target.exists():
            shutil.copymode(target, temporary)
        else:
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        reason = error.strerror or error
        raise OutputError(f"'{target}' cannot be written: {reason}; it is as it was") from None
