"""Runs a command line: every error becomes one line and an exit code here."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from errno import EACCES, ELOOP, ENAMETOOLONG
from typing import Any

import click

from archscope.cli._group import group
from archscope.cli._say import say
from archscope.cli._sources import with_source
from archscope.errors import (
    ArchscopeError,
    ArchscopeWarning,
    ForwardError,
    SpecError,
    ThresholdError,
    UsageError,
    first_line,
)

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells give it."""
_NO_FILE = frozenset((EACCES, ELOOP, ENAMETOOLONG))
"""Why a typed name leads to no file: no permission, a loop of links, too long."""
_LONG_NAME = 200
_COMPLETE = "_ARCHSCOPE_COMPLETE"
"""Set where a shell asks for completions."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 ok, 1 failed, 2 bad usage, 3 threshold crossed, 130 Ctrl-C.

    `--debug`, anywhere, shows the traceback of an error instead of one line.
    """
    if argv is None:  # the program itself: what is imported by now stays, so it need not be scanned
        gc.freeze()
        gc.set_threshold(10_000)  # a short run makes many objects that stay and few cycles
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:  # a name that the terminal cannot show must not end the program
            reconfigure(errors="replace")
    sys.exit(_run(arguments, debug=debug))


def _open_what_is_closed() -> None:
    """Open the streams that a shell closed, e.g. by `>&-`: their numbers would be taken by files.

    What is written to stdout is to fail, not to be lost.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            how = os.O_RDWR if name == "stderr" else os.O_RDONLY
            setattr(sys, name, os.fdopen(os.open(os.devnull, how), mode))


def _run(arguments: list[str], *, debug: bool) -> int:
    with warnings.catch_warnings():
        warnings.showwarning = _in_a_line(warnings.showwarning)
        return _code(arguments, debug=debug)


def _in_a_line(usual: Callable[..., None]) -> Callable[..., None]:
    """Return what shows our own warnings as errors are shown, and all others as usual."""

    def show(message: Warning | str, category: type[Warning], *where: Any) -> None:
        if issubclass(category, ArchscopeWarning):
            say(f"Warning: {message}")
        else:
            usual(message, category, *where)

    return show


def _code(arguments: list[str], *, debug: bool) -> int:
    try:
        _require_texts(arguments)
        code = group.main(arguments, prog_name="archscope", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, click.exceptions.Abort):
        say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone, e.g. `| head`. Python would complain once more at its own exit.
        sys.stdout = None
        return 1
    except click.exceptions.Exit as done:
        return done.exit_code
    except SystemExit:
        raise
    except BaseException as error:  # a forward's may be of a class derived from that
        if _is_of_stdout(error):
            sys.stdout = None  # Python would try once more at its exit
        if debug:
            raise
        return _told(error)


def _told(error: BaseException) -> int:
    """Say an error on stderr and return its exit code."""
    code = error.exit_code if isinstance(error, click.ClickException | ArchscopeError) else 1
    if isinstance(error, click.ClickException | ArchscopeError) and _COMPLETE in os.environ:
        return code  # somebody is typing: what is wrong so far is not an error yet
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
    elif isinstance(error, click.ClickException):
        say(f"Error: {with_source(error)}")
    elif isinstance(error, ArchscopeError):
        said = _message(error)
        # Each crossed limit has a line; in any other message a new line does not end it.
        for line in said.splitlines() if isinstance(error, ThresholdError) else (said,):
            say(f"Error: {line}")
    elif isinstance(error, OSError) and error.errno in _NO_FILE and error.filename:
        name = str(error.filename)
        shown = f"{name[:59]!r}…" if len(name) > _LONG_NAME else repr(name)
        say(f"Error: {shown} cannot be opened: {error.strerror}")
        return UsageError.exit_code
    else:
        say(f"Error: {_stdouts(error) if _is_of_stdout(error) else _unforeseen(error)}")
    return code


def _require_texts(arguments: Sequence[str]) -> None:
    """Raise `UsageError` for what no shell passes and no file is called."""
    for argument in arguments:
        try:
            is_one = b"\0" not in os.fsencode(argument)
        except UnicodeEncodeError:
            is_one = False
        if not is_one:
            raise UsageError(
                f"{argument!r} contains characters that names cannot have; leave them out"
            )


_WRITERS = ("click.", "archscope.cli.")
"""Whose code writes to stdout, and opens no file."""


def _is_of_stdout(error: BaseException) -> bool:
    """Return whether an error came of writing to stdout, e.g. a file on a full disk."""
    trace = error.__traceback__ if isinstance(error, OSError) else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals["__name__"].startswith(_WRITERS)


def _stdouts(error: BaseException) -> str:
    return f"stdout cannot be written: {getattr(error, 'strerror', None) or error}"


def _unforeseen(error: BaseException) -> str:
    """Return one line of what no part of archscope expected."""
    if isinstance(error, RecursionError):
        return f"it is nested too deeply for Python: {error}. --debug shows the traceback."
    return f"{first_line(error).rstrip('.')}. --debug shows the traceback."


def _message(error: ArchscopeError) -> str:
    if isinstance(error, SpecError):
        from archscope.specs import flag_of

        flag = flag_of(error.field)
        where = f" (from {error.said_by})" if error.said_by else ""
        return f"Invalid value for '{flag}'{where}: {error.describe(flag_of)}"
    if not isinstance(error, ForwardError):
        return str(error)
    return f"{str(error).rstrip('.')}. --debug shows the traceback."
