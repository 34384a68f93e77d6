"""The command line: parse, call, present. One file for each command."""

from archscope.cli._main import main as main

__all__ = ["main"]
