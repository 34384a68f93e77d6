"""Runs a command line: every error becomes one line and an exit code here."""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import click

from archscope.cli._group import group
from archscope.errors import ArchscopeError, ArchscopeWarning, ForwardError, SpecError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells give it."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 ok, 1 failed, 2 bad usage, 3 threshold crossed, 130 Ctrl-C.

    `--debug`, anywhere, shows the traceback of an error instead of one line.
    """
    if argv is None:  # the program itself: what is imported by now stays, and is searched no more
        gc.freeze()
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:  # a name that the terminal cannot show must not end the program
            reconfigure(errors="replace")
    sys.exit(_run(arguments, debug=debug))


def _run(arguments: list[str], *, debug: bool) -> int:
    with warnings.catch_warnings():
        warnings.showwarning = _in_a_line(warnings.showwarning)
        return _code(arguments, debug=debug)


def _in_a_line(usual: Callable[..., None]) -> Callable[..., None]:
    """Return what shows our own warnings as errors are shown, and all others as usual."""

    def show(message: Warning | str, category: type[Warning], *where: Any) -> None:
        if issubclass(category, ArchscopeWarning):
            _say(f"Warning: {message}")
        else:
            usual(message, category, *where)

    return show


def _code(arguments: list[str], *, debug: bool) -> int:
    try:
        code = group.main(arguments, prog_name="archscope", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, click.exceptions.Abort):
        _say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone, e.g. `| head`. Python would complain once more at its own exit.
        sys.stdout = None
        return 1
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        if debug:
            raise
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            error.show()
        else:
            _say(f"Error: {error.format_message()}")
        return error.exit_code
    except ArchscopeError as error:
        if debug:
            raise
        _say(f"Error: {_message(error)}")
        return error.exit_code


def _message(error: ArchscopeError) -> str:
    if isinstance(error, SpecError):
        from archscope.specs import flag_of

        flag = flag_of(error.field)
        return f"Invalid value for '{flag}': {error.describe(flag_of)}"
    if not isinstance(error, ForwardError):
        return str(error)
    return f"{str(error).rstrip('.')}. --debug shows the traceback."


def _say(message: str) -> None:
    from archscope.labels import safe_label

    click.echo(safe_label(message), err=True)
